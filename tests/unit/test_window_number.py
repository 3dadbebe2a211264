"""The number of a window, by which a request notices that its permit has become worthless."""

from __future__ import annotations

import pytest

from cstar_async._rate_limit.window import RateLimitWindow
from tests.unit.clocks import EPOCH, rate_headers
from tests.unit.rate_limits import BACKGROUND, INTERACTIVE, window_after


def number(window: RateLimitWindow, now: float = 0.0, *, suspended: float = 0.0) -> tuple[int, int]:
    """Return the numbers for both priorities, from 0 for the first window."""
    epoch, first = EPOCH + now + suspended, window_after(rate_headers(900)).number(INTERACTIVE, 0.0, EPOCH)
    return window.number(INTERACTIVE, now, epoch) - first, window.number(BACKGROUND, now, epoch) - first


@pytest.mark.parametrize("in_flight", [0, 5, 50])
def test_it_stays_while_requests_are_sent(in_flight: int) -> None:
    """Permits in flight do not change it, up to the last one."""
    window = window_after(rate_headers(101))
    for _ in range(in_flight):
        window.acquire(INTERACTIVE, 0.0)
    window.update(200, rate_headers(101), 0.0, EPOCH)
    assert (0, 0) == number(window)


@pytest.mark.parametrize(("remaining", "expected"), [(101, (0, 0)), (100, (0, 1)), (1, (0, 1)), (0, (1, 1))])
def test_it_changes_when_nothing_remains_for_the_priority(remaining: int, expected: tuple[int, int]) -> None:
    """Background requests leave the reserve of a tenth."""
    assert expected == number(window_after(rate_headers(remaining)))


def test_it_changes_with_a_refusal() -> None:
    """It is then that of the next window, which stays when that one opens."""
    window = window_after(rate_headers(900))
    window.update(429, {"Retry-After": "60"}, 0.0, EPOCH)
    assert [(1, 1), (1, 1)] == [number(window), number(window, 60.0)]
    window.open_if_over(60.0, EPOCH + 60)
    assert (1, 1) == number(window, 60.0)


@pytest.mark.parametrize(("now", "suspended", "expected"), [(3599.0, 0.0, 0), (3600.0, 0.0, 1), (0.0, 3609.0, 0), (0.0, 3610.0, 1)])
def test_it_changes_at_the_end_of_the_window(now: float, suspended: float, expected: int) -> None:
    """By the monotonic clock, or by that of the wall with its tolerance."""
    window = window_after(rate_headers(900))
    assert (expected, expected) == number(window, now, suspended=suspended)
    window.open_if_over(now, EPOCH + now + suspended)
    assert (expected, expected) == number(window, now, suspended=suspended)


def test_each_window_has_another_number() -> None:
    """From one to the next."""
    window, seen = RateLimitWindow(), list[tuple[int, int]]()
    for hour in range(3):
        now = hour * 3600.0
        window.open_if_over(now, EPOCH + now)
        window.update(200, rate_headers(900, EPOCH + now + 3600), now, EPOCH + now)
        seen.append(number(window, now))
    assert [(0, 0), (1, 1), (2, 2)] == seen
