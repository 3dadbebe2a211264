"""The queue of an inbox: what it says when its own task fails."""

from __future__ import annotations

import asyncio
import sys

import pytest

from cstar_async.webhooks._keyed_queue import KeyedQueue


class OutOfTimeError(BaseException):
    """An exception of a signal handler, such as the one of a test framework."""


@pytest.mark.parametrize("error", [ValueError(), OutOfTimeError(), GeneratorExit()])
async def test_an_error_of_the_task_reaches_the_handler_of_the_event_loop_at_once(error: BaseException) -> None:
    """Not only when the task is collected, and whatever its class: a signal handler may raise it anywhere."""
    reported: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context["exception"]))

    async def handle(_: int) -> None:
        raise error

    queue = KeyedQueue(handle)
    queue.put("a", 1)
    await queue.wait_below(1)
    await asyncio.sleep(0)
    assert (reported, await queue.stop()) == ([error], [1])


async def test_items_whose_task_did_not_run_are_returned() -> None:
    """A queue may stop in the turn of the event loop in which an item arrived."""

    async def handle(_: int) -> None:
        raise AssertionError

    queue = KeyedQueue(handle)
    queue.put("a", 1)
    queue.put("a", 2)
    assert ([1, 2], 0) == (await queue.stop(), len(queue))


if sys.version_info >= (3, 12):

    async def test_a_queue_works_with_eager_tasks() -> None:
        """An eager task runs until it waits, before its creator has it. A handler that never waits ends with it."""
        asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
        handled: list[int] = []

        async def handle(item: int) -> None:
            if item % 2:
                await asyncio.sleep(0)
            assert queue.is_current()
            handled.append(item)

        queue = KeyedQueue(handle)
        for item in range(6):
            queue.put(f"key {item % 3}", item)
        await queue.wait_below(1)
        assert (sorted(handled), await queue.stop(), vars(queue)["_tasks"]) == ([*range(6)], [], {})
