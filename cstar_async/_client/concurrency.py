"""The gate in front of the network: how many calls may be in flight at once.

It stands before the connection pool, so that thousands of waiting calls cost a future each instead of a request each, and waiting
does not count against a call's timeout. Interactive calls go first; within a priority the order is kept.
"""

from __future__ import annotations

import asyncio
from collections import deque

from cstar_async._types import Priority


class PrioritySemaphore:
    """A counter of free places with a queue behind it.

    Args:
        places: How many may be inside at once, at least 1.
    """

    __slots__ = ("_queues", "free")

    def __init__(self, places: int) -> None:
        self.free = places
        self._queues: tuple[deque[asyncio.Future[None]], ...] = tuple(deque() for _ in Priority)

    def try_acquire(self) -> bool:
        """Go in at once if there is a place. A free place means that nobody waits, for whoever leaves passes the place on."""
        if self.free:
            self.free -= 1
            return True
        return False

    async def acquire(self, priority: Priority) -> None:
        """Wait for a place. Cancelling the wait gives a place already passed on to the next."""
        place = asyncio.get_running_loop().create_future()
        queue = self._queues[priority]
        queue.append(place)
        try:
            await place
        except BaseException:
            if place.done() and not place.cancelled():
                self.release()
            elif place in queue:  # whoever left in the same turn of the loop may have dropped it already
                queue.remove(place)
            raise

    def release(self) -> None:
        """Pass the place on to the first in line, or free it."""
        for queue in self._queues:
            while queue:
                place = queue.popleft()
                if not place.done():
                    place.set_result(None)
                    return
        self.free += 1
