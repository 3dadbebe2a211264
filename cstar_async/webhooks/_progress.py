"""Write the attempts and the outcomes of events to a store that may fail."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from contextlib import nullcontext
from typing import Final, TypeVar

import attrs

from cstar_async._event_loop.clock import Clock
from cstar_async._event_loop.timeout import SharedTimeout
from cstar_async._model.event import WebhookEvent
from cstar_async._protocol.retry import backoff_seconds
from cstar_async._values.redaction import printable_line
from cstar_async.errors import CStarError
from cstar_async.webhooks._failures import LOGGER, describe, log_event
from cstar_async.webhooks._keyed_queue import is_being_cancelled
from cstar_async.webhooks._memory_store import MemoryStore
from cstar_async.webhooks._store import EventStore

T = TypeVar("T")

STORE_TIMEOUT: Final = 8.0
"""Seconds that a store may take for one operation. cStar waits ten seconds for the response."""
INITIAL_BACKOFF: Final = 1.0
MAX_BACKOFF: Final = 60.0


class EventLostError(Exception):
    """The event is not pending for this inbox. Another one may have claimed it."""


@attrs.define(eq=False)
class QueuedEvent:
    """An event in the queue."""

    key: str
    event: WebhookEvent
    since: float
    """The Unix time since which it is pending."""
    attempts: int = 0
    """The calls of a handler that failed, are running, or did not end before their process."""
    stored_attempts: int | None = 0
    """The number in the store. None: unknown."""
    was_interrupted: bool = False
    """Whether a call of an earlier process may have ended that process."""


class ProgressRecorder:
    """Write to the store, and repeat outcomes until the store has them: an event without one is handled again."""

    def __init__(self, store: EventStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._never_waits = type(store) is MemoryStore
        self.store_timeout = nullcontext() if self._never_waits else SharedTimeout(STORE_TIMEOUT)
        # The description of the exception of each dead event; None: done.
        self._unwritten: dict[str, str | None] = {}
        self._repeating: asyncio.Task[None] | None = None

    def __contains__(self, key: str) -> bool:
        """Return whether an event has an outcome that is not written."""
        return key in self._unwritten

    async def record_attempts(self, queued: QueuedEvent) -> bool:
        """Write the number of attempts unless the store has it. Return False if the store fails."""
        if queued.stored_attempts == queued.attempts:
            return True
        queued.stored_attempts = None  # a write that is cancelled may have succeeded
        try:
            is_pending = await self._run(self._store.record_attempts(queued.key, queued.attempts))
        except Exception as error:  # a store may raise any exception
            log_store_error(f"record an attempt of {queued.key}", error)
            return False
        if not is_pending:
            raise EventLostError
        queued.stored_attempts = queued.attempts
        return True

    async def record_outcome(self, key: str, error: str | None) -> None:
        """Mark an event as done, or as dead because of an error. Start a task that repeats it if the store fails."""
        self._unwritten[key] = error
        if not await self._try(key) and self._repeating is None:
            self._repeating = asyncio.get_running_loop().create_task(self._repeat())

    def discard(self, key: str) -> None:
        """Repeat an outcome no longer, because the store has it."""
        self._unwritten.pop(key, None)

    async def write_all(self) -> None:
        """Write what is left, until the store fails."""
        for key in list(self._unwritten):
            if not await self._try(key):
                return

    async def aclose(self) -> None:
        """End the task, and log the ids that the store did not write."""
        if isinstance(self.store_timeout, SharedTimeout):
            self.store_timeout.close()
        if self._repeating is not None:
            self._repeating.cancel()
            await asyncio.wait([self._repeating])
        for key, error in self._unwritten.items():
            outcome = "handled, but not marked as done" if error is None else "given up, but not marked as dead"
            log_event(logging.ERROR, f"{outcome} before the inbox closed; it may be handled again", key)

    async def _repeat(self) -> None:
        attempt = 0
        try:
            while self._unwritten and not is_being_cancelled():
                attempt += 1
                await self._clock.sleep(backoff_seconds(attempt, initial=INITIAL_BACKOFF, maximum=MAX_BACKOFF))
                await self.write_all()
        finally:
            self._repeating = None

    async def _try(self, key: str) -> bool:
        if key not in self._unwritten:
            return True
        # First taken out, then added again, so that an id that always fails does not block the others.
        error = self._unwritten[key] = self._unwritten.pop(key)
        try:
            await self._run(self._store.mark_done(key) if error is None else self._store.mark_dead(key, error))
        except Exception as failure:  # a store may raise any exception
            log_store_error(f"mark {key} as {'done' if error is None else 'dead'}", failure)
            return False
        self._unwritten.pop(key, None)
        return True

    async def _run(self, operation: Awaitable[T]) -> T:
        if self._never_waits:
            return await operation
        with self.store_timeout:
            return await run_store_operation(operation)


def log_store_error(operation: str, error: Exception) -> None:
    """Log what failed, without a traceback: it would show the text of the exception."""
    cause = error.__cause__ if type(error) is CStarError else None
    fields = {"operation": printable_line(operation), "error": printable_line(describe(cause or error))}
    LOGGER.error("the event store failed to %(operation)s: %(error)s", fields, extra=fields)


async def run_store_operation(operation: Awaitable[T]) -> T:
    """Await an operation of a store. Raise a CStarError if it raises anything else, or is cancelled although this task is not."""
    try:
        return await operation
    except CStarError:
        raise
    except Exception as error:  # a store may raise any exception
        raise CStarError(f"the event store failed: {describe(error)}") from error
    except asyncio.CancelledError:
        if is_being_cancelled():
            raise
        # It comes from a task of the store, such as one that shares a connection. Raised here, it would end this task silently.
        raise CStarError("a task that the event store awaits was cancelled") from None
