"""Slow start: how many requests may be in flight, and when it ends."""

from __future__ import annotations

import pytest

from cstar_async._rate_limit.slow_start import SlowStart
from tests.unit.rate_limits import BACKGROUND, INTERACTIVE


def begun(limit: int = 100, *, is_after_refusal: bool = True) -> SlowStart:
    """Return a slow start that has begun."""
    slow_start = SlowStart()
    slow_start.begin(limit, is_after_refusal=is_after_refusal)
    return slow_start


def send_all(slow_start: SlowStart, now: float = 0.0, *, maximum: int = 200) -> int:
    """Send as many interactive requests as are allowed, and return their number."""
    count = 0
    while count < maximum and slow_start.is_active and slow_start.can_send(INTERACTIVE, now):
        slow_start.acquire(INTERACTIVE, now)
        count += 1
    return count


def accept(slow_start: SlowStart, count: int) -> None:
    """Accept so many interactive requests."""
    for _ in range(count):
        slow_start.release(INTERACTIVE, slow_start.number, is_accepted=True)


def test_nothing_is_limited_before_it_begins() -> None:
    """Nor after its end."""
    slow_start = SlowStart()
    assert (False, True) == (slow_start.is_active, slow_start.can_send(INTERACTIVE, 0.0))


@pytest.mark.parametrize("is_after_refusal", [False, True])
def test_one_request_is_sent_first(*, is_after_refusal: bool) -> None:
    """After a refusal and at the start of a window."""
    assert 1 == send_all(begun(is_after_refusal=is_after_refusal))


def test_accepted_requests_double_the_portion_with_each_round_trip() -> None:
    """Each accepted one allows one more in flight."""
    slow_start, portions = begun(), [1]
    send_all(slow_start)
    for _ in range(5):
        accept(slow_start, portions[-1])
        portions.append(send_all(slow_start))
    assert [1, 2, 4, 8, 16, 32] == portions


def test_request_that_was_not_accepted_does_not_raise_the_portion() -> None:
    """Its successor takes its turn."""
    slow_start = begun()
    send_all(slow_start)
    slow_start.release(INTERACTIVE, slow_start.number, is_accepted=False)
    assert 1 == send_all(slow_start)


def test_accepted_request_at_the_start_of_a_window_ends_it() -> None:
    """A server that states no limit does not get one request at a time for ever."""
    slow_start = begun(is_after_refusal=False)
    send_all(slow_start)
    accept(slow_start, 1)
    assert slow_start.is_active is False


@pytest.mark.parametrize(("is_after_refusal", "is_active"), [(False, False), (True, True)])
def test_stated_count_ends_it_only_at_the_start_of_a_window(*, is_after_refusal: bool, is_active: bool) -> None:
    """After a refusal, the count did not prevent that."""
    slow_start = begun(is_after_refusal=is_after_refusal)
    slow_start.confirm()
    assert is_active is slow_start.is_active


def test_start_of_a_window_without_a_response_ends_after_two_seconds() -> None:
    """A second request is sent after one second."""
    slow_start = begun(is_after_refusal=False)
    assert [1, 0, 1, 0] == [send_all(slow_start, now) for now in (5.0, 5.9, 6.0, 6.9)]
    assert slow_start.can_send(INTERACTIVE, 7.0)
    assert slow_start.is_active is False


def test_portion_after_a_refusal_doubles_with_each_second_without_a_response() -> None:
    """It never ends by time alone, but when it reaches the limit."""
    slow_start = begun(limit=9)
    assert [1, 1, 2, 4] == [send_all(slow_start, now) for now in (5.0, 6.0, 7.0, 8.0)]
    assert slow_start.is_active
    assert slow_start.can_send(INTERACTIVE, 9.0)
    assert slow_start.is_active is False


def test_second_counts_from_the_first_request() -> None:
    """Not from the beginning."""
    slow_start = begun()
    assert slow_start.grows_at > 1e9
    assert slow_start.can_send(INTERACTIVE, 100.0)
    slow_start.acquire(INTERACTIVE, 100.0)
    assert 101.0 == slow_start.grows_at


def test_second_counts_from_the_next_request_after_an_accepted_one() -> None:
    """While responses come, time does not raise the portion."""
    slow_start = begun()
    send_all(slow_start, 0.0)
    accept(slow_start, 1)
    assert slow_start.grows_at > 1e9
    assert 2 == send_all(slow_start, 0.9)
    assert 1.9 == slow_start.grows_at


def test_failed_request_does_not_delay_the_growth() -> None:
    """The time counts from the first request."""
    slow_start = begun()
    send_all(slow_start, 0.0)
    slow_start.release(INTERACTIVE, slow_start.number, is_accepted=False)
    assert 1 == send_all(slow_start, 0.7)
    assert 1.0 == slow_start.grows_at


def test_late_look_at_the_time_doubles_the_portion_once() -> None:
    """A burst after a long pause is not sent at once."""
    slow_start = begun()
    send_all(slow_start, 0.0)
    assert 1 == send_all(slow_start, 100.0)
    assert 101.0 == slow_start.grows_at


def test_it_ends_when_the_limit_may_be_in_flight() -> None:
    """The portion is then no limit any more."""
    slow_start = begun(limit=3)
    send_all(slow_start)
    accept(slow_start, 1)
    assert slow_start.is_active
    send_all(slow_start)
    accept(slow_start, 1)
    assert (False, True) == (slow_start.is_active, slow_start.grows_at > 1e9)


def test_interactive_request_counts_interactive_ones_only() -> None:
    """A background probe does not delay it; the reverse does."""
    slow_start = begun()
    slow_start.acquire(BACKGROUND, 0.0)
    assert (False, True) == (slow_start.can_send(BACKGROUND, 0.0), slow_start.can_send(INTERACTIVE, 0.0))
    assert (1, 0) == (slow_start.in_flight(BACKGROUND), slow_start.in_flight(INTERACTIVE))
    slow_start.acquire(INTERACTIVE, 0.0)
    assert (2, 1) == (slow_start.in_flight(BACKGROUND), slow_start.in_flight(INTERACTIVE))
    assert not slow_start.can_send(INTERACTIVE, 0.0)
    slow_start.release(BACKGROUND, slow_start.number, is_accepted=False)
    assert (1, 1) == (slow_start.in_flight(BACKGROUND), slow_start.in_flight(INTERACTIVE))
    assert not slow_start.can_send(BACKGROUND, 0.0)


def test_permit_of_an_earlier_slow_start_changes_nothing() -> None:
    """Its request hung all the time."""
    slow_start = begun()
    old = slow_start.acquire(INTERACTIVE, 0.0)
    slow_start.begin(100, is_after_refusal=True)
    assert 1 == send_all(slow_start)
    slow_start.release(INTERACTIVE, old, is_accepted=True)
    assert (1, 0, 0) == (slow_start.in_flight(INTERACTIVE), slow_start.accepted, send_all(slow_start))


def refused_after(accepted: int, limit: int = 1000) -> SlowStart:
    """Return a slow start after a refusal before which so many requests were accepted."""
    slow_start = SlowStart()
    slow_start.accepted = accepted
    slow_start.begin(limit, is_after_refusal=True)
    return slow_start


def test_requests_beyond_those_accepted_last_time_are_sent_one_at_a_time() -> None:
    """After all in flight have returned; then the portion grows again."""
    slow_start = refused_after(10)
    for portion in (1, 2, 4):
        assert portion == send_all(slow_start)
        accept(slow_start, portion)
    assert 3 == send_all(slow_start)
    accept(slow_start, 2)
    assert 0 == send_all(slow_start)
    accept(slow_start, 1)
    portions: list[int] = []
    for _ in range(4):
        portions.append(send_all(slow_start))
        accept(slow_start, portions[-1])
    assert [1, 2, 4, 8] == portions


def test_failures_at_the_threshold_do_not_stop_the_requests() -> None:
    """One at a time is always allowed, and time raises the portion."""
    slow_start = refused_after(3)
    send_all(slow_start)
    accept(slow_start, 1)
    assert 2 == send_all(slow_start, 0.0)
    for _ in range(2):
        slow_start.release(INTERACTIVE, slow_start.number, is_accepted=False)
    assert [1, 1, 2] == [send_all(slow_start, now) for now in (0.5, 1.0, 2.0)]


def test_refusal_without_an_accepted_request_keeps_the_threshold() -> None:
    """A late refusal of the same burst states nothing new."""
    slow_start = refused_after(1)
    slow_start.begin(1000, is_after_refusal=True)
    assert 1 == send_all(slow_start)
    accept(slow_start, 1)
    assert 1 == send_all(slow_start)


def test_each_slow_start_counts_its_own_accepted_requests() -> None:
    """Those before it are the threshold."""
    slow_start = refused_after(7)
    assert 0 == slow_start.accepted
    for _ in range(2):
        send_all(slow_start)
        accept(slow_start, 1)
    assert 2 == slow_start.accepted


def test_background_requests_at_the_threshold_return_first_too() -> None:
    """Only then the next one is sent."""
    slow_start = refused_after(3)
    slow_start.acquire(INTERACTIVE, 0.0)
    accept(slow_start, 1)
    for _ in range(2):
        slow_start.acquire(BACKGROUND, 0.0)
    slow_start.release(BACKGROUND, slow_start.number, is_accepted=True)
    assert not slow_start.can_send(BACKGROUND, 0.0)
    slow_start.release(BACKGROUND, slow_start.number, is_accepted=True)
    assert slow_start.can_send(BACKGROUND, 0.0)
    slow_start.acquire(BACKGROUND, 0.0)
    assert not slow_start.can_send(BACKGROUND, 0.0)
