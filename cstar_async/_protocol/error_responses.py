"""Turn an error response into an exception.

The status decides the class. The body only adds detail: whether it is empty, HTML, a str or not UTF-8, the class is the same.
Source: documentation page "Errors".
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from cstar_async._protocol.envelope import as_object, find_request_id, parse_lenient
from cstar_async._protocol.headers import LOCATION, parse_retry_after, parse_seconds
from cstar_async._protocol.messages import RawResponse
from cstar_async._types import UntypedJSON, is_object, is_str
from cstar_async._values.redaction import redact, redact_secrets
from cstar_async.errors import (
    APIError,
    AuthenticationError,
    ConflictError,
    IdempotencyError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
)

BY_STATUS: Final[Mapping[int, type[APIError]]] = {
    400: InvalidRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    422: InvalidRequestError,
    429: RateLimitError,
}
_MESSAGES: Final = ("message", "detail", "description", "title")
_CODES: Final = ("code", "error_code", "errorCode")
_MAX_CODE: Final = 10**12


def error_class(status: int, code: str | None) -> type[APIError]:
    """Return the class for a status; two classes share 409, where the code decides."""
    if status == 409 and code is not None and code.lower().startswith("idempotency_"):
        return IdempotencyError
    if 500 <= status <= 599:
        return ServerError
    return BY_STATUS.get(status, APIError)


def parse_error(response: RawResponse, now: float) -> APIError:
    """Return the error of a response whose status is not a success. What it does not state is None.

    Secrets are redacted here: servers echo their input, and errors are logged and pickled. *now* is in seconds since the epoch.
    """
    body = parse_lenient(response)
    error: UntypedJSON = body.get("error")
    detail = _detail_of(body)
    message = _first(detail, _MESSAGES) or _first(body, ("error_description",)) or _redacted(error) or _first(body, _MESSAGES)
    retry_after = parse_retry_after(response.headers, now)
    code = _first(detail, _CODES, is_number=True)
    return error_class(response.status, code)(
        message or _default_message(response),
        status=response.status,
        type=_redacted(detail.get("type")),
        code=code,
        param=_first(detail, ("param", "field")) or _first(as_object(detail.get("source")), ("parameter", "pointer")),
        doc_url=_redacted(detail.get("doc_url")),
        request_id=_redacted(find_request_id(body, response.headers)),
        retry_after=parse_seconds(detail.get("retryAfter")) if retry_after is None else retry_after,
    )


def _detail_of(body: dict[str, UntypedJSON]) -> dict[str, UntypedJSON]:
    """Return the object that describes the error: `error`, as cStar has it, or in other APIs the first of `errors`, or the body."""
    errors: UntypedJSON = body.get("errors")
    first: UntypedJSON = errors[0] if errors.__class__ is list and errors else None
    candidates: tuple[UntypedJSON, ...] = (body.get("error"), body.get("_error"), first)
    listed = {"message": first} if is_str(first) and not _first(body, _MESSAGES) else {}
    return next((one for one in candidates if is_object(one)), body | listed)


def _first(detail: dict[str, UntypedJSON], names: tuple[str, ...], *, is_number: bool = False) -> str | None:
    """Return the first of some fields that has a str, or a number where other APIs have one."""
    for name in names:
        value: UntypedJSON = detail.get(name)
        if text := _redacted(value):
            return text
        if is_number and value.__class__ is int and abs(value) < _MAX_CODE:
            return str(value)
    return None


def _redacted(value: UntypedJSON) -> str | None:
    return redact_secrets(value) or None if is_str(value) else None


def _default_message(response: RawResponse) -> str:
    if 300 <= response.status <= 399 and response.status != HTTPStatus.NOT_MODIFIED:
        # The query may hold secrets, and the rest is enough to correct base_url.
        location = redact(response.headers.get(LOCATION, "").partition("?")[0])
        return f"the server redirects to {location or 'no location'}, but redirects are not followed; check base_url"
    try:
        return HTTPStatus(response.status).phrase
    except ValueError:
        return f"HTTP status {response.status}"
