"""The clock: the only module that reads the time or sleeps."""

from __future__ import annotations

import asyncio
import time
from typing import Final, Protocol

WALL_CLOCK_INTERVAL: Final = 30.0
"""Seconds between two readings of the wall clock in a long wait: the monotonic clock may stop while the machine is suspended."""
_WALL_CLOCK_TOLERANCE: Final = 10.0
"""Seconds by which the wall clock must have passed the end of a wait, because it is corrected at times."""


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


async def sleep_by_both_clocks(clock: Clock, seconds: float) -> None:
    """Sleep until either clock has passed the end of the wait."""
    ends, ends_by_wall_clock = clock.monotonic() + seconds, clock.time() + seconds + _WALL_CLOCK_TOLERANCE
    while seconds > 0 and clock.time() < ends_by_wall_clock:
        step = min(seconds, WALL_CLOCK_INTERVAL)
        await clock.sleep(step)
        seconds = min(seconds - step, ends - clock.monotonic())  # a clock of a test may be advanced further
