"""`WebhookInbox.run`: an inbox that handles the events of a stream."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from cstar_async import AuthenticationError
from cstar_async.webhooks import MemoryStore, SqliteStore, WebhookEvent, WebhookInbox
from tests.client.event_server import failing, message, sending, serve_events


async def test_an_inbox_handles_the_events_of_a_stream(tmp_path: Path) -> None:
    """`run` ends with the stream."""
    handled: list[str] = []
    async with (
        serve_events(sending(message(1), message(2), message(1), then="end"), failing(401)) as server,
        server.client() as cstar,
        WebhookInbox((), store=SqliteStore(tmp_path / "events.db"), _clock=server.clock, max_pending=1) as inbox,
    ):

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            handled.append(event.id)

        with pytest.raises(AuthenticationError):
            await inbox.run(cstar.events())
        await inbox.wait_until_idle()
    assert handled == ["evt_1", "evt_2"]


async def test_a_new_process_continues_after_the_last_stored_event(tmp_path: Path) -> None:
    """The store has it, handled or not."""
    handled: list[str] = []
    async with serve_events(sending(message(1), message(2), then="end"), failing(401)) as server, server.client() as cstar:
        for _ in range(2):
            inbox = WebhookInbox((), store=SqliteStore(tmp_path / "events.db"), _clock=server.clock)

            @inbox.on("*")
            async def handle(event: WebhookEvent) -> None:
                handled.append(event.id)

            async with inbox:
                with pytest.raises(AuthenticationError):
                    await inbox.run(cstar.events())
    assert handled == ["evt_1", "evt_2"]
    assert [request.headers.get("Last-Event-ID") for request in server.requests] == [None, "evt_2", "evt_2"]


async def test_start_after_takes_precedence_over_the_store() -> None:
    """The store has another event."""
    store = MemoryStore()
    await store.add("evt_9", b"{}")
    async with serve_events(failing(401)) as server, server.client() as cstar, WebhookInbox((), store=store) as inbox:
        with pytest.raises(AuthenticationError):
            await inbox.run(cstar.events(start_after="evt_3"))
    assert [request.headers.get("Last-Event-ID") for request in server.requests] == ["evt_3"]


async def test_a_key_that_is_not_an_event_id_is_not_sent() -> None:
    """The store has the hash of a body, or an id that no header can carry."""
    for key in ("sha256:00", "é"):
        store = MemoryStore()
        await store.add(key, b"{}")
        async with serve_events(failing(401)) as server, server.client() as cstar, WebhookInbox((), store=store) as inbox:
            with pytest.raises(AuthenticationError):
                await inbox.run(cstar.events())
        assert [request.headers.get("Last-Event-ID") for request in server.requests] == [None]


async def test_events_without_an_id_are_different_events(tmp_path: Path) -> None:
    """Both are handled, and a new process continues after the last event with an id."""
    handled: list[str] = []
    without = [f'data: {{"type": "a.b", "data": {number}}}\n\n'.encode() for number in (1, 2)]
    script = (sending(message(1), *without, then="end"), failing(401))
    async with serve_events(*script) as server, server.client() as cstar:
        for _ in range(2):
            inbox = WebhookInbox((), store=SqliteStore(tmp_path / "events.db"), _clock=server.clock)

            @inbox.on("*")
            async def handle(event: WebhookEvent) -> None:
                handled.append(f"{event.id} {event.type}")

            async with inbox:
                with pytest.raises(AuthenticationError):
                    await inbox.run(cstar.events())
                await inbox.wait_until_idle()
    assert sorted(handled) == ["None a.b", "None a.b", "evt_1 ticket.created"]
    assert [request.headers.get("Last-Event-ID") for request in server.requests] == [None, "evt_1", "evt_1"]


@pytest.mark.parametrize("max_pending", [1, 10])
async def test_closing_the_inbox_ends_its_run(max_pending: int) -> None:
    """This holds if the inbox is full; no event is accepted afterwards."""
    is_full = asyncio.Event()
    store = MemoryStore()
    async with (
        serve_events(sending(message(1), message(2, about="tkt_2"), message(3, about="tkt_3"))) as server,
        server.client() as cstar,
    ):
        inbox = WebhookInbox((), store=store, shutdown_timeout=0.05, max_pending=max_pending)

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            if inbox.pending == min(max_pending, 3):
                is_full.set()
            await asyncio.Event().wait()

        running = asyncio.create_task(inbox.run(cstar.events()))
        await is_full.wait()
        remaining = await inbox.aclose()
        await asyncio.wait_for(running, 5)
    assert (len(remaining), await store.last_event_id()) == ((1, "evt_1") if max_pending == 1 else (3, "evt_3"))


async def test_closing_the_inbox_ends_a_run_whose_store_hangs() -> None:
    """The event comes again the next time."""
    requested = asyncio.Event()

    class HangingStore(MemoryStore):
        """A store whose `add` hangs."""

        async def add(self, event_id: str, body: bytes) -> bool:
            """Wait for ever."""
            requested.set()
            await asyncio.Event().wait()
            return True

    async with serve_events(sending(message(1))) as server, server.client() as cstar:
        inbox = WebhookInbox((), store=HangingStore(), shutdown_timeout=0.01)
        running = asyncio.create_task(inbox.run(cstar.events()))
        await requested.wait()
        await inbox.aclose()
        await asyncio.wait_for(running, 5)


@pytest.mark.parametrize("depth", [100, 254, 255, 500])
@pytest.mark.parametrize(
    "head",
    [
        b'data: {"id": "evt_1", "type": "a.b", "data": ',
        b'id: evt_1\nevent: a.b\ndata:  {"data": ',
        b'id: evt_1\ndata: {"type":"a.b","data":',
    ],
)
async def test_the_body_of_an_event_is_stored_as_it_is(head: bytes, depth: int, tmp_path: Path) -> None:
    """It may be nested more deeply than JSON can be written. A later process reads it from the store."""
    handled: list[str] = []
    deep = head + b"[" * depth + b"]" * depth + b"}\n\n"
    async with serve_events(sending(deep, message(2), then="end"), failing(401)) as server, server.client() as cstar:
        first = WebhookInbox((), store=SqliteStore(tmp_path / "events.db"), shutdown_timeout=0, _clock=server.clock)
        with pytest.raises(AuthenticationError):
            await first.run(cstar.events())
        assert await first.aclose() == ("evt_1", "evt_2")
        async with WebhookInbox((), store=SqliteStore(tmp_path / "events.db")) as inbox:

            @inbox.on("*")
            async def handle(event: WebhookEvent) -> None:
                handled.append(f"{event.id} {event.type}")

            await inbox.wait_until_idle()
    assert handled == ["evt_1 a.b", "evt_2 ticket.created"]


async def test_a_message_with_an_empty_payload_is_an_event() -> None:
    """Its type and id are those of the message."""
    handled: list[str] = []
    script = (sending(b"id: evt_1\nevent: a.b\ndata: {}\n\n", then="end"), failing(401))
    async with serve_events(*script) as server, server.client() as cstar, WebhookInbox((), _clock=server.clock) as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            handled.append(f"{event.id} {event.type}")

        with pytest.raises(AuthenticationError):
            await inbox.run(cstar.events())
        await inbox.wait_until_idle()
    assert handled == ["evt_1 a.b"]


async def test_a_store_that_fails_is_retried() -> None:
    """The stream does not send the event again, so it waits for the store."""
    handled: list[str] = []

    class FailingStore(MemoryStore):
        """A store whose `add` fails three times."""

        failures = 3

        async def add(self, event_id: str, body: bytes) -> bool:
            """Fail three times."""
            if self.failures:
                self.failures -= 1
                raise OSError
            return await super().add(event_id, body)

    async with (
        serve_events(sending(message(1), then="end"), failing(401)) as server,
        server.client() as cstar,
        WebhookInbox((), store=FailingStore(), _clock=server.clock) as inbox,
    ):

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            handled.append(event.id)

        with pytest.raises(AuthenticationError):
            await inbox.run(cstar.events())
        await inbox.wait_until_idle()
    assert handled == ["evt_1"]
