"""An inbox that runs for months holds no more than one that runs for minutes."""

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

pytestmark = pytest.mark.soak

SECRET = "whsec_soak"
TICKETS = 997
AT_ONCE = 50


@pytest.fixture(autouse=True)
def no_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever keeps the records of the log, as pytest does, is not what is measured."""
    monkeypatch.setattr(logging.getLogger("cstar_async.webhooks"), "disabled", True)


def tell(what: str, sizes: list[int]) -> None:
    """Write down what was measured."""
    sys.stdout.write(f"\n{what}: {', '.join(f'{size // 1024} KiB' for size in sizes)}\n")


async def deliver(inbox: WebhookInbox, clock: FakeClock, numbers: range) -> AsyncIterator[int]:
    """Deliver events, fifty at once and each tenth of them twice, while the hours pass; a pause now and then."""

    async def one(number: int) -> None:
        about = {"ticket": {"id": f"tkt_{number % TICKETS}", "title": "Cannot log in", "status": "open"}}
        body = json.dumps({"id": f"evt_{number}", "type": "ticket.updated", "data": about}).encode()
        for _ in range(2 if number % 10 == 0 else 1):
            assert await inbox.receive(body, {"X-Signature": sign(body, SECRET)}) == 200

    for start in range(numbers.start, numbers.stop, AT_ONCE):
        await asyncio.gather(*(one(number) for number in range(start, min(start + AT_ONCE, numbers.stop))))
        clock.advance(3600)
        if start % 1000 == 0:
            await inbox.wait_until_idle()
            yield start
    await inbox.wait_until_idle()


async def flow(store: EventStore, clock: FakeClock, events: int) -> tuple[int, list[int], int]:
    """Let events flow through an inbox whose handler fails at times.

    Returns:
        How many were handled, the bytes in use after each tenth of them, and the tasks that were left.
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
    """Each is handled, and the bytes in use stay where they were once the store is full."""
    handled, sizes, tasks = await flow(MemoryStore(max_ids=5_000), FakeClock(autojump=True), 100_000)
    assert (handled, tasks) == (100_000, 1)
    tell("memory store, bytes in use after each 10,000 events", sizes)
    assert max(sizes[1:]) - sizes[1] < 256 * 1024


async def test_a_store_in_a_file_stays_as_small_as_the_span_of_repeats(tmp_path: Path) -> None:
    """Neither the memory nor the file grows over months; fifty events come in each hour."""
    path, clock = tmp_path / "events.db", FakeClock(autojump=True)
    files: list[int] = []

    class Watched(SqliteStore):
        """One whose file is measured now and then."""

        accepted = 0

        async def add(self, event_id: str, body: bytes) -> bool:
            """Accepts, and measures."""
            self.accepted += 1
            if self.accepted % 800 == 0:
                files.append(sum(file.stat().st_size for file in tmp_path.iterdir()))
            return await super().add(event_id, body)

    handled, sizes, tasks = await flow(Watched(path, _clock=clock), clock, 8_000)
    assert (handled, tasks) == (8_000, 1)
    tell("store in a file, bytes in use after each 800 events", sizes)
    tell("store in a file, bytes of the file", files)
    # In 31 hours 1,600 events come: from then on, as many go as come.
    assert max(sizes[1:]) - sizes[1] < 256 * 1024
    assert max(files[4:]) < 1.2 * files[4]
