"""The rate limiter in memory: a queue of requests in front of a window.

What a limiter promises, in memory or in Redis:

1. No request is sent that is known to be refused: beyond the count that the server states, or before the wait of a 429 has ended.
2. Within a priority, permits are granted in the order in which the calls began, and no interactive request waits for a background
   one.
3. When a window begins, one request is sent first, and the others wait for its response, but no longer than two seconds.
4. After a 429, requests are sent in growing portions, so that a server without rate limit headers refuses only a few of them.
5. A window is over when the monotonic or the wall clock has passed its end, so a suspended machine does not wait for it again.
6. A request that would wait longer than `max_wait` fails with the cause and the time, and a cancelled one leaves its permit to
   others.

There is no background task. One of the waiting requests, the *timer waiter*, also sleeps until the window opens or a deadline
passes. When it leaves, the next one takes over. So nothing can leak, and a waiting request costs one small object.
"""

from __future__ import annotations

import asyncio
import math
from bisect import insort
from collections import deque
from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Final

from cstar_async._event_loop.clock import WALL_CLOCK_INTERVAL, Clock
from cstar_async._protocol.headers import RATE_LIMIT, parse_rate_limit
from cstar_async._rate_limit.interface import Permit, validate_reserve, wait_error
from cstar_async._rate_limit.window import RateLimitWindow
from cstar_async._types import Priority, RateLimitState
from cstar_async._values.repr import PublicDir
from cstar_async.errors import CStarError

_PERMITS: Final = tuple(Permit(priority=priority) for priority in Priority)
_STARTED: Final = attrgetter("started")


class _Waiter:
    """A waiting request. Its future gets a result when it has a permit or must look at the clock, or an error."""

    __slots__ = ("deadline", "permit", "started", "wake")

    def __init__(self, started: float, deadline: float) -> None:
        self.started = started
        self.deadline = deadline
        self.permit: Permit | None = None
        self.wake: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class RateLimiter(PublicDir):
    """Limit the requests of one API key, in memory.

    Clients of one key in an event loop should share a limiter, so that they share the limit. It reads limit and remaining from
    every response and grants permits first-in first-out within a priority.

    Args:
        background_reserve: Share of the limit, from 0 to below 1, that `Priority.BACKGROUND` requests leave to interactive ones.
            Default 0.10.

    Raises:
        InvalidArgumentError: *background_reserve* is out of range.
    """

    def __init__(self, *, background_reserve: float = 0.10) -> None:
        self._window = RateLimitWindow(reserve=validate_reserve(background_reserve))
        self._queues: dict[Priority, deque[_Waiter]] = {priority: deque() for priority in Priority}
        self._waiting_count = 0
        self._timer_waiter: _Waiter | None = None
        self._timer_ends = -math.inf
        self._last_headers: Mapping[str, str] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def __repr__(self) -> str:
        return f"RateLimiter(state={self.state!r}, waiting={self._waiting_count})"

    @property
    def state(self) -> RateLimitState | None:
        """The rate limit as the last response stated it; None before the first."""
        return None if self._last_headers is None else parse_rate_limit(self._last_headers)

    def bind_to_loop(self) -> None:
        """Bind to the running loop, or raise a `CStarError` if another one still runs: its requests could not be woken."""
        loop = asyncio.get_running_loop()
        if self._loop is not None and self._loop is not loop and self._loop.is_running():
            raise CStarError("the rate limiter is used in another event loop; create one for each loop, or use RedisRateLimiter")
        self._loop = loop

    def set_initial_limit(self, limit: int) -> None:
        """Assume *limit* requests in a window until a response states it."""
        if self._last_headers is None and self._window.in_flight == 0:
            self._window.limit = self._window.remaining = limit

    def remaining(self, priority: Priority, clock: Clock) -> int:
        """Return how many requests of this priority the window allows besides those that wait or are in flight."""
        return max(0, self._window.calls_left(priority, clock.monotonic(), clock.time()) - self._waiting_count)

    def window_number(self, priority: Priority, clock: Clock) -> int:
        """Return a number that changes when the window ends or closes; see `Limiter.window_number`."""
        return self._window.number(priority, clock.monotonic(), clock.time())

    def try_acquire(self, priority: Priority, clock: Clock) -> Permit | None:
        """Return a permit if one is available and no request of this or a higher priority waits."""
        window, now = self._window, clock.monotonic()
        if (self._waiting_count and self._count_ahead(priority)) or not window.can_send(priority, now):
            return None
        slow_start = window.acquire(priority, now)
        return Permit(True, slow_start, priority) if slow_start else _PERMITS[priority]

    async def acquire(
        self, priority: Priority, clock: Clock, *, max_wait: float, on_wait: Callable[[float], None], started: float | None = None
    ) -> Permit:
        """Wait for a permit; see `Limiter.acquire`."""
        now = clock.monotonic()
        self._window.open_if_over(now, clock.time())
        expected = self._expected_wait(priority, now)
        if expected > max_wait:
            raise wait_error(expected, clock, self.state, self._window.blocking_losses(priority))
        on_wait(expected)
        waiter = _Waiter(now if started is None else started, now + max_wait)
        queue = self._queues[priority]
        # A retry comes before the calls that began after its own: the first attempts alone could use up all that is accepted.
        insort(queue, waiter, key=_STARTED)
        self._waiting_count += 1
        if self._timer_waiter is not None and waiter.deadline < self._timer_ends:
            _wake(self._timer_waiter.wake)
        try:
            # A new window may have opened with nobody there to notice.
            self._grant_permits(now)
            if waiter.permit is not None and self._waiting_count:
                self._elect_timer_waiter()  # the others wait for the response of this request, but only for so long
            while waiter.permit is None:
                await self._wait_for_wakeup(waiter, clock)
            return waiter.permit
        except BaseException:
            if waiter.permit is not None:
                # Granted and cancelled in the same iteration of the loop: the permit must not be lost.
                self.release(waiter.permit, clock, sent=False)
            raise
        finally:
            if waiter.permit is None:
                queue.remove(waiter)
                self._waiting_count -= 1
            if waiter.wake.done() and not waiter.wake.cancelled():
                waiter.wake.exception()  # retrieved, so that asyncio does not log it
            if self._timer_waiter is waiter:
                self._timer_waiter = None
                self._elect_timer_waiter()

    def on_response(
        self, permit: Permit, status: int, headers: Mapping[str, str], clock: Clock, *, retry_after: float | None = None
    ) -> None:
        """Return a permit whose request got a response, and update the window from it; see `Limiter.on_response`."""
        window = self._window
        if window.update_fast(status, headers):
            self._last_headers = headers
        else:
            if RATE_LIMIT in headers:
                self._last_headers = headers
            window.update(status, headers, clock.monotonic(), clock.time(), retry_after)
        window.release(permit.priority, permit.number, status)
        if self._waiting_count:
            self._grant_permits(clock.monotonic())
            self._elect_timer_waiter()

    def release(self, permit: Permit, clock: Clock, *, sent: bool = True) -> None:
        """Return a permit whose request got no response; see `Limiter.release`."""
        self._window.release(permit.priority, permit.number, 0, is_lost=sent)
        if self._waiting_count:
            self._grant_permits(clock.monotonic())
            self._elect_timer_waiter()

    def _count_ahead(self, priority: Priority) -> int:
        """Return how many waiting requests come before a new one."""
        return sum(len(queue) for other, queue in self._queues.items() if other <= priority)

    def _expected_wait(self, priority: Priority, now: float) -> float:
        """Return the seconds until the turn of a new request: the rest of this window, and a whole one per limit's worth ahead.

        It is 0 if that is unknown, because responses to requests in flight may allow it earlier.
        """
        ahead = self._count_ahead(priority)
        usable = self._window.limit * (1 - self._window.reserve) if priority else self._window.limit
        until_end = 0.0 if self._window.may_free_capacity(priority, ahead) else self._window.seconds_until_end(now)
        return until_end + (ahead // max(1, int(usable))) * self._window.length if until_end else 0.0

    def _grant_permits(self, now: float) -> None:
        """Give permits to waiting requests while there are any."""
        for priority, queue in self._queues.items():
            while queue and self._window.can_send(priority, now):
                waiter = queue.popleft()
                self._waiting_count -= 1
                slow_start = self._window.acquire(priority, now)
                waiter.permit = Permit(True, slow_start, priority) if slow_start else _PERMITS[priority]
                _wake(waiter.wake)

    async def _wait_for_wakeup(self, waiter: _Waiter, clock: Clock) -> None:
        """Wait until woken; as the timer waiter, also until something changes by time alone."""
        if self._timer_waiter is None:
            self._timer_waiter = waiter
        if self._timer_waiter is not waiter:
            await waiter.wake
            if waiter.permit is None:
                waiter.wake = asyncio.get_running_loop().create_future()
            return
        now = clock.monotonic()
        seconds = max(0.0, min(self._first_deadline() - now, self._window.seconds_until_open(now), WALL_CLOCK_INTERVAL))
        self._timer_ends = now + seconds
        timer, wake = asyncio.ensure_future(clock.sleep(seconds)), waiter.wake
        timer.add_done_callback(lambda _: _wake(wake))
        try:
            await wake  # as the others do, so that requests which get permits together continue in order
        finally:
            timer.cancel()
            self._timer_ends = -math.inf
        if waiter.permit is None:
            waiter.wake = asyncio.get_running_loop().create_future()
        now = clock.monotonic()
        self._window.open_if_over(now, clock.time())
        if self._first_deadline() <= now:
            self._window.open_at_stated_end(now)
        self._grant_permits(now)
        self._fail_expired(clock)

    def _first_deadline(self) -> float:
        return min((waiter.deadline for queue in self._queues.values() for waiter in queue), default=math.inf)

    def _fail_expired(self, clock: Clock) -> None:
        """Fail the requests whose deadline has passed, or is certain to pass before the window opens."""
        now = clock.monotonic()
        ends = now + self._window.seconds_until_end(now)
        for priority, queue in self._queues.items():
            earliest = now if self._window.may_free_capacity(priority) else ends
            lost_count = self._window.blocking_losses(priority)
            for waiter in queue:
                if not waiter.wake.done() and (waiter.deadline <= now or waiter.deadline < earliest):
                    waiter.wake.set_exception(wait_error(max(earliest, waiter.deadline) - now, clock, self.state, lost_count))

    def _elect_timer_waiter(self) -> None:
        """Wake the timer waiter to compute its sleep again; elect one if there is none."""
        if self._timer_waiter is None or self._timer_waiter.permit is not None or self._timer_waiter.wake.done():
            self._timer_waiter = next(
                (waiter for queue in self._queues.values() for waiter in queue if not waiter.wake.done()), None
            )
        if self._timer_waiter is not None:
            _wake(self._timer_waiter.wake)


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
