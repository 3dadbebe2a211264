"""The limit of concurrent requests.

It comes before the connection pool: a waiting call then costs one future, and its wait does not count against its timeout.
"""

from __future__ import annotations

import asyncio
from collections import deque

from cstar_async._types import Priority


class PrioritySemaphore:
    """A semaphore that wakes interactive calls first, in order within a priority.

    Args:
        slots: How many calls may hold it at once, from 1.
    """

    __slots__ = ("_queues", "free")

    def __init__(self, slots: int) -> None:
        self.free = slots
        self._queues: tuple[deque[asyncio.Future[None]], ...] = tuple(deque() for _ in Priority)

    def try_acquire(self) -> bool:
        """Take a slot if one is free. Then nobody waits, because `release` passes slots to waiting calls."""
        if self.free:
            self.free -= 1
            return True
        return False

    async def acquire(self, priority: Priority) -> None:
        """Wait for a slot. If the wait is cancelled, a slot already received goes to the next call."""
        slot = asyncio.get_running_loop().create_future()
        queue = self._queues[priority]
        queue.append(slot)
        try:
            await slot
        except BaseException:
            if slot.done() and not slot.cancelled():
                self.release()
            elif slot in queue:  # `release` may have removed it in the same turn of the loop
                queue.remove(slot)
            raise

    def release(self) -> None:
        """Pass the slot to the first waiting call, or free it."""
        for queue in self._queues:
            while queue:
                slot = queue.popleft()
                if not slot.done():
                    slot.set_result(None)
                    return
        self.free += 1
