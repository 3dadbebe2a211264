"""Sessions of the user: their middlewares, traces and event loops."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import Any

import aiohttp
import pytest
from aiohttp import ClientHandlerType, ClientRequest, ClientResponse, TraceConfig

from cstar_async import ConnectionFailedError, CStarClient, CStarError

from .conftest import KEY, TICKET, MakeClient, Server, cut, failed, ok, raw


async def test_middlewares_of_the_session_run_in_order(server: Server, make_client: MakeClient) -> None:
    """They see every attempt, can add headers, and replace the response."""
    seen: list[str] = []

    async def outer(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        seen.append("outer")
        response = await handler(request)
        seen.append(f"outer {response.status}")
        return response

    async def inner(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        seen.append("inner")
        request.headers["X-Trace"] = "t1"
        return await handler(request)

    server.script(failed(500), ok(TICKET))
    async with aiohttp.ClientSession(middlewares=(outer, inner)) as session:
        assert "tkt_1" == (await make_client(session=session).tickets.get("tkt_1")).id
    assert ["outer", "inner", "outer 500", "outer", "inner", "outer 200"] == seen
    assert ["t1", "t1"] == [request.headers["x-trace"] for request in server.requests]


async def test_a_middleware_may_send_again(server: Server, make_client: MakeClient) -> None:
    """A middleware that retries sees aiohttp's own errors and responses, and each of its requests is sent once."""

    async def again(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        try:
            response = await handler(request)
        except aiohttp.ServerDisconnectedError:
            return await handler(request)
        if response.status == 503:
            await response.read()
            return await handler(request)
        return response

    server.script(ok(TICKET), cut(), ok(TICKET), failed(503), ok(TICKET))
    async with aiohttp.ClientSession(middlewares=[again]) as session:
        client = make_client(session=session, max_retries=0)
        for _ in range(3):
            await client.tickets.get("tkt_1")
    assert 5 == len(server.requests)


@pytest.mark.parametrize("error", [aiohttp.ServerDisconnectedError(), aiohttp.ClientOSError("gone"), aiohttp.ClientPayloadError()])
@pytest.mark.parametrize("sends_first", [False, True])
async def test_an_error_of_a_middleware_sends_nothing_again(
    server: Server, make_client: MakeClient, error: aiohttp.ClientError, sends_first: bool
) -> None:
    """Aiohttp would repeat the request after some of them, unnoticed by limiter and hooks."""
    calls: list[int] = []

    async def broken(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        calls.append(1)
        if sends_first:
            (await handler(request)).close()
        raise error

    async with aiohttp.ClientSession(middlewares=[broken]) as session:
        with pytest.raises(ConnectionFailedError):
            await make_client(session=session, max_retries=0).tickets.get("tkt_1")
    assert (1, int(sends_first)) == (len(calls), len(server.requests))


async def test_a_value_error_of_a_middleware_is_its_own(make_client: MakeClient) -> None:
    """It is not taken for credentials of the session."""

    async def broken(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        raise ValueError("of the middleware")

    async with aiohttp.ClientSession(middlewares=[broken]) as session:
        with pytest.raises(ValueError, match="of the middleware"):
            await make_client(session=session).tickets.get("tkt_1")


async def test_a_middleware_does_not_switch_off_the_guard(server: Server, make_client: MakeClient) -> None:
    """A connection with a second response in it is not used again."""

    async def forward(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        return await handler(request)

    one, other = ok(TICKET), ok({**TICKET, "id": "tkt_2"})
    server.script(cut(*one.parts, *other.parts, then="keep"))
    async with aiohttp.ClientSession(middlewares=[forward]) as session:
        client = make_client(session=session)
        for _ in range(3):
            assert "tkt_1" == (await client.tickets.get("tkt_1")).id


@pytest.mark.parametrize("event", ["on_request_start", "on_connection_create_end", "on_request_end"])
@pytest.mark.parametrize("seconds", [30.0, 5.0])
async def test_a_trace_may_call_the_same_client(server: Server, make_client: MakeClient, event: str, seconds: float) -> None:
    """A call inside a call, in one task, works with the same and with another timeout."""
    nested: ContextVar[bool] = ContextVar("nested", default=False)
    found: list[str] = []

    async def call_again(*_: object) -> None:
        if not nested.get():
            nested.set(True)
            found.append((await client.with_options(timeout=seconds).tickets.get("tkt_2")).id)

    trace = TraceConfig()
    getattr(trace, event).append(call_again)
    async with aiohttp.ClientSession(trace_configs=[trace]) as session:
        client = make_client(session=session)
        assert "tkt_1" == (await client.tickets.get("tkt_1")).id
        assert "tkt_1" == (await client.tickets.get("tkt_1")).id
    assert (["tkt_1"], 3) == (found, len(server.requests))


async def test_a_middleware_may_call_the_same_client(server: Server, make_client: MakeClient) -> None:
    """As one that gets a value for a header does."""

    async def sign(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        if request.method == "PATCH":
            request.headers["X-Title"] = str((await client.tickets.get("tkt_1")).title)
        return await handler(request)

    async with aiohttp.ClientSession(middlewares=[sign]) as session:
        client = make_client(session=session)
        await client.tickets.update("tkt_1", title="b")
    assert [("GET", None), ("PATCH", "Cannot log in")] == [(r.method, r.headers.get("x-title")) for r in server.requests]


async def _new_session(**options: Any) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(**options)


@pytest.mark.parametrize("closed_loop", [True, False])
@pytest.mark.parametrize("with_middleware", [True, False])
def test_a_session_of_another_loop_says_so(closed_loop: bool, with_middleware: bool) -> None:
    """A session made in another loop, still open or closed, is refused by a CStarError on every call."""

    async def forward(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        return await handler(request)

    loop = asyncio.new_event_loop()
    session = loop.run_until_complete(_new_session(middlewares=[forward] if with_middleware else ()))
    if closed_loop:
        loop.close()

    async def call() -> None:
        async with CStarClient(api_key=KEY, team_id="team_1", base_url="http://127.0.0.1:9", session=session) as client:
            for _ in range(2):
                with pytest.raises(CStarError, match="session was created in another event loop"):
                    await client.tickets.get("tkt_1")

    asyncio.run(call())
    if not closed_loop:
        loop.run_until_complete(session.close())
        loop.close()
    else:
        asyncio.run(session.close())


async def test_open_streams_leave_connections_to_calls(server: Server, make_client: MakeClient) -> None:
    """Event streams do not count as connections of calls, of which there can be as many as `max_connections`."""
    end = asyncio.Event()
    opened = raw(headers={"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"})
    head = opened.parts[0]
    assert isinstance(head, bytes)
    streaming = cut(head.replace(b"Content-Length: 0\r\n", b""), end)
    client = make_client(max_connections=1)
    server.script(streaming, streaming)
    async with client.events(), client.events():
        for _ in range(3):
            async with asyncio.timeout(5):
                assert "tkt_1" == (await client.tickets.get("tkt_1")).id
    end.set()
