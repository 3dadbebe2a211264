"""Headers, sent and read."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import formatdate

import pytest

from cstar_async import InvalidArgumentError
from cstar_async._protocol.headers import (
    MAX_WAIT,
    default_headers,
    parse_date,
    parse_int,
    parse_rate_limit,
    parse_retry_after,
    parse_seconds,
    to_datetime,
    validate_headers,
)
from cstar_async._types import RateLimitState
from tests.unit.clocks import EPOCH, far_from_utc, rate_headers


def test_every_call_names_key_version_and_client() -> None:
    """What the contract lists."""
    headers = default_headers("sk_test_x", "2026-03-01")
    assert ("Bearer sk_test_x", "2026-03-01", "application/json") == (
        headers["Authorization"],
        headers["CStar-Version"],
        headers["Accept"],
    )
    assert headers["User-Agent"].startswith("cstar-async/")


def test_headers_without_key_and_version_leave_them_out() -> None:
    """None: not sent."""
    assert {"Accept", "User-Agent"} == default_headers(None, None).keys()


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (None, None),
        ("0", 0),
        (" 42 ", 42),
        ("-1", None),
        ("1.5", None),
        ("", None),
        ("²", None),
        ("٣", None),
        ("1" * 19, None),
        ("1" * 18, int("1" * 18)),
    ],
)
def test_count_is_a_whole_number_or_nothing(text: str | None, count: int | None) -> None:
    """From 0."""
    assert count == parse_int(text)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("5", 5.0),
        (2.5, 2.5),
        (0, 0.0),
        (-1, None),
        ("nan", None),
        ("inf", None),
        (True, None),
        (None, None),
        ([], None),
        ("x", None),
        (10**400, None),
        (10**12, MAX_WAIT),
    ],
)
def test_seconds_are_a_wait_that_ends_or_nothing(value: object, seconds: float | None) -> None:
    """A year at most."""
    assert seconds == parse_seconds(value)


def test_date_to_come_back_is_measured_by_the_servers_clock() -> None:
    """Where the answer says what time it is there."""
    headers = {"Retry-After": formatdate(EPOCH + 100, usegmt=True), "Date": formatdate(EPOCH + 70, usegmt=True)}
    assert (30.0, 100.0) == (parse_retry_after(headers, EPOCH), parse_retry_after({"Retry-After": headers["Retry-After"]}, EPOCH))


@pytest.mark.parametrize(
    ("text", "epoch"),
    [
        ("Thu, 01 Jan 1970 00:02:00 GMT", 120.0),
        ("Thu, 01 Jan 1970 00:02:00 +0200", 120.0 - 7200),
        ("Thu, 01 Jan 1970 00:02:00 -0000", 120.0),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_date_is_seconds_since_the_epoch_or_nothing(text: str | None, epoch: float | None) -> None:
    """With the offset that it names, and in UTC where it names none."""
    with far_from_utc():
        assert epoch == parse_date(text)


def test_moment_is_in_utc() -> None:
    """Aware, whatever the machine's own zone is."""
    with far_from_utc():
        assert (datetime(1970, 1, 1, 0, 2, tzinfo=UTC), UTC) == (to_datetime(120.0), to_datetime(120.0).tzinfo)


@pytest.mark.parametrize("name", ["", "a b", "a:b", "ä", "a\r\nb"])
def test_name_that_no_header_has_is_refused(name: str) -> None:
    """With the name, so that a caller finds it."""
    with pytest.raises(InvalidArgumentError) as caught:
        validate_headers({name: "x"})
    assert f"{name!r} is not the name of a header" == caught.value.message


@pytest.mark.parametrize("name", ["Authorization", "idempotency-key", "Host"])
def test_header_that_is_not_the_callers_is_refused(name: str) -> None:
    """The client's own, however it is written."""
    with pytest.raises(InvalidArgumentError) as caught:
        validate_headers({name: "x"})
    assert f"{name} is set by the client; see its arguments" == caught.value.message


@pytest.mark.parametrize("value", ["a\r\nX: y", "\x00", "\x7f", "\ud800", 5])
def test_value_that_no_header_carries_is_refused_unseen(value: str) -> None:
    """The error names the header and does not show it."""
    with pytest.raises(InvalidArgumentError) as caught:
        validate_headers({"X-Trace": value})
    assert "the value of X-Trace is not a text that a header can carry" == caught.value.message


def test_usual_headers_pass() -> None:
    """Tabs and accents too."""
    assert {"X-Trace": "a\tbé"} == validate_headers({"X-Trace": "a\tbé"})


def test_rate_limit_state_has_all_four_headers() -> None:
    """Limit, remaining, reset and window."""
    state = parse_rate_limit(rate_headers(7))
    assert state is not None
    assert (1000, 7, EPOCH + 3600, 3600.0) == (
        state.limit,
        state.remaining,
        state.reset_at and state.reset_at.timestamp(),
        state.window,
    )


def test_rate_limit_state_may_have_no_reset() -> None:
    """Limit and remaining are enough."""
    assert RateLimitState(5, 5, None, None) == parse_rate_limit({"X-RateLimit-Limit": "5", "X-RateLimit-Remaining": "9"})


def test_reset_that_no_datetime_can_hold_is_none() -> None:
    """It raises no error."""
    state = parse_rate_limit(rate_headers(1, "9" * 18))
    assert state is not None
    assert state.reset_at is None


@pytest.mark.parametrize("missing", ["X-RateLimit-Limit", "X-RateLimit-Remaining"])
def test_headers_without_limit_or_remaining_are_no_state(missing: str) -> None:
    """Both are needed."""
    headers = rate_headers(1)
    del headers[missing]
    assert parse_rate_limit(headers) is None
