"""The protocol of event stores, and the store in memory."""

from __future__ import annotations

from typing import Final, Protocol

from cstar_async._validation import check_str, validate_count
from cstar_async.webhooks._bounded_set import BoundedSet

BODY_HASH_PREFIX: Final = "sha256:"
"""Beginning of the id that an inbox gives to an event without one: the hash of its body follows."""


class EventStore(Protocol):
    """What an inbox needs of a store. Each method may raise any exception: the inbox then asks cStar to deliver again."""

    @property
    def lease_interval(self) -> float | None:
        """Seconds between two calls of `claim_pending`. None for a store of one process: it is called only at the start.

        A store with an interval is shared: other inboxes may handle the events of one that stopped calling. Such a store must find
        out by itself whether an `add` that raised has stored the event.
        """
        return None

    async def add(self, event_id: str, body: bytes) -> bool:
        """Store an event until it is marked as done. Return False if the store had its id already."""
        ...

    async def mark_done(self, event_id: str) -> None:
        """Mark an event as handled. Its id is kept, its body is deleted."""

    async def claim_pending(self) -> list[tuple[str, bytes]]:
        """Return the id and body of each stored event that no running inbox handles, in the order in which they were added."""
        ...

    async def last_event_id(self) -> str | None:
        """Return the id of the event that was added last, done or not. The event stream continues after it. None: no event.

        Ids that begin with `sha256:` are left out. The inbox makes them for events without an id, and cStar has none of them.
        """

    async def aclose(self) -> None:
        """Release all resources. May be called twice."""


class MemoryStore(EventStore):
    """Keep the ids of events in memory, to drop repeated deliveries.

    Events that are not handled are lost when the process ends; `SqliteStore` keeps them.

    Args:
        max_ids: The number of ids to keep, from 1; the oldest are dropped. Default 100,000, which takes about 20 MB.

    Raises:
        InvalidArgumentError: *max_ids* is out of range.
    """

    def __init__(self, *, max_ids: int = 100_000) -> None:
        self._ids: BoundedSet[str] = BoundedSet(validate_count("max_ids", max_ids, 1))
        self._last_id: str | None = None

    async def add(self, event_id: str, body: bytes) -> bool:  # noqa: ARG002 -- memory ends with the process
        """Keep an id. Return False if it was there already."""
        check_str("event_id", event_id)
        is_new = self._ids.add(event_id)
        if is_new and not event_id.startswith(BODY_HASH_PREFIX):
            self._last_id = event_id
        return is_new

    async def mark_done(self, event_id: str) -> None:
        """Do nothing: the id stays, and no body is kept."""

    async def claim_pending(self) -> list[tuple[str, bytes]]:
        """Return nothing: no event outlives the process."""
        return []

    async def last_event_id(self) -> str | None:
        """Return the id that was added last."""
        return self._last_id

    async def aclose(self) -> None:
        """Do nothing."""
