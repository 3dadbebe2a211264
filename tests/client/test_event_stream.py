"""The events of a stream: types, classes and messages that are not events."""

from __future__ import annotations

from typing import Any

import pytest

from cstar_async import CStarClient, InvalidArgumentError
from cstar_async.webhooks import TicketCreated, UnknownEvent
from tests.client.event_server import message, next_ids, sending, serve_events


async def test_an_event_has_the_class_of_its_type() -> None:
    """It is the same class as for a webhook."""
    async with serve_events(sending(message(1))) as server, server.client() as cstar, cstar.events() as stream:
        event = await anext(stream)
    assert isinstance(event, TicketCreated)
    assert event.data.ticket is not None
    assert (event.id, event.data.ticket.id, stream.last_event_id) == ("evt_1", "tkt_1", "evt_1")


async def test_the_request_has_the_key_the_version_and_the_last_event_id() -> None:
    """It has the headers of every call, and asks for an event stream."""
    async with serve_events(sending(message(1))) as server, server.client() as cstar, cstar.events(start_after="evt_0") as stream:
        await anext(stream)
    headers = server.requests[0].headers
    assert (headers["Accept"], headers["Authorization"], headers["CStar-Version"]) == (
        "text/event-stream",
        "Bearer sk_test_x",
        "2026-03-01",
    )
    assert headers["Last-Event-ID"] == "evt_0"


async def test_only_the_requested_types_are_returned() -> None:
    """Patterns, types and classes."""
    chunks = [message(1, "customer.created"), message(2), message(3, "boss.spawned"), message(4, "ticket.closed")]
    for types, ids in (
        (("ticket.*",), ["evt_2", "evt_4"]),
        (("boss.spawned", "ticket.closed"), ["evt_3", "evt_4"]),
        ((TicketCreated,), ["evt_2"]),
    ):
        async with serve_events(sending(*chunks)) as server, server.client() as cstar, cstar.events(*types) as stream:
            assert await next_ids(stream, len(ids)) == ids


async def test_a_message_that_is_not_an_event_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The log has its id and not its text."""
    async with (
        serve_events(sending(b"id: 7\ndata: Jane\n\n", b"data: []\n\n", message(1))) as server,
        server.client() as cstar,
        cstar.events() as stream,
    ):
        assert await next_ids(stream, 1) == ["evt_1"]
    assert "7: message dropped, it is not an event: not JSON" in caplog.text
    assert "Jane" not in caplog.text


@pytest.mark.parametrize(
    ("large", "event_id"),
    [
        (message(1).replace(b"tkt_1", b"x" * 500), "evt_1"),
        (message(1).replace(b"id: evt_1\n", b"").replace(b"tkt_1", b"x" * 500), "evt_1"),
        (b'data: {"type": "a.b",\ndata: "id" : "evt_1", "data": "' + b"x" * 500 + b'"}\n\n', "an event without an id"),
        (b'data: {"type": "a.b", "data": {"id": "Jane Doe"}, "more": "' + b"x" * 500 + b'"}\n\n', "an event without an id"),
        (b"data: " + b"x" * 100_000 + b"\nid: evt_1\n\n", "evt_1"),
    ],
)
async def test_an_event_over_the_maximum_size_is_logged(large: bytes, event_id: str, caplog: pytest.LogCaptureFixture) -> None:
    """The log has its id, if the message has one or its payload begins with it, and the next event is returned."""
    async with (
        serve_events(sending(large, message(2))) as server,
        server.client() as cstar,
        cstar.events(max_event_size=200) as stream,
    ):
        assert await next_ids(stream, 1) == ["evt_2"]
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == [
        f"{event_id}: event dropped, it is larger than max_event_size"
    ]


async def test_an_event_of_several_megabytes_is_returned() -> None:
    """A message may have pictures in its text."""
    large = message(1).replace(b"tkt_1", b"x" * 7_000_000)
    async with serve_events(sending(large)) as server, server.client() as cstar, cstar.events() as stream:
        assert await next_ids(stream, 1) == ["evt_1"]


async def test_an_id_that_is_not_a_str_ends_nothing() -> None:
    """It is returned as it came, and not used as an id."""
    async with (
        serve_events(sending(b'data: {"id": {"a": []}, "type": "a.b"}\n\n', message(1))) as server,
        server.client() as cstar,
        cstar.events() as stream,
    ):
        event = await anext(stream)
        assert (repr(event.id), stream.last_event_id) == ("{'a': []}", None)
        assert await next_ids(stream, 1) == ["evt_1"]


async def test_the_type_and_id_of_a_message_complete_its_event() -> None:
    """A payload may have neither."""
    async with (
        serve_events(sending(b'id: 7\nevent: rocket.launched\ndata: {"data": 1}\n\n')) as server,
        server.client() as cstar,
        cstar.events() as stream,
    ):
        event = await anext(stream)
    assert isinstance(event, UnknownEvent)
    assert (event.id, event.type, event.data) == ("7", "rocket.launched", 1)


@pytest.mark.parametrize(
    "wrong", [{"idle_timeout": 0}, {"idle_timeout": -1.0}, {"start_after": "a\nb"}, {"start_after": "é"}, {"max_event_size": 0}]
)
async def test_an_argument_out_of_range_is_rejected(wrong: dict[str, Any]) -> None:
    """The error names the argument, and is raised by `events`."""
    async with CStarClient(api_key="sk_test_x", team_id="t") as cstar:
        with pytest.raises(InvalidArgumentError, match=f"^{next(iter(wrong))} must be "):
            cstar.events(**wrong)
        with pytest.raises(InvalidArgumentError, match=r"^types must be "):
            cstar.events("")
