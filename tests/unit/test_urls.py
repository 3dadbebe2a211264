"""Paths and queries."""

from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from cstar_async import UNSET, InvalidArgumentError
from cstar_async._protocol.urls import encode_raw_path, path_segment, query_string
from cstar_async.models import TicketStatus


@pytest.mark.parametrize(
    ("value", "segment"),
    [("tkt_1", "tkt_1"), ("a/b", "a%2Fb"), ("a?b", "a%3Fb"), ("a#b", "a%23b"), ("%2e", "%252e"), ("...", "..."), ("ü", "%C3%BC")],
)
def test_path_id_is_encoded(value: str, segment: str) -> None:
    """It stays one segment."""
    assert segment == path_segment(value)


@pytest.mark.parametrize("value", ["", ".", "..", "\ud800", None, 5])
def test_id_that_cannot_be_a_segment_is_refused(value: str) -> None:
    """Before anything is sent."""
    with pytest.raises(InvalidArgumentError):
        path_segment(value)


@pytest.mark.parametrize(
    ("path", "encoded"),
    [("activity", "/activity"), ("/a/b/", "/a/b"), ("/a b", "/a%20b"), ("/a%2Fb", "/a%2Fb"), ("/a:b@c", "/a:b@c")],
)
def test_raw_path_is_encoded_once(path: str, encoded: str) -> None:
    """Existing escapes are kept."""
    assert encoded == encode_raw_path(path)


@pytest.mark.parametrize(
    "path", ["", "/", "//h/x", "https://h/x", "/a?b", "/a#b", "/a//b", "/a/../b", "/%2e%2e/b", "/./b", "/\ud800", None]
)
def test_path_that_could_leave_the_base_url_is_refused(path: str) -> None:
    """The API key is sent to no other host."""
    with pytest.raises(InvalidArgumentError):
        encode_raw_path(path)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a&b=c", "a%26b%3Dc"),
        (TicketStatus.OPEN, "open"),
        (True, "true"),
        (False, "false"),
        (5, "5"),
        (0.5, "0.5"),
        (["a", "b,c"], "a,b%2Cc"),
        (("x", 1), "x,1"),
        (datetime(2026, 3, 1, tzinfo=UTC), "2026-03-01T00%3A00%3A00Z"),
        (date(2026, 3, 1), "2026-03-01"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    ],
)
def test_query_value_has_its_wire_format(value: object, text: str) -> None:
    """For every supported type."""
    assert f"q={text}" == query_string({"q": value})


@pytest.mark.parametrize("value", [None, {}, object(), datetime(2026, 3, 1), "\ud800"])  # noqa: DTZ001
def test_unsupported_query_value_is_refused(value: object) -> None:
    """The error has the name of the parameter."""
    with pytest.raises(InvalidArgumentError, match="when"):
        query_string({"when": value})


def test_later_parts_override_earlier_ones_and_unset_is_left_out() -> None:
    """Options override arguments."""
    assert "a=2&c=3" == query_string({"a": 1, "b": UNSET}, None, {"a": 2, "c": 3})
