"""Parse the envelope around the data of every response.

The HTTP status has already reported success. Only `data` is required; `success` and `meta` may be missing. Its pagination is parsed
in `paging`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from cstar_async._model.decoding import parse_datetime
from cstar_async._protocol.headers import REQUEST_ID
from cstar_async._protocol.json_parser import parse_json
from cstar_async._protocol.messages import RawResponse
from cstar_async._types import UNSET, UntypedJSON, is_object, is_str, json_type_name
from cstar_async._values.redaction import printable_line
from cstar_async.errors import DecodeError


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


def decode_text(response: RawResponse, content_type: str | None) -> str | None:
    """Return the body as a str if the response has this content type, or else None. Bytes that are not UTF-8 are replaced."""
    stated = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return response.body.decode("utf-8-sig", "replace") if stated == content_type else None


def _line(value: UntypedJSON) -> str | None:
    return printable_line(value) or None if is_str(value) else None
