"""A queue that keeps the order of items with the same key and works on different keys concurrently."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


def is_being_cancelled() -> bool:
    """Return whether the running task was cancelled, even if the code that it awaits has suppressed the CancelledError."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class KeyedQueue(Generic[T]):
    """One FIFO queue and one task for each key that has items.

    *handle* must not raise. If its task ends all the same, by a cancellation or a SystemExit, `stop` returns what was left.
    *on_abandoned* is called with that at once, unless `stop` itself has cancelled the task.
    """

    def __init__(self, handle: Callable[[T], Awaitable[None]], on_abandoned: Callable[[Sequence[T]], None] | None = None) -> None:
        self._handle = handle
        self._on_abandoned = on_abandoned
        self._is_stopping = False
        self._queues: dict[str, deque[T]] = {}
        self._size = 0
        self._abandoned: list[T] = []
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._size_changed = asyncio.Event()

    def __len__(self) -> int:
        """Return the number of items that wait or are being handled."""
        return self._size

    def put(self, key: str, item: T) -> None:
        """Add an item after the others with this key."""
        self._size += 1
        queue = self._queues.get(key)
        if queue is not None:
            queue.append(item)
            return
        queue = self._queues[key] = deque((item,))
        task = asyncio.get_running_loop().create_task(self._run(key, queue))
        if not task.done():  # an eager task may have ended
            self._tasks[key] = task

    async def wait_below(self, size: int) -> None:
        """Wait until fewer than *size* items wait or are being handled."""
        while self._size >= size:
            self._size_changed.clear()
            await self._size_changed.wait()

    def is_current(self) -> bool:
        """Return whether the running task is one that handles items."""
        return asyncio.current_task() in self._tasks.values()

    def abandon(self) -> None:
        """Give up the items of tasks that will not run, because their event loop ends."""
        for key, queue in list(self._queues.items()):
            self._end(key, queue)

    async def stop(self) -> list[T]:
        """Cancel the running tasks. Return the items that are not handled."""
        self._is_stopping = True
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        self.abandon()  # of tasks that were cancelled before they ran
        abandoned, self._abandoned = self._abandoned, []
        return abandoned

    async def _run(self, key: str, queue: deque[T]) -> None:
        """Handle the items of a key. Only a task that fails has a callback: one costs as much as the start of a task."""
        task: asyncio.Task[None] = asyncio.current_task()  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
        self._tasks[key] = task  # an eager task starts before `put` has it
        try:
            while queue and not task.cancelling():  # a handler may have suppressed the cancellation
                await self._handle(queue[0])
                queue.popleft()
                self._size -= 1
                self._size_changed.set()
        except BaseException:
            task.add_done_callback(_report)
            raise
        finally:
            self._end(key, queue)

    def _end(self, key: str, queue: deque[T]) -> None:
        del self._queues[key], self._tasks[key]
        if queue:
            self._abandoned += queue
            self._size -= len(queue)
            self._size_changed.set()
            if self._on_abandoned is not None and not self._is_stopping:
                self._on_abandoned(tuple(queue))


def _report(task: asyncio.Task[None]) -> None:
    """Report an exception at once. Mark a SystemExit as seen: it has ended the loop, and asyncio would log it again later."""
    error = None if task.cancelled() else task.exception()
    if error is not None and not isinstance(error, (KeyboardInterrupt, SystemExit)):
        context = {"message": "the task of a queue has failed", "exception": error, "task": task}
        task.get_loop().call_exception_handler(context)
