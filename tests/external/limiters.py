"""Requests through Redis rate limiters, for tests."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from typing import Any

from cstar_async import Priority
from cstar_async._event_loop.clock import SystemClock
from cstar_async._rate_limit.interface import Permit
from cstar_async.redis import RedisRateLimiter
from tests.external.redis_server import RedisServer

CLOCK = SystemClock()
STATE = "cstar_async:{main}:limit"
ENDS = int(time.time()) + 3600
BACKGROUND = Priority.BACKGROUND


def make_limiter(server: RedisServer, **settings: Any) -> RedisRateLimiter:
    """Return the limiter of a process. An exchange may take ten seconds, because the machine may be busy."""
    return RedisRateLimiter(server.url, **{"name": "main", "timeout": 10.0, **settings})


def headers(remaining: int, limit: int = 100) -> dict[str, str]:
    """Return the rate limit headers of a response."""
    numbers = {"Limit": limit, "Remaining": remaining, "Reset": ENDS, "Window": 3600}
    return {f"X-RateLimit-{name}": str(number) for name, number in numbers.items()}


def acquire(
    limiter: RedisRateLimiter, *, max_wait: float = 10.0, priority: Priority = Priority.INTERACTIVE
) -> asyncio.Task[Permit]:
    """Start a request that waits for a permit."""
    return asyncio.create_task(limiter.acquire(priority, CLOCK, max_wait=max_wait, on_wait=lambda _: None))


async def expect_permits(expected: list[bool] | int, *tasks: asyncio.Task[Permit]) -> None:
    """Check which requests get a permit, or how many: within five seconds, and no more after time for several exchanges."""
    count = expected if isinstance(expected, int) else sum(expected)
    deadline = time.monotonic() + 5
    while sum(have_permits(tasks)) < count and time.monotonic() < deadline:
        await asyncio.wait(tasks, timeout=0.02)
    await asyncio.wait(tasks, timeout=0.3)
    assert expected == (sum(have_permits(tasks)) if isinstance(expected, int) else have_permits(tasks))


def have_permits(tasks: Iterable[asyncio.Task[Permit]]) -> list[bool]:
    """Return which requests have a permit."""
    return [task.done() and task.exception() is None for task in tasks]


async def cancel_all(*tasks: asyncio.Task[Permit]) -> None:
    """Cancel the waits."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def use_one(limiter: RedisRateLimiter, remaining: int) -> None:
    """Send a request whose response states what is left."""
    limiter.on_response(await acquire(limiter), 200, headers(remaining), CLOCK)


Pair = tuple[RedisRateLimiter, RedisRateLimiter]
