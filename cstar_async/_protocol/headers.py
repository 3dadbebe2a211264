"""Headers: names, the ones that every request carries, and lenient parsers.

Source: documentation pages "Authentication", "Versioning", "Idempotency" and "Rate limits".
"""

from __future__ import annotations

import math
import platform
import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from cstar_async._protocol.urls import parameter_text, percent_encode
from cstar_async._types import UNSET, RateLimitState, is_mapping, is_str
from cstar_async._values.repr import private_repr, short_repr
from cstar_async._version import __version__
from cstar_async.errors import InvalidArgumentError

ACCEPT: Final = "Accept"
COOKIE: Final = "Cookie"
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
"""Documented for webhook deliveries; a fallback for API responses (inferred)."""

MAX_WAIT: Final = 366 * 86400.0
"""Seconds to which longer waits are cut, so that a datetime can hold their end."""

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
"""Headers that a caller cannot replace, because they carry the keys or frame the message."""

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]|[\ud800-\udfff]")

USER_AGENT: Final = f"cstar-async/{__version__} Python/{platform.python_version()}"


def default_headers(api_key: str | None, api_version: str | None) -> dict[str, str]:
    """Return the headers of every request of a client."""
    headers = {ACCEPT: "application/json", "User-Agent": USER_AGENT}
    if api_key is not None:
        headers[AUTHORIZATION] = f"Bearer {api_key}"
    if api_version is not None:
        headers[API_VERSION] = api_version
    return headers


def parse_int(text: str | None) -> int | None:
    """Parse a non-negative int of at most 18 digits; return None for anything else."""
    if text is None or len(text) > 18:
        return None
    if text.isdigit() and text.isascii():
        return int(text)
    stripped = text.strip()
    return None if stripped == text else parse_int(stripped)


def parse_date(text: str | None) -> float | None:
    """Parse an HTTP date as seconds since the epoch; return None for anything else."""
    if text is None:
        return None
    try:
        date = parsedate_to_datetime(text)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None


def parse_retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Parse `Retry-After`, a number or an HTTP date, as seconds from now; return None for anything else.

    A date is compared with the response's own `Date`, because the clocks of the two hosts may differ. Without one, it is compared
    with *now*, in seconds since the epoch.
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
    """Parse a wait from a str or a JSON number; return None if it is negative, infinite or not a number."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        return None
    return min(seconds, MAX_WAIT) if seconds >= 0 and math.isfinite(seconds) else None


def to_datetime(epoch: float) -> datetime:
    """Return seconds since the epoch as an aware datetime in UTC."""
    return datetime.fromtimestamp(epoch, UTC)


def validate_headers(
    headers: Mapping[str, str],
    reserved: Collection[str] = RESERVED_HEADERS,
    owner: str = "set by the client; use the client's arguments",
) -> dict[str, str]:
    """Return a copy of a caller's headers. The `InvalidArgumentError` for one that cannot be sent does not contain its value."""
    given: object = headers
    if not is_mapping(given):
        raise InvalidArgumentError(f"headers must be a mapping of str to str, got {type(given).__name__}")
    valid: dict[str, str] = {}
    for name, value in given.items():
        if not is_str(name) or not _TOKEN.fullmatch(name):
            raise InvalidArgumentError(f"headers must have names without spaces and separators, got {short_repr(name)}")
        if name.lower() in reserved:
            raise InvalidArgumentError(f"headers must have only headers that you may set, got {name}, which is {owner}")
        if not is_str(value) or _CONTROL.search(value):
            got = f"{private_repr(value)} for {name}"
            raise InvalidArgumentError(f"headers must have values of type str without control characters, got {got}")
        valid[name] = value
    return valid


def parameter_headers(headers: Mapping[str, object] | None, cookies: Mapping[str, object] | None) -> dict[str, str]:
    """Return the headers for parameters that are headers or cookies. `UNSET` is left out."""
    given = {name: parameter_text(value, name) for name, value in (headers or {}).items() if value is not UNSET}
    pairs = [(name, parameter_text(value, name)) for name, value in (cookies or {}).items() if value is not UNSET]
    cookie = {COOKIE: "; ".join(f"{name}={percent_encode(value, name, safe='/')}" for name, value in pairs)} if pairs else {}
    return validate_headers({**given, **cookie})


def parse_rate_limit(headers: Mapping[str, str]) -> RateLimitState | None:
    """Return the rate limit that a response states; None without limit or remaining."""
    limit, remaining = parse_int(headers.get(RATE_LIMIT)), parse_int(headers.get(RATE_REMAINING))
    if limit is None or remaining is None:
        return None
    reset, window = parse_int(headers.get(RATE_RESET)), parse_int(headers.get(RATE_WINDOW))
    try:
        reset_at = None if reset is None else to_datetime(reset)
    except (OverflowError, ValueError, OSError):
        reset_at = None
    return RateLimitState(limit, min(remaining, limit), reset_at, None if window is None else float(window))
