"""What the rate limiters refuse: reserves out of range, and waits that are too long."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from cstar_async import InvalidArgumentError, RateLimitState
from cstar_async._protocol.headers import to_datetime
from cstar_async._rate_limit.interface import validate_reserve, wait_error
from tests.unit.clocks import EPOCH, ManualClock

STATE = RateLimitState(limit=10, remaining=0, window=3600.0, reset_at=to_datetime(EPOCH + 60))
BUSY = "the requests in flight may use up the rate limit, and none of them has a response yet"


@pytest.mark.parametrize("reserve", [0, 0.0, 0.5, 0.999])
def test_reserve_in_its_range_is_returned(reserve: float) -> None:
    """It may be none, and not everything."""
    assert reserve is validate_reserve(reserve)


@pytest.mark.parametrize("reserve", [-0.1, 1, "0.5", True, None])
def test_reserve_out_of_its_range_is_refused(reserve: Any) -> None:
    """The error has the range and the value."""
    with pytest.raises(InvalidArgumentError) as caught:
        validate_reserve(reserve)
    assert f"background_reserve must be a number from 0 to below 1, got {reserve!r}" == caught.value.message


@pytest.mark.parametrize(
    ("wait", "lost_count", "reason", "seconds"),
    [
        (0.5, 0, f"the rate limit allows no request before {to_datetime(EPOCH + 0.5):%Y-%m-%d %H:%M:%S} UTC, in 1 s", 0.5),
        (90.0, 0, f"the rate limit allows no request before {to_datetime(EPOCH + 90):%Y-%m-%d %H:%M:%S} UTC, in 90 s", 90.0),
        (0.0, 0, BUSY, 1.0),
        (-3.0, 0, BUSY, 1.0),
        (7.0, 1, "the server may be down: 1 requests got no response, and one is sent at a time until one does", 7.0),
        (0.0, 4, "the server may be down: 4 requests got no response, and one is sent at a time until one does", 1.0),
    ],
)
def test_error_states_why_and_until_when_to_wait(wait: float, lost_count: int, reason: str, seconds: float) -> None:
    """A wait of unknown length is tried again after a second."""
    error = wait_error(wait, ManualClock(), STATE, lost_count)
    assert f"{reason}; max_wait or the total timeout allows less" == error.message
    assert (seconds, to_datetime(EPOCH) + timedelta(seconds=seconds), STATE) == (error.wait, error.retry_at, error.state)


def test_requests_are_not_lost_unless_counted() -> None:
    """The limit is the cause then."""
    assert wait_error(0, ManualClock(), None).message.startswith(BUSY)
