"""One timer for the time limit of all requests in flight."""

from __future__ import annotations

import asyncio
import time

import pytest

from cstar_async._transport.timeout import SharedTimeout


async def _watched(alarm: SharedTimeout, block: asyncio.Future[None]) -> None:
    with alarm:
        await block


def _alarm(seconds: float) -> SharedTimeout:
    return SharedTimeout(seconds, asyncio.get_running_loop())


async def test_block_that_takes_too_long_ends_with_a_timeout() -> None:
    """And the task goes on as if it had never been cancelled."""
    with pytest.raises(TimeoutError):
        await _watched(_alarm(0.001), asyncio.get_running_loop().create_future())

    task = asyncio.current_task()
    assert task is not None
    assert 0 == task.cancelling()


async def test_every_block_has_its_own_limit() -> None:
    """The first timeout does not end a request that began later."""
    alarm, loop = _alarm(0.05), asyncio.get_running_loop()
    first = asyncio.ensure_future(_watched(alarm, loop.create_future()))
    await asyncio.sleep(0.02)
    answer = loop.create_future()
    second = asyncio.ensure_future(_watched(alarm, answer))

    with pytest.raises(TimeoutError):
        await first
    assert not second.done()
    with pytest.raises(TimeoutError):
        await second


async def test_thousand_blocks_share_one_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    """That is what makes it cheap."""
    loop = asyncio.get_running_loop()
    timers: list[float] = []
    call_at = loop.call_at

    def counting(when: float, *rest: object) -> asyncio.TimerHandle:
        timers.append(when)
        return call_at(when, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "call_at", counting)
    alarm = _alarm(60.0)
    answer = loop.create_future()
    calls = [asyncio.ensure_future(_watched(alarm, answer)) for _ in range(1000)]
    await asyncio.sleep(0)
    answer.set_result(None)
    await asyncio.gather(*calls)
    alarm.close()

    assert 1 == len(timers)


async def test_cancellation_from_outside_stays_one() -> None:
    """It is never taken for a timeout."""
    call = asyncio.ensure_future(_watched(_alarm(60.0), asyncio.get_running_loop().create_future()))
    await asyncio.sleep(0)
    call.cancel()

    with pytest.raises(asyncio.CancelledError):
        await call


async def test_cancellation_in_the_moment_of_the_timeout_is_kept() -> None:
    """Who cancels is obeyed, even if the time was over as well."""
    alarm, loop = _alarm(0.01), asyncio.get_running_loop()
    call = asyncio.ensure_future(_watched(alarm, loop.create_future()))
    await asyncio.sleep(0)
    loop.call_at(loop.time() + 0.01, call.cancel)  # falls due in the same turn as the alarm, after it
    time.sleep(0.02)  # noqa: ASYNC251  # so that both do

    with pytest.raises(asyncio.CancelledError):
        await call


async def test_block_in_time_is_left_alone() -> None:
    """The timer that was set for it rings for nobody."""
    alarm = _alarm(0.001)
    answer = asyncio.get_running_loop().create_future()
    answer.set_result(None)
    await _watched(alarm, answer)

    await asyncio.sleep(0.01)


async def test_closed_alarm_never_rings() -> None:
    """Nothing is left in the loop."""
    alarm = _alarm(0.001)
    call = asyncio.ensure_future(_watched(alarm, asyncio.get_running_loop().create_future()))
    await asyncio.sleep(0)
    alarm.close()

    done, _ = await asyncio.wait([call], timeout=0.02)
    assert not done
    call.cancel()
