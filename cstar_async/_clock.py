"""The clock: the only module that reads the time or sleeps."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """A monotonic clock for durations, a wall clock for dates, and sleep."""

    def monotonic(self) -> float:
        """Return seconds that never decrease."""
        ...

    def time(self) -> float:
        """Return seconds since the epoch, in UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Sleep; cancellation ends it at once."""
        ...


class SystemClock:
    """The clocks of the system, and `asyncio.sleep`."""

    __slots__ = ()

    # The functions themselves: every call reads the clocks several times, and methods around them would cost more than they do.
    monotonic = staticmethod(time.monotonic)
    time = staticmethod(time.time)

    async def sleep(self, seconds: float) -> None:
        """Sleep on the running loop."""
        await asyncio.sleep(seconds)
