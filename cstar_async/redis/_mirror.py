"""What one process knows of the fleet's window, and what it may do while it cannot ask."""

from __future__ import annotations

import math
from collections.abc import Mapping

from cstar_async._headers import read_count
from cstar_async._json import Unchecked
from cstar_async._options import Priority
from cstar_async._rate_limit import Window


class Mirror(Window):
    """The window as the fleet's book shows it, and as this process's own answers change it.

    Alone, it grants what a `Window` grants, and of that no more than a share: of the calls that were left when the book was lost
    from sight, and of each new window. Shares of all processes together are within the limit.

    Args:
        reserve: As of a `Window`.
        share: What the limit is divided by while the process is alone.
    """

    __slots__ = ("_allotment", "_is_alone", "_share", "_spent")

    def __init__(self, *, reserve: float, share: int) -> None:
        super().__init__(reserve=reserve)
        self._share = share
        self._is_alone = False
        self._allotment = 0
        self._spent = 0

    def go_alone(self) -> None:
        """The book is out of sight: go by a share."""
        if not self._is_alone:
            self._is_alone = True
            self._allotment, self._spent = self.remaining // self._share, 0

    def adopt(self, reply: Mapping[str, Unchecked], now: float, *, has_news: bool) -> None:
        """Go by what the book says.

        Args:
            reply: The answer of the book.
            now: Seconds of the monotonic clock.
            has_news: Whether an answer of the API came in while the book was asked; the book hears of it next.
        """
        self._is_alone = False
        if reply["state"] != "known":
            return
        self.learning = None
        if has_news:
            return
        left, reset = reply.get("left"), reply.get("reset")
        self.limit, self.remaining, self.length = int(reply["limit"]), int(reply["remaining"]), float(reply["length"])
        if left is None:
            self._ends, self._opens = None, math.inf
        else:
            self._end_at(now + float(left))
        self._last_limit, self._last_reset = str(self.limit), None if reset is None else str(int(reset))

    def go_ahead(self) -> None:
        """Begin a new window, of which this process learns the state."""
        self._open()

    def knowledge(self, now: float) -> dict[str, Unchecked] | None:
        """The window as it stands, for the book; None if nothing is known of it, or it is over."""
        left = self.seconds_until_end(now)
        if not left:
            return None
        known: dict[str, Unchecked] = {"limit": self.limit, "remaining": self.remaining, "length": self.length, "left": left}
        reset = read_count(self._last_reset)
        return known if reset is None else {**known, "reset": reset}

    def has_room(self, priority: Priority, now: float) -> bool:
        """Whether a call may be sent now; alone, whether it is also within the share."""
        if not super().has_room(priority, now):
            return False
        left = self._allotment - self._spent
        return not self._is_alone or left > (self.reserve * self._allotment if priority else 0)

    def left(self, priority: Priority, now: float) -> int:
        """Calls that the window still has; alone, those of the share."""
        left = super().left(priority, now)
        if not self._is_alone:
            return left
        return max(0, min(left, math.floor(self._allotment - self._spent - (self.reserve * self._allotment if priority else 0))))

    def take(self) -> bool:
        """Give a permit; alone, one of the share."""
        self._spent += 1
        return super().take()

    def _open(self) -> None:
        super()._open()
        # At least one, or a process would never learn that there are more.
        self._allotment, self._spent = max(1, self.limit // self._share), 0
