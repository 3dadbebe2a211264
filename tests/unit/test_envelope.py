"""Opening answers of every form."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from cstar_async import DecodeError
from cstar_async._protocol.envelope import (
    decode_text,
    find_request_id,
    parse_envelope,
    parse_page_info,
    request_id_of,
    timestamp_of,
)
from cstar_async._protocol.messages import RawResponse
from cstar_async._types import json_type_name
from cstar_async.pagination import PageInfo


@pytest.mark.parametrize(
    ("body", "where", "message"),
    [
        (b"", "$", "the answer is empty"),
        (b" \n", "$", "the answer is empty"),
        (b"<html>", "$", "the answer is not JSON"),
        (b"\xff", "$", "the answer is not JSON"),
        (b"[" * 5000, "$", "the answer is not JSON"),
        (b"[]", "$", "the answer is an array instead of an object"),
        (b"null", "$", "the answer is null instead of an object"),
        (b'"x"', "$", "the answer is a text instead of an object"),
        (b"{}", "$.data", "the answer has no data"),
    ],
)
def test_answer_that_is_no_envelope_is_a_decode_error(body: bytes, where: str, message: str) -> None:
    """It says what came and where."""
    with pytest.raises(DecodeError) as caught:
        parse_envelope(body, status=200)
    assert (message, where, 200) == (caught.value.message, caught.value.where, caught.value.status)


def test_missing_data_is_reported_with_the_request() -> None:
    """Support can find it."""
    with pytest.raises(DecodeError) as caught:
        parse_envelope(b'{"meta":{"requestId":"req_1"}}', status=201)
    assert "req_1" == caught.value.request_id


def test_envelope_gives_data_request_and_time() -> None:
    """What the meta says is kept."""
    opened = parse_envelope(b'{"data":{"a":1},"meta":{"requestId":"req_1","timestamp":"2026-03-01T00:00:00Z"}}', status=200)
    assert ({"a": 1}, "req_1", datetime(2026, 3, 1, tzinfo=UTC)) == (opened["data"], request_id_of(opened), timestamp_of(opened))


@pytest.mark.parametrize("meta", [b"null", b"[]", b'{"requestId":5,"timestamp":7}', b'{"timestamp":"soon"}'])
def test_odd_meta_is_no_meta(meta: bytes) -> None:
    """Tolerance for what is not needed."""
    opened = parse_envelope(b'{"data":null,"meta":' + meta + b"}", status=200)
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
    assert page == parse_page_info(parse_envelope(body, status=200), 0).page


@pytest.mark.parametrize("place", ["pagination", "meta"])
def test_pagination_is_read_whole(place: str) -> None:
    """Every documented field has its place; nothing of a page is lost, not even a nought."""
    stated = {"page": 3, "pageSize": 20, "total": 0, "totalPages": 7, "hasMore": True}
    envelope = {"pagination": stated} if place == "pagination" else {"meta": {"pagination": stated}}
    assert PageInfo(total=0, page=3, page_size=20, has_more=True, total_pages=7) == parse_page_info(envelope, 10)


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
    assert has_more == parse_page_info({"data": [], "pagination": stated}, 10).has_more


@pytest.mark.parametrize(
    ("value", "words"),
    [({}, "an object"), ([], "an array"), ("", "a text"), (None, "null"), (True, "a boolean"), (1, "a number"), (0.5, "a number")],
)
def test_kind_of_a_value_is_told_in_words(value: object, words: str) -> None:
    """For sentences of errors."""
    assert words == json_type_name(value)


@pytest.mark.parametrize(
    ("body", "headers", "request_id"),
    [
        (b'{"error":{"request_id":"req_e"},"meta":{"requestId":"req_m"}}', {"x-cstar-request-id": "req_h"}, "req_e"),
        (b'{"error":{"request_id":""},"meta":{"requestId":"req_m"}}', {}, "req_m"),
        (b'{"error":"words","meta":{"requestId":"req_m"}}', {}, "req_m"),
        (b'{"data":{},"meta":{"requestId":"req_m"}}', {"x-cstar-request-id": "req_h"}, "req_m"),
        (b'{"error":{"request_id":5}}', {"x-cstar-request-id": "req_h"}, "req_h"),
        (b"{}", {"x-cstar-request-id": "req_h"}, "req_h"),
        (b"[]", {"x-cstar-request-id": "req_h"}, "req_h"),
        (b"<html>", {"x-cstar-request-id": "req_h"}, "req_h"),
        (b"", {}, None),
    ],
)
def test_request_id_is_found_in_an_answer_of_any_kind(body: bytes, headers: dict[str, str], request_id: str | None) -> None:
    """In its error, in its meta, and at last in a header."""
    assert request_id == find_request_id(RawResponse(500, headers, body))


@pytest.mark.parametrize(
    ("stated", "text"),
    [
        ("text/csv", "ä"),
        ("Text/CSV ; charset=utf-8; header=present", "ä"),
        ("application/json", None),
        ("csv; text/csv", None),
        ("", None),
        (None, None),
    ],
)
def test_text_is_known_by_its_content_type(stated: str | None, text: str | None) -> None:
    """Whatever stands beside it, and however it is written."""
    headers = {} if stated is None else {"Content-Type": stated}
    assert text == decode_text(RawResponse(200, headers, "ä".encode()), "text/csv")


def test_answer_without_a_content_type_is_no_text() -> None:
    """Nor where no text is promised."""
    assert decode_text(RawResponse(200, {}, b"x"), None) is None


def test_text_is_read_tolerantly() -> None:
    """A mark of byte order is dropped, and what is not UTF-8 does not cost the rest."""
    assert "a\ufffdb" == decode_text(RawResponse(200, {"Content-Type": "text/csv"}, b"\xef\xbb\xbfa\xffb"), "text/csv")
