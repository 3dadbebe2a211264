"""Rate limit arithmetic: which requests may be sent now, and when the next one may.

Nothing here waits or reads a clock: callers pass the time, in seconds of a monotonic clock. Where a window may be over, they also
pass that of the wall clock, because a monotonic clock may stop while the machine is suspended. The earlier end counts. A wall clock
that is set back changes nothing, and one that is set forward too far costs one probe.

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
    When a window ends, the next limit is unknown and the server's clock may differ. So the next one begins with a slow start: one
    request, the *probe*, is sent first, and for a second or two the others wait for its response. Resets are stated in whole
    seconds. If a probe was sent too early, the server rounds down, and every later window opens a second after its stated end.

Refusals
    A 429 closes the window for the wait that a retry keeps, too: the one that headers or body state, or 60 seconds. If it states
    only that nothing remains until a reset, the window is closed until then. Other responses that arrive before that time belong to
    earlier requests and are ignored; only another 429 can extend the wait. After that, a slow start finds out how much is accepted.

Headers
    Malformed headers count as missing, and missing ones change nothing. A reset is compared with the response's own `Date`, so a
    wrong clock on either side does no harm, and cut to the window's length.
"""

from __future__ import annotations

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
from cstar_async._rate_limit.slow_start import SlowStart
from cstar_async._types import Priority

SECRET_LIMIT: Final = 1000
"""Requests in a window with a secret key (documented)."""
PUBLISHABLE_LIMIT: Final = 100
"""Requests in a window with a publishable key (documented)."""
LIBRARY_LIMIT: Final = 200
"""Requests in a window of the public library, by IP address (older documentation; the present one states no number)."""
WINDOW: Final = 3600.0
"""Seconds of a window (documented)."""
MAX_WINDOW: Final = 86400.0
"""Seconds of the longest window. A 429 that states a longer wait is a mistake, and closes one window at most."""
REPROBE_DELAY: Final = 1.0
"""Seconds between two probes of a window that should be open by its stated reset."""
RESET_ROUNDING: Final = 1.0
"""Seconds by which a window may end after its stated reset, because the server rounds down."""
RESET_TOLERANCE: Final = 2.0
"""Seconds by which two resets of one window may differ, because servers round."""
WALL_CLOCK_TOLERANCE: Final = 10.0
"""Seconds by which the wall clock must have passed an end that the monotonic clock has not, because it is corrected at times."""


class RateLimitWindow:
    """The present window of one key, and the permits given in it."""

    def __init__(self, limit: int = SECRET_LIMIT, *, reserve: float = 0.10) -> None:
        self.limit = limit
        self.remaining = limit
        self.reserve = reserve  # share of the limit that background requests leave
        self.length = WINDOW
        self.in_flight = 0
        self.background_in_flight = 0
        self.unconfirmed = 0
        self.slow_start = SlowStart()
        self._responses_until_confirmed = 0
        self._number = 0
        self._closed_until = -math.inf
        self._ends: float | None = None
        self._opens = math.inf
        self._opens_by_wall_clock = math.inf
        self.reset_slack = 0.0
        self._last_limit: str | None = None
        self._last_reset: str | None = None

    def can_send(self, priority: Priority, now: float) -> bool:
        """Return whether a request may be sent now."""
        if now >= self._opens:
            self.open()
        if self.slow_start.is_active:
            if not self.slow_start.can_send(priority, now):
                return False
            if self._ends is None and self.slow_start.in_flight(priority) == 0:
                return True  # it finds out what the window allows
        # As `_reserved`, without its call, because every request runs this.
        available = self.remaining - self.in_flight - (self.reserve * self.limit if priority else 0)
        if available > self.unconfirmed:
            return True
        # Lost requests may have used up the rest. One request finds out; a background one does not keep an interactive one waiting.
        return available > 0 and self.in_flight == (0 if priority else self.background_in_flight)

    def calls_left(self, priority: Priority, now: float, epoch: float) -> int:
        """Return how many requests can still be sent in this window; after its end, in the next one."""
        is_over = self._ends is not None and (now >= self._ends or epoch >= self._opens_by_wall_clock)
        left = self.limit if is_over else self.remaining
        return max(0, math.ceil(left - self.in_flight - self.unconfirmed - self._reserved(priority)))

    def number(self, priority: Priority, now: float, epoch: float) -> int:
        """Return the number of the window, or of the next one if this one is over or closed to the priority."""
        is_over = now >= self._opens or epoch >= self._opens_by_wall_clock
        is_closed = self.remaining <= self._reserved(priority)
        return self._number + (is_over or is_closed)

    def may_free_capacity(self, priority: Priority, ahead: int = 0) -> bool:
        """Return whether responses to requests in flight may allow more, because remaining may include those already."""
        return self.in_flight > 0 and self.remaining - ahead > self._reserved(priority)

    def blocking_losses(self, priority: Priority) -> int:
        """Return how many requests without a response keep others waiting; 0 if the limit does."""
        available = self.remaining - self.in_flight - self._reserved(priority)
        return self.unconfirmed if 0 < available <= self.unconfirmed else 0

    def _reserved(self, priority: Priority) -> float:
        """Return how many requests of the limit are left to those of a higher priority."""
        return self.reserve * self.limit if priority else 0.0

    def acquire(self, priority: Priority, now: float) -> int:
        """Take a permit. Return the number of the slow start that it belongs to; 0 without one."""
        self.in_flight += 1
        if priority:
            self.background_in_flight += 1
        return self.slow_start.acquire(priority, now) if self.slow_start.is_active else 0

    def release(self, priority: Priority, slow_start: int, status: int, *, is_lost: bool = False) -> None:
        """Return a permit after a response of this *status*; 0 without one, if the request is lost or was not sent.

        *slow_start* is the number that `acquire` returned.
        """
        self.in_flight -= 1
        if priority:
            self.background_in_flight -= 1
        is_answered = 0 < status < 500
        if is_lost:
            # Requests in flight may have been counted before this one; the response to any later one includes it.
            self.unconfirmed += 1
            self._responses_until_confirmed = self.in_flight + 1
        elif is_answered and self.unconfirmed:
            self._responses_until_confirmed -= 1
            if self._responses_until_confirmed <= 0:
                self.unconfirmed = 0
        if slow_start:
            self.slow_start.release(priority, slow_start, is_accepted=is_answered and status != 429)
        elif is_answered and status != 429:
            self.slow_start.accepted += 1

    def seconds_until_end(self, now: float) -> float:
        """Return the time until the stated end of the window; 0 if it is unknown or has passed."""
        return 0.0 if self._ends is None else max(0.0, self._ends - now)

    def seconds_until_open(self, now: float) -> float:
        """Return the time until more requests may be sent without a response; infinite if that is unknown."""
        return max(0.0, min(self._opens, self.slow_start.grows_at) - now)

    def open_if_over(self, now: float, epoch: float) -> None:
        """Open the next window if this one is over by either clock."""
        if now >= self._opens or epoch >= self._opens_by_wall_clock:
            self.open()

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
        self.open_if_over(now, epoch)
        if status != 429 and now < self._closed_until:
            return  # a response from before the refusal that closed the window
        remaining_text = headers.get(RATE_REMAINING)
        if remaining_text is not None:
            self._apply_headers(remaining_text, headers, now, epoch)
        if status == 429:
            self._close(parse_retry_after(headers, epoch) if retry_after is None else retry_after, headers, now, epoch)

    def _apply_headers(self, remaining_text: str, headers: Mapping[str, str], now: float, epoch: float) -> None:
        remaining = parse_int(remaining_text)
        limit = parse_int(headers.get(RATE_LIMIT))
        if remaining is None or limit is None or limit == 0:
            return
        remaining = min(remaining, limit)
        length, known_length = parse_int(headers.get(RATE_WINDOW)), self.length
        if length:
            self.length = float(min(length, int(MAX_WINDOW)))
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
            known_reset = parse_int(self._last_reset)
            if not length or known_reset is None or reset <= known_reset - known_length + RESET_TOLERANCE:
                return  # a delayed response of the previous window, or perhaps one
            # The server has made the window shorter.
        if left <= 0:
            # This count is of a window that is over. If it comes with the probe, the server has not opened the next window yet.
            if self._is_probing:
                self.remaining, self.reset_slack = remaining, RESET_ROUNDING
                self._end_in(REPROBE_DELAY, now, epoch, is_exact=True)
                self.slow_start.end()
            return
        is_new = self._ends is None or ends > self._ends + RESET_TOLERANCE
        self.remaining = remaining if is_new or limit != self.limit else min(self.remaining, remaining)
        self.limit = limit
        self._end_in(left, now, epoch)
        self._last_reset, self._last_limit = reset_text, headers.get(RATE_LIMIT)
        self.slow_start.confirm()

    @property
    def _is_probing(self) -> bool:
        """Whether the window began at a stated end, and what it allows is unknown."""
        return self.slow_start.is_active and not self.slow_start.is_after_refusal

    def _close(self, wait: float | None, headers: Mapping[str, str], now: float, epoch: float) -> None:
        self.remaining = 0
        if wait is None:
            # Without these headers it may come from a gateway with a limit of its own.
            is_spent = parse_int(headers.get(RATE_REMAINING)) == 0 and parse_int(headers.get(RATE_RESET)) is not None
            wait = max(REPROBE_DELAY, self.seconds_until_end(now)) if is_spent else RATE_LIMIT_WAIT
        if self._is_probing and wait <= RESET_ROUNDING:
            self.reset_slack = RESET_ROUNDING
        self._closed_until = max(self._closed_until, now + (wait if wait <= MAX_WINDOW else self.length))
        self._end_in(self._closed_until - now, now, epoch, is_exact=True)
        self._last_reset = None
        self.slow_start.end()

    def _end_in(self, seconds: float, now: float, epoch: float, *, is_exact: bool = False) -> None:
        """Set the end. The next window opens then, or later if the server rounds resets down and the end is a reset."""
        slack = 0.0 if is_exact else self.reset_slack
        self._ends, self._opens = now + seconds, now + seconds + slack
        self._opens_by_wall_clock = epoch + seconds + slack + WALL_CLOCK_TOLERANCE

    def open(self) -> None:
        """Open the next window, or the present one again after a refusal."""
        self._number += 1
        self.remaining = self.limit
        self.unconfirmed = 0
        self.slow_start.begin(self.limit, is_after_refusal=self._closed_until > -math.inf)
        self._closed_until = -math.inf
        self._ends, self._opens, self._opens_by_wall_clock = None, math.inf, math.inf
        self._last_reset = None
