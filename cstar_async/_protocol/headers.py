"""The headers of cStar: what is sent, what is read back, and how tolerant the reading is.

Facts: documentation pages "Authentication", "Versioning", "Idempotency" and "Rate limits".
"""

from __future__ import annotations

import math
import platform
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from cstar_async._types import RateLimitState, is_mapping, is_str
from cstar_async._version import __version__
from cstar_async.errors import InvalidArgumentError

AUTHORIZATION: Final = "Authorization"
API_VERSION: Final = "CStar-Version"
IDEMPOTENCY_KEY: Final = "Idempotency-Key"
CONTENT_TYPE: Final = "Content-Type"

RATE_LIMIT: Final = "X-RateLimit-Limit"
RATE_REMAINING: Final = "X-RateLimit-Remaining"
RATE_RESET: Final = "X-RateLimit-Reset"
RATE_WINDOW: Final = "X-RateLimit-Window"
RETRY_AFTER: Final = "Retry-After"
DATE: Final = "Date"
LOCATION: Final = "Location"

REQUEST_ID: Final = "x-cstar-request-id"
"""Known from webhook deliveries; on API answers it is a fallback (inferred)."""

MAX_WAIT: Final = 366 * 86400.0
"""Seconds: a wait beyond this is absurd, and is cut to it so that dates stay representable."""

RESERVED_HEADERS: Final = frozenset(
    {
        "accept-encoding",
        "authorization",
        "connection",
        "content-encoding",
        "content-length",
        "host",
        "idempotency-key",
        "transfer-encoding",
    }
)
"""Headers that a caller cannot replace: they name the key, the call or the form of the message."""

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]|[\ud800-\udfff]")

USER_AGENT: Final = f"cstar-async/{__version__} Python/{platform.python_version()}"


def default_headers(api_key: str | None, api_version: str | None) -> dict[str, str]:
    """The headers that every call of a client carries."""
    headers = {"Accept": "application/json", "User-Agent": USER_AGENT}
    if api_key is not None:
        headers[AUTHORIZATION] = f"Bearer {api_key}"
    if api_version is not None:
        headers[API_VERSION] = api_version
    return headers


def parse_int(text: str | None) -> int | None:
    """A header that counts something: a whole number from 0, or None for anything else."""
    if text is None or len(text) > 18:
        return None
    if text.isdigit() and text.isascii():
        return int(text)
    stripped = text.strip()
    return None if stripped == text else parse_int(stripped)


def parse_date(text: str | None) -> float | None:
    """A date header as seconds since the epoch, or None for what is no date."""
    if text is None:
        return None
    try:
        date = parsedate_to_datetime(text)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None


def parse_retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """The seconds that `Retry-After` asks for, from a number or an HTTP date; None where it says nothing usable.

    A date is compared with the server's own clock where the answer carries one, since the two hosts need not agree on the time.

    Args:
        headers: Of the answer; case-insensitive.
        now: Seconds since the epoch by the client's clock.
    """
    text = headers.get(RETRY_AFTER)
    if text is None:
        return None
    seconds = parse_seconds(text)
    if seconds is not None:
        return seconds
    date = parse_date(text)
    if date is None:
        return None
    server_now = parse_date(headers.get(DATE))
    return min(max(0.0, date - (now if server_now is None else server_now)), MAX_WAIT)


def parse_seconds(value: object) -> float | None:
    """A wait in seconds, from text or a JSON number; None for what is negative, endless or no number."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        return None
    return min(seconds, MAX_WAIT) if seconds >= 0 and math.isfinite(seconds) else None


def to_datetime(epoch: float) -> datetime:
    """An instant of the wall clock as an aware datetime, in UTC."""
    return datetime.fromtimestamp(epoch, UTC)


def validate_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers of a caller's own, fit to be sent.

    Raises:
        InvalidArgumentError: They are no mapping, or one has a name or value that a header cannot have, or is set by the client
            itself. Values are not shown.
    """
    given: object = headers
    if not is_mapping(given):
        raise InvalidArgumentError(f"headers is a mapping of names to values, not {type(given).__name__}")
    checked: dict[str, str] = {}
    for name, value in given.items():
        if not is_str(name) or not _TOKEN.fullmatch(name):
            raise InvalidArgumentError(f"{name!r} is not the name of a header")
        if name.lower() in RESERVED_HEADERS:
            raise InvalidArgumentError(f"{name} is set by the client; see its arguments")
        if not is_str(value) or _CONTROL.search(value):
            raise InvalidArgumentError(f"the value of {name} is not a text that a header can carry")
        checked[name] = value
    return checked


def parse_rate_limit(headers: Mapping[str, str]) -> RateLimitState | None:
    """The rate limit as the headers of one answer state it, or None where they do not."""
    limit, remaining = parse_int(headers.get(RATE_LIMIT)), parse_int(headers.get(RATE_REMAINING))
    if limit is None or remaining is None:
        return None
    reset, window = parse_int(headers.get(RATE_RESET)), parse_int(headers.get(RATE_WINDOW))
    return RateLimitState(limit, min(remaining, limit), _moment_or_none(reset), None if window is None else float(window))


def _moment_or_none(epoch: int | None) -> datetime | None:
    try:
        return None if epoch is None else to_datetime(epoch)
    except (OverflowError, ValueError, OSError):
        return None
