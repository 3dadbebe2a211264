"""A process's copy of the shared window, and what it may send without Redis."""

from __future__ import annotations

import math
from collections.abc import Mapping

from cstar_async._protocol.headers import parse_int
from cstar_async._rate_limit.window import WALL_CLOCK_TOLERANCE, RateLimitWindow
from cstar_async._types import Priority, UntypedJSON


class SharedWindow(RateLimitWindow):
    """The window as last read from Redis, updated by the responses to this process.

    In *fallback* it grants at most a share of the requests that were left when the fallback began, and of each later window. The
    shares of all processes together are within the limit. What this process last read may be old, so a slow start finds out first.
    After that, few are in flight at once when few are left.
    """

    def __init__(self, *, reserve: float, expected_processes: int) -> None:
        super().__init__(reserve=reserve)
        self._expected_processes = expected_processes
        self.in_fallback = False
        self._fallback_budget = 0
        self._fallback_used = 0
        self._is_confirmed = False  # by a response since the fallback began

    def can_send(self, priority: Priority, now: float) -> bool:
        """Return whether a request may be sent now, in fallback also whether its share allows it."""
        allowed = super().can_send(priority, now)
        if not allowed or not self.in_fallback:
            return allowed
        if self._fallback_left(priority) <= 0:
            return False
        share = self.remaining // self._expected_processes
        if self.slow_start.is_active:
            return share > 0 or self._ends is None  # one request of each new window is in the share
        return self.in_flight < (share + 1) // 2

    def calls_left(self, priority: Priority, now: float, epoch: float) -> int:
        """Return how many requests can still be sent, in fallback those of the share."""
        left = super().calls_left(priority, now, epoch)
        return max(0, min(left, math.floor(self._fallback_left(priority)))) if self.in_fallback else left

    def acquire(self, priority: Priority, now: float) -> int:
        """Take a permit; see `RateLimitWindow.acquire`."""
        self._fallback_used += 1
        return super().acquire(priority, now)

    def enter_fallback(self, held_by_peers: int) -> None:
        """Continue without Redis."""
        if not self.in_fallback:
            self.in_fallback, self._is_confirmed = True, False
            # Also instead of an active one, because that of Redis has granted permits that this process does not hold.
            self.slow_start.begin(self.limit, is_after_refusal=self.slow_start.is_active and self.slow_start.is_after_refusal)
            self._fallback_budget, self._fallback_used = self._share_of(self.remaining - self.in_flight - held_by_peers), 0

    def confirm_fallback(self) -> None:
        """Reduce the budget to a share of what the first response leaves, if that is less than was assumed."""
        if self.in_fallback and not self._is_confirmed:
            self._is_confirmed = True
            left = self._share_of(self.remaining - self.in_flight)
            self._fallback_budget = min(self._fallback_budget, self._fallback_used + left)

    def fallback_left(self) -> int:
        """Return how many requests may be sent before the next reply of Redis, in this window or at the start of the next."""
        return max(self._fallback_budget - self._fallback_used, self._share_of_window()) if self.in_fallback else 0

    def snapshot(self, now: float, epoch: float) -> dict[str, UntypedJSON] | None:
        """Return the window for a request to Redis; None if it is unknown or over."""
        if self._ends is None or now >= self._opens or epoch >= self._opens_by_wall_clock:
            return None
        left = self._ends - now
        left_by_wall_clock = self._opens_by_wall_clock - WALL_CLOCK_TOLERANCE - (self._opens - self._ends) - epoch
        if left_by_wall_clock < left - WALL_CLOCK_TOLERANCE:
            left = left_by_wall_clock  # the machine was suspended
        return {
            "limit": self.limit,
            "remaining": self.remaining,
            "length": self.length,
            "left": left,
            "is_exact": self.reset_slack > 0 and self._opens == self._ends,
            **({} if (reset := parse_int(self._last_reset)) is None else {"reset": reset}),
        }

    def apply_snapshot(self, reply: Mapping[str, UntypedJSON], now: float, epoch: float, *, is_outdated: bool) -> None:
        """Leave the fallback and apply a reply. One that misses a newer response (*is_outdated*) only lowers a count."""
        self.in_fallback = False
        if not reply["is_known"]:
            return
        self.slow_start.end()
        left, reset = reply.get("left"), reply.get("reset")
        if is_outdated:
            if reset is not None and str(int(reset)) == self._last_reset:
                self.remaining = min(self.remaining, int(reply["remaining"]))
            return
        self.reset_slack = max(self.reset_slack, reply["reset_slack"])
        self.limit, self.remaining, self.length = int(reply["limit"]), int(reply["remaining"]), float(reply["length"])
        if left is None:
            self._ends, self._opens = None, math.inf
        else:
            self._end_in(float(left), now, epoch)
        self._last_limit, self._last_reset = str(self.limit), None if reset is None else str(int(reset))

    def open(self) -> None:
        """Open the next window, of which one request at least is in the share."""
        super().open()
        self._fallback_budget, self._is_confirmed = self._share_of_window(), False
        # Requests in flight may count in the new window.
        self._fallback_used = min(self.in_flight, self._fallback_budget - 1)

    def _fallback_left(self, priority: Priority) -> float:
        return self._fallback_budget - self._fallback_used - (self.reserve * self._fallback_budget if priority else 0)

    def _share_of(self, count: int) -> int:
        return max(0, count) // self._expected_processes

    def _share_of_window(self) -> int:
        return max(1, self._share_of(self.limit))  # at least the probe
