"""The time limit of requests in flight: one timer for all of them.

Requests of a client mostly have the same limit, so the first to begin is the first whose time is over, and a single timer set to
that moment is enough. A timer for each request, made and cancelled again thousands of times before any of them ever rings, was
measured at a tenth of the whole call.
"""

from __future__ import annotations

import asyncio
from types import TracebackType


class SharedTimeout:
    """A `with` block that is cancelled when it takes longer than a limit, and then ends with a `TimeoutError`.

    Any number of tasks may be inside it at once, each of them once.

    Args:
        seconds: The limit, above 0.
        loop: The loop in which the tasks run.
    """

    __slots__ = ("_expired", "_loop", "_running", "_timer", "seconds")

    def __init__(self, seconds: float, loop: asyncio.AbstractEventLoop) -> None:
        self.seconds = seconds
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None
        # By task, the oldest first: when its time is over, and how often it had been asked to stop before it came in.
        self._running: dict[asyncio.Task[object], tuple[float, int]] = {}
        self._expired: dict[asyncio.Task[object], int] = {}

    def __enter__(self) -> None:
        task = asyncio.current_task(self._loop)
        if task is None:
            raise RuntimeError("a request needs a task to run in")
        ends_at = self._loop.time() + self.seconds
        self._running[task] = ends_at, task.cancelling()
        if self._timer is None:
            self._timer = self._loop.call_at(ends_at, self._on_timer)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        task = asyncio.current_task(self._loop)
        if task is None or self._running.pop(task, None) is not None:
            return
        # A cancellation from outside that comes at the same time is kept: only the alarm's own is turned into a timeout.
        if task.uncancel() <= self._expired.pop(task) and isinstance(error, asyncio.CancelledError):
            raise TimeoutError from error

    def close(self) -> None:
        """Take the timer back."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _on_timer(self) -> None:
        self._timer = None
        now = self._loop.time()
        while self._running:
            oldest = next(iter(self._running))
            ends_at, cancelling = self._running[oldest]
            if ends_at > now:
                self._timer = self._loop.call_at(ends_at, self._on_timer)
                return
            del self._running[oldest]
            self._expired[oldest] = cancelling
            oldest.cancel()
