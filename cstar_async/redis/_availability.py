"""Whether Redis can be reached, and when to try again."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from cstar_async._event_loop.clock import Clock
from cstar_async._protocol.headers import to_datetime
from cstar_async._protocol.retry import backoff_seconds
from cstar_async._types import RateLimitState
from cstar_async.errors import ConnectionFailedError, RateLimitWaitError

LOGGER: Final = logging.getLogger("cstar_async")
INITIAL_RETRY_INTERVAL: Final = 0.1
MAX_RETRY_INTERVAL: Final = 1.0
"""Seconds between two attempts to reach a Redis that is unavailable."""


class Availability:
    """The result of the last exchange with Redis."""

    def __init__(self) -> None:
        self._failures = 0
        self._reason = ""
        self._retry_at = 0.0

    @property
    def is_degraded(self) -> bool:
        """Whether Redis was unavailable at the last exchange."""
        return self._failures > 0

    @property
    def error(self) -> ConnectionFailedError:
        """The error for a request while Redis is unavailable."""
        return ConnectionFailedError(
            f"the rate limiter cannot reach Redis, so nothing was sent: {self._reason}", request_sent=False
        )

    def wait_error(self, clock: Clock, state: RateLimitState | None) -> RateLimitWaitError:
        """Return the error for a request that waits longer than allowed, while Redis grants nothing."""
        reason = self._reason or "its data was lost, and not all processes have reported theirs"
        return RateLimitWaitError(
            f"the rate limiter cannot use Redis ({reason}), and the share of this process allows no request now",
            retry_at=to_datetime(clock.time() + MAX_RETRY_INTERVAL),
            wait=MAX_RETRY_INTERVAL,
            state=state,
        )

    def seconds_until_retry(self) -> float:
        """Return the time until Redis may be tried again; 0 while it is available."""
        return max(0.0, self._retry_at - asyncio.get_running_loop().time()) if self._failures else 0.0

    def on_failure(self, reason: str) -> None:
        """Note that Redis sent no reply."""
        if not self._failures:
            LOGGER.warning("the rate limiter cannot reach Redis: %s", reason, extra={"error": reason})
        self._failures += 1
        self._reason = reason
        interval = backoff_seconds(self._failures, initial=INITIAL_RETRY_INTERVAL, maximum=MAX_RETRY_INTERVAL)
        self._retry_at = asyncio.get_running_loop().time() + interval

    def on_reply(self) -> None:
        """Note that Redis sent a reply."""
        if self._failures:
            LOGGER.warning("the rate limiter reaches Redis again")
        self._failures, self._reason = 0, ""
