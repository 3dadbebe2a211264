"""Read the rate limits of other APIs, and state them as the `X-RateLimit-*` headers that the limiter reads.

Sources: the drafts "RateLimit header fields for HTTP" of the IETF, and the documentation of GitHub, Freshdesk, Intercom and X.
"""

from __future__ import annotations

import math
import re
from collections import ChainMap
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, cast

from cstar_async._protocol.headers import DATE, RATE_LIMIT, RATE_REMAINING, RATE_RESET, RATE_WINDOW, parse_date

_PREFIXES: Final = ("X-RateLimit-", "RateLimit-", "X-Rate-Limit-")
_FIELD: Final = "RateLimit"
_POLICY: Final = "RateLimit-Policy"
_PARAMETER: Final = re.compile(r"(?<![\w-])(limit|remaining|reset|r|t|q|w)=(\d{1,15})(?![\w.])")
_MAX_DELTA: Final = 10**8
"""A larger number is seconds since the epoch."""
_MAX_SECONDS: Final = 10**11
"""A larger number is milliseconds since the epoch."""


def with_rate_limit(headers: Mapping[str, str], epoch: float) -> Mapping[str, str]:
    """Return headers with the rate limit under the names of cStar, or as they are if they state none, or state it so.

    *epoch* is the time in seconds since the epoch, for a response without a `Date`.
    """
    for prefix in _PREFIXES:
        limit = headers.get(f"{prefix}Limit") or headers.get(f"{prefix}Total")
        remaining, reset, window = headers.get(f"{prefix}Remaining"), headers.get(f"{prefix}Reset"), None
        if limit and remaining:
            limit = limit.partition(",")[0].partition(";")[0]  # some drafts list the policies after the limit
            break
    else:
        limit, remaining, reset, window = _structured(headers)
    if limit is None or remaining is None:
        return headers
    server_now = parse_date(headers.get(DATE))
    end = _end_of(reset, epoch if server_now is None else server_now)
    stated = {RATE_LIMIT: limit, RATE_REMAINING: remaining, RATE_RESET: end, RATE_WINDOW: window}
    other = {name: text for name, text in stated.items() if text is not None and headers.get(name) != text}
    return ChainMap(other, cast("dict[str, str]", headers)) if other else headers


def _structured(headers: Mapping[str, str]) -> tuple[str | None, str | None, str | None, str | None]:
    """Return limit, remaining, reset and window of the field `RateLimit`, with those of the first policy."""
    field = headers.get(_FIELD, "")
    first = field.partition(",")[0]
    is_list = "limit=" in first or "remaining=" in first or "reset=" in first
    found = dict(_PARAMETER.findall(field if is_list else first))
    policies = headers.get(_POLICY, "").split(",")
    name = first.partition(";")[0].strip()
    policy = dict(_PARAMETER.findall(next((one for one in policies if one.partition(";")[0].strip() == name), policies[0])))
    limit = found.get("limit") or policy.get("q")
    return limit, found.get("remaining") or found.get("r"), found.get("reset") or found.get("t"), policy.get("w")


def _end_of(reset: str | None, now: float) -> str | None:
    """Return the end of the window in seconds since the epoch, from seconds, milliseconds, seconds from now, or a date."""
    if reset is None:
        return None
    try:
        number = float(reset)
    except ValueError:
        number = _date(reset)
    if not math.isfinite(number) or number < 0:
        return None
    if number > _MAX_SECONDS:
        number /= 1000
    return str(math.ceil(number if number > _MAX_DELTA else now + number))


def _date(text: str) -> float:
    """Return the seconds since the epoch of a date of ISO 8601 or HTTP; not a number for anything else."""
    try:
        date = datetime.fromisoformat(text.strip())
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        found = parse_date(text)
        return math.nan if found is None else found
