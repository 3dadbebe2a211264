"""Rate limits of cStar: a number of calls in a fixed window, per key, or per address for the public library.

A window starts with the first call of its key, on a whole second, and has a fixed length. When a cStar window starts is not
documented; this choice keeps a window from ending in the middle of a short test. The time is an argument.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

import attrs

from cstar_async._values.validation import validate_count
from cstar_async.testing._errors import APIFailure
from cstar_async.testing._http.auth import Caller, KeyType

CallerType: TypeAlias = KeyType | Literal["anonymous"]

DOCUMENTED_LIMITS: Final[Mapping[CallerType, int]] = MappingProxyType({"secret": 1_000, "publishable": 100, "anonymous": 200})
"""Calls per hour by type of caller; that of anonymous callers is from older documentation."""

DOCUMENTED_WINDOW_S: Final = 3_600

UNLIMITED: Final = 1_000_000_000
"""The limit that is reported and counted when limits are off: more than any test sends."""


@attrs.define
class _Window:
    began_at: int
    used: int = 0


@attrs.frozen
class LimitState:
    """The state of a caller's window."""

    limit: int
    remaining: int
    reset_at: int
    """Unix time in seconds."""
    window_s: int

    def headers(self) -> dict[str, str]:
        """Return the state as response headers."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset_at),
            "X-RateLimit-Window": str(self.window_s),
        }


class RateLimits:
    """Counts the calls of every caller.

    Args:
        limits: Calls per window by type of caller; default the documented ones.
        window_s: Length of a window in whole seconds, from 1.
    """

    def __init__(self, limits: Mapping[CallerType, int] = DOCUMENTED_LIMITS, window_s: int = DOCUMENTED_WINDOW_S) -> None:
        self._limits = {**DOCUMENTED_LIMITS, **limits}
        self._window_s = window_s
        self._windows: dict[str, _Window] = {}

    def state(self, key: Caller | None, now_s: float) -> LimitState:
        """Return the state of a caller without counting a call. Without a known key it is that of an unused window."""
        limit = self._limits["publishable" if key is None else key.type]
        window = _Window(math.floor(now_s)) if key is None else self._window_of(key, now_s)
        return LimitState(limit, max(0, limit - window.used), window.began_at + self._window_s, self._window_s)

    def acquire(self, key: Caller, now_s: float) -> None:
        """Count a call.

        Raises:
            APIFailure: 429: the window is used up. The refused call is not counted.
        """
        window = self._window_of(key, now_s)
        if window.used >= self._limits[key.type]:
            wait_s = max(1, math.ceil(window.began_at + self._window_s - now_s))
            message = f"Rate limit exceeded. Try again in {wait_s} seconds."
            raise APIFailure(429, "rate_limit_exceeded", message, headers={"Retry-After": str(wait_s)})
        window.used += 1
        self._windows[key.text] = window

    def use(self, key: Caller, calls: int, now_s: float) -> None:
        """Use up calls of a window, as another process with the same key would.

        Args:
            key: The caller.
            calls: How many calls; more than remain use the window up.
            now_s: Unix time in seconds.
        """
        window = self._window_of(key, now_s)
        window.used = min(self._limits[key.type], window.used + calls)
        self._windows[key.text] = window

    def _window_of(self, key: Caller, now_s: float) -> _Window:
        window = self._windows.get(key.text)
        if window is None or not window.began_at <= now_s < window.began_at + self._window_s:
            return _Window(math.floor(now_s))
        return window


def new_rate_limits(*, limits: bool, rate_limit: int | None, rate_window: int) -> RateLimits:
    """Return the limits of a fake; see the arguments of `FakeCStar`.

    Raises:
        InvalidArgumentError: *rate_limit* or *rate_window* is out of range.
    """
    validate_count("rate_window", rate_window, 1)
    limit = None if rate_limit is None else validate_count("rate_limit", rate_limit, 0)
    if not limits:
        limit = UNLIMITED
    return RateLimits(DOCUMENTED_LIMITS if limit is None else dict.fromkeys(DOCUMENTED_LIMITS, limit), rate_window)
