"""The text of `CStarError.report()`."""

from __future__ import annotations

import platform
import sys
from datetime import datetime
from typing import TYPE_CHECKING

from cstar_async._values.redaction import redact
from cstar_async._values.validation import is_number
from cstar_async._version import __version__

if TYPE_CHECKING:
    from cstar_async._types import RateLimitState
    from cstar_async.errors import CStarError

_RESPONSE_FIELDS = ("status", "type", "code", "param", "where")


def format_report(error: CStarError) -> str:
    """Return the known facts of an error, one a line, in the order in which support reads them."""
    facts = {
        "error": type(error).__name__,
        "message": error.message,
        "operation": error.operation,
        **{name: getattr(error, name, None) for name in _RESPONSE_FIELDS},
        "request_id": error.request_id,
        "time": _time(error.occurred_at),
        "attempts": None if error.operation is None else _attempts(error.attempts, error.elapsed),
        "sent": _sent(getattr(error, "request_sent", None)),
        "idempotency_key": error.idempotency_key,
        "rate_limit": _rate_limit(error.rate_limit),
        "retry_after": _seconds(getattr(error, "retry_after", None)),
        "wait": _seconds(getattr(error, "wait", None)),
        "retry_at": _time(getattr(error, "retry_at", None)),
        "doc_url": getattr(error, "doc_url", None),
        "cause": _cause(error.__cause__),
        "versions": _versions(),
    }
    known = {name: value for name, value in facts.items() if value is not None}
    width = max(map(len, known))
    return "\n".join(f"{name:<{width}}  {redact(value)}" for name, value in known.items())


def _time(at: object) -> object:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" if isinstance(at, datetime) else at


def _seconds(number: object) -> object:
    return f"{number:.2f} s" if is_number(number) else number


def _sent(request_sent: object) -> str | None:
    return None if request_sent is None else "perhaps; the server may have acted" if request_sent else "no"


def _attempts(attempts: int, elapsed: float | None) -> str:
    count = redact(attempts) if attempts else "none, nothing was sent"
    return count if elapsed is None else f"{count} ({_seconds(elapsed)} in all)"


def _rate_limit(state: RateLimitState | None) -> str | None:
    if state is None:
        return None
    reset = "" if state.reset_at is None else f", reset at {_time(state.reset_at)}"
    return f"{state.remaining} of {state.limit} calls left{reset}"


def _cause(cause: BaseException | None) -> str | None:
    """Return the class and status of a cause. Its message may come from any library, so it is left out."""
    if cause is None:
        return None
    status = getattr(cause, "status", None)
    return type(cause).__name__ + ("" if status is None else f" (status {status})")


def _versions() -> str:
    aiohttp = getattr(sys.modules.get("aiohttp"), "__version__", None)  # not imported just for this
    transport = "" if aiohttp is None else f"aiohttp {aiohttp}, "
    return f"cstar-async {__version__}, {transport}Python {platform.python_version()} on {platform.system()}"
