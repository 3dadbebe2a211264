"""Parse the envelope around the data of every response.

The HTTP status has already reported success. Only `data` is required. `success` and `meta` may be missing, and pagination comes in
two locations and two forms: the documentation pages "Responses" and "Pagination" disagree.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from cstar_async._model.decoding import parse_datetime
from cstar_async._protocol.headers import REQUEST_ID
from cstar_async._protocol.json_parser import parse_json
from cstar_async._protocol.messages import RawResponse
from cstar_async._types import UNSET, PageInfo, UntypedJSON, is_object, is_str, json_type_name
from cstar_async._values.redaction import printable_line
from cstar_async.errors import DecodeError

_MAX_DIGITS: Final = 15
"""Digits of a page number or total that arrives as a str."""
_BOOLEANS: Final = {"true": True, "false": False}


def parse_envelope(response: RawResponse) -> dict[str, UntypedJSON]:
    """Parse the body of a success; raise a `DecodeError` if it is not an object with `data`."""
    parsed, status = parse_body(response), response.status
    if parsed.__class__ is not dict:
        raise DecodeError(f"the response must be an object, got {json_type_name(parsed)}", status=status)
    if "data" not in parsed:
        raise DecodeError("the response has no data", where="$.data", status=status, request_id=request_id_of(parsed))
    return parsed


def parse_body(response: RawResponse) -> UntypedJSON:
    """Return the body of a success as JSON, or raise a `DecodeError`. It is parsed once, although hooks and logs need it too."""
    try:
        if response.parsed is UNSET:
            response.parsed = parse_json(response.body)
        return response.parsed
    except ValueError:
        message = "the response is not JSON" if response.body.strip() else "the response is empty"
    raise DecodeError(message, status=response.status)


def parse_lenient(response: RawResponse) -> dict[str, UntypedJSON]:
    """Parse a body of any kind; one that is not a JSON object gives an empty dict."""
    try:
        return as_object(parse_body(response))
    except DecodeError:
        return {}


def as_object(value: UntypedJSON) -> dict[str, UntypedJSON]:
    """Return *value* if it is a JSON object, or else an empty dict."""
    return value if is_object(value) else {}


def find_request_id(body: dict[str, UntypedJSON], headers: Mapping[str, str]) -> str | None:
    """Return the request id of a response of any kind: from its error, its `meta`, the body of another API, or a header."""
    stated: UntypedJSON = as_object(body.get("error")).get("request_id") or body.get("request_id")
    return _line(stated) or request_id_of(body) or _line(headers.get(REQUEST_ID)) or _line(headers.get("X-Request-Id"))


def request_id_of(envelope: dict[str, UntypedJSON]) -> str | None:
    """Return the request id in `meta`, or None."""
    return _line(as_object(envelope.get("meta")).get("requestId"))


def timestamp_of(envelope: dict[str, UntypedJSON]) -> datetime | None:
    """Return the server's time of the response in `meta`, or None."""
    stated = parse_datetime(as_object(envelope.get("meta")).get("timestamp"))
    return stated if isinstance(stated, datetime) else None


def parse_page_info(envelope: dict[str, UntypedJSON], item_count: int, first: int = 1) -> PageInfo:
    """Return the pagination, from either location and form.

    `has_more` is computed if it is missing. Without any pagination, the response is the only page. If the totals cannot be read, a
    full page is followed by another one, because an iteration must not end early without an error.
    """
    stated: UntypedJSON = envelope.get("pagination")
    if not is_object(stated):
        stated = as_object(envelope.get("meta")).get("pagination")
    if not is_object(stated):
        return PageInfo()
    return page_info(stated, item_count, first)


def page_info(
    stated: Mapping[str, UntypedJSON], item_count: int, first: int, *, is_last_if_unknown: bool | None = None
) -> PageInfo:
    """Return the position of a page from the values that a response states, under the names of cStar and of whatever types.

    *is_last_if_unknown* is for a response that states nothing. None: a page with items is followed by another one if something was
    stated that cannot be read.
    """
    total, total_pages = stated.get("total"), stated.get("totalPages")
    is_stated = total is not None or total_pages is not None
    page, page_size, total, total_pages = map(count_of, (stated.get("page"), stated.get("pageSize"), total, total_pages))
    has_more = parse_boolean(stated.get("hasMore"))
    if has_more is None:
        pages_read = 1 if page is None else page - first + 1
        if total_pages is not None:
            has_more = pages_read < total_pages
        elif total is not None:
            has_more = pages_read * (page_size or item_count) < total
        elif page_size:
            has_more = item_count >= page_size
        elif is_last_if_unknown is None or is_stated:
            has_more = item_count > 0 and is_stated
        else:
            has_more = item_count > 0 and not is_last_if_unknown
    return PageInfo(total=total, page=page, page_size=page_size, has_more=has_more, total_pages=total_pages)


def parse_boolean(value: UntypedJSON) -> bool | None:
    """Return a boolean that may arrive as a str; None for any other value."""
    value = _BOOLEANS.get(value.strip().lower()) if is_str(value) else value
    return value if isinstance(value, bool) else None


def decode_text(response: RawResponse, content_type: str | None) -> str | None:
    """Return the body as a str if the response has this content type, or else None. Bytes that are not UTF-8 are replaced."""
    stated = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return response.body.decode("utf-8-sig", "replace") if stated == content_type else None


def _line(value: UntypedJSON) -> str | None:
    return printable_line(value) or None if is_str(value) else None


def count_of(value: UntypedJSON) -> int | None:
    """Return a number of items or pages that may arrive as a str or float; None for any other value."""
    if value.__class__ is str and len(value) <= _MAX_DIGITS:
        value = value.strip()
        return int(value) if value.isdecimal() else None
    if value.__class__ is float and value.is_integer() and value < 10**_MAX_DIGITS:
        value = int(value)
    return value if value.__class__ is int and value >= 0 else None  # unlike isinstance, not for bool
