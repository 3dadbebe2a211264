"""Does each kind of fault do on the wire what it says? Seen with a bare socket; the server counts what reaches it."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator

import pytest

from tests.faults.kinds import HARMLESS, KINDS
from tests.faults.proxy import Proxy

BODY = b'{"success": true, "data": {"id": "tkt_1", "title": "Cannot log in"}, "meta": {"requestId": "req_1"}}'
HEAD = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(BODY)
REQUEST = b"POST /tickets HTTP/1.1\r\nHost: here\r\nContent-Length: 2\r\n\r\n{}"

UNFORWARDED = {"refused", "reset_before", "closed_before", "stalled_before", "too_many", "unavailable", "garbage"}
RESETTING = {"refused", "reset_before", "reset_after", "reset_in_answer"}
CLOSING = {"closed_before", "garbage", "closed_after", "cut_in_head", "cut_in_body", "garbage_after", "closed_after_answer"}


class Server:
    """Answers every request with the same ticket, and counts."""

    def __init__(self) -> None:
        self.requests = 0
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            while True:
                await reader.readexactly(len(REQUEST))
                self.requests += 1
                writer.write(HEAD + BODY)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """A server that answers."""
    server = Server()
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listener:
        server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        yield server


class Wire:
    """A bare connection to the proxy."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def ask(self) -> tuple[bytes, str]:
        """Send a request; what comes back, and whether the connection is then closed, reset or silent."""
        self.writer.write(REQUEST)
        return await self.rest()

    async def rest(self) -> tuple[bytes, str]:
        """What comes until nothing more does, and whether the connection is then closed, reset or silent."""
        got = b""
        while True:
            try:
                piece = await asyncio.wait_for(self.reader.read(100_000), 0.05)
            except TimeoutError:
                return got, "silent"
            except ConnectionResetError:
                return got, "reset"
            if not piece:
                return got, "closed"
            got += piece


class Lines:
    """Makes connections to a proxy, and closes them in the end."""

    def __init__(self) -> None:
        self.writers: list[asyncio.StreamWriter] = []

    async def to(self, proxy: Proxy) -> Wire:
        """A new connection."""
        reader, writer = await asyncio.open_connection("127.0.0.1", int(proxy.url.rpartition(":")[2]))
        self.writers.append(writer)
        return Wire(reader, writer)


@pytest.fixture
async def lines() -> AsyncIterator[Lines]:
    """Connections that are closed in the end."""
    lines = Lines()
    yield lines
    for writer in lines.writers:
        writer.close()


async def met(server: Server, lines: Lines, kind: str, seed: int = 0) -> tuple[bytes, str]:
    """What a client gets that meets a kind with its first request."""
    async with Proxy(server.url, script=[kind], seed=seed) as proxy:
        return await (await lines.to(proxy)).ask()


async def test_a_proxy_without_faults_passes_everything_on(server: Server, lines: Lines) -> None:
    """Requests and answers go through as they are, on one connection."""
    async with Proxy(server.url) as proxy:
        wire = await lines.to(proxy)
        assert [(HEAD + BODY, "silent")] * 3 == [await wire.ask() for _ in range(3)]
    assert (3, 3, 1, 0) == (server.requests, proxy.requests, proxy.connections, proxy.met.total())


@pytest.mark.parametrize("kind", KINDS)
async def test_a_kind_strikes_where_it_says(server: Server, lines: Lines, kind: str) -> None:
    """The server hears of the request once, or not at all; the connection is then closed, reset or left open."""
    _, end = await met(server, lines, kind)
    expected = "reset" if kind in RESETTING else "closed" if kind in CLOSING else "silent"
    assert (0 if kind in UNFORWARDED else 1, expected) == (server.requests, end)


@pytest.mark.parametrize(
    "kind", ["refused", "reset_before", "closed_before", "stalled_before", "reset_after", "closed_after", "stalled_after"]
)
async def test_a_lost_answer_sends_no_byte(server: Server, lines: Lines, kind: str) -> None:
    """Where no answer comes, nothing of it comes."""
    assert b"" == (await met(server, lines, kind))[0]


@pytest.mark.parametrize(
    ("kind", "first", "last"),
    [
        ("cut_in_head", 0, len(HEAD)),
        ("cut_in_body", len(HEAD), len(HEAD + BODY)),
        ("stalled_in_answer", 0, len(HEAD + BODY)),
        ("reset_in_answer", 0, len(HEAD + BODY)),
    ],
)
async def test_a_cut_falls_anywhere(server: Server, lines: Lines, kind: str, first: int, last: int) -> None:
    """An answer cut short is a beginning of the right one, of another length each time."""
    pieces = [(await met(server, lines, kind, seed))[0] for seed in range(6)]
    assert all((HEAD + BODY).startswith(piece) and first <= len(piece) < last for piece in pieces)
    assert 2 < len(set(pieces))


@pytest.mark.parametrize(
    ("kind", "status", "after"),
    [("too_many", "429", "1"), ("too_many_after", "429", "0"), ("unavailable", "503", None), ("bad_gateway", "502", None)],
)
async def test_a_status_of_its_own(server: Server, lines: Lines, kind: str, status: str, after: str | None) -> None:
    """The proxy answers itself, in good HTTP."""
    head, _, body = (await met(server, lines, kind))[0].partition(b"\r\n\r\n")
    first, *rest = head.decode().split("\r\n")
    headers = dict(line.split(": ") for line in rest)
    assert (status, str(len(body)), after) == (first.split()[1], headers["Content-Length"], headers.get("Retry-After"))


@pytest.mark.parametrize("kind", ["garbage", "garbage_after"])
async def test_garbage_is_no_http(server: Server, lines: Lines, kind: str) -> None:
    """Something comes, and it does not begin as an answer does."""
    assert (await met(server, lines, kind))[0][:5] not in {b"", b"HTTP/"}


@pytest.mark.parametrize("kind", ["broken_gzip", "cut_gzip"])
@pytest.mark.parametrize("seed", range(3))
async def test_gzip_that_cannot_be_read(server: Server, lines: Lines, kind: str, seed: int) -> None:
    """The HTTP is whole and says gzip; the gzip is cut, or wrong."""
    head, _, packed = (await met(server, lines, kind, seed))[0].partition(b"\r\n\r\n")
    assert b"Content-Encoding: gzip" in head
    assert b"Content-Length: %d\r\n" % len(packed) in head
    stream = zlib.decompressobj(31)
    if kind == "broken_gzip":
        with pytest.raises(zlib.error):
            stream.decompress(packed)
    else:
        assert BODY.startswith(stream.decompress(packed))
        assert not stream.eof


async def test_a_bad_chunk(server: Server, lines: Lines) -> None:
    """The first chunk is the beginning of the body, the second has no size."""
    head, _, rest = (await met(server, lines, "bad_chunk"))[0].partition(b"\r\n\r\n")
    size, chunk, more, _ = rest.split(b"\r\n")
    assert (b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked", len(chunk), b"many") == (head, int(size, 16), more)
    assert BODY.startswith(chunk)


async def test_a_long_header(server: Server, lines: Lines) -> None:
    """The answer is right but for one line."""
    got, _ = await met(server, lines, "long_header")
    line = b"X-Long: " + b"a" * 70_000 + b"\r\n"
    assert (1, HEAD + BODY) == (got.count(line), got.replace(line, b""))


async def test_an_answer_given_twice(server: Server, lines: Lines) -> None:
    """Both come after one request."""
    assert (HEAD + BODY) * 2 == (await met(server, lines, "answered_twice"))[0]


async def test_an_answer_to_the_call_before(lines: Lines) -> None:
    """The answer to the first request comes again before that to the second."""
    numbers = iter(range(10))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(len(REQUEST)):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%d" % next(numbers))
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listener:
        url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        async with Proxy(url, script=[None, "answered_as_before"]) as proxy:
            wire = await lines.to(proxy)
            first, second = [(await wire.ask())[0] for _ in range(2)]
    assert first + first[:-1] + b"1" == second


async def test_a_surplus(server: Server, lines: Lines) -> None:
    """The right answer is followed by something that is none."""
    right, rest = (await met(server, lines, "surplus"))[0].split(BODY)
    assert (HEAD, True, True) == (right, rest != b"", b"HTTP/" not in rest)


async def test_an_answer_again_when_told(server: Server, lines: Lines) -> None:
    """The answer comes once, and once more when `repeat()` says so."""
    async with Proxy(server.url, script=["answered_again_later"]) as proxy:
        wire = await lines.to(proxy)
        assert (HEAD + BODY, "silent") == await wire.ask()
        proxy.repeat()
        proxy.repeat()
        assert (HEAD + BODY, "silent") == await wire.rest()


@pytest.mark.parametrize("kind", HARMLESS)
async def test_what_is_harmless_ends_with_the_right_answer(server: Server, lines: Lines, kind: str) -> None:
    """The client gets the answer as the server gave it; before it, answers of class 1xx at most."""
    early, right, late = (await met(server, lines, kind))[0].partition(HEAD + BODY)
    assert (HEAD + BODY, b"") == (right, late)
    assert ([b"103", b"102"] if kind == "hints" else []) == [
        line.split()[1] for line in early.split(b"\r\n") if line.startswith(b"HTTP")
    ]


async def test_refusing_is_for_a_moment(server: Server, lines: Lines) -> None:
    """After a refusal nobody listens, and then somebody does again, at the same address."""
    async with Proxy(server.url) as proxy:
        await proxy.stop_listening_for(0.02)
        with pytest.raises(ConnectionRefusedError):
            await lines.to(proxy)
        await asyncio.sleep(0.04)
        assert (HEAD + BODY, "silent") == await (await lines.to(proxy)).ask()


async def test_a_seed_is_a_script(server: Server, lines: Lines) -> None:
    """Two proxies of one seed do the same, another seed does something else."""

    async def starts(seed: int) -> list[bytes]:
        async with Proxy(server.url, chance=0.5, kinds=["too_many", "unavailable", "hints"], seed=seed) as proxy:
            wire = await lines.to(proxy)
            return [(await wire.ask())[0].split(b"\r\n")[0] for _ in range(10)]

    first, again, other = [await starts(seed) for seed in (7, 7, 8)]
    assert first == again != other


async def test_the_proxy_counts_what_was_met(server: Server, lines: Lines) -> None:
    """Each kind is counted by its name."""
    async with Proxy(server.url, script=["hints", None, "unavailable", "hints"]) as proxy:
        wire = await lines.to(proxy)
        for _ in range(5):
            await wire.ask()
    assert ({"hints": 2, "unavailable": 1}, 5) == (dict(proxy.met), proxy.requests)
