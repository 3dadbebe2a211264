"""Creating, closing, copying and sharing a client: sessions, event loops, processes, views."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import json
import os
import pickle
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import aiohttp
import pytest

from cstar_async import (
    ConfigurationError,
    CStarClient,
    CStarError,
    NotFoundError,
    RateLimiter,
    ServerError,
)

from .conftest import KEY, TICKET, MakeClient, Server, failed, held, ok

T = TypeVar("T")
WHOAMI = {"teamId": "team_9"}
CLOSED = "closed"
OTHER_LOOP = "event loop"


def in_another_loop(work: Callable[[], Awaitable[T]]) -> Awaitable[T]:
    """Run a function in an event loop of another thread."""

    async def main() -> T:
        return await work()

    loop = asyncio.get_running_loop()
    pool = ThreadPoolExecutor(1)
    future = loop.run_in_executor(pool, lambda: asyncio.run(main()))
    future.add_done_callback(lambda _: pool.shutdown(wait=False))
    return future


async def test_a_client_closes_twice_and_without_use(make_client: MakeClient) -> None:
    """`aclose()` may be called twice, and on a client never used."""
    client = make_client()
    await client.aclose()
    await client.aclose()
    with pytest.raises(CStarError, match=CLOSED):
        await client.tickets.get("tkt_1")


async def test_a_client_used_and_closed_twice_refuses_calls(server: Server, make_client: MakeClient) -> None:
    """A call of a closed client raises a CStarError, and nothing is sent."""
    async with make_client() as client:
        await client.tickets.get("tkt_1")
    await client.aclose()
    with pytest.raises(CStarError, match=CLOSED):
        await client.tickets.get("tkt_1")
    assert 1 == len(server.requests)


async def test_entering_a_closed_client_says_so(make_client: MakeClient) -> None:
    """`async with` on a closed client is a CStarError."""
    client = make_client()
    await client.aclose()
    with pytest.raises(CStarError, match=CLOSED):
        await client.__aenter__()


async def test_a_client_in_a_second_loop_says_so(server: Server, client: CStarClient) -> None:
    """A client used from a second event loop raises a CStarError about it, and works on in its own."""
    await client.tickets.get("tkt_1")
    with pytest.raises(CStarError, match=OTHER_LOOP):
        await in_another_loop(lambda: client.tickets.get("tkt_1"))
    assert "tkt_1" == (await client.tickets.get("tkt_1")).id


async def test_closing_from_a_second_loop_says_so(client: CStarClient) -> None:
    """A client that works in one loop cannot be closed in another."""
    await client.tickets.get("tkt_1")
    with pytest.raises(CStarError, match=OTHER_LOOP):
        await in_another_loop(client.aclose)


async def test_a_limiter_in_two_running_loops_says_so(server: Server, make_client: MakeClient) -> None:
    """Clients in two loops that run at once cannot share a limiter: calls that wait could not be woken. Those of one loop can."""
    limiter = RateLimiter()
    here, there, late = [make_client(rate_limiter=limiter) for _ in range(3)]
    await here.tickets.get("tkt_1")
    with pytest.raises(CStarError, match=OTHER_LOOP):
        await in_another_loop(lambda: there.tickets.get("tkt_1"))
    assert "tkt_1" == (await late.tickets.get("tkt_1")).id


def test_a_limiter_goes_from_one_run_to_the_next(address: socket.socket) -> None:
    """What it has learned in one asyncio.run serves the next."""
    limiter = RateLimiter()
    clients = [_client_of(address, rate_limiter=limiter) for _ in range(2)]
    assert ["tkt_1", "tkt_1"] == [asyncio.run(_used(client, address, closing=True)) for client in clients]


async def _respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Respond to every request on a connection with the same ticket."""
    body = json.dumps({"success": True, "data": TICKET}).encode()
    with contextlib.suppress(asyncio.IncompleteReadError):
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    writer.close()


@pytest.fixture
def address() -> Iterator[socket.socket]:
    """An address that stays the same from one event loop to the next."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def _client_of(address: socket.socket, **options: Any) -> CStarClient:
    url = f"http://127.0.0.1:{address.getsockname()[1]}"
    return CStarClient(api_key=KEY, team_id="team_1", base_url=url, max_retries=0, **options)


async def _used(client: CStarClient, address: socket.socket, *, closing: bool) -> str:
    """Call through a client in the loop that runs now, against a server in the same."""
    async with await asyncio.start_server(_respond, sock=address.dup()):
        found = await client.tickets.get("tkt_1")
        if closing:
            await client.aclose()
    return found.id


def test_building_needs_no_loop_and_two_runs_need_two_clients(address: socket.socket) -> None:
    """Clients are made outside of any loop, and one for each asyncio.run works."""
    clients = [_client_of(address), _client_of(address)]

    assert ["tkt_1", "tkt_1"] == [asyncio.run(_used(client, address, closing=True)) for client in clients]


def test_a_client_whose_loop_has_ended_says_so() -> None:
    """Kept from one asyncio.run to the next without having been closed, it raises a CStarError, and can still be closed."""
    # In a process of its own, for the first loop leaves sockets behind that pytest would complain of.
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", "from tests.client.test_lifecycle import outlive_a_loop; outlive_a_loop()"],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert (0, "CStarError\n") == (done.returncode, done.stdout), done.stderr
    assert OTHER_LOOP in done.stderr


def outlive_a_loop() -> None:
    """Use a client in two loops, print the class of the error, and close it twice."""
    with socket.create_server(("127.0.0.1", 0)) as address:
        client = _client_of(address)
        asyncio.run(_used(client, address, closing=False))
        try:
            asyncio.run(asyncio.wait_for(_used(client, address, closing=True), 5))
        except CStarError as error:
            sys.stdout.write(f"{type(error).__name__}\n")
            sys.stderr.write(str(error))
        asyncio.run(client.aclose())
        asyncio.run(client.aclose())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
async def test_a_forked_child_that_goes_on_with_the_loop_says_so(server: Server) -> None:
    """In a child that inherited client and loop, calls and `aclose()` are CStarErrors, and the parent works on undisturbed."""
    # In a process of its own: one with threads, as that of the tests, should not fork.
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "ignore", "-c", f"from tests.client.test_lifecycle import fork; fork({server.url!r})"),
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await asyncio.wait_for(child.communicate(), 30)
    assert (0, 2, 2) == (child.returncode, len(server.requests), printed.decode().count("in another process"))


def fork(url: str) -> None:
    """Use a client before and after a fork, in the same loop, and print what the child's call and its `aclose()` raise."""
    loop = asyncio.new_event_loop()
    client = CStarClient(api_key=KEY, team_id="team_1", base_url=url, timeout=5, max_retries=0)
    loop.run_until_complete(client.tickets.get("tkt_1"))
    child = os.fork()
    if child == 0:
        for work in (client.tickets.get("tkt_1"), client.aclose()):
            try:
                loop.run_until_complete(work)
            except CStarError as error:
                os.write(1, f"{error}\n".encode())
        os._exit(0)
    os.waitpid(child, 0)
    loop.run_until_complete(client.tickets.get("tkt_1"))
    loop.run_until_complete(client.aclose())
    loop.close()


async def test_a_session_of_the_user_is_used_and_not_closed(server: Server, make_client: MakeClient) -> None:
    """The user's session carries the calls, with the client's headers, and stays open."""
    async with aiohttp.ClientSession(headers={"X-Mine": "1"}) as session:
        async with make_client(session=session) as client:
            await client.tickets.get("tkt_1")
        assert not session.closed
    sent = server.requests[0].headers
    assert ("1", f"Bearer {KEY}") == (sent["x-mine"], sent["authorization"])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_a_session_with_credentials_is_refused(server: Server, make_client: MakeClient) -> None:
    """A session whose own credentials would replace the key is a ConfigurationError, and nothing is sent."""
    async with aiohttp.ClientSession(headers={"Authorization": "Basic eDp5"}) as session:
        await make_client(session=session).tickets.get("tkt_1")
    assert f"Bearer {KEY}" == server.requests[0].headers["authorization"]
    async with aiohttp.ClientSession(auth=aiohttp.BasicAuth("x", "y")) as session:
        with pytest.raises(ConfigurationError, match="credentials"):
            await make_client(session=session).tickets.get("tkt_1")
    assert 1 == len(server.requests)


async def test_a_session_that_raises_for_status_does_no_harm(server: Server, make_client: MakeClient) -> None:
    """`raise_for_status=True` on the user's session leaves errors to the client."""
    server.script(failed(404, code="gone"))
    async with aiohttp.ClientSession(raise_for_status=True) as session:
        with pytest.raises(NotFoundError) as caught:
            await make_client(session=session).tickets.get("tkt_1")
    assert "gone" == caught.value.code


async def test_a_closed_session_says_so(make_client: MakeClient) -> None:
    """A session closed by the user is a CStarError before the first call and after it."""
    session = aiohttp.ClientSession()
    used = make_client(session=session)
    await used.tickets.get("tkt_1")
    await session.close()
    for client in (make_client(session=session), used):
        with pytest.raises(CStarError, match=CLOSED):
            await client.tickets.get("tkt_1")


async def test_a_session_with_few_connections_bounds_the_calls(server: Server, make_client: MakeClient) -> None:
    """Calls wait for a slot and not inside a small connector, where the wait would count against their timeout."""
    release = asyncio.Event()
    server.default = held(release)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=2)) as session:
        client = make_client(session=session, max_retries=0)
        calls = [asyncio.ensure_future(client.tickets.get("tkt_1")) for _ in range(6)]
        await server.seen(2)
        assert 0 == client._executor.context.semaphore.free
        release.set()
        await asyncio.gather(*calls)
    assert 2 == server.max_in_flight


@pytest.mark.parametrize("attempt", [pickle.dumps, copy.deepcopy])
async def test_what_belongs_to_a_client_is_not_pickled_and_not_copied(
    client: CStarClient, attempt: Callable[[object], object]
) -> None:
    """Not even once the client has a session, whose event loop would be copied, too."""
    await client.tickets.get("tkt_1")
    for part in (client.tickets, client.tickets.get, client.tickets.list(), client.tickets.list().prefetch(2)):
        with pytest.raises(TypeError, match="make a client where one is needed"):
            attempt(part)


def test_a_client_is_not_pickled_and_not_copied() -> None:
    """A client refuses to be pickled and copied, without showing its key."""
    client = CStarClient(api_key=KEY)
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError) as caught:
            attempt(client)
        assert KEY not in str(caught.value)


async def test_a_view_shares_everything_but_its_settings(server: Server, make_client: MakeClient) -> None:
    """A view of `with_options` shares session, limiter and retry budget, and is closed with the client."""
    client = make_client()
    view = client.with_options(max_retries=0)
    server.script(ok(TICKET), failed(500))
    await client.tickets.get("tkt_1")
    with pytest.raises(ServerError):
        await view.tickets.get("tkt_1")
    assert (2, 1) == (len(server.requests), server.connections)
    await view.aclose()
    with pytest.raises(CStarError, match=CLOSED):
        await client.tickets.get("tkt_1")


def test_reprs_say_what_they_are() -> None:
    """A client shows its settings, a namespace its methods; neither shows the key."""
    client = CStarClient(api_key=KEY, team_id="team_1")
    assert "CStarClient(base_url='https://www.cstar.help', team_id='team_1', timeout=30.0, max_retries=3, max_wait=60.0)" == repr(
        client
    )
    assert "<TicketsNamespace: create, delete, get, list, messages, update>" == repr(client.tickets)
