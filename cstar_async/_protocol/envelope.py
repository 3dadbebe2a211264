"""The envelope that every answer of cStar comes in, opened with as little trust as possible.

The HTTP status has already said that the call succeeded. `success` and `meta` may be missing, pagination may stand in two places
and two forms (documentation pages "Responses" and "Pagination", which disagree); only `data` must be there, and of the right kind.
"""

from __future__ import annotations

from datetime import datetime

import orjson

from cstar_async._model.decoding import parse_datetime
from cstar_async._protocol.headers import REQUEST_ID
from cstar_async._protocol.messages import RawResponse
from cstar_async._types import PageInfo, UntypedJSON, is_object, is_str, json_type_name
from cstar_async.errors import DecodeError


def parse_envelope(body: bytes, *, status: int) -> dict[str, UntypedJSON]:
    """Parse a good answer: an object that has `data`.

    Raises:
        DecodeError: The body is not JSON, not an object, or has no `data`.
    """
    parsed = parse_body(body, status=status)
    if parsed.__class__ is not dict:
        raise DecodeError(f"the answer is {json_type_name(parsed)} instead of an object", status=status)
    if "data" not in parsed:
        raise DecodeError("the answer has no data", where="$.data", status=status, request_id=request_id_of(parsed))
    return parsed


def find_request_id(response: RawResponse) -> str | None:
    """The id under which cStar knows the request, wherever an answer of any kind states it."""
    try:
        body = orjson.loads(response.body)
    except orjson.JSONDecodeError:
        body = None
    found: UntypedJSON = None
    if is_object(body):
        error = body.get("error")
        found = (error.get("request_id") if is_object(error) else None) or request_id_of(body)
    return found if is_str(found) else response.headers.get(REQUEST_ID)


def request_id_of(envelope: dict[str, UntypedJSON]) -> str | None:
    """The id under which cStar knows the request, if the answer states it."""
    stated: UntypedJSON = _meta(envelope).get("requestId")
    return stated if is_str(stated) else None


def timestamp_of(envelope: dict[str, UntypedJSON]) -> datetime | None:
    """When the server answered, if the answer states it."""
    stated = parse_datetime(_meta(envelope).get("timestamp"))
    return stated if isinstance(stated, datetime) else None


def parse_page_info(envelope: dict[str, UntypedJSON], rows: int) -> PageInfo:
    """What an answer says of its pages, both documented places and forms as one.

    What is not stated is worked out; an answer that says nothing is one whole page.

    Args:
        envelope: The opened answer.
        rows: How many rows the page has.
    """
    stated: UntypedJSON = envelope.get("pagination")
    if not is_object(stated):
        stated = _meta(envelope).get("pagination")
    if not is_object(stated):
        return PageInfo()
    page, page_size = _count(stated.get("page")), _count(stated.get("pageSize"))
    total, total_pages = _count(stated.get("total")), _count(stated.get("totalPages"))
    has_more = stated.get("hasMore")
    if not isinstance(has_more, bool):
        if total_pages is not None:
            has_more = (page or 1) < total_pages
        else:
            has_more = total is not None and (page or 1) * (page_size or rows) < total
    return PageInfo(total=total, page=page, page_size=page_size, has_more=has_more, total_pages=total_pages)


def _meta(envelope: dict[str, UntypedJSON]) -> dict[str, UntypedJSON]:
    stated: UntypedJSON = envelope.get("meta")
    return stated if is_object(stated) else {}


def parse_body(body: bytes, *, status: int) -> UntypedJSON:
    """The JSON of an answer.

    Raises:
        DecodeError: It is none.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        pass
    # Raised out here, because the parser's own error carries the whole body and would hang on this one as its context.
    raise DecodeError("the answer is not JSON" if body.strip() else "the answer is empty", status=status)


def decode_text(response: RawResponse, content_type: str | None) -> str | None:
    """The text of a good answer that is one by its content type; None: it is of another type.

    Bytes that are not UTF-8 become replacement characters: most of a large export is better than none of it.
    """
    stated = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return response.body.decode("utf-8-sig", "replace") if stated == content_type else None


def _count(value: UntypedJSON) -> int | None:
    # A parsed whole number is an int and nothing else; true and false are not.
    return value if value.__class__ is int and value >= 0 else None
