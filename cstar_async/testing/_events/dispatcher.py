"""Send events to webhooks: when an attempt is made, how long it may take, and when it is retried.

How it works. A pending delivery waits in a heap until it is due by the clock of the fake. Then it moves to the queue of its
webhook, which sends one delivery after the other, in the order of the events. An attempt that takes longer than a second no longer
blocks the next one. A semaphore limits the attempts of all queues together. A failed attempt returns to the heap, by the documented
schedule. cStar promises no order; the fake keeps one.

`aclose()` keeps the pending deliveries, those in flight included. They are sent after the next start.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Coroutine, Mapping, Sequence
from typing import Final, TypeAlias, TypeVar

import attrs

from cstar_async._types import UntypedJSON
from cstar_async.testing._data.store import Database, Object
from cstar_async.testing._events.delivery_log import Delivery, PendingDelivery
from cstar_async.testing._events.faults import NO_FAULTS, DeliveryFaults, DeliveryPlan
from cstar_async.testing._events.sender import LoopbackSender, UndeliveredError, is_loopback
from cstar_async.testing._http.request_log import MAX_REQUESTS, Headers
from cstar_async.testing._http.responses import JSON_CONTENT
from cstar_async.testing.clock import FakeClock, timestamp
from cstar_async.webhooks import sign

DOCUMENTED_RETRIES: Final = (30.0, 120.0, 600.0, 3_600.0, 21_600.0, 86_400.0)
"""Seconds before each further attempt (documented)."""

DELIVERY_TIMEOUT_S: Final = 10.0
"""Seconds that a receiver may take (documented)."""

T = TypeVar("T")

_MAX_CONCURRENT: Final = 32
_HEAD_OF_LINE_TIMEOUT_S: Final = 1.0
"""Seconds that the next event of a webhook waits for the one before."""

_QueueKey: TypeAlias = tuple[Database, str]
"""A webhook: each has a queue of its own."""


class DeliveryDispatcher:
    """Schedules and makes delivery attempts.

    Args:
        faults: The faults that attempts meet.
        clock: The clock of the schedule.
        retries: Seconds before each further attempt.
        max_entries: How many attempts are logged.
    """

    def __init__(
        self,
        faults: DeliveryFaults,
        clock: FakeClock,
        *,
        retries: Sequence[float] = DOCUMENTED_RETRIES,
        max_entries: int = MAX_REQUESTS,
    ) -> None:
        self.faults: Final = faults
        self.done: Final[deque[Delivery]] = deque(maxlen=max_entries)
        """The attempts made, oldest first."""
        self._clock = clock
        self._retries = tuple(retries)
        self._sender = LoopbackSender()
        self._heap: list[tuple[float, int, PendingDelivery]] = []
        self._sequence = 0
        self._queues: dict[_QueueKey, deque[PendingDelivery]] = {}
        self._in_flight: dict[PendingDelivery, None] = {}
        self._tasks: set[asyncio.Task[UntypedJSON]] = set()
        self._timer: asyncio.Task[None] | None = None
        self._semaphore = asyncio.Semaphore(_MAX_CONCURRENT)
        self._watchers: set[asyncio.Future[None]] = set()
        self._is_open = False

    @property
    def pending_count(self) -> int:
        """The number of deliveries that are not done, due or not."""
        return len(self._heap) + sum(map(len, self._queues.values())) + len(self._in_flight)

    def start(self) -> None:
        """Start sending; a second call does nothing."""
        if not self._is_open:
            self._is_open = True
            self._dispatch_due()

    async def aclose(self) -> None:
        """Stop sending and keep what is pending. May be called twice, and before `start()`."""
        self._is_open = False
        tasks = [*self._tasks, *([] if self._timer is None else [self._timer])]
        for task in tasks:
            task.cancel()
        try:
            await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            self._timer = None
            queues, self._queues = self._queues, {}
            for pending in [*self._in_flight, *(pending for queue in queues.values() for pending in queue)]:
                self._schedule(pending, 0.0)
            self._in_flight.clear()
            self._semaphore = asyncio.Semaphore(_MAX_CONCURRENT)
            self._notify_watchers()
            await self._sender.aclose()

    def enqueue(self, pending: PendingDelivery, *, after: float = 0.0) -> None:
        """Add a delivery.

        Args:
            pending: The event and its webhook.
            after: Seconds until it is due, by the clock.
        """
        self._schedule(pending, after)
        self._dispatch_due()

    async def wait_until_idle(self) -> None:
        """Wait until nothing is in flight or due."""
        while self._is_open and (self._queues or self._in_flight or self._has_due()):
            watcher: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._watchers.add(watcher)
            try:
                await watcher
            finally:
                self._watchers.discard(watcher)

    async def attempt(self, pending: PendingDelivery, webhook: Object) -> Delivery:
        """Make one attempt.

        Args:
            pending: The delivery; its plan has the faults.
            webhook: The subscription.

        Returns:
            The attempt with its outcome.
        """
        url, at, began_s = str(webhook["url"]), self._clock.time(), self._clock.monotonic()
        headers = self._headers(pending, webhook, at)
        plan = pending.plan or NO_FAULTS
        status: int | None = None
        error: str | None = None
        try:
            if plan.drop == "before":
                raise UndeliveredError("a fault dropped the request")
            status = await self._post_event(url, headers, pending.event.body)
            if plan.drop == "after":
                status = None
                raise UndeliveredError("a fault dropped the response")
        except UndeliveredError as failure:
            error = str(failure)
        return Delivery(
            id=pending.id,
            event_id=pending.event.id,
            event_type=pending.event.type,
            webhook_id=pending.webhook_id,
            url=url,
            attempt=pending.attempt,
            status=status,
            error=error,
            at=at,
            duration=self._clock.monotonic() - began_s,
            headers=Headers(headers),
            body=pending.event.body,
        )

    def _schedule(self, pending: PendingDelivery, after: float) -> None:
        self._sequence += 1
        heapq.heappush(self._heap, (self._clock.monotonic() + after, self._sequence, pending))

    def _has_due(self) -> bool:
        return bool(self._heap) and self._heap[0][0] <= self._clock.monotonic()

    def _dispatch_due(self) -> None:
        """Move what is due to its queue, and set the timer for the rest."""
        if not self._is_open:
            return
        while self._has_due():
            pending = heapq.heappop(self._heap)[2]
            key = (pending.database, pending.webhook_id)
            if key in self._queues:
                self._queues[key].append(pending)
            else:
                self._queues[key] = deque([pending])
                self._start_task(self._run_queue(key))
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.create_task(self._dispatch_at(self._heap[0][0])) if self._heap else None

    async def _dispatch_at(self, due_s: float) -> None:
        await self._clock.sleep(due_s - self._clock.monotonic())
        self._timer = None
        self._dispatch_due()

    def _start_task(self, work: Coroutine[object, None, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _run_queue(self, key: _QueueKey) -> None:
        """Send the deliveries of a queue, one after the other."""
        queue, semaphore = self._queues[key], self._semaphore
        while queue:
            await semaphore.acquire()
            pending = queue.popleft()
            self._in_flight[pending] = None
            attempt = self._start_task(self._process(pending))
            attempt.add_done_callback(lambda _: semaphore.release())
            await self._finishes_within(attempt, _HEAD_OF_LINE_TIMEOUT_S)
        del self._queues[key]
        self._notify_watchers()

    async def _process(self, pending: PendingDelivery) -> None:
        """Attempt or delay a delivery. When cancelled, it stays in flight, and `aclose()` schedules it again."""
        webhook = pending.webhook
        if webhook is not None:
            plan = pending.plan = pending.plan or self.faults.plan(pending.event.type, pending.webhook_id)
            if plan.delay:
                pending.plan = attrs.evolve(plan, delay=0.0)
                self.enqueue(pending, after=plan.delay)
            else:
                await self._deliver(pending, webhook, plan)
        del self._in_flight[pending]
        self._notify_watchers()

    async def _deliver(self, pending: PendingDelivery, webhook: Object, plan: DeliveryPlan) -> None:
        """Make an attempt and its repetitions, and schedule the retry if it failed."""
        delivery = await self.attempt(pending, webhook)
        wait = None
        if not delivery.is_success and is_loopback(delivery.url) and pending.attempt <= len(self._retries):
            wait = self._retries[pending.attempt - 1]
            delivery = attrs.evolve(delivery, next_attempt_at=self._clock.time() + wait)
        self.done.append(delivery)
        pending.plan = NO_FAULTS
        for _ in range(plan.repeat):
            self.done.append(await self.attempt(pending, webhook))
        if wait is not None:
            pending.attempt, pending.plan = pending.attempt + 1, None
            self.enqueue(pending, after=wait)

    async def _post_event(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """Return the status of the response.

        Raises:
            UndeliveredError: There was no response, or none in time.
        """
        sending = self._start_task(self._sender.send(url, headers, body))
        try:
            if await self._finishes_within(sending, DELIVERY_TIMEOUT_S):
                return sending.result()
        finally:
            sending.cancel()
        raise UndeliveredError(f"no response within {DELIVERY_TIMEOUT_S:g} s")

    async def _finishes_within(self, work: asyncio.Task[T], seconds: float) -> bool:
        """Wait for a task for at most *seconds* of the clock; return whether it is done."""
        limit = self._start_task(self._clock.sleep(seconds))
        try:
            await asyncio.wait({work, limit}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            limit.cancel()
        return work.done()

    def _headers(self, pending: PendingDelivery, webhook: Object, at: float) -> dict[str, str]:
        return {
            "Content-Type": JSON_CONTENT,
            "User-Agent": "cStar-Webhooks/1.0",
            "X-Webhook-ID": pending.webhook_id,
            "X-Event-Type": pending.event.type,
            "X-Event-ID": pending.event.id,
            "X-Timestamp": timestamp(at),
            "X-Signature": sign(pending.event.body, str(webhook["secret"]), timestamp=int(at)),
            "X-Delivery-Attempt": str(pending.attempt),
            "x-cstar-request-id": pending.request_id,
        }

    def _notify_watchers(self) -> None:
        for watcher in self._watchers:
            if not watcher.done():
                watcher.set_result(None)
