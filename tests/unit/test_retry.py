"""Retries: the decision as a table, the waits, and the budget."""

from __future__ import annotations

import math

import pytest

from cstar_async._protocol.retry import (
    Decision,
    Failure,
    RetryAction,
    RetryBudget,
    RetryLimits,
    backoff_seconds,
    decide,
    is_repeatable,
    required_wait,
)

LOST, UNSENT = Failure(), Failure(sent=False)
BUSY = Failure(status=409, code="Idempotency_In_Progress")


def status(number: int) -> Failure:
    """An answer without a code."""
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


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row[0].status}-{row[0].code}-{row[0].sent}")
def test_failure_is_repeated_as_the_table_says(row: tuple[Failure, bool, bool, bool, bool]) -> None:
    """Reads and deletions for what may pass; writes under a key, or where the server did not act."""
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
def test_required_wait_is_the_servers_word(failure: Failure, seconds: float | None) -> None:
    """A 429 without a word means a minute."""
    assert seconds == required_wait(failure)


@pytest.mark.parametrize(("attempt", "most"), [(1, 0.5), (2, 1.0), (3, 2.0), (4, 4.0), (5, 8.0), (6, 8.0), (5000, 8.0)])
def test_back_off_doubles_up_to_its_longest(attempt: int, most: float) -> None:
    """Full jitter takes a share of 0.5, 1, 2, 4, 8 seconds."""
    assert (0.0, most / 2) == (backoff_seconds(attempt, LOST, lambda: 0.0), backoff_seconds(attempt, LOST, lambda: 0.5))


def test_wait_of_the_server_is_spread_by_a_tenth() -> None:
    """Never earlier, up to a tenth later."""
    failure = Failure(status=429, retry_after=10.0)
    assert (10.0, 10.5) == (backoff_seconds(1, failure, lambda: 0.0), backoff_seconds(1, failure, lambda: 0.5))


def asked(number: int, seconds: float) -> Failure:
    """An answer that asks to come back after a while."""
    return Failure(status=number, retry_after=seconds)


RAISE, REFUSE, RETRY = RetryAction.RAISE, RetryAction.WAIT_TOO_LONG, RetryAction.RETRY
NONE, DECISIONS = math.inf, list[tuple[Failure, str, int, int, float, float, RetryAction, float]]()
DECISIONS += [
    # failure, call, attempts made, retries allowed, longest wait, seconds to the deadline: verdict, wait (of a share of a half)
    # What may pass is tried again while retries are left, after a back-off that doubles.
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
    # A write without a key is repeated only if the server did not act.
    (LOST, "POST", 1, 3, 60, NONE, RETRY, 0.25),
    (LOST, "POST without key", 1, 3, 60, NONE, RAISE, 0),
    (UNSENT, "POST without key", 1, 3, 60, NONE, RETRY, 0.25),
    (status(500), "DELETE", 1, 3, 60, NONE, RETRY, 0.25),
    (status(503), "POST without key", 1, 3, 60, NONE, RAISE, 0),
    (asked(429, 2), "POST without key", 1, 3, 60, NONE, RETRY, 2.1),
    # A wait that the server asks for is kept, or refused at once.
    (status(429), "GET", 1, 3, 60, NONE, RETRY, 60.0),
    (status(429), "GET", 1, 3, 59.9, NONE, REFUSE, 60),
    (asked(429, 0), "GET", 1, 3, 60, NONE, RETRY, 0),
    (asked(429, 7), "GET", 3, 3, 60, NONE, RETRY, 7.35),
    (status(429), "GET", 1, 3, 62, NONE, RETRY, 62.0),
    (status(429), "GET", 1, 3, 90, NONE, RETRY, 63.0),
    (asked(429, 60), "GET", 1, 3, 60, NONE, RETRY, 60.0),
    (asked(429, 61), "GET", 1, 3, 60, NONE, REFUSE, 61),
    (asked(429, 61), "GET", 4, 3, 60, NONE, RAISE, 0),
    (asked(503, 7), "GET", 1, 3, 60, NONE, RETRY, 7.35),
    (asked(503, 61), "GET", 1, 3, 60, NONE, RAISE, 0),
    (asked(408, 61), "GET", 1, 3, 60, NONE, RAISE, 0),
    (Failure(status=409, code="idempotency_in_progress", retry_after=61), "POST", 1, 3, 60, NONE, RAISE, 0),
    # The deadline bounds every wait, and what chance adds to it, as the longest wait does.
    (asked(429, 10), "GET", 1, 3, 60, 9.9, REFUSE, 10),
    (asked(429, 10), "GET", 1, 3, 60, 10.0, RETRY, 10.0),
    (asked(429, 10), "GET", 1, 3, 60, 10.2, RETRY, 10.2),
    (asked(503, 10), "GET", 1, 3, 60, 9.9, RAISE, 0),
    (asked(429, 0), "GET", 1, 3, 60, -0.1, REFUSE, 0),
    (LOST, "GET", 5, 9, 60, 4.0, RETRY, 4.0),
    (LOST, "GET", 5, 9, 60, 3.9, RAISE, 0),
    (LOST, "GET", 1, 3, 60, -0.1, RAISE, 0),
    # A back-off is the client's own, and bends to the longest wait.
    (LOST, "GET", 5, 9, 1.5, NONE, RETRY, 1.5),
    (LOST, "GET", 5, 9, 1.5, 1.6, RETRY, 1.5),
    (LOST, "GET", 1, 3, 0, NONE, RETRY, 0),
]


@pytest.mark.parametrize("row", DECISIONS, ids=range(len(DECISIONS)))
def test_decision_is_that_of_the_table(row: tuple[Failure, str, int, int, float, float, RetryAction, float]) -> None:
    """To try again after so many seconds, to raise what came, or to refuse the wait."""
    failure, call, attempt, retries, longest, left, verdict, wait = row
    decision = decide(
        failure,
        method=call.split()[0],
        idempotency_key="idk_1" if call == "POST" else None,
        attempt=attempt,
        allowance=RetryLimits(max_retries=retries, max_wait=longest, time_left=None if left == NONE else left),
        random=lambda: 0.5,
    )
    assert Decision(verdict, pytest.approx(wait)) == decision


def test_budget_pays_five_a_retry_until_it_is_empty() -> None:
    """Twelve tokens are two retries."""
    budget = RetryBudget(12)
    assert [True, True, False] == [budget.take() for _ in range(3)]


@pytest.mark.parametrize(("after_retry", "successes"), [(False, 5), (True, 1)])
def test_successes_fill_an_empty_budget(*, after_retry: bool, successes: int) -> None:
    """One back for a success, five for one after a retry."""
    budget = RetryBudget(5)
    assert budget.take()
    for _ in range(successes - 1):
        budget.refill(after_retry=after_retry)
    before = budget.take()
    budget.refill(after_retry=after_retry)
    assert (False, True) == (before, budget.take())


def test_full_budget_grows_no_further() -> None:
    """Years of successes do not buy a storm of retries."""
    budget = RetryBudget(5)
    for _ in range(100):
        budget.refill(after_retry=True)
    assert [True, False] == [budget.take(), budget.take()]


def test_budget_switched_off_always_pays() -> None:
    """None: no budget."""
    budget = RetryBudget(None)
    budget.refill(after_retry=False)
    assert [True] * 1000 == [budget.take() for _ in range(1000)]


def test_budget_of_nothing_never_pays() -> None:
    """0 is not None."""
    assert RetryBudget(0).take() is False
