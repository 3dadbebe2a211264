"""The priority semaphore: slots, order, and cancellation at each step."""

from __future__ import annotations

import asyncio

import pytest

from cstar_async import Priority
from cstar_async._client.concurrency import PrioritySemaphore
from tests.unit.clocks import settle


def full_semaphore() -> PrioritySemaphore:
    """Return a semaphore whose only slot is taken."""
    semaphore = PrioritySemaphore(1)
    assert semaphore.try_acquire()
    return semaphore


def test_a_full_semaphore_is_not_acquired_at_once() -> None:
    """Without a free slot the call must wait."""
    assert full_semaphore().try_acquire() is False


def test_releasing_without_waiters_frees_the_slot() -> None:
    """A slot that no call waits for is free again."""
    semaphore = full_semaphore()
    semaphore.release()
    assert semaphore.free == 1


async def test_interactive_waiter_goes_before_an_earlier_background_one() -> None:
    """Priority comes before order."""
    semaphore, acquired = full_semaphore(), list[Priority]()

    async def acquire_and_release(priority: Priority) -> None:
        await semaphore.acquire(priority)
        acquired.append(priority)
        semaphore.release()

    tasks = [asyncio.create_task(acquire_and_release(priority)) for priority in (Priority.BACKGROUND, Priority.INTERACTIVE)]
    await settle()
    semaphore.release()
    await asyncio.gather(*tasks)
    assert acquired == [Priority.INTERACTIVE, Priority.BACKGROUND]


async def test_waiters_of_one_priority_go_in_order() -> None:
    """First in, first out."""
    semaphore, acquired = full_semaphore(), list[int]()

    async def acquire_and_release(number: int) -> None:
        await semaphore.acquire(Priority.INTERACTIVE)
        acquired.append(number)
        semaphore.release()

    tasks = [asyncio.create_task(acquire_and_release(number)) for number in range(5)]
    await settle()
    semaphore.release()
    await asyncio.gather(*tasks)
    assert acquired == [0, 1, 2, 3, 4]


async def test_waiter_cancelled_in_the_queue_takes_no_slot() -> None:
    """A slot released later is free."""
    semaphore = full_semaphore()
    task = asyncio.create_task(semaphore.acquire(Priority.INTERACTIVE))
    await settle()
    task.cancel()
    await settle()
    semaphore.release()
    assert semaphore.free == 1


async def test_waiter_cancelled_after_it_got_a_slot_passes_it_on() -> None:
    """A slot released in the same turn as the cancellation goes to the next waiter."""
    semaphore = full_semaphore()
    first = asyncio.create_task(semaphore.acquire(Priority.INTERACTIVE))
    second = asyncio.create_task(semaphore.acquire(Priority.INTERACTIVE))
    await settle()
    semaphore.release()
    first.cancel()
    await settle()
    assert second.done()


async def test_waiter_cancelled_just_before_a_release_ends_as_cancelled() -> None:
    """A release in the turn of the cancellation neither hides it nor loses the slot."""
    semaphore = full_semaphore()
    task = asyncio.create_task(semaphore.acquire(Priority.INTERACTIVE))
    await settle()
    task.cancel()
    semaphore.release()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert semaphore.free == 1
