"""Rate limit windows: requests without a response, which the server may have counted."""

from __future__ import annotations

import pytest

from cstar_async import Priority
from cstar_async._rate_limit.window import RateLimitWindow
from tests.unit.clocks import EPOCH, rate_headers
from tests.unit.rate_limits import BACKGROUND, INTERACTIVE, count_permits, window_after


def lose(window: RateLimitWindow, count: int) -> None:
    """Send so many requests that get no response."""
    for _ in range(count):
        window.acquire(INTERACTIVE, 0.0)
    for _ in range(count):
        window.release(INTERACTIVE, 0, 0, is_lost=True)


def test_unconfirmed_requests_allow_one_request_at_a_time() -> None:
    """The server may have counted them. One request finds out, and no second one before its response."""
    window = window_after(rate_headers(3))
    lose(window, 3)
    assert (3, 1) == (window.unconfirmed, count_permits(window))


def test_unconfirmed_requests_are_subtracted() -> None:
    """Two of five."""
    window = window_after(rate_headers(5))
    lose(window, 2)
    assert (3, 3) == (window.calls_left(INTERACTIVE, 0.0, EPOCH), count_permits(window))


def test_response_to_a_later_request_confirms_the_count() -> None:
    """The server had counted one of three."""
    window = window_after(rate_headers(3))
    lose(window, 3)
    window.acquire(INTERACTIVE, 0.0)
    window.update(200, rate_headers(1), 0.0, EPOCH)
    window.release(INTERACTIVE, 0, 200)
    assert (0, 1) == (window.unconfirmed, count_permits(window))


def test_response_to_an_earlier_request_does_not_confirm_the_count() -> None:
    """It may have been counted before the lost one."""
    window = window_after(rate_headers(3))
    window.acquire(INTERACTIVE, 0.0)
    lose(window, 1)
    window.update(200, rate_headers(2), 0.0, EPOCH)
    window.release(INTERACTIVE, 0, 200)
    assert (1, 1) == (window.unconfirmed, count_permits(window))


def test_request_that_was_never_sent_is_not_unconfirmed() -> None:
    """The server cannot have counted it."""
    window = window_after(rate_headers(1))
    window.acquire(INTERACTIVE, 0.0)
    window.release(INTERACTIVE, 0, 0)
    assert 1 == count_permits(window)


def test_new_window_has_no_unconfirmed_requests() -> None:
    """They belong to the window before."""
    window = window_after(rate_headers(3, EPOCH + 10))
    lose(window, 3)
    assert window.can_send(INTERACTIVE, 10.0)
    assert window.unconfirmed == 0


@pytest.mark.parametrize(
    ("in_flight", "first", "second"),
    [(BACKGROUND, INTERACTIVE, True), (INTERACTIVE, INTERACTIVE, False), (INTERACTIVE, BACKGROUND, False)],
)
def test_interactive_request_does_not_wait_for_a_background_one_that_confirms_the_count(
    in_flight: Priority, first: Priority, *, second: bool
) -> None:
    """Every other combination waits."""
    window = window_after(rate_headers(500))
    lose(window, 500)
    window.acquire(in_flight, 0.0)
    assert second is window.can_send(first, 0.0)


@pytest.mark.parametrize(
    ("remaining", "in_flight", "lost", "blocking"), [(9, 0, 9, 9), (9, 0, 8, 0), (9, 9, 9, 0), (9, 8, 1, 1), (9, 0, 0, 0)]
)
def test_lost_requests_block_others_if_less_is_left_without_them(remaining: int, in_flight: int, lost: int, blocking: int) -> None:
    """Otherwise the limit or the requests in flight do."""
    window = window_after(rate_headers(remaining))
    window.in_flight, window.unconfirmed = in_flight, lost
    assert blocking == window.blocking_losses(INTERACTIVE)


def test_reserve_is_subtracted_before_lost_requests_block_a_background_one() -> None:
    """With 105 of 1,000 left, five are for the background."""
    window = window_after(rate_headers(105))
    window.unconfirmed = 5
    assert (5, 0) == (window.blocking_losses(BACKGROUND), window.blocking_losses(INTERACTIVE))
    window.unconfirmed = 4
    assert 0 == window.blocking_losses(BACKGROUND)


def test_interactive_request_does_not_wait_for_any_number_of_background_ones() -> None:
    """Whether they were sent before or after others were lost."""
    window = window_after(rate_headers(500))
    permits = [window.acquire(BACKGROUND, 0.0) for _ in range(3)]
    lose(window, 499)
    assert window.can_send(INTERACTIVE, 0.0)
    window.release(BACKGROUND, permits[0], 500)
    assert window.can_send(INTERACTIVE, 0.0)
    window.acquire(INTERACTIVE, 0.0)
    window.release(BACKGROUND, permits[1], 500)
    assert not window.can_send(INTERACTIVE, 0.0)


@pytest.mark.parametrize("status", [0, 500, 503])
def test_request_without_a_response_of_the_server_confirms_nothing(status: int) -> None:
    """It was not sent, or a gateway responded."""
    window = window_after(rate_headers(3))
    lose(window, 3)
    window.release(INTERACTIVE, window.acquire(INTERACTIVE, 0.0), status)
    assert 3 == window.unconfirmed
