"""The copy of the shared window, and its fallback."""

from __future__ import annotations

import pytest

from cstar_async import Priority
from cstar_async.redis._shared_window import SharedWindow
from tests.unit.clocks import EPOCH
from tests.unit.fake_redis import make_reply


def test_snapshot_of_a_window_ends_with_its_reset_slack() -> None:
    """Responses after its stated end are reported, too."""
    window = SharedWindow(reserve=0.0, expected_processes=10)
    window.apply_snapshot(make_reply(left=10.0, reset_slack=1.0), 0.0, EPOCH, is_outdated=False)
    snapshots = [window.snapshot(now, EPOCH + now) for now in (9.5, 10.5, 11.0)]
    assert [0.5, -0.5, None] == [snapshot and snapshot["left"] for snapshot in snapshots]


@pytest.mark.parametrize(
    ("suspended", "left"),
    [(0.0, 2999.0), (600.0, 2399.0), (2900.0, 99.0), (3600.0, None), (8 * 3600.0, None), (-600.0, 2999.0), (5.0, 2999.0)],
)
def test_snapshot_after_a_suspension_ends_by_the_wall_clock(suspended: float, left: float | None) -> None:
    """The monotonic clock stopped. A clock that was set back, or corrected by a few seconds, changes nothing."""
    window = SharedWindow(reserve=0.0, expected_processes=10)
    window.apply_snapshot(make_reply(left=3000.0), 0.0, EPOCH, is_outdated=False)
    snapshot = window.snapshot(1.0, EPOCH + 1.0 + suspended)
    assert left == (snapshot and snapshot["left"])


@pytest.mark.parametrize(("reset", "remaining", "expected"), [(5000, 3, 3), (5000, 80, 50), (1400, 3, 50), (None, 3, 50)])
def test_reply_that_misses_a_response_lowers_the_count_of_its_window(reset: int | None, remaining: int, expected: int) -> None:
    """Another process may have used the rest. A reply about another window says nothing."""
    window = SharedWindow(reserve=0.0, expected_processes=10)
    window.apply_snapshot(make_reply(remaining=50, reset=5000), 0.0, EPOCH, is_outdated=False)
    window.apply_snapshot(make_reply(remaining=remaining, reset=reset), 0.0, EPOCH, is_outdated=True)
    assert expected == window.remaining


def test_share_of_a_new_window_is_at_least_one_request() -> None:
    """The probe."""
    window = SharedWindow(reserve=0.0, expected_processes=5000)
    window.apply_snapshot(make_reply(remaining=3, left=10.0), 0.0, EPOCH, is_outdated=False)
    window.enter_fallback(0)
    assert [False, True] == [window.can_send(Priority.INTERACTIVE, now) for now in (9.0, 10.0)]
    probe = window.acquire(Priority.INTERACTIVE, 10.0)
    window.release(Priority.INTERACTIVE, probe, 200)
    assert not window.can_send(Priority.INTERACTIVE, 11.0)


def count_sequential(window: SharedWindow, priority: Priority) -> int:
    """Return how many requests the window allows one after the other, each with a response."""
    count = 0
    while window.can_send(priority, 1.0):
        number = window.acquire(Priority.INTERACTIVE, 1.0)
        window.release(Priority.INTERACTIVE, number, 200)
        window.confirm_fallback()
        count += 1
    return count


def test_share_has_a_reserve() -> None:
    """10 % of a share of ten is one request."""
    window = SharedWindow(reserve=0.1, expected_processes=100)
    window.apply_snapshot(make_reply(), 0.0, EPOCH, is_outdated=False)
    window.enter_fallback(0)
    count = count_sequential(window, Priority.BACKGROUND)
    assert (9, 0, 1) == (
        count,
        window.calls_left(Priority.BACKGROUND, 1.0, EPOCH),
        window.calls_left(Priority.INTERACTIVE, 1.0, EPOCH),
    )
    assert window.can_send(Priority.INTERACTIVE, 1.0)


def test_permits_in_use_are_subtracted_before_the_share() -> None:
    """Those of this and of the other processes."""
    window = SharedWindow(reserve=0.0, expected_processes=10)
    window.apply_snapshot(make_reply(remaining=100), 0.0, EPOCH, is_outdated=False)
    for _ in range(10):
        window.acquire(Priority.INTERACTIVE, 1.0)
    window.enter_fallback(40)
    assert 5 == window.calls_left(Priority.INTERACTIVE, 1.0, EPOCH)


@pytest.mark.parametrize(("remaining", "maximum"), [(100, 5), (35, 2), (20, 1), (10, 1), (9, 0)])
def test_at_most_half_of_a_share_is_in_flight(remaining: int, maximum: int) -> None:
    """So that ten processes near the end of the limit do not exceed it together."""
    window = SharedWindow(reserve=0.0, expected_processes=10)
    window.apply_snapshot(make_reply(), 0.0, EPOCH, is_outdated=False)
    window.enter_fallback(0)
    window.release(Priority.INTERACTIVE, window.acquire(Priority.INTERACTIVE, 1.0), 200)
    window.confirm_fallback()
    window.remaining = remaining
    count = 0
    while window.can_send(Priority.INTERACTIVE, 1.0):
        window.acquire(Priority.INTERACTIVE, 1.0)
        count += 1
    assert maximum == count


def test_requests_in_flight_count_in_the_share_of_the_next_window() -> None:
    """The server may count them there."""
    window = SharedWindow(reserve=0.0, expected_processes=100)
    window.apply_snapshot(make_reply(left=10.0), 0.0, EPOCH, is_outdated=False)
    window.enter_fallback(0)
    for _ in range(4):
        window.acquire(Priority.INTERACTIVE, 1.0)
    assert window.can_send(Priority.INTERACTIVE, 12.0)
    assert 6 == window.calls_left(Priority.INTERACTIVE, 12.0, EPOCH)
