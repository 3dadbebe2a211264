"""Headers, sent and read."""

from __future__ import annotations

from email.utils import formatdate

import pytest

from cstar_async import InvalidArgumentError
from cstar_async._headers import FURTHEST, checked_headers, permanent_headers, read_count, read_retry_after, read_seconds
from tests.unit.clocks import EPOCH


def test_every_call_names_key_version_and_client() -> None:
    """What the contract lists."""
    headers = permanent_headers("sk_test_x", "2026-03-01")
    assert ("Bearer sk_test_x", "2026-03-01", "application/json") == (
        headers["Authorization"],
        headers["CStar-Version"],
        headers["Accept"],
    )
    assert headers["User-Agent"].startswith("cstar-async/")


def test_headers_without_key_and_version_leave_them_out() -> None:
    """None: not sent."""
    assert {"Accept", "User-Agent"} == permanent_headers(None, None).keys()


@pytest.mark.parametrize(
    ("text", "count"),
    [(None, None), ("0", 0), (" 42 ", 42), ("-1", None), ("1.5", None), ("", None), ("²", None), ("٣", None), ("1" * 19, None)],
)
def test_count_is_a_whole_number_or_nothing(text: str | None, count: int | None) -> None:
    """From 0."""
    assert count == read_count(text)


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
        (10**12, FURTHEST),
    ],
)
def test_seconds_are_a_wait_that_ends_or_nothing(value: object, seconds: float | None) -> None:
    """A year at most."""
    assert seconds == read_seconds(value)


def test_date_to_come_back_is_measured_by_the_servers_clock() -> None:
    """Where the answer says what time it is there."""
    headers = {"Retry-After": formatdate(EPOCH + 100, usegmt=True), "Date": formatdate(EPOCH + 70, usegmt=True)}
    assert (30.0, 100.0) == (read_retry_after(headers, EPOCH), read_retry_after({"Retry-After": headers["Retry-After"]}, EPOCH))


@pytest.mark.parametrize("name", ["Authorization", "idempotency-key", "Host", "", "a b", "a:b", "ä", "a\r\nb"])
def test_header_that_is_not_the_callers_is_refused(name: str) -> None:
    """The client's own, and names that no header has."""
    with pytest.raises(InvalidArgumentError):
        checked_headers({name: "x"})


@pytest.mark.parametrize("value", ["a\r\nX: y", "\x00", "\x7f", "\ud800", 5])
def test_value_that_no_header_carries_is_refused_unseen(value: str) -> None:
    """The error does not show it."""
    with pytest.raises(InvalidArgumentError) as caught:
        checked_headers({"X-Trace": value})
    assert "X: y" not in str(caught.value)


def test_usual_headers_pass() -> None:
    """Tabs and accents too."""
    assert {"X-Trace": "a\tbé"} == checked_headers({"X-Trace": "a\tbé"})
