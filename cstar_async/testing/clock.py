"""The clock of the fake: real time that a test may push forward.

Every party of a test that waits or dates anything reads one clock, so a push wakes all of them at once and nobody waits for real.
It has the three methods that the client asks of a clock (`monotonic`, `time`, `sleep`) and knows nothing of servers and clients.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from operator import attrgetter

import attrs

_IDLE_TURNS_BEFORE_JUMP = 32
"""Turns of the event loop that an autojumping clock lets pass before it jumps, so that whoever can still run does."""


@attrs.define(eq=False)
class _Sleeper:
    """Somebody who waits for an instant of the clock."""

    wakes_at_s: float
    woken: asyncio.Future[None]

    def wake(self) -> None:
        """End the wait; may be called twice, and after a cancellation."""
        if not self.woken.done():
            self.woken.set_result(None)


class FakeClock:
    """A clock that runs with real time until it is told otherwise.

    Args:
        start: Unix time in seconds that `time()` begins with; default the real time.
        frozen: Whether time stands still but for `advance()` and `set()`; default False.
        autojump: Whether a frozen clock moves by itself to the next instant that somebody sleeps for, as soon as the event loop has
            had some turns to settle; implies *frozen*, default False. Waits then take no real time and their order is that of
            their instants. Meant for tests without sockets: a jump does not wait for an answer that is still on its way.
    """

    def __init__(self, *, start: float | None = None, frozen: bool = False, autojump: bool = False) -> None:
        self._frozen = frozen or autojump
        self._autojump = autojump
        self._began_s = time.monotonic()
        self._wall_at_zero_s = time.time() if start is None else float(start)
        self._offset_s = 0.0
        self._sleepers: dict[_Sleeper, None] = {}
        self._watchers: dict[asyncio.Future[None], int] = {}
        self._jump_handle: asyncio.Handle | None = None

    def monotonic(self) -> float:
        """Seconds since the clock was made; never goes back."""
        passed_s = 0.0 if self._frozen else time.monotonic() - self._began_s
        return passed_s + self._offset_s

    def time(self) -> float:
        """The instant as Unix time in seconds."""
        return self._wall_at_zero_s + self.monotonic()

    def now(self) -> datetime:
        """The instant as an aware datetime in UTC."""
        return datetime.fromtimestamp(self.time(), UTC)

    def advance(self, seconds: float) -> None:
        """Move the clock forward at once and wake everybody whose wait has ended by that.

        Args:
            seconds: How far, 0 or more.

        Raises:
            ValueError: *seconds* is negative.
        """
        if seconds < 0:
            raise ValueError("a clock cannot be advanced by a negative number of seconds")
        self._offset_s += seconds
        self._wake_due()

    def set(self, instant: float | datetime) -> None:
        """Put the clock on an instant.

        Forward is an `advance()`. Back moves `time()` alone, as a corrected date does: `monotonic()` stays, nobody wakes.

        Args:
            instant: Unix time in seconds, or an aware datetime.
        """
        wanted_s = instant.timestamp() if isinstance(instant, datetime) else float(instant)
        difference_s = wanted_s - self.time()
        if difference_s >= 0:
            self.advance(difference_s)
        else:
            self._wall_at_zero_s += difference_s

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock is *seconds* further, by real time, by `advance()` or by a jump.

        Args:
            seconds: How long; 0 or less only gives the others a turn.
        """
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        loop = asyncio.get_running_loop()
        wakes_at_s = self.monotonic() + seconds
        while (left_s := wakes_at_s - self.monotonic()) > 0:
            sleeper = _Sleeper(wakes_at_s, loop.create_future())
            self._sleepers[sleeper] = None
            timer = None if self._frozen else loop.call_later(left_s, sleeper.wake)
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
        """How many wait on this clock now."""
        return len(self._sleepers)

    async def wait_for_sleepers(self, sleepers: int = 1) -> None:
        """Wait until somebody sleeps on this clock, so that an `advance()` will find whom to wake.

        Args:
            sleepers: How many must sleep; default 1.
        """
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
        # The clock may be pushed from another thread than that of the sleeper's loop, where others lie down and get up meanwhile.
        due = [sleeper for sleeper in list(self._sleepers) if sleeper.wakes_at_s <= now_s]
        for sleeper in sorted(due, key=attrgetter("wakes_at_s")):
            sleeper.woken.get_loop().call_soon_threadsafe(sleeper.wake)

    def _restart_idle_count(self, loop: asyncio.AbstractEventLoop, turns: int = _IDLE_TURNS_BEFORE_JUMP) -> None:
        """Begin the count of turns before a jump anew: somebody has just done something."""
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
            self.advance(max(0.0, min(sleeper.wakes_at_s for sleeper in self._sleepers) - self.monotonic()))
            self._restart_idle_count(loop)


def timestamp(unix_s: float) -> str:
    """An instant as the API writes it: ISO 8601 in UTC, with milliseconds and `Z`."""
    return datetime.fromtimestamp(unix_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
