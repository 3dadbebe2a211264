"""What is in flight when a client is closed: calls and streams of its own session, and of the user's, which stays open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from cstar_async import CStarClient, CStarError, RequestOptions
from cstar_async.files import Download

from .conftest import MakeClient, ScriptedResponse, Server, cut, failed, held, ok
from .event_server import message
from .test_downloads import FILE

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
EVENT = b"%x\r\n%s\r\n" % (len(message(1)), message(1))
CLOSED = "this client is closed"


@pytest_asyncio.fixture(params=["own", "the user's"])
async def session(request: pytest.FixtureRequest) -> AsyncIterator[aiohttp.ClientSession | None]:
    """Return a session, or None for the client's own."""
    async with aiohttp.ClientSession() as session:
        yield None if request.param == "own" else session


FAILURES: dict[str, Callable[[asyncio.Event], ScriptedResponse]] = {
    "503": lambda event: held(event, failed(503, headers={"Retry-After": "50"})),
    "429": lambda event: held(event, failed(429, headers={"Retry-After": "50"})),
    "reset": lambda event: cut(event, then="reset"),
}


@pytest.mark.parametrize("failure", FAILURES)
async def test_call_in_flight_does_not_begin_to_wait(
    server: Server, make_client: MakeClient, session: aiohttp.ClientSession | None, failure: str
) -> None:
    """A retry would come after the end of the client."""
    respond = asyncio.Event()
    server.script(FAILURES[failure](respond))
    server.default = ok({})
    client = make_client(session=session, _clock=None)
    call = asyncio.create_task(client.tickets.get("tkt_1"))
    await asyncio.sleep(0.1)
    assert 1 == len(server.requests)
    await client.aclose()
    respond.set()
    with pytest.raises(CStarError, match="client is closed"):
        await asyncio.wait_for(call, 5)
    assert 1 == len(server.requests)


async def test_stream_whose_events_are_read_ends(
    server: Server, make_client: MakeClient, session: aiohttp.ClientSession | None
) -> None:
    """The client was closed between two events, while nothing waited."""
    server.script(cut(HEAD, EVENT, asyncio.Event()))
    client = make_client(session=session, _clock=None)
    async with client.events() as stream:
        assert "evt_1" == (await anext(stream)).id
        await client.aclose()
        with pytest.raises(CStarError, match=CLOSED):
            await asyncio.wait_for(anext(stream), 5)


async def test_stream_of_a_closed_session_ends(server: Server, make_client: MakeClient) -> None:
    """With an error of this package, although the connection was not closed by the server."""
    server.script(cut(HEAD, EVENT, asyncio.Event()))
    async with aiohttp.ClientSession() as session:
        client = make_client(session=session)
        async with client.events() as stream:
            assert "evt_1" == (await anext(stream)).id
            await session.close()
            with pytest.raises(CStarError, match="the session of the client is closed"):
                await asyncio.wait_for(anext(stream), 5)


async def test_stream_has_one_reader(server: Server, make_client: MakeClient) -> None:
    """A second task gets an error, and the first one reads on."""
    send = asyncio.Event()
    server.script(cut(HEAD, send, EVENT, asyncio.Event()))
    async with make_client(_clock=None).events() as stream:
        reading = asyncio.create_task(anext(stream))
        await asyncio.sleep(0.02)
        with pytest.raises(CStarError, match="another task reads this stream"):
            await anext(stream)
        send.set()
        assert "evt_1" == (await asyncio.wait_for(reading, 5)).id


PARTS: dict[str, bytes] = {
    "nothing": b"",
    "half of the headers": b"HTTP/1.1 200 OK\r\n",
    "half of the body": b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{",
    "a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
    "a body that ends with the connection": b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{",
    "half of an error": b"HTTP/1.1 503 No\r\nContent-Length: 1000\r\n\r\n{",
}


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("timeout", [None, 25.0])
async def test_call_whose_response_is_arriving_ends(
    server: Server, make_client: MakeClient, session: aiohttp.ClientSession | None, part: str, timeout: float | None
) -> None:
    """At once, however much of the response has arrived, and with its own timeout or that of the client."""
    server.script(cut(PARTS[part], asyncio.Event()))
    client = make_client(session=session, _clock=None, max_retries=0)
    call = asyncio.create_task(client.tickets.get("tkt_1", options=RequestOptions(timeout=timeout)))
    await server.seen(1)
    await asyncio.sleep(0.02)
    await client.aclose()
    with pytest.raises(CStarError, match="the client is closed"):
        await asyncio.wait_for(call, 5)


async def _endless() -> AsyncIterator[bytes]:
    yield b"1"
    await asyncio.Event().wait()


TRANSFERS: dict[str, Callable[[CStarClient, Path], Awaitable[object]]] = {
    "an upload": lambda client, _: client.request("POST", "/files", files={"file": _endless()}),
    "a download to a file": lambda client, folder: client.__executor__.download(FILE).save(folder / "file"),
    "a download": lambda client, _: _read(client.__executor__.download(FILE)),
}


async def _read(download: Download) -> bytes:
    return await download


@pytest.mark.parametrize("kind", TRANSFERS)
async def test_transfer_ends(
    server: Server, make_client: MakeClient, session: aiohttp.ClientSession | None, tmp_path: Path, kind: str
) -> None:
    """At once, with an error of this package; no file is left."""
    server.default = cut(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n1", asyncio.Event())
    client = make_client(session=session, _clock=None)
    transfer = asyncio.ensure_future(TRANSFERS[kind](client, tmp_path))
    await asyncio.sleep(0.1)
    await client.aclose()
    with pytest.raises(CStarError, match="client is closed"):
        await asyncio.wait_for(transfer, 5)
    assert [] == list(tmp_path.iterdir())


async def test_trace_that_closes_the_client_does_not_end_its_own_call(server: Server, make_client: MakeClient) -> None:
    """Its timeout still holds."""

    async def close(*_: object) -> None:
        await client.aclose()

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(close)
    async with aiohttp.ClientSession(trace_configs=[trace]) as session:
        client = make_client(session=session, _clock=None, max_retries=0, timeout=0.2)
        server.script(held(asyncio.Event()))
        with pytest.raises(CStarError, match="the client is closed"):
            await asyncio.wait_for(client.tickets.get("tkt_1"), 5)
