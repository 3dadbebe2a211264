"""Simulate an export and a bot that share a key for hours, on a clock that jumps from event to event."""

from __future__ import annotations

import asyncio
import random

import attrs
import pytest

from cstar_async import Priority, RateLimiter
from cstar_async._rate_limit.interface import Permit
from cstar_async.testing import FakeClock

pytestmark = pytest.mark.no_cover

HOUR = 3600.0
LATENCY = 0.05
"""Seconds between a request and its response."""
TIMEOUT = 30.0
"""Seconds without a response after which a request is lost."""


@attrs.define
class StrictServer:
    """A server that counts requests in windows of an hour, and refuses those beyond the limit."""

    clock: FakeClock
    limit: int = 1000
    ends: float = 0.0
    used: int = 0
    served: int = 0
    refused: int = 0
    hangs_first: bool = False
    """Whether the first request of each window gets no response."""

    def is_hanging(self) -> bool:
        """Return whether the request that arrives now gets no response. It is not counted."""
        if not self.hangs_first or self.clock.time() < self.ends:
            return False
        self.ends, self.used = self.clock.time() + HOUR, 0
        return True

    def respond(self) -> tuple[int, dict[str, str]]:
        """Return status and headers for a request that arrives now."""
        now = self.clock.time()
        if now >= self.ends:
            self.ends, self.used = now + HOUR, 0
        status = 200 if self.used < self.limit else 429
        self.used += status == 200
        self.served += status == 200
        self.refused += status == 429
        headers = {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.limit - self.used),
            "X-RateLimit-Reset": str(int(self.ends)),
            "X-RateLimit-Window": "3600",
        }
        return status, headers


class SuspendableClock(FakeClock):
    """A clock that jumps from event to event, and whose wall clock continues in a suspended machine."""

    def __init__(self) -> None:
        self.suspended = 0.0
        super().__init__(autojump=True)

    def time(self) -> float:
        """Return the seconds since the epoch, those of the suspension included."""
        return super().time() + self.suspended


@attrs.define
class Program:
    """A program that uses the key."""

    limiter: RateLimiter
    server: StrictServer
    priority: Priority
    waits: list[float] = attrs.field(factory=list)

    async def call(self) -> None:
        """Send one request as soon as it has a permit, and once more if it gets no response."""
        clock = self.server.clock
        permit = await self.acquire()
        await clock.sleep(LATENCY)
        if self.server.is_hanging():
            await clock.sleep(TIMEOUT)
            self.limiter.release(permit, clock)
            permit = await self.acquire()
            await clock.sleep(LATENCY)
        status, headers = self.server.respond()
        self.limiter.on_response(permit, status, headers, clock)

    async def acquire(self) -> Permit:
        """Wait for a permit, and record the time that it took."""
        clock = self.server.clock
        start = clock.monotonic()
        permit: Permit | None = self.limiter.try_acquire(self.priority, clock)
        if permit is None:
            permit = await self.limiter.acquire(self.priority, clock, max_wait=24 * HOUR, on_wait=lambda _: None)
        self.waits.append(clock.monotonic() - start)
        return permit


async def export(program: Program, *, calls: int, starts_at: float, workers: int = 5) -> None:
    """Send so many requests as fast as the limiter allows, a few at a time."""
    await program.server.clock.sleep(starts_at)
    left = iter(range(calls))

    async def worker() -> None:
        for _ in left:
            await program.call()

    await asyncio.gather(*(worker() for _ in range(workers)))


async def bot(program: Program, *, customers: int, calls_each: int, starts_at: float, hours: float) -> None:
    """Send requests for customers who arrive at random times."""
    clock, rng = program.server.clock, random.Random(7)
    arrivals = sorted(starts_at + rng.uniform(0, hours * HOUR) for _ in range(int(customers * hours)))
    await clock.sleep(starts_at)
    for arrival in arrivals:
        await clock.sleep(arrival - clock.monotonic())
        for _ in range(calls_each):
            await program.call()


STARTS = [(0.0, 0.0), (0.0, 600.0), (600.0, 0.0), (3000.0, 0.0), (0.0, 3000.0), (3595.0, 0.0), (0.0, 3599.5)]
"""When the export and the bot begin: together, in the middle of a window of the other, and just before its end."""


@pytest.mark.parametrize(("export_at", "bot_at"), STARTS)
@pytest.mark.parametrize(
    ("reserve", "calls", "calls_each"),
    [(0.10, 50, 4), (0.25, 5000, 1)],
    ids=["5,000 tickets in pages", "5,000 tickets one by one"],
)
async def test_bot_never_waits_beside_an_export(
    reserve: float, calls: int, calls_each: int, export_at: float, bot_at: float
) -> None:
    """For 200 customers an hour each wait is below a second, whichever starts first, and no request is refused.

    A page has 100 tickets. If the export reads them one by one, the reserve must cover the 200 requests an hour of the bot.
    """
    clock = FakeClock(autojump=True)
    server, limiter = StrictServer(clock), RateLimiter(background_reserve=reserve)
    job = Program(limiter, server, Priority.BACKGROUND)
    bot_program = Program(limiter, server, Priority.INTERACTIVE)
    hours = 8.0 if calls > 1000 else 2.0

    await asyncio.gather(
        export(job, calls=calls, starts_at=export_at),
        bot(bot_program, customers=200, calls_each=calls_each, starts_at=bot_at, hours=hours),
    )

    assert (0, True) == (server.refused, max(bot_program.waits) < 1.0)
    assert calls + len(bot_program.waits) == server.served


async def test_background_continues_while_the_bot_is_busy() -> None:
    """The export gets what the bot leaves of each window, without the reserve.

    Together they use whole windows. Resets are stated in whole seconds, so a probe may be sent too early. No other request is
    refused.
    """
    clock = FakeClock(autojump=True)
    server, limiter = StrictServer(clock), RateLimiter()
    job = Program(limiter, server, Priority.BACKGROUND)
    bot_program = Program(limiter, server, Priority.INTERACTIVE)
    finished_at: list[float] = []

    async def timed_export() -> None:
        await export(job, calls=250, starts_at=0.0)
        finished_at.append(clock.monotonic())

    await asyncio.gather(timed_export(), bot(bot_program, customers=200, calls_each=4, starts_at=0.0, hours=4.0))

    assert finished_at[0] < 3.5 * HOUR
    assert server.refused <= 4


async def test_background_alone_uses_all_but_the_reserve() -> None:
    """Of each window."""
    clock = FakeClock(autojump=True)
    server, limiter = StrictServer(clock), RateLimiter()
    job = Program(limiter, server, Priority.BACKGROUND)
    await export(job, calls=2700, starts_at=0.0)

    assert 0 == server.refused
    assert clock.monotonic() < 2 * HOUR + 300


async def test_limiter_adapts_to_another_process_with_the_same_key() -> None:
    """Each response states what is left, so hardly any request is refused."""
    clock = FakeClock(autojump=True)
    server = StrictServer(clock)
    ours = Program(RateLimiter(), server, Priority.INTERACTIVE)
    theirs = Program(RateLimiter(), server, Priority.INTERACTIVE)

    await asyncio.gather(export(ours, calls=900, starts_at=0.0), export(theirs, calls=900, starts_at=1.0))

    assert 1800 == server.served + server.refused
    assert server.refused <= 25


@pytest.mark.parametrize("export_at", [0.0, 600.0, 3590.0])
async def test_hanging_first_request_of_each_window_delays_no_bot(export_at: float) -> None:
    """It waits for two seconds at most if the request is its own, and not at all if it is one of the export."""
    clock = FakeClock(autojump=True)
    server, limiter = StrictServer(clock, hangs_first=True), RateLimiter(background_reserve=0.5)
    job = Program(limiter, server, Priority.BACKGROUND)
    bot_program = Program(limiter, server, Priority.INTERACTIVE)

    await asyncio.gather(
        export(job, calls=1500, starts_at=export_at), bot(bot_program, customers=200, calls_each=2, starts_at=0.0, hours=4.0)
    )

    assert max(bot_program.waits) < 2.1
    assert 0 == server.refused


@pytest.mark.parametrize("suspended_after", [100.0, 1800.0, 3599.0])
async def test_export_continues_at_once_after_a_suspension(suspended_after: float) -> None:
    """The hour whose limit it used up is over by the wall clock."""
    clock = SuspendableClock()
    server, limiter = StrictServer(clock), RateLimiter()
    job = Program(limiter, server, Priority.BACKGROUND)
    running = asyncio.ensure_future(export(job, calls=1700, starts_at=0.0))
    await clock.sleep(suspended_after)
    assert 900 == server.served
    clock.suspended = 8 * HOUR
    await running

    assert clock.monotonic() < suspended_after + 60
    assert 0 == server.refused
