"""What is in flight when a client is closed: calls and streams of its own session, and of the user's, which stays open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest
import pytest_asyncio

from cstar_async import CStarError

from .conftest import MakeClient, ScriptedResponse, Server, cut, failed, held, ok
from .event_server import message

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
