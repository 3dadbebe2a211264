"""The memory of an inbox does not grow over months."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import sys
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cstar_async.testing.clock import FakeClock
from cstar_async.webhooks import EventStore, MemoryStore, SqliteStore, WebhookEvent, WebhookInbox, sign

# A signal handler ends a test that takes too long. Its exception may end a task of the inbox instead, whose event is then missing.
pytestmark = [pytest.mark.soak, pytest.mark.timeout(1500)]

SECRET = "whsec_soak"
TICKETS = 997
CONCURRENCY = 50


@pytest.fixture(autouse=True)
def no_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """Disable the log, because pytest keeps its records in memory."""
    monkeypatch.setattr(logging.getLogger("cstar_async.webhooks"), "disabled", True)


def report(what: str, sizes: list[int]) -> None:
    """Print a measurement."""
    sys.stdout.write(f"\n{what}: {', '.join(f'{size // 1024} KiB' for size in sizes)}\n")


async def deliver(inbox: WebhookInbox, clock: FakeClock | None, numbers: range) -> AsyncIterator[int]:
    """Deliver events, fifty concurrently and every tenth twice, and advance the clock if it is a fake. Yield from time to time."""

    async def one(number: int) -> None:
        about = {"ticket": {"id": f"tkt_{number % TICKETS}", "title": "Cannot log in", "status": "open"}}
        body = json.dumps({"id": f"evt_{number}", "type": "ticket.updated", "data": about}).encode()
        for _ in range(2 if number % 10 == 0 else 1):
            assert await inbox.receive(body, {"X-Signature": sign(body, SECRET)}) == 200

    for start in range(numbers.start, numbers.stop, CONCURRENCY):
        await asyncio.gather(*(one(number) for number in range(start, min(start + CONCURRENCY, numbers.stop))))
        if clock is not None:
            clock.advance(3600)
        if start % 1000 == 0:
            await inbox.wait_until_idle()
            yield start
    await inbox.wait_until_idle()


async def flow(store: EventStore, clock: FakeClock, events: int) -> tuple[int, list[int], int]:
    """Handle events in an inbox whose handler fails sometimes.

    Returns:
        The number of handled events, the bytes in use after each tenth of them, and the number of remaining tasks.
    """
    handled, failed, sizes = 0, set[str](), list[int]()
    async with WebhookInbox(SECRET, store=store, tolerance=None, _clock=clock) as inbox:

        @inbox.on("ticket.*")
        async def handle(event: WebhookEvent) -> None:
            nonlocal handled
            if event.id.endswith("77") and event.id not in failed:
                failed.add(event.id)
                raise ValueError
            failed.discard(event.id)
            handled += 1

        tracemalloc.start()
        try:
            for tenth in range(10):
                async for _ in deliver(inbox, clock, range(tenth * events // 10, (tenth + 1) * events // 10)):
                    pass
                gc.collect()
                sizes.append(tracemalloc.get_traced_memory()[0])
        finally:
            tracemalloc.stop()
        assert inbox.pending == 0
    return handled, sizes, len(asyncio.all_tasks())


async def test_a_hundred_thousand_events_leave_the_memory_flat() -> None:
    """Each event is handled, and the memory is constant once the store is full."""
    handled, sizes, tasks = await flow(MemoryStore(max_ids=5_000), FakeClock(autojump=True), 100_000)
    assert (handled, tasks) == (100_000, 1)
    report("memory store, bytes in use after each 10,000 events", sizes)
    assert max(sizes[1:]) - sizes[1] < 256 * 1024


async def test_a_file_is_limited_by_the_retry_horizon(tmp_path: Path) -> None:
    """With fifty events an hour, neither the memory nor the file grows over months."""
    path, clock = tmp_path / "events.db", FakeClock(autojump=True)
    files: list[int] = []

    class Watched(SqliteStore):
        """A store whose file is measured at intervals."""

        added = 0

        async def add(self, event_id: str, body: bytes) -> bool:
            """Add an event, and measure."""
            self.added += 1
            if self.added % 800 == 0:
                files.append(sum(file.stat().st_size for file in tmp_path.iterdir()))
            return await super().add(event_id, body)

    handled, sizes, tasks = await flow(Watched(path, _clock=clock), clock, 8_000)
    assert (handled, tasks) == (8_000, 1)
    report("store in a file, bytes in use after each 800 events", sizes)
    report("store in a file, bytes of the file", files)
    # After 31 hours, or 1,600 events, as many rows are deleted as added.
    assert max(sizes[1:]) - sizes[1] < 256 * 1024
    assert max(files[4:]) < 1.2 * files[4]


@pytest.mark.parametrize("place", ["memory", "file"])
async def test_a_minute_of_a_thousand_events_a_second(place: str, tmp_path: Path) -> None:
    """Each event is handled once and those of a ticket in order, and the memory is flat. Prints how many seconds began late."""
    store = MemoryStore(max_ids=5_000) if place == "memory" else SqliteStore(tmp_path / "events.db")
    handled: dict[int, int] = {}
    sizes: list[int] = []
    late = 0
    async with WebhookInbox(SECRET, store=store) as inbox:

        @inbox.on("ticket.*")
        async def handle(event: WebhookEvent) -> None:
            number = int(event.id.removeprefix("evt_"))
            assert handled.get(number % TICKETS, -1) < number
            handled[number % TICKETS] = number

        loop = asyncio.get_running_loop()
        begun = loop.time()
        for second in range(60):
            await asyncio.sleep(max(0.0, begun + second - loop.time()))
            async for _ in deliver(inbox, None, range(second * 1000, (second + 1) * 1000)):
                pass
            late += loop.time() > begun + second + 2
            gc.collect()
            sizes.append(len(gc.get_objects()))
        assert (inbox.stats().handled, inbox.stats().failed) == (60_000, 0)
    sys.stdout.write(f"\n{place} store, objects after each ten seconds: {sizes[9::10]}, {late} seconds began late\n")
    assert sizes[59] - sizes[9] < 2_000
