"""The priority semaphore: slots, order, reserve, and cancellation at each step."""

from __future__ import annotations

import asyncio

import pytest

from cstar_async import Priority
from cstar_async._client.concurrency import PrioritySemaphore
from tests.unit.clocks import run_until_idle


def full_semaphore() -> PrioritySemaphore:
    """Return a semaphore whose only slot is taken."""
    semaphore = PrioritySemaphore(1)
    assert semaphore.try_acquire(Priority.INTERACTIVE)
    return semaphore


def test_a_full_semaphore_is_not_acquired_at_once() -> None:
    """Without a free slot the call must wait."""
    assert full_semaphore().try_acquire(Priority.INTERACTIVE) is False


def test_releasing_without_waiters_frees_the_slot() -> None:
    """A slot that no call waits for is free again."""
    semaphore = full_semaphore()
    semaphore.release(Priority.INTERACTIVE)
    assert semaphore.free == 1


async def test_interactive_waiter_goes_before_an_earlier_background_one() -> None:
    """Priority comes before order."""
    semaphore, acquired = full_semaphore(), list[Priority]()

    async def acquire_and_release(priority: Priority) -> None:
        await semaphore.acquire(priority, 0.0)
        acquired.append(priority)
        semaphore.release(priority)

    tasks = [asyncio.create_task(acquire_and_release(priority)) for priority in (Priority.BACKGROUND, Priority.INTERACTIVE)]
    await run_until_idle()
    semaphore.release(Priority.INTERACTIVE)
    await asyncio.gather(*tasks)
    assert acquired == [Priority.INTERACTIVE, Priority.BACKGROUND]


async def test_waiters_of_one_priority_go_in_order() -> None:
    """First in, first out."""
    semaphore, acquired = full_semaphore(), list[int]()

    async def acquire_and_release(number: int) -> None:
        await semaphore.acquire(Priority.INTERACTIVE, 0.0)
        acquired.append(number)
        semaphore.release(Priority.INTERACTIVE)

    tasks = [asyncio.create_task(acquire_and_release(number)) for number in range(5)]
    await run_until_idle()
    semaphore.release(Priority.INTERACTIVE)
    await asyncio.gather(*tasks)
    assert acquired == [0, 1, 2, 3, 4]


async def test_waiter_cancelled_in_the_queue_takes_no_slot() -> None:
    """A slot released later is free."""
    semaphore = full_semaphore()
    task = asyncio.create_task(semaphore.acquire(Priority.INTERACTIVE, 0.0))
    await run_until_idle()
    task.cancel()
    await run_until_idle()
    semaphore.release(Priority.INTERACTIVE)
    assert semaphore.free == 1


async def test_waiter_cancelled_after_it_got_a_slot_passes_it_on() -> None:
    """A slot released in the same turn as the cancellation goes to the next waiter."""
    semaphore = full_semaphore()
    first = asyncio.create_task(semaphore.acquire(Priority.INTERACTIVE, 0.0))
    second = asyncio.create_task(semaphore.acquire(Priority.INTERACTIVE, 0.0))
    await run_until_idle()
    semaphore.release(Priority.INTERACTIVE)
    first.cancel()
    await run_until_idle()
    assert second.done()


async def test_waiter_cancelled_just_before_a_release_ends_as_cancelled() -> None:
    """A release in the turn of the cancellation neither hides it nor loses the slot."""
    semaphore = full_semaphore()
    task = asyncio.create_task(semaphore.acquire(Priority.INTERACTIVE, 0.0))
    await run_until_idle()
    task.cancel()
    semaphore.release(Priority.INTERACTIVE)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert semaphore.free == 1


async def test_call_that_started_earlier_goes_first() -> None:
    """A call that waits again keeps its turn, among calls that started at the same time too."""
    semaphore, acquired = full_semaphore(), list[str]()

    async def acquire_and_release(name: str, started: float) -> None:
        await semaphore.acquire(Priority.INTERACTIVE, started)
        acquired.append(name)
        semaphore.release(Priority.INTERACTIVE)

    calls = [("c", 3.0), ("d", 4.0), ("a", 1.0), ("b", 1.0)]
    tasks = [asyncio.create_task(acquire_and_release(*call)) for call in calls]
    await run_until_idle()
    semaphore.release(Priority.INTERACTIVE)
    await asyncio.gather(*tasks)
    assert acquired == ["a", "b", "c", "d"]


@pytest.mark.parametrize(("slots", "background"), [(1, 1), (2, 1), (3, 2), (19, 18), (20, 18), (100, 90)])
def test_background_calls_leave_a_tenth_of_the_slots(slots: int, background: int) -> None:
    """They leave at least one, except where there is only one. Interactive calls use all."""
    semaphore = PrioritySemaphore(slots)
    assert background == sum(semaphore.try_acquire(Priority.BACKGROUND) for _ in range(slots))
    assert slots - background == sum(semaphore.try_acquire(Priority.INTERACTIVE) for _ in range(slots))


async def test_released_slot_of_the_reserve_is_not_for_background_calls() -> None:
    """It stays free, and a slot that a background call releases goes to the next one."""
    semaphore = PrioritySemaphore(2)
    assert semaphore.try_acquire(Priority.BACKGROUND)
    assert semaphore.try_acquire(Priority.INTERACTIVE)
    waiting = asyncio.create_task(semaphore.acquire(Priority.BACKGROUND, 0.0))
    await run_until_idle()
    semaphore.release(Priority.INTERACTIVE)
    await run_until_idle()
    assert (waiting.done(), semaphore.free) == (False, 1)
    semaphore.release(Priority.BACKGROUND)
    await run_until_idle()
    assert (waiting.done(), semaphore.free) == (True, 1)


@pytest.mark.parametrize("priority", list(Priority))
async def test_more_slots_wake_waiting_calls(priority: Priority) -> None:
    """Fewer slots take effect when calls release theirs."""
    semaphore = PrioritySemaphore(3)
    assert all(semaphore.try_acquire(Priority.INTERACTIVE) for _ in range(3))
    semaphore.resize(2)
    waiting = asyncio.create_task(semaphore.acquire(priority, 0.0))
    semaphore.release(Priority.INTERACTIVE)
    await run_until_idle()
    assert not waiting.done()
    semaphore.resize(3)
    await run_until_idle()
    assert (waiting.done(), semaphore.free) == (True, 0)
