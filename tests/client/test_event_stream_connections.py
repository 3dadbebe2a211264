"""The connections of an event stream: reconnection, back-off, errors and closing."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from cstar_async import (
    AuthenticationError,
    ConfigurationError,
    ConnectionFailedError,
    CStarClient,
    CStarError,
    DecodeError,
    RateLimitWaitError,
    ServerError,
)
from cstar_async.errors import APIError
from cstar_async.testing.clock import FakeClock
from tests.client.event_server import CONTENT_TYPE, Responder, failing, message, next_ids, sending, serve_events


@pytest.mark.parametrize("then", ["end", "break"])
async def test_a_connection_that_ends_is_replaced(then: str) -> None:
    """The new connection continues after the last event, and repeated events are dropped."""
    async with (
        serve_events(sending(message(1), message(2), then=then), sending(message(2), message(3))) as server,
        server.client() as cstar,
        cstar.events() as stream,
    ):
        assert await next_ids(stream, 3) == ["evt_1", "evt_2", "evt_3"]
    assert [request.headers.get("Last-Event-ID") for request in server.requests] == [None, "evt_2"]


async def test_a_truncated_message_is_requested_again() -> None:
    """Its id is not sent as the last one."""
    cut = message(2)[:-3]
    async with (
        serve_events(sending(message(1), cut, then="break"), sending(message(2))) as server,
        server.client() as cstar,
        cstar.events() as stream,
    ):
        assert await next_ids(stream, 2) == ["evt_1", "evt_2"]
    assert server.requests[1].headers["Last-Event-ID"] == "evt_1"


async def test_an_idle_connection_is_replaced() -> None:
    """A half-open connection reports no error, so the idle timeout is the only sign."""
    async with (
        serve_events(sending(message(1)), sending(message(2))) as server,
        server.client() as cstar,
        cstar.events(idle_timeout=0.05) as stream,
    ):
        assert await next_ids(stream, 2) == ["evt_1", "evt_2"]


async def test_a_comment_resets_the_idle_timeout() -> None:
    """Servers send comments to keep a connection alive."""

    async def alive(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": CONTENT_TYPE})
        await response.prepare(request)
        for _ in range(8):
            await response.write(b": alive\n")
            await asyncio.sleep(0.1)
        await response.write(message(1))
        await asyncio.Event().wait()
        return response

    async with serve_events(alive) as server, server.client() as cstar, cstar.events(idle_timeout=0.6) as stream:
        assert await next_ids(stream, 1) == ["evt_1"]
    assert len(server.requests) == 1


async def test_back_off_doubles_while_connections_fail() -> None:
    """It has jitter and is at most a minute."""
    down = [failing(503)] * 9
    async with (
        serve_events(sending(message(1), then="end"), *down, sending(message(2))) as server,
        server.client() as cstar,
        cstar.events() as stream,
    ):
        await next_ids(stream, 1)
        before = server.clock.monotonic()
        await next_ids(stream, 1)
    assert 0.5 * (1 + 2 + 4 + 8 + 16 + 32 + 4 * 60) <= server.clock.monotonic() - before <= 1 + 2 + 4 + 8 + 16 + 32 + 4 * 60


async def test_a_wait_stated_by_the_server_is_kept() -> None:
    """It comes from a field of the stream or a header of an error."""
    async with (
        serve_events(
            sending(b"retry: 20000\n", message(1), then="end"), failing(503, **{"Retry-After": "100"}), sending(message(2))
        ) as server,
        server.client() as cstar,
        cstar.events() as stream,
    ):
        before = server.clock.monotonic()
        await next_ids(stream, 2)
    assert 10 + 100 <= server.clock.monotonic() - before <= 20 + 100


@pytest.mark.parametrize(
    ("respond", "error"),
    [
        (failing(401), AuthenticationError),
        (failing(503), ServerError),
        (failing(429, **{"Retry-After": "100"}), RateLimitWaitError),
        (sending(b"<html>", then="end", content_type="text/html"), DecodeError),
    ],
)
async def test_the_first_connection_raises_the_errors_of_a_call(respond: Responder, error: type[Exception]) -> None:
    """So a mistake is found at once."""
    async with serve_events(respond) as server, server.client(max_retries=1) as cstar:
        with pytest.raises(error):
            await cstar.events().__aenter__()


async def test_the_first_connection_is_retried_as_a_call() -> None:
    """The settings of the client apply."""
    async with (
        serve_events(failing(503), sending(message(1))) as server,
        server.client(max_retries=1) as cstar,
        cstar.events() as stream,
    ):
        assert await next_ids(stream, 1) == ["evt_1"]


async def test_a_server_that_cannot_be_reached_raises() -> None:
    """It is the error of every call."""
    async with CStarClient(api_key="sk_test_x", team_id="t", base_url="http://127.0.0.1:1", max_retries=0) as cstar:
        with pytest.raises(ConnectionFailedError):
            await anext(cstar.events())


async def test_a_revoked_key_ends_the_iteration() -> None:
    """Another connection would not help."""
    async with (
        serve_events(sending(message(1), then="end"), failing(401)) as server,
        server.client() as cstar,
        cstar.events() as stream,
    ):
        await next_ids(stream, 1)
        with pytest.raises(AuthenticationError):
            await anext(stream)


@pytest.mark.parametrize(
    "maintenance",
    [
        failing(408),
        failing(425),
        failing(500),
        failing(302, Location="https://status.example.com/"),
        failing(307, Location="/maintenance"),
        sending(b"<html>Back soon</html>", then="end", content_type="text/html"),
        sending(b"{}", then="end", content_type="application/json"),
        sending(then="end", content_type="text/plain"),
    ],
)
async def test_a_maintenance_does_not_end_the_iteration(maintenance: Responder) -> None:
    """Once it was connected, a redirect, a timeout or another page are temporary, with a back-off."""
    async with (
        serve_events(sending(message(1), then="end"), *[maintenance] * 4, sending(message(2))) as server,
        server.client() as cstar,
        cstar.events() as stream,
    ):
        before = server.clock.monotonic()
        assert await next_ids(stream, 2) == ["evt_1", "evt_2"]
        assert server.clock.monotonic() - before >= 0.5 * (1 + 2 + 4 + 8 + 16)
    assert {request.headers.get("Last-Event-ID") for request in server.requests[1:]} == {"evt_1"}


@pytest.mark.parametrize("status", [400, 403, 404, 405, 410])
async def test_an_error_that_does_not_end_by_itself_ends_the_iteration(status: int) -> None:
    """The error is that of a call."""
    async with (
        serve_events(sending(message(1), then="end"), failing(status)) as server,
        server.client() as cstar,
        cstar.events() as stream,
    ):
        await next_ids(stream, 1)
        with pytest.raises(APIError, match=f"{status}"):
            await anext(stream)


async def test_a_publishable_key_is_rejected_without_a_request() -> None:
    """The stream needs a secret key."""
    async with serve_events(sending()) as server, server.client(api_key="pk_test_x") as cstar:
        with pytest.raises(ConfigurationError, match="publishable"):
            await cstar.events().__aenter__()
    assert server.requests == []


async def test_closing_ends_a_waiting_iteration() -> None:
    """Another task may close it, and twice."""
    async with serve_events(sending(message(1))) as server, server.client() as cstar:
        stream = cstar.events()
        handled: list[str] = []
        received_one = asyncio.Event()

        async def iterate() -> None:
            async for event in stream:
                handled.append(event.id)
                received_one.set()

        iterating = asyncio.create_task(iterate())
        await received_one.wait()
        await stream.aclose()
        await stream.aclose()
        await asyncio.wait_for(iterating, 5)
    assert handled == ["evt_1"]


async def test_closing_ends_the_back_off() -> None:
    """The clock of this test does not advance."""
    async with serve_events(sending(message(1), then="end"), failing(503)) as server, server.client(_clock=FakeClock()) as cstar:
        stream = cstar.events()
        received_one = asyncio.Event()

        async def iterate() -> None:
            async for _ in stream:
                received_one.set()

        iterating = asyncio.create_task(iterate())
        await received_one.wait()
        await asyncio.sleep(0.01)
        await stream.aclose()
        await asyncio.wait_for(iterating, 0.4)
        assert len(asyncio.all_tasks()) == 1 + len(server.requests)  # this task, and one of the server for each connection


async def test_closing_during_a_connection_attempt_closes_the_connection() -> None:
    """The late response is closed."""
    requested, released, disconnected = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def respond(request: web.Request) -> web.StreamResponse:
        requested.set()
        await released.wait()
        response = web.StreamResponse(headers={"Content-Type": CONTENT_TYPE})
        await response.prepare(request)
        try:
            while True:
                await response.write(b": alive\n")
                await asyncio.sleep(0.01)
        finally:
            disconnected.set()

    async with serve_events(respond) as server, server.client() as cstar:
        stream = cstar.events()
        reading = asyncio.create_task(anext(stream))
        await requested.wait()
        await stream.aclose()
        released.set()
        with pytest.raises(StopAsyncIteration):
            await reading
        await asyncio.wait_for(disconnected.wait(), 5)


async def test_a_stated_wait_is_kept_for_later_connections() -> None:
    """A connection that states no wait does not change it."""
    async with (
        serve_events(
            sending(b"retry: 20000\n", message(1), then="end"), sending(message(2), then="end"), sending(message(3))
        ) as server,
        server.client() as cstar,
        cstar.events() as stream,
    ):
        await next_ids(stream, 2)
        before = server.clock.monotonic()
        await next_ids(stream, 1)
        assert server.clock.monotonic() - before >= 10


async def test_cancellation_closes_the_connection() -> None:
    """The server notices it."""
    disconnected, received_one = asyncio.Event(), asyncio.Event()

    async def respond(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": CONTENT_TYPE})
        await response.prepare(request)
        await response.write(message(1))
        try:
            while True:
                await response.write(b": alive\n")
                await asyncio.sleep(0.01)
        finally:
            disconnected.set()

    async with serve_events(respond) as server, server.client() as cstar:

        async def iterate() -> None:
            async with cstar.events() as stream:
                await next_ids(stream, 1)
                received_one.set()
                await next_ids(stream, 1)

        iterating = asyncio.create_task(iterate())
        await received_one.wait()
        iterating.cancel()
        with pytest.raises(asyncio.CancelledError):
            await iterating
        await asyncio.wait_for(disconnected.wait(), 5)


@pytest.mark.parametrize("script", [[sending(message(1))], [sending(message(1), then="end"), failing(503)]])
async def test_closing_the_client_ends_the_iteration(script: list[Responder]) -> None:
    """It ends at once, while it waits for data or for the next connection."""
    async with serve_events(*script) as server:
        cstar = server.client(_clock=FakeClock())
        stream = cstar.events()
        assert await next_ids(stream, 1) == ["evt_1"]
        waiting = asyncio.create_task(anext(stream))
        await asyncio.sleep(0.05)
        await cstar.aclose()
        with pytest.raises(CStarError, match="this client is closed"):
            await asyncio.wait_for(waiting, 0.4)
        await stream.aclose()
