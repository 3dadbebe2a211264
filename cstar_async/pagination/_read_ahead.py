"""The pages that an iteration requests before its reader needs them. Only this module of the package starts tasks."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any, Generic, Self, TypeAlias, TypeVar

from cstar_async.errors import RateLimitWaitError
from cstar_async.pagination._page import Page

T = TypeVar("T")
IteratorT = TypeVar("IteratorT", bound=AsyncGenerator[Any, None])

_FetchNumbered: TypeAlias = "Callable[[int, int], Coroutine[Any, Any, Page[T]]]"


class ReadAhead(Generic[T]):
    """Request the pages of one iteration ahead of its reader. Leaving its block cancels what is in flight.

    After a failure, no other page is requested, and the reader gets the error at the page that failed. After `discard`, one page
    is requested ahead, then two, then four: a list that keeps moving costs few calls.

    Args:
        fetch: Fetches a page by its number and size.
        max_pages: The most pages in flight or in memory, from 0, behind the one that was read last.
    """

    def __init__(self, fetch: _FetchNumbered[T], max_pages: int) -> None:
        self._fetch = fetch
        self._max_pages = self._depth = max_pages
        self._has_failed = False
        self._tasks: dict[int, asyncio.Task[Page[T]]] = {}
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

    async def read(self, number: int, size: int) -> tuple[Page[T], bool]:
        """Return the next page, and whether it was requested ahead."""
        task = self._tasks.pop(number, None)
        if task is None or task.get_loop() is not asyncio.get_running_loop():
            return await self._fetch(number, size), False
        self._depth = min(2 * self._depth, self._max_pages)
        try:
            return await task, True
        except RateLimitWaitError:
            # The window that refused it may have ended before the reader came here.
            await self.discard()
            return await self._fetch(number, size), False

    def request_after(self, number: int, size: int, last: int) -> None:
        """Request the pages after this one, as far as *last* and the maximum allow."""
        for following in range(number + 1, min(number + self._depth, last) + 1):
            if following not in self._tasks and not self._has_failed:
                self._tasks[following] = task = asyncio.create_task(self._fetch(following, size))
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
