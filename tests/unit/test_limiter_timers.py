"""How often the limiter in memory wakes up while requests wait."""

from __future__ import annotations

import asyncio

import pytest

from cstar_async import RateLimitWaitError
from tests.unit.clocks import ManualClock, run_until_idle
from tests.unit.rate_limits import INTERACTIVE, limiter_after_response, wait_for_permit


class CountingClock(ManualClock):
    """A clock that keeps the durations of its sleeps."""

    def __init__(self) -> None:
        super().__init__()
        self.sleeps: list[float] = []

    async def sleep(self, seconds: float) -> None:
        """Sleep."""
        self.sleeps.append(seconds)
        await super().sleep(seconds)


async def test_waiting_requests_sleep_to_the_end_of_the_window() -> None:
    """One of them, in steps after which the wall clock is read."""
    clock = CountingClock()
    limiter = limiter_after_response(clock, 0)
    await clock.advance(3530)
    waiting = [wait_for_permit(limiter, clock) for _ in range(20)]
    await run_until_idle()
    for _ in range(3):
        await clock.advance(30)
    assert [30.0, 30.0, 10.0] == clock.sleeps[:3]
    assert 6 > len(clock.sleeps)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


@pytest.mark.parametrize("count", [1, 5])
async def test_sleep_ends_with_the_shortest_wait_that_is_allowed(count: int) -> None:
    """A response in flight may free a permit, so a late request waits, but no longer than its own `max_wait`."""
    clock = CountingClock()
    limiter = limiter_after_response(clock, 0)
    await clock.advance(3600)
    assert limiter.try_acquire(INTERACTIVE, clock)
    patient = [wait_for_permit(limiter, clock) for _ in range(count)]
    await run_until_idle()
    late = wait_for_permit(limiter, clock, max_wait=0.25)
    await run_until_idle()
    assert 0.25 == clock.sleeps[-1]
    await clock.advance(0.25)
    with pytest.raises(RateLimitWaitError):
        await late
    assert not any(task.done() for task in patient)
    assert 8 > len(clock.sleeps)
    for task in patient:
        task.cancel()
    await asyncio.gather(*patient, return_exceptions=True)
