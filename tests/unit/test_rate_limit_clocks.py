"""Rate limit windows by two clocks: the monotonic one may stop while a machine is suspended, and the wall clock may be set."""

from __future__ import annotations

import pytest

from cstar_async._rate_limit.window import WALL_CLOCK_TOLERANCE, RateLimitWindow
from tests.unit.clocks import EPOCH, rate_headers
from tests.unit.rate_limits import INTERACTIVE, count_permits, window_after

NIGHT = 8 * 3600.0


def opens(window: RateLimitWindow, now: float, epoch: float) -> bool:
    """Return whether the window is over at a time of both clocks."""
    window.open_if_over(now, epoch)
    return window.can_send(INTERACTIVE, now)


@pytest.mark.parametrize(
    ("now", "wall", "is_open"),
    [
        (2999.0, 2999.0, False),
        (3000.0, 3000.0, True),
        (3000.0, 0.0, True),
        (3000.0, -NIGHT, True),
        (0.0, NIGHT, True),
        (0.0, 3000.0 + WALL_CLOCK_TOLERANCE, True),
        (0.0, 2999.0 + WALL_CLOCK_TOLERANCE, False),
        (0.0, -NIGHT, False),
        (2999.0, -NIGHT, False),
        (2995.0, 3003.0, False),
    ],
)
def test_window_is_over_by_the_clock_that_passes_its_end_first(now: float, wall: float, *, is_open: bool) -> None:
    """The wall clock must have passed it by ten seconds: it is corrected by a few at times."""
    assert is_open is opens(window_after(rate_headers(0, EPOCH + 3000)), now, EPOCH + wall)


@pytest.mark.parametrize(("wall", "is_open"), [(60.0, False), (70.0, True), (NIGHT, True)])
def test_wait_of_a_refusal_ends_by_the_wall_clock_too(wall: float, *, is_open: bool) -> None:
    """It is also a time that the server stated."""
    assert is_open is opens(window_after({"Retry-After": "60"}, 429), 0.0, EPOCH + wall)


def test_learned_delay_counts_by_the_wall_clock_too() -> None:
    """A server that rounds resets down opens a second later."""
    window = RateLimitWindow()
    window.reset_slack = 1.0
    window.update(200, rate_headers(0, EPOCH + 60), 0.0, EPOCH)
    assert [False, True] == [opens(window, 0.0, EPOCH + 60 + WALL_CLOCK_TOLERANCE + late) for late in (0.5, 1.0)]


def test_response_after_a_suspension_is_of_a_new_window() -> None:
    """Its reset is earlier by the monotonic clock, but it is no delayed one: the count of the old window is worth nothing."""
    window = window_after(rate_headers(800, EPOCH + 3000))
    window.update(200, rate_headers(50, EPOCH + NIGHT + 1800), 10.0, EPOCH + NIGHT)
    assert (50, 1800.0) == (count_permits(window, 10.0), window.seconds_until_end(10.0))


def test_refusal_after_a_suspension_closes_the_window() -> None:
    """The earlier refusal, whose wait has not ended by the monotonic clock, does not matter any more."""
    window = window_after({"Retry-After": "3000"}, 429)
    window.update(429, {"Retry-After": "20"}, 10.0, EPOCH + NIGHT)
    assert 20.0 == window.seconds_until_end(10.0)


def test_response_after_a_suspension_is_read_although_a_refusal_closed_the_window() -> None:
    """By the wall clock it came after the end of the wait."""
    window = window_after({"Retry-After": "3000"}, 429)
    window.update(200, rate_headers(7, EPOCH + NIGHT + 1800), 10.0, EPOCH + NIGHT)
    assert 7 == window.calls_left(INTERACTIVE, 10.0, EPOCH + NIGHT)


@pytest.mark.parametrize(("wall", "left"), [(3000.0, 5), (3009.9, 5), (3010.0, 1000), (NIGHT, 1000), (-NIGHT, 5)])
def test_window_that_is_over_by_the_wall_clock_counts_with_its_limit(wall: float, left: int) -> None:
    """An estimate after a suspension uses the next window."""
    assert left == window_after(rate_headers(5, EPOCH + 3000)).calls_left(INTERACTIVE, 100.0, EPOCH + wall)


def test_window_without_a_known_end_is_not_over() -> None:
    """By no clock."""
    window = RateLimitWindow()
    window.open_if_over(1e9, 1e12)
    assert 1000 == count_permits(window, 1e9)


def test_opened_window_is_not_opened_again_by_the_other_clock() -> None:
    """Otherwise there would be two probes."""
    window = window_after(rate_headers(0, EPOCH + 3000))
    assert opens(window, 0.0, EPOCH + NIGHT)
    window.acquire(INTERACTIVE, 0.0)
    assert not opens(window, 0.5, EPOCH + NIGHT + 3001)
