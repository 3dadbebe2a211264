"""The door to time: everything that reads a clock or sleeps does it here."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Two clocks and a way to wait. Waiting is measured by the monotonic one; only dates come from the other."""

    def monotonic(self) -> float:
        """Seconds that never run backwards."""
        ...

    def time(self) -> float:
        """Seconds since the epoch, in UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait; cancellation ends it at once."""
        ...


class SystemClock:
    """The clocks of the machine, and `asyncio.sleep`."""

    __slots__ = ()

    # The functions themselves: each call takes these clocks several times, and a method around them would cost more than they do.
    monotonic = staticmethod(time.monotonic)
    time = staticmethod(time.time)

    async def sleep(self, seconds: float) -> None:
        """Wait on the running loop."""
        await asyncio.sleep(seconds)
