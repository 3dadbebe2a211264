"""The arithmetic of a window, against headers of every kind."""

from __future__ import annotations

from email.utils import formatdate

import pytest

from cstar_async import Priority
from cstar_async._protocol.headers import parse_rate_limit
from cstar_async._rate_limit.window import RateLimitWindow
from cstar_async._types import RateLimitState
from tests.unit.clocks import EPOCH, rate_headers

FIRST = Priority.INTERACTIVE


def room(window: RateLimitWindow, now: float = 0.0, most: int = 2000, priority: Priority = FIRST) -> int:
    """How many permits the window gives in a row."""
    given = 0
    while given < most and window.can_send(priority, now):
        window.acquire()
        given += 1
    return given


def seen(headers: dict[str, str], status: int = 200) -> RateLimitWindow:
    """A window that has learned from one answer at 0."""
    window = RateLimitWindow()
    window.update(status, headers, 0.0, EPOCH)
    return window


def test_unknown_window_gives_the_documented_number() -> None:
    """1,000 until an answer says otherwise."""
    assert 1000 == room(RateLimitWindow())


def test_unknown_window_keeps_its_reserve() -> None:
    """A tenth of what is assumed."""
    assert 180 == room(RateLimitWindow(200), priority=Priority.BACKGROUND)


@pytest.mark.parametrize("remaining", [0, 1, 7])
def test_window_gives_what_the_answer_leaves(remaining: int) -> None:
    """Not one more."""
    assert remaining == room(seen(rate_headers(remaining)))


def test_smallest_remaining_of_a_window_counts() -> None:
    """An overtaken answer does not give calls back."""
    window = seen(rate_headers(3))
    window.update(200, rate_headers(9), 0.0, EPOCH)
    assert 3 == room(window)


@pytest.mark.parametrize("wobble", [-2, -1, 1, 2])
def test_end_that_wobbles_by_a_moment_is_the_same_window(wobble: int) -> None:
    """Servers round. In one window the smallest count holds, whichever answer has it."""
    for first, second in ((3, 9), (9, 3)):
        window = seen(rate_headers(first, EPOCH + 1000))
        window.update(200, rate_headers(second, EPOCH + 1000 + wobble), 0.0, EPOCH)
        assert 3 == room(window, 1.0)


def test_later_end_is_a_new_window() -> None:
    """Its count goes over that of the old one."""
    window = seen(rate_headers(0, EPOCH + 10))
    window.update(200, rate_headers(9, EPOCH + 3610), 11.0, EPOCH + 11)
    assert 9 == room(window, 11.0)


def test_straggler_of_the_window_before_changes_nothing() -> None:
    """An answer of the old window that comes after one of the new is too old."""
    window = seen(rate_headers(9, EPOCH + 3610))
    window.update(200, rate_headers(0, EPOCH + 10), 1.0, EPOCH + 1)
    assert 9 == room(window, 1.0)


def test_answer_of_a_window_that_is_over_says_nothing() -> None:
    """A count of the past does not close the present."""
    assert 1000 == room(seen(rate_headers(0, EPOCH - 5)))


def test_window_that_ends_this_moment_is_over() -> None:
    """Its count is as old as that of any window before."""
    assert 1000 == room(seen(rate_headers(0, EPOCH)))


def test_window_that_ends_in_a_second_counts() -> None:
    """Until then."""
    assert 7 == room(seen(rate_headers(7, EPOCH + 1)))


def test_window_rolling_over_gives_one_call_until_it_is_answered() -> None:
    """Nobody knows what the next window grants."""
    window = seen(rate_headers(5, EPOCH + 10))
    assert 1 == room(window, 10.0)


def test_calls_in_flight_over_the_border_are_taken_off_the_new_window() -> None:
    """The server may count them there."""
    window = seen(rate_headers(5, EPOCH + 10))
    assert 5 == room(window)
    assert window.can_send(FIRST, 10.0)
    assert window.acquire() is True
    window.update(200, rate_headers(999, EPOCH + 3610), 10.0, EPOCH + 10)
    window.release(went_ahead=True, answered=True)
    assert 999 - 5 == room(window, 10.0)


@pytest.mark.parametrize(("retry_after", "is_early"), [("0", True), ("1", True), ("2", False), ("900", False)])
def test_server_found_to_round_down_is_asked_a_second_later_from_then_on(retry_after: str, is_early: bool) -> None:
    """A call that went ahead at the stated end and was refused for a second at most came too early; none after it will."""
    window = seen(rate_headers(5, EPOCH + 10))
    assert window.can_send(FIRST, 10.0)
    window.acquire()
    window.update(429, {"Retry-After": retry_after}, 10.0, EPOCH + 10)
    window.release(went_ahead=True, answered=True)
    again = 10.0 + float(retry_after)
    window.update(200, rate_headers(999, EPOCH + 3610), again, EPOCH + again)
    assert (1.0 if is_early else 0.0) == window.seconds_until_open(again) - window.seconds_until_end(again)


def test_server_that_has_not_come_to_the_next_window_is_asked_a_second_later_from_then_on() -> None:
    """The call that went ahead was let through, but by the window before."""
    window = seen(rate_headers(5, EPOCH + 10))
    assert window.can_send(FIRST, 10.0)
    window.acquire()
    window.update(200, rate_headers(4, EPOCH + 10), 10.0, EPOCH + 10)
    window.release(went_ahead=True, answered=True)
    window.update(200, rate_headers(999, EPOCH + 3610), 11.0, EPOCH + 11)
    assert (3599.0, 3600.0) == (window.seconds_until_end(11.0), window.seconds_until_open(11.0))


def test_answer_to_an_old_call_ends_the_learning() -> None:
    """Whoever is answered first in the new window teaches all."""
    window = seen(rate_headers(5, EPOCH + 10))
    window.acquire()
    assert window.can_send(FIRST, 10.0)
    window.acquire()
    window.update(200, rate_headers(999, EPOCH + 3610), 10.0, EPOCH + 10)
    window.release(went_ahead=False, answered=True)
    assert 998 == room(window, 10.0)


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
        ("soon", 3600.0),
        ("-5", 3600.0),
        ("nan", 3600.0),
        ("inf", 3600.0),
        ("", 3600.0),
    ],
)
def test_refusal_closes_the_window_for_as_long_as_it_says(retry_after: str, opens: float) -> None:
    """A number or a date is kept, a year is cut to the window, and garbage leaves the known end."""
    window = seen(rate_headers(5) | {"Retry-After": retry_after}, 429)
    assert opens == window.seconds_until_end(0.0)
    assert (opens == 0.0) == window.can_send(FIRST, 0.0)


def test_refusal_without_any_header_lets_one_try() -> None:
    """Without a word on when to come back, one call finds out for all in a moment."""
    window = seen({}, 429)
    assert (0, 1) == (room(window, 0.5), room(window, 1.0))


def test_call_ahead_that_comes_too_early_is_followed_by_none() -> None:
    """A server that counts whole seconds may open a little later than it said; then one looks again."""
    window = seen(rate_headers(0, EPOCH + 10))
    assert window.can_send(FIRST, 10.0)
    window.acquire()
    window.update(200, rate_headers(0, EPOCH + 10), 10.3, EPOCH + 10.3)
    window.release(went_ahead=True, answered=True)
    assert (0, 1) == (room(window, 11.0), room(window, 11.4))


def test_refusal_of_the_call_ahead_closes_the_window() -> None:
    """Who went ahead and was refused spares the others."""
    window = seen(rate_headers(0, EPOCH + 10))
    assert window.can_send(FIRST, 10.0)
    window.acquire()
    window.update(429, {"Retry-After": "20"}, 10.0, EPOCH + 10)
    window.release(went_ahead=True, answered=True)
    assert (0, 1) == (room(window, 29.0), room(window, 30.0))


def test_late_answer_does_not_open_a_window_that_a_refusal_closed() -> None:
    """Its call was sent before, and the refusal knew of more calls than its count."""
    window = seen(rate_headers(400) | {"Retry-After": "5"}, 429)
    window.update(200, rate_headers(400), 1.0, EPOCH + 1)
    assert (0, 1) == (room(window, 4.0), room(window, 5.0))


def test_late_answer_of_a_later_window_does_not_open_it_either() -> None:
    """Whatever end it names, it cannot know of the refusal."""
    window = seen(rate_headers(0, EPOCH + 10) | {"Retry-After": "30"}, 429)
    window.update(200, rate_headers(999, EPOCH + 3610), 11.0, EPOCH + 11)
    assert (0, 1) == (room(window, 29.0), room(window, 30.0))


@pytest.mark.parametrize("later", ["1", "60"])
def test_longest_of_several_refusals_counts(later: str) -> None:
    """Never earlier than any of them said."""
    window = seen({"Retry-After": "30"}, 429)
    window.update(429, {"Retry-After": later}, 1.0, EPOCH + 1)
    assert max(30.0, 1.0 + float(later)) == window.seconds_until_end(0.0)


def test_refusal_without_a_moment_does_not_shorten_one_with_it() -> None:
    """The end of the window is rounded and may lie before it."""
    window = seen({"Retry-After": "30"}, 429)
    window.update(429, rate_headers(0, EPOCH + 29), 0.0, EPOCH)
    assert 30.0 == window.seconds_until_end(0.0)


def test_answer_after_the_refusal_is_over_teaches_again() -> None:
    """The call that went ahead says what there is."""
    window = seen(rate_headers(0) | {"Retry-After": "5"}, 429)
    assert window.can_send(FIRST, 5.0)
    window.acquire()
    window.update(200, rate_headers(7), 5.0, EPOCH + 5)
    window.release(went_ahead=True, answered=True)
    assert 7 == room(window, 5.0)


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
def test_unusable_headers_leave_what_is_known(headers: dict[str, str]) -> None:
    """What cannot be read, or would close the window for ever, counts as missing."""
    assert 1000 == room(seen(headers))


def test_count_without_an_end_tightens_a_known_window() -> None:
    """Its end is known from before."""
    window = seen(rate_headers(50))
    window.update(200, rate_headers(2, reset=None), 0.0, EPOCH)
    assert 2 == room(window)


def test_end_further_than_a_window_is_cut_to_it() -> None:
    """A year away is an hour away."""
    assert 3600.0 == seen(rate_headers(0, EPOCH + 366 * 86400)).seconds_until_end(0.0)


@pytest.mark.parametrize(
    ("stated", "length"), [("60", 60.0), ("7200", 7200.0), ("999999999", 86400.0), ("0", 3600.0), ("x", 3600.0)]
)
def test_length_of_a_window_is_what_the_server_says(stated: str, length: float) -> None:
    """A day at most; an hour where it says nothing usable. No end lies further away."""
    headers = rate_headers(0, EPOCH + 366 * 86400) | {"X-RateLimit-Window": stated}
    assert length == seen(headers).seconds_until_end(0.0)


def test_more_remaining_than_the_limit_is_the_limit() -> None:
    """A window never has more than its limit."""
    assert 10 == room(seen(rate_headers(500, limit=10)))


def test_limit_that_changes_within_a_window_is_believed() -> None:
    """An upgrade of the plan counts at once."""
    window = seen(rate_headers(0))
    window.update(200, rate_headers(100, limit=2000), 0.0, EPOCH)
    assert 100 == room(window)


def test_end_is_measured_by_the_servers_own_clock() -> None:
    """A client whose clock is two hours wrong waits as long as any other."""
    headers = rate_headers(0, EPOCH + 7200 + 60) | {"Date": formatdate(EPOCH + 7200, usegmt=True)}
    assert 60.0 == seen(headers).seconds_until_end(0.0)


def test_background_has_no_room_in_the_reserve() -> None:
    """A tenth of 1,000 is left to interactive calls."""
    window = seen(rate_headers(100))
    assert (False, True) == (window.can_send(Priority.BACKGROUND, 0.0), window.can_send(FIRST, 0.0))


def lose(window: RateLimitWindow, count: int) -> None:
    """So many calls are sent and have no answer."""
    for _ in range(count):
        window.acquire()
    for _ in range(count):
        window.release(went_ahead=False, answered=False, lost=True)


def test_lost_calls_leave_no_room_for_others_but_one_at_a_time() -> None:
    """The server may have counted them, so one goes to find out, and no second before it is answered."""
    window = seen(rate_headers(3))
    lose(window, 3)
    assert (3, 1) == (window.unconfirmed, room(window))


def test_lost_calls_are_taken_off_what_is_left() -> None:
    """Two of five."""
    window = seen(rate_headers(5))
    lose(window, 2)
    assert (3, 3) == (window.calls_left(FIRST, 0.0), room(window))


def test_answer_to_a_later_call_ends_the_doubt() -> None:
    """The server had counted one of three."""
    window = seen(rate_headers(3))
    lose(window, 3)
    window.acquire()
    window.update(200, rate_headers(1), 0.0, EPOCH)
    window.release(went_ahead=False, answered=True)
    assert (0, 1) == (window.unconfirmed, room(window))


def test_answer_to_an_earlier_call_does_not_end_the_doubt() -> None:
    """It may have been counted before."""
    window = seen(rate_headers(3))
    window.acquire()
    lose(window, 1)
    window.update(200, rate_headers(2), 0.0, EPOCH)
    window.release(went_ahead=False, answered=True)
    assert (1, 1) == (window.unconfirmed, room(window))


def test_call_that_was_never_sent_is_in_no_doubt() -> None:
    """Nobody can have counted it."""
    window = seen(rate_headers(1))
    window.acquire()
    window.release(went_ahead=False, answered=False)
    assert 1 == room(window)


def test_new_window_knows_no_doubt() -> None:
    """Calls of the hour before are of that hour."""
    window = seen(rate_headers(3, EPOCH + 10))
    lose(window, 3)
    assert window.can_send(FIRST, 10.0)
    assert window.unconfirmed == 0


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
def test_calls_left_are_told_without_taking_one(remaining: int, in_flight: int, now: float, first: int, behind: int) -> None:
    """Without those in flight and, for background calls, without the reserve; a window that is over gives its limit."""
    window = seen(rate_headers(remaining))
    window.in_flight = in_flight
    assert (first, behind) == (window.calls_left(FIRST, now), window.calls_left(Priority.BACKGROUND, now))
    assert window.in_flight == in_flight


def test_state_is_read_from_the_headers() -> None:
    """All four of them."""
    state = parse_rate_limit(rate_headers(7))
    assert state is not None
    assert (1000, 7, EPOCH + 3600, 3600.0) == (
        state.limit,
        state.remaining,
        state.reset_at and state.reset_at.timestamp(),
        state.window,
    )


def test_state_without_an_end_has_none() -> None:
    """Limit and remaining are enough."""
    assert RateLimitState(5, 5, None, None) == parse_rate_limit({"X-RateLimit-Limit": "5", "X-RateLimit-Remaining": "9"})


def test_end_beyond_the_calendar_is_none() -> None:
    """An absurd date is no error."""
    state = parse_rate_limit(rate_headers(1, "9" * 18))
    assert state is not None
    assert state.reset_at is None


@pytest.mark.parametrize("missing", ["X-RateLimit-Limit", "X-RateLimit-Remaining"])
def test_headers_without_their_counts_are_no_state(missing: str) -> None:
    """Half a state is none."""
    headers = rate_headers(1)
    del headers[missing]
    assert parse_rate_limit(headers) is None


# The short way of learning: the same window, fewer calls left.


def test_next_answer_of_a_window_is_counted_down() -> None:
    """The smallest count holds."""
    window = seen(rate_headers(9))
    assert (True, True) == (window.update_fast(200, rate_headers(3)), window.update_fast(200, rate_headers(5)))
    assert 3 == room(window)


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
def test_any_other_answer_is_left_to_be_read_whole(status: int, headers: dict[str, str]) -> None:
    """A refusal, another end, another limit, or no count: nothing is learned the short way."""
    window = seen(rate_headers(9))
    assert window.update_fast(status, headers) is False
    assert 9 == room(window)


EMPTY = {"X-RateLimit-Reset": "", "X-RateLimit-Remaining": "3"}


def test_nothing_is_counted_down_before_a_window_is_known() -> None:
    """Not even by an answer that says as little as is known."""
    window = RateLimitWindow()
    assert (False, False, False) == (
        window.update_fast(200, rate_headers(3)),
        window.update_fast(200, {"X-RateLimit-Remaining": "3"}),
        window.update_fast(200, EMPTY),
    )
    assert 1000 == room(window)


def test_nothing_is_counted_down_after_a_refusal() -> None:
    """An answer from before may not open the window; only one that names its end is read again."""
    window = seen(rate_headers(9))
    window.update(429, {"Retry-After": "5"}, 0.0, EPOCH)
    limit = {"X-RateLimit-Limit": "1000"}
    assert (False, False) == (window.update_fast(200, rate_headers(3)), window.update_fast(200, EMPTY | limit))


def test_nothing_is_counted_down_while_somebody_learns() -> None:
    """The next window is another, whatever the answers of the old one say."""
    window = seen(rate_headers(9, EPOCH + 10))
    assert window.can_send(FIRST, 10.0)
    window.acquire()
    limit = {"X-RateLimit-Limit": "1000"}
    assert (False, False) == (window.update_fast(200, rate_headers(3, EPOCH + 10)), window.update_fast(200, EMPTY | limit))


# Whether it pays to wait for answers.


@pytest.mark.parametrize(
    ("remaining", "in_flight", "priority", "ahead", "may"),
    [
        (1, 1, FIRST, 0, True),
        (1, 0, FIRST, 0, False),
        (0, 1, FIRST, 0, False),
        (3, 3, FIRST, 2, True),
        (3, 3, FIRST, 3, False),
        (101, 101, Priority.BACKGROUND, 0, True),
        (100, 100, Priority.BACKGROUND, 0, False),
        (103, 9, Priority.BACKGROUND, 3, False),
    ],
)
def test_answers_may_show_room(*, remaining: int, in_flight: int, priority: Priority, ahead: int, may: bool) -> None:
    """Where calls are in flight, and more is left than those ahead and the reserve take."""
    window = seen(rate_headers(remaining))
    window.in_flight = in_flight
    assert may is window.may_free_capacity(priority, ahead)


def test_nobody_is_ahead_unless_it_is_said() -> None:
    """The last call left may be one's own."""
    window = seen(rate_headers(1))
    window.acquire()
    assert window.may_free_capacity(FIRST) is True


# Who ends the learning.


def test_older_call_without_a_word_on_the_limit_does_not_end_the_learning() -> None:
    """Whoever went ahead is still on the way."""
    window = seen(rate_headers(5, EPOCH + 10))
    window.acquire()
    assert window.can_send(FIRST, 10.0)
    window.acquire()
    window.release(went_ahead=False, answered=True)
    assert window.can_send(FIRST, 10.0) is False


def test_call_that_went_ahead_in_a_window_before_does_not_end_the_learning_of_the_next() -> None:
    """The next window has its own first call."""
    window = seen(rate_headers(5, EPOCH + 10))
    assert window.can_send(FIRST, 10.0)
    window.acquire()
    window.update(200, rate_headers(5, EPOCH + 20), 10.0, EPOCH + 10)
    assert window.can_send(FIRST, 20.0)
    window.release(went_ahead=True, answered=True)
    assert 1 == room(window, 20.0)
