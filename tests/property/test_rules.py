"""Functions over plain values, for any input."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from yarl import URL

from cstar_async import InvalidArgumentError, idempotency_key
from cstar_async._protocol.error_responses import error_class, parse_error
from cstar_async._protocol.headers import MAX_WAIT, parse_date, parse_int, parse_rate_limit, parse_retry_after, parse_seconds
from cstar_async._protocol.messages import RawResponse
from cstar_async._protocol.retry import Failure, retry_delay
from cstar_async._protocol.urls import path_segment, query_string
from cstar_async._rate_limit.window import RateLimitWindow
from cstar_async._values.redaction import MAX_LENGTH, redact

SHARES = st.floats(0, 1, exclude_max=True)
NAMES = ["Retry-After", "Date", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "X-RateLimit-Window"]
VALUES = (
    st.text(max_size=20)
    | st.integers(-10, 10**20).map(str)
    | st.floats().map(str)
    | st.datetimes().map(lambda at: f"{at:%d %b %Y %H:%M:%S} GMT")
)
HEADERS = st.dictionaries(st.sampled_from(NAMES), VALUES)


@given(st.integers(1, 10**6), SHARES)
def test_backoff_is_between_zero_and_eight_seconds(attempt: int, share: float) -> None:
    """After any number of attempts."""
    assert 0 <= retry_delay(attempt, Failure(), lambda: share) <= 8


@given(st.integers(1, 100), st.sampled_from([429, 500, 503]), st.floats(0, MAX_WAIT), SHARES)
def test_delay_is_never_below_the_one_that_the_server_states(attempt: int, status: int, seconds: float, share: float) -> None:
    """And at most 10 % above."""
    wait = retry_delay(attempt, Failure(status=status, retry_after=seconds), lambda: share)
    assert seconds <= wait <= seconds * 1.1 + 1e-9


@given(HEADERS, st.floats(0, 4e9))
@example({"Retry-After": "1e999"}, 0.0)
@example({"Retry-After": "31 Dec 9999 23:59:59 -2359"}, 0.0)
def test_header_parsers_never_raise(headers: dict[str, str], now: float) -> None:
    """Any str gives a value within bounds, or None."""
    wait = parse_retry_after(headers, now)
    assert wait is None or 0 <= wait <= MAX_WAIT
    state = parse_rate_limit(headers)
    assert state is None or 0 <= state.remaining <= state.limit


@given(st.text())
@example("\x00")
@example("0 0 0 0 0")
@example("Mon, 01 Jan 0001 00:00:00 +2359")
def test_value_parsers_never_raise(text: str) -> None:
    """Each returns a number or None."""
    for read in (parse_int, parse_date, parse_seconds):
        found = read(text)
        assert found is None or isinstance(found, (int, float))


@given(st.lists(st.tuples(st.sampled_from([200, 429, 500]), HEADERS, st.floats(0, 1e6)), max_size=6))
def test_window_opens_within_a_day_of_the_last_response(responses: list[tuple[int, dict[str, str], float]]) -> None:
    """Whatever the headers state."""
    window, now = RateLimitWindow(), 0.0
    for status, headers, seconds in responses:
        now += seconds
        window.update(status, headers, now, 1.79e9 + now)
    assert 0 <= window.seconds_until_end(now) <= 86400 + 1e-6  # the sum of two floats is rounded


@given(st.text(min_size=1))
@example("../x")
@example("%2e%2e")
@example("a\\..\\b")
@example("a/b?c#d")
def test_id_in_a_path_never_leaves_its_segment(value: str) -> None:
    """The URL parser of yarl finds the whole id in one segment."""
    assume(value not in {".", ".."})
    try:
        segment = path_segment(value)
    except InvalidArgumentError:
        with pytest.raises(UnicodeEncodeError):
            value.encode()
        return
    url = URL(f"https://h/teams/t/{segment}/end", encoded=True)
    assert ("/", "teams", "t", value, "end") == tuple(part for part in url.parts)
    assert ("", "") == (url.query_string, url.fragment)


@given(st.dictionaries(st.text(st.characters(codec="utf-8"), min_size=1), st.text(st.characters(codec="utf-8"))))
def test_query_round_trips(query: dict[str, str]) -> None:
    """No name or value becomes another part of the URL."""
    url = URL(f"https://h/?{query_string(query)}", encoded=True)
    assert query == dict(url.query)


@given(st.lists(st.text() | st.integers(), min_size=1, max_size=4), st.lists(st.text() | st.integers(), min_size=1, max_size=4))
def test_derived_keys_are_equal_if_their_parts_are(left: list[str | int], right: list[str | int]) -> None:
    """And only then. Each has the documented format."""
    assert (left == right) == (idempotency_key(*left) == idempotency_key(*right))
    assert re.fullmatch(r"idk_[0-9a-f]{40}", idempotency_key(*left))


@given(
    st.integers(300, 599),
    st.binary() | st.sampled_from([b'"x"', b"[1]", b'{"error":[]}', b'{"error":{"message":1}}', b"<html>", b"\xff"]),
)
def test_error_body_never_changes_the_class_of_its_status(status: int, body: bytes) -> None:
    """It only adds detail."""
    assume(not body.startswith(b"{") or b"code" not in body)
    error = parse_error(RawResponse(status, {}, body), 0.0)
    assert (error_class(status, None), status) == (type(error), error.status)
    assert 1 == len(str(error).splitlines())


@given(st.text())
def test_redacted_str_is_one_short_line(text: str) -> None:
    """Of at most the documented length."""
    line = redact(text)
    assert len(line) <= MAX_LENGTH
    assert len(line.splitlines()) <= 1


@pytest.mark.no_cover
@given(
    st.text(max_size=30),
    st.text("abcXYZ019_-.~+/=", min_size=12, max_size=60),
    st.sampled_from(["sk_live_", "sk_test_", "pk_live_", "sk_", "pk_"]),
)
def test_api_key_is_never_shown(before: str, rest: str, prefix: str) -> None:
    """Wherever it is in a str, unless letters touch it."""
    assume(rest not in before)
    assert rest not in redact(f"{before} {prefix}{rest} after")
