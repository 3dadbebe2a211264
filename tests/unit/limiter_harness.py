"""Drive any rate limiter: start requests, respond to them, and let time pass."""

from __future__ import annotations

import asyncio
import math
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from cstar_async import Priority, RateLimiter
from cstar_async._event_loop.clock import Clock
from cstar_async._rate_limit.interface import Limiter, Permit
from tests.unit.clocks import ManualClock, run_until_idle

Request = asyncio.Task[Permit]
"""A request that waits for its permit, or has one."""


class LimiterHarness(ABC):
    """A limiter with its clock. A subclass decides how time passes."""

    def __init__(self, limiter: Limiter, clock: Clock) -> None:
        self.limiter = limiter
        self.clock = clock
        self.requests: list[Request] = []

    @abstractmethod
    async def run_until_idle(self) -> None:
        """Run the limiter until it has granted what it grants without time."""

    @abstractmethod
    async def advance(self, seconds: float) -> None:
        """Let time pass, by both clocks, and run until all tasks wait."""

    @abstractmethod
    async def suspend(self, seconds: float) -> None:
        """Let time pass by the wall clock alone, as in a suspended machine. A subclass that cannot do so skips the test."""

    async def start(
        self,
        count: int = 1,
        *,
        priority: Priority = Priority.INTERACTIVE,
        max_wait: float = 10_000.0,
        started: float | None = None,
        on_wait: Callable[[float], None] = lambda _: None,
    ) -> list[Request]:
        """Start requests, and run until all tasks wait."""
        new: list[Request] = []
        for _ in range(count):
            permit = self.limiter.acquire(priority, self.clock, max_wait=max_wait, on_wait=on_wait, started=started)
            new.append(asyncio.ensure_future(permit))
            await asyncio.sleep(0)  # it is in the queue before the next one
        self.requests += new
        await self.run_until_idle()
        return new

    def granted(self, requests: list[Request]) -> list[bool]:
        """Return which requests have their permit, in their order. Several processes have none: those with a permit come first."""
        return granted(requests)

    async def respond(
        self, request: Request, status: int = 200, headers: Mapping[str, str] | None = None, *, retry_after: float | None = None
    ) -> None:
        """Respond to a request that has its permit, and run until all tasks wait."""
        self.limiter.on_response(request.result(), status, headers or {}, self.clock, retry_after=retry_after)
        await self.run_until_idle()

    async def lose(self, request: Request, *, sent: bool = True) -> None:
        """End a request without a response, and run until all tasks wait."""
        self.limiter.release(request.result(), self.clock, sent=sent)
        await self.run_until_idle()

    def headers(self, remaining: int, *, limit: int = 100, reset_in: float = 100.0) -> dict[str, str]:
        """Return the rate limit headers of a response."""
        values = {"Limit": limit, "Remaining": remaining, "Reset": math.ceil(self.clock.time() + reset_in), "Window": 3600}
        return {f"X-RateLimit-{name}": str(value) for name, value in values.items()}

    async def state_window(self, remaining: int, *, limit: int = 100, reset_in: float = 100.0) -> None:
        """Let a response state the window."""
        (request,) = await self.start()
        await self.respond(request, headers=self.headers(remaining, limit=limit, reset_in=reset_in))

    async def refuse(self, wait: float) -> None:
        """Let a 429 state a wait."""
        (request,) = await self.start()
        await self.respond(request, 429, {"Retry-After": f"{wait:g}"})

    async def cancel_all(self) -> None:
        """Cancel what waits, and return all permits, so that nothing is left."""
        for request in self.requests:
            request.cancel()
        await asyncio.gather(*self.requests, return_exceptions=True)


def granted(requests: list[Request]) -> list[bool]:
    """Return which requests have their permit."""
    return [request.done() and not request.cancelled() and request.exception() is None for request in requests]


class MemoryHarness(LimiterHarness):
    """The limiter in memory, with a manual clock."""

    def __init__(self) -> None:
        self._clock = ManualClock()
        super().__init__(RateLimiter(), self._clock)

    async def run_until_idle(self) -> None:
        """Run all tasks that can run."""
        await run_until_idle()

    async def advance(self, seconds: float) -> None:
        """Advance the clock."""
        await self._clock.advance(seconds)

    async def suspend(self, seconds: float) -> None:
        """Advance the wall clock."""
        self._clock.wall_offset += seconds


@asynccontextmanager
async def in_memory() -> AsyncIterator[LimiterHarness]:
    """Yield the limiter in memory."""
    harness = MemoryHarness()
    try:
        yield harness
    finally:
        await harness.cancel_all()


LIMITERS: dict[str, Callable[[], AbstractAsyncContextManager[LimiterHarness]]] = {"memory": in_memory}
