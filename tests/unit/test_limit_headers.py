"""The rate limits of other APIs are read under the names and in the forms that they use."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone

import pytest
from multidict import CIMultiDict

from cstar_async import RateLimitState
from cstar_async._protocol.headers import parse_rate_limit
from cstar_async._protocol.limit_headers import with_rate_limit
from tests.unit.clocks import far_from_utc

NOW = 1_790_000_000.0
SOON = datetime.fromtimestamp(NOW + 30, UTC)


def _named(prefix: str, reset: str) -> dict[str, str]:
    return {f"{prefix}Limit": "100", f"{prefix}Remaining": "40", f"{prefix}Reset": reset}


def _read(headers: Mapping[str, str]) -> RateLimitState | None:
    return parse_rate_limit(with_rate_limit(CIMultiDict(headers), NOW))


@pytest.mark.parametrize("prefix", ["X-RateLimit-", "x-ratelimit-", "RateLimit-", "ratelimit-", "X-Rate-Limit-"])
@pytest.mark.parametrize("reset", ["30", "29.5", "1790000030", "1790000030000", SOON.isoformat(), "Mon, 21 Sep 2026 14:13:50 GMT"])
def test_limit_of_any_common_name_is_read(prefix: str, reset: str) -> None:
    """The reset is seconds or milliseconds since the epoch, seconds from now, or a date."""
    assert RateLimitState(100, 40, SOON, None) == _read(_named(prefix, reset))


@pytest.mark.parametrize(
    "headers",
    [
        {"RateLimit": '"default";r=40;t=30', "RateLimit-Policy": '"other";q=5;w=1, "default";q=100;w=60'},
        {"RateLimit": 'default;r=40;t=30, "day";r=9', "RateLimit-Policy": "default;q=100;w=60"},
        {"RateLimit": "limit=100, remaining=40, reset=30", "RateLimit-Policy": "100;w=60"},
        {"RateLimit": "remaining=40, limit=100, reset=30", "RateLimit-Policy": "100;w=60"},
        {"RateLimit": "reset=30, limit=100, remaining=40", "RateLimit-Policy": "100;w=60, 5000;w=3600"},
        {"RateLimit": '"default";r=40;t=30', "RateLimit-Policy": '"default";q=100;w=60, "other";q=5;w=1'},
    ],
)
def test_structured_field_is_read(headers: dict[str, str]) -> None:
    """The limit and the window are those of its policy."""
    assert RateLimitState(100, 40, SOON, 60.0) == _read(headers)


def test_seconds_count_from_the_date_of_the_response() -> None:
    """The clock of this host may be wrong."""
    headers = {**_named("RateLimit-", "30"), "Date": "Mon, 21 Sep 2026 14:00:00 GMT"}

    assert RateLimitState(100, 40, datetime(2026, 9, 21, 14, 0, 30, tzinfo=UTC), None) == _read(headers)


def test_limit_can_be_called_total_and_need_no_reset() -> None:
    """As Freshdesk has it."""
    assert RateLimitState(100, 40, None, None) == _read({"X-RateLimit-Total": "100", "X-RateLimit-Remaining": "40"})


@pytest.mark.parametrize(
    "headers", [{}, {"RateLimit": ""}, {"RateLimit": '"a";t=5'}, {"RateLimit-Limit": "5"}, {"RateLimit": "r=5;q"}]
)
def test_headers_without_a_limit_stay(headers: dict[str, str]) -> None:
    """Nothing is guessed."""
    assert headers is with_rate_limit(headers, NOW)


@pytest.mark.parametrize("reset", ["soon", "-5", "nan", "inf", "9" * 400, "", "0001-01-01"])
def test_reset_that_is_no_time_is_left_out(reset: str) -> None:
    """The counts are read all the same."""
    assert RateLimitState(100, 40, None, None) == _read({**_named("RateLimit-", reset)})


def test_other_headers_can_be_read_in_any_case() -> None:
    """Those of the response stay."""
    merged = with_rate_limit(CIMultiDict({**_named("RateLimit-", "30"), "retry-after": "5"}), NOW)

    assert ("5", "40", "100") == (merged["Retry-After"], merged["X-RateLimit-Remaining"], merged["RateLimit-Limit"])


@pytest.mark.parametrize("limit", ["100, 100;w=60, 5000;w=3600", "100;w=60", "100;w=60, 5000;w=3600"])
def test_policies_behind_the_limit_are_left_out(limit: str) -> None:
    """Some drafts list them there."""
    assert RateLimitState(100, 40, SOON, None) == _read({**_named("RateLimit-", "30"), "RateLimit-Limit": limit})


def test_first_name_with_both_counts_is_read() -> None:
    """A limit alone is not enough."""
    assert RateLimitState(100, 40, SOON, None) == _read({"X-RateLimit-Limit": "5", **_named("RateLimit-", "30")})
    assert RateLimitState(100, 40, SOON, None) == _read({"X-RateLimit-Remaining": "5", **_named("RateLimit-", "30")})


def test_headers_that_are_complete_stay() -> None:
    """Those of cStar, with their reset in seconds since the epoch."""
    headers = _named("X-RateLimit-", "1790000030")
    assert headers is with_rate_limit(headers, NOW)


def test_headers_have_only_what_was_stated() -> None:
    """A reset or a window that is absent stays so."""
    merged = with_rate_limit({"RateLimit-Limit": "100", "RateLimit-Remaining": "40"}, NOW)
    assert {"RateLimit-Limit", "RateLimit-Remaining", "X-RateLimit-Limit", "X-RateLimit-Remaining"} == set(merged)


@pytest.mark.parametrize(
    ("reset", "end"),
    [
        ("0", NOW),
        ("0.5", NOW + 1),
        ("100000000", NOW + 10**8),
        ("100000001", 10**8 + 1),
        (str(10**11), 10**11),
        (str(10**11 + 1000), 10**8 + 1),
    ],
)
def test_number_is_taken_for_what_it_can_be(reset: str, end: float) -> None:
    """Three years from now at most, then a time in seconds, and from the year 5138 on in milliseconds; rounded up."""
    assert RateLimitState(100, 40, datetime.fromtimestamp(end, UTC), None) == _read(_named("RateLimit-", reset))


def test_date_without_a_time_zone_is_in_utc() -> None:
    """Whatever the time zone of this host; another zone counts."""
    with far_from_utc():
        for date in (SOON.replace(tzinfo=None), SOON.astimezone(timezone(timedelta(hours=5)))):
            assert RateLimitState(100, 40, SOON, None) == _read(_named("RateLimit-", date.isoformat()))
