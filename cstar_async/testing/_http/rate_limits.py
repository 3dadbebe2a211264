"""Rate limits as cStar has them: so many calls in a fixed window, per key; per address in a public library.

A window begins with the first call of its key, on a whole second, and ends after its length: then the count begins anew. (When the
windows of cStar begin is not documented; ones that begin with the first call never turn in the middle of a short test.)
Pure: the time is an argument.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, floor
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

import attrs

from cstar_async.testing._errors import APIFailure
from cstar_async.testing._http.auth import Caller, KeyKind

CallerKind: TypeAlias = KeyKind | Literal["anonymous"]

DOCUMENTED_LIMITS: Final[Mapping[CallerKind, int]] = MappingProxyType({"secret": 1_000, "publishable": 100, "anonymous": 200})
"""Calls an hour, by the kind of key; that of visitors is the number of older documentation."""

DOCUMENTED_WINDOW_S: Final = 3_600

UNLIMITED: Final = 1_000_000_000
"""The limit announced and counted when limits are off: more than any test sends."""


@attrs.define
class _Window:
    began_at: int
    used: int = 0


@attrs.frozen
class LimitState:
    """Where a key stands in its window."""

    limit: int
    remaining: int
    reset_at: int
    """Unix time in seconds."""
    window_s: int

    def headers(self) -> dict[str, str]:
        """The headers that tell it."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset_at),
            "X-RateLimit-Window": str(self.window_s),
        }


class RateLimits:
    """Counts the calls of every key and of every visitor.

    Args:
        limits: Calls a window, by the kind of caller; what is not given is as documented.
        window_s: Length of a window in whole seconds, at least 1.
    """

    def __init__(self, limits: Mapping[CallerKind, int] = DOCUMENTED_LIMITS, window_s: int = DOCUMENTED_WINDOW_S) -> None:
        if window_s < 1 or min(limits.values()) < 0:
            raise ValueError("a rate limit needs a window of at least one second and a limit of at least 0")
        self._limits = {**DOCUMENTED_LIMITS, **limits}
        self._window_s = window_s
        self._windows: dict[str, _Window] = {}

    def state(self, key: Caller | None, now_s: float) -> LimitState:
        """Where a key stands, without counting a call. No key, or an unknown one, is told of an untouched window."""
        limit = self._limits["publishable" if key is None else key.kind]
        window = _Window(floor(now_s)) if key is None else self._window_of(key, now_s)
        return LimitState(limit, max(0, limit - window.used), window.began_at + self._window_s, self._window_s)

    def take(self, key: Caller, now_s: float) -> None:
        """Count a call.

        Raises:
            APIFailure: 429: the window is used up. The refused call is not counted.
        """
        window = self._window_of(key, now_s)
        if window.used >= self._limits[key.kind]:
            wait_s = max(1, ceil(window.began_at + self._window_s - now_s))
            message = f"Rate limit exceeded. Try again in {wait_s} seconds."
            raise APIFailure(429, "rate_limit_exceeded", message, headers={"Retry-After": str(wait_s)})
        window.used += 1
        self._windows[key.text] = window

    def spend(self, key: Caller, calls: int, now_s: float) -> None:
        """Use up part of a window, as if somebody else had called with the same key.

        Args:
            key: Whose window.
            calls: How many calls; more than there are left uses the window up.
            now_s: Unix time in seconds.
        """
        window = self._window_of(key, now_s)
        window.used = min(self._limits[key.kind], window.used + calls)
        self._windows[key.text] = window

    def _window_of(self, key: Caller, now_s: float) -> _Window:
        window = self._windows.get(key.text)
        if window is None or not window.began_at <= now_s < window.began_at + self._window_s:
            return _Window(floor(now_s))
        return window
