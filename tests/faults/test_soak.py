"""A long run: nothing grows, nothing is left behind.

Client, proxy and fake live in one event loop and on one clock, which stands until somebody sleeps. A hundred hours of a key's
budget pass that way, with waits for the next window, back-offs and refused writes. What is written is refused, so that the fake
itself has nothing to keep.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import attrs
import pytest

from cstar_async import CStarClient, CStarError, InvalidRequestError
from cstar_async.testing import FakeClock, FakeCStar
from tests.faults.proxy import Proxy
from tests.faults.storm import PLACES, kept_by

KINDS = (
    "reset_before",
    "closed_after",
    "cut_in_body",
    "unavailable",
    "too_many",
    "cut_gzip",
    "answered_twice",
    "closed_after_answer",
)


@attrs.frozen
class Reading:
    """How much there is of what might grow, between two batches of calls."""

    objects: int
    tasks: int
    memory: int
    """Bytes that the process holds; 0 where the system does not say."""


def read() -> Reading:
    """Count."""
    gc.collect()
    pages = Path("/proc/self/statm")
    memory = int(pages.read_text().split()[1]) * 4096 if pages.exists() else 0
    return Reading(len(gc.get_objects()), len(asyncio.all_tasks()), memory)


@asynccontextmanager
async def pushed(clock: FakeClock) -> AsyncIterator[None]:
    """Move a clock on whenever somebody sleeps on it."""

    async def push() -> None:
        while True:
            await clock.wait_for_sleepers()
            await asyncio.sleep(0.0005)
            clock.advance(30)

    task = asyncio.ensure_future(push())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def use(client: CStarClient, calls: int, ticket: str) -> int:
    """Make calls, fifty at once; how many failed although they were good."""
    numbers = iter(range(calls))
    failed = 0

    async def work() -> None:
        nonlocal failed
        for number in numbers:
            try:
                if number % 10 == 0:
                    # Few keys, for the fake keeps what it answered under each of them for a day.
                    await client.tickets.create(title="", idempotency_key=f"refused-{number % 100}")
                elif number % 10 == 1:
                    await client.tickets.list(page_size=5)
                else:
                    assert (await client.tickets.get(ticket)).id == ticket
            except InvalidRequestError:
                continue
            except CStarError:
                failed += 1

    await asyncio.gather(*(work() for _ in range(2 * PLACES)))
    return failed


async def readings(batches: int, calls: int) -> tuple[list[Reading], list[str], int]:
    """Use a client in batches of calls: what there was after each, what the client had kept, and how many calls failed."""
    clock = FakeClock(frozen=True)
    taken, kept, failed = [], [], 0
    async with FakeCStar(clock=clock, max_requests=10) as fake, pushed(clock), Proxy(fake.url, chance=0.05, kinds=KINDS) as proxy:
        async with fake.client() as direct:
            ticket = (await direct.tickets.create(title="Cannot log in")).id
        async with fake.client(
            base_url=proxy.url, max_connections=PLACES, max_wait=7200.0, retry_budget=None, max_retries=8
        ) as client:
            for _ in range(batches):
                failed += await use(client, calls, ticket)
                kept += kept_by(client)
                taken.append(read())
    return taken, kept, failed


@pytest.mark.no_cover
async def test_a_short_run_leaves_nothing_behind() -> None:
    """After a thousand calls all places and permits are back, and no call has left an object or a task."""
    taken, kept, failed = await readings(batches=4, calls=300)
    assert ([], 0) == (kept, failed)
    assert taken[-1].tasks <= taken[0].tasks + PLACES
    assert taken[-1].objects - taken[1].objects < 300


@pytest.mark.soak
@pytest.mark.timeout(1500)
async def test_a_hundred_thousand_calls_leave_nothing_behind() -> None:
    """From the half to the end, objects, tasks and memory do not grow, and nothing is kept."""
    taken, kept, failed = await readings(batches=10, calls=10_000)
    assert ([], 0) == (kept, failed)
    settled, last = taken[4], taken[-1]
    assert last.tasks <= settled.tasks + PLACES
    assert last.objects - settled.objects < 5_000
    assert last.memory - settled.memory < 8 * 1024 * 1024
