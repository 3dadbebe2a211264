"""A server with a window of a few seconds that counts every call and refuses each one too many."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from types import TracebackType
from typing import Self

from aiohttp import web
from aiohttp.test_utils import TestServer


class StrictServer:
    """Counts calls in windows that begin at whole multiples of their length, and says what is left in each answer.

    Args:
        limit: Calls that a window has.
        window: Its seconds.
        slowness: By how much slower it is than a quick one, which takes 22 ms for an answer in the mean.
    """

    def __init__(self, *, limit: int, window: int, slowness: int = 1) -> None:
        self.limit = limit
        self.window = window
        self._slowness = slowness
        self.used: Counter[int] = Counter()
        self.refused: Counter[int] = Counter()
        self.callers: Counter[str] = Counter()
        self._chance = random.Random(7)
        application = web.Application()
        application.router.add_get("/api/v1/teams/team/tickets", self._answer)
        self._server = TestServer(application)

    @property
    def url(self) -> str:
        """Its address."""
        return str(self._server.make_url("/")).rstrip("/")

    def next_window(self, *, after: float) -> int:
        """The moment of the first window that begins so many seconds from now or later."""
        return (int(time.time() + after) // self.window + 1) * self.window

    def used_in(self, begins: float, ends: float) -> list[int]:
        """The calls of each window from one moment to another."""
        return [self.used[number] for number in range(int(begins) // self.window, int(ends) // self.window)]

    async def __aenter__(self) -> Self:
        await self._server.start_server()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._server.close()

    async def _pause(self) -> None:
        await asyncio.sleep(self._chance.uniform(0.002, 0.02) * self._slowness)

    async def _answer(self, request: web.Request) -> web.Response:
        await self._pause()
        number = int(time.time()) // self.window
        is_refused = self.used[number] >= self.limit
        (self.refused if is_refused else self.used)[number] += 1
        ends = (number + 1) * self.window
        headers = {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.limit - self.used[number]),
            "X-RateLimit-Reset": str(ends),
            "X-RateLimit-Window": str(self.window),
        }
        await self._pause()
        if is_refused:
            headers["Retry-After"] = str(max(1, ends - int(time.time())))
            return web.json_response({"error": {"type": "rate_limit_error", "message": "too many"}}, status=429, headers=headers)
        return web.json_response({"data": []}, headers=headers)
