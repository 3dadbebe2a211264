"""Rate limit windows: counts, resets and headers."""

from __future__ import annotations

from email.utils import formatdate

import pytest

from cstar_async import Priority
from cstar_async._rate_limit.window import RateLimitWindow
from tests.unit.clocks import EPOCH, rate_headers
from tests.unit.rate_limits import BACKGROUND, INTERACTIVE, count_permits, window_after


def test_new_window_has_the_documented_limit() -> None:
    """1,000 requests until a response states another limit."""
    assert 1000 == count_permits(RateLimitWindow())


def test_new_window_keeps_its_reserve() -> None:
    """10 % of the assumed limit."""
    assert 180 == count_permits(RateLimitWindow(200), priority=BACKGROUND)


@pytest.mark.parametrize("remaining", [0, 1, 7])
def test_window_grants_what_the_response_leaves(remaining: int) -> None:
    """Exactly the stated remaining."""
    assert remaining == count_permits(window_after(rate_headers(remaining)))


def test_smallest_remaining_of_a_window_counts() -> None:
    """A delayed response does not raise the count."""
    window = window_after(rate_headers(3))
    window.update(200, rate_headers(9), 0.0, EPOCH)
    assert 3 == count_permits(window)


@pytest.mark.parametrize("jitter", [-2, -1, 1, 2])
def test_resets_within_the_tolerance_are_one_window(jitter: int) -> None:
    """Servers round. Within a window the smallest count holds, whichever response has it."""
    for first, second in ((3, 9), (9, 3)):
        window = window_after(rate_headers(first, EPOCH + 1000))
        window.update(200, rate_headers(second, EPOCH + 1000 + jitter), 0.0, EPOCH)
        assert 3 == count_permits(window, 1.0)


def test_later_reset_is_a_new_window() -> None:
    """Its count replaces that of the old window."""
    window = window_after(rate_headers(0, EPOCH + 10))
    window.update(200, rate_headers(9, EPOCH + 3610), 11.0, EPOCH + 11)
    assert 9 == count_permits(window, 11.0)


def test_later_reset_is_a_new_window_before_the_end_of_the_old_one() -> None:
    """The server began it earlier than it had stated."""
    window = window_after(rate_headers(0, EPOCH + 10))
    window.update(200, rate_headers(9, EPOCH + 3605), 5.0, EPOCH + 5)
    assert 9 == count_permits(window, 5.0)


def test_window_that_is_over_opens_in_no_time() -> None:
    """Its end has passed."""
    window = window_after(rate_headers(0, EPOCH + 10))
    assert [0.5, 0.0, 0.0] == [window.seconds_until_open(now) for now in (9.5, 10.0, 99.0)]


def test_delayed_response_of_the_previous_window_changes_nothing() -> None:
    """It arrives after one of the new window."""
    window = window_after(rate_headers(9, EPOCH + 3610))
    window.update(200, rate_headers(0, EPOCH + 10), 1.0, EPOCH + 1)
    assert 9 == count_permits(window, 1.0)


def test_window_can_become_shorter() -> None:
    """A reset that is after the end of the previous window is that of the present one."""
    window = window_after(rate_headers(9, EPOCH + 3000))
    window.update(200, rate_headers(0, EPOCH + 61) | {"X-RateLimit-Window": "60"}, 1.0, EPOCH + 1)
    assert (0, 60.0) == (count_permits(window, 1.0), window.seconds_until_open(1.0))


def test_response_of_a_window_that_is_over_changes_nothing() -> None:
    """A count of a past window does not close the present one."""
    assert 1000 == count_permits(window_after(rate_headers(0, EPOCH - 5)))


def test_window_that_ends_now_is_over() -> None:
    """Its count changes nothing."""
    assert 1000 == count_permits(window_after(rate_headers(0, EPOCH)))


def test_window_that_ends_in_a_second_counts() -> None:
    """Its count holds until then."""
    assert 7 == count_permits(window_after(rate_headers(7, EPOCH + 1)))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-RateLimit-Remaining": "0"},
        rate_headers("none"),
        rate_headers("-1"),
        rate_headers(0, limit=0),
        rate_headers(0, limit="x"),
        rate_headers("9" * 19),
        rate_headers(0, reset=None),
        rate_headers(0, reset="soon"),
        rate_headers(0, reset="-1"),
    ],
)
def test_malformed_headers_change_nothing(headers: dict[str, str]) -> None:
    """Values that cannot be read, or would close the window for ever, count as missing."""
    assert 1000 == count_permits(window_after(headers))


def test_count_without_a_reset_lowers_that_of_a_known_window() -> None:
    """The end is known from an earlier response."""
    window = window_after(rate_headers(50))
    window.update(200, rate_headers(2, reset=None), 0.0, EPOCH)
    assert 2 == count_permits(window)


def test_reset_further_away_than_the_window_is_cut() -> None:
    """A reset in a year counts as one in an hour."""
    assert 3600.0 == window_after(rate_headers(0, EPOCH + 366 * 86400)).seconds_until_end(0.0)


@pytest.mark.parametrize(
    ("stated", "length"), [("60", 60.0), ("7200", 7200.0), ("999999999", 86400.0), ("0", 3600.0), ("x", 3600.0)]
)
def test_window_length_is_the_stated_one(stated: str, length: float) -> None:
    """At most a day; an hour if it is missing or malformed. No reset is further away."""
    headers = rate_headers(0, EPOCH + 366 * 86400) | {"X-RateLimit-Window": stated}
    assert length == window_after(headers).seconds_until_end(0.0)


def test_remaining_is_cut_to_the_limit() -> None:
    """A window never allows more than its limit."""
    assert 10 == count_permits(window_after(rate_headers(500, limit=10)))


def test_limit_may_change_within_a_window() -> None:
    """A plan upgrade counts at once."""
    window = window_after(rate_headers(0))
    window.update(200, rate_headers(100, limit=2000), 0.0, EPOCH)
    assert 100 == count_permits(window)


def test_reset_is_compared_with_the_date_of_the_response() -> None:
    """A client whose clock is two hours wrong waits as long as any other."""
    headers = rate_headers(0, EPOCH + 7200 + 60) | {"Date": formatdate(EPOCH + 7200, usegmt=True)}
    assert 60.0 == window_after(headers).seconds_until_end(0.0)


def test_background_requests_leave_the_reserve() -> None:
    """10 % of 1,000 is for interactive requests."""
    window = window_after(rate_headers(100))
    assert (False, True) == (window.can_send(BACKGROUND, 0.0), window.can_send(INTERACTIVE, 0.0))


@pytest.mark.parametrize(
    ("remaining", "in_flight", "now", "first", "behind"),
    [
        (500, 0, 0.0, 500, 400),
        (500, 7, 0.0, 493, 393),
        (99, 0, 0.0, 99, 0),
        (3, 5, 0.0, 0, 0),
        (0, 0, 3599.0, 0, 0),
        (0, 0, 3600.0, 1000, 900),
    ],
)
def test_calls_left_takes_no_permit(remaining: int, in_flight: int, now: float, first: int, behind: int) -> None:
    """Requests in flight are subtracted, and the reserve for background ones. A window that is over counts with its limit."""
    window = window_after(rate_headers(remaining))
    window.in_flight = in_flight
    assert (first, behind) == (window.calls_left(INTERACTIVE, now, EPOCH), window.calls_left(BACKGROUND, now, EPOCH))
    assert window.in_flight == in_flight


def test_fast_update_lowers_the_count() -> None:
    """The smallest count of a window holds."""
    window = window_after(rate_headers(9))
    assert (True, True) == (window.update_fast(200, rate_headers(3)), window.update_fast(200, rate_headers(5)))
    assert 3 == count_permits(window)


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (429, rate_headers(3)),
        (200, rate_headers(3, EPOCH + 3599)),
        (200, rate_headers(3, limit=999)),
        (200, rate_headers("x")),
        (200, rate_headers(3, reset=None)),
        (200, {"X-RateLimit-Reset": str(int(EPOCH + 3600)), "X-RateLimit-Limit": "1000"}),
        (200, {}),
    ],
)
def test_fast_update_refuses_any_other_response(status: int, headers: dict[str, str]) -> None:
    """A refusal, another reset, another limit, or no count changes nothing."""
    window = window_after(rate_headers(9))
    assert window.update_fast(status, headers) is False
    assert 9 == count_permits(window)


EMPTY = {"X-RateLimit-Reset": "", "X-RateLimit-Remaining": "3"}


def test_fast_update_does_nothing_before_the_first_response() -> None:
    """Not even for a response without a reset."""
    window = RateLimitWindow()
    assert (False, False, False) == (
        window.update_fast(200, rate_headers(3)),
        window.update_fast(200, {"X-RateLimit-Remaining": "3"}),
        window.update_fast(200, EMPTY),
    )
    assert 1000 == count_permits(window)


def test_fast_update_does_nothing_after_a_refusal() -> None:
    """A response from before must not open the window."""
    window = window_after(rate_headers(9))
    window.update(429, {"Retry-After": "5"}, 0.0, EPOCH)
    limit = {"X-RateLimit-Limit": "1000"}
    assert (False, False) == (window.update_fast(200, rate_headers(3)), window.update_fast(200, EMPTY | limit))


def test_fast_update_does_nothing_during_a_probe() -> None:
    """The next window is another one, whatever responses of the old one state."""
    window = window_after(rate_headers(9, EPOCH + 10))
    assert window.can_send(INTERACTIVE, 10.0)
    window.acquire(INTERACTIVE, 0.0)
    limit = {"X-RateLimit-Limit": "1000"}
    assert (False, False) == (window.update_fast(200, rate_headers(3, EPOCH + 10)), window.update_fast(200, EMPTY | limit))


@pytest.mark.parametrize(
    ("remaining", "in_flight", "priority", "ahead", "may"),
    [
        (1, 1, INTERACTIVE, 0, True),
        (1, 0, INTERACTIVE, 0, False),
        (0, 1, INTERACTIVE, 0, False),
        (3, 3, INTERACTIVE, 2, True),
        (3, 3, INTERACTIVE, 3, False),
        (101, 101, BACKGROUND, 0, True),
        (100, 100, BACKGROUND, 0, False),
        (103, 9, BACKGROUND, 3, False),
    ],
)
def test_responses_may_free_capacity(*, remaining: int, in_flight: int, priority: Priority, ahead: int, may: bool) -> None:
    """If requests are in flight, and more is left than those ahead and the reserve take."""
    window = window_after(rate_headers(remaining))
    window.in_flight = in_flight
    assert may is window.may_free_capacity(priority, ahead)


def test_no_request_is_ahead_by_default() -> None:
    """The last request left may be one's own."""
    window = window_after(rate_headers(1))
    window.acquire(INTERACTIVE, 0.0)
    assert window.may_free_capacity(INTERACTIVE) is True
