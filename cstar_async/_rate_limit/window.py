"""The arithmetic of a rate limit: who may be sent now, and when the next one may.

Vocabulary
    A *window* is the hour (or whatever the server says) in which a key may make *limit* calls. *Remaining* is what the server said
    was left, when it last answered. A call is *in flight* from the moment it gets its permit until its answer is seen.

What is known
    Every answer of cStar carries limit, remaining, reset and window, 429s included. Until the first one the documented numbers are
    assumed: 1,000 calls an hour, 100 for a publishable key. An answer may be overtaken by a later one, so within a window the
    smallest remaining counts; calls in flight may or may not be counted in it, so all of them are taken off. Near the end of a
    window that is too careful by the number of calls in flight, and exact again as soon as they are answered.

When an answer is lost
    Nobody knows whether the server counted the call. It is *in doubt*, and taken off like one in flight, until a call that was sent
    later is answered. Where only calls in doubt stand against another one, it goes alone to find out: a server that was out of
    reach for a while has counted none of them, and the window may be long.

When a window ends
    Nobody knows what the server will grant next, nor whether its clock agrees. The first call goes alone and learns; the others
    follow when its answer is seen, or try in their turn if it has none. Ends are stated in whole seconds: where that call found
    that it came too early, the server rounds down, and each later window counts as over a second after its stated end.

When a call is refused
    A 429 closes the window until the moment it names, whatever the counts say. Nothing is sent meanwhile, so an answer that still
    comes in belongs to a call from before: it may not open the window again, and only another refusal may close it for longer.

What headers may say
    Anything. Missing ones leave what is known; negative, huge or unreadable ones count as missing; an end that lies further away
    than the window is long is cut to the window. The end is measured against the server's own `Date`, so a wrong clock on either
    side does no harm.

The reserve
    Background calls leave a share of the limit to interactive ones: they get a permit only while more than that share is left.

Nothing here waits, reads a clock or knows a loop: times are handed in, in seconds of a monotonic clock.
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
from cstar_async._types import Priority

SECRET_LIMIT: Final = 1000
"""Calls in a window with a secret key (documented)."""
PUBLISHABLE_LIMIT: Final = 100
"""Calls in a window with a publishable key (documented)."""
LIBRARY_LIMIT: Final = 200
"""Calls in a window of the public library, by IP (older documentation; no number is stated now)."""
WINDOW: Final = 3600.0
"""Seconds of a window (documented)."""
REPROBE_DELAY: Final = 1.0
"""Seconds until a call may look anew whether a window is open that should be by the server's word: it counts whole seconds."""
RESET_ROUNDING: Final = 1.0
"""Seconds by which a window may end after its stated end, where the server rounds down."""
RESET_TOLERANCE: Final = 2.0
"""Seconds by which two ends of windows may differ and still be one: servers round."""


class RateLimitWindow:
    """What is known of one key's window, and the permits given in it."""

    __slots__ = (
        "_closed_until",
        "_ends",
        "_last_limit",
        "_last_reset",
        "_opens",
        "_reset_slack",
        "_responses_until_confirmed",
        "in_flight",
        "length",
        "limit",
        "probe_state",
        "remaining",
        "reserve",
        "unconfirmed",
    )

    def __init__(self, limit: int = SECRET_LIMIT, *, reserve: float = 0.10) -> None:
        self.limit = limit
        self.remaining = limit
        self.reserve = reserve
        self.length = WINDOW
        self.in_flight = 0
        self.unconfirmed = 0
        self._responses_until_confirmed = 0
        self.probe_state: bool | None = None
        """None: the state is known. False: nobody has gone ahead to learn it yet. True: somebody is on the way."""
        self._closed_until = -math.inf
        self._ends: float | None = None
        self._opens = math.inf
        self._reset_slack = 0.0
        self._last_limit: str | None = None
        self._last_reset: str | None = None

    def can_send(self, priority: Priority, now: float) -> bool:
        """Whether a call of this priority may be sent now."""
        if now >= self._opens:
            self._open()
        if self.probe_state is not None:
            return not self.probe_state
        room = self.remaining - self.in_flight - (self.reserve * self.limit if priority else 0)
        return room > self.unconfirmed or (room > 0 and self.in_flight == 0)

    def calls_left(self, priority: Priority, now: float) -> int:
        """Calls of this priority that the window still has, as far as known; of a window that is over, those of the next."""
        is_over = self._ends is not None and now >= self._ends
        left = self.limit if is_over else self.remaining
        return max(0, math.ceil(left - self.in_flight - self.unconfirmed - (self.reserve * self.limit if priority else 0)))

    def may_free_capacity(self, priority: Priority, ahead: int = 0) -> bool:
        """Whether the answers of calls in flight may show that there is room: the server may have counted them already."""
        return self.in_flight > 0 and self.remaining - ahead > (self.reserve * self.limit if priority else 0)

    def acquire(self) -> bool:
        """Give a permit. Returns whether its holder is the one who goes ahead to learn the state."""
        self.in_flight += 1
        goes_ahead = self.probe_state is False
        if goes_ahead:
            self.probe_state = True
        return goes_ahead

    def release(self, went_ahead: bool, answered: bool, lost: bool = False) -> None:
        """Take a permit back: its call is over.

        Args:
            went_ahead: Whether its holder went ahead to learn the state.
            answered: Whether the API answered. An answer that says nothing of the limit ends the learning too, or a server without
                these headers would get one call at a time for ever.
            lost: Whether the call was sent and has no answer, so that the server may have counted it.
        """
        self.in_flight -= 1
        if lost:
            # Those on their way now may have been counted before it; the answer to any later call knows of it.
            self.unconfirmed += 1
            self._responses_until_confirmed = self.in_flight + 1
        elif answered and self.unconfirmed:
            self._responses_until_confirmed -= 1
            if self._responses_until_confirmed <= 0:
                self.unconfirmed = 0
        if went_ahead and self.probe_state:
            self.probe_state = None if answered else False

    def seconds_until_end(self, now: float) -> float:
        """How long until the stated end of the window; 0 if that is not known or has passed."""
        return 0.0 if self._ends is None else max(0.0, self._ends - now)

    def seconds_until_open(self, now: float) -> float:
        """How long until the window counts as over and the next one may be tried; infinite if its end is not known."""
        return max(0.0, self._opens - now)

    def open_at_stated_end(self, now: float) -> None:
        """Take the window as over at its stated end: somebody cannot wait until that is sure."""
        if self._ends is not None and now >= self._ends:
            self._open()

    def update_fast(self, status: int, headers: Mapping[str, str]) -> bool:
        """Learn from by far the most frequent answer: the same window, fewer calls left.

        Compares texts and needs no clock, for every call pays for it.

        Returns:
            Whether it was such an answer; if not, nothing was learned and `update` is to read it.
        """
        # While somebody learns, no end is known, and an answer that states none is no such answer.
        reset = headers.get(RATE_RESET)
        if reset is None or reset != self._last_reset or headers.get(RATE_LIMIT) != self._last_limit or status == 429:
            return False
        remaining = parse_int(headers.get(RATE_REMAINING))
        if remaining is None:
            return False
        if remaining < self.remaining:  # noqa: PLR1730  # min() would cost every call more
            self.remaining = remaining
        return True

    def update(self, status: int, headers: Mapping[str, str], now: float, epoch: float) -> None:
        """Learn from an answer.

        Args:
            status: Its HTTP status; a 429 closes the window whatever its headers say.
            headers: Its headers; case-insensitive.
            now: Seconds of the monotonic clock.
            epoch: Seconds of the wall clock.
        """
        if status != 429 and now < self._closed_until:
            return  # an answer from before the refusal that closed the window
        remaining_text = headers.get(RATE_REMAINING)
        if remaining_text is not None:
            self._learn(remaining_text, headers, now, epoch)
        if status == 429:
            self._close(headers, now, epoch)

    def _learn(self, remaining_text: str, headers: Mapping[str, str], now: float, epoch: float) -> None:
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
            # A count without an end would close the window for ever; alone it only tightens a window whose end is known.
            if self._ends is not None:
                self.remaining = min(self.remaining, remaining)
            return
        server_now = parse_date(headers.get(DATE))
        left = min(reset - (epoch if server_now is None else server_now), self.length)
        ends = now + left
        if self._ends is not None and ends < self._ends - RESET_TOLERANCE:
            return  # an answer of the window before, overtaken by one of this window
        if left <= 0:
            # The window of this answer is over already: its count says nothing of the next. If it answers whoever went ahead into
            # the next, the server has not come so far yet, and the count holds until it has.
            if self.probe_state:
                self.remaining, self.probe_state, self._reset_slack = remaining, None, RESET_ROUNDING
                self._end_at(now + REPROBE_DELAY, is_exact=True)
            return
        is_new = self._ends is None or ends > self._ends + RESET_TOLERANCE
        self.remaining = remaining if is_new or limit != self.limit else min(self.remaining, remaining)
        self.limit = limit
        self._end_at(ends)
        self._last_reset, self._last_limit = reset_text, headers.get(RATE_LIMIT)
        self.probe_state = None

    def _close(self, headers: Mapping[str, str], now: float, epoch: float) -> None:
        self.remaining = 0
        wait = parse_retry_after(headers, epoch)
        if wait is None:
            wait = max(REPROBE_DELAY, self.seconds_until_end(now))
        if self.probe_state and wait <= RESET_ROUNDING:
            self._reset_slack = RESET_ROUNDING
        self._closed_until = max(self._closed_until, now + min(wait, self.length))
        self._end_at(self._closed_until, is_exact=True)
        self._last_reset = None
        self.probe_state = None

    def _end_at(self, ends: float, *, is_exact: bool = False) -> None:
        """Take the window to end at a moment; the next is open then, or later where the server is known to round down."""
        self._ends, self._opens = ends, ends if is_exact else ends + self._reset_slack

    def _open(self) -> None:
        self.remaining = self.limit
        self.unconfirmed = 0
        self.probe_state = False
        self._ends, self._opens = None, math.inf
        self._last_reset = None
