"""Request headers and header parsers."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import formatdate

import pytest

from cstar_async import InvalidArgumentError
from cstar_async._protocol.headers import (
    MAX_WAIT,
    default_headers,
    parameter_headers,
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


def test_default_headers_have_key_version_and_user_agent() -> None:
    """And `Accept`."""
    headers = default_headers("sk_test_x", "2026-03-01")
    assert ("Bearer sk_test_x", "2026-03-01", "application/json") == (
        headers["Authorization"],
        headers["CStar-Version"],
        headers["Accept"],
    )
    assert headers["User-Agent"].startswith("cstar-async/")


def test_default_headers_leave_out_a_missing_key_and_version() -> None:
    """None is not sent."""
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
def test_parse_int_returns_an_int_or_none(text: str | None, count: int | None) -> None:
    """From 0, with at most 18 digits."""
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
def test_parse_seconds_returns_a_finite_wait_or_none(value: object, seconds: float | None) -> None:
    """Cut to a year."""
    assert seconds == parse_seconds(value)


def test_retry_after_date_is_compared_with_the_date_of_the_response() -> None:
    """If the response has one."""
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
def test_parse_date_returns_seconds_since_the_epoch_or_none(text: str | None, epoch: float | None) -> None:
    """A date without an offset is in UTC."""
    with far_from_utc():
        assert epoch == parse_date(text)


def test_to_datetime_is_in_utc() -> None:
    """Whatever the machine's time zone is."""
    with far_from_utc():
        assert (datetime(1970, 1, 1, 0, 2, tzinfo=UTC), UTC) == (to_datetime(120.0), to_datetime(120.0).tzinfo)


@pytest.mark.parametrize("name", ["", "a b", "a:b", "ä", "a\r\nb"])
def test_invalid_header_name_is_refused(name: str) -> None:
    """The error has the name."""
    with pytest.raises(InvalidArgumentError) as caught:
        validate_headers({name: "x"})
    assert f"headers must have names without spaces and separators, got {name!r}" == caught.value.message


@pytest.mark.parametrize("name", ["Authorization", "idempotency-key", "Host"])
def test_reserved_header_is_refused(name: str) -> None:
    """In any case."""
    with pytest.raises(InvalidArgumentError) as caught:
        validate_headers({name: "x"})
    assert (
        f"headers must have only headers that you may set, got {name}, which is set by the client; use the client's arguments"
        == caught.value.message
    )


@pytest.mark.parametrize("value", ["a\r\nX: y", "\x00", "\x7f", "\ud800", 5])
def test_invalid_header_value_is_refused(value: str) -> None:
    """The error has the name and not the value."""
    with pytest.raises(InvalidArgumentError) as caught:
        validate_headers({"X-Trace": value})
    assert str(caught.value).startswith("headers must have values of type str without control characters, got ")
    assert caught.value.message.endswith(" for X-Trace")


def test_valid_headers_are_returned() -> None:
    """Tabs and accents are allowed."""
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


@pytest.mark.parametrize("value", ["\ud800", ["a", "\udfff"]])
@pytest.mark.parametrize("place", ["headers", "cookies"])
def test_half_a_surrogate_pair_in_a_parameter_is_refused(place: str, value: object) -> None:
    """The error is ours, for a header and for a cookie."""
    given = {"X-Name": value}
    with pytest.raises(InvalidArgumentError, match="must have"):
        parameter_headers(given if place == "headers" else None, given if place == "cookies" else None)


def test_cookie_is_percent_encoded() -> None:
    """Except for the slash, which a cookie may have."""
    assert {"Cookie": "n=a/b%20c%3B; m=5"} == parameter_headers(None, {"n": "a/b c;", "m": 5})
