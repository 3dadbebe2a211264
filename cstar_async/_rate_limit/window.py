"""Rate limit arithmetic: which requests may be sent now, and when the next one may.

Nothing here waits or reads a clock: callers pass the time, in seconds of a monotonic clock.

Terminology
    A *window* is the span of time in which a key may send *limit* requests; an hour at cStar. *Remaining* is the count that the
    server stated last. A request is *in flight* from its permit to its response.

Counts
    Every response states limit, remaining, reset and window. Responses can overtake each other, so the smallest remaining of a
    window counts. It may not include the requests in flight, so all of them are subtracted.

Lost responses
    A request without a response may have been counted. It is *unconfirmed*, and subtracted, until a request that was sent later
    gets a response. If only unconfirmed requests block the next one, that one is sent alone to find out.

Probes
    When a window ends, the next limit is unknown and the server's clock may differ. One request, the *probe*, is sent alone, and
    the others wait for its response. If it gets none, the next request is the probe. Resets are stated in whole seconds. If a probe
    was sent too early, the server rounds down, and every later window opens a second after its stated end.

Refusals
    A 429 closes the window for the wait that a retry keeps, too: the one that headers or body state, or 60 seconds. If it states
    only that nothing remains until a reset, the window is closed until then. Other responses that arrive before that time belong to
    earlier requests and are ignored; only another 429 can extend the wait.

Headers
    Malformed headers count as missing, and missing ones change nothing. A reset is compared with the response's own `Date`, so a
    wrong clock on either side does no harm, and cut to the window's length.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from typing import Final

from cstar_async._protocol.headers import (
    DATE,
    RATE_LIMIT,
    RATE_REMAINING,
    RATE_RESET,
    RATE_WINDOW,
    parse_date,
    parse_int,
    parse_retry_after,
)
from cstar_async._protocol.retry import RATE_LIMIT_WAIT
from cstar_async._types import Priority

SECRET_LIMIT: Final = 1000
"""Requests in a window with a secret key (documented)."""
PUBLISHABLE_LIMIT: Final = 100
"""Requests in a window with a publishable key (documented)."""
LIBRARY_LIMIT: Final = 200
"""Requests in a window of the public library, by IP address (older documentation; the present one states no number)."""
WINDOW: Final = 3600.0
"""Seconds of a window (documented)."""
REPROBE_DELAY: Final = 1.0
"""Seconds between two probes of a window that should be open by its stated reset."""
RESET_ROUNDING: Final = 1.0
"""Seconds by which a window may end after its stated reset, because the server rounds down."""
RESET_TOLERANCE: Final = 2.0
"""Seconds by which two resets of one window may differ, because servers round."""


class ProbeState(enum.Enum):
    """What is known of the present window."""

    KNOWN = enum.auto()
    NEEDS_PROBE = enum.auto()
    PROBING = enum.auto()


# Looked up for every request; a global is cheaper than an attribute of the class.
_KNOWN, _NEEDS_PROBE, _PROBING = ProbeState


class RateLimitWindow:
    """The present window of one key, and the permits given in it."""

    def __init__(self, limit: int = SECRET_LIMIT, *, reserve: float = 0.10) -> None:
        self.limit = limit
        self.remaining = limit
        self.reserve = reserve  # share of the limit that background requests leave
        self.length = WINDOW
        self.in_flight = 0
        self.unconfirmed = 0
        self.probe_state = _KNOWN
        self._responses_until_confirmed = 0
        self._closed_until = -math.inf
        self._ends: float | None = None
        self._opens = math.inf
        self.reset_slack = 0.0
        self._last_limit: str | None = None
        self._last_reset: str | None = None

    def can_send(self, priority: Priority, now: float) -> bool:
        """Return whether a request may be sent now."""
        if now >= self._opens:
            self.open()
        if self.probe_state is not _KNOWN:
            return self.probe_state is _NEEDS_PROBE
        available = self.remaining - self.in_flight - (self.reserve * self.limit if priority else 0)
        return available > self.unconfirmed or (available > 0 and self.in_flight == 0)

    def calls_left(self, priority: Priority, now: float) -> int:
        """Return how many requests can still be sent in this window; after its end, in the next one."""
        is_over = self._ends is not None and now >= self._ends
        left = self.limit if is_over else self.remaining
        return max(0, math.ceil(left - self.in_flight - self.unconfirmed - (self.reserve * self.limit if priority else 0)))

    def may_free_capacity(self, priority: Priority, ahead: int = 0) -> bool:
        """Return whether responses to requests in flight may allow more, because remaining may include those already."""
        return self.in_flight > 0 and self.remaining - ahead > (self.reserve * self.limit if priority else 0)

    def blocking_losses(self, priority: Priority) -> int:
        """Return how many requests without a response keep others waiting; 0 if the limit does."""
        available = self.remaining - self.in_flight - (self.reserve * self.limit if priority else 0)
        return self.unconfirmed if available > 0 else 0

    def acquire(self) -> bool:
        """Take a permit. Return whether it is the probe's."""
        self.in_flight += 1
        is_probe = self.probe_state is _NEEDS_PROBE
        if is_probe:
            self.probe_state = _PROBING
        return is_probe

    def release(self, is_probe: bool, answered: bool, lost: bool = False) -> None:
        """Return a permit after a response (*answered*), after a request without a response (*lost*), or unused.

        Any response ends the probe. Otherwise a server that sends no rate limit headers would get one request at a time.
        """
        self.in_flight -= 1
        if lost:
            # Requests in flight may have been counted before this one; the response to any later one includes it.
            self.unconfirmed += 1
            self._responses_until_confirmed = self.in_flight + 1
        elif answered and self.unconfirmed:
            self._responses_until_confirmed -= 1
            if self._responses_until_confirmed <= 0:
                self.unconfirmed = 0
        if is_probe and self.probe_state is _PROBING:
            self.probe_state = _KNOWN if answered else _NEEDS_PROBE

    def seconds_until_end(self, now: float) -> float:
        """Return the time until the stated end of the window; 0 if it is unknown or has passed."""
        return 0.0 if self._ends is None else max(0.0, self._ends - now)

    def seconds_until_open(self, now: float) -> float:
        """Return the time until the next window may be probed; infinite if the end is unknown."""
        return max(0.0, self._opens - now)

    def open_at_stated_end(self, now: float) -> None:
        """Open the next window at the stated end, for a request that cannot wait out the rounding of the reset."""
        if self._ends is not None and now >= self._ends:
            self.open()

    def update_fast(self, status: int, headers: Mapping[str, str]) -> bool:
        """Update the count from the usual response: same window, fewer requests left.

        Every request runs this, so it compares header strings and needs no clock. It returns False, and changes nothing, for any
        other response: `update` must read that.
        """
        # During a probe no reset is stored, so a response without one must not match.
        reset = headers.get(RATE_RESET)
        if reset is None or reset != self._last_reset or headers.get(RATE_LIMIT) != self._last_limit or status == 429:
            return False
        remaining = parse_int(headers.get(RATE_REMAINING))
        if remaining is None:
            return False
        if remaining < self.remaining:  # noqa: PLR1730  # min() would be one more call for every request
            self.remaining = remaining
        return True

    def update(self, status: int, headers: Mapping[str, str], now: float, epoch: float, retry_after: float | None = None) -> None:
        """Update the window from a response that arrives *now*, or *epoch* by the wall clock.

        *retry_after* is the wait in seconds that a 429 states anywhere; None: only its headers can state one.
        """
        if status != 429 and now < self._closed_until:
            return  # a response from before the refusal that closed the window
        remaining_text = headers.get(RATE_REMAINING)
        if remaining_text is not None:
            self._apply_headers(remaining_text, headers, now, epoch)
        if status == 429:
            self._close(parse_retry_after(headers, epoch) if retry_after is None else retry_after, headers, now)

    def _apply_headers(self, remaining_text: str, headers: Mapping[str, str], now: float, epoch: float) -> None:
        remaining = parse_int(remaining_text)
        limit = parse_int(headers.get(RATE_LIMIT))
        if remaining is None or limit is None or limit == 0:
            return
        remaining = min(remaining, limit)
        length = parse_int(headers.get(RATE_WINDOW))
        if length:
            self.length = float(min(length, int(WINDOW * 24)))
        reset_text = headers.get(RATE_RESET)
        reset = parse_int(reset_text)
        if reset is None:
            # A count without a reset would close the window for ever, so it only lowers that of a window whose end is known.
            if self._ends is not None:
                self.remaining = min(self.remaining, remaining)
            return
        server_now = parse_date(headers.get(DATE))
        left = min(reset - (epoch if server_now is None else server_now), self.length)
        ends = now + left
        if self._ends is not None and ends < self._ends - RESET_TOLERANCE:
            return  # a delayed response of the previous window
        if left <= 0:
            # This count is of a window that is over. If it comes with the probe, the server has not opened the next window yet.
            if self.probe_state is _PROBING:
                self.remaining, self.probe_state, self.reset_slack = remaining, _KNOWN, RESET_ROUNDING
                self._end_at(now + REPROBE_DELAY, is_exact=True)
            return
        is_new = self._ends is None or ends > self._ends + RESET_TOLERANCE
        self.remaining = remaining if is_new or limit != self.limit else min(self.remaining, remaining)
        self.limit = limit
        self._end_at(ends)
        self._last_reset, self._last_limit = reset_text, headers.get(RATE_LIMIT)
        self.probe_state = _KNOWN

    def _close(self, wait: float | None, headers: Mapping[str, str], now: float) -> None:
        self.remaining = 0
        if wait is None:
            # Without these headers it may come from a gateway with a limit of its own.
            is_spent = parse_int(headers.get(RATE_REMAINING)) == 0 and parse_int(headers.get(RATE_RESET)) is not None
            wait = max(REPROBE_DELAY, self.seconds_until_end(now)) if is_spent else RATE_LIMIT_WAIT
        if self.probe_state is _PROBING and wait <= RESET_ROUNDING:
            self.reset_slack = RESET_ROUNDING
        self._closed_until = max(self._closed_until, now + min(wait, self.length))
        self._end_at(self._closed_until, is_exact=True)
        self._last_reset = None
        self.probe_state = _KNOWN

    def _end_at(self, ends: float, *, is_exact: bool = False) -> None:
        """Set the end. The next window opens then, or later if the server rounds resets down and *ends* is a reset."""
        self._ends, self._opens = ends, ends if is_exact else ends + self.reset_slack

    def open(self) -> None:
        """Open the next window, which needs a probe."""
        self.remaining = self.limit
        self.unconfirmed = 0
        self.probe_state = _NEEDS_PROBE
        self._ends, self._opens = None, math.inf
        self._last_reset = None
