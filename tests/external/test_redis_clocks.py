"""Processes that share a key when a clock stops, is wrong, or is set back. Each has clocks of its own, and Redis has another."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from cstar_async import Priority, RateLimitWaitError
from cstar_async._rate_limit.interface import Permit
from cstar_async.redis import RedisRateLimiter
from tests.external.limiter_harness import ADVANCE_CLOCK, OffsetClock
from tests.external.limiters import STATE, make_limiter
from tests.external.redis_server import RedisServer

pytestmark = pytest.mark.external


class Process:
    """A process with clocks of its own."""

    def __init__(self, limiter: RedisRateLimiter) -> None:
        self.limiter = limiter
        self.clock = OffsetClock()

    async def acquire(self) -> Permit:
        """Return a permit that needs no wait for a window."""
        return await self.limiter.acquire(Priority.INTERACTIVE, self.clock, max_wait=5, on_wait=lambda _: None)

    async def use_one(self, remaining: int, *, reset_in: float = 3000.0) -> None:
        """Send a request whose response, by a server with the right time, states what is left, and wait until it is reported."""
        self.respond(await self.acquire(), remaining, reset_in=reset_in)
        await asyncio.gather(*(task for task in asyncio.all_tasks() if task.get_name() == "cstar_async rate limit"))

    def respond(self, permit: Permit, remaining: int, *, reset_in: float) -> None:
        """Respond to a request."""
        reset = math.ceil(self.clock.time() + reset_in)
        values = {"Limit": 100, "Remaining": remaining, "Reset": reset, "Window": 3600}
        headers = {f"X-RateLimit-{name}": str(value) for name, value in values.items()}
        self.limiter.on_response(permit, 200, headers, self.clock)

    def advance(self, seconds: float, *, monotonic: bool = True) -> None:
        """Let time pass, for a suspended process by the wall clock alone."""
        self.clock.wall_offset += seconds
        self.clock.monotonic_offset += seconds if monotonic else 0.0


@pytest_asyncio.fixture
async def processes(redis_server: RedisServer) -> AsyncIterator[tuple[Process, Process]]:
    """Two processes."""
    async with make_limiter(redis_server) as one, make_limiter(redis_server) as other:
        yield Process(one), Process(other)


async def advance_redis(redis: Redis, seconds: float) -> None:
    """Advance the clock of Redis, or set it back."""
    await redis.eval(ADVANCE_CLOCK, 1, STATE, str(round(seconds * 1000)))


async def read_state(redis: Redis) -> dict[str, Any]:
    """Return the shared state."""
    return dict(json.loads(await redis.get(STATE)))


@pytest.mark.parametrize("seconds", [60, 600, 2990])
async def test_process_that_was_suspended_does_not_lengthen_the_window(
    processes: tuple[Process, Process], redis: Redis, seconds: float
) -> None:
    """Its monotonic clock stopped, so its window would end later. The others have used most of it meanwhile."""
    suspended, other = processes
    await suspended.use_one(50)
    await other.use_one(5)
    before = await read_state(redis)
    suspended.advance(seconds, monotonic=False)
    other.advance(seconds)
    await advance_redis(redis, seconds)
    await other.limiter.ping()
    held = await suspended.acquire()
    after = await read_state(redis)
    assert (5, before["ends"]) == (after["remaining"], after["ends"])
    suspended.respond(held, 4, reset_in=3000 - seconds)
    await other.use_one(3, reset_in=3000 - seconds)


async def test_process_that_was_suspended_beyond_the_window_reports_nothing_of_it(
    processes: tuple[Process, Process], redis: Redis
) -> None:
    """The others use the next window, whose count it learns."""
    suspended, other = processes
    await suspended.use_one(0)
    suspended.advance(3100, monotonic=False)
    other.advance(3100)
    await advance_redis(redis, 3100)
    await other.use_one(90)
    await suspended.use_one(89)
    assert 89 == (await read_state(redis))["remaining"]


async def test_permits_of_a_suspended_process_are_counted_once_it_continues(
    processes: tuple[Process, Process], redis: Redis
) -> None:
    """Its lease expired, so they counted as lost. A later response states the count."""
    suspended, other = processes
    await suspended.use_one(50)
    held = [await suspended.acquire() for _ in range(3)]
    other.advance(120)
    await advance_redis(redis, 120)
    await other.limiter.ping()
    assert 3 == (await read_state(redis))["lost"]
    for permit in held:
        suspended.respond(permit, 47, reset_in=3000)
    await suspended.limiter.ping()
    await other.use_one(46, reset_in=2880)
    state = await read_state(redis)
    assert (0, 46) == (state["lost"], state["remaining"])


@pytest.mark.parametrize("seconds", [-8 * 3600, -30, -1])
async def test_redis_clock_that_is_set_back_lengthens_no_window(
    processes: tuple[Process, Process], redis: Redis, seconds: float
) -> None:
    """As after a failover to a server whose clock is behind. The time that passes after it counts."""
    one, other = processes
    await one.use_one(0, reset_in=30)
    await advance_redis(redis, seconds)
    await one.limiter.ping()
    for process in processes:
        process.advance(32)
    await advance_redis(redis, 32)
    permits = asyncio.gather(one.acquire(), other.acquire())
    await asyncio.wait_for(permits, 5)


async def test_redis_clock_that_is_set_forward_costs_one_request(processes: tuple[Process, Process], redis: Redis) -> None:
    """The window seems to be over. The first response states that it is not, for all processes."""
    one, other = processes
    await one.use_one(0)
    await advance_redis(redis, 8 * 3600)
    permit = await other.acquire()
    waiting = asyncio.ensure_future(one.acquire())
    await one.limiter.ping()
    assert not waiting.done()
    other.respond(permit, 0, reset_in=3000)
    await other.limiter.ping()
    with pytest.raises(RateLimitWaitError):
        await waiting


@pytest.mark.parametrize("seconds", [-8 * 3600, 8 * 3600])
async def test_wrong_wall_clock_of_a_process_changes_no_window(
    processes: tuple[Process, Process], redis: Redis, seconds: float
) -> None:
    """Responses state the date of the server, and Redis has one clock for all."""
    one, other = processes
    await one.use_one(50)
    other.clock.wall_offset += seconds
    before = await read_state(redis)
    await other.acquire()
    after = await read_state(redis)
    assert (before["remaining"], before["ends"]) == (after["remaining"], after["ends"])
