"""Waits that end at once when the client is closed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from cstar_async.errors import CStarError

CLIENT_CLOSED = "this client is closed"


class ClosableWaits:
    """The waits of a client's calls for a slot, a permit or a retry."""

    __slots__ = ("_waits",)

    def __init__(self) -> None:
        self._waits: set[asyncio.Timeout] = set()

    @asynccontextmanager
    async def enter(self) -> AsyncGenerator[None, None]:
        """Run a block that waits. If the client is closed meanwhile, cancel the wait and raise a `CStarError`."""
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
