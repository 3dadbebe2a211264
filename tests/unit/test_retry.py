"""Retries: decisions, delays and the budget."""

from __future__ import annotations

import math

import pytest

from cstar_async._protocol.retry import (
    Decision,
    Failure,
    RetryAction,
    RetryBudget,
    backoff_seconds,
    decide,
    is_repeatable,
    required_wait,
    retry_delay,
)
from cstar_async.errors import APIError, ConnectionFailedError, ServerError

LOST, UNSENT = Failure(), Failure(request_sent=False)
BUSY = Failure(status=409, code="Idempotency_In_Progress")


def status(number: int) -> Failure:
    """A response without an error code."""
    return Failure(status=number)


TABLE: list[tuple[Failure, bool, bool, bool, bool]] = [
    # failure, GET, DELETE, POST with a key, POST without
    (LOST, True, True, True, False),
    (UNSENT, True, True, True, True),
    (status(301), False, False, False, False),
    (status(400), False, False, False, False),
    (status(401), False, False, False, False),
    (status(403), False, False, False, False),
    (status(404), False, False, False, False),
    (status(408), True, True, True, False),
    (status(409), False, False, False, False),
    (Failure(status=409, code="idempotency_key_reused"), False, False, False, False),
    (BUSY, True, True, True, True),
    (status(418), False, False, False, False),
    (status(422), False, False, False, False),
    (status(429), True, True, True, True),
    (status(499), False, False, False, False),
    (status(500), True, True, True, False),
    (status(502), True, True, True, False),
    (status(503), True, True, True, False),
    (status(529), True, True, True, False),
    (status(599), True, True, True, False),
    (status(600), False, False, False, False),
]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row[0].status}-{row[0].code}-{row[0].request_sent}")
def test_repeatable_requests_are_those_of_the_table(row: tuple[Failure, bool, bool, bool, bool]) -> None:
    """GET and DELETE after transient failures; writes with an idempotency key, or where the server did not act."""
    failure, *expected = row
    assert expected == [
        is_repeatable(failure, "GET", None),
        is_repeatable(failure, "DELETE", None),
        is_repeatable(failure, "POST", "idk_1"),
        is_repeatable(failure, "PATCH", None),
    ]


@pytest.mark.parametrize(
    ("failure", "seconds"),
    [
        (status(429), 60.0),
        (Failure(status=429, retry_after=0.0), 0.0),
        (Failure(status=429, retry_after=7.0), 7.0),
        (Failure(status=503, retry_after=7.0), 7.0),
        (status(503), None),
        (LOST, None),
    ],
)
def test_required_wait_is_the_one_that_the_server_states(failure: Failure, seconds: float | None) -> None:
    """A 429 that states none means 60 seconds."""
    assert seconds == required_wait(failure)


@pytest.mark.parametrize(("attempt", "maximum"), [(1, 0.5), (2, 1.0), (3, 2.0), (4, 4.0), (5, 8.0), (6, 8.0), (5000, 8.0)])
def test_backoff_doubles_up_to_its_maximum(attempt: int, maximum: float) -> None:
    """Full jitter takes a share of 0.5, 1, 2, 4 or 8 seconds."""
    assert (0.0, maximum / 2) == (retry_delay(attempt, LOST, lambda: 0.0), retry_delay(attempt, LOST, lambda: 0.5))
    assert maximum == backoff_seconds(attempt, initial=0.5, maximum=8.0)


def test_jitter_never_shortens_a_wait_of_the_server() -> None:
    """It adds up to 10 %."""
    failure = Failure(status=429, retry_after=10.0)
    assert (10.0, 10.5) == (retry_delay(1, failure, lambda: 0.0), retry_delay(1, failure, lambda: 0.5))


def stating(number: int, seconds: float) -> Failure:
    """A response that states a wait."""
    return Failure(status=number, retry_after=seconds)


RAISE, TOO_LONG, RETRY = RetryAction.RAISE, RetryAction.WAIT_TOO_LONG, RetryAction.RETRY
NONE, DECISIONS = math.inf, list[tuple[Failure, str, int, int, float, float, RetryAction, float]]()
DECISIONS += [
    # failure, call, attempts, max_retries, max_wait, seconds to the deadline: action, wait (with a jitter of one half)
    # A transient failure is retried while retries are left, after a back-off that doubles.
    (LOST, "GET", 1, 3, 60, NONE, RETRY, 0.25),
    (LOST, "GET", 3, 3, 60, NONE, RETRY, 1.0),
    (LOST, "GET", 4, 3, 60, NONE, RAISE, 0),
    (LOST, "GET", 1, 0, 60, NONE, RAISE, 0),
    (status(408), "GET", 2, 3, 60, NONE, RETRY, 0.5),
    (status(500), "GET", 1, 3, 60, NONE, RETRY, 0.25),
    (status(599), "GET", 1, 3, 60, NONE, RETRY, 0.25),
    (BUSY, "POST", 1, 3, 60, NONE, RETRY, 0.25),
    (status(404), "GET", 1, 3, 60, NONE, RAISE, 0),
    (status(409), "POST", 1, 3, 60, NONE, RAISE, 0),
    (status(301), "GET", 1, 3, 60, NONE, RAISE, 0),
    # A write without an idempotency key is repeated only if the server did not act.
    (LOST, "POST", 1, 3, 60, NONE, RETRY, 0.25),
    (LOST, "POST without key", 1, 3, 60, NONE, RAISE, 0),
    (UNSENT, "POST without key", 1, 3, 60, NONE, RETRY, 0.25),
    (status(500), "DELETE", 1, 3, 60, NONE, RETRY, 0.25),
    (status(503), "POST without key", 1, 3, 60, NONE, RAISE, 0),
    (stating(429, 2), "POST without key", 1, 3, 60, NONE, RETRY, 2.1),
    # A wait that the server states is kept, or the call fails at once.
    (status(429), "GET", 1, 3, 60, NONE, RETRY, 60.0),
    (status(429), "GET", 1, 3, 59.9, NONE, TOO_LONG, 60),
    (stating(429, 0), "GET", 1, 3, 60, NONE, RETRY, 0),
    (stating(429, 7), "GET", 3, 3, 60, NONE, RETRY, 7.35),
    (status(429), "GET", 1, 3, 62, NONE, RETRY, 62.0),
    (status(429), "GET", 1, 3, 90, NONE, RETRY, 63.0),
    (stating(429, 60), "GET", 1, 3, 60, NONE, RETRY, 60.0),
    (stating(429, 61), "GET", 1, 3, 60, NONE, TOO_LONG, 61),
    (stating(429, 61), "GET", 4, 3, 60, NONE, RAISE, 0),
    (stating(503, 7), "GET", 1, 3, 60, NONE, RETRY, 7.35),
    (stating(503, 61), "GET", 1, 3, 60, NONE, RAISE, 0),
    (stating(408, 61), "GET", 1, 3, 60, NONE, RAISE, 0),
    (Failure(status=409, code="idempotency_in_progress", retry_after=61), "POST", 1, 3, 60, NONE, RAISE, 0),
    # The deadline bounds every wait and its jitter, as max_wait does.
    (stating(429, 10), "GET", 1, 3, 60, 9.9, TOO_LONG, 10),
    (stating(429, 10), "GET", 1, 3, 60, 10.0, RETRY, 10.0),
    (stating(429, 10), "GET", 1, 3, 60, 10.2, RETRY, 10.2),
    (stating(503, 10), "GET", 1, 3, 60, 9.9, RAISE, 0),
    (stating(429, 0), "GET", 1, 3, 60, -0.1, TOO_LONG, 0),
    (LOST, "GET", 5, 9, 60, 4.0, RETRY, 4.0),
    (LOST, "GET", 5, 9, 60, 3.9, RAISE, 0),
    (LOST, "GET", 1, 3, 60, -0.1, RAISE, 0),
    # A back-off is the client's own choice and is cut to max_wait.
    (LOST, "GET", 5, 9, 1.5, NONE, RETRY, 1.5),
    (LOST, "GET", 5, 9, 1.5, 1.6, RETRY, 1.5),
    (LOST, "GET", 1, 3, 0, NONE, RETRY, 0),
]


@pytest.mark.parametrize("row", DECISIONS, ids=range(len(DECISIONS)))
def test_decision_is_the_one_of_the_table(row: tuple[Failure, str, int, int, float, float, RetryAction, float]) -> None:
    """Retry after a wait, raise the error, or raise because the wait is too long."""
    failure, call, attempt, max_retries, max_wait, time_left, action, wait = row
    decision = decide(
        failure,
        method=call.split()[0],
        idempotency_key="idk_1" if call == "POST" else None,
        attempt=attempt,
        max_retries=max_retries,
        max_wait=max_wait,
        time_left=None if time_left == NONE else time_left,
        random=lambda: 0.5,
    )
    assert Decision(action, pytest.approx(wait)) == decision


@pytest.mark.parametrize(
    ("error", "facts"),
    [
        (ConnectionFailedError("lost"), (None, None, None, True)),
        (ConnectionFailedError("refused", request_sent=False), (None, None, None, False)),
        (ServerError("busy", status=503, code="overloaded", retry_after=2.0), (503, "overloaded", 2.0, True)),
        (APIError("moved", status=301), (301, None, None, True)),
    ],
)
def test_failure_has_what_its_error_states(
    error: ConnectionFailedError | APIError, facts: tuple[int | None, str | None, float | None, bool]
) -> None:
    """Status, code and wait of a response; without one, whether the request was sent."""
    failure = Failure.of(error)

    assert facts == (failure.status, failure.code, failure.retry_after, failure.request_sent)


def test_retry_costs_five_tokens() -> None:
    """Twelve tokens pay for two retries."""
    budget = RetryBudget(12)
    assert [True, True, False] == [budget.acquire() for _ in range(3)]


@pytest.mark.parametrize(("after_retry", "successes"), [(False, 5), (True, 1)])
def test_success_refunds_tokens(*, after_retry: bool, successes: int) -> None:
    """One token, or five if the call was retried."""
    budget = RetryBudget(5)
    assert budget.acquire()
    for _ in range(successes - 1):
        budget.refund(after_retry=after_retry)
    before = budget.acquire()
    budget.refund(after_retry=after_retry)
    assert (False, True) == (before, budget.acquire())


def test_full_budget_does_not_grow() -> None:
    """However many calls succeed."""
    budget = RetryBudget(5)
    for _ in range(100):
        budget.refund(after_retry=True)
    assert [True, False] == [budget.acquire(), budget.acquire()]


def test_budget_of_none_is_unlimited() -> None:
    """Every retry is allowed."""
    budget = RetryBudget(None)
    budget.refund(after_retry=False)
    assert [True] * 1000 == [budget.acquire() for _ in range(1000)]


def test_budget_of_zero_allows_no_retry() -> None:
    """0 differs from None."""
    assert RetryBudget(0).acquire() is False
