"""Work that keeps its order within a lane and goes on at the same time across lanes."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class KeyedQueue(Generic[T]):
    """Lanes that come with their first piece of work and go with their last.

    Args:
        work: What is done with each piece. It deals with its own failures.
    """

    def __init__(self, work: Callable[[T], Awaitable[None]]) -> None:
        self._work = work
        self._lanes: dict[str, deque[T]] = {}
        self._pieces = 0
        self._runners: set[asyncio.Task[None]] = set()
        self._moved = asyncio.Event()

    def __len__(self) -> int:
        """Pieces that wait or are being worked on."""
        return self._pieces

    def put(self, lane: str, piece: T) -> None:
        """Put a piece of work behind the others of its lane."""
        self._pieces += 1
        queue = self._lanes.get(lane)
        if queue is not None:
            queue.append(piece)
            return
        self._lanes[lane] = deque([piece])
        runner = asyncio.get_running_loop().create_task(self._run(lane))
        self._runners.add(runner)
        runner.add_done_callback(self._runners.discard)

    async def wait_empty(self) -> None:
        """Wait until there is no work."""
        while self._lanes:
            self._moved.clear()
            await self._moved.wait()

    async def wait_below(self, most: int) -> None:
        """Wait until there are fewer pieces than that."""
        while len(self) >= most:
            self._moved.clear()
            await self._moved.wait()

    async def stop(self) -> list[T]:
        """Cancel what runs, and tell which work is not done."""
        left = [piece for queue in self._lanes.values() for piece in queue]
        runners = list(self._runners)
        for runner in runners:
            runner.cancel()
        await asyncio.gather(*runners, return_exceptions=True)
        return left

    async def _run(self, lane: str) -> None:
        queue = self._lanes[lane]
        try:
            while queue:
                await self._work(queue[0])
                queue.popleft()
                self._pieces -= 1
                self._moved.set()
        finally:
            del self._lanes[lane]
            self._pieces -= len(queue)
            self._moved.set()
