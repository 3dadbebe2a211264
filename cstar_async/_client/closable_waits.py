"""Waits that end at once when the client is closed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from cstar_async.errors import CStarError

CLIENT_CLOSED = "this client is closed"


class ClosableWaits:
    """The waits of a client's calls for a slot, a permit or a retry, and of its streams for data."""

    __slots__ = ("_waits", "is_closed")

    def __init__(self) -> None:
        self.is_closed = False
        self._waits: set[asyncio.Timeout] = set()

    @asynccontextmanager
    async def enter(self) -> AsyncGenerator[None, None]:
        """Run a block that waits. If the client is closed, cancel the wait and raise a `CStarError`."""
        if self.is_closed:
            raise CStarError(CLIENT_CLOSED)
        timeout = asyncio.timeout(None)
        try:
            async with timeout:
                self._waits.add(timeout)
                try:
                    yield
                finally:
                    self._waits.discard(timeout)
        except TimeoutError:
            if not timeout.expired():
                raise
            raise CStarError(CLIENT_CLOSED) from None

    def end_all(self) -> None:
        """End all waits; must be called in their event loop."""
        now = asyncio.get_running_loop().time()
        while self._waits:
            self._waits.pop().reschedule(now)
