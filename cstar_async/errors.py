"""All errors that the package raises. No error of another library leaves it.

::

    CStarError
    ├─ ConfigurationError            the client cannot work with its settings
    ├─ InvalidArgumentError          (also a ValueError) a call that cannot be sent
    ├─ TransportError                no usable response was received
    │  ├─ ConnectionFailedError
    │  └─ RequestTimeoutError
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

Every call can raise `ConfigurationError`, `InvalidArgumentError`, `TransportError`, `RateLimitWaitError`, `DecodeError`,
`AuthenticationError`, `PermissionDeniedError`, `RateLimitError` and `ServerError`. Errors pickle and copy with all attributes.
Their `str` is one line, without keys, bodies and e-mail addresses.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from cstar_async._redaction import redact

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cstar_async._types import RateLimitState


class ErrorContext(TypedDict, total=False):
    """The arguments that every error takes: the call that failed. See the attributes of `CStarError`."""

    operation: str | None
    attempts: int
    idempotency_key: str | None
    request_id: str | None


class CStarError(Exception):
    """Base class of all errors of this package."""

    def __init__(self, message: str, **context: Unpack[ErrorContext]) -> None:
        super().__init__(message)
        self.message = message
        """What went wrong. If the server said so, its own message without keys."""
        self.operation = context.get("operation")
        """The operationId, such as `create_ticket`; None outside a call."""
        self.attempts = context.get("attempts", 0)
        """How many requests were sent."""
        self.idempotency_key = context.get("idempotency_key")
        """The key that makes repeating the call safe; None if none was sent."""
        self.request_id = context.get("request_id")
        """The request id of the response; cStar's support finds the request with it."""
        self.occurred_at: datetime | None = None
        """When the call failed, in UTC; None outside a call."""
        self.elapsed: float | None = None
        """Seconds from the start of the call, waits and retries included; None outside a call."""
        self.rate_limit: RateLimitState | None = None
        """The last known rate limit when the call failed."""

    def __str__(self) -> str:
        details = self._details()
        message = redact(self.message)
        return f"{message} ({', '.join(details)})" if details else message

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    def __reduce__(self) -> tuple[Callable[..., CStarError], tuple[type[CStarError], Mapping[str, Any]]]:
        # The default would call `__init__` with the message alone, without its keyword-only arguments.
        return _restore, (type(self), self.__dict__)

    def _details(self) -> list[str]:
        """Return the text in brackets after the message."""
        details = [f"request {redact(self.request_id)}"] if self.request_id else []
        if self.operation:
            details.append(self.operation)
        if self.attempts > 1:
            details.append(f"{self.attempts} attempts")
        return details

    def report(self) -> str:
        """Return a few lines for a support ticket: what failed, when, how often it was tried, and the versions in use.

        Unknown facts are left out. There is no key, body, query or e-mail address in it.
        """
        from cstar_async._error_report import format_report

        return format_report(self)


def _restore(kind: type[CStarError], state: Mapping[str, Any]) -> CStarError:
    """Create an error from its attributes without calling its constructor."""
    error = kind.__new__(kind, state.get("message", ""))
    error.args = (state.get("message", ""),)
    error.__dict__.update(state)
    return error


class ConfigurationError(CStarError):
    """The client cannot work with its settings: no usable key or team id, or a publishable key used for a write."""


class InvalidArgumentError(CStarError, ValueError):
    """An argument cannot be sent: an id that would leave its path segment, a body that is not JSON, too many items."""


class TransportError(CStarError):
    """No usable response was received. Unless `request_sent` is False, the server may have acted."""

    def __init__(self, message: str, *, request_sent: bool = True, **context: Unpack[ErrorContext]) -> None:
        super().__init__(message, **context)
        self.request_sent = request_sent
        """False if the request certainly did not reach the server."""


class ConnectionFailedError(TransportError):
    """The connection could not be made, or broke before the end of the response."""


class RequestTimeoutError(TransportError):
    """An attempt exceeded `timeout`, or the call exceeded `total_timeout`."""


class RateLimitWaitError(CStarError):
    """The wait for a rate limit would exceed `max_wait` or `total_timeout`, so it was not started.

    Either no request was sent, or the 429 that requires the wait is the `__cause__`.
    """

    def __init__(
        self,
        message: str,
        *,
        retry_at: datetime,
        wait: float,
        state: RateLimitState | None = None,
        **context: Unpack[ErrorContext],
    ) -> None:
        super().__init__(message, **context)
        self.retry_at = retry_at
        """When the call can succeed, in UTC."""
        self.wait = wait
        """Seconds until then."""
        self.state = state
        """The last known rate limit, or None."""


class DecodeError(CStarError):
    """A success with an unexpected body. The server acted, so do not repeat a write without its idempotency key."""

    def __init__(self, message: str, *, where: str = "$", status: int, **context: Unpack[ErrorContext]) -> None:
        super().__init__(message, **context)
        self.where = where
        """JSON path of the unexpected value: `$` is the body, `$.data` its data."""
        self.status = status
        """HTTP status of the response."""

    def _details(self) -> list[str]:
        return [f"status {self.status}", f"at {self.where}", *super()._details()]


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


class APIError(CStarError):
    """The server responded with an error status. A status without a class of its own (3xx, 418 …) raises this class."""

    def __init__(
        self,
        message: str,
        *,
        status: int,
        type: str | None = None,
        code: str | None = None,
        param: str | None = None,
        doc_url: str | None = None,
        retry_after: float | None = None,
        **context: Unpack[ErrorContext],
    ) -> None:
        super().__init__(message, **context)
        self.status = status
        """HTTP status."""
        self.type = type
        """The type of the error, such as `invalid_request_error`."""
        self.code = code
        """The code of the error, such as `parameter_missing`; compare case-insensitively."""
        self.param = param
        """The field at fault, by its wire name."""
        self.doc_url = doc_url
        """The page of cStar's documentation about this error."""
        self.retry_after = retry_after
        """Seconds that the server requires before a retry."""

    def _details(self) -> list[str]:
        details = [f"{self.status} {redact(self.code)}" if self.code else str(self.status)]
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
