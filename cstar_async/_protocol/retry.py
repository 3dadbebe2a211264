"""Decide whether to retry a request, and how long to wait first.

Transient failures are retried: no connection, a timeout, a truncated response, 408, 429 and every 5xx. So is a 409 that says the
first request with this idempotency key is still running (inferred). POST and PATCH are retried only with an idempotency key, or if
the server certainly did not act. That is the case if the request was not sent, or the response is a 429.

The wait is an exponential back-off with full jitter: a random share of 0.5, 1, 2, 4, then 8 seconds. A wait that the server states
is never shortened, and jitter makes it up to 10 % longer.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable
from typing import Final

import attrs

from cstar_async.errors import APIError, TransportError

INITIAL_BACKOFF: Final = 0.5
MAX_BACKOFF: Final = 8.0
RATE_LIMIT_WAIT: Final = 60.0
"""Seconds to wait after a 429 that states no wait (documented)."""
JITTER: Final = 0.1
"""Largest share that is added to a wait stated by the server."""
IN_PROGRESS: Final = "idempotency_in_progress"
"""Code of a 409 for a request whose idempotency key belongs to one that is still running (inferred)."""

RETRY_COST: Final = 5
SUCCESS_REFUND: Final = 1
RETRY_SUCCESS_REFUND: Final = 5

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "DELETE"})


def backoff_seconds(attempt: int, *, initial: float, maximum: float) -> float:
    """Return *initial*, doubled with each attempt after the first, at most *maximum*. The caller adds jitter."""
    return min(maximum, initial * float(1 << min(attempt - 1, 30)))


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Failure:
    """An attempt that failed."""

    status: int | None = None
    """Status of the response; None without a response."""
    code: str | None = None
    """Code in the error object of the response."""
    retry_after: float | None = None
    """Seconds that the server asks to wait."""
    request_sent: bool = True
    """False if the request certainly did not reach the server."""

    @classmethod
    def of(cls, error: TransportError | APIError) -> Failure:
        """Return the failure of an attempt that ended with an error."""
        if isinstance(error, TransportError):
            return cls(request_sent=error.request_sent)
        return cls(status=error.status, code=error.code, retry_after=error.retry_after)

    @property
    def is_transient(self) -> bool:
        """Whether the same request may succeed later."""
        status = self.status
        if status is None or status in {408, 429} or 500 <= status <= 599:
            return True
        return status == 409 and self.code is not None and self.code.lower() == IN_PROGRESS

    @property
    def may_have_acted(self) -> bool:
        """Whether the server may have done the work in spite of the failure."""
        return self.request_sent if self.status is None else self.status == 408 or self.status >= 500


def is_repeatable(failure: Failure, method: str, idempotency_key: str | None) -> bool:
    """Return whether a retry may succeed and cannot do the work twice."""
    if not failure.is_transient:
        return False
    return method in SAFE_METHODS or idempotency_key is not None or not failure.may_have_acted


def required_wait(failure: Failure) -> float | None:
    """Return the seconds that the server requires before the next attempt; None if it requires none."""
    if failure.retry_after is not None:
        return failure.retry_after
    return RATE_LIMIT_WAIT if failure.status == 429 else None


def retry_delay(attempt: int, failure: Failure, random: Callable[[], float]) -> float:
    """Return the seconds before the next attempt, jitter included; *attempt* is the number of the last one, from 1."""
    required = required_wait(failure)
    if required is not None:
        return required * (1 + JITTER * random())
    return backoff_seconds(attempt, initial=INITIAL_BACKOFF, maximum=MAX_BACKOFF) * random()


class RetryAction(enum.Enum):
    """What to do after an attempt that failed."""

    RETRY = enum.auto()
    """Wait, then send again."""
    RAISE = enum.auto()
    """Raise the error of the failure."""
    WAIT_TOO_LONG = enum.auto()
    """Raise `RateLimitWaitError`: the server requires a longer wait than the call allows."""


@attrs.frozen
class Decision:
    """A `RetryAction` with its wait."""

    action: RetryAction
    wait: float = 0.0
    """Seconds until the next attempt; for `WAIT_TOO_LONG`, those that the server requires."""


def decide(
    failure: Failure,
    *,
    method: str,
    idempotency_key: str | None,
    attempt: int,
    max_retries: int,
    max_wait: float,
    time_left: float | None,
    random: Callable[[], float],
) -> Decision:
    """Decide what to do after an attempt that failed. The caller asks the `RetryBudget` before it retries.

    A wait that the server requires is kept or not begun; only its jitter is cut to `max_wait` and the deadline. A back-off is the
    client's own choice, so it is cut to `max_wait`. If the deadline, in *time_left* seconds, is earlier, the failure is raised.
    """
    if attempt > max_retries or not is_repeatable(failure, method, idempotency_key):
        return Decision(RetryAction.RAISE)
    required, wait = required_wait(failure), retry_delay(attempt, failure, random)
    time_left = math.inf if time_left is None else time_left
    if required is None:
        wait = min(wait, max_wait)
        return Decision(RetryAction.RAISE) if wait > time_left else Decision(RetryAction.RETRY, wait)
    allowed = min(max_wait, time_left)
    if required > allowed:
        return Decision(RetryAction.WAIT_TOO_LONG, required) if failure.status == 429 else Decision(RetryAction.RAISE)
    return Decision(RetryAction.RETRY, min(wait, allowed))


class RetryBudget:
    """Tokens for retries, shared by all calls of a client; None for an unlimited number.

    When most calls fail, the tokens run out. Then errors are raised without a retry until enough calls have succeeded, so that
    retries do not add load to a failing service.
    """

    def __init__(self, max_tokens: int | None) -> None:
        self._max_tokens = max_tokens
        self._tokens = max_tokens or 0

    def acquire(self) -> bool:
        """Pay for a retry. Return False, and take nothing, if too few tokens are left."""
        if self._max_tokens is None:
            return True
        if self._tokens < RETRY_COST:
            return False
        self._tokens -= RETRY_COST
        return True

    def refund(self, after_retry: bool) -> None:
        """Add the tokens for a call that succeeded."""
        if self._max_tokens is not None and self._tokens < self._max_tokens:
            self._tokens = min(self._max_tokens, self._tokens + (RETRY_SUCCESS_REFUND if after_retry else SUCCESS_REFUND))
