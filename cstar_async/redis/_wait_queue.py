"""The requests of this process that wait for a permit."""

from __future__ import annotations

import asyncio
from bisect import insort
from collections import deque
from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Final

from cstar_async._event_loop.clock import Clock
from cstar_async._rate_limit.interface import Permit
from cstar_async._rate_limit.window import REPROBE_DELAY
from cstar_async._types import Priority, UntypedJSON
from cstar_async.errors import CStarError
from cstar_async.redis._local_state import LEASE_RENEWAL_INTERVAL
from cstar_async.redis._shared_window import SharedWindow

MIN_POLL_INTERVAL: Final = 0.02
MAX_POLL_INTERVAL: Final = 0.25
"""Seconds between two exchanges while a response to any process may free a permit. They grow while none does."""

_STARTED: Final = attrgetter("started")


class Waiter:
    """A waiting request. Its future gets the permit or an error."""

    __slots__ = ("deadline", "future", "on_wait", "priority", "started")

    def __init__(self, priority: Priority, started: float, deadline: float, on_wait: Callable[[float], None]) -> None:
        self.priority: Final = priority
        self.started: Final = started
        self.deadline = deadline
        self.on_wait: Callable[[float], None] | None = on_wait
        self.future: asyncio.Future[Permit] = asyncio.get_running_loop().create_future()

    def notify_wait(self, expected: float) -> None:
        """Call `on_wait`, the first time."""
        if self.on_wait is not None:
            on_wait, self.on_wait = self.on_wait, None
            on_wait(expected)


class WaitQueue:
    """Waiting requests, within a priority in the order in which their calls started. Times are those of the event loop."""

    def __init__(self, reserve: float) -> None:
        self._reserve = reserve
        self._queues: dict[Priority, deque[Waiter]] = {priority: deque() for priority in Priority}
        self._opens: dict[Priority, float] = dict.fromkeys(Priority, 0.0)
        self._poll_interval = 0.0
        self._has_new = False
        self.blocking_losses = [0, 0]
        """Number of requests without a response that keep others waiting, by priority; 0 if the limit does."""

    def __len__(self) -> int:
        return sum(self.counts)

    @property
    def counts(self) -> list[int]:
        """Number of waiting requests by priority."""
        return [len(queue) for queue in self._queues.values()]

    def add(self, priority: Priority, started: float, deadline: float, on_wait: Callable[[float], None]) -> Waiter:
        """Add a request, which calls *on_wait* once with its expected wait."""
        waiter = Waiter(priority, started, deadline, on_wait)
        insort(self._queues[priority], waiter, key=_STARTED)
        self._has_new = True
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

    def grant(self, reply: Mapping[str, UntypedJSON], on_grant: Callable[[Permit], None]) -> bool:
        """Give the permits of a reply to the requests. Return whether some are left over."""
        has_rest = False
        for priority, count in zip(Priority, reply["granted"], strict=True):
            for _ in range(count):
                waiter = self.pop(priority)
                if waiter is None:
                    has_rest = True
                    break
                permit = Permit(reply["is_probe"], reply["number"], priority)
                on_grant(permit)
                waiter.future.set_result(permit)
        return has_rest

    def grant_from(self, window: SharedWindow, clock: Clock) -> None:
        """Give the permits of a fallback to the requests."""
        now = clock.monotonic()
        window.open_if_over(now, clock.time())
        for priority, queue in self._queues.items():
            while queue and window.can_send(priority, now):
                waiter = self.pop(priority)
                if waiter is not None:
                    slow_start = window.acquire(priority, now)
                    waiter.future.set_result(Permit(slow_start > 0, slow_start, priority))

    def fail_all(self, make_error: Callable[[], CStarError]) -> None:
        """Fail all requests."""
        for priority in Priority:
            while (waiter := self.pop(priority)) is not None:
                waiter.future.set_exception(make_error())

    def seconds_until_open(self, priority: Priority) -> float:
        """Return the time until the window is expected to open; 0 if that is unknown."""
        return max(0.0, self._opens[priority] - asyncio.get_running_loop().time())

    def notify_waits(self) -> None:
        """Notify the requests that wait for an unknown time."""
        if self._has_new:
            self._has_new = False
            for queue in self._queues.values():
                for waiter in list(queue):
                    waiter.notify_wait(0.0)

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

    def update(self, reply: Mapping[str, UntypedJSON], make_error: Callable[[Priority, float], CStarError]) -> None:
        """Pass the expected waits of a reply to the requests, and fail those that would wait beyond their deadline."""
        now = asyncio.get_running_loop().time()
        has_new, self._has_new = self._has_new, False
        self.blocking_losses = reply["blocking_losses"]
        interactive = reply["wanted_by_peers"][0] + len(self._queues[Priority.INTERACTIVE])
        for (priority, queue), wait, wanted, peers in zip(
            self._queues.items(), reply["expected_waits"], reply["wanted_by_peers"], reply["waiting_peers"], strict=True
        ):
            opens = now + wait if wait else 0.0
            has_changed = abs(opens - self._opens[priority]) > REPROBE_DELAY
            self._opens[priority] = opens
            if not has_new and not has_changed:
                continue
            usable = max(1, int(reply["limit"] * (1 - self._reserve if priority else 1)))
            for position, waiter in enumerate(list(queue)):
                if waiter.future.done() or (waiter.on_wait is None and not has_changed):
                    continue
                # Permits are divided evenly, so each process is ahead by as many requests as this one has sent, and one more.
                ahead = position + min(wanted, peers * (position + 1)) + (interactive if priority else 0)
                expected = wait + (ahead // usable) * reply["length"] if wait else 0.0
                if expected and now + expected > waiter.deadline:
                    queue.remove(waiter)
                    waiter.future.set_exception(make_error(priority, expected))
                else:
                    waiter.notify_wait(expected)
