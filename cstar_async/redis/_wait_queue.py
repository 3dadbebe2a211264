"""The requests of this process that wait for a permit."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

from cstar_async._rate_limit.interface import Permit
from cstar_async._rate_limit.window import REPROBE_DELAY
from cstar_async._types import Priority, UntypedJSON
from cstar_async.errors import CStarError
from cstar_async.redis._local_state import LEASE_RENEWAL_INTERVAL

MIN_POLL_INTERVAL: Final = 0.02
MAX_POLL_INTERVAL: Final = 0.25
"""Seconds between two exchanges while a response to any process may free a permit. They grow while none does."""


class Waiter:
    """A waiting request. Its future gets the permit or an error."""

    __slots__ = ("deadline", "future", "on_wait", "priority")

    def __init__(self, priority: Priority, deadline: float, on_wait: Callable[[float], None]) -> None:
        self.priority: Final = priority
        self.deadline = deadline
        self.on_wait: Callable[[float], None] | None = on_wait
        self.future: asyncio.Future[Permit] = asyncio.get_running_loop().create_future()


class WaitQueue:
    """Waiting requests, first-in first-out within a priority. Times are those of the event loop."""

    def __init__(self, reserve: float) -> None:
        self._reserve = reserve
        self._queues: dict[Priority, deque[Waiter]] = {priority: deque() for priority in Priority}
        self._opens: dict[Priority, float] = dict.fromkeys(Priority, 0.0)
        self._poll_interval = 0.0

    def __len__(self) -> int:
        return sum(self.counts)

    @property
    def counts(self) -> list[int]:
        """Number of waiting requests by priority."""
        return [len(queue) for queue in self._queues.values()]

    def add(self, priority: Priority, deadline: float, on_wait: Callable[[float], None]) -> Waiter:
        """Add a request, which calls *on_wait* once with its expected wait."""
        waiter = Waiter(priority, deadline, on_wait)
        self._queues[priority].append(waiter)
        return waiter

    def discard(self, waiter: Waiter) -> None:
        """Remove a request if it still waits."""
        if waiter in self._queues[waiter.priority]:
            self._queues[waiter.priority].remove(waiter)

    def pop(self, priority: Priority) -> Waiter | None:
        """Remove and return the first request that was not cancelled."""
        queue = self._queues[priority]
        while queue:
            waiter = queue.popleft()
            if not waiter.future.done():
                return waiter
        return None

    def fail_all(self, make_error: Callable[[], CStarError]) -> None:
        """Fail all requests."""
        for priority in Priority:
            while (waiter := self.pop(priority)) is not None:
                waiter.future.set_exception(make_error())

    def seconds_until_open(self, priority: Priority) -> float:
        """Return the time until the window is expected to open; a short time if that is unknown."""
        return max(0.0, self._opens[priority] - asyncio.get_running_loop().time()) or REPROBE_DELAY

    def seconds_until_poll(self, reply: Mapping[str, UntypedJSON]) -> float:
        """Return the time until the next exchange: the end of the window, or less if a response may free a permit."""
        poll_after: float | None = reply.get("poll_after")
        if poll_after is None:
            return 0.0  # the requests came during the exchange
        if poll_after or any(reply["granted"]):
            self._poll_interval = 0.0
        if poll_after:
            return min(LEASE_RENEWAL_INTERVAL, poll_after)
        self._poll_interval = min(MAX_POLL_INTERVAL, max(MIN_POLL_INTERVAL, self._poll_interval * 1.5))
        return self._poll_interval

    def update(self, reply: Mapping[str, UntypedJSON], make_error: Callable[[float], CStarError]) -> None:
        """Pass the expected waits of a reply to the requests, and fail those that would wait beyond their deadline."""
        now = asyncio.get_running_loop().time()
        interactive = reply["wanted_by_peers"][0] + len(self._queues[Priority.INTERACTIVE])
        for (priority, queue), wait, wanted, peers in zip(
            self._queues.items(), reply["expected_waits"], reply["wanted_by_peers"], reply["waiting_peers"], strict=True
        ):
            opens = now + wait if wait else 0.0
            has_changed = abs(opens - self._opens[priority]) > REPROBE_DELAY
            self._opens[priority] = opens
            if not queue or (queue[-1].on_wait is None and not has_changed):
                continue
            usable = max(1, int(reply["limit"] * (1 - self._reserve if priority else 1)))
            for position, waiter in enumerate(list(queue)):
                if waiter.future.done() or (waiter.on_wait is None and not has_changed):
                    continue
                # Permits are divided evenly, so each process is ahead by as many requests as this one has sent, and one more.
                ahead = position + min(wanted, peers * (position + 1)) + (interactive if priority else 0)
                expected = wait + (ahead // usable) * reply["length"] if wait else 0.0
                if now + expected > waiter.deadline:
                    queue.remove(waiter)
                    waiter.future.set_exception(make_error(expected))
                elif waiter.on_wait is not None:
                    on_wait, waiter.on_wait = waiter.on_wait, None
                    on_wait(expected)
