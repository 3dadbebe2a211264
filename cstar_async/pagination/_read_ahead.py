"""The pages that an iteration requests before its reader needs them. Only this module of the package starts tasks."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from typing import Any, Generic, Self, TypeAlias, TypeVar

from cstar_async.errors import RateLimitWaitError
from cstar_async.pagination._page import Page, Position

T = TypeVar("T")
IteratorT = TypeVar("IteratorT", bound=AsyncGenerator[Any, None])

_Fetch: TypeAlias = "Callable[[Position | None, int], Coroutine[Any, Any, Page[T]]]"


class ReadAhead(Generic[T]):
    """Request the pages of one iteration ahead of its reader. Leaving its block cancels what is in flight.

    After a failure, no other page is requested, and the reader gets the error at the page that failed. After `discard`, one page
    is requested ahead, then two, then four: a list that keeps moving costs few calls.

    Args:
        fetch: Fetches a page by its position and size.
        max_pages: The most pages in flight or in memory, from 0, behind the one that was read last.
    """

    def __init__(self, fetch: _Fetch[T], max_pages: int) -> None:
        self._fetch = fetch
        self._max_pages = self._depth = max_pages
        self._has_failed = False
        self._tasks: dict[Position, asyncio.Task[Page[T]]] = {}
        self._iterator: weakref.ref[Any] | None = None

    def cancelled_with(self, iterator: IteratorT) -> IteratorT:
        """Return the iterator that reads these pages. Dropping it, as `break` does, cancels what is in flight.

        The event loop closes a dropped iterator only later, when more requests were sent.
        """
        self._iterator = weakref.ref(iterator, lambda _: self._cancel())
        return iterator

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.discard()

    async def read(self, position: Position | None, size: int) -> tuple[Page[T], bool]:
        """Return the next page, and whether it was requested ahead."""
        task = None if position is None else self._tasks.pop(position, None)
        if task is None or task.get_loop() is not asyncio.get_running_loop():
            return await self._fetch(position, size), False
        self._depth = min(2 * self._depth, self._max_pages)
        try:
            return await task, True
        except RateLimitWaitError:
            # The window that refused it may have ended before the reader came here.
            await self.discard()
            return await self._fetch(position, size), False

    def request(self, following: Sequence[Position], size: int) -> None:
        """Request the pages that follow the one read last, as far as the maximum allows."""
        for position in following[: self._depth]:
            if position not in self._tasks and not self._has_failed:
                self._tasks[position] = task = asyncio.create_task(self._fetch(position, size))
                task.add_done_callback(self._on_done)

    async def discard(self) -> None:
        """Cancel the pages in flight, and drop the complete ones."""
        tasks = self._cancel()
        self._tasks.clear()
        self._depth, self._has_failed = min(1, self._max_pages), False
        if tasks:
            await asyncio.wait(tasks)

    def _cancel(self) -> list[asyncio.Task[Page[T]]]:
        """Cancel the tasks, and return them; leave those that belong to another event loop."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return []  # the garbage collector can run in any thread
        tasks = [task for task in self._tasks.values() if task.get_loop() is loop]
        for task in tasks:
            task.cancel()
        return tasks

    def _on_done(self, task: asyncio.Task[Page[T]]) -> None:
        # Reading the exception also prevents a report of asyncio if the event loop ends before the reader gets it.
        if not task.cancelled() and task.exception() is not None:
            self._has_failed = True
