"""An export and a bot on one key, for hours: the limiter against a strict server, on a clock that jumps from event to event."""

from __future__ import annotations

import asyncio
import random

import attrs
import pytest

from cstar_async import Priority, RateLimiter
from cstar_async._rate_limit.interface import Permit
from cstar_async.testing import FakeClock

HOUR = 3600.0
LATENCY = 0.05
"""Seconds that an answer takes."""


@attrs.define
class StrictServer:
    """Counts calls in windows of an hour, and remembers whom it refused."""

    clock: FakeClock
    limit: int = 1000
    ends: float = 0.0
    used: int = 0
    answered: int = 0
    refused: int = 0

    def answer(self) -> tuple[int, dict[str, str]]:
        """Status and headers for one call that arrives now."""
        now = self.clock.time()
        if now >= self.ends:
            self.ends, self.used = now + HOUR, 0
        status = 200 if self.used < self.limit else 429
        self.used += status == 200
        self.answered += status == 200
        self.refused += status == 429
        headers = {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.limit - self.used),
            "X-RateLimit-Reset": str(int(self.ends)),
            "X-RateLimit-Window": "3600",
        }
        return status, headers


@attrs.define
class Program:
    """One user of the key."""

    limiter: RateLimiter
    server: StrictServer
    priority: Priority
    waits: list[float] = attrs.field(factory=list)

    async def call(self) -> None:
        """One call: in its turn, and answered after a while."""
        clock = self.server.clock
        begun = clock.monotonic()
        permit: Permit | None = self.limiter.try_acquire(self.priority, clock)
        if permit is None:
            permit = await self.limiter.acquire(self.priority, clock, max_wait=24 * HOUR, on_wait=lambda _: None)
        self.waits.append(clock.monotonic() - begun)
        await clock.sleep(LATENCY)
        status, headers = self.server.answer()
        self.limiter.on_response(permit, status, headers, clock)


async def export(program: Program, *, calls: int, starts_at: float, width: int = 5) -> None:
    """A job that makes so many calls as fast as it may, a few at a time."""
    await program.server.clock.sleep(starts_at)
    left = iter(range(calls))

    async def worker() -> None:
        for _ in left:
            await program.call()

    await asyncio.gather(*(worker() for _ in range(width)))


async def bot(program: Program, *, customers: int, calls_each: int, starts_at: float, hours: float) -> None:
    """A program that answers customers who come at any moment."""
    clock, chance = program.server.clock, random.Random(7)
    arrivals = sorted(starts_at + chance.uniform(0, hours * HOUR) for _ in range(int(customers * hours)))
    await clock.sleep(starts_at)
    for arrival in arrivals:
        await clock.sleep(arrival - clock.monotonic())
        for _ in range(calls_each):
            await program.call()


STARTS = [(0.0, 0.0), (0.0, 600.0), (600.0, 0.0), (3000.0, 0.0), (0.0, 3000.0), (3595.0, 0.0), (0.0, 3599.5)]
"""When the export and the bot begin: together, one in the midst of the other's hour, and just before it ends."""


@pytest.mark.parametrize(("export_at", "bot_at"), STARTS)
@pytest.mark.parametrize(
    ("reserve", "calls", "calls_each"),
    [(0.10, 50, 4), (0.25, 5000, 1)],
    ids=["a walk over 5,000 tickets", "5,000 tickets one by one"],
)
async def test_bot_never_waits_beside_an_export(
    reserve: float, calls: int, calls_each: int, export_at: float, bot_at: float
) -> None:
    """200 customers an hour are answered within a second, whoever starts first, and the server refuses nobody.

    A walk reads 100 tickets a call. One by one, the bot's 200 calls an hour need a reserve that covers them.
    """
    clock = FakeClock(autojump=True)
    server, limiter = StrictServer(clock), RateLimiter(background_reserve=reserve)
    job = Program(limiter, server, Priority.BACKGROUND)
    answers = Program(limiter, server, Priority.INTERACTIVE)
    hours = 8.0 if calls > 1000 else 2.0

    await asyncio.gather(
        export(job, calls=calls, starts_at=export_at),
        bot(answers, customers=200, calls_each=calls_each, starts_at=bot_at, hours=hours),
    )

    assert (0, True) == (server.refused, max(answers.waits) < 1.0)
    assert calls + len(answers.waits) == server.answered


async def test_background_goes_on_while_the_bot_is_busy() -> None:
    """What the bot leaves of each hour beyond the reserve is the export's: nobody starves.

    Together they use up whole hours. Their ends are stated in whole seconds, so the call that goes ahead may come too early, and no
    other is refused.
    """
    clock = FakeClock(autojump=True)
    server, limiter = StrictServer(clock), RateLimiter()
    job = Program(limiter, server, Priority.BACKGROUND)
    answers = Program(limiter, server, Priority.INTERACTIVE)
    done_at: list[float] = []

    async def timed_export() -> None:
        await export(job, calls=250, starts_at=0.0)
        done_at.append(clock.monotonic())

    await asyncio.gather(timed_export(), bot(answers, customers=200, calls_each=4, starts_at=0.0, hours=4.0))

    assert done_at[0] < 3.5 * HOUR
    assert server.refused <= 4


async def test_background_uses_what_nobody_else_needs() -> None:
    """Alone it takes the whole hour but for the reserve, hour after hour."""
    clock = FakeClock(autojump=True)
    server, limiter = StrictServer(clock), RateLimiter()
    job = Program(limiter, server, Priority.BACKGROUND)
    await export(job, calls=2700, starts_at=0.0)

    assert 0 == server.refused
    assert clock.monotonic() < 2 * HOUR + 300


async def test_limiter_corrects_itself_when_another_process_spends_the_key() -> None:
    """Each answer tells what is left, so hardly a call is sent to be refused."""
    clock = FakeClock(autojump=True)
    server = StrictServer(clock)
    ours = Program(RateLimiter(), server, Priority.INTERACTIVE)
    theirs = Program(RateLimiter(), server, Priority.INTERACTIVE)

    await asyncio.gather(export(ours, calls=900, starts_at=0.0), export(theirs, calls=900, starts_at=1.0))

    assert 1800 == server.answered + server.refused
    assert server.refused <= 25
