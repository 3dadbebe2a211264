"""The gate: places, order, and cancellation at each moment."""

from __future__ import annotations

import asyncio

import pytest

from cstar_async import Priority
from cstar_async._client.concurrency import PrioritySemaphore
from tests.unit.clocks import settle


def full_gate() -> PrioritySemaphore:
    """A gate of one place, taken."""
    gate = PrioritySemaphore(1)
    assert gate.try_acquire()
    return gate


def test_full_gate_lets_nobody_in_at_once() -> None:
    """With every place taken there is no entry without a wait."""
    assert full_gate().try_acquire() is False


def test_leaving_an_unattended_gate_frees_its_place() -> None:
    """A place that nobody waits for is free again."""
    gate = full_gate()
    gate.release()
    assert gate.free == 1


async def test_interactive_waiter_enters_before_an_earlier_background_one() -> None:
    """Priority goes over order."""
    gate, entered = full_gate(), list[Priority]()

    async def visit(priority: Priority) -> None:
        await gate.acquire(priority)
        entered.append(priority)
        gate.release()

    tasks = [asyncio.create_task(visit(priority)) for priority in (Priority.BACKGROUND, Priority.INTERACTIVE)]
    await settle()
    gate.release()
    await asyncio.gather(*tasks)
    assert entered == [Priority.INTERACTIVE, Priority.BACKGROUND]


async def test_waiters_of_one_priority_enter_in_order() -> None:
    """First in, first out."""
    gate, entered = full_gate(), list[int]()

    async def visit(number: int) -> None:
        await gate.acquire(Priority.INTERACTIVE)
        entered.append(number)
        gate.release()

    tasks = [asyncio.create_task(visit(number)) for number in range(5)]
    await settle()
    gate.release()
    await asyncio.gather(*tasks)
    assert entered == [0, 1, 2, 3, 4]


async def test_waiter_cancelled_in_the_queue_takes_no_place() -> None:
    """A place given up later goes back to the gate."""
    gate = full_gate()
    task = asyncio.create_task(gate.acquire(Priority.INTERACTIVE))
    await settle()
    task.cancel()
    await settle()
    gate.release()
    assert gate.free == 1


async def test_waiter_cancelled_after_it_got_a_place_passes_it_on() -> None:
    """A place that was passed on in the same turn as the cancellation reaches the next in line."""
    gate = full_gate()
    first = asyncio.create_task(gate.acquire(Priority.INTERACTIVE))
    second = asyncio.create_task(gate.acquire(Priority.INTERACTIVE))
    await settle()
    gate.release()
    first.cancel()
    await settle()
    assert second.done()


async def test_waiter_cancelled_just_before_a_place_comes_ends_as_cancelled() -> None:
    """Leaving in the turn of the cancellation neither hides the cancellation nor loses the place."""
    gate = full_gate()
    task = asyncio.create_task(gate.acquire(Priority.INTERACTIVE))
    await settle()
    task.cancel()
    gate.release()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert gate.free == 1
