"""A clock that a test can advance.

The server and the client of a test share one clock. Advancing it wakes all waits at once, so no test waits in real time.
It has the three methods that the client uses (`monotonic`, `time`, `sleep`).
"""

from __future__ import annotations

import asyncio
import math
import time
from datetime import UTC, datetime
from operator import attrgetter

import attrs

from cstar_async._values.validation import invalid, is_number, validate_count, validate_seconds

_MAX_TIME_S = datetime(9999, 1, 1, tzinfo=UTC).timestamp()
_IDLE_TURNS_BEFORE_JUMP = 32
"""Iterations of the event loop before an autojumping clock jumps, so that every task that can run does so first."""


@attrs.define(eq=False)
class _Sleeper:
    """A task that waits for a time of the clock."""

    wakes_at_s: float
    woken: asyncio.Future[None]

    def wake(self) -> None:
        """End the wait. May be called twice, and after a cancellation."""
        if not self.woken.done():
            self.woken.set_result(None)


class FakeClock:
    """A clock that runs with real time and can be advanced.

    Args:
        start: Unix time in seconds that `time()` starts with; default the real time.
        frozen: Whether only `advance()` and `set()` move the clock; default False.
        autojump: Whether a frozen clock jumps to the next time that a task sleeps for, once the event loop has been idle for some
            iterations. Implies *frozen*. Default False. Waits then take no real time and keep their order. Meant for tests without
            sockets: a jump does not wait for a response that is still on its way.
    """

    def __init__(self, *, start: float | None = None, frozen: bool = False, autojump: bool = False) -> None:
        self._frozen = frozen or autojump
        self._autojump = autojump
        self._began_s = time.monotonic()
        self._wall_at_zero_s = time.time() if start is None else _validate_time("start", start)
        self._offset_s = 0.0
        self._sleepers: dict[_Sleeper, None] = {}
        self._watchers: dict[asyncio.Future[None], int] = {}
        self._jump_handle: asyncio.Handle | None = None

    def monotonic(self) -> float:
        """Return the seconds since the clock was created; never decreases."""
        passed_s = 0.0 if self._frozen else time.monotonic() - self._began_s
        return passed_s + self._offset_s

    def time(self) -> float:
        """Return the Unix time in seconds."""
        return self._wall_at_zero_s + self.monotonic()

    def now(self) -> datetime:
        """Return the time as an aware datetime in UTC."""
        return datetime.fromtimestamp(self.time(), UTC)

    def advance(self, seconds: float) -> None:
        """Advance the clock at once and wake every task whose wait has ended.

        Args:
            seconds: How far, from 0.

        Raises:
            InvalidArgumentError: *seconds* is negative, or leads beyond the year 9998.
        """
        validate_seconds("seconds", seconds)
        _validate_time("the time after seconds", self.time() + seconds)
        self._offset_s += seconds
        self._wake_due()

    def set(self, new_time: float | datetime) -> None:
        """Set the clock to a time.

        Forward is an `advance()`. Backward changes `time()` alone, like a corrected system time: `monotonic()` stays and no task
        wakes.

        Args:
            new_time: Unix time in seconds, or an aware datetime.

        Raises:
            InvalidArgumentError: It is neither, or beyond the year 9998.
        """
        target_s = _validate_time("new_time", new_time.timestamp() if isinstance(new_time, datetime) else new_time)
        difference_s = target_s - self.time()
        if difference_s >= 0:
            self.advance(difference_s)
        else:
            self._wall_at_zero_s += difference_s

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock is *seconds* further, by real time, `advance()` or a jump.

        Args:
            seconds: How long; 0 or less only yields to the event loop.
        """
        if not is_number(seconds) and seconds != math.inf:
            raise invalid("seconds", "a number", seconds)
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        loop = asyncio.get_running_loop()
        wakes_at_s = self.monotonic() + seconds
        while (remaining_s := wakes_at_s - self.monotonic()) > 0:
            sleeper = _Sleeper(wakes_at_s, loop.create_future())
            self._sleepers[sleeper] = None
            timer = None if self._frozen else loop.call_later(remaining_s, sleeper.wake)
            self._notify_watchers()
            self._restart_idle_count(loop)
            try:
                await sleeper.woken
            finally:
                del self._sleepers[sleeper]
                if timer is not None:
                    timer.cancel()

    @property
    def sleeper_count(self) -> int:
        """The number of tasks that wait on this clock."""
        return len(self._sleepers)

    async def wait_for_sleepers(self, sleepers: int = 1) -> None:
        """Wait until tasks sleep on this clock, so that an `advance()` wakes them.

        Args:
            sleepers: How many tasks must sleep; default 1.
        """
        validate_count("sleepers", sleepers, 0)
        if self.sleeper_count >= sleepers:
            return
        watcher: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._watchers[watcher] = sleepers
        try:
            await watcher
        finally:
            del self._watchers[watcher]

    def _notify_watchers(self) -> None:
        for watcher, sleepers in self._watchers.items():
            if self.sleeper_count >= sleepers and not watcher.done():
                watcher.set_result(None)

    def _wake_due(self) -> None:
        now_s = self.monotonic()
        # Another thread may advance the clock while tasks of the event loop start and end their waits.
        due = [sleeper for sleeper in list(self._sleepers) if sleeper.wakes_at_s <= now_s]
        for sleeper in sorted(due, key=attrgetter("wakes_at_s")):
            sleeper.woken.get_loop().call_soon_threadsafe(sleeper.wake)

    def _restart_idle_count(self, loop: asyncio.AbstractEventLoop, turns: int = _IDLE_TURNS_BEFORE_JUMP) -> None:
        """Restart the count of iterations before a jump."""
        if not self._autojump:
            return
        if self._jump_handle is not None:
            self._jump_handle.cancel()
        self._jump_handle = loop.call_soon(self._count_idle_turn, loop, turns)

    def _count_idle_turn(self, loop: asyncio.AbstractEventLoop, turns: int) -> None:
        self._jump_handle = None
        if turns > 0:
            self._restart_idle_count(loop, turns - 1)
        elif self._sleepers:
            seconds = max(0.0, min(sleeper.wakes_at_s for sleeper in self._sleepers) - self.monotonic())
            if self.time() + seconds <= _MAX_TIME_S:  # a sleep without an end is no time to jump to
                self.advance(seconds)
                self._restart_idle_count(loop)


def _validate_time(name: str, value: object) -> float:
    """Return a Unix time that a datetime can hold."""
    if is_number(value) and abs(value) <= _MAX_TIME_S:
        return float(value)
    raise invalid(name, "a Unix time before the year 9999", value)


def timestamp(unix_s: float) -> str:
    """Format a time as the API does: ISO 8601 in UTC, with milliseconds and `Z`."""
    return datetime.fromtimestamp(unix_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
