"""What one process knows of the fleet's window, and what it may do while it cannot ask."""

from __future__ import annotations

import math
from collections.abc import Mapping

from cstar_async._protocol.headers import parse_int
from cstar_async._rate_limit.window import ProbeState, RateLimitWindow
from cstar_async._types import Priority, UntypedJSON


class SharedWindow(RateLimitWindow):
    """The window as the fleet's book shows it, and as this process's own answers change it.

    Alone, it grants what a `RateLimitWindow` grants, and of that no more than a share: of the calls that were left when the book was lost
    from sight, and of each new window. Shares of all processes together are within the limit.

    Args:
        reserve: As of a `RateLimitWindow`.
        share: What the limit is divided by while the process is alone.
    """

    __slots__ = ("_fallback_budget", "_is_fresh", "_share", "_spent", "in_fallback")

    def __init__(self, *, reserve: float, share: int) -> None:
        super().__init__(reserve=reserve)
        self._share = share
        self.in_fallback = False
        """Whether the process goes by its share."""
        self._fallback_budget = 0
        self._spent = 0
        self._is_fresh = False

    def enter_fallback(self, elsewhere: int) -> None:
        """The book is out of sight, or does not know enough: go by a share of what is left without the calls under way.

        Args:
            elsewhere: Calls under way in other processes.
        """
        if not self.in_fallback:
            self.in_fallback, self._is_fresh = True, False
            self._fallback_budget, self._spent = max(0, self.remaining - self.in_flight - elsewhere) // self._share, 0

    def note_answer(self) -> None:
        """An answer came: what is known is not older than that. The first one may show that less is left than was thought."""
        if self.in_fallback and not self._is_fresh:
            self._is_fresh = True
            left = max(0, self.remaining - self.in_flight) // self._share
            self._fallback_budget = min(self._fallback_budget, self._spent + left)

    def fallback_budget_left(self) -> int:
        """Calls that may be sent before the book has a say, in this window or when the next begins; 0 unless alone."""
        return max(self._fallback_budget - self._spent, self._part_of_window()) if self.in_fallback else 0

    def apply_snapshot(self, reply: Mapping[str, UntypedJSON], now: float, *, has_news: bool) -> None:
        """Go by what the book says.

        Args:
            reply: The answer of the book.
            now: Seconds of the monotonic clock.
            has_news: Whether an answer of the API came in while the book was asked; the book hears of it next.
        """
        self.in_fallback = False
        if reply["state"] != "known":
            return
        self.probe_state = ProbeState.KNOWN
        if has_news:
            return
        self._reset_slack = max(self._reset_slack, reply["lateness"])
        left, reset = reply.get("left"), reply.get("reset")
        self.limit, self.remaining, self.length = int(reply["limit"]), int(reply["remaining"]), float(reply["length"])
        if left is None:
            self._ends, self._opens = None, math.inf
        else:
            self._end_at(now + float(left))
        self._last_limit, self._last_reset = str(self.limit), None if reset is None else str(int(reset))

    @property
    def late(self) -> float:
        """Seconds by which a window is known to end later than stated at most: an answer to whoever went ahead showed it."""
        return self._reset_slack

    def start_probe(self) -> None:
        """Begin a new window, of which this process learns the state."""
        self._open()

    def snapshot(self, now: float) -> dict[str, UntypedJSON] | None:
        """The window as it stands, for the book; None if nothing is known of it, or it is over."""
        if self._ends is None or now >= self._opens:
            return None
        left, reset = self._ends - now, parse_int(self._last_reset)
        known: dict[str, UntypedJSON] = {
            "limit": self.limit,
            "remaining": self.remaining,
            "length": self.length,
            "left": left,
            "is_exact": self._reset_slack > 0 and self._opens == self._ends,
        }
        return known if reset is None else {**known, "reset": reset}

    def has_room(self, priority: Priority, now: float) -> bool:
        """Whether a call may be sent now; alone, whether it is also within the share."""
        if not super().can_send(priority, now):
            return False
        if not self.in_fallback:
            return True
        if self._fallback_budget - self._spent <= (self.reserve * self._fallback_budget if priority else 0):
            return False
        return self.probe_state is ProbeState.NEEDS_PROBE or self._may_be_one_more()

    def _may_be_one_more(self) -> bool:
        """Whether the calls under way are few enough for one more, alone.

        Shares are reckoned from what each process knew last, and one may have known of more than there was. So one call finds out
        first; and where little is left, no process has more than half of its part of it under way.
        """
        part = self.remaining // self._share
        return self.in_flight < (part + 1) // 2 if self._is_fresh else part > 0 and self._spent == 0

    def calls_left(self, priority: Priority, now: float) -> int:
        """Calls that the window still has; alone, those of the share."""
        left = super().calls_left(priority, now)
        if not self.in_fallback:
            return left
        return max(
            0,
            min(left, math.floor(self._fallback_budget - self._spent - (self.reserve * self._fallback_budget if priority else 0))),
        )

    def take(self) -> bool:
        """Give a permit; alone, one of the share."""
        self._spent += 1
        return super().acquire()

    def _open(self) -> None:
        super()._open()
        # At least one, or a process would never learn that there are more.
        self._fallback_budget, self._is_fresh = self._part_of_window(), False
        # Calls under way may be counted in this window.
        self._spent = min(self.in_flight, self._fallback_budget - 1)

    def _part_of_window(self) -> int:
        return max(1, self.limit // self._share)
