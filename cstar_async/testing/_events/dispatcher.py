"""Who brings events to webhooks: when an attempt is made, how long it may take, and when it is made again.

Theory. A parcel waits in a heap until it is due, by the clock of the fake. Then it goes to the lane of its webhook, which sends one
after the other, so that events arrive in the order in which they happened; one that takes longer than a second is no longer waited
for. All lanes together have a number of places. What fails comes back to the heap, by the documented schedule. (That order is kept
at all is a kindness of the fake: none is promised.)

Closed, it keeps its parcels, those on their way included: they are sent when it is started again.
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
from cstar_async.testing._events.delivery import Delivery, PendingDelivery
from cstar_async.testing._events.faults import NO_FAULTS, DeliveryFaults, DeliveryPlan
from cstar_async.testing._events.sender import LoopbackSender, UndeliveredError, is_loopback
from cstar_async.testing._http.request_log import MAX_REQUESTS, Headers
from cstar_async.testing._http.responses import JSON_CONTENT, timestamp
from cstar_async.testing.clock import FakeClock
from cstar_async.webhooks._signature import signature_header

DOCUMENTED_RETRIES: Final = (30.0, 120.0, 600.0, 3_600.0, 21_600.0, 86_400.0)
"""Seconds before each further attempt (documented)."""

DELIVERY_TIMEOUT_S: Final = 10.0
"""How long a receiver may take (documented)."""

T = TypeVar("T")

_MAX_CONCURRENT: Final = 32
"""Attempts at once."""
_HEAD_OF_LINE_TIMEOUT_S: Final = 1.0
"""How long the next event of a webhook waits for the one before."""

_Lane: TypeAlias = tuple[Database, str]
"""The parcels of one webhook."""


class DeliveryDispatcher:
    """Brings parcels to webhooks.

    Args:
        faults: What goes wrong.
        clock: The time of attempts.
        retries: Seconds before each further attempt.
        longest: How many attempts are remembered.
    """

    def __init__(
        self,
        faults: DeliveryFaults,
        clock: FakeClock,
        *,
        retries: Sequence[float] = DOCUMENTED_RETRIES,
        longest: int = MAX_REQUESTS,
    ) -> None:
        if not all(seconds >= 0 for seconds in retries):
            raise ValueError("the waits before further deliveries are numbers of seconds from 0")
        self.faults: Final = faults
        self.done: Final[deque[Delivery]] = deque(maxlen=longest)
        """The attempts made, oldest first."""
        self._clock = clock
        self._retries = tuple(retries)
        self._post = LoopbackSender()
        self._heap: list[tuple[float, int, PendingDelivery]] = []
        self._numbers = 0
        self._lanes: dict[_Lane, deque[PendingDelivery]] = {}
        self._under_way: dict[PendingDelivery, None] = {}
        self._tasks: set[asyncio.Task[UntypedJSON]] = set()
        self._alarm: asyncio.Task[None] | None = None
        self._places = asyncio.Semaphore(_MAX_CONCURRENT)
        self._watchers: set[asyncio.Future[None]] = set()
        self._is_open = False

    @property
    def pending_count(self) -> int:
        """How many parcels are yet to be delivered, whether due or not."""
        return len(self._heap) + sum(map(len, self._lanes.values())) + len(self._under_way)

    def start(self) -> None:
        """Begin to deliver; a second call does nothing."""
        if not self._is_open:
            self._is_open = True
            self._dispatch_due()

    async def aclose(self) -> None:
        """Stop delivering, and keep what is not delivered; may be called twice, and before a start."""
        self._is_open = False
        tasks = [*self._tasks, *([] if self._alarm is None else [self._alarm])]
        for task in tasks:
            task.cancel()
        try:
            await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            self._alarm = None
            lanes, self._lanes = self._lanes, {}
            for parcel in [*self._under_way, *(parcel for lane in lanes.values() for parcel in lane)]:
                self._keep(parcel, 0.0)
            self._under_way.clear()
            self._places = asyncio.Semaphore(_MAX_CONCURRENT)
            self._tell_watchers()
            await self._post.aclose()

    def enqueue(self, parcel: PendingDelivery, *, after: float = 0.0) -> None:
        """Take a parcel to deliver.

        Args:
            parcel: What, and to whom.
            after: In how many seconds, by the clock.
        """
        self._keep(parcel, after)
        self._dispatch_due()

    async def wait_until_idle(self) -> None:
        """Wait until nothing is on its way or due. What waits for a later moment of the clock goes on waiting."""
        while self._is_open and (self._lanes or self._under_way or self._has_due()):
            watcher: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._watchers.add(watcher)
            try:
                await watcher
            finally:
                self._watchers.discard(watcher)

    async def attempt(self, parcel: PendingDelivery, webhook: Object) -> Delivery:
        """Try to deliver a parcel once.

        Args:
            parcel: What; its plan says what goes wrong.
            webhook: The subscription.

        Returns:
            How it went.
        """
        url, at, began_s = str(webhook["url"]), self._clock.time(), self._clock.monotonic()
        headers = self._headers(parcel, webhook, at)
        plan = parcel.plan or NO_FAULTS
        status: int | None = None
        error: str | None = None
        try:
            if plan.drop == "before":
                raise UndeliveredError("a fault has lost it on its way")
            status = await self._sent(url, headers, parcel.event.body)
            if plan.drop == "after":
                status = None
                raise UndeliveredError("a fault has lost its answer")
        except UndeliveredError as failure:
            error = str(failure)
        return Delivery(
            id=parcel.id,
            event_id=parcel.event.id,
            event_type=parcel.event.type,
            webhook_id=parcel.webhook_id,
            url=url,
            attempt=parcel.attempt,
            status=status,
            error=error,
            at=at,
            duration=self._clock.monotonic() - began_s,
            headers=Headers(headers),
            body=parcel.event.body,
        )

    def _keep(self, parcel: PendingDelivery, after: float) -> None:
        self._numbers += 1
        heapq.heappush(self._heap, (self._clock.monotonic() + after, self._numbers, parcel))

    def _has_due(self) -> bool:
        return bool(self._heap) and self._heap[0][0] <= self._clock.monotonic()

    def _dispatch_due(self) -> None:
        """Put what is due into its lane, and set the alarm for the rest."""
        if not self._is_open:
            return
        while self._has_due():
            parcel = heapq.heappop(self._heap)[2]
            place = (parcel.world, parcel.webhook_id)
            if place in self._lanes:
                self._lanes[place].append(parcel)
            else:
                self._lanes[place] = deque([parcel])
                self._begin(self._serve(place))
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = asyncio.create_task(self._ring(self._heap[0][0])) if self._heap else None

    async def _ring(self, due_s: float) -> None:
        await self._clock.sleep(due_s - self._clock.monotonic())
        self._alarm = None
        self._dispatch_due()

    def _begin(self, work: Coroutine[object, None, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _serve(self, place: _Lane) -> None:
        """Send the parcels of a lane, one after the other."""
        lane, places = self._lanes[place], self._places
        while lane:
            await places.acquire()
            parcel = lane.popleft()
            self._under_way[parcel] = None
            attempt = self._begin(self._try(parcel))
            attempt.add_done_callback(lambda _: places.release())
            await self._is_done_within(attempt, _HEAD_OF_LINE_TIMEOUT_S)
        del self._lanes[place]
        self._tell_watchers()

    async def _try(self, parcel: PendingDelivery) -> None:
        """Do with a parcel what its turn brings. When this is cancelled, the parcel stays under way, and `aclose()` keeps it."""
        webhook = parcel.receiver
        if webhook is not None:
            plan = parcel.plan = parcel.plan or self.faults.plan(parcel.event.type, parcel.webhook_id)
            if plan.delay:
                parcel.plan = attrs.evolve(plan, delay=0.0)
                self.enqueue(parcel, after=plan.delay)
            else:
                await self._deliver(parcel, webhook, plan)
        del self._under_way[parcel]
        self._tell_watchers()

    async def _deliver(self, parcel: PendingDelivery, webhook: Object, plan: DeliveryPlan) -> None:
        """Make an attempt, and its repetitions; and see to the next one if it failed."""
        delivery = await self.attempt(parcel, webhook)
        wait = None
        if not delivery.is_success and is_loopback(delivery.url) and parcel.attempt <= len(self._retries):
            wait = self._retries[parcel.attempt - 1]
            delivery = attrs.evolve(delivery, next_attempt_at=self._clock.time() + wait)
        self.done.append(delivery)
        parcel.plan = NO_FAULTS
        for _ in range(plan.repeat):
            self.done.append(await self.attempt(parcel, webhook))
        if wait is not None:
            parcel.attempt, parcel.plan = parcel.attempt + 1, None
            self.enqueue(parcel, after=wait)

    async def _sent(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """The status that a receiver answers.

        Raises:
            UndeliveredError: It did not, or not in time.
        """
        sending = self._begin(self._post.send(url, headers, body))
        try:
            if await self._is_done_within(sending, DELIVERY_TIMEOUT_S):
                return sending.result()
        finally:
            sending.cancel()
        raise UndeliveredError(f"no answer within {DELIVERY_TIMEOUT_S:g} s")

    async def _is_done_within(self, work: asyncio.Task[T], seconds: float) -> bool:
        """Wait for a task, and not longer than some seconds of the clock."""
        limit = self._begin(self._clock.sleep(seconds))
        try:
            await asyncio.wait({work, limit}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            limit.cancel()
        return work.done()

    def _headers(self, parcel: PendingDelivery, webhook: Object, at: float) -> dict[str, str]:
        return {
            "Content-Type": JSON_CONTENT,
            "User-Agent": "cStar-Webhooks/1.0",
            "X-Webhook-ID": parcel.webhook_id,
            "X-Event-Type": parcel.event.type,
            "X-Event-ID": parcel.event.id,
            "X-Timestamp": timestamp(at),
            "X-Signature": signature_header(parcel.event.body, str(webhook["secret"]), int(at)),
            "X-Delivery-Attempt": str(parcel.attempt),
            "x-cstar-request-id": parcel.request_id,
        }

    def _tell_watchers(self) -> None:
        for watcher in self._watchers:
            if not watcher.done():
                watcher.set_result(None)
