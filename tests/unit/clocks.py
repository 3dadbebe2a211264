"""A clock that tests advance by hand, and rate limit headers."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

EPOCH = 1_790_000_000.0
"""Wall clock time at which a `ManualClock` begins."""


class ManualClock:
    """A clock that only moves by `advance`. Its wall clock may be wrong, or continue while the monotonic clock stops."""

    def __init__(self) -> None:
        self.now = 0.0
        self.wall_offset = 0.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def monotonic(self) -> float:
        """Return the seconds since the clock was created."""
        return self.now

    def time(self) -> float:
        """Return the seconds since the epoch."""
        return EPOCH + self.now + self.wall_offset

    async def sleep(self, seconds: float) -> None:
        """Wait until `advance` has passed that time."""
        wake: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self.now + seconds, wake))
        await wake

    async def advance(self, seconds: float) -> None:
        """Advance, end the sleeps that are due, and run all tasks that can run."""
        self.now += seconds
        for due, wake in self._sleepers:
            if due <= self.now and not wake.done():
                wake.set_result(None)
        self._sleepers = [(due, wake) for due, wake in self._sleepers if not wake.done()]
        await run_until_idle()


async def run_until_idle() -> None:
    """Run all tasks that can run."""
    for _ in range(20):
        await asyncio.sleep(0)


def rate_headers(remaining: int | str, reset: float | str | None = EPOCH + 3600, limit: int | str = 1000) -> dict[str, str]:
    """Return the four rate limit headers; a reset of None is left out."""
    headers = {"X-RateLimit-Limit": str(limit), "X-RateLimit-Remaining": str(remaining), "X-RateLimit-Window": "3600"}
    if reset is not None:
        headers["X-RateLimit-Reset"] = reset if isinstance(reset, str) else str(int(reset))
    return headers


@contextmanager
def far_from_utc() -> Iterator[None]:
    """Set the time zone of the process to UTC+9."""
    try:
        with patch.dict(os.environ, {"TZ": "JST-9"}):
            time.tzset()
            yield
    finally:
        time.tzset()
