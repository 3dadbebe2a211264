"""`max_response_size`: bodies that are too large as received or decompressed, and how much memory and time they cost."""

from __future__ import annotations

import asyncio
import gzip
import threading
import zlib
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from cstar_async import CStarClient, CStarLibrary, InvalidArgumentError, RequestOptions, ResponseTooLargeError, TransportError
from cstar_async.hooks import CallEndInfo, Hooks
from tests.client.conftest import MakeClient, ScriptedResponse, Server, ok, raw

LIMIT = 100_000


def body_of(size: int) -> bytes:
    """Return an envelope of this size."""
    start, end = b'{"data": {"id": "tkt_1", "title": "', b'"}}'
    return start + b"a" * (size - len(start) - len(end)) + end


def chunked(body: bytes, size: int = 5000, headers: bytes = b"") -> ScriptedResponse:
    """Return a response without a length, in chunks that arrive one after the other."""
    chunks = [body[at : at + size] for at in range(0, len(body), size)]
    head = b"HTTP/1.1 200 OK\r\n" + headers + b"Transfer-Encoding: chunked\r\n\r\n"
    return ScriptedResponse((head, *(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks), b"0\r\n\r\n"))


def compressed(body: bytes, encoding: str) -> ScriptedResponse:
    """Return a response with a compressed body."""
    for name in encoding.split(", "):
        body = gzip.compress(body) if name == "gzip" else zlib.compress(body)
    return raw(body, headers={"Content-Encoding": encoding})


MAKE: dict[str, Callable[[int], ScriptedResponse]] = {
    "length": lambda size: raw(body_of(size)),
    "chunks": lambda size: chunked(body_of(size)),
    "small chunks": lambda size: chunked(body_of(size), 50),
    "until closed": lambda size: ScriptedResponse((b"HTTP/1.1 200 OK\r\n\r\n", body_of(size)), "close"),
    "gzip": lambda size: compressed(body_of(size), "gzip"),
    "deflate": lambda size: compressed(body_of(size), "deflate"),
    "gzip twice": lambda size: compressed(body_of(size), "gzip, gzip"),
    "chunks of gzip": lambda size: chunked(gzip.compress(body_of(size)), 20, b"Content-Encoding: gzip\r\n"),
    "members": lambda size: raw(gzip.compress(body_of(size)) + gzip.compress(b"") * 20, headers={"Content-Encoding": "gzip"}),
}


@pytest.mark.parametrize("name", MAKE)
@pytest.mark.parametrize("owner", ["client", "user"])
async def test_the_limit_is_exact(server: Server, make_client: MakeClient, name: str, owner: str) -> None:
    """A body of this size is read, one byte more is an error that is not retried."""
    async with aiohttp.ClientSession() as session:
        client = make_client(max_response_size=LIMIT, session=session if owner == "user" else None)
        server.script(MAKE[name](LIMIT), MAKE[name](LIMIT + 1))
        assert (await client.tickets.get("tkt_1")).id == "tkt_1"
        with pytest.raises(ResponseTooLargeError, match="raise max_response_size") as caught:
            await client.tickets.get("tkt_1")
        assert (len(server.requests), caught.value.attempts, caught.value.operation) == (2, 1, "get_ticket")
        assert (await client.tickets.get("tkt_1")).id == "tkt_1"


@pytest.mark.parametrize("status", [200, 400, 429, 500])
async def test_a_body_that_is_still_arriving_is_not_read_on(server: Server, make_client: MakeClient, status: int) -> None:
    """The length is enough, or the chunks so far; the connection is closed."""
    head = b"HTTP/1.1 %d X\r\n" % status
    never = asyncio.Event()
    chunk = b"1000\r\n" + b"a" * 4096 + b"\r\n"
    server.script(
        ScriptedResponse((head + b"Content-Length: 100001\r\n\r\n", never)),
        ScriptedResponse((head + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 25, never)),
    )
    client = make_client(max_response_size=LIMIT, timeout=10.0)
    for _ in range(2):
        with pytest.raises(ResponseTooLargeError):
            await client.tickets.create(title="a", priority="low")
    assert (len(server.requests), server.connections) == (2, 2)


async def test_an_endless_body_is_cut_at_the_limit(server: Server, make_client: MakeClient) -> None:
    """The server does not get rid of much more than the limit."""
    sent: list[int] = []

    chunk = b"10000\r\n" + b"a" * 65536 + b"\r\n"
    server.script(ScriptedResponse((b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", *([chunk] * 2000))))
    original = asyncio.StreamWriter.write

    def write(self: asyncio.StreamWriter, data: bytes) -> None:
        sent.append(len(data))
        original(self, data)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncio.StreamWriter, "write", write)
        with pytest.raises(ResponseTooLargeError):
            await make_client(max_response_size=1024 * 1024).tickets.get("tkt_1")
        await asyncio.sleep(0.01)
    assert sum(sent) < 20 * 1024 * 1024


async def test_none_is_no_limit(server: Server, make_client: MakeClient) -> None:
    """Neither as received nor as decompressed."""
    server.script(*(make(3_000_000) for make in MAKE.values()))
    client = make_client(max_response_size=None)
    assert {len((await client.tickets.get("tkt_1")).title or "") > 2_900_000 for _ in MAKE} == {True}


async def test_the_default_is_64_mib(server: Server, client: CStarClient) -> None:
    """A bomb of a few kilobytes ends there, in bounded time."""
    bomb = gzip.compress(gzip.compress(bytes(200 * 1024 * 1024), 9), 9)
    assert len(bomb) < 5000
    server.script(raw(bomb, headers={"Content-Encoding": "gzip, gzip"}))
    with pytest.raises(ResponseTooLargeError, match="larger than 67108864 bytes"):
        await client.tickets.get("tkt_1")


@pytest.mark.parametrize("size", [5_000_000, 20_000_000])
async def test_the_event_loop_runs_while_a_large_body_is_decompressed(server: Server, client: CStarClient, size: int) -> None:
    """A gzip body, and thousands of empty gzip members before it."""
    members = gzip.compress(b"") * (size // 50) + gzip.compress(body_of(1000))
    server.script(raw(members, headers={"Content-Encoding": "gzip"}), compressed(body_of(size), "gzip"))
    turns_in_thread = 0

    async def watch() -> None:
        nonlocal turns_in_thread
        while True:
            turns_in_thread += any(thread.name.startswith("cstar-decompression") for thread in threading.enumerate())
            await asyncio.sleep(0)

    watching = asyncio.create_task(watch())
    assert (await client.tickets.get("tkt_1")).id == (await client.tickets.get("tkt_1")).id
    watching.cancel()
    assert turns_in_thread > 10


async def test_many_encodings_are_refused(server: Server, make_client: MakeClient) -> None:
    """Each of them could cost a body of the maximum size."""
    server.script(raw(b"x", headers={"Content-Encoding": ", ".join(["gzip"] * 1000)}))
    with pytest.raises(TransportError, match="too many content encodings"):
        await make_client(max_retries=0).tickets.get("tkt_1")


async def test_a_stream_that_is_refused_with_a_large_body(server: Server, make_client: MakeClient) -> None:
    """Aiohttp decompresses it, and the limit holds all the same."""
    server.script(raw(gzip.compress(body_of(LIMIT + 1)), 403, {"Content-Encoding": "gzip"}))
    with pytest.raises(ResponseTooLargeError):
        async with make_client(max_response_size=LIMIT).events():
            pass


async def test_hooks_get_the_end_of_the_call(server: Server, make_client: MakeClient) -> None:
    """With the class of the error."""
    ends: list[CallEndInfo] = []

    class Recorder(Hooks):
        """Keeps the end of calls."""

        def on_call_end(self, info: CallEndInfo) -> None:
            """Keep it."""
            ends.append(info)

    server.script(raw(body_of(LIMIT + 1)))
    with pytest.raises(ResponseTooLargeError):
        await make_client(max_response_size=LIMIT, hooks=[Recorder()]).tickets.get("tkt_1", options=RequestOptions(max_retries=5))
    assert [(end.error, end.attempts) for end in ends] == [("ResponseTooLargeError", 1)]


async def test_a_library_has_the_limit_too(server: Server) -> None:
    """It is an argument of both classes."""
    server.script(ok({"id": "a", "body": "a" * 2000}))
    async with CStarLibrary(team="acme", base_url=server.url, max_response_size=1000) as library:
        with pytest.raises(ResponseTooLargeError):
            await library.article("a")


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "64", True])
def test_a_size_out_of_range_is_refused(wrong: Any) -> None:
    """It is an int from 1, or None."""
    with pytest.raises(InvalidArgumentError, match="max_response_size must be an int from 1"):
        CStarClient(api_key="sk_test_a", max_response_size=wrong)
