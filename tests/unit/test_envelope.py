"""Opening answers of every form."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from cstar_async import DecodeError
from cstar_async._envelope import kind_of, open_envelope, read_pagination, request_id_of, timestamp_of


@pytest.mark.parametrize(
    ("body", "where", "message"),
    [
        (b"", "$", "empty"),
        (b" \n", "$", "empty"),
        (b"<html>", "$", "not JSON"),
        (b"\xff", "$", "not JSON"),
        (b"[" * 5000, "$", "not JSON"),
        (b"[]", "$", "an array"),
        (b"null", "$", "null"),
        (b'"x"', "$", "a text"),
        (b"{}", "$.data", "no data"),
    ],
)
def test_answer_that_is_no_envelope_is_a_decode_error(body: bytes, where: str, message: str) -> None:
    """It says what came and where."""
    with pytest.raises(DecodeError, match=message) as caught:
        open_envelope(body, status=200)
    assert (where, 200) == (caught.value.where, caught.value.status)


def test_missing_data_is_reported_with_the_request() -> None:
    """Support can find it."""
    with pytest.raises(DecodeError) as caught:
        open_envelope(b'{"meta":{"requestId":"req_1"}}', status=201)
    assert "req_1" == caught.value.request_id


def test_envelope_gives_data_request_and_time() -> None:
    """What the meta says is kept."""
    opened = open_envelope(b'{"data":{"a":1},"meta":{"requestId":"req_1","timestamp":"2026-03-01T00:00:00Z"}}', status=200)
    assert ({"a": 1}, "req_1", datetime(2026, 3, 1, tzinfo=UTC)) == (opened["data"], request_id_of(opened), timestamp_of(opened))


@pytest.mark.parametrize("meta", [b"null", b"[]", b'{"requestId":5,"timestamp":7}', b'{"timestamp":"soon"}'])
def test_odd_meta_is_no_meta(meta: bytes) -> None:
    """Tolerance for what is not needed."""
    opened = open_envelope(b'{"data":null,"meta":' + meta + b"}", status=200)
    assert (None, None, None) == (opened["data"], request_id_of(opened), timestamp_of(opened))


@pytest.mark.parametrize(
    ("body", "page"),
    [
        (b'{"data":[],"pagination":{"page":2}}', 2),
        (b'{"data":[],"meta":{"pagination":{"page":3}}}', 3),
        (b'{"data":[],"pagination":[],"meta":{"pagination":{"page":3}}}', 3),
        (b'{"data":[],"meta":[]}', None),
    ],
)
def test_pagination_is_found_in_both_places(body: bytes, page: int | None) -> None:
    """Beside the data, or in the meta."""
    assert page == read_pagination(open_envelope(body, status=200), 0).page


@pytest.mark.parametrize(
    ("stated", "has_more"),
    [
        ({}, False),
        ({"hasMore": True}, True),
        ({"hasMore": False, "totalPages": 9, "page": 1}, False),
        ({"hasMore": "yes", "totalPages": 2, "page": 1}, True),
        ({"totalPages": 2, "page": 2}, False),
        ({"totalPages": 2}, True),
        ({"total": 11, "page": 1, "pageSize": 10}, True),
        ({"total": 10, "page": 1, "pageSize": 10}, False),
        ({"total": 11}, True),
        ({"total": 10}, False),
        ({"total": -1, "page": True, "pageSize": "10"}, False),
    ],
)
def test_more_pages_are_stated_or_worked_out(stated: dict[str, Any], *, has_more: bool) -> None:
    """For a page of ten rows."""
    assert has_more == read_pagination({"data": [], "pagination": stated}, 10).has_more


@pytest.mark.parametrize(
    ("value", "words"),
    [({}, "an object"), ([], "an array"), ("", "a text"), (None, "null"), (True, "a boolean"), (1, "a number"), (0.5, "a number")],
)
def test_kind_of_a_value_is_told_in_words(value: object, words: str) -> None:
    """For sentences of errors."""
    assert words == kind_of(value)
