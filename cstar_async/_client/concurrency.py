"""The limit of concurrent requests.

It comes before the connection pool: a waiting call then costs one future, and its wait does not count against its timeout.
"""

from __future__ import annotations

import asyncio
from bisect import insort
from operator import attrgetter
from typing import Final

from cstar_async._types import Priority

_INTERACTIVE_SHARE: Final = 10
"""One of so many slots is for interactive calls only."""
_PRIORITIES: Final = tuple(Priority)
_STARTED: Final = attrgetter("started")


class _Slot(asyncio.Future[None]):
    """A slot that a call waits for."""

    __slots__ = ("started",)

    def __init__(self, started: float) -> None:
        super().__init__(loop=asyncio.get_running_loop())
        self.started = started


class PrioritySemaphore:
    """A semaphore that wakes interactive calls first, and within a priority the one that started first.

    Background calls leave a tenth of the slots, but at least one, to interactive calls. A single slot serves both.
    """

    __slots__ = ("_background_free", "_queues", "_slots", "free")

    def __init__(self, slots: int) -> None:
        self._slots = self.free = slots
        self._background_free = _background_slots(slots)
        self._queues: tuple[list[_Slot], list[_Slot]] = ([], [])

    def try_acquire(self, priority: Priority) -> bool:
        """Take a slot if one is free. Then no call that could use it waits, because `release` passes slots to waiting calls."""
        if self.free <= 0 or (priority and self._background_free <= 0):
            return False
        self.free -= 1
        if priority:
            self._background_free -= 1
        return True

    async def acquire(self, priority: Priority, started: float) -> None:
        """Take a slot, or wait for one. If the wait is cancelled, a slot already received goes to the next call.

        A call that waits again, because of a retry or of the rate limit, keeps its turn by the time at which it *started*.
        """
        if self.try_acquire(priority):
            return
        slot, queue = _Slot(started), self._queues[priority]
        insort(queue, slot, key=_STARTED)
        try:
            await slot
        except BaseException:
            if slot.done() and not slot.cancelled():
                self.release(priority)
            elif slot in queue:  # `release` may have removed it in the same turn of the loop
                queue.remove(slot)
            raise

    def release(self, priority: Priority) -> None:
        """Return a slot of a call, and pass it to the first waiting one that may use it."""
        self.free += 1
        if priority:
            self._background_free += 1
        interactive, background = self._queues
        if interactive or background:
            self._wake()

    def resize(self, slots: int) -> None:
        """Change the number of slots. If fewer than are in use, calls wait until enough of them are released."""
        self.free += slots - self._slots
        self._background_free += _background_slots(slots) - _background_slots(self._slots)
        self._slots = slots
        self._wake()

    def _wake(self) -> None:
        for priority, queue in zip(_PRIORITIES, self._queues, strict=True):
            while queue and (queue[0].done() or self.try_acquire(priority)):
                slot = queue.pop(0)
                if not slot.done():
                    slot.set_result(None)


def _background_slots(slots: int) -> int:
    return slots if slots == 1 else slots - max(1, slots // _INTERACTIVE_SHARE)
