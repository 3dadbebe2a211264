"""Drive Redis rate limiters: one process, or two that share a key."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from redis.asyncio import Redis

from cstar_async import Priority, RateLimitState
from cstar_async._event_loop.clock import Clock, SystemClock
from cstar_async._rate_limit.interface import Permit
from cstar_async.redis import RedisRateLimiter
from tests.external.limiters import STATE, make_limiter
from tests.external.redis_server import RedisServer
from tests.unit.clocks import run_until_idle
from tests.unit.limiter_harness import LimiterHarness, Request, granted

ADVANCE_CLOCK = """
local text = redis.call('GET', KEYS[1])
if text then
  local state = cjson.decode(text)
  state.clock_offset = state.clock_offset + tonumber(ARGV[1])
  redis.call('SET', KEYS[1], cjson.encode(state), 'KEEPTTL')
end
"""


class OffsetClock(SystemClock):
    """The clocks of the system, each with an offset."""

    __slots__ = ("monotonic_offset", "wall_offset")

    def __init__(self) -> None:
        self.monotonic_offset = self.wall_offset = 0.0

    def monotonic(self) -> float:
        """Return seconds that never decrease."""
        return time.monotonic() + self.monotonic_offset

    def time(self) -> float:
        """Return seconds since the epoch."""
        return time.time() + self.wall_offset


class Processes:
    """The limiters of several processes. Requests use them in turn."""

    def __init__(self, limiters: list[RedisRateLimiter]) -> None:
        self.limiters = limiters
        self._count = 0
        self._owners: dict[int, RedisRateLimiter] = {}

    @property
    def state(self) -> RateLimitState | None:
        """The state of the first."""
        return self.limiters[0].state

    def bind_to_loop(self) -> None:
        """Bind all of them."""

    def set_initial_limit(self, limit: int) -> None:
        """Set that of all."""
        for limiter in self.limiters:
            limiter.set_initial_limit(limit)

    def remaining(self, priority: Priority, clock: Clock) -> int:
        """Return that of the first."""
        return self.limiters[0].remaining(priority, clock)

    def window_number(self, priority: Priority, clock: Clock) -> int:
        """Return that of the first."""
        return self.limiters[0].window_number(priority, clock)

    def try_acquire(self, priority: Priority, clock: Clock) -> Permit | None:
        """Return None."""
        return self.limiters[0].try_acquire(priority, clock)

    async def acquire(
        self, priority: Priority, clock: Clock, *, max_wait: float, on_wait: Callable[[float], None], started: float | None = None
    ) -> Permit:
        """Wait for a permit of the next limiter."""
        limiter = self.limiters[self._count % len(self.limiters)]
        self._count += 1
        permit = await limiter.acquire(priority, clock, max_wait=max_wait, on_wait=on_wait, started=started)
        self._owners[id(permit)] = limiter
        return permit

    def on_response(
        self, permit: Permit, status: int, headers: Mapping[str, str], clock: Clock, *, retry_after: float | None = None
    ) -> None:
        """Return a permit to its limiter."""
        self._owners[id(permit)].on_response(permit, status, headers, clock, retry_after=retry_after)

    def release(self, permit: Permit, clock: Clock, *, sent: bool = True) -> None:
        """Return a permit to its limiter."""
        self._owners[id(permit)].release(permit, clock, sent=sent)


class RedisHarness(LimiterHarness):
    """Processes with a real Redis. Whole seconds pass by the offsets of the clocks, that of Redis included; less by sleeping."""

    def __init__(self, processes: Processes, redis: Redis) -> None:
        self._processes = processes
        self._clock = OffsetClock()
        self._redis = redis
        super().__init__(processes, self._clock)

    async def run_until_idle(self) -> None:
        """Make each process exchange states until what one reports has reached the others. The first may only correct its clock."""
        for _ in range(3):
            for limiter in self._processes.limiters:
                await limiter.ping()
        await run_until_idle()

    async def start(self, count: int = 1, **options: Any) -> list[Request]:
        """Start requests. Those with a permit come first, because several processes may be served in any order."""
        return self._permitted_first(await super().start(count, **options))

    def granted(self, requests: list[Request]) -> list[bool]:
        """Return which requests have their permit."""
        return super().granted(self._permitted_first(requests))

    def _permitted_first(self, requests: list[Request]) -> list[Request]:
        if len(self._processes.limiters) == 1:
            return requests
        return sorted(requests, key=lambda request: not granted([request])[0])

    async def advance(self, seconds: float) -> None:
        """Let time pass, by all clocks."""
        if seconds < 1:
            await asyncio.sleep(seconds)
        else:
            self._clock.monotonic_offset += seconds
            await self._advance_redis(seconds)
        await self.run_until_idle()

    async def suspend(self, seconds: float) -> None:
        """Let time pass by the wall clock alone. Redis is on the same machine, but its clock is not corrected at the same time."""
        if abs(seconds) > 60:
            await self._advance_redis(seconds)
        else:
            self._clock.wall_offset += seconds
        await self.run_until_idle()

    async def _advance_redis(self, seconds: float) -> None:
        self._clock.wall_offset += seconds
        await self._redis.eval(ADVANCE_CLOCK, 1, STATE, str(round(seconds * 1000)))


@asynccontextmanager
async def redis_harness(server: RedisServer, *, processes: int) -> AsyncIterator[RedisHarness]:
    """Yield so many processes."""
    async with AsyncExitStack() as stack:
        limiters = [await stack.enter_async_context(make_limiter(server)) for _ in range(processes)]
        redis = await stack.enter_async_context(Redis.from_url(server.url))
        harness = RedisHarness(Processes(limiters), redis)
        try:
            yield harness
        finally:
            await harness.cancel_all()
