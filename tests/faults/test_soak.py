"""Run a client for a long time: memory, objects and tasks do not grow.

Client, proxy and fake share an event loop and a clock that advances only while a task sleeps on it. A hundred hours of a key's
limit pass that way, with waits for the next window, back-offs and refused writes. The fake refuses all writes and stores nothing.
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
from tests.faults.storm import MAX_CONNECTIONS, leaked_by

KINDS = (
    "reset_before",
    "closed_after",
    "cut_in_body",
    "unavailable",
    "too_many",
    "cut_gzip",
    "sent_twice",
    "closed_after_response",
)


@attrs.frozen
class Measurement:
    """Counts of what may grow, between two batches of calls."""

    objects: int
    tasks: int
    memory: int
    """Resident memory of the process in bytes; 0 without `/proc`."""


def read() -> Measurement:
    """Take a reading."""
    gc.collect()
    pages = Path("/proc/self/statm")
    memory = int(pages.read_text().split()[1]) * 4096 if pages.exists() else 0
    return Measurement(len(gc.get_objects()), len(asyncio.all_tasks()), memory)


@asynccontextmanager
async def advancing(clock: FakeClock) -> AsyncIterator[None]:
    """Advance a clock whenever a task sleeps on it."""

    async def advance() -> None:
        while True:
            await clock.wait_for_sleepers()
            await asyncio.sleep(0.0005)
            clock.advance(30)

    task = asyncio.ensure_future(advance())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def use(client: CStarClient, calls: int, ticket: str) -> int:
    """Make calls, 48 at a time, and return how many valid ones failed."""
    numbers = iter(range(calls))
    failed = 0

    async def work() -> None:
        nonlocal failed
        for number in numbers:
            try:
                if number % 10 == 0:
                    # Few keys, because the fake stores the response of each key for a day.
                    await client.tickets.create(title="", idempotency_key=f"refused-{number % 100}")
                elif number % 10 == 1:
                    await client.tickets.list(page_size=5)
                else:
                    assert (await client.tickets.get(ticket)).id == ticket
            except InvalidRequestError:
                continue
            except CStarError:
                failed += 1

    await asyncio.gather(*(work() for _ in range(2 * MAX_CONNECTIONS)))
    return failed


async def measurements(batches: int, calls: int) -> tuple[list[Measurement], list[str], int]:
    """Use a client in batches of calls; return the measurements, the leaks, and the number of failed calls."""
    clock = FakeClock(frozen=True)
    taken, leaked, failed = [], [], 0
    async with (
        FakeCStar(clock=clock, max_requests=10) as fake,
        advancing(clock),
        Proxy(fake.url, chance=0.05, kinds=KINDS) as proxy,
    ):
        async with fake.client() as direct:
            ticket = (await direct.tickets.create(title="Cannot log in")).id
        async with fake.client(
            base_url=proxy.url, max_connections=MAX_CONNECTIONS, max_wait=7200.0, retry_budget=None, max_retries=8
        ) as client:
            for _ in range(batches):
                failed += await use(client, calls, ticket)
                leaked += leaked_by(client)
                taken.append(read())
    return taken, leaked, failed


@pytest.mark.no_cover
async def test_short_run_leaks_nothing() -> None:
    """After a thousand calls, all slots and permits are released, and no object or task is left."""
    taken, leaked, failed = await measurements(batches=4, calls=300)
    assert ([], 0) == (leaked, failed)
    assert taken[-1].tasks <= taken[0].tasks + MAX_CONNECTIONS
    assert taken[-1].objects - taken[1].objects < 300


@pytest.mark.soak
@pytest.mark.timeout(1500)
async def test_hundred_thousand_calls_leak_nothing() -> None:
    """From half of the run to its end, objects, tasks and memory do not grow, and nothing leaks."""
    taken, leaked, failed = await measurements(batches=10, calls=10_000)
    assert ([], 0) == (leaked, failed)
    middle, last = taken[4], taken[-1]
    assert last.tasks <= middle.tasks + MAX_CONNECTIONS
    assert last.objects - middle.objects < 5_000
    assert last.memory - middle.memory < 8 * 1024 * 1024
