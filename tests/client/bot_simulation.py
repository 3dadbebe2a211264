"""A month of a bot: cStar delivers events, and the API, the disk and the machine of the bot fail from time to time.

Time is virtual. The store is a real file; its writes run in the event loop, so that the clock does not jump while one is running.
"""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

from cstar_async import ConnectionFailedError, CStarError, RateLimitWaitError, RequestTimeoutError, ServerError
from cstar_async.testing.clock import FakeClock
from cstar_async.webhooks import SqliteStore, WebhookEvent, WebhookInbox, _sqlite_store, sign
from tests.client.inboxes import SECRET, body_of

T = TypeVar("T")

HOUR = 3600.0
DAY = 24 * HOUR
DELIVERY_DELAYS = (0.0, 30.0, 120.0, 600.0, HOUR, 6 * HOUR, 24 * HOUR)
"""Seconds before each delivery of an event that was not accepted."""


class Span(NamedTuple):
    """A time in which something fails, in seconds since the start."""

    begin: float
    end: float


class Plan(NamedTuple):
    """What happens in the simulation."""

    days: int
    tickets: int
    events_per_ticket: int
    outages: tuple[Span, ...]
    closed_windows: tuple[Span, ...]
    """The hours in which no request is left."""
    disk_failures: tuple[Span, ...]
    suspensions: dict[float, float]
    """The time and the duration of each suspension of the machine."""
    kills: tuple[float, ...]
    closes: tuple[float, ...]
    deadly: frozenset[str]
    """Events whose handler ends the process."""
    broken: frozenset[str]
    """Events whose handler raises, until the program is corrected."""


class SimulatedStore(SqliteStore):
    """A store in a file on a disk that fails at times, before a write or after it."""

    def __init__(self, path: Path, simulation: Simulation) -> None:
        super().__init__(path, _clock=simulation)
        self._simulation = simulation

    async def _run_in_thread(self, run: Callable[[sqlite3.Connection], T], *, is_durable: bool = True) -> T:
        await asyncio.sleep(0)  # the process may be killed before the write
        fails = self._simulation.is_in(self._simulation.plan.disk_failures)
        if fails and self._simulation.random.random() < 0.7:
            raise sqlite3.OperationalError("database or disk is full")
        job = _sqlite_store._Job(run, is_durable, asyncio.Future())  # pyright: ignore[reportPrivateUsage]
        self._run_transaction([job])
        await asyncio.sleep(0)  # or after it
        if fails or job.error:
            raise job.error or sqlite3.OperationalError("disk I/O error")
        result: T = job.result
        return result

    async def aclose(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Simulation:
    """cStar, the machine of the bot, and its processes. It is the clock of the bot."""

    def __init__(self, plan: Plan, path: Path, seed: int) -> None:
        self.plan = plan
        self.dead: dict[str, int] = {}
        self.dead_at_the_end: list[str] = []
        self.random = random.Random(seed)
        self.handled: list[str] = []
        self.accepted: Counter[str] = Counter()
        self.may_repeat: Counter[str] = Counter()
        """How often an event was handled without a mark in the file when its process ended."""
        self.starts = 0
        self.inbox: WebhookInbox | None = None
        self._path = path
        self._clock = FakeClock(start=1_790_000_000, autojump=True)
        self._began = self._clock.time()
        self._suspended = 0.0
        self._is_repaired = False
        self._stops: asyncio.Queue[Literal["kill", "close", "end"]] = asyncio.Queue()
        self._tasks: set[asyncio.Task[Any]] = set()

    def monotonic(self) -> float:
        """Return the time of a clock that stops while the machine is suspended."""
        return self._clock.monotonic()

    def time(self) -> float:
        """Return the time of the wall clock."""
        return self._clock.time() + self._suspended

    async def sleep(self, seconds: float) -> None:
        """Sleep by the monotonic clock."""
        await self._clock.sleep(seconds)

    def is_in(self, spans: Iterable[Span]) -> Span | None:
        """Return the span that the present is in."""
        now = self.time() - self._began
        return next((span for span in spans if span.begin <= now < span.end), None)

    def ids_of(self, ticket: int) -> list[str]:
        """Return the events of a ticket, in order."""
        return [f"evt_{ticket}_{number}" for number in range(self.plan.events_per_ticket)]

    async def run(self) -> None:
        """Run until every event is delivered and handled, and then try the dead letters of the corrected handler again."""
        self._tasks.add(asyncio.current_task() or self._spawn(asyncio.sleep(0)))
        bot = self._spawn(self._supervise())
        work = [self._stop_at(self.plan.kills, "kill"), self._stop_at(self.plan.closes, "close"), self._suspend()]
        work += [self._send_ticket(ticket) for ticket in range(self.plan.tickets)]
        await asyncio.gather(*map(self._spawn, work))
        await self._wait_until(self.plan.days * DAY)
        await self._wait_until_idle()
        self.dead = {letter.id: letter.attempts for letter in await self._running().dead_letters()}
        self._is_repaired = True
        for event_id in self.plan.broken:
            assert await self._running().retry_dead_letter(event_id)
        await self._wait_until_idle()
        self.dead_at_the_end = [letter.id for letter in await self._running().dead_letters()]
        self._stops.put_nowait("end")
        await bot

    async def call(self) -> None:
        """Call the API from a handler."""
        await self.sleep(self.random.uniform(0.1, 2.0))
        if self.is_in(self.plan.outages):
            if self.random.random() < 0.2:
                await self.sleep(30.0)
                raise RequestTimeoutError("no response")
            errors = ConnectionFailedError("no connection"), ServerError("maintenance", status=503, retry_after=600.0)
            raise self.random.choice([*errors, ServerError("bad gateway", status=502)])
        if span := self.is_in(self.plan.closed_windows):
            end = self._began + span.end
            retry_at = datetime.fromtimestamp(end, UTC)
            raise RateLimitWaitError("no requests are left", retry_at=retry_at, wait=end - self.time())

    async def _handle(self, event: WebhookEvent) -> None:
        if event.id in self.plan.deadly:
            self._stops.put_nowait("kill")
            await asyncio.Event().wait()
        await self.call()
        if event.id in self.plan.broken and not self._is_repaired:
            raise KeyError(event.id)
        self.handled.append(event.id)

    async def _supervise(self) -> None:
        """Start a process again whenever one has ended."""
        stop = ""
        while stop != "end":
            self.starts += 1
            store = SimulatedStore(self._path, self)
            inbox = WebhookInbox(SECRET, store=store, shutdown_timeout=0, _clock=self)
            inbox.on("*")(self._handle)
            try:
                await inbox.start()
                self.inbox = inbox
                stop = await self._stops.get()
                self.inbox = None
                if stop != "kill":
                    await inbox.aclose()
            except CStarError:
                pass  # the process ends
            tasks = asyncio.all_tasks() - self._tasks
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await store.aclose()
            with sqlite3.connect(self._path) as file:
                pending = {row[0] for row in file.execute("SELECT id FROM events WHERE body IS NOT NULL AND error IS NULL")}
            file.close()
            self.may_repeat.update(pending & set(self.handled))
            await self.sleep(60.0)

    async def _send_ticket(self, ticket: int) -> None:
        """Deliver the events of a ticket, each when the one before was accepted, so that their order is defined."""
        ids = self.ids_of(ticket)
        times = sorted(self.random.uniform(0, self.plan.days - 1) * DAY for _ in ids)
        for at, event_id in zip(times, ids, strict=True):
            await self._wait_until(at)
            body = json.dumps(json.loads(body_of(0, about=f"tkt_{ticket}")) | {"id": event_id}).encode()
            for delay in DELIVERY_DELAYS:
                await self.sleep(delay)
                if await self._deliver(body) == 200:
                    self.accepted[event_id] += 1
                    break
            if self.random.random() < 0.2:  # the response was lost
                self._spawn(self._repeat(body))

    async def _repeat(self, body: bytes) -> None:
        await self.sleep(self.random.choice(DELIVERY_DELAYS[:-1]))
        await self._deliver(body)

    async def _deliver(self, body: bytes) -> int | None:
        """Return the status, or None if no process is running, or if it is killed meanwhile."""
        if self.inbox is None:
            return None
        headers = {"X-Signature": sign(body, SECRET, timestamp=int(self.time()))}
        delivery = asyncio.create_task(self.inbox.receive(body, headers))
        await asyncio.wait([delivery])
        return None if delivery.cancelled() else delivery.result()

    async def _stop_at(self, times: tuple[float, ...], stop: Literal["kill", "close"]) -> None:
        for at in times:
            await self._wait_until(at)
            self._stops.put_nowait(stop)

    async def _suspend(self) -> None:
        for at, duration in self.plan.suspensions.items():
            await self._wait_until(at)
            self._suspended += duration

    async def _wait_until(self, at: float) -> None:
        await self.sleep(self._began + at - self.time())

    async def _wait_until_idle(self) -> None:
        """Wait for a process that has no event left."""
        while self.inbox is None or self.inbox.pending or not self._stops.empty():
            await self.sleep(HOUR)

    def _running(self) -> WebhookInbox:
        assert self.inbox is not None
        return self.inbox

    def _spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Start a task that does not belong to a process of the bot."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        return task
