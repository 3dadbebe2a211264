"""A client from its making to its end: sessions, loops, views, its team, its key, hooks and logs."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import json
import logging
import os
import pickle
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import aiohttp
import attrs
import pytest

from cstar_async import (
    AuthenticationError,
    ConfigurationError,
    CStarClient,
    CStarError,
    Hooks,
    NotFoundError,
    Page,
    RateLimiter,
    RequestOptions,
    ServerError,
)
from cstar_async.api import get_ticket
from cstar_async.hooks import RequestInfo, ResponseInfo

from .conftest import KEY, TICKET, InstantClock, MakeClient, Server, failed, held, ok

T = TypeVar("T")
WHO = {"teamId": "team_9"}
CLOSED = "closed"
OTHER_LOOP = "event loop"


def in_another_loop(work: Callable[[], Awaitable[T]]) -> Awaitable[T]:
    """Run something in an event loop of another thread."""

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
    """After the end a call is a CStarError that says so, and nothing is sent."""
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


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer every request on a connection with the same ticket."""
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
    async with await asyncio.start_server(_answer, sock=address.dup()):
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
    """Calls wait at the gate and not inside a small connector, where the wait would be their timeout's."""
    release = asyncio.Event()
    server.default = held(release)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=2)) as session:
        client = make_client(session=session, max_retries=0)
        calls = [asyncio.ensure_future(client.tickets.get("tkt_1")) for _ in range(6)]
        await server.seen(2)
        assert 0 == client._executor.context.semaphore.free
        release.set()
        await asyncio.gather(*calls)
    assert 2 == server.most_in_flight


async def test_the_team_is_found_once_for_many_callers(server: Server, make_client: MakeClient) -> None:
    """Fifty calls that need the team wait for one whoami."""
    server.script(ok(WHO))
    client = make_client(team_id=None)
    await asyncio.gather(*(client.tickets.get(f"tkt_{number}") for number in range(50)))
    paths = [request.path for request in server.requests]
    assert (51, 50) == (len(paths), sum(path.startswith("/api/v1/teams/team_9/tickets/") for path in paths))


async def test_cancelling_the_one_who_finds_the_team_does_not_end_the_others(server: Server, make_client: MakeClient) -> None:
    """When the first caller is cancelled, another takes over."""
    server.script(held(asyncio.Event(), ok(WHO)), ok(WHO))
    client = make_client(team_id=None)
    calls = [asyncio.ensure_future(client.tickets.get("tkt_1")) for _ in range(5)]
    await server.seen(1)
    calls[0].cancel()
    found = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(found[0], asyncio.CancelledError)
    assert 1 + 1 + 4 == len(server.requests)


async def test_a_failure_to_find_the_team_is_shared_and_not_kept(server: Server, make_client: MakeClient) -> None:
    """Those who wait share the failure, each with an exception of its own, and the next call tries anew."""
    server.script(failed(401), ok(WHO))
    client = make_client(team_id=None)
    errors = await asyncio.gather(*(client.tickets.get("tkt_1") for _ in range(5)), return_exceptions=True)
    assert ([AuthenticationError] * 5, 5, 1) == ([type(error) for error in errors], len(set(map(id, errors))), len(server.requests))
    assert "tkt_1" == (await client.tickets.get("tkt_1")).id


@pytest.mark.parametrize("who", [{}, {"teamId": None}, {"teamId": ""}, {"teamId": 7}], ids=repr)
async def test_a_whoami_without_a_team_is_a_configuration_error(server: Server, make_client: MakeClient, who: Any) -> None:
    """Where whoami names no team, the error says to pass one."""
    server.script(ok(who))
    with pytest.raises(ConfigurationError, match="team_id="):
        await make_client(team_id=None).tickets.get("tkt_1")


@pytest.mark.parametrize("key", ["pk_live_abc", "pk_test_abc", "pk_abc"])
async def test_a_write_with_a_publishable_key_is_refused(server: Server, make_client: MakeClient, key: str) -> None:
    """A publishable key reads; a write is a ConfigurationError before anything is sent, through every door."""
    client = make_client(api_key=key)
    for write in (client.tickets.create(title="a"), client.tickets.delete("tkt_1"), client.request("POST", "/x")):
        with pytest.raises(ConfigurationError):
            await write
    assert [] == server.requests
    assert "tkt_1" == (await client.tickets.get("tkt_1")).id


async def test_the_key_is_in_no_repr_error_or_log(
    server: Server, make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither key nor body nor header nor query values are shown, in DEBUG logs, reprs, errors and reports."""
    caplog.set_level(logging.DEBUG)
    client = make_client()
    options = RequestOptions(headers={"X-A": "hush-header"}, extra_query={"q": "hush-query"}, extra_body={"b": "hush-body"})
    server.script(failed(500, message=f"Bearer {KEY} is bad"), failed(403, message=f"key {KEY} is bad"))
    with pytest.raises(CStarError) as caught:
        await client.tickets.create(title="hush-title", options=options)
    seen = "\n".join([repr(client), str(caught.value), repr(caught.value), caught.value.report(), repr(options), caplog.text])
    assert [] == [secret for secret in (KEY, "secretpart", "hush") if secret in seen]
    assert "/api/v1/teams/{teamId}/tickets" in caplog.text


async def test_a_kept_error_has_no_key_in_it(server: Server, client: CStarClient) -> None:
    """A server that repeats the key in everything it says does not bring it into the error, its pickle and its attributes."""
    echo = dict.fromkeys(("message", "type", "code", "param", "doc_url", "request_id"), f"has {KEY} in it")
    server.script(failed(401, **echo))
    with pytest.raises(AuthenticationError) as caught:
        await client.tickets.get("tkt_1")
    error = caught.value
    kept = [pickle.dumps(error).decode("latin-1"), repr(vars(error)), repr(error.args), repr(vars(copy.deepcopy(error)))]
    assert [] == [text for text in kept if "secretpart" in text]
    assert "has sk_test_… in it" == error.message


async def test_the_log_names_the_request(server: Server, client: CStarClient, caplog: pytest.LogCaptureFixture) -> None:
    """By the id that the answer states, be it good or not, in its body or in a header."""
    caplog.set_level(logging.DEBUG)
    server.script(ok(TICKET), failed(404, request_id="req_bad"), ok(TICKET, meta={}, headers={"x-cstar-request-id": "req_head"}))
    await client.tickets.get("tkt_1")
    with pytest.raises(NotFoundError):
        await client.tickets.get("tkt_1")
    await client.tickets.get("tkt_1")
    said = [record.getMessage() for record in caplog.records if "request req" in record.getMessage()]
    assert ["req_ok", "req_bad", "req_head"] == [line.rpartition(" ")[2] for line in said]


async def test_a_free_path_is_logged_without_addresses(client: CStarClient, caplog: pytest.LogCaptureFixture) -> None:
    """A path of the caller's own has no template, and an id in it may be a person's."""
    caplog.set_level(logging.DEBUG)
    await client.request("GET", "/customers/ann.lee@example.com")
    assert "ann.lee" not in caplog.text
    assert "GET /customers/" in caplog.text or "GET …@…" in caplog.text


def test_a_client_is_not_pickled_and_not_copied() -> None:
    """A client refuses to be pickled and copied, without showing its key."""
    client = CStarClient(api_key=KEY)
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError) as caught:
            attempt(client)
        assert KEY not in str(caught.value)


async def test_a_view_shares_everything_but_its_settings(server: Server, make_client: MakeClient) -> None:
    """`with_options` gives a view on the same session, limiter, budget and end."""
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


async def test_with_response_gives_each_call_its_own(server: Server, client: CStarClient) -> None:
    """Under concurrency each call gets the response of its own request."""
    first, second = asyncio.Event(), asyncio.Event()
    server.script(
        held(first, ok(TICKET | {"id": "a"}, meta={"requestId": "req_a"})),
        held(second, ok(TICKET | {"id": "b"}, meta={"requestId": "req_b"}, status=203)),
    )
    calls = []
    for number in (1, 2):
        calls.append(asyncio.ensure_future(client.with_response(client.tickets.get, f"tkt_{number}")))
        await server.seen(number)
    second.set()
    late = await calls[1]
    first.set()
    early = await calls[0]
    assert [("a", "req_a", 200), ("b", "req_b", 203)] == [(r.data.id, r.request_id, r.status) for r in (early, late)]


async def test_with_response_tells_attempts_and_key(server: Server, client: CStarClient) -> None:
    """A response knows how often it was asked for and under which key."""
    server.script(failed(500), ok(TICKET, headers={"X-Extra": "1"}))
    response = await client.with_response(client.tickets.create, title="a", idempotency_key="k-1")
    assert (2, "k-1", "1", None) == (
        response.attempts,
        response.idempotency_key,
        response.headers["x-extra"],
        response.rate_limit,
    )


async def test_with_response_of_a_list_gives_its_first_page(server: Server, client: CStarClient) -> None:
    """A method that lists gives a response with a page."""
    server.script(ok([TICKET], pagination={"page": 1, "total": 1}))
    response = await client.with_response(client.tickets.list)
    assert (Page, 1, "req_ok") == (type(response.data), len(response.data), response.request_id)


async def test_with_response_takes_functions_of_the_api(client: CStarClient) -> None:
    """The functions of `cstar_async.api` work like the methods."""
    assert "tkt_1" == (await client.with_response(get_ticket, client, "tkt_1")).data.id


async def test_with_response_takes_a_free_request(client: CStarClient) -> None:
    """`request()` gives a response already; around it stands another with the same circumstances."""
    response = await client.with_response(client.request, "GET", "/tickets/tkt_1")
    assert (200, "req_ok", TICKET) == (response.status, response.request_id, response.data.data)


async def test_with_response_within_another_tells_both(client: CStarClient) -> None:
    """A function that asks for responses itself can be asked for its own."""

    async def title() -> str:
        """Of a ticket, read with its response."""
        return (await client.with_response(client.tickets.get, "tkt_1")).data.title

    response = await client.with_response(title)
    assert (TICKET["title"], "req_ok") == (response.data, response.request_id)


async def test_with_response_of_no_call_says_so(client: CStarClient) -> None:
    """Something that makes no call is a CStarError."""

    async def nothing() -> None:
        """Call nobody."""

    with pytest.raises(CStarError, match="no call"):
        await client.with_response(nothing)


class Watch(Hooks):
    """Keeps what it hears, and may fail."""

    def __init__(self, *, fails: bool = False) -> None:
        self.heard: list[RequestInfo | ResponseInfo] = []
        self.fails = fails

    def on_request(self, info: RequestInfo, /) -> None:
        """Keep it."""
        self.heard.append(info)
        if self.fails:
            raise RuntimeError("hook broke")

    def on_response(self, info: ResponseInfo, /) -> None:
        """Keep it."""
        self.heard.append(info)
        if self.fails:
            raise ValueError("hook broke again")


async def test_hooks_get_frozen_values(make_client: MakeClient) -> None:
    """What a hook gets names the operation and the template of the path, and cannot be changed."""
    hook = Watch()
    await make_client(hooks=[hook]).tickets.get("tkt_1")
    names = [(type(info), info.operation, info.path) for info in hook.heard]
    path = "/api/v1/teams/{teamId}/tickets/{ticketId}"
    assert [(RequestInfo, "get_ticket", path), (ResponseInfo, "get_ticket", path)] == names
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        hook.heard[0].attempt = 9


async def test_a_hook_that_raises_is_logged_and_dropped(make_client: MakeClient, caplog: pytest.LogCaptureFixture) -> None:
    """A broken hook breaks neither the call nor the hooks after it."""
    after = Watch()
    assert "tkt_1" == (await make_client(hooks=[Watch(fails=True), after]).tickets.get("tkt_1")).id
    assert (2, 2) == (len(after.heard), caplog.text.count("a hook failed"))


async def test_from_env_reads_key_team_and_address(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """`from_env` takes key, team and base URL from the environment, and arguments go over it."""
    for name, value in (("API_KEY", "sk_env"), ("TEAM_ID", "team_env"), ("BASE_URL", server.url)):
        monkeypatch.setenv(f"CSTAR_{name}", value)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    async with CStarClient.from_env() as client, CStarClient.from_env(team_id="team_arg") as other:
        await client.tickets.get("t")
        await other.tickets.get("t")
    assert ["/api/v1/teams/team_env/tickets/t", "/api/v1/teams/team_arg/tickets/t"] == [sent.path for sent in server.requests]
    assert "Bearer sk_env" == server.requests[0].headers["authorization"]


async def test_from_env_takes_the_proxy_once(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy of the environment carries the calls of a client made by `from_env` and of no other."""
    for name in ("NO_PROXY", "no_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", server.url)
    made = {"api_key": KEY, "team_id": "team_1", "base_url": "http://nothing.invalid", "max_retries": 0}
    async with CStarClient.from_env(**made) as client, CStarClient(**made) as plain:  # type: ignore[arg-type, misc]
        await client.tickets.get("t")
        with pytest.raises(CStarError):
            await plain.tickets.get("t")
    assert ["http://nothing.invalid/api/v1/teams/team_1/tickets/t"] == [sent.target for sent in server.requests]


def test_from_env_without_a_key_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a key the error names the variable."""
    monkeypatch.delenv("CSTAR_API_KEY", raising=False)
    with pytest.raises(ConfigurationError, match="CSTAR_API_KEY"):
        CStarClient.from_env()


async def test_the_time_of_a_call_is_that_of_the_clock(server: Server, client: CStarClient, clock: InstantClock) -> None:
    """`elapsed` counts waits and attempts by the client's clock."""
    server.script(failed(503, headers={"Retry-After": "5"}))
    response = await client.with_response(client.tickets.get, "tkt_1")
    assert (clock.now, True) == (response.elapsed, 5 <= response.elapsed < 6)
