"""From an answer that is not a success to the one exception that says so: a table, and a reader of every kind of error body.

The status decides the class; the body only adds detail, and whatever it is (empty, a page of HTML, a bare text, not even UTF-8),
the class stays. Facts: documentation page "Errors".
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import attrs
import orjson

from cstar_async._protocol import headers as _headers
from cstar_async._protocol.headers import parse_retry_after, parse_seconds
from cstar_async._protocol.messages import RawResponse
from cstar_async._redaction import redact_secrets
from cstar_async._types import UntypedJSON, is_object
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


@attrs.frozen(kw_only=True)
class ErrorBody:
    """What an answer says of its error."""

    status: int
    message: str
    type: str | None = None
    code: str | None = None
    param: str | None = None
    doc_url: str | None = None
    request_id: str | None = None
    retry_after: float | None = None


def error_class(status: int, code: str | None) -> type[APIError]:
    """The class for a status and, where two share a status, a code."""
    if status == 409 and code is not None and code.lower().startswith("idempotency_"):
        return IdempotencyError
    if 500 <= status <= 599:
        return ServerError
    return BY_STATUS.get(status, APIError)


def parse_error(response: RawResponse, now: float) -> ErrorBody:
    """What the answer says; what it does not say is None, whatever its body is.

    Servers repeat what they were given, and errors are kept and pickled: a key that comes back is taken out here.

    Args:
        response: An answer whose status is not a success.
        now: Seconds since the epoch, for a `Retry-After` that is a date.
    """
    body = _object(_parsed(response.body))
    error: UntypedJSON = body.get("error")
    detail = _object(error)
    meta = _object(body.get("meta"))
    message = _text(detail.get("message")) or _text(error) or _text(body.get("message")) or _fallback(response)
    retry_after = parse_retry_after(response.headers, now)
    return ErrorBody(
        status=response.status,
        message=redact_secrets(message),
        type=_text(detail.get("type")),
        code=_text(detail.get("code")),
        param=_text(detail.get("param")) or _text(detail.get("field")),
        doc_url=_text(detail.get("doc_url")),
        request_id=_text(detail.get("request_id"))
        or _text(meta.get("requestId"))
        or _text(response.headers.get(_headers.REQUEST_ID)),
        retry_after=parse_seconds(detail.get("retryAfter")) if retry_after is None else retry_after,
    )


def make_error(facts: ErrorBody, *, operation: str, attempts: int, idempotency_key: str | None) -> APIError:
    """The exception for what an answer said."""
    return error_class(facts.status, facts.code)(
        facts.message,
        status=facts.status,
        type=facts.type,
        code=facts.code,
        param=facts.param,
        doc_url=facts.doc_url,
        request_id=facts.request_id,
        retry_after=facts.retry_after,
        operation=operation,
        attempts=attempts,
        idempotency_key=idempotency_key,
    )


def _parsed(body: bytes) -> UntypedJSON:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _object(value: UntypedJSON) -> dict[str, UntypedJSON]:
    return value if is_object(value) else {}


def _text(value: UntypedJSON) -> str | None:
    return redact_secrets(value) if isinstance(value, str) and value else None


def _fallback(response: RawResponse) -> str:
    """A sentence for an answer that brings none of its own."""
    if 300 <= response.status <= 399:
        # The query may hold anything; the place is what a reader needs to mend base_url.
        place = response.headers.get(_headers.LOCATION, "").partition("?")[0]
        return f"the server redirects to {place or 'nowhere'}, and redirects are never followed; check base_url"
    try:
        return HTTPStatus(response.status).phrase
    except ValueError:
        return f"HTTP status {response.status}"
