"""Slow start: how many requests may be in flight while it is unknown how many the server accepts.

It begins with each window and after each refusal, as that of TCP does: with one request, the *probe*. The permits that it gives are
counted by priority, and an interactive request is compared with the interactive ones only.

At the beginning of a window
    The first response ends it. After `PROBE_TIMEOUT` without one, a second request is sent; after another, the limit as it was last
    stated is used.

After a refusal
    Each accepted request allows one more in flight, so their number doubles with every round trip. It also doubles after
    `PROBE_TIMEOUT` without an accepted request. A server that refuses states no count, but the last time it accepted so many. When
    that many were sent, the next ones are sent one at a time, and the number grows again. It ends when as many as the limit of a
    window may be in flight.
"""

from __future__ import annotations

import math
from typing import Final

from cstar_async._types import Priority

PROBE_TIMEOUT: Final = 1.0
"""Seconds without a response after which more requests are sent."""


class SlowStart:
    """The requests of one slow start."""

    def __init__(self) -> None:
        self.number = 0  # of this slow start; its permits carry it, because some are returned after its end
        self.accepted = 0  # requests since it began, also after its end
        self._threshold = 0
        self.begin(0, is_after_refusal=False)
        self.end()

    def begin(self, limit: int, *, is_after_refusal: bool) -> None:
        """Begin with one request; *limit* is that of a window."""
        self.number += 1
        self.is_active, self.is_after_refusal = True, is_after_refusal
        self.portion = 1  # most requests in flight; below 1 counts as 1
        self.grows_at = math.inf
        self._threshold = self.accepted or self._threshold
        self.accepted = self._sent = 0
        self._in_flight = [0, 0]  # by priority
        self._limit = limit

    def end(self) -> None:
        """Allow any number in flight."""
        self.is_active, self.grows_at = False, math.inf

    def confirm(self) -> None:
        """End it because a response states the count of the window. After a refusal, the count did not prevent that."""
        if not self.is_after_refusal:
            self.end()

    def in_flight(self, priority: Priority) -> int:
        """Return how many requests of this or a higher priority have no response."""
        return self._in_flight[0] + (self._in_flight[1] if priority else 0)

    def can_send(self, priority: Priority, now: float) -> bool:
        """Return whether one more request may be in flight."""
        if now >= self.grows_at:
            self.grows_at = now + PROBE_TIMEOUT
            if self.portion > 1 and not self.is_after_refusal:
                self.end()
            else:
                self._grow_to(2 * max(1, self.portion))
        return not self.is_active or self.in_flight(priority) < max(1, self.portion)

    def acquire(self, priority: Priority, now: float) -> int:
        """Take a permit, and return the number that it carries."""
        self._in_flight[priority] += 1
        self._sent += 1
        if self._sent == self._threshold:
            # The responses to those in flight raise it to 1.
            self.portion = 1 - self.in_flight(Priority.BACKGROUND)
        if self.grows_at == math.inf:
            self.grows_at = now + PROBE_TIMEOUT
        return self.number

    def release(self, priority: Priority, number: int, *, is_accepted: bool) -> None:
        """Return a permit."""
        if number != self.number:
            return
        self._in_flight[priority] -= 1
        if is_accepted:
            self.accepted += 1
            self.confirm()
            if self.is_active:
                self.grows_at = math.inf  # until the next request
                self._grow_to(self.portion + 1)

    def _grow_to(self, portion: int) -> None:
        self.portion = portion
        if portion >= self._limit:
            self.end()
