"""Run the exchange with Redis in a task when it is due."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress


class SyncTask:
    """Call *sync* when it is due, never twice at once. There is a task only while a call is due."""

    def __init__(self, sync: Callable[[], Awaitable[None]]) -> None:
        self._sync = sync
        self._task: asyncio.Task[None] | None = None
        self._due: float | None = None
        self._rescheduled = asyncio.Event()
        self._lock = asyncio.Lock()
        self.is_closed = False

    def schedule(self, delay: float) -> None:
        """Call *sync* within *delay* seconds."""
        if self.is_closed:
            return
        loop = asyncio.get_running_loop()
        due = loop.time() + delay
        if self._due is None or due < self._due:
            self._due = due
            self._rescheduled.set()
        if self._task is None:
            self._task = loop.create_task(self._run(), name="cstar_async rate limit")

    async def run(self) -> float:
        """Call *sync*, after a call that is running. Return its duration in seconds."""
        loop = asyncio.get_running_loop()
        async with self._lock:
            started = loop.time()
            await self._sync()
            return loop.time() - started

    async def close(self) -> bool:
        """Cancel the task. Return whether a call was due or running."""
        self.is_closed = True
        task, was_active = self._task, self._due is not None or self._task is not None
        self._due = None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        return was_active

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._due is not None:
                self._rescheduled.clear()
                delay = self._due - loop.time()
                if delay > 0:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(delay):
                            await self._rescheduled.wait()
                else:
                    self._due = None
                    await self.run()
        finally:
            self._task = None
