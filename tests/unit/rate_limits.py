"""Windows and limiters in a given state, for tests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from cstar_async import Priority, RateLimiter
from cstar_async._rate_limit.interface import Permit
from cstar_async._rate_limit.window import RateLimitWindow
from tests.unit.clocks import EPOCH, ManualClock, rate_headers

INTERACTIVE, BACKGROUND = Priority.INTERACTIVE, Priority.BACKGROUND
LONG = 10_000.0
GRANTED = Permit()


def ignore(_: float) -> None:
    """Ignore the expected wait."""


def limiter_after_response(clock: ManualClock, remaining: int, *, reserve: float = 0.1, limit: int = 1000) -> RateLimiter:
    """Return a limiter that has read one response."""
    limiter = RateLimiter(background_reserve=reserve)
    permit = limiter.try_acquire(Priority.INTERACTIVE, clock)
    assert permit is not None
    limiter.on_response(permit, 200, rate_headers(remaining, limit=limit), clock)
    return limiter


def wait_for_permit(
    limiter: RateLimiter,
    clock: ManualClock,
    *,
    max_wait: float = LONG,
    priority: Priority = Priority.INTERACTIVE,
    on_wait: Callable[[float], None] = ignore,
) -> asyncio.Task[Permit]:
    """Start a request that waits for a permit."""
    return asyncio.create_task(limiter.acquire(priority, clock, max_wait=max_wait, on_wait=on_wait))


def count_permits(window: RateLimitWindow, now: float = 0.0, maximum: int = 2000, priority: Priority = INTERACTIVE) -> int:
    """Take permits until none is left, and return how many there were."""
    count = 0
    while count < maximum and window.can_send(priority, now):
        window.acquire(priority, now)
        count += 1
    return count


def window_after(headers: dict[str, str], status: int = 200) -> RateLimitWindow:
    """Return a window that has read one response at time 0."""
    window = RateLimitWindow()
    window.update(status, headers, 0.0, EPOCH)
    return window
