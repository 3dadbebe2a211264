"""The time limit of requests in flight: one timer for all of them.

Requests of a client mostly have the same limit, so the first to begin is the first whose time is over, and a single timer set to
that moment is enough. A timer for each request, made and cancelled again thousands of times before any of them ever rings, was
measured at a tenth of the whole call.
"""

from __future__ import annotations

import asyncio
from types import TracebackType


class Alarm:
    """Ends every request that takes longer than a limit.

    Args:
        seconds: The limit, above 0.
        loop: The loop in which the requests run.
    """

    __slots__ = ("_loop", "_running", "_timer", "seconds")

    def __init__(self, seconds: float, loop: asyncio.AbstractEventLoop) -> None:
        self.seconds = seconds
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None
        # A dict for its order: the oldest request stands first.
        self._running: dict[Watch, None] = {}

    def watch(self) -> Watch:
        """A `with` block whose task is cancelled when the limit is over; the block then ends with a `TimeoutError`."""
        return Watch(self, self._loop.time() + self.seconds)

    def begin(self, watch: Watch) -> None:
        """Start to watch."""
        self._running[watch] = None
        if self._timer is None:
            self._timer = self._loop.call_at(watch.ends_at, self._ring)

    def end(self, watch: Watch) -> None:
        """Stop watching."""
        self._running.pop(watch, None)

    def close(self) -> None:
        """Take the timer back."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ring(self) -> None:
        self._timer = None
        now = self._loop.time()
        while self._running:
            oldest = next(iter(self._running))
            if oldest.ends_at > now:
                self._timer = self._loop.call_at(oldest.ends_at, self._ring)
                return
            del self._running[oldest]
            oldest.expire()


class Watch:
    """One request under the eye of an alarm; made by `Alarm.watch`."""

    __slots__ = ("_alarm", "_cancelling", "_is_over", "_task", "ends_at")

    def __init__(self, alarm: Alarm, ends_at: float) -> None:
        self.ends_at = ends_at
        self._alarm = alarm
        self._is_over = False

    def __enter__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a request needs a task to run in")
        self._task = task
        self._cancelling = task.cancelling()
        self._alarm.begin(self)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._alarm.end(self)
        # A cancellation from outside that comes at the same time is kept: only the alarm's own is turned into a timeout.
        if self._is_over and self._task.uncancel() <= self._cancelling and isinstance(error, asyncio.CancelledError):
            raise TimeoutError from error

    def expire(self) -> None:
        """The time is over."""
        self._is_over = True
        self._task.cancel()
