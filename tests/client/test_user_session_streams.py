"""Event streams in a session of the user, whose connections they share with calls."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import aiohttp
import pytest
from aiohttp import ClientHandlerType, ClientRequest, ClientResponse, TCPConnector

from cstar_async import AuthenticationError, ConfigurationError, CStarClient, Priority, RateLimiter, RequestTimeoutError

from .conftest import TICKET, MakeClient, ScriptedResponse, Server, cut, failed, held, ok

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def open_stream() -> ScriptedResponse:
    """Return a stream without events that stays open."""
    return cut(HEAD, asyncio.Event())


def free_slots(client: CStarClient) -> int:
    """Return how many more calls may be in flight."""
    return client._executor.context.semaphore.free


@pytest.mark.parametrize("limits", [{"limit": 1}, {"limit_per_host": 1}, {"limit": 1, "limit_per_host": 5}])
async def test_stream_that_would_use_the_only_connection_is_refused(
    server: Server, make_client: MakeClient, limits: dict[str, int]
) -> None:
    """The error says what to change, nothing is sent, and calls work."""
    async with aiohttp.ClientSession(connector=TCPConnector(**limits)) as session:
        client = make_client(session=session)
        with pytest.raises(ConfigurationError, match="raise limit or limit_per_host of its connector"):
            await client.events().__aenter__()
        assert ([], 1) == (server.requests, free_slots(client))
        assert isinstance(client._executor.context.limiter, RateLimiter)
        assert 0 == client._executor.context.limiter._window.unconfirmed
        assert "tkt_1" == (await client.tickets.get("tkt_1")).id


@pytest.mark.parametrize(("limit", "streams"), [(2, 1), (3, 2), (5, 4)])
@pytest.mark.parametrize("priority", list(Priority))
async def test_calls_use_the_connections_that_streams_leave(
    server: Server, make_client: MakeClient, limit: int, streams: int, priority: Priority
) -> None:
    """No call waits inside aiohttp, where its timeout runs, and one more stream is refused."""
    server.script(*(open_stream() for _ in range(streams)))
    async with aiohttp.ClientSession(connector=TCPConnector(limit=limit)) as session:
        client = make_client(session=session, timeout=5.0, max_retries=0, priority=priority)
        opened = [client.events() for _ in range(streams)]
        for stream in opened:
            await stream.__aenter__()
        with pytest.raises(ConfigurationError):
            await client.events().__aenter__()
        release = asyncio.Event()
        server.default = held(release)
        calls = [asyncio.ensure_future(client.tickets.get("tkt_1")) for _ in range(5)]
        await server.seen(limit)
        await asyncio.sleep(0.02)
        assert limit == len(server.requests)
        release.set()
        await asyncio.gather(*calls)
        for stream in opened:
            await stream.aclose()
        assert limit == free_slots(client)
    assert limit == server.max_in_flight


async def test_stream_of_many_connections_uses_one_at_a_time(server: Server, make_client: MakeClient) -> None:
    """Each connection that ends is no longer counted, nor is an attempt that is refused."""
    ended = cut(HEAD + b"9\r\ndata: {}\n\r\n0\r\n\r\n")
    server.script(ended, failed(503), ended, failed(429, headers={"Retry-After": "0"}), ended, failed(401))
    async with aiohttp.ClientSession(connector=TCPConnector(limit=2)) as session:
        client = make_client(session=session, max_retries=0)
        with pytest.raises(AuthenticationError):
            async with client.events() as stream:
                await anext(stream)
        assert (6, 2) == (len(server.requests), free_slots(client))


async def test_stream_that_nobody_closed_is_not_counted_for_ever(server: Server, make_client: MakeClient) -> None:
    """Its connection is free when Python collects it."""
    server.script(open_stream())
    async with aiohttp.ClientSession(connector=TCPConnector(limit=2)) as session:
        client = make_client(session=session)
        stream: Any = client.events()
        await stream.__aenter__()
        assert 1 == free_slots(client)
        stream = None
        gc.collect()
        await asyncio.sleep(0)
        assert 2 == free_slots(client)


async def test_stream_uses_the_middlewares_of_the_session(server: Server, make_client: MakeClient) -> None:
    """As every call does."""

    async def add_header(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        request.headers["X-Trace"] = "t1"
        return await handler(request)

    server.script(open_stream())
    async with aiohttp.ClientSession(middlewares=[add_header]) as session, make_client(session=session).events():
        assert "t1" == server.requests[0].headers["x-trace"]


async def test_call_without_a_free_connection_says_so(server: Server, make_client: MakeClient) -> None:
    """If another client uses up the session, the timeout is not taken for one of the server, and nothing was sent."""
    server.script(ok(TICKET), held(asyncio.Event()))
    async with aiohttp.ClientSession(connector=TCPConnector(limit=1)) as session:
        one, other = make_client(session=session), make_client(session=session, max_retries=0, timeout=0.05)
        await other.tickets.get("tkt_1")
        hanging = asyncio.ensure_future(one.tickets.get("tkt_1"))
        await server.seen(2)
        with pytest.raises(RequestTimeoutError, match="no connection of the session was free") as caught:
            await other.tickets.get("tkt_1")
        assert (False, 2) == (caught.value.request_sent, len(server.requests))
        hanging.cancel()
        await asyncio.gather(hanging, return_exceptions=True)
