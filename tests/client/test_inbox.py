"""`WebhookInbox.receive` over HTTP and ASGI: the status of each delivery."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from cstar_async import InvalidArgumentError
from cstar_async.testing.clock import FakeClock
from cstar_async.webhooks import SqliteStore, TicketCreated, WebhookEvent, WebhookInbox, sign
from tests.client.inboxes import SECRET, body_of, deliver, inbox_of, serve_inbox


async def test_a_delivery_is_handled() -> None:
    """A delivery over HTTP reaches the handler as an event of its class."""
    handled: list[TicketCreated] = []
    async with inbox_of() as inbox, serve_inbox(inbox) as post:

        @inbox.on(TicketCreated)
        async def handle(event: TicketCreated) -> None:
            handled.append(event)

        assert await post(body_of(1)) == 200
        await inbox.wait_until_idle()
    assert [(type(event), event.id) for event in handled] == [(TicketCreated, "evt_1")]


async def test_the_response_does_not_wait_for_the_handler() -> None:
    """A handler may need more than the ten seconds that cStar waits."""
    released = asyncio.Event()
    async with inbox_of() as inbox, serve_inbox(inbox) as post:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            await released.wait()

        assert (await post(body_of(1)), inbox.pending) == (200, 1)
        released.set()
        await inbox.wait_until_idle()
        assert inbox.pending == 0


async def test_a_repeated_delivery_is_dropped_with_status_200() -> None:
    """Deliveries are compared by the id of the event."""
    handled: list[str] = []
    async with inbox_of() as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            handled.append(event.id)

        assert await deliver(inbox, body_of(1), body_of(1), body_of(2)) == [200, 200, 200]
        await inbox.wait_until_idle()
    assert sorted(handled) == ["evt_1", "evt_2"]


async def test_events_without_an_id_are_compared_by_their_body() -> None:
    """Shorter payloads have no id."""
    handled: list[str] = []
    async with inbox_of() as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            handled.append(event.type)

        await deliver(inbox, b'{"type":"a.b"}', b'{"type":"a.b"}', b'{"type":"a.c"}')
        await inbox.wait_until_idle()
    assert sorted(handled) == ["a.b", "a.c"]


async def test_a_wrong_signature_gets_401() -> None:
    """Nothing is handled, and cStar may deliver again with the new secret."""
    async with inbox_of() as inbox, serve_inbox(inbox) as post:
        assert await post(body_of(1), signature="t=1,v1=00") == 401
        assert await post(body_of(1), signature="") == 401
        assert inbox.pending == 0


async def test_an_old_timestamp_gets_401() -> None:
    """The age is measured with the clock of the inbox."""
    clock = FakeClock()
    async with WebhookInbox(SECRET, _clock=clock) as inbox:
        body = body_of(1)
        old = sign(body, SECRET, timestamp=int(clock.time()) - 400)
        assert await inbox.receive(body, {"X-Signature": old}) == 401


async def test_a_signed_body_that_is_not_an_event_is_logged_and_gets_200(caplog: pytest.LogCaptureFixture) -> None:
    """Another delivery would not help."""
    async with inbox_of() as inbox:
        assert await deliver(inbox, b"{}") == [200]
    assert "signed delivery dropped" in caplog.text


async def test_a_body_that_is_not_bytes_gets_401(caplog: pytest.LogCaptureFixture) -> None:
    """The log names the mistake in the framework, and cStar delivers again."""
    wrong: Any = {"id": "evt_1"}
    async with inbox_of() as inbox:
        assert await inbox.receive(wrong, {"X-Signature": sign(b"{}", SECRET)}) == 401
    assert "body must be bytes, got dict" in caplog.text


@pytest.mark.parametrize(
    "wrong",
    [
        {"concurrency": 0},
        {"max_pending": 1.5},
        {"max_attempts": 0},
        {"max_event_size": 0},
        {"shutdown_timeout": -1},
        {"handler_timeout": -1.0},
    ],
)
def test_an_argument_out_of_range_is_rejected(wrong: dict[str, Any]) -> None:
    """The error names the argument, its range and the value."""
    ((name, value),) = wrong.items()
    with pytest.raises(InvalidArgumentError, match=rf"^{name} must be .* from [01], got {value}$"):
        WebhookInbox(SECRET, **wrong)


async def test_a_full_inbox_returns_503() -> None:
    """The event is not accepted, so cStar delivers it again."""
    released = asyncio.Event()
    async with inbox_of(max_pending=2) as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            await released.wait()

        assert await deliver(inbox, body_of(1), body_of(2), body_of(3)) == [200, 200, 503]
        released.set()
        await inbox.wait_until_idle()
        assert await deliver(inbox, body_of(3)) == [200]


@pytest.mark.parametrize("body", [b"x" * 101, b"x" * 300_000])
async def test_a_body_over_the_maximum_size_gets_413(body: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """One of the maximum size is accepted."""
    async with inbox_of(max_event_size=100, shutdown_timeout=0) as inbox, serve_inbox(inbox) as post:
        assert (await post(body), await deliver(inbox, body)) == (413, [413])
        assert await post(body_of(1).ljust(100)) == 200
    assert "an event without an id: delivery rejected, it is larger than max_event_size, 100 bytes" in caplog.text


@pytest.mark.parametrize(
    ("headers", "body", "event_id"),
    [
        ({"X-Event-ID": "evt_1"}, b"{", "evt_1"),
        ({"x-event-id": "evt_1\nERROR forged"}, b"{", "an event without an id"),
        ({"x-event-id": "jane@example.com"}, body_of(1), "evt_1"),
        ({}, body_of(1), "evt_1"),
        ({}, b'{"data": {"id": "tkt_1"}, "id": "evt_1"', "an event without an id"),
        ({}, b'{"id": "Jane Doe", "x": "', "an event without an id"),
        ({}, b"", "an event without an id"),
    ],
)
async def test_a_body_over_the_maximum_size_is_logged_with_its_id(
    headers: dict[str, str], body: bytes, event_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It comes from the header, or from the beginning of the body."""
    async with inbox_of(max_event_size=100) as inbox:
        assert await inbox.receive(body.ljust(101), headers) == 413
    (record,) = caplog.records
    assert (record.levelname, record.getMessage().partition(": ")[0]) == ("ERROR", event_id)


async def test_bodies_over_the_maximum_size_are_an_error_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    """Anyone can send them. Those between are warnings, each with its id."""
    clock = FakeClock(frozen=True)
    async with WebhookInbox(SECRET, max_event_size=10, _clock=clock) as inbox:
        for number, seconds in enumerate([0, 0, 59, 1, 30]):
            clock.advance(seconds)
            await inbox.receive(b"x" * 11, {"X-Event-ID": f"evt_{number}"})
    assert [(record.levelname, record.getMessage().partition(":")[0]) for record in caplog.records] == [
        ("ERROR", "evt_0"),
        ("WARNING", "evt_1"),
        ("WARNING", "evt_2"),
        ("ERROR", "evt_3"),
        ("WARNING", "evt_4"),
    ]


async def test_every_rejected_delivery_is_logged_with_its_id(caplog: pytest.LogCaptureFixture) -> None:
    """CStar delivers it again, but not for ever."""
    released, wrong = asyncio.Event(), b'{"id": "evt_2"}'
    inbox = inbox_of(max_pending=1)

    @inbox.on("*")
    async def handle(event: WebhookEvent) -> None:
        await released.wait()

    assert await inbox.receive(body_of(0), {"X-Signature": sign(body_of(0), "whsec_other")}) == 401
    assert await inbox.receive(body_of(1), {}) == 401
    assert await deliver(inbox, wrong, body_of(3), body_of(4)) == [200, 200, 503]
    released.set()
    await inbox.aclose()
    assert await deliver(inbox, body_of(5)) == [503]
    logged = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert logged[0] == ("WARNING", "evt_0: delivery rejected: the signature matches none of the secrets")
    assert logged[1][1].startswith("evt_1: delivery rejected: header must have the form")
    assert logged[2] == ("ERROR", "evt_2: signed delivery dropped: an event must have a `type`")
    assert logged[3:] == [
        ("WARNING", "evt_4: delivery rejected, this inbox is full"),
        ("WARNING", "evt_5: delivery rejected, this inbox is closed"),
    ]


async def test_a_large_body_reaches_an_inbox_that_allows_it() -> None:
    """The limit of the application of aiohttp does not apply. A message may have pictures in its text."""
    async with inbox_of(shutdown_timeout=0) as inbox, serve_inbox(inbox) as post:
        assert await post(body_of(1).ljust(7 * 1024 * 1024)) == 200


async def test_a_body_that_a_middleware_has_read_is_received() -> None:
    """A middleware of aiohttp may log or count bodies."""

    @web.middleware
    async def read_body(request: web.Request, handler: Any) -> web.StreamResponse:
        await request.read()
        response: web.StreamResponse = await handler(request)
        return response

    async with inbox_of(shutdown_timeout=0) as inbox, serve_inbox(inbox, read_body) as post:
        assert await post(body_of(1)) == 200


async def test_an_inbox_for_streams_rejects_deliveries(caplog: pytest.LogCaptureFixture) -> None:
    """Without a secret, no signature can match."""
    async with WebhookInbox(()) as inbox:
        assert await deliver(inbox, body_of(1)) == [401]
    assert "secret must be" in caplog.text


@pytest.mark.parametrize("secret", [None, "", ("",), [SECRET, ""], 5, b"whsec_bytes", [None], {"whsec_a": SECRET}, object()])
def test_a_secret_that_no_signature_can_match_is_rejected(secret: Any) -> None:
    """The inbox is not created, so the mistake is found before the first delivery. No secret is in the error."""
    with pytest.raises(InvalidArgumentError, match=r"^secret must be a signing secret or several") as caught:
        WebhookInbox(secret)
    assert "whsec" not in str(caught.value)


@pytest.mark.parametrize("framework", ["starlette", "fastapi", "route", "bare"])
async def test_the_inbox_is_an_asgi_application(framework: str) -> None:
    """It works as an application, behind a mount, and as a route for exactly one URL."""
    handled: list[str] = []
    async with inbox_of() as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            handled.append(event.id)

        application: Any = inbox.asgi_app
        if framework == "starlette":
            application = Starlette(routes=[Mount("/hooks", app=inbox.asgi_app)])
        elif framework == "fastapi":
            application = FastAPI()
            application.mount("/hooks", inbox.asgi_app)
        elif framework == "route":
            application = Starlette(routes=[Route("/hooks/", inbox.asgi_app, methods=["GET", "POST"])])
        body = body_of(1)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=application), base_url="http://test") as client:
            responses = [
                await client.post("/hooks/", content=body, headers={"X-Signature": sign(body, SECRET)}),
                await client.post("/hooks/", content=body),
                await client.get("/hooks/"),
                await client.post("/hooks/", content=b"x" * (8 * 1024 * 1024 + 1)),
            ]
        await inbox.wait_until_idle()
    assert ([response.status_code for response in responses], handled) == ([200, 401, 405, 413], ["evt_1"])


@pytest.mark.parametrize(
    ("scope", "messages", "responses"),
    [
        ("lifespan", ["lifespan.startup", "lifespan.shutdown"], ["lifespan.startup.complete", "lifespan.shutdown.complete"]),
        ("websocket", [], ["websocket.close"]),
        ("http", ["http.disconnect"], ["http.response.start", "http.response.body"]),
    ],
)
async def test_asgi_messages_other_than_requests_are_answered(scope: str, messages: list[str], responses: list[str]) -> None:
    """Lifespan, WebSocket and a disconnected client get what the protocol asks for."""
    sent: list[str] = []
    waiting = iter(messages)

    async def receive() -> dict[str, Any]:
        return {"type": next(waiting)}

    async def send(message: Any) -> None:
        sent.append(message["type"])

    await inbox_of().asgi_app({"type": scope, "method": "POST", "headers": []}, receive, send)
    assert sent == responses


@pytest.mark.parametrize("body", [{}, {"body": b""}, {"body": None}])
async def test_asgi_body_may_be_missing(body: dict[str, Any]) -> None:
    """Such a message has no bytes; a delivery without a signature is refused."""
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", **body}

    async def send(message: Any) -> None:
        statuses.extend([message["status"]] if "status" in message else [])

    await inbox_of().asgi_app({"type": "http", "method": "POST", "headers": []}, receive, send)
    assert statuses == [401]


async def test_a_server_that_runs_the_inbox_starts_and_closes_it() -> None:
    """It sends the lifespan messages of ASGI. A deployment without them is started by the first delivery."""
    inbox, messages = inbox_of(), asyncio.Queue[str]()
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)
        if message["type"] == "lifespan.startup.complete":
            assert await deliver(inbox, body_of(1)) == [200]

    async def receive() -> dict[str, Any]:
        return {"type": await messages.get()}

    @inbox.on("*")
    async def handle(event: WebhookEvent) -> None:
        """Handle an event."""

    for name in ("lifespan.startup", "lifespan.shutdown"):
        messages.put_nowait(name)
    await inbox.asgi_app({"type": "lifespan"}, receive, send)
    assert [message["type"] for message in sent] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert (inbox.pending, await deliver(inbox, body_of(2))) == (0, [503])


async def test_a_store_that_cannot_be_opened_stops_the_server(tmp_path: Path) -> None:
    """The message says why, and the server ends."""
    (tmp_path / "events.db").write_bytes(b"no database, but Jane Doe " * 100)
    inbox = inbox_of(store=SqliteStore(tmp_path / "events.db"))
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "lifespan.startup"}

    async def send(message: Any) -> None:
        sent.append(message)

    await inbox.asgi_app({"type": "lifespan"}, receive, send)
    assert [message["type"] for message in sent] == ["lifespan.startup.failed"]
    assert sent[0]["message"].startswith("the inbox failed: ConfigurationError: path must be a SQLite file")
    assert sent[0]["message"].endswith("file is not a database")
    await inbox.aclose()


async def test_no_secret_and_no_body_reach_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """This holds at the level DEBUG, too."""
    caplog.set_level(logging.DEBUG)
    async with inbox_of(max_attempts=1) as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            raise ValueError("Jane Doe")

        await deliver(inbox, body_of(1, name="Jane Doe"))
        await inbox.receive(b"Jane Doe", {"X-Signature": "t=1,v1=aa"})
        await inbox.wait_until_idle()
    assert SECRET not in caplog.text
    assert "Jane" not in caplog.text.replace('raise ValueError("Jane Doe")', "")  # a line of code in the traceback
