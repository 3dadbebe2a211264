"""The protocol of event stores, and what they return."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Protocol, runtime_checkable

import attrs

from cstar_async._model.event import WebhookEvent
from cstar_async._model.stored_event import StoredEvent
from cstar_async.webhooks._parsing import parse_event

BODY_HASH_PREFIX: Final = "sha256:"
"""Beginning of the id that an inbox gives to an event without one: the hash of its body follows."""
RETRY_HORIZON: Final = 31 * 3600 + 12 * 60 + 30
"""Seconds over which cStar repeats a delivery (inferred from the documented schedule)."""
DEAD_LETTER_RETENTION: Final = 30 * 24 * 3600
"""Seconds for which a store keeps a dead letter."""


@attrs.frozen(kw_only=True)
class DeadLetter:
    """An event that an inbox gave up, as returned by `WebhookInbox.dead_letters`."""

    id: str
    """The id of the event, or the hash of its body if it has none."""
    body: bytes = attrs.field(repr=False)
    """The JSON text of the event."""
    attempts: int
    """The calls of a handler that failed, or that did not end before their process."""
    error: str
    """The class of the last exception and the line that raised it. Texts that may contain the event are left out."""
    failed_at: datetime
    """The time at which the event was given up."""

    @property
    def event(self) -> WebhookEvent:
        """The event. Raises a `PayloadError` if the body is none, which is then the reason why it was given up."""
        return parse_event(self.body)


@runtime_checkable
class EventStore(Protocol):
    """What an inbox needs of a store.

    An event is pending, done or dead. A store holds the state of each id, and for pending and dead events the body, the number of
    attempts and the time. It must keep them over a restart to lose no event. Ids of done events are kept as long as cStar repeats
    deliveries, dead letters for 30 days.

    Each method is atomic and may raise any exception. A delivery is then requested again, and every other change is repeated until
    it succeeds. So a change that was made before its exception must do no harm when it is made again.
    """

    @property
    def lease_interval(self) -> float | None:
        """Seconds between two calls of `claim_pending`. None for a store of one process: it is called only at the start.

        A store with an interval is shared: other inboxes may handle the events of one that stopped calling. Such a store must find
        out by itself whether an `add` that raised has stored the event.
        """
        return None

    async def add(self, event_id: str, body: bytes) -> bool:
        """Store a pending event without attempts. Return False if the store has its id already, whatever its state."""
        ...

    async def record_attempts(self, event_id: str, attempts: int) -> bool:
        """Set the number of attempts of a pending event. It is called before each call of a handler.

        Return False if the event is not pending, or if another inbox has claimed it: its handlers are then not called.
        """
        ...

    async def mark_done(self, event_id: str) -> None:
        """Mark an event as handled, even if another inbox has given it up meanwhile. Its id is kept, its body is deleted."""

    async def mark_dead(self, event_id: str, error: str) -> None:
        """Mark a pending event as given up, with the description of the exception. Its id, body and attempts are kept."""

    async def claim_pending(self) -> list[StoredEvent]:
        """Return each pending event that no running inbox handles, in the order in which they were added."""
        ...

    async def dead_letters(self) -> list[StoredEvent]:
        """Return the events that were given up, the oldest failure first."""
        ...

    async def requeue_dead_letter(self, event_id: str) -> StoredEvent | None:
        """Make a dead letter a pending event of this inbox without attempts, and return it. None: it is no dead letter."""
        ...

    async def last_event_id(self) -> str | None:
        """Return the id of the event that was added last, whatever its state. The event stream continues after it. None: no event.

        Ids that begin with `sha256:` are left out. The inbox makes them for events without an id, and cStar has none of them.
        """

    async def aclose(self) -> None:
        """Release all resources. May be called twice."""
