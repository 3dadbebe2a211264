"""The event stream of the fake, through the client and through plain HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest

from cstar_async import CStarClient, InvalidArgumentError, ServerError
from cstar_async.testing import FakeClock, FakeCStar
from cstar_async.testing._events.streams import MAX_RETAINED_EVENTS, Listener
from cstar_async.webhooks import EventStream, TicketCreated

from .conftest import Caller
from .receiving import receiving


@pytest.fixture
async def fake() -> AsyncIterator[FakeCStar]:
    """Start a fake with a frozen clock."""
    async with FakeCStar(clock=FakeClock(frozen=True)) as fake:
        yield fake


@pytest.fixture
async def cstar(fake: FakeCStar) -> AsyncIterator[CStarClient]:
    """Open a client of the fake."""
    async with fake.client() as cstar:
        yield cstar


async def read_ids(stream: EventStream, count: int) -> list[str]:
    """Return the ids of the next events."""
    return [(await anext(stream)).id for _ in range(count)]


class Line:
    """A stream that is read without the client."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response

    async def message(self) -> dict[str, str]:
        """Return the next message; a comment has an empty name."""
        fields: dict[str, str] = {}
        while (line := (await self.response.content.readline()).decode()).strip():
            name, _, value = line.rstrip("\n").partition(": ")
            fields[name.rstrip(":")] = value
        return fields


Opening = Callable[..., Awaitable[Line]]


@pytest.fixture
async def listening(call: Caller) -> AsyncIterator[Opening]:
    """Open a stream with some headers, and read its first comment."""
    lines: list[Line] = []

    async def listen(**headers: str) -> Line:
        url = f"{call.fake.url}/api/v1/teams/{call.fake.team_id}/webhooks/listen"
        sent = {"Authorization": f"Bearer {call.fake.secret_key}", **{name.replace("_", "-"): headers[name] for name in headers}}
        response = await call.session.get(url, headers=sent)
        lines.append(Line(response))
        assert (response.status, response.headers["Content-Type"]) == (200, "text/event-stream")
        assert await lines[-1].message() == {"": "listening"}
        return lines[-1]

    yield listen
    for line in lines:
        line.response.close()


async def test_changes_come_as_typed_events(fake: FakeCStar, cstar: CStarClient) -> None:
    """The client's stream parses the events like those of cStar."""
    async with cstar.events("ticket.*") as stream:
        await cstar.customers.create(name="Jane", email="jane@example.com")
        ticket = await cstar.tickets.create(title="a")
        event = await anext(stream)
    assert isinstance(event, TicketCreated)
    assert event.data.ticket is not None
    assert event.data.ticket.id == ticket.id
    assert fake.requests.for_operation("listen_to_events")[0].status == 200


async def test_messages_have_id_type_and_data(call: Caller, listening: Opening) -> None:
    """The data is the same bytes as a webhook payload."""
    async with receiving() as at:
        await call.make("/webhooks", name="Bot", url=at.url, events=["*"])
        line = await listening()
        await call.make("/tickets", title="a")
        message = await line.message()
        await call.fake.deliveries.wait_until_idle()
    assert message == {"id": at.requests[0].headers["X-Event-ID"], "event": "ticket.created", "data": at.bodies[0].decode()}


async def test_a_broken_stream_reconnects_and_misses_nothing(fake: FakeCStar, cstar: CStarClient) -> None:
    """A reconnect sends `Last-Event-ID` and gets the missed events first."""
    async with cstar.events() as stream:
        await cstar.tickets.create(title="a")
        ids = await read_ids(stream, 1)
        assert fake.streams.disconnect_all() == 1
        for number in range(3):
            await cstar.tickets.create(title=str(number))
        following = asyncio.create_task(read_ids(stream, 3))
        await fake.clock.wait_for_sleepers()
        fake.clock.advance(2)
        ids += await following
    first, second = fake.requests.for_operation("listen_to_events")
    assert ("Last-Event-ID" in first.headers, second.headers["Last-Event-ID"]) == (False, ids[0])
    assert len(set(ids)) == 4


async def test_a_stream_without_an_id_starts_now(call: Caller, listening: Opening) -> None:
    """Earlier events are not sent."""
    await call.make("/tickets", title="before")
    line = await listening()
    await call.make("/customers", name="Jane", email="jane@example.com")
    assert (await line.message())["event"] == "customer.created"


async def test_a_stream_with_an_id_gets_later_events(call: Caller, listening: Opening) -> None:
    """With an unknown id it gets all retained events."""
    line = await listening()
    for number in range(3):
        await call.make("/tickets", title=str(number))
    ids = [(await line.message())["id"] for _ in range(3)]
    again = await listening(Last_Event_ID=ids[1])
    assert (await again.message())["id"] == ids[2]
    lost = await listening(Last_Event_ID="evt_of_another_year")
    assert [(await lost.message())["id"] for _ in range(3)] == ids


async def test_a_stream_is_one_call(fake: FakeCStar, cstar: CStarClient) -> None:
    """A stream counts as one call, however long it is."""
    async with cstar.events() as stream:
        await cstar.tickets.create(title="a")
        await read_ids(stream, 1)
        assert cstar.rate_limit is not None
        assert cstar.rate_limit.remaining == 998


@pytest.mark.parametrize(("key", "status"), [("publishable", 403), ("none", 401), ("other", 403)])
async def test_a_secret_key_of_the_team_is_needed(call: Caller, key: str, status: int) -> None:
    """A stream needs a secret key, like all webhook operations."""
    keys = {"publishable": call.fake.publishable_key, "none": None, "other": call.fake.add_key(team="other")}
    assert (await call("GET", "/webhooks/listen", key=keys[key])).status == status
    assert len(call.fake.streams) == 0


async def test_other_methods_are_refused(call: Caller) -> None:
    """The path is not the webhook with the id `listen`."""
    assert (await call("POST", "/webhooks/listen", {})).status == 405


async def test_a_quiet_stream_sends_keep_alive_comments(call: Caller, listening: Opening) -> None:
    """There is a comment every 15 seconds of the fake's clock."""
    line = await listening()
    for _ in range(2):
        await call.fake.clock.wait_for_sleepers()
        call.fake.clock.advance(15)
        assert await line.message() == {"": "alive"}


async def test_triggered_events_reach_every_stream(call: Caller, listening: Opening) -> None:
    """A test event of one webhook reaches no stream."""
    lines = [await listening() for _ in range(2)]
    webhook = await call.make("/webhooks", name="Bot", url="http://127.0.0.1:1/", events=["ticket.created"])
    await call("POST", f"/webhooks/{webhook['id']}/test", {"event": "ticket.created"})
    await call("POST", "/webhooks/trigger-test", {"event": "survey.submitted"})
    assert [(await line.message())["event"] for line in lines] == ["survey.submitted"] * 2


async def test_streams_of_other_environments_stay_quiet(call: Caller, listening: Opening) -> None:
    """A live key gets no events of the test environment."""
    live = call.fake.add_key(environment="live")
    line = await listening(Authorization=f"Bearer {live}")
    await call.make("/tickets", title="test")
    await call("POST", "/tickets", {"title": "live"}, key=live)
    assert '"title":"live"' in (await line.message())["data"]


async def test_closing_the_fake_ends_streams_without_error(call: Caller, listening: Opening) -> None:
    """The body ends normally, and after a restart the missed events are sent."""
    line = await listening()
    await call.make("/tickets", title="a")
    event_id = (await line.message())["id"]
    await call.make("/tickets", title="b")
    await call.fake.aclose()
    assert (await line.message())["event"] == "ticket.created"
    assert await line.response.content.read() == b""
    assert len(call.fake.streams) == 0
    await call.fake.start()
    again = await listening(Last_Event_ID=event_id)
    assert '"title":"b"' in (await again.message())["data"]


async def test_faults_apply_to_streams(fake: FakeCStar, cstar: CStarClient) -> None:
    """The client recovers from a failure, a truncated message and an early end."""
    fake.faults.add(operation="listen_to_events", status=503, max_triggers=9)
    with pytest.raises(ServerError):
        async with cstar.with_options(max_retries=0).events():
            pass
    fake.faults.clear()
    async with cstar.events() as stream:
        await cstar.tickets.create(title="a")
        ids = await read_ids(stream, 1)
        fake.faults.add(operation="listen_to_events", drop="after")
        fake.faults.add(operation="listen_to_events", status=500, after=True)
        fake.faults.add(operation="listen_to_events", truncate_after=60)
        fake.streams.disconnect_all()
        await cstar.tickets.create(title="b")
        following = asyncio.create_task(read_ids(stream, 1))
        while not following.done():
            fake.clock.advance(1)
            await asyncio.sleep(0.001)
        ids += following.result()
    assert len(set(ids)) == 2
    assert len(fake.requests.for_operation("listen_to_events")) == 6


async def test_streams_with_faults_miss_nothing(fake: FakeCStar, cstar: CStarClient) -> None:
    """With repeated events and broken connections the client yields each event once."""
    async with cstar.events() as stream:
        await cstar.tickets.create(title="the first, after which the client can ask for what it missed")
        await read_ids(stream, 1)
        fake.streams.inject_faults(0.5)
        for number in range(20):
            await cstar.tickets.create(title=str(number))
        following = asyncio.create_task(read_ids(stream, 20))
        while not following.done():
            fake.clock.advance(1)
            await asyncio.sleep(0.001)
    assert len(set(following.result())) == 20
    assert len(fake.requests.for_operation("listen_to_events")) > 1
    with pytest.raises(InvalidArgumentError, match="from 0 to 1"):
        fake.streams.inject_faults(2)


async def test_a_disconnected_client_is_removed(call: Caller, listening: Opening) -> None:
    """The stream is removed at its next message."""
    line = await listening()
    line.response.close()
    while len(call.fake.streams):
        await call.make("/tickets", title="a")
        await asyncio.sleep(0.01)


def test_a_listener_that_does_not_read_is_disconnected() -> None:
    """So it cannot fill the memory, and may reconnect."""
    ended: list[Listener] = []
    listener = Listener(ended.append)
    for _ in range(2 * MAX_RETAINED_EVENTS):
        listener.put(b"x")
    listener.close()
    assert (listener.is_broken, ended) == (True, [listener])
