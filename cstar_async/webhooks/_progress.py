"""Mark events as done in a store that may fail."""

from __future__ import annotations

import asyncio
from typing import Final

from cstar_async._clock import Clock
from cstar_async._protocol.retry import backoff_seconds
from cstar_async.webhooks._failures import describe
from cstar_async.webhooks._handlers import LOGGER
from cstar_async.webhooks._keyed_queue import is_being_cancelled
from cstar_async.webhooks._store import EventStore

STORE_TIMEOUT: Final = 8.0
"""Seconds that a store may take for one operation. cStar waits ten seconds for the response."""
INITIAL_BACKOFF: Final = 1.0
MAX_BACKOFF: Final = 60.0


class DoneMarker:
    """Mark events as done, and repeat that until the store has written it: an event without the mark is handled again."""

    def __init__(self, store: EventStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._unmarked: dict[str, None] = {}
        self._repeating: asyncio.Task[None] | None = None

    def __contains__(self, key: str) -> bool:
        """Return whether an event is handled and not marked."""
        return key in self._unmarked

    async def mark(self, key: str) -> None:
        """Mark an event. Start a task that repeats it if the store fails."""
        if not await self._try(key) and self._repeating is None:
            self._repeating = asyncio.get_running_loop().create_task(self._repeat())

    async def mark_all(self) -> None:
        """Mark what is left, until the store fails."""
        for key in list(self._unmarked):
            if not await self._try(key):
                return

    async def aclose(self) -> None:
        """End the task, and log the ids that the store did not write."""
        if self._repeating is not None:
            self._repeating.cancel()
            await asyncio.wait([self._repeating])
        for key in self._unmarked:
            LOGGER.error("%s: handled, but not marked as done before the inbox closed; it may be handled again", key)

    async def _repeat(self) -> None:
        attempt = 0
        try:
            while self._unmarked and not is_being_cancelled():
                attempt += 1
                await self._clock.sleep(backoff_seconds(attempt, initial=INITIAL_BACKOFF, maximum=MAX_BACKOFF))
                await self.mark_all()
        finally:
            self._repeating = None

    async def _try(self, key: str) -> bool:
        # First taken out, then added again, so that an id that always fails does not block the others.
        self._unmarked.pop(key, None)
        self._unmarked[key] = None
        try:
            async with asyncio.timeout(STORE_TIMEOUT):
                await self._store.mark_done(key)
        except Exception as error:  # a store may raise any exception
            log_store_error(f"mark {key} as done", error)
            return False
        self._unmarked.pop(key, None)
        return True


def log_store_error(operation: str, error: Exception) -> None:
    """Log what failed, without a traceback: it would show the text of the exception."""
    LOGGER.error("the event store failed to %s: %s", operation, describe(error))
