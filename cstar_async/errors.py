"""All errors that the package raises. No error of another library leaves it.

::

    CStarError
    ├─ ConfigurationError            the client cannot work with its settings
    ├─ InvalidArgumentError          (also a ValueError) a call that cannot be sent
    ├─ TransportError                no usable response was received
    │  ├─ ConnectionFailedError
    │  ├─ RequestTimeoutError
    │  └─ ResponseTooLargeError      larger than `max_response_size`
    ├─ RateLimitWaitError            the wait for a rate limit would be longer than allowed
    ├─ DecodeError                   a success with an unexpected body
    ├─ PaginationError               a list that does not advance
    ├─ WebhookError                  a delivery that cannot be trusted or parsed
    │  ├─ SignatureError
    │  ├─ StaleTimestampError
    │  └─ PayloadError
    └─ APIError                      an error status
       ├─ InvalidRequestError        400, 422
       ├─ AuthenticationError        401
       ├─ PermissionDeniedError      403
       ├─ NotFoundError              404
       ├─ ConflictError              409
       │  └─ IdempotencyError        409 with a code that begins with `idempotency_`
       ├─ RateLimitError             429
       └─ ServerError                500 to 599

`UnknownValueWarning` is a warning: the call is sent.

Every call can raise `ConfigurationError`, `InvalidArgumentError`, `TransportError`, `RateLimitWaitError`, `DecodeError`,
`AuthenticationError`, `PermissionDeniedError`, `RateLimitError` and `ServerError`. Errors pickle and copy with all attributes.
Their `str` is one line, without keys, bodies and e-mail addresses.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import attrs

from cstar_async._values.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cstar_async._types import RateLimitState


@attrs.define(slots=False)
class CStarError(Exception):
    """Base class of all errors of this package."""

    message: str
    """What went wrong. If the server said so, its own message without keys."""
    operation: str | None = attrs.field(default=None, kw_only=True)
    """The operationId, such as `create_ticket`; None outside a call."""
    attempts: int = attrs.field(default=0, kw_only=True)
    """How many requests were sent."""
    idempotency_key: str | None = attrs.field(default=None, kw_only=True)
    """The key that makes repeating the call safe; None if none was sent."""
    request_id: str | None = attrs.field(default=None, kw_only=True)
    """The request id of the response; cStar's support finds the request with it."""
    occurred_at: datetime | None = attrs.field(default=None, init=False)
    """When the call failed, in UTC; None outside a call."""
    elapsed: float | None = attrs.field(default=None, init=False)
    """Seconds from the start of the call, waits and retries included; None outside a call."""
    rate_limit: RateLimitState | None = attrs.field(default=None, init=False)
    """The last known rate limit when the call failed."""

    def __str__(self) -> str:
        details = self._details()
        message = redact(self.message)  # callers may construct an error with objects of any type
        return f"{message} ({', '.join(details)})" if details else message

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    def __reduce__(self) -> tuple[Callable[..., CStarError], tuple[object, ...]]:
        # The default would pass keyword-only arguments to `__init__` by position.
        return _restore, (type(self), self.args, self.__dict__)

    def _details(self) -> list[str]:
        """Return the text in brackets after the message."""
        details = [f"request {redact(self.request_id)}"] if self.request_id else []
        if self.operation:
            details.append(redact(self.operation))
        if self.attempts not in (0, 1):
            details.append(f"{redact(self.attempts)} attempts")
        return details

    def report(self) -> str:
        """Return a few lines for a support ticket: what failed, when, how often it was tried, and the versions in use.

        Unknown facts are left out. There is no key, body, query or e-mail address in it.
        """
        from cstar_async._values.error_report import format_report

        return format_report(self)


def _restore(kind: type[CStarError], args: tuple[object, ...], state: Mapping[str, Any]) -> CStarError:
    """Create an error from its attributes without calling its constructor."""
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


class ConfigurationError(CStarError):
    """The client cannot work with its settings: no usable key or team id, or a publishable key used for a write."""


class InvalidArgumentError(CStarError, ValueError):
    """An argument cannot be sent: an id that would leave its path segment, a body that is not JSON, too many items."""


@attrs.define(slots=False, repr=False)
class TransportError(CStarError):
    """No usable response was received. Unless `request_sent` is False, the server may have acted."""

    request_sent: bool = attrs.field(default=True, kw_only=True)
    """False if the request certainly did not reach the server."""


class ConnectionFailedError(TransportError):
    """The connection could not be made, or broke before the end of the response."""


class RequestTimeoutError(TransportError):
    """An attempt exceeded `timeout`, or the call exceeded `total_timeout`."""


class ResponseTooLargeError(TransportError):
    """The body of a response is larger than `max_response_size`. It is not read to its end, and the call is not retried."""


@attrs.define(slots=False, repr=False)
class RateLimitWaitError(CStarError):
    """The wait for a rate limit would exceed `max_wait` or `total_timeout`, so it was not started.

    Either no request was sent, or the 429 that requires the wait is the `__cause__`.
    """

    retry_at: datetime = attrs.field(kw_only=True)
    """When the call can succeed, in UTC."""
    wait: float = attrs.field(kw_only=True)
    """Seconds until then."""
    state: RateLimitState | None = attrs.field(default=None, kw_only=True)
    """The last known rate limit, or None."""


@attrs.define(slots=False, repr=False)
class DecodeError(CStarError):
    """A success with an unexpected body. The server acted, so do not repeat a write without its idempotency key."""

    where: str = attrs.field(default="$", kw_only=True)
    """JSON path of the unexpected value: `$` is the body, `$.data` its data."""
    status: int = attrs.field(kw_only=True)
    """HTTP status of the response."""

    def _details(self) -> list[str]:
        return [f"status {redact(self.status)}", f"at {redact(self.where)}", *super()._details()]


class PaginationError(CStarError):
    """A list does not advance: the server repeats a page, or items already returned."""


class WebhookError(CStarError):
    """A webhook delivery cannot be trusted or parsed."""


class SignatureError(WebhookError):
    """No signature of the delivery matches a secret."""


class StaleTimestampError(WebhookError):
    """The signature matches, but its timestamp is too far from now."""


class PayloadError(WebhookError):
    """The signature matches, but the body is not an event."""


@attrs.define(slots=False, repr=False)
class APIError(CStarError):
    """The server responded with an error status. A status without a class of its own (3xx, 418 …) raises this class."""

    status: int = attrs.field(kw_only=True)
    """HTTP status."""
    type: str | None = attrs.field(default=None, kw_only=True)
    """The type of the error, such as `invalid_request_error`."""
    code: str | None = attrs.field(default=None, kw_only=True)
    """The code of the error, such as `parameter_missing`; compare case-insensitively."""
    param: str | None = attrs.field(default=None, kw_only=True)
    """The field at fault, by its wire name."""
    doc_url: str | None = attrs.field(default=None, kw_only=True)
    """The page of cStar's documentation about this error."""
    retry_after: float | None = attrs.field(default=None, kw_only=True)
    """Seconds that the server requires before a retry."""

    def _details(self) -> list[str]:
        status = redact(self.status)
        details = [f"{status} {redact(self.code)}" if self.code else status]
        if self.param:
            details.append(f"param {redact(self.param)}")
        return [*details, *super()._details()]


class InvalidRequestError(APIError):
    """400 or 422: the request is invalid; `param` names the field at fault if the server states it."""


class AuthenticationError(APIError):
    """401: the key is missing, unknown, expired or of another environment."""


class PermissionDeniedError(APIError):
    """403: the key has no permission, or belongs to another team."""


class NotFoundError(APIError):
    """404: the object does not exist, or is not visible to this key."""


class ConflictError(APIError):
    """409: the request conflicts with existing data, such as a value that must be unique."""


class IdempotencyError(ConflictError):
    """409 about an idempotency key: another request used it, or its first call still runs. The codes are inferred."""


class RateLimitError(APIError):
    """429 without retries left; `retry_after` says when to try again."""


class ServerError(APIError):
    """500 to 599 after all retries: the server failed."""


class UnknownValueWarning(UserWarning):
    """An argument of an enum is close to a known value, so it is probably misspelt. It is sent as given.

    A constant of the enum never causes it, so `TicketStatus("opne")` is the way to send an unknown value without a warning.
    """
