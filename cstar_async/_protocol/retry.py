"""Whether to try again, and how long to wait first: decisions over plain values.

What is retried
    A failure that may pass by itself: no connection, a timeout, a cut answer, 408, 429, every 5xx, and a 409 that says the first
    call of this idempotency key still runs (inferred). Other 4xx and 3xx would only fail again. Cancellation is not a failure.

What is safe
    Repeating must not do the work twice. Reads and DELETE may be repeated; a write only under an idempotency key, or when the
    server is known not to have acted: nothing was sent, or it refused with a 429.

How long
    0.5, 1, 2, 4, then 8 seconds, of which a random share is taken (full jitter), so that many clients do not come back at once. A
    wait that the server asks for is kept: never earlier, and up to a tenth later for the same reason.

How often in all
    A budget shared by a client's calls. Retrying into a broken service makes it worse, so when most calls fail the tokens run out
    and errors are raised at once, until successes fill it again.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable
from typing import Final

import attrs

INITIAL_BACKOFF: Final = 0.5
MAX_BACKOFF: Final = 8.0
RATE_LIMIT_WAIT: Final = 60.0
"""Seconds to wait after a 429 that does not say how long (documented)."""
JITTER: Final = 0.1
"""Share of a wait asked for by the server by which it may be longer."""
IN_PROGRESS: Final = "idempotency_in_progress"
"""The code of a 409 that asks to come back for the answer of a call that still runs (inferred)."""

COST_OF_RETRY: Final = 5
SUCCESS_REFUND: Final = 1
GAIN_AFTER_RETRY: Final = 5

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "DELETE"})


@attrs.frozen(kw_only=True)
class Failure:
    """An attempt that did not succeed."""

    status: int | None = None
    """The status of the answer; None if there was none."""
    code: str | None = None
    """The code in the answer's error object."""
    retry_after: float | None = None
    """Seconds that the server asked to wait."""
    sent: bool = True
    """False if the request certainly did not reach the server."""

    @property
    def is_transient(self) -> bool:
        """Whether the same request may succeed later."""
        status = self.status
        if status is None or status in {408, 429} or 500 <= status <= 599:
            return True
        return status == 409 and self.code is not None and self.code.lower() == IN_PROGRESS

    @property
    def may_have_acted(self) -> bool:
        """Whether the server may have done the work although no good answer came."""
        return self.sent if self.status is None else self.status == 408 or self.status >= 500


def is_repeatable(failure: Failure, method: str, idempotency_key: str | None) -> bool:
    """Whether trying again may help and cannot do the work twice."""
    if not failure.is_transient:
        return False
    return method in SAFE_METHODS or idempotency_key is not None or not failure.may_have_acted


def required_wait(failure: Failure) -> float | None:
    """The seconds that must pass before the next attempt by the server's word; None where it has none."""
    if failure.retry_after is not None:
        return failure.retry_after
    return RATE_LIMIT_WAIT if failure.status == 429 else None


def backoff_seconds(attempt: int, failure: Failure, random: Callable[[], float]) -> float:
    """Seconds to wait before the next attempt.

    Args:
        attempt: How many attempts have been made, from 1.
        failure: What became of the last.
        random: A number from 0 to below 1.
    """
    required = required_wait(failure)
    if required is not None:
        return required * (1 + JITTER * random())
    return min(MAX_BACKOFF, INITIAL_BACKOFF * float(1 << min(attempt - 1, 10))) * random()


class RetryAction(enum.Enum):
    """What becomes of a call after an attempt that failed."""

    RETRY = enum.auto()
    """Wait, then try again."""
    RAISE = enum.auto()
    """Raise the failure's own error."""
    WAIT_TOO_LONG = enum.auto()
    """The limit asks for a longer wait than the call allows: say so before waiting."""


@attrs.frozen
class Decision:
    """What to do after an attempt that failed."""

    verdict: RetryAction
    wait: float = 0.0
    """Seconds until the next attempt; if it is refused, those that the server asked for."""


@attrs.frozen(kw_only=True)
class RetryLimits:
    """What a call allows itself."""

    max_retries: int
    """Attempts after the first."""
    max_wait: float
    """Seconds: the longest single wait."""
    time_left: float | None = None
    """Seconds until the deadline; below 0 if it is over. None: there is none."""


def decide(
    failure: Failure, *, method: str, idempotency_key: str | None, attempt: int, allowance: RetryLimits, random: Callable[[], float]
) -> Decision:
    """Decide what to do after an attempt that failed; the budget has its own word, and only where this says to try again.

    A wait that the server asks for is kept or not begun: a 429 whose wait is too long is refused, any other failure raises its own
    error. What is added to it at random ends where `max_wait` and the deadline do. A back-off is the client's own choice and bends
    to `max_wait`; where the deadline leaves no room for it, the failure is raised.

    Args:
        failure: What became of the last attempt.
        method: Of the call.
        idempotency_key: Under which it is sent, or None.
        attempt: How many attempts have been made, from 1.
        allowance: What the call allows itself.
        random: A number from 0 to below 1.
    """
    if attempt > allowance.max_retries or not is_repeatable(failure, method, idempotency_key):
        return Decision(RetryAction.RAISE)
    required, wait = required_wait(failure), backoff_seconds(attempt, failure, random)
    left = math.inf if allowance.time_left is None else allowance.time_left
    if required is None:
        wait = min(wait, allowance.max_wait)
        return Decision(RetryAction.RAISE) if wait > left else Decision(RetryAction.RETRY, wait)
    longest = min(allowance.max_wait, left)
    if required > longest:
        return Decision(RetryAction.WAIT_TOO_LONG, required) if failure.status == 429 else Decision(RetryAction.RAISE)
    return Decision(RetryAction.RETRY, min(wait, longest))


class RetryBudget:
    """Tokens for retries, shared by all calls of a client.

    Args:
        tokens: How many there are at first and at most; None: retries are not budgeted.
    """

    __slots__ = ("_most", "_tokens")

    def __init__(self, tokens: int | None) -> None:
        self._most = tokens
        self._tokens = tokens or 0

    def take(self) -> bool:
        """Pay for a retry; False if there is not enough left, and then nothing is taken."""
        if self._most is None:
            return True
        if self._tokens < COST_OF_RETRY:
            return False
        self._tokens -= COST_OF_RETRY
        return True

    def refill(self, after_retry: bool) -> None:
        """Note a success."""
        if self._most is not None and self._tokens < self._most:
            self._tokens = min(self._most, self._tokens + (GAIN_AFTER_RETRY if after_retry else SUCCESS_REFUND))
