"""Half of a surrogate pair in JSON from the server: it costs no page, ticket, error code or event."""

from __future__ import annotations

from pathlib import Path

import pytest

from cstar_async import ConflictError, CStarClient
from cstar_async.webhooks import SqliteStore, TicketCreated, WebhookEvent, construct_event, sign
from tests.client.conftest import Server, raw
from tests.client.event_server import next_ids, sending, serve_events
from tests.client.inboxes import SECRET, deliver, inbox_of

EVENT = rb'{"id": "evt_1", "type": "ticket.created", "data": {"ticket": {"id": "tkt_1", "title": "Party \ud83c"}}}'


def title_of(event: WebhookEvent) -> object:
    """Return the title of the ticket of an event."""
    assert isinstance(event, TicketCreated)
    assert event.data.ticket is not None
    return event.data.ticket.title


async def test_a_response_keeps_its_ticket(server: Server, client: CStarClient) -> None:
    """The half becomes U+FFFD, and an emoji stays whole."""
    server.script(raw(rb'{"data": {"id": "tkt_1", "title": "\ud83c\udf89 \udf89", "new\ud83c": 1}}'))
    ticket = await client.tickets.get("tkt_1")
    assert (ticket.title, dict(ticket.extra)) == ("\U0001f389 \ufffd", {"new\ufffd": 1})


async def test_an_iteration_continues_behind_it(server: Server, client: CStarClient) -> None:
    """Items of the page, and of the pages after it, are returned."""
    for number in (1, 2, 3):
        body = rb'{"data": [{"id": "tkt_%d", "title": "a\uD83D"}], "pagination": {"page": %d, "totalPages": 3}}'
        server.script(raw(body % (number, number)))
    assert [ticket.id async for ticket in client.tickets.list(page_size=1)] == ["tkt_1", "tkt_2", "tkt_3"]


async def test_an_error_keeps_its_code(server: Server, client: CStarClient) -> None:
    """Its message too."""
    server.script(raw(rb'{"error": {"code": "duplicate", "message": "\"Party \ud83c\" exists"}}', 409))
    with pytest.raises(ConflictError) as caught:
        await client.tickets.get("tkt_1")
    assert (caught.value.code, caught.value.message) == ("duplicate", '"Party \ufffd" exists')


async def test_an_untyped_response_is_parsed(server: Server, client: CStarClient) -> None:
    """With an envelope and without one."""
    server.script(raw(rb'{"data": ["\ud83c"]}'), raw(rb'["\udf89"]'))
    assert [(await client.request("GET", "/activity")).data for _ in range(2)] == [["\ufffd"], ["\ufffd"]]


def test_a_webhook_is_constructed() -> None:
    """The signature is that of the bytes as received."""
    assert title_of(construct_event(EVENT, sign(EVENT, SECRET), SECRET)) == "Party \ufffd"


async def test_the_event_stream_returns_the_event() -> None:
    """It is not dropped."""
    chunk = b"id: evt_1\ndata: " + EVENT + b"\n\n"
    async with serve_events(sending(chunk)) as server, server.client() as cstar, cstar.events() as stream:
        assert await next_ids(stream, 1) == ["evt_1"]


async def test_a_stored_event_is_handled_after_a_restart(tmp_path: Path) -> None:
    """The store keeps the bytes as received, which are parsed again."""
    path, titles = tmp_path / "events.sqlite", list[object]()
    store = SqliteStore(path)
    await store.add("evt_1", EVENT)
    await store.aclose()
    async with inbox_of(store=SqliteStore(path)) as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            titles.append(title_of(event))

        assert await deliver(inbox, EVENT.replace(b"evt_1", b"evt_2")) == [200]
        await inbox.wait_until_idle()
    assert titles == ["Party \ufffd", "Party \ufffd"]
