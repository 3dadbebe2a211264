"""The protocol of rate limiters, and what its implementations share."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final, Protocol, runtime_checkable

import attrs

from cstar_async._event_loop.clock import Clock
from cstar_async._protocol.headers import to_datetime
from cstar_async._rate_limit.window import REPROBE_DELAY
from cstar_async._types import Priority, RateLimitState
from cstar_async._values.validation import invalid, is_number
from cstar_async.errors import RateLimitWaitError

NO_LIMIT: Final = 1_000_000_000
"""The initial limit of clients that know none."""


@attrs.frozen
class Permit:
    """The right to send one request."""

    is_probe: bool = False
    """Whether it belongs to a slow start: others may wait for the response to its request."""
    number: int = 0
    """Its number among the permits of all processes that share a key. In memory, that of its slow start; 0 without one."""
    priority: Priority = Priority.INTERACTIVE
    """The priority of the request."""


@runtime_checkable
class Limiter(Protocol):
    """What a client needs of a rate limiter. `RateLimiter` and `RedisRateLimiter` implement it."""

    @property
    def state(self) -> RateLimitState | None:
        """The rate limit as last stated; None before the first response that states it."""
        ...

    def bind_to_loop(self) -> None:
        """Prepare for requests from the running event loop, or raise a `CStarError` if the limiter belongs to another one."""
        ...

    def set_initial_limit(self, limit: int) -> None:
        """Assume *limit* requests in a window until a response states it."""
        ...

    def remaining(self, priority: Priority, clock: Clock) -> int:
        """Return how many requests of this priority the window still allows. Nothing is taken."""
        ...

    def window_number(self, priority: Priority, clock: Clock) -> int:
        """Return a number that changes when the window ends, or allows no more requests of this priority.

        A request that could not use its permit at once must not use it after that.
        """
        ...

    def try_acquire(self, priority: Priority, clock: Clock) -> Permit | None:
        """Return a permit if one is available without waiting. It must be cheap: every request calls it."""
        ...

    async def acquire(
        self, priority: Priority, clock: Clock, *, max_wait: float, on_wait: Callable[[float], None], started: float | None = None
    ) -> Permit:
        """Wait for a permit. *on_wait* is called before that with the seconds that the wait is expected to take.

        Within a priority, the request whose call *started* first is served first; None: now. So a retry keeps the turn of its call.

        Raises:
            RateLimitWaitError: The wait would be, or became, longer than *max_wait*. No permit was taken.
        """
        ...

    def on_response(
        self, permit: Permit, status: int, headers: Mapping[str, str], clock: Clock, *, retry_after: float | None = None
    ) -> None:
        """Return a permit whose request got a response, and update the window from it.

        *retry_after* is the wait in seconds that a 429 states in its headers or its body.
        """
        ...

    def release(self, permit: Permit, clock: Clock, *, sent: bool = True) -> None:
        """Return a permit whose request got no response. If it was *sent*, the server may have counted it."""
        ...


def validate_reserve(background_reserve: float) -> float:
    """Return the reserve if it is in its range."""
    if is_number(background_reserve) and 0 <= background_reserve < 1:
        return background_reserve
    raise invalid("background_reserve", "a number from 0 to below 1", background_reserve)


def wait_error(wait: float, clock: Clock, state: RateLimitState | None, lost_count: int = 0) -> RateLimitWaitError:
    """Return the error for a wait, in seconds from now, that is longer than allowed; 0 if its length is unknown.

    If requests without a response are the cause, not the limit, *lost_count* is their number.
    """
    if lost_count:
        reason = f"the server may be down: {lost_count} requests got no response, and one is sent at a time until one does"
    elif wait <= 0:
        reason = "the requests in flight may use up the rate limit, and none of them has a response yet"
    else:
        retry_at = to_datetime(clock.time() + wait)
        reason = f"the rate limit allows no request before {retry_at:%Y-%m-%d %H:%M:%S} UTC, in {math.ceil(wait)} s"
    wait = wait if wait > 0 else REPROBE_DELAY
    return RateLimitWaitError(
        f"{reason}; max_wait or the total timeout allows less", retry_at=to_datetime(clock.time() + wait), wait=wait, state=state
    )
