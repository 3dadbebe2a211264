"""A server with a rate limit window of a few seconds."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter, defaultdict
from types import TracebackType
from typing import Self

from aiohttp import web
from aiohttp.test_utils import TestServer

PROCESS = "X-Test-Process"
"""The header in which a process names itself."""


class StrictServer:
    """Count requests in windows that begin at multiples of their length, and refuse those beyond the limit.

    Args:
        limit: Requests in a window.
        window: Seconds of a window.
        slowness: Factor for the time of a response, which is 22 ms on average.
        first_delay: Seconds that the response to the first request of a window takes longer.
        is_silent: Whether responses state no rate limit, except for `Retry-After: 1`.
    """

    def __init__(self, *, limit: int, window: int, slowness: int = 1, first_delay: float = 0.0, is_silent: bool = False) -> None:
        self.limit = limit
        self.window = window
        self._slowness = slowness
        self._first_delay = first_delay
        self._is_silent = is_silent
        self.used: Counter[int] = Counter()
        self.refused: Counter[int] = Counter()
        self.used_by: defaultdict[str, Counter[int]] = defaultdict(Counter)
        self._rng = random.Random(7)
        application = web.Application()
        application.router.add_get("/api/v1/teams/team/tickets", self._respond)
        self._server = TestServer(application)

    @property
    def url(self) -> str:
        """The base URL."""
        return str(self._server.make_url("/")).rstrip("/")

    def next_window(self, *, after: float) -> int:
        """Return when the first window begins after so many seconds."""
        return (int(time.time() + after) // self.window + 1) * self.window

    def used_in(self, begins: float, ends: float, *, process: int | None = None) -> list[int]:
        """Return the requests of each window between two times, of all processes or of one."""
        used = self.used if process is None else self.used_by[str(process)]
        return [used[number] for number in range(int(begins) // self.window, int(ends) // self.window)]

    async def __aenter__(self) -> Self:
        await self._server.start_server()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._server.close()

    async def _pause(self) -> None:
        await asyncio.sleep(self._rng.uniform(0.002, 0.02) * self._slowness)

    async def _respond(self, request: web.Request) -> web.Response:
        await self._pause()
        number = int(time.time()) // self.window
        is_refused = self.used[number] >= self.limit
        (self.refused if is_refused else self.used)[number] += 1
        self.used_by[request.headers.get(PROCESS, "")][number] += not is_refused
        if self.used[number] == 1:
            await asyncio.sleep(self._first_delay)
        ends = (number + 1) * self.window
        headers = {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.limit - self.used[number]),
            "X-RateLimit-Reset": str(ends),
            "X-RateLimit-Window": str(self.window),
        }
        await self._pause()
        if self._is_silent:
            headers = {"Retry-After": "1"} if is_refused else {}
        elif is_refused:
            headers["Retry-After"] = str(max(1, ends - int(time.time())))
        if is_refused:
            return web.json_response({"error": {"type": "rate_limit_error", "message": "too many"}}, status=429, headers=headers)
        return web.json_response({"data": []}, headers=headers)
