"""Live events over real connections: what is given out, and what becomes of connections that break."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from cstar_async import (
    AuthenticationError,
    ConfigurationError,
    ConnectionFailedError,
    CStarClient,
    DecodeError,
    InvalidArgumentError,
    RateLimitWaitError,
    ServerError,
)
from cstar_async.testing.clock import FakeClock
from cstar_async.webhooks import EventStream, MemoryStore, SqliteStore, TicketCreated, UnknownEvent, WebhookEvent, WebhookInbox

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
STREAM = "text/event-stream; charset=utf-8"


def message(number: int, kind: str = "ticket.created", about: str = "tkt_1") -> bytes:
    """A message of the stream."""
    wire = {"id": f"evt_{number}", "type": kind, "data": {kind.partition(".")[0]: {"id": about}}}
    return f"id: evt_{number}\nevent: {kind}\ndata: {json.dumps(wire)}\n\n".encode()


class Listening:
    """A server that answers each connection with the next of its script, the last one for ever."""

    def __init__(self) -> None:
        self.script: list[Answer] = []
        self.requests: list[web.Request] = []
        self.clock = FakeClock(autojump=True)
        application = web.Application()
        application.router.add_get("/api/v1/teams/team/webhooks/listen", self._answer)
        self.server = TestServer(application)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        return await (self.script.pop(0) if len(self.script) > 1 else self.script[0])(request)

    def client(self, **settings: Any) -> CStarClient:
        """A client of the server."""
        base_url = str(self.server.make_url(""))
        given: dict[str, Any] = {
            "api_key": "sk_test_x",
            "team_id": "team",
            "base_url": base_url,
            "_clock": self.clock,
            "max_retries": 0,
        }
        return CStarClient(**{**given, **settings})


def sending(*chunks: bytes, then: str = "hang", headers: dict[str, str] | None = None, content_type: str = STREAM) -> Answer:
    """An answer that sends pieces, and then hangs, ends or breaks."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": content_type, **(headers or {})})
        await response.prepare(request)
        for chunk in chunks:
            await response.write(chunk)
        if then == "hang":
            await asyncio.Event().wait()
        if then == "break" and request.transport is not None:
            request.transport.abort()
        return response

    return answer


def refusing(status: int, **headers: str) -> Answer:
    """An answer that is an error."""

    async def answer(request: web.Request) -> web.StreamResponse:
        return web.json_response({"error": {"message": "no"}}, status=status, headers=headers)

    return answer


@asynccontextmanager
async def listening(*script: Answer) -> AsyncIterator[Listening]:
    """A server with a script."""
    listening = Listening()
    listening.script = list(script)
    async with listening.server:
        yield listening


async def take(stream: EventStream, count: int) -> list[str]:
    """The ids of the next events."""
    return [(await anext(stream)).id for _ in range(count)]


async def test_an_event_comes_as_its_class() -> None:
    """Typed as that of a webhook."""
    async with listening(sending(message(1))) as at, at.client() as cstar, cstar.events() as stream:
        event = await anext(stream)
    assert isinstance(event, TicketCreated)
    assert event.data.ticket is not None
    assert (event.id, event.data.ticket.id, stream.last_event_id) == ("evt_1", "tkt_1", "evt_1")


async def test_the_request_asks_for_a_stream_with_the_key() -> None:
    """And with the version, as every call."""
    async with listening(sending(message(1))) as at, at.client() as cstar, cstar.events(start_after="evt_0") as stream:
        await anext(stream)
    headers = at.requests[0].headers
    assert (headers["Accept"], headers["Authorization"], headers["CStar-Version"]) == (
        "text/event-stream",
        "Bearer sk_test_x",
        "2026-03-01",
    )
    assert headers["Last-Event-ID"] == "evt_0"


async def test_only_events_that_were_asked_for_come() -> None:
    """By wildcard, by type, or by class."""
    chunks = [message(1, "customer.created"), message(2), message(3, "boss.spawned"), message(4, "ticket.closed")]
    for kinds, ids in (
        (("ticket.*",), ["evt_2", "evt_4"]),
        (("boss.spawned", "ticket.closed"), ["evt_3", "evt_4"]),
        ((TicketCreated,), ["evt_2"]),
    ):
        async with listening(sending(*chunks)) as at, at.client() as cstar, cstar.events(*kinds) as stream:
            assert await take(stream, len(ids)) == ids


@pytest.mark.parametrize("then", ["end", "break"])
async def test_a_connection_that_ends_is_replaced(then: str) -> None:
    """The new one begins after the last event, and repeats are dropped."""
    async with (
        listening(sending(message(1), message(2), then=then), sending(message(2), message(3))) as at,
        at.client() as cstar,
        cstar.events() as stream,
    ):
        assert await take(stream, 3) == ["evt_1", "evt_2", "evt_3"]
    assert [request.headers.get("Last-Event-ID") for request in at.requests] == [None, "evt_2"]


async def test_a_message_that_was_cut_is_asked_for_again() -> None:
    """Its id does not count yet."""
    cut = message(2)[:-3]
    async with (
        listening(sending(message(1), cut, then="break"), sending(message(2))) as at,
        at.client() as cstar,
        cstar.events() as stream,
    ):
        assert await take(stream, 2) == ["evt_1", "evt_2"]
    assert at.requests[1].headers["Last-Event-ID"] == "evt_1"


async def test_a_stream_that_falls_silent_is_replaced() -> None:
    """A half-open connection says nothing, so silence is all there is to notice."""
    async with (
        listening(sending(message(1)), sending(message(2))) as at,
        at.client() as cstar,
        cstar.events(idle_timeout=0.05) as stream,
    ):
        assert await take(stream, 2) == ["evt_1", "evt_2"]


async def test_a_comment_breaks_the_silence() -> None:
    """It is how a server says that it is alive."""

    async def alive(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": STREAM})
        await response.prepare(request)
        for _ in range(8):
            await response.write(b": alive\n")
            await asyncio.sleep(0.1)
        await response.write(message(1))
        await asyncio.Event().wait()
        return response

    async with listening(alive) as at, at.client() as cstar, cstar.events(idle_timeout=0.6) as stream:
        assert await take(stream, 1) == ["evt_1"]
    assert len(at.requests) == 1


async def test_waits_grow_while_connections_fail() -> None:
    """With chance in them, and never beyond a minute."""
    down = [refusing(503)] * 9
    async with (
        listening(sending(message(1), then="end"), *down, sending(message(2))) as at,
        at.client() as cstar,
        cstar.events() as stream,
    ):
        await take(stream, 1)
        before = at.clock.monotonic()
        await take(stream, 1)
    assert 0.5 * (1 + 2 + 4 + 8 + 16 + 32 + 4 * 60) <= at.clock.monotonic() - before <= 1 + 2 + 4 + 8 + 16 + 32 + 4 * 60


async def test_the_wait_that_the_server_asks_for_is_kept() -> None:
    """By a field of the stream, or by a header of a refusal."""
    async with (
        listening(
            sending(b"retry: 20000\n", message(1), then="end"), refusing(503, **{"Retry-After": "100"}), sending(message(2))
        ) as at,
        at.client() as cstar,
        cstar.events() as stream,
    ):
        before = at.clock.monotonic()
        await take(stream, 2)
    assert 10 + 100 <= at.clock.monotonic() - before <= 20 + 100


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refusing(401), AuthenticationError),
        (refusing(503), ServerError),
        (refusing(429, **{"Retry-After": "100"}), RateLimitWaitError),
        (sending(b"<html>", then="end", content_type="text/html"), DecodeError),
    ],
)
async def test_entering_raises_what_a_call_raises(answer: Answer, error: type[Exception]) -> None:
    """So a mistake shows at once."""
    async with listening(answer) as at, at.client(max_retries=1) as cstar:
        with pytest.raises(error):
            await cstar.events().__aenter__()


async def test_entering_tries_as_often_as_a_call() -> None:
    """And goes by the same settings."""
    async with listening(refusing(503), sending(message(1))) as at, at.client(max_retries=1) as cstar, cstar.events() as stream:
        assert await take(stream, 1) == ["evt_1"]


async def test_no_connection_at_all_is_told() -> None:
    """By the error of every call."""
    async with CStarClient(api_key="sk_test_x", team_id="t", base_url="http://127.0.0.1:1", max_retries=0) as cstar:
        with pytest.raises(ConnectionFailedError):
            await anext(cstar.events())


async def test_a_key_that_was_withdrawn_ends_the_stream() -> None:
    """To go on asking would help nobody."""
    async with listening(sending(message(1), then="end"), refusing(401)) as at, at.client() as cstar, cstar.events() as stream:
        await take(stream, 1)
        with pytest.raises(AuthenticationError):
            await anext(stream)


async def test_a_publishable_key_is_refused_before_anything_is_sent() -> None:
    """The stream needs a secret key."""
    async with listening(sending()) as at, at.client(api_key="pk_test_x") as cstar:
        with pytest.raises(ConfigurationError, match="publishable"):
            await cstar.events().__aenter__()
    assert at.requests == []


async def test_a_message_that_is_no_event_is_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    """The log tells of it, without its text."""
    async with (
        listening(sending(b"data: Jane\n\n", b"data: []\n\n", message(1))) as at,
        at.client() as cstar,
        cstar.events() as stream,
    ):
        assert await take(stream, 1) == ["evt_1"]
    assert "is no event: JSONDecodeError" in caplog.text
    assert "Jane" not in caplog.text


async def test_a_message_lends_its_event_what_that_does_not_say() -> None:
    """The type and the id."""
    async with (
        listening(sending(b'id: 7\nevent: rocket.launched\ndata: {"data": 1}\n\n')) as at,
        at.client() as cstar,
        cstar.events() as stream,
    ):
        event = await anext(stream)
    assert isinstance(event, UnknownEvent)
    assert (event.id, event.type, event.data) == ("7", "rocket.launched", 1)


async def test_closing_ends_an_iteration_that_waits() -> None:
    """From another task, and twice."""
    async with listening(sending(message(1))) as at, at.client() as cstar:
        stream = cstar.events()
        got: list[str] = []
        has_come = asyncio.Event()

        async def listen() -> None:
            async for event in stream:
                got.append(event.id)
                has_come.set()

        listener = asyncio.create_task(listen())
        await has_come.wait()
        await stream.aclose()
        await stream.aclose()
        await asyncio.wait_for(listener, 5)
    assert got == ["evt_1"]


async def test_closing_ends_an_iteration_that_pauses() -> None:
    """A pause between two connections may be long, and nobody moves this clock."""
    async with listening(sending(message(1), then="end"), refusing(503)) as at, at.client(_clock=FakeClock()) as cstar:
        stream = cstar.events()
        has_come = asyncio.Event()

        async def listen() -> None:
            async for _ in stream:
                has_come.set()

        listener = asyncio.create_task(listen())
        await has_come.wait()
        await asyncio.sleep(0.01)
        await stream.aclose()
        await asyncio.wait_for(listener, 0.4)
        assert len(asyncio.all_tasks()) == 1 + len(at.requests)  # this one, and one of the server for each connection


async def test_closing_while_it_connects_leaves_no_connection() -> None:
    """The answer that comes then is given back."""
    asked, may_answer, gone = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        asked.set()
        await may_answer.wait()
        response = web.StreamResponse(headers={"Content-Type": STREAM})
        await response.prepare(request)
        try:
            while True:
                await response.write(b": alive\n")
                await asyncio.sleep(0.01)
        finally:
            gone.set()

    async with listening(answer) as at, at.client() as cstar:
        stream = cstar.events()
        taking = asyncio.create_task(anext(stream))
        await asked.wait()
        await stream.aclose()
        may_answer.set()
        with pytest.raises(StopAsyncIteration):
            await taking
        await asyncio.wait_for(gone.wait(), 5)


async def test_the_wait_that_the_server_asked_for_is_kept_over_connections() -> None:
    """One that says nothing of it changes nothing."""
    async with (
        listening(sending(b"retry: 20000\n", message(1), then="end"), sending(message(2), then="end"), sending(message(3))) as at,
        at.client() as cstar,
        cstar.events() as stream,
    ):
        await take(stream, 2)
        begun = at.clock.monotonic()
        await take(stream, 1)
        assert at.clock.monotonic() - begun >= 10


async def test_cancellation_ends_it_cleanly() -> None:
    """The connection is given up, which the server notices."""
    gone, has_come = asyncio.Event(), asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": STREAM})
        await response.prepare(request)
        await response.write(message(1))
        try:
            while True:
                await response.write(b": alive\n")
                await asyncio.sleep(0.01)
        finally:
            gone.set()

    async with listening(answer) as at, at.client() as cstar:

        async def listen() -> None:
            async with cstar.events() as stream:
                await take(stream, 1)
                has_come.set()
                await take(stream, 1)

        listener = asyncio.create_task(listen())
        await has_come.wait()
        listener.cancel()
        with pytest.raises(asyncio.CancelledError):
            await listener
        await asyncio.wait_for(gone.wait(), 5)


@pytest.mark.parametrize("wrong", [{"idle_timeout": 0}, {"idle_timeout": -1.0}, {"start_after": "a\nb"}, {"start_after": "é"}])
async def test_a_setting_that_cannot_be_used_is_refused(wrong: dict[str, Any]) -> None:
    """Where it is given."""
    async with CStarClient(api_key="sk_test_x", team_id="t") as cstar:
        with pytest.raises(InvalidArgumentError):
            cstar.events(**wrong)
        with pytest.raises(InvalidArgumentError):
            cstar.events("")


async def test_an_inbox_is_fed_by_the_stream(tmp_path: Path) -> None:
    """The same handlers, in a store that remembers; the run ends when the stream does."""
    got: list[str] = []
    async with (
        listening(sending(message(1), message(2), message(1), then="end"), refusing(401)) as at,
        at.client() as cstar,
        WebhookInbox("unused", store=SqliteStore(tmp_path / "events.db"), _clock=at.clock, max_pending=1) as inbox,
    ):

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            got.append(event.id)

        with pytest.raises(AuthenticationError):
            await inbox.run(cstar.events())
        await inbox.wait_until_idle()
    assert got == ["evt_1", "evt_2"]


async def test_a_process_begins_after_what_the_one_before_it_took(tmp_path: Path) -> None:
    """Whether that is handled or not, since the store has it."""
    got: list[str] = []
    async with listening(sending(message(1), message(2), then="end"), refusing(401)) as at, at.client() as cstar:
        for _ in range(2):
            inbox = WebhookInbox("unused", store=SqliteStore(tmp_path / "events.db"), _clock=at.clock)

            @inbox.on("*")
            async def handle(event: WebhookEvent) -> None:
                got.append(event.id)

            async with inbox:
                with pytest.raises(AuthenticationError):
                    await inbox.run(cstar.events())
    assert got == ["evt_1", "evt_2"]
    assert [request.headers.get("Last-Event-ID") for request in at.requests] == [None, "evt_2", "evt_2"]


async def test_a_beginning_that_was_asked_for_goes_before_that_of_the_store() -> None:
    """As does the place that a stream has reached."""
    store = MemoryStore()
    await store.add("evt_9", b"{}")
    async with listening(refusing(401)) as at, at.client() as cstar, WebhookInbox("unused", store=store) as inbox:
        with pytest.raises(AuthenticationError):
            await inbox.run(cstar.events(start_after="evt_3"))
    assert [request.headers.get("Last-Event-ID") for request in at.requests] == ["evt_3"]


async def test_an_event_without_an_id_is_nothing_to_begin_after() -> None:
    """Its key in the store is of the inbox's making, or no header could carry it."""
    for key in ("sha256:00", "é"):
        store = MemoryStore()
        await store.add(key, b"{}")
        async with listening(refusing(401)) as at, at.client() as cstar, WebhookInbox("unused", store=store) as inbox:
            with pytest.raises(AuthenticationError):
                await inbox.run(cstar.events())
        assert [request.headers.get("Last-Event-ID") for request in at.requests] == [None]


@pytest.mark.parametrize("most", [1, 10])
async def test_closing_the_inbox_ends_its_run(most: int) -> None:
    """Also where it waits for room; what it had not taken is not taken after that."""
    is_full = asyncio.Event()
    store = MemoryStore()
    async with listening(sending(message(1), message(2, about="tkt_2"), message(3, about="tkt_3"))) as at, at.client() as cstar:
        inbox = WebhookInbox("unused", store=store, shutdown_timeout=0.05, max_pending=most)

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            if len(inbox) == min(most, 3):
                is_full.set()
            await asyncio.Event().wait()

        running = asyncio.create_task(inbox.run(cstar.events()))
        await is_full.wait()
        left = await inbox.aclose()
        await asyncio.wait_for(running, 5)
    assert (len(left), await store.last_event_id()) == ((1, "evt_1") if most == 1 else (3, "evt_3"))


async def test_closing_the_inbox_ends_a_run_whose_store_hangs() -> None:
    """The event comes again the next time."""
    asked = asyncio.Event()

    class Hanging(MemoryStore):
        """A store that never answers."""

        async def add(self, event_id: str, body: bytes) -> bool:
            """Hangs."""
            asked.set()
            await asyncio.Event().wait()
            return True

    async with listening(sending(message(1))) as at, at.client() as cstar:
        inbox = WebhookInbox("unused", store=Hanging(), shutdown_timeout=0.01)
        running = asyncio.create_task(inbox.run(cstar.events()))
        await asked.wait()
        await inbox.aclose()
        await asyncio.wait_for(running, 5)


async def test_a_store_that_fails_holds_the_stream_up() -> None:
    """Nobody would deliver the event again, so it is tried until the store takes it."""
    got: list[str] = []

    class Failing(MemoryStore):
        """A store that fails three times."""

        failures = 3

        async def add(self, event_id: str, body: bytes) -> bool:
            """Fails, then does not."""
            if self.failures:
                self.failures -= 1
                raise OSError
            return await super().add(event_id, body)

    async with (
        listening(sending(message(1), then="end"), refusing(401)) as at,
        at.client() as cstar,
        WebhookInbox("unused", store=Failing(), _clock=at.clock) as inbox,
    ):

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            got.append(event.id)

        with pytest.raises(AuthenticationError):
            await inbox.run(cstar.events())
        await inbox.wait_until_idle()
    assert got == ["evt_1"]
