"""Connections that fail, break, stall or send no HTTP, and what a retry does about it."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import struct
import time
from collections.abc import AsyncIterator

import aiohttp
import pytest

from cstar_async import (
    ConnectionFailedError,
    CStarClient,
    CStarError,
    Hooks,
    NotFoundError,
    RequestOptions,
    RequestTimeoutError,
    ServerError,
)
from cstar_async.hooks import RequestInfo, RetryInfo
from cstar_async.models import Deleted
from tests.ports import free_port

from .conftest import TICKET, MakeClient, ScriptedResponse, Server, SkippingClock, cut, failed, held, ok, raw

BROKEN_RESPONSES = {
    "reset after the request": cut(then="reset"),
    "closed after the request": cut(),
    "cut in the headers": cut(b"HTTP/1.1 200 OK\r\nContent-Ty"),
    "cut in the body": cut(b'HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{"data": {'),
    "cut in a chunk": cut(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n{"data"'),
    "no http": cut(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"),
    "bad chunk": cut(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n"),
    "bad gzip": raw(b"this is not gzip", headers={"Content-Encoding": "gzip"}),
    "cut gzip": raw(gzip.compress(b'{"data": {"id": "tkt_1"}}')[:-3], headers={"Content-Encoding": "gzip"}),
    "unknown encoding": raw(b'{"data": {"id": "tkt_1"}}', headers={"Content-Encoding": "br"}),
    "bad length": cut(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n{}"),
    "long header": cut(b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 100_000 + b"\r\n\r\n"),
}
ONCE = RequestOptions(max_retries=0)


class Attempts(Hooks):
    """Collects attempts and retries."""

    def __init__(self) -> None:
        self.requests: list[RequestInfo] = []
        self.retries: list[RetryInfo] = []

    def on_request(self, info: RequestInfo, /) -> None:
        """Keep it."""
        self.requests.append(info)

    def on_retry(self, info: RetryInfo, /) -> None:
        """Keep it."""
        self.retries.append(info)


@pytest.fixture
def nowhere() -> str:
    """The address of a port on which nobody listens."""
    return f"http://127.0.0.1:{free_port()}"


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """A session of the user's own."""
    async with aiohttp.ClientSession() as made:
        yield made


@pytest.mark.parametrize("response", BROKEN_RESPONSES.values(), ids=BROKEN_RESPONSES)
async def test_a_broken_answer_without_retries_is_a_connection_failed_error(
    server: Server, client: CStarClient, response: ScriptedResponse
) -> None:
    """Whatever breaks on the wire is a ConnectionFailedError that names the call, and the request may have been acted on."""
    server.script(response)
    with pytest.raises(ConnectionFailedError) as caught:
        await client.tickets.create(title="a", idempotency_key="k-1", options=ONCE)
    error = caught.value
    assert (True, "create_ticket", 1, "k-1") == (error.request_sent, error.operation, error.attempts, error.idempotency_key)


@pytest.mark.parametrize("response", BROKEN_RESPONSES.values(), ids=BROKEN_RESPONSES)
async def test_a_broken_answer_repeats_a_write_under_the_same_key(
    server: Server, client: CStarClient, response: ScriptedResponse
) -> None:
    """A POST whose response was lost is sent again with the same Idempotency-Key and body."""
    server.script(response, ok(TICKET, status=201))
    assert "tkt_1" == (await client.tickets.create(title="a")).id
    first, second = server.requests
    assert (first.headers["idempotency-key"], first.body) == (second.headers["idempotency-key"], second.body)


async def test_a_connection_reset_before_the_request_was_read_is_tried_again(make_client: MakeClient, clock: SkippingClock) -> None:
    """The server takes the connection and resets it unread; the write goes out again under its key and is done once."""
    heads: list[bytes] = []
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        if connections < 3:
            connection = writer.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            return
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        for part in ok(TICKET, status=201, headers={"Connection": "close"}).parts:
            assert isinstance(part, bytes)
            writer.write(part)
        writer.close()
        await writer.wait_closed()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listener:
        client = make_client(base_url=f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}")
        response = await client.with_response(client.tickets.create, title="a", idempotency_key="k-1")
        await client.aclose()
    assert (3, "tkt_1", 2, 1) == (response.attempts, response.data.id, len(clock.slept), len(heads))
    assert b"Idempotency-Key: k-1" in heads[0]


@pytest.mark.parametrize(
    "response",
    [BROKEN_RESPONSES["reset after the request"], BROKEN_RESPONSES["cut gzip"], raw(b"<html>")],
    ids=["broken", "cut", "no json"],
)
async def test_an_error_drags_no_other_library_along(server: Server, client: CStarClient, response: ScriptedResponse) -> None:
    """Neither as its cause nor as its context: those would bring the request or the body into a report of the error."""
    server.script(response)
    with pytest.raises(CStarError) as caught:
        await client.tickets.get("tkt_1", options=ONCE)
    assert (None, None) == (caught.value.__cause__, caught.value.__context__)


@pytest.mark.parametrize("own", [False, True], ids=["session of the client", "session of the user"])
async def test_a_packed_answer_is_unpacked(
    server: Server, make_client: MakeClient, session: aiohttp.ClientSession, own: bool
) -> None:
    """The client asks for gzip and reads it."""
    server.script(raw(gzip.compress(json.dumps({"data": TICKET}).encode()), headers={"Content-Encoding": "gzip"}))
    ticket = await make_client(**({"session": session} if own else {})).tickets.get("tkt_1")
    assert ("Cannot log in", "gzip, deflate") == (ticket.title, server.requests[0].headers["accept-encoding"])


async def test_an_error_that_cannot_be_unpacked_is_known_by_its_status(server: Server, client: CStarClient) -> None:
    """The body of an error may be anything, also broken gzip: it still gives the class of its status."""
    server.script(raw(b"no gzip", status=404, headers={"Content-Encoding": "gzip"}))
    with pytest.raises(NotFoundError):
        await client.tickets.get("tkt_1")


async def test_a_refused_connection_was_not_sent(nowhere: str, make_client: MakeClient, clock: SkippingClock) -> None:
    """Connection refused is retried, and then a ConnectionFailedError that says that nothing was sent."""
    with pytest.raises(ConnectionFailedError) as caught:
        await make_client(base_url=nowhere).tickets.create(title="a")
    assert (False, 4, 3) == (caught.value.request_sent, caught.value.attempts, len(clock.slept))
    assert "Connection refused" in str(caught.value)
    assert "127.0.0.1" not in str(caught.value)


async def test_a_name_that_does_not_resolve_was_not_sent(make_client: MakeClient) -> None:
    """An unknown host is a ConnectionFailedError that says that nothing was sent."""
    with pytest.raises(ConnectionFailedError) as caught:
        await make_client(base_url="http://nothing.invalid").tickets.get("tkt_1", options=ONCE)
    assert not caught.value.request_sent


async def test_a_name_that_does_not_resolve_is_tried_again(make_client: MakeClient, clock: SkippingClock) -> None:
    """A write to an unknown host is tried as often as every other, and ends."""
    with pytest.raises(ConnectionFailedError) as caught:
        await make_client(base_url="http://no-such-host.invalid").tickets.create(title="a")
    assert (False, 4, 3) == (caught.value.request_sent, caught.value.attempts, len(clock.slept))


@pytest.mark.parametrize("own", [False, True], ids=["session of the client", "session of the user"])
@pytest.mark.parametrize("method", ["get", "delete"])
async def test_a_dropped_connection_is_an_attempt_and_not_repeated_behind_the_hooks(
    server: Server, make_client: MakeClient, session: aiohttp.ClientSession, own: bool, method: str
) -> None:
    """When the server closes a kept-alive connection, aiohttp itself sends nothing again: each request is an attempt."""
    hook = Attempts()
    client = make_client(hooks=[hook], **({"session": session} if own else {}))
    server.script(ok(TICKET), cut(), ok(TICKET) if method == "get" else ok({"deleted": True, "id": "tkt_1"}))
    await client.tickets.get("tkt_1")
    await getattr(client.tickets, method)("tkt_1")
    assert (3, [1, 1, 2], 2) == (len(server.requests), [info.attempt for info in hook.requests], server.connections)
    assert ["ConnectionFailedError"] == [info.error for info in hook.retries]


@pytest.mark.parametrize("own", [False, True], ids=["session of the client", "session of the user"])
async def test_a_dropped_connection_without_retries_is_raised(
    server: Server, make_client: MakeClient, session: aiohttp.ClientSession, own: bool
) -> None:
    """Without retries a GET on a dropped kept-alive connection fails after one request."""
    client = make_client(max_retries=0, **({"session": session} if own else {}))
    server.script(ok(TICKET), cut())
    await client.tickets.get("tkt_1")
    with pytest.raises(ConnectionFailedError):
        await client.tickets.get("tkt_1")
    assert 2 == len(server.requests)


@pytest.mark.parametrize("own", [False, True], ids=["session of the client", "session of the user"])
@pytest.mark.parametrize(
    "what", [ok(TICKET | {"id": "stale"}), cut(b"\x00what?\r\n\r\n", then="keep")], ids=["response", "no http"]
)
async def test_what_comes_on_an_idle_connection_is_no_answer_to_the_next_call(
    server: Server, make_client: MakeClient, session: aiohttp.ClientSession, own: bool, what: ScriptedResponse
) -> None:
    """A connection on which something came that nobody asked for carries no further call, and no attempt is lost by it."""
    hook = Attempts()
    client = make_client(hooks=[hook], **({"session": session} if own else {}))
    later = asyncio.Event()
    server.script(ScriptedResponse((*ok(TICKET).parts, later, *what.parts)))
    await client.tickets.get("tkt_1")
    later.set()
    await asyncio.sleep(0.01)
    assert ["tkt_1", "tkt_1"] == [(await client.tickets.get("tkt_1")).id for _ in range(2)]
    assert ([1, 1, 1], 2) == ([info.attempt for info in hook.requests], server.connections)


def block_the_loop() -> None:
    """Let what was sent arrive, while the event loop does nothing."""
    time.sleep(0.005)


async def test_what_has_come_unread_is_no_answer_to_the_next_call(server: Server, client: CStarClient) -> None:
    """So it is when the next call begins before the event loop has looked at the connection again."""
    later = asyncio.Event()
    server.script(ScriptedResponse((*ok(TICKET).parts, later)))
    await client.tickets.get("tkt_1")
    [writer] = server.writers
    writer.write(ok(TICKET | {"id": "stale"}).parts[0])
    block_the_loop()
    later.set()
    assert "tkt_1" == (await client.tickets.get("tkt_1")).id
    assert 2 == server.connections


async def test_two_responses_at_once_are_none(server: Server, client: CStarClient) -> None:
    """When a second response follows, either may be the right one: the attempt failed, and the server may have acted."""
    [response] = ok(TICKET).parts
    assert isinstance(response, bytes)
    server.script(cut(response + response, then="keep"))
    with pytest.raises(ConnectionFailedError, match="more than one response") as caught:
        await client.tickets.create(title="a", options=ONCE)
    assert caught.value.request_sent
    server.script(cut(response + response, then="keep"))
    await client.tickets.create(title="a")
    assert 3 == len(server.requests)


async def test_a_connection_closed_while_idle_costs_no_attempt(server: Server, make_client: MakeClient) -> None:
    """A call that starts before the event loop notices that the server closed the connection opens a new one."""
    hook = Attempts()
    client = make_client(hooks=[hook])
    server.script(ScriptedResponse(ok(TICKET).parts, "close"))
    for _ in range(2):
        await client.tickets.get("tkt_1")
        block_the_loop()
    assert ([1, 1], 2) == ([info.attempt for info in hook.requests], server.connections)


@pytest.mark.parametrize("parts", [(), (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{",)], ids=["silence", "half a response"])
async def test_a_server_that_stalls_is_a_timeout(server: Server, client: CStarClient, parts: tuple[bytes, ...]) -> None:
    """An attempt that takes longer than its timeout is a RequestTimeoutError, before the headers and in the body."""
    server.script(ScriptedResponse((*parts, asyncio.Event())))
    with pytest.raises(RequestTimeoutError) as caught:
        await client.tickets.get("tkt_1", options=RequestOptions(timeout=0.03, max_retries=0))
    assert (True, 1) == (caught.value.request_sent, caught.value.attempts)


async def test_a_timeout_is_retried(server: Server, make_client: MakeClient) -> None:
    """A stalled attempt is followed by another."""
    server.script(held(asyncio.Event()))
    assert "tkt_1" == (await make_client(timeout=0.05).tickets.get("tkt_1")).id
    assert 2 == len(server.requests)


async def test_a_deadline_cuts_an_attempt(server: Server, client: CStarClient) -> None:
    """An attempt cut by the deadline is a RequestTimeoutError."""
    server.script(held(asyncio.Event()))
    with pytest.raises(RequestTimeoutError):
        await client.tickets.get("tkt_1", options=RequestOptions(total_timeout=0.03, max_retries=0))


async def test_a_lost_delete_that_finds_nothing_is_done(server: Server, client: CStarClient) -> None:
    """A 404 on the retry of a DELETE whose first response was lost counts as success."""
    server.script(cut(), failed(404))
    assert Deleted(deleted=True, id="tkt_1") == await client.tickets.delete("tkt_1")


async def test_a_lost_free_delete_that_finds_nothing_has_no_data(server: Server, client: CStarClient) -> None:
    """The same holds for a path of the caller's own; what the 404 says of an error is no data."""
    server.script(cut(), failed(404))
    response = await client.request("DELETE", "/tickets/tkt_1")
    assert (404, None, 2) == (response.status, response.data, response.attempts)


async def test_a_delete_that_finds_nothing_at_first_is_not_found(server: Server, client: CStarClient) -> None:
    """A 404 on the first attempt of a DELETE is raised."""
    server.script(failed(404))
    with pytest.raises(NotFoundError):
        await client.tickets.delete("tkt_1")


async def test_a_delete_after_a_429_that_finds_nothing_is_not_found(server: Server, client: CStarClient) -> None:
    """A 429 did not act, so a 404 after it is raised."""
    server.script(failed(429, headers={"Retry-After": "1"}), failed(404))
    with pytest.raises(NotFoundError):
        await client.tickets.delete("tkt_1")


async def test_a_delete_after_a_refused_connection_that_finds_nothing_is_not_found(
    nowhere: str, make_client: MakeClient, clock: SkippingClock
) -> None:
    """A connection that was refused did not act, so a 404 on the retry is raised."""
    late = Server()
    late.default = failed(404)
    host, port = nowhere.removeprefix("http://").split(":")
    listeners: list[asyncio.Server] = []

    async def sleep(seconds: float) -> None:
        if not listeners:
            listeners.append(await asyncio.start_server(late.serve, host, int(port)))

    clock.sleep = sleep  # type: ignore[method-assign]
    try:
        with pytest.raises(NotFoundError):
            await make_client(base_url=nowhere).tickets.delete("tkt_1")
    finally:
        listeners[0].close()
        await late.end()
    assert 1 == len(late.requests)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 520, 599])
async def test_a_status_that_may_pass_is_retried(server: Server, client: CStarClient, status: int) -> None:
    """408, 429 and every 5xx are retried, a write under the same key."""
    server.script(failed(status))
    await client.tickets.create(title="a")
    assert 1 == len({request.headers["idempotency-key"] for request in server.requests})
    assert 2 == len(server.requests)


async def test_a_conflict_of_a_call_still_running_is_retried(server: Server, client: CStarClient) -> None:
    """409 with `idempotency_in_progress` is retried."""
    server.script(failed(409, code="idempotency_in_progress"))
    await client.tickets.create(title="a")
    assert 2 == len(server.requests)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 418, 422, 302])
async def test_a_status_that_will_not_pass_is_not_retried(server: Server, client: CStarClient, status: int) -> None:
    """Other statuses end the call at once."""
    server.script(failed(status))
    with pytest.raises(Exception, match="No") as caught:
        await client.tickets.get("tkt_1")
    assert (1, status) == (len(server.requests), caught.value.status)  # type: ignore[attr-defined]


async def test_no_retries_left_raises_the_last_error(server: Server, client: CStarClient) -> None:
    """After the last attempt the status's own error comes, with the count of attempts."""
    server.script(*[failed(500 + number) for number in range(4)])
    with pytest.raises(ServerError) as caught:
        await client.tickets.get("tkt_1")
    assert (503, 4, 4) == (caught.value.status, caught.value.attempts, len(server.requests))


async def test_an_empty_retry_budget_raises_at_once(server: Server, make_client: MakeClient) -> None:
    """With five tokens there is one retry for all calls, and then none."""
    client = make_client(retry_budget=5)
    server.default = failed(500)
    for requests in (2, 3):
        with pytest.raises(ServerError):
            await client.tickets.get("tkt_1")
        assert requests == len(server.requests)


async def test_a_connection_is_free_while_a_call_backs_off(server: Server, make_client: MakeClient, clock: SkippingClock) -> None:
    """The response is read and released before sleeping: one connection serves others meanwhile."""
    client = make_client(max_connections=1)
    server.script(failed(500))
    meanwhile: list[str] = []

    async def sleep(seconds: float) -> None:
        meanwhile.append((await client.tickets.get("tkt_2")).id)

    clock.sleep = sleep  # type: ignore[method-assign]
    await client.tickets.get("tkt_1")
    assert (["tkt_1"], 1) == (meanwhile, server.connections)
