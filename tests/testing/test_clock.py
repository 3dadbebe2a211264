"""`FakeClock`."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from datetime import UTC, datetime

import pytest

from cstar_async import InvalidArgumentError
from cstar_async.testing import FakeClock


async def test_running_clock_follows_real_time() -> None:
    """Both times of a running clock follow real time."""
    clock = FakeClock()
    before = clock.monotonic(), clock.time()
    await asyncio.sleep(0.01)
    assert clock.monotonic() > before[0]
    assert clock.time() > before[1]


def test_new_clock_begins_now() -> None:
    """Without a start the clock has the real time."""
    assert abs(FakeClock().time() - time.time()) < 1


def test_frozen_clock_does_not_run() -> None:
    """A frozen clock does not run with real time."""
    clock = FakeClock(start=1_000.0, frozen=True)
    assert (clock.time(), clock.time(), clock.monotonic()) == (1_000.0, 1_000.0, 0.0)


def test_advance_moves_both_times() -> None:
    """`advance()` moves `time()` and `monotonic()` by the same amount."""
    clock = FakeClock(start=1_000.0, frozen=True)
    clock.advance(2.5)
    assert (clock.time(), clock.monotonic()) == (1_002.5, 2.5)


def test_advance_backwards_is_refused() -> None:
    """`advance()` refuses a negative number."""
    with pytest.raises(InvalidArgumentError, match="seconds must be"):
        FakeClock().advance(-1)


def test_now_is_aware() -> None:
    """`now()` is an aware datetime in UTC."""
    assert FakeClock(start=0.0, frozen=True).now() == datetime(1970, 1, 1, tzinfo=UTC)


def test_set_to_a_later_time_advances() -> None:
    """Setting a clock forward moves both times."""
    clock = FakeClock(start=1_000.0, frozen=True)
    clock.set(datetime.fromtimestamp(1_010, UTC))
    assert (clock.time(), clock.monotonic()) == (1_010.0, 10.0)


def test_set_to_an_earlier_time_keeps_monotonic_time() -> None:
    """Setting a clock back changes `time()` only."""
    clock = FakeClock(start=1_000.0, frozen=True)
    clock.advance(5)
    clock.set(900.0)
    assert (clock.time(), clock.monotonic()) == (900.0, 5.0)


async def test_sleep_ends_by_itself_on_a_running_clock() -> None:
    """A sleep on a running clock ends in real time."""
    began = time.monotonic()
    await FakeClock().sleep(0.02)
    assert time.monotonic() - began >= 0.015


@pytest.mark.parametrize("seconds", [0.0, -1.0])
async def test_sleep_of_nothing_ends_at_once(seconds: float) -> None:
    """A sleep of 0 yields to the event loop, on a frozen clock too."""
    await FakeClock(frozen=True).sleep(seconds)


async def test_advance_wakes_the_due_sleepers() -> None:
    """An advance wakes only the sleepers whose wait is over."""
    clock = FakeClock(frozen=True)
    short, long = asyncio.create_task(clock.sleep(5)), asyncio.create_task(clock.sleep(50))
    await asyncio.sleep(0)
    clock.advance(5)
    await short
    assert (long.done(), clock.sleeper_count) == (False, 1)
    clock.advance(45)
    await long


async def test_advance_ends_a_long_sleep_of_a_running_clock() -> None:
    """Advancing by an hour ends a sleep of an hour."""
    clock = FakeClock()
    sleeper = asyncio.create_task(clock.sleep(3_600))
    await asyncio.sleep(0)
    clock.advance(3_600)
    await asyncio.wait_for(sleeper, 1)


async def test_advance_in_steps_adds_up() -> None:
    """Several short advances together end a sleep."""
    clock = FakeClock(frozen=True)
    sleeper = asyncio.create_task(clock.sleep(2))
    await asyncio.sleep(0)
    clock.advance(1)
    await asyncio.sleep(0.001)
    assert not sleeper.done()
    clock.advance(1)
    await sleeper


async def test_cancelled_sleeper_is_removed() -> None:
    """A cancelled sleep is removed, and an advance in the same iteration raises nothing."""
    clock = FakeClock()
    sleeper = asyncio.create_task(clock.sleep(60))
    await asyncio.sleep(0)
    sleeper.cancel()
    clock.advance(60)
    with pytest.raises(asyncio.CancelledError):
        await sleeper
    assert clock.sleeper_count == 0


async def test_advance_from_another_thread_wakes() -> None:
    """A thread without an event loop can advance the clock."""
    clock = FakeClock(frozen=True)
    sleeper = asyncio.create_task(clock.sleep(5))
    await asyncio.sleep(0)
    thread = threading.Thread(target=clock.advance, args=(5,))
    thread.start()
    await asyncio.wait_for(sleeper, 1)
    thread.join()


async def test_thread_can_advance_while_sleepers_change() -> None:
    """A thread can advance the clock while sleepers start and end."""
    clock = FakeClock(frozen=True)
    failed: list[RuntimeError] = []
    ended = threading.Event()

    def push() -> None:
        while not ended.is_set():
            try:
                clock.advance(0)
            except RuntimeError as error:
                failed.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    thread = threading.Thread(target=push)
    thread.start()
    try:
        for _ in range(300):
            sleepers = [asyncio.create_task(clock.sleep(1)) for _ in range(30)]
            await asyncio.sleep(0)
            for sleeper in sleepers:
                sleeper.cancel()
            await asyncio.gather(*sleepers, return_exceptions=True)
    finally:
        ended.set()
        thread.join()
        sys.setswitchinterval(interval)
    assert [] == failed


async def test_autojump_takes_no_real_time() -> None:
    """A day of sleep on an autojumping clock takes no real time."""
    clock = FakeClock(start=0.0, autojump=True)
    await asyncio.wait_for(clock.sleep(86_400), 1)
    assert clock.time() == 86_400.0


async def test_autojump_keeps_the_order_of_times() -> None:
    """Sleepers wake in the order of their times, in whatever order they started."""
    clock, woken = FakeClock(autojump=True), list[float]()

    async def sleep(seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append(clock.monotonic())

    await asyncio.gather(*(sleep(seconds) for seconds in (30.0, 10.0, 20.0)))
    assert woken == [10.0, 20.0, 30.0]


async def test_watcher_waits_for_enough_sleepers() -> None:
    """`wait_for_sleepers()` returns when enough tasks sleep, at once if they already do."""
    clock = FakeClock(frozen=True)
    watcher = asyncio.create_task(clock.wait_for_sleepers(2))
    first = asyncio.create_task(clock.sleep(1))
    await clock.wait_for_sleepers()
    await asyncio.sleep(0)
    assert not watcher.done()
    second = asyncio.create_task(clock.sleep(1))
    await asyncio.wait_for(watcher, 1)
    await clock.wait_for_sleepers(2)
    clock.advance(1)
    await asyncio.gather(first, second)


async def test_cancelled_watcher_is_removed() -> None:
    """A cancelled `wait_for_sleepers()` is removed."""
    clock = FakeClock(frozen=True)
    watcher = asyncio.create_task(clock.wait_for_sleepers())
    await asyncio.sleep(0)
    watcher.cancel()
    sleeper = asyncio.create_task(clock.sleep(1))
    with pytest.raises(asyncio.CancelledError):
        await watcher
    clock.advance(1)
    await sleeper
