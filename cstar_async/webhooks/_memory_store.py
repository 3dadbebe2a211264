"""The event store in memory."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import attrs

from cstar_async._event_loop.clock import Clock, SystemClock
from cstar_async._model.stored_event import StoredEvent
from cstar_async._values.validation import check_instance, check_str, validate_count
from cstar_async.webhooks._bounded_set import BoundedSet
from cstar_async.webhooks._store import BODY_HASH_PREFIX, EventStore

MAX_DEAD_LETTERS: Final = 1000


@attrs.define
class _Entry:
    body: bytes
    since: float
    attempts: int = 0
    error: str | None = None

    def to_stored(self, event_id: str) -> StoredEvent:
        since = datetime.fromtimestamp(self.since, UTC)
        return StoredEvent(id=event_id, body=self.body, attempts=self.attempts, since=since, error=self.error)


class MemoryStore(EventStore):
    """Keep events in memory, to drop repeated deliveries.

    Events that are not handled are lost when the process ends; `SqliteStore` keeps them. The newest 1,000 dead letters are kept.

    Args:
        max_ids: The number of ids to keep, from 1; the oldest are dropped. Default 100,000, which takes about 20 MB.

    Raises:
        InvalidArgumentError: *max_ids* is out of range.
    """

    def __init__(self, *, max_ids: int = 100_000, _clock: Clock | None = None) -> None:
        self._clock: Clock = SystemClock() if _clock is None else _clock
        self._ids: BoundedSet[str] = BoundedSet(validate_count("max_ids", max_ids, 1))
        self._pending: dict[str, _Entry] = {}
        self._dead: dict[str, _Entry] = {}
        self._last_id: str | None = None

    async def add(self, event_id: str, body: bytes) -> bool:
        """Keep an event. Return False if its id was there already."""
        check_str("event_id", event_id)
        check_instance("body", body, bytes, "bytes", is_private=True)
        if event_id in self._pending or event_id in self._dead or not self._ids.add(event_id):
            return False
        self._pending[event_id] = _Entry(body, self._clock.time())
        if not event_id.startswith(BODY_HASH_PREFIX):
            self._last_id = event_id
        return True

    async def record_attempts(self, event_id: str, attempts: int) -> bool:
        """Set the number of attempts. Return False if the event is not pending."""
        check_str("event_id", event_id)
        validate_count("attempts", attempts, 0)
        entry = self._pending.get(event_id)
        if entry is None:
            return False
        entry.attempts = attempts
        return True

    async def mark_done(self, event_id: str) -> None:
        """Drop the event, and keep its id."""
        check_str("event_id", event_id)
        self._pending.pop(event_id, None)
        self._dead.pop(event_id, None)

    async def mark_dead(self, event_id: str, error: str) -> None:
        """Keep a dead letter."""
        check_str("event_id", event_id)
        check_str("error", error)
        entry = self._pending.pop(event_id, None)
        if entry is not None:
            self._dead[event_id] = _Entry(entry.body, self._clock.time(), entry.attempts, error)
            if len(self._dead) > MAX_DEAD_LETTERS:
                del self._dead[next(iter(self._dead))]

    async def claim_pending(self) -> list[StoredEvent]:
        """Return the events that are not done, of an earlier inbox with this store."""
        return [entry.to_stored(event_id) for event_id, entry in self._pending.items()]

    async def dead_letters(self) -> list[StoredEvent]:
        """Return the events that were given up."""
        return [entry.to_stored(event_id) for event_id, entry in self._dead.items()]

    async def requeue_dead_letter(self, event_id: str) -> StoredEvent | None:
        """Make a dead letter a pending event."""
        check_str("event_id", event_id)
        letter = self._dead.pop(event_id, None)
        if letter is None:
            return None
        entry = self._pending[event_id] = _Entry(letter.body, self._clock.time())
        return entry.to_stored(event_id)

    async def last_event_id(self) -> str | None:
        """Return the id that was added last."""
        return self._last_id

    async def aclose(self) -> None:
        """Do nothing."""
