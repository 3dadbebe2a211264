"""Every error that the package raises, and nothing of any other library.

::

    CStarError
    ├─ ConfigurationError            the client cannot work as it was set up
    ├─ InvalidArgumentError          (also a ValueError) a call that cannot be sent
    ├─ TransportError                no usable answer arrived
    │  ├─ ConnectionFailedError
    │  └─ RequestTimeoutError
    ├─ RateLimitWaitError            the wait for a rate limit would be longer than allowed
    ├─ DecodeError                   a good status with an answer that is not what it must be
    ├─ PaginationError               a list that does not advance
    ├─ WebhookError                  an incoming message that cannot be trusted or read
    │  ├─ SignatureError
    │  ├─ StaleTimestampError
    │  └─ PayloadError
    └─ APIError                      the server said no
       ├─ InvalidRequestError        400, 422
       ├─ AuthenticationError        401
       ├─ PermissionDeniedError      403
       ├─ NotFoundError              404
       ├─ ConflictError              409
       │  └─ IdempotencyError        409 with a code that begins with `idempotency_`
       ├─ RateLimitError             429
       └─ ServerError                500 to 599

Errors hold data only. They pickle and copy with all of it, print as one line, and never show a key, a body or an address.
"""

from __future__ import annotations

import platform
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from cstar_async._redaction import redact
from cstar_async._version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cstar_async._types import RateLimitState


class CStarError(Exception):
    """The root of every error of this package."""

    def __init__(
        self,
        message: str,
        *,
        operation: str | None = None,
        attempts: int = 0,
        idempotency_key: str | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        """What went wrong, in a sentence; where it comes from the server as it was written there, keys aside."""
        self.operation = operation
        """The operation that failed, such as `create_ticket`; None outside a call."""
        self.attempts = attempts
        """How often the request was sent."""
        self.idempotency_key = idempotency_key
        """The key under which the call can be repeated without doing its work twice; None where none was sent."""
        self.request_id = request_id
        """The id under which cStar's support finds the request, if an answer named it."""
        self.occurred_at: datetime | None = None
        """When the call failed, in UTC; None outside a call."""
        self.elapsed: float | None = None
        """Seconds from the call to its failure, waits and retries included; None outside a call."""
        self.rate_limit: RateLimitState | None = None
        """The rate limit as last learned when the call failed, if it is known."""

    def __str__(self) -> str:
        details = self._details()
        text = redact(self.message)
        return f"{text} ({', '.join(details)})" if details else text

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    def __reduce__(self) -> tuple[Callable[..., CStarError], tuple[type[CStarError], Mapping[str, Any]]]:
        # The default would call `__init__` with the message alone and lose or refuse the keyword-only rest.
        return _restore, (type(self), self.__dict__)

    def _details(self) -> list[str]:
        """What stands in brackets after the message."""
        details = [f"request {redact(self.request_id)}"] if self.request_id else []
        if self.operation:
            details.append(self.operation)
        if self.attempts > 1:
            details.append(f"{self.attempts} attempts")
        return details

    def report(self) -> str:
        """A few lines to paste into a support ticket: what failed, when, where, how often it was tried, and with which versions.

        What is not known is left out. There is no key, body, query or address in it.
        """
        facts = {name: text for name, text in self._facts().items() if text is not None}
        width = max(map(len, facts))
        return "\n".join(f"{name:<{width}}  {redact(text)}" for name, text in facts.items())

    def _facts(self) -> dict[str, str | None]:
        """What a report says, in the order in which support reads it."""
        return {
            "error": type(self).__name__,
            "message": self.message,
            "operation": self.operation,
            **{name: None if (value := getattr(self, name, None)) is None else str(value) for name in _RESPONSE_FIELDS},
            "request_id": self.request_id,
            "time": _instant(self.occurred_at),
            "attempts": None if self.operation is None else _attempts(self.attempts, self.elapsed),
            "sent": {True: "perhaps; the server may have acted", False: "no", None: None}[getattr(self, "request_sent", None)],
            "idempotency_key": self.idempotency_key,
            "rate_limit": _limit(self.rate_limit),
            "retry_after": _seconds(getattr(self, "retry_after", None)),
            "wait": _seconds(getattr(self, "wait", None)),
            "retry_at": _instant(getattr(self, "retry_at", None)),
            "doc_url": getattr(self, "doc_url", None),
            "cause": _cause(self.__cause__),
            "versions": _versions(),
        }


_RESPONSE_FIELDS: Final = ("status", "type", "code", "param", "where")
"""Attributes of errors that an answer made."""


def _instant(at: datetime | None) -> str | None:
    return None if at is None else f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _seconds(number: float | None) -> str | None:
    return None if number is None else f"{number:.2f} s"


def _attempts(attempts: int, elapsed: float | None) -> str:
    took = _seconds(elapsed)
    made = str(attempts) if attempts else "none, nothing was sent"
    return made if took is None else f"{made} ({took} in all)"


def _cause(cause: BaseException | None) -> str | None:
    """Its class alone, for its text may be of any library's making; with the status where an answer was the cause."""
    if cause is None:
        return None
    status = getattr(cause, "status", None)
    return type(cause).__name__ + ("" if status is None else f" (status {status})")


def _limit(state: RateLimitState | None) -> str | None:
    if state is None:
        return None
    reset = _instant(state.reset_at)
    return f"{state.remaining} of {state.limit} calls left" + ("" if reset is None else f", anew at {reset}")


def _versions() -> str:
    """As they run here; aiohttp is not imported to be asked."""
    aiohttp = getattr(sys.modules.get("aiohttp"), "__version__", None)
    door = "" if aiohttp is None else f"aiohttp {aiohttp}, "
    return f"cstar-async {__version__}, {door}Python {platform.python_version()} on {platform.system()}"


def _restore(kind: type[CStarError], state: Mapping[str, Any]) -> CStarError:
    """Make an error again from its class and its attributes, without going through its constructor."""
    error = kind.__new__(kind, state.get("message", ""))
    error.args = (state.get("message", ""),)
    error.__dict__.update(state)
    return error


class ConfigurationError(CStarError):
    """The client cannot work as it was set up: no key, an unusable key or team id, a publishable key used for a write."""


class InvalidArgumentError(CStarError, ValueError):
    """A call that cannot be sent: an id that would leave its path segment, a body that is not JSON, too many ids."""


class TransportError(CStarError):
    """No usable answer arrived. Whether the server acted is unknown unless `sent` is False."""

    def __init__(
        self,
        message: str,
        *,
        sent: bool = True,
        operation: str | None = None,
        attempts: int = 0,
        idempotency_key: str | None = None,
    ) -> None:
        super().__init__(message, operation=operation, attempts=attempts, idempotency_key=idempotency_key)
        self.request_sent = sent
        """False if the request certainly did not reach the server."""


class ConnectionFailedError(TransportError):
    """The connection could not be made, broke, or ended before the answer was whole."""


class RequestTimeoutError(TransportError):
    """An attempt took longer than its timeout, or the call's deadline cut it."""


class RateLimitWaitError(CStarError):
    """The wait for a rate limit would be longer than `max_wait`, or end after the deadline, so it was not begun.

    Either nothing was sent, or the 429 that asked for the wait is the `__cause__`.
    """

    def __init__(
        self,
        message: str,
        *,
        retry_at: datetime,
        wait: float,
        state: RateLimitState | None = None,
        operation: str | None = None,
        attempts: int = 0,
        idempotency_key: str | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message, operation=operation, attempts=attempts, idempotency_key=idempotency_key, request_id=request_id)
        self.retry_at = retry_at
        """The moment, in UTC, from which the call has a chance."""
        self.wait = wait
        """Seconds from now until then."""
        self.state = state
        """The rate limit as last learned, if it is known."""


class DecodeError(CStarError):
    """A good status with an answer that is not what it must be. The server acted; the call must not be repeated blindly."""

    def __init__(
        self,
        message: str,
        *,
        where: str = "$",
        status: int,
        operation: str | None = None,
        attempts: int = 0,
        idempotency_key: str | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message, operation=operation, attempts=attempts, idempotency_key=idempotency_key, request_id=request_id)
        self.where = where
        """The place in the answer, as a JSON path: `$` is the whole body, `$.data` the object in it."""
        self.status = status
        """The HTTP status of the answer."""

    def _details(self) -> list[str]:
        return [f"status {self.status}", f"at {self.where}", *super()._details()]


class PaginationError(CStarError):
    """A walk over pages that does not advance: the server answers with the same page, or with rows already seen, over and over."""


class WebhookError(CStarError):
    """An incoming message that cannot be trusted or read."""


class SignatureError(WebhookError):
    """No signature of the message fits a known secret."""


class StaleTimestampError(WebhookError):
    """The signature fits, but its time is too far from now."""


class PayloadError(WebhookError):
    """The message is genuine, but its body is not an event."""


class APIError(CStarError):
    """The server said no. A status without a class of its own (3xx, 418 …) is an `APIError` itself."""

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
        operation: str | None = None,
        attempts: int = 0,
        idempotency_key: str | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message, operation=operation, attempts=attempts, idempotency_key=idempotency_key, request_id=request_id)
        self.status = status
        """The HTTP status, any number."""
        self.type = type
        """The family of the error, such as `invalid_request_error`."""
        self.code = code
        """The error itself, such as `parameter_missing`; compare without regard to case."""
        self.param = param
        """The field at fault, by its wire name."""
        self.doc_url = doc_url
        """A page of cStar's documentation on this error."""
        self.retry_after = retry_after
        """Seconds after which the server asked to come back."""

    def _details(self) -> list[str]:
        shown = [str(self.status)]
        if self.code:
            shown.append(redact(self.code))
        if self.param:
            shown.append(f"param {redact(self.param)}")
        return [" ".join(shown[:2]), *shown[2:], *super()._details()]


class InvalidRequestError(APIError):
    """400 or 422: the request is malformed; `param` names the field at fault where the server says so."""


class AuthenticationError(APIError):
    """401: the key is missing, unknown, expired or of another environment."""


class PermissionDeniedError(APIError):
    """403: the key may not do this, or belongs to another team."""


class NotFoundError(APIError):
    """404: there is no such object, or it is out of the key's sight."""


class ConflictError(APIError):
    """409: the request clashes with what is there, such as a value that must be unique."""


class IdempotencyError(ConflictError):
    """409 over an idempotency key: it was used for another request, or its first call still runs. The codes are inferred."""


class RateLimitError(APIError):
    """429 with no retry left; `retry_after` says when to come back."""


class ServerError(APIError):
    """500 to 599: the fault is the server's, and retries did not outlast it."""
