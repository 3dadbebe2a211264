"""Rate limit windows: probes and refusals."""

from __future__ import annotations

from email.utils import formatdate

import pytest

from cstar_async import Priority
from cstar_async._rate_limit.window import RateLimitWindow
from tests.unit.clocks import EPOCH, rate_headers
from tests.unit.rate_limits import BACKGROUND, INTERACTIVE, count_permits, window_after


def test_new_window_grants_one_probe_until_its_response() -> None:
    """What the next window allows is unknown."""
    window = window_after(rate_headers(5, EPOCH + 10))
    assert 1 == count_permits(window, 10.0)


def test_requests_in_flight_are_subtracted_from_the_new_window() -> None:
    """The server may count them there."""
    window = window_after(rate_headers(5, EPOCH + 10))
    assert 5 == count_permits(window)
    assert window.can_send(INTERACTIVE, 10.0)
    probe = window.acquire(INTERACTIVE, 10.0)
    assert probe > 0
    window.update(200, rate_headers(999, EPOCH + 3610), 10.0, EPOCH + 10)
    window.release(INTERACTIVE, probe, 200)
    assert 999 - 5 == count_permits(window, 10.0)


@pytest.mark.parametrize(("retry_after", "is_early"), [("0", True), ("1", True), ("2", False), ("900", False)])
def test_probe_refused_for_a_second_delays_later_windows_by_a_second(retry_after: str, is_early: bool) -> None:
    """A probe at the stated end that is refused for at most a second was too early."""
    window = window_after(rate_headers(5, EPOCH + 10))
    assert window.can_send(INTERACTIVE, 10.0)
    probe = window.acquire(INTERACTIVE, 10.0)
    window.update(429, {"Retry-After": retry_after}, 10.0, EPOCH + 10)
    window.release(INTERACTIVE, probe, 429)
    again = 10.0 + float(retry_after)
    window.update(200, rate_headers(999, EPOCH + 3610), again, EPOCH + again)
    assert (1.0 if is_early else 0.0) == window.seconds_until_open(again) - window.seconds_until_end(again)


def test_probe_counted_in_the_old_window_delays_later_windows_by_a_second() -> None:
    """Its response states the reset of the window before."""
    window = window_after(rate_headers(5, EPOCH + 10))
    assert window.can_send(INTERACTIVE, 10.0)
    probe = window.acquire(INTERACTIVE, 10.0)
    window.update(200, rate_headers(4, EPOCH + 10), 10.0, EPOCH + 10)
    window.release(INTERACTIVE, probe, 200)
    window.update(200, rate_headers(999, EPOCH + 3610), 11.0, EPOCH + 11)
    assert (3599.0, 3600.0) == (window.seconds_until_end(11.0), window.seconds_until_open(11.0))


def test_response_of_the_new_window_to_an_earlier_request_ends_the_probe() -> None:
    """The first response of the new window is enough."""
    window = window_after(rate_headers(5, EPOCH + 10))
    window.acquire(INTERACTIVE, 0.0)
    assert window.can_send(INTERACTIVE, 10.0)
    window.acquire(INTERACTIVE, 10.0)
    window.update(200, rate_headers(999, EPOCH + 3610), 10.0, EPOCH + 10)
    window.release(INTERACTIVE, 0, 200)
    assert 998 == count_permits(window, 10.0)


@pytest.mark.parametrize(
    ("retry_after", "opens"),
    [
        ("0", 0.0),
        ("30", 30.0),
        ("0.5", 0.5),
        (formatdate(EPOCH + 90, usegmt=True), 90.0),
        (formatdate(EPOCH - 90, usegmt=True), 0.0),
        ("31536000", 3600.0),
        (formatdate(EPOCH + 366 * 86400, usegmt=True), 3600.0),
        ("soon", 60.0),
        ("-5", 60.0),
        ("nan", 60.0),
        ("inf", 60.0),
        ("", 60.0),
    ],
)
def test_refusal_closes_the_window_for_the_stated_time(retry_after: str, opens: float) -> None:
    """A number or a date is kept, a year is cut to the window, and a malformed value means the default."""
    window = window_after(rate_headers(5) | {"Retry-After": retry_after}, 429)
    assert opens == window.seconds_until_end(0.0)
    assert (opens == 0.0) == window.can_send(INTERACTIVE, 0.0)


@pytest.mark.parametrize(
    ("headers", "retry_after", "opens"),
    [
        ({}, None, 60.0),
        (rate_headers(5), None, 60.0),
        ({"X-RateLimit-Remaining": "0"}, None, 60.0),
        (rate_headers(0, EPOCH + 3000), None, 3000.0),
        ({}, 30.0, 30.0),
        (rate_headers(0, EPOCH + 3000), 30.0, 30.0),
        ({}, 0.0, 0.0),
        ({}, 1e6, 3600.0),
    ],
)
def test_refusal_without_retry_after_closes_the_window_as_long_as_a_retry_waits(
    headers: dict[str, str], retry_after: float | None, opens: float
) -> None:
    """That is the wait of the body, or the reset if nothing remains until then, or a minute."""
    window = window_after(rate_headers(990, EPOCH + 3000))
    window.update(429, headers, 0.0, EPOCH, retry_after)
    assert opens == window.seconds_until_end(0.0)
    assert (opens == 0.0) == window.can_send(INTERACTIVE, 0.0)
    assert 1 == count_permits(window, opens)


def test_early_probe_is_followed_by_another_one_second_later() -> None:
    """A server that counts whole seconds may open later than it stated."""
    window = window_after(rate_headers(0, EPOCH + 10))
    assert window.can_send(INTERACTIVE, 10.0)
    probe = window.acquire(INTERACTIVE, 10.0)
    window.update(200, rate_headers(0, EPOCH + 10), 10.3, EPOCH + 10.3)
    window.release(INTERACTIVE, probe, 200)
    assert (0, 1) == (count_permits(window, 11.0), count_permits(window, 11.4))


def test_refused_probe_closes_the_window() -> None:
    """The other requests are not sent."""
    window = window_after(rate_headers(0, EPOCH + 10))
    assert window.can_send(INTERACTIVE, 10.0)
    probe = window.acquire(INTERACTIVE, 10.0)
    window.update(429, {"Retry-After": "20"}, 10.0, EPOCH + 10)
    window.release(INTERACTIVE, probe, 429)
    assert (0, 1) == (count_permits(window, 29.0), count_permits(window, 30.0))


def test_delayed_response_does_not_open_a_window_that_a_refusal_closed() -> None:
    """Its request was sent before, and the refusal is newer than its count."""
    window = window_after(rate_headers(400) | {"Retry-After": "5"}, 429)
    window.update(200, rate_headers(400), 1.0, EPOCH + 1)
    assert (0, 1) == (count_permits(window, 4.0), count_permits(window, 5.0))


def test_delayed_response_with_a_later_reset_does_not_open_it_either() -> None:
    """It was sent before the refusal, whatever reset it states."""
    window = window_after(rate_headers(0, EPOCH + 10) | {"Retry-After": "30"}, 429)
    window.update(200, rate_headers(999, EPOCH + 3610), 11.0, EPOCH + 11)
    assert (0, 1) == (count_permits(window, 29.0), count_permits(window, 30.0))


@pytest.mark.parametrize("later", ["1", "60"])
def test_longest_of_several_refusals_counts(later: str) -> None:
    """The window opens no earlier than any of them states."""
    window = window_after({"Retry-After": "30"}, 429)
    window.update(429, {"Retry-After": later}, 1.0, EPOCH + 1)
    assert max(30.0, 1.0 + float(later)) == window.seconds_until_end(0.0)


def test_refusal_without_retry_after_does_not_shorten_one_with_it() -> None:
    """The reset of the window is rounded and may be earlier."""
    window = window_after({"Retry-After": "30"}, 429)
    window.update(429, rate_headers(0, EPOCH + 29), 0.0, EPOCH)
    assert 30.0 == window.seconds_until_end(0.0)


def test_probe_after_a_refusal_updates_the_window() -> None:
    """Its response states the new count. Until more are accepted, two may be in flight."""
    window = window_after(rate_headers(0) | {"Retry-After": "5"}, 429)
    assert window.can_send(INTERACTIVE, 5.0)
    probe = window.acquire(INTERACTIVE, 5.0)
    window.update(200, rate_headers(7), 5.0, EPOCH + 5)
    window.release(INTERACTIVE, probe, 200)
    assert (7, 2) == (window.calls_left(INTERACTIVE, 5.0, EPOCH), count_permits(window, 5.0))


def test_earlier_request_without_headers_does_not_end_the_probe() -> None:
    """The probe is still in flight."""
    window = window_after(rate_headers(5, EPOCH + 10))
    window.acquire(INTERACTIVE, 0.0)
    assert window.can_send(INTERACTIVE, 10.0)
    window.acquire(INTERACTIVE, 10.0)
    window.release(INTERACTIVE, 0, 200)
    assert window.can_send(INTERACTIVE, 10.0) is False


def test_probe_of_the_previous_window_does_not_end_that_of_the_next() -> None:
    """The next window has its own probe."""
    window = window_after(rate_headers(5, EPOCH + 10))
    assert window.can_send(INTERACTIVE, 10.0)
    probe = window.acquire(INTERACTIVE, 10.0)
    window.update(200, rate_headers(5, EPOCH + 20), 10.0, EPOCH + 10)
    assert window.can_send(INTERACTIVE, 20.0)
    window.release(INTERACTIVE, probe, 200)
    assert 1 == count_permits(window, 20.0)


@pytest.mark.parametrize("priority", [INTERACTIVE, BACKGROUND])
def test_first_request_of_a_window_is_sent_although_earlier_ones_could_use_it_up(priority: Priority) -> None:
    """They hang, and the server counts them in the window before."""
    window = window_after(rate_headers(2, EPOCH + 10, limit=2))
    assert 2 == count_permits(window)
    assert 1 == count_permits(window, 10.0, priority=priority)


def test_first_interactive_request_is_sent_beside_a_background_one() -> None:
    """Although the limit may be used up."""
    window = window_after(rate_headers(1, EPOCH + 10, limit=1))
    assert (1, 1) == (count_permits(window, 10.0, priority=BACKGROUND), count_permits(window, 10.0))


def test_assumed_limit_holds_when_no_response_states_it() -> None:
    """After two seconds, no more than the last limit are in flight."""
    window = window_after(rate_headers(0, EPOCH + 10, limit=4))
    assert [1, 1, 2, 0] == [count_permits(window, now) for now in (10.0, 11.0, 12.0, 13.0)]


def test_stated_count_holds_after_a_refusal() -> None:
    """Although the portion would allow more."""
    window = window_after({"Retry-After": "5"}, 429)
    assert window.can_send(INTERACTIVE, 5.0)
    probe = window.acquire(INTERACTIVE, 5.0)
    window.update(200, rate_headers(0), 5.0, EPOCH + 5)
    window.release(INTERACTIVE, probe, 200)
    assert [0, 0] == [count_permits(window, now) for now in (5.0, 60.0)]


def test_slow_start_after_a_refusal_ends_with_its_window() -> None:
    """The next window begins with a probe, whose response ends it."""
    window = window_after({"Retry-After": "5"}, 429)
    assert window.can_send(INTERACTIVE, 5.0)
    probe = window.acquire(INTERACTIVE, 5.0)
    window.update(200, rate_headers(0, EPOCH + 10), 5.0, EPOCH + 5)
    window.release(INTERACTIVE, probe, 200)
    assert window.can_send(INTERACTIVE, 10.0)
    probe = window.acquire(INTERACTIVE, 10.0)
    window.update(200, rate_headers(90, EPOCH + 3610), 10.0, EPOCH + 10)
    window.release(INTERACTIVE, probe, 200)
    assert 90 == count_permits(window, 10.0)


@pytest.mark.parametrize(("status", "in_flight"), [(200, 2), (404, 2), (429, 1), (500, 1), (503, 1), (0, 1)])
def test_only_accepted_requests_raise_the_portion(status: int, in_flight: int) -> None:
    """A 404 is one, a 429 or a 5xx is none."""
    window = window_after({"Retry-After": "5"}, 429)
    assert window.can_send(INTERACTIVE, 5.0)
    window.release(INTERACTIVE, window.acquire(INTERACTIVE, 5.0), status)
    assert in_flight == count_permits(window, 5.0)


@pytest.mark.parametrize("status", [200, 404])
def test_requests_before_a_refusal_count_as_accepted(status: int) -> None:
    """After it, the fourth request is sent alone."""
    window = RateLimitWindow()
    for response in (status, status, status, 429, 500, 0):
        window.acquire(INTERACTIVE, 0.0)
        window.release(INTERACTIVE, 0, response)
    window.update(429, {"Retry-After": "5"}, 0.0, EPOCH)
    assert 1 == count_permits(window, 5.0)
    window.release(INTERACTIVE, window.slow_start.number, 200)
    assert 2 == count_permits(window, 5.0)
    window.release(INTERACTIVE, window.slow_start.number, 200)
    assert 0 == count_permits(window, 5.0)
    window.release(INTERACTIVE, window.slow_start.number, 200)
    assert 1 == count_permits(window, 5.0)


def test_assumed_limit_holds_for_the_background_too() -> None:
    """The first request may use it up."""
    window = window_after(rate_headers(0, EPOCH + 10, limit=1))
    assert [1, 0] == [count_permits(window, now, priority=BACKGROUND) for now in (10.0, 11.0)]


def test_early_refusal_after_a_refusal_delays_no_later_window() -> None:
    """A throttle that asks for a second each time is no server that rounds its resets down."""
    window = window_after({"Retry-After": "1"}, 429)
    assert window.can_send(INTERACTIVE, 1.0)
    probe = window.acquire(INTERACTIVE, 1.0)
    window.update(429, {"Retry-After": "1"}, 1.0, EPOCH + 1)
    window.release(INTERACTIVE, probe, 429)
    assert 0.0 == window.reset_slack
