"""Parsing response envelopes of every form."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from cstar_async import DecodeError
from cstar_async._protocol.envelope import (
    decode_text,
    find_request_id,
    parse_envelope,
    parse_lenient,
    request_id_of,
    timestamp_of,
)
from cstar_async._protocol.messages import RawResponse
from cstar_async._protocol.paging import parse_page_info
from cstar_async._types import json_type_name
from cstar_async.pagination import PageInfo


@pytest.mark.parametrize(
    ("body", "where", "message"),
    [
        (b"", "$", "the response is empty"),
        (b" \n", "$", "the response is empty"),
        (b"<html>", "$", "the response is not JSON"),
        (b"\xff", "$", "the response is not JSON"),
        (b"[" * 5000, "$", "the response is not JSON"),
        (b"[]", "$", "the response must be an object, got an array"),
        (b"null", "$", "the response must be an object, got null"),
        (b'"x"', "$", "the response must be an object, got " + json_type_name("x")),
        (b"{}", "$.data", "the response has no data"),
    ],
)
def test_response_without_an_envelope_is_a_decode_error(body: bytes, where: str, message: str) -> None:
    """The error has the reason and the location."""
    with pytest.raises(DecodeError) as caught:
        parse_envelope(RawResponse(200, {}, body))
    assert (message, where, 200) == (caught.value.message, caught.value.where, caught.value.status)


def test_missing_data_is_reported_with_the_request_id() -> None:
    """So that support can find the request."""
    with pytest.raises(DecodeError) as caught:
        parse_envelope(RawResponse(201, {}, b'{"meta":{"requestId":"req_1"}}'))
    assert "req_1" == caught.value.request_id


def test_envelope_has_data_request_id_and_timestamp() -> None:
    """The last two come from `meta`."""
    body = b'{"data":{"a":1},"meta":{"requestId":"req_1","timestamp":"2026-03-01T00:00:00Z"}}'
    envelope = parse_envelope(RawResponse(200, {}, body))
    assert ({"a": 1}, "req_1", datetime(2026, 3, 1, tzinfo=UTC)) == (
        envelope["data"],
        request_id_of(envelope),
        timestamp_of(envelope),
    )


@pytest.mark.parametrize("meta", [b"null", b"[]", b'{"requestId":5,"timestamp":7}', b'{"timestamp":"soon"}'])
def test_malformed_meta_counts_as_missing(meta: bytes) -> None:
    """It is not required."""
    envelope = parse_envelope(RawResponse(200, {}, b'{"data":null,"meta":' + meta + b"}"))
    assert (None, None, None) == (envelope["data"], request_id_of(envelope), timestamp_of(envelope))


@pytest.mark.parametrize(
    ("body", "page"),
    [
        (b'{"data":[],"pagination":{"page":2}}', 2),
        (b'{"data":[],"meta":{"pagination":{"page":3}}}', 3),
        (b'{"data":[],"pagination":[],"meta":{"pagination":{"page":3}}}', 3),
        (b'{"data":[],"meta":[]}', None),
    ],
)
def test_pagination_is_found_in_both_locations(body: bytes, page: int | None) -> None:
    """Beside `data`, or in `meta`."""
    assert page == parse_page_info(parse_envelope(RawResponse(200, {}, body)), 0).page


@pytest.mark.parametrize("location", ["pagination", "meta"])
def test_page_info_has_every_documented_field(location: str) -> None:
    """A total of 0 is kept, too."""
    stated = {"page": 3, "pageSize": 20, "total": 0, "totalPages": 7, "hasMore": True}
    envelope = {"pagination": stated} if location == "pagination" else {"meta": {"pagination": stated}}
    assert PageInfo(total=0, page=3, page_size=20, has_more=True, total_pages=7) == parse_page_info(envelope, 10)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("57", 57),
        ("0", 0),
        (" 7 ", 7),
        (7.0, 7),
        ("-1", None),
        (-1.0, None),
        ("1.5", None),
        (1.5, None),
        ("", None),
        ("9" * 5000, None),
    ],
)
def test_number_of_a_page_may_be_a_str_or_float(text: object, number: int | None) -> None:
    """It is read as an int; other values count as missing."""
    info = parse_page_info({"data": [], "pagination": {"page": text, "pageSize": text, "total": text, "totalPages": text}}, 10)
    assert [number] * 4 == [info.page, info.page_size, info.total, info.total_pages]


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
        ({"hasMore": "false", "totalPages": 2, "page": 1}, False),
        ({"hasMore": "True", "totalPages": 2, "page": 2}, True),
        ({"total": "300", "totalPages": "3"}, True),
        ({"total": "10", "totalPages": "1"}, False),
        ({"total": -1, "page": True, "pageSize": "10"}, True),
        ({"total": "many", "pageSize": 11}, False),
        ({"totalPages": [3]}, True),
        ({"total": {"value": 300}}, True),
        ({"page": 1, "pageSize": 10}, True),
        ({"page": 1}, False),
    ],
)
def test_has_more_is_stated_or_computed(stated: dict[str, Any], *, has_more: bool) -> None:
    """For a page of ten items."""
    assert has_more == parse_page_info({"data": [], "pagination": stated}, 10).has_more


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ({}, "an object"),
        ([], "an array"),
        ("", "a string"),
        (None, "null"),
        (True, "a boolean"),
        (1, "a number"),
        (0.5, "a number"),
    ],
)
def test_json_type_has_a_name_for_error_messages(value: object, name: str) -> None:
    """With its article."""
    assert name == json_type_name(value)


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
def test_request_id_is_found_in_any_response(body: bytes, headers: dict[str, str], request_id: str | None) -> None:
    """In the error, then in `meta`, then in a header."""
    assert request_id == find_request_id(parse_lenient(RawResponse(500, {}, body)), headers)


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
def test_text_is_recognised_by_its_content_type(stated: str | None, text: str | None) -> None:
    """Whatever its parameters and case are."""
    headers = {} if stated is None else {"Content-Type": stated}
    assert text == decode_text(RawResponse(200, headers, "ä".encode()), "text/csv")


def test_response_without_a_content_type_is_not_text() -> None:
    """Nor is one whose operation promises no text."""
    assert decode_text(RawResponse(200, {}, b"x"), None) is None


def test_text_is_decoded_leniently() -> None:
    """The byte order mark is dropped, and bytes that are not UTF-8 are replaced."""
    assert "a\ufffdb" == decode_text(RawResponse(200, {"Content-Type": "text/csv"}, b"\xef\xbb\xbfa\xffb"), "text/csv")


def test_a_body_is_parsed_once() -> None:
    """Hooks and the log read the request id from the same parsed body as the client."""
    response = RawResponse(200, {}, b'{"data":{},"meta":{"requestId":"req_1"}}')
    assert parse_lenient(response) is parse_envelope(response)
