"""The limiter: a window's arithmetic with a queue in front of it.

A call that the window has no room for waits in order within its priority, and interactive ones go first. Exactly one waiter, the
*keeper*, also watches the time; when it leaves, the next takes over. So there is no background task to leak, and ten thousand
waiters cost a small object each. Every wait has a latest moment, after which it fails instead of going on.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Mapping

from cstar_async._clock import Clock
from cstar_async._protocol import headers as _headers
from cstar_async._protocol.headers import parse_rate_limit, to_datetime
from cstar_async._rate_limit.interface import Permit
from cstar_async._rate_limit.window import RateLimitWindow
from cstar_async._types import Priority, RateLimitState
from cstar_async.errors import CStarError, RateLimitWaitError

Permit.GRANTED = _GRANTED = Permit()
Permit.PROBE = _AHEAD = Permit()


class _Waiter:
    """A call in the queue: woken with a permit, with an error, or to become the keeper."""

    __slots__ = ("deadline", "permit", "wake")

    def __init__(self, latest: float) -> None:
        self.deadline = latest
        self.permit: Permit | None = None
        self.wake: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class RateLimiter:
    """One key's budget of calls, in memory.

    Share one between all clients of a key in an event loop, so that they spend one budget. It learns from every answer and lets
    calls through first-in first-out within a priority.

    Args:
        background_reserve: Share of the limit, 0 to below 1, that background calls leave to interactive ones. Default 0.10.

    Raises:
        ValueError: *background_reserve* is not in its range.
    """

    def __init__(self, *, background_reserve: float = 0.10) -> None:
        if not 0 <= background_reserve < 1:
            raise ValueError(f"reserve must be from 0 to below 1, not {background_reserve!r}")
        self._window = RateLimitWindow(reserve=background_reserve)
        self._queues: dict[Priority, deque[_Waiter]] = {priority: deque() for priority in Priority}
        self._waiting = 0
        self._timer_waiter: _Waiter | None = None
        self._keeper_sleeps_until = -math.inf
        self._last_headers: Mapping[str, str] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def __repr__(self) -> str:
        return f"RateLimiter(state={self.state!r}, waiting={self._waiting})"

    @property
    def state(self) -> RateLimitState | None:
        """The rate limit as the last answer stated it; None before the first."""
        return None if self._last_headers is None else parse_rate_limit(self._last_headers)

    def bind_to_loop(self) -> None:
        """Refuse a second loop while the first runs, in another thread: a call that waits there could not be woken from here."""
        loop = asyncio.get_running_loop()
        if self._loop is not None and self._loop is not loop and self._loop.is_running():
            raise CStarError("this rate limiter serves another event loop; make one for each, or share the budget through Redis")
        self._loop = loop

    def set_initial_limit(self, limit: int) -> None:
        """Take *limit* as the calls of a window until an answer says otherwise."""
        if self._last_headers is None and self._window.in_flight == 0:
            self._window.limit = self._window.remaining = limit

    def remaining(self, priority: Priority, clock: Clock) -> int:
        """Calls of this priority that the window still has, without those that wait and those on their way."""
        return max(0, self._window.calls_left(priority, clock.monotonic()) - self._waiting)

    def try_acquire(self, priority: Priority, clock: Clock) -> Permit | None:
        """A permit if there is one at once and nobody of this or a higher priority waits."""
        window = self._window
        if (self._waiting and self._count_ahead(priority)) or not window.can_send(priority, clock.monotonic()):
            return None
        return _AHEAD if window.acquire() else _GRANTED

    async def acquire(self, priority: Priority, clock: Clock, *, max_wait: float, on_wait: Callable[[float], None]) -> Permit:
        """Wait in order for a permit; see `Limiter.acquire`."""
        now = clock.monotonic()
        expected = self._expected_wait(priority, now)
        if expected > max_wait:
            raise self._too_long(expected, clock)
        on_wait(expected)
        waiter = _Waiter(now + max_wait)
        queue = self._queues[priority]
        queue.append(waiter)
        self._waiting += 1
        if self._timer_waiter is not None and waiter.deadline < self._keeper_sleeps_until:
            _wake(self._timer_waiter)
        try:
            # There may have been room all along, for the first of a new window.
            self._grant_permits(now)
            while waiter.permit is None:
                await self._wait_for_wakeup(waiter, clock)
            return waiter.permit
        except BaseException:
            if waiter.permit is not None:
                # Granted and cancelled in the same turn of the loop: the permit must not be lost.
                self.release(waiter.permit, clock, sent=False)
            raise
        finally:
            if waiter.permit is None:
                queue.remove(waiter)
                self._waiting -= 1
            if waiter.wake.done() and not waiter.wake.cancelled():
                waiter.wake.exception()  # retrieved, so that the loop does not report it
            if self._timer_waiter is waiter:
                self._timer_waiter = None
                self._elect_timer_waiter()

    def on_response(self, permit: Permit, status: int, headers: Mapping[str, str], clock: Clock) -> None:
        """The call was answered: learn from it and let the next go."""
        window = self._window
        if window.update_fast(status, headers):
            self._last_headers = headers
        else:
            if _headers.RATE_LIMIT in headers:
                self._last_headers = headers
            window.update(status, headers, clock.monotonic(), clock.time())
        window.release(permit is _AHEAD, status < 500)
        if self._waiting:
            self._grant_permits(clock.monotonic())
            self._elect_timer_waiter()

    def release(self, permit: Permit, clock: Clock, sent: bool = True) -> None:
        """The call ended without an answer; see `Limiter.release`."""
        self._window.release(permit is _AHEAD, False, sent)
        if self._waiting:
            self._grant_permits(clock.monotonic())
            self._elect_timer_waiter()

    def _count_ahead(self, priority: Priority) -> int:
        """How many wait whose turn comes before that of a new call."""
        return sum(len(queue) for other, queue in self._queues.items() if other <= priority)

    def _expected_wait(self, priority: Priority, now: float) -> float:
        """Seconds until this call's turn if nothing changes.

        That is the rest of this window, and a whole one for each limit's worth of calls ahead; nothing that can be told while
        calls are in flight whose answers may show room.
        """
        ahead = self._count_ahead(priority)
        usable = self._window.limit * (1 - self._window.reserve) if priority else self._window.limit
        until_end = 0.0 if self._window.may_free_capacity(priority, ahead) else self._window.seconds_until_end(now)
        return until_end + (ahead // max(1, int(usable))) * self._window.length if until_end else 0.0

    def _too_long(self, wait: float, clock: Clock) -> RateLimitWaitError:
        retry_at = to_datetime(clock.time() + wait)
        return RateLimitWaitError(
            f"the rate limit leaves no call before {retry_at:%Y-%m-%d %H:%M:%S} UTC, {wait:.0f} s away, longer than allowed",
            retry_at=retry_at,
            wait=wait,
            state=self.state,
        )

    def _grant_permits(self, now: float) -> None:
        """Give permits to those who wait, while there is room."""
        for priority, queue in self._queues.items():
            while queue and self._window.can_send(priority, now):
                waiter = queue.popleft()
                self._waiting -= 1
                waiter.permit = _AHEAD if self._window.acquire() else _GRANTED
                _wake(waiter)

    async def _wait_for_wakeup(self, waiter: _Waiter, clock: Clock) -> None:
        """Wait for a wake-up; as the keeper, also for the moment when something changes by itself."""
        if self._timer_waiter is None:
            self._timer_waiter = waiter
        if self._timer_waiter is not waiter:
            await waiter.wake
            if waiter.permit is None:
                waiter.wake = asyncio.get_running_loop().create_future()
            return
        now = clock.monotonic()
        until_change = self._seconds_until_change(now)
        self._keeper_sleeps_until = now + until_change
        alarm = asyncio.ensure_future(clock.sleep(until_change))
        try:
            await asyncio.wait((alarm, waiter.wake), return_when=asyncio.FIRST_COMPLETED)
        finally:
            alarm.cancel()
            self._keeper_sleeps_until = -math.inf
        if waiter.wake.done() and waiter.permit is None:
            waiter.wake.result()
            waiter.wake = asyncio.get_running_loop().create_future()
        now = clock.monotonic()
        if self._first_latest() <= now:
            self._window.open_at_stated_end(now)
        self._grant_permits(now)
        self._fail_expired(clock)

    def _seconds_until_change(self, now: float) -> float:
        """Until the window opens or the first waiter's time is over, whichever comes first."""
        return max(0.0, min(self._first_latest() - now, self._window.seconds_until_open(now)))

    def _first_latest(self) -> float:
        """When the time of the first waiter is over."""
        return min((waiter.deadline for queue in self._queues.values() for waiter in queue), default=math.inf)

    def _fail_expired(self, clock: Clock) -> None:
        """End the waits whose time is over, or is sure to be over before the window opens."""
        now = clock.monotonic()
        ends = now + self._window.seconds_until_end(now)
        for priority, queue in self._queues.items():
            chance = now if self._window.may_free_capacity(priority) else ends
            for waiter in queue:
                if not waiter.wake.done() and (waiter.deadline <= now or waiter.deadline < chance):
                    waiter.wake.set_exception(self._too_long(max(chance, waiter.deadline) - now, clock))

    def _elect_timer_waiter(self) -> None:
        """Wake a keeper to look at the clock anew: the present one, or the first in line."""
        if self._timer_waiter is None or self._timer_waiter.permit is not None or self._timer_waiter.wake.done():
            self._timer_waiter = next(
                (waiter for queue in self._queues.values() for waiter in queue if not waiter.wake.done()), None
            )
        if self._timer_waiter is not None:
            _wake(self._timer_waiter)


def _wake(waiter: _Waiter) -> None:
    if not waiter.wake.done():
        waiter.wake.set_result(None)
