"""Waits by two clocks: the monotonic one may stop while the machine is suspended."""

from __future__ import annotations

import asyncio

import pytest

from cstar_async._event_loop.clock import sleep_by_both_clocks
from tests.unit.clocks import ManualClock, run_until_idle


async def sleeping(clock: ManualClock, seconds: float) -> asyncio.Task[None]:
    """Start a wait."""
    task = asyncio.create_task(sleep_by_both_clocks(clock, seconds))
    await run_until_idle()
    return task


@pytest.mark.parametrize("seconds", [0.0, 0.5, 29.0, 30.0, 31.0, 90.0, 100.5])
async def test_wait_takes_its_time_by_the_monotonic_clock(seconds: float) -> None:
    """However many times the clocks are read in between."""
    clock = ManualClock()
    task = await sleeping(clock, seconds)
    passed = 0.0
    while passed + 10 < seconds:
        await clock.advance(10)
        passed += 10
        assert not task.done()
    await clock.advance(seconds - passed)
    assert task.done()
    await task


@pytest.mark.parametrize("seconds", [31.0, 60.0, 3600.0])
async def test_wait_is_over_when_the_monotonic_clock_skips_its_end(seconds: float) -> None:
    """The clock of a test is advanced by more than a wait at once."""
    clock = ManualClock()
    task = await sleeping(clock, seconds)
    await clock.advance(seconds)
    assert task.done()


@pytest.mark.parametrize(
    ("suspended", "is_over"), [(8 * 3600.0, True), (3600.0, True), (3580.0, True), (3500.0, False), (9.0, False), (-1e6, False)]
)
async def test_wait_is_over_by_the_wall_clock_too(suspended: float, *, is_over: bool) -> None:
    """Half a minute after the machine continues at the latest. A corrected clock ends no wait."""
    clock = ManualClock()
    task = await sleeping(clock, 3600)
    clock.wall_offset = suspended
    await clock.advance(30)
    assert is_over is task.done()
    task.cancel()


async def test_wall_clock_that_is_set_back_makes_no_wait_longer() -> None:
    """The monotonic clock has passed the end."""
    clock = ManualClock()
    task = await sleeping(clock, 60)
    clock.wall_offset = -1e6
    await clock.advance(30)
    await clock.advance(30)
    assert task.done()


async def test_clock_that_skips_waits_ends_it() -> None:
    """A clock of a test may return at once without a change of its time."""

    class ImmediateClock(ManualClock):
        async def sleep(self, seconds: float) -> None:
            self.slept += seconds

        slept = 0.0

    clock = ImmediateClock()
    await sleep_by_both_clocks(clock, 100.0)
    assert 100.0 == clock.slept
