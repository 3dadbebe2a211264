"""Event streams whose bytes are meant to do harm: the loop goes on, the memory is limited, and what is valid arrives."""

from __future__ import annotations

import asyncio
import json
import zlib

from tests.client.event_server import message, next_ids, sending, serve_events
from tests.client.inboxes import body_of, deliver, inbox_of


async def test_a_stream_that_is_a_bomb_lets_other_tasks_run() -> None:
    """Half a megabyte that becomes a hundred."""
    stream = zlib.compressobj(1, wbits=31)
    zeros = [stream.compress(b": " + bytes(2**20) + b"\n") for _ in range(100)]
    bomb = b"".join([*zeros, stream.compress(message(1)), stream.flush()])
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with (
        serve_events(sending(bomb, headers={"Content-Encoding": "gzip"})) as server,
        server.client() as cstar,
        cstar.events() as events,
    ):
        counting = asyncio.create_task(count())
        assert await next_ids(events, 1) == ["evt_1"]
        counting.cancel()
    assert turns > 40


async def test_a_long_id_is_not_sent_back() -> None:
    """A header of its length would be refused by every server, and the stream would end."""
    long = b"id: " + b"x" * 100_000 + b'\ndata: {"type": "ticket.created", "id": "evt_2"}\n\n'
    async with (
        serve_events(sending(message(1), long, then="end"), sending(message(3))) as server,
        server.client() as cstar,
        cstar.events() as events,
    ):
        assert await next_ids(events, 3) == ["evt_1", "evt_2", "evt_3"]
        assert server.requests[-1].headers["Last-Event-ID"] == "evt_1"


async def test_a_long_id_of_an_event_is_not_kept() -> None:
    """Thousands of ids are kept, to drop repeats. Such an event is known by the hash of its body."""
    wire = json.dumps({"type": "ticket.created", "id": "x" * 100_000}).encode()
    async with (
        serve_events(sending(b"data: " + wire + b"\n\n", message(2))) as server,
        server.client() as cstar,
        cstar.events() as events,
    ):
        assert [len(event_id) for event_id in await next_ids(events, 2)] == [100_000, 5]
        assert events.last_event_id == "evt_2"
    inbox = inbox_of()
    seen: list[str] = []

    @inbox.on("*")
    async def handle(event: object) -> None:
        seen.append(repr(event)[:20])

    assert await deliver(inbox, body_of(1, id="x" * 100_000), body_of(1, id="x" * 100_000)) == [200, 200]
    await inbox.wait_until_idle()
    assert len(seen) == 1
    await inbox.aclose()
