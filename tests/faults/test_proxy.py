"""Check the kinds of faults on the wire, with a bare socket and a server that counts its requests."""

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
RESETTING = {"refused", "reset_before", "reset_after", "reset_in_response"}
CLOSING = {"closed_before", "garbage", "closed_after", "cut_in_head", "cut_in_body", "garbage_after", "closed_after_response"}


class Server:
    """A server that returns the same ticket for every request, and counts them."""

    def __init__(self) -> None:
        self.requests = 0
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Handle a connection."""
        try:
            while True:
                await reader.readexactly(len(REQUEST))
                self.requests += 1
                writer.write(HEAD + BODY)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """Start a server."""
    server = Server()
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listener:
        server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        yield server


class Wire:
    """A connection to the proxy."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def request(self) -> tuple[bytes, str]:
        """Send a request; return the data received, and whether the connection is then closed, reset or open."""
        self.writer.write(REQUEST)
        return await self.read_all()

    async def read_all(self) -> tuple[bytes, str]:
        """Read all data; return it, and whether the connection is then closed, reset or open."""
        received = b""
        while True:
            try:
                piece = await asyncio.wait_for(self.reader.read(100_000), 0.05)
            except TimeoutError:
                return received, "open"
            except ConnectionResetError:
                return received, "reset"
            if not piece:
                return received, "closed"
            received += piece


class Connections:
    """Open connections to a proxy, and close them at the end."""

    def __init__(self) -> None:
        self.writers: list[asyncio.StreamWriter] = []

    async def open(self, proxy: Proxy) -> Wire:
        """Open a connection."""
        reader, writer = await asyncio.open_connection("127.0.0.1", int(proxy.url.rpartition(":")[2]))
        self.writers.append(writer)
        return Wire(reader, writer)


@pytest.fixture
async def connections() -> AsyncIterator[Connections]:
    """Close all connections at the end."""
    connections = Connections()
    yield connections
    for writer in connections.writers:
        writer.close()


async def exchange(server: Server, connections: Connections, kind: str, seed: int = 0) -> tuple[bytes, str]:
    """Send a request that gets a fault of *kind*, and return what the client receives."""
    async with Proxy(server.url, script=[kind], seed=seed) as proxy:
        return await (await connections.open(proxy)).request()


async def test_proxy_without_faults_forwards_everything(server: Server, connections: Connections) -> None:
    """Requests and responses are forwarded unchanged, on one connection."""
    async with Proxy(server.url) as proxy:
        wire = await connections.open(proxy)
        assert [(HEAD + BODY, "open")] * 3 == [await wire.request() for _ in range(3)]
    assert (3, 3, 1, 0) == (server.requests, proxy.requests, proxy.connections, proxy.injected.total())


@pytest.mark.parametrize("kind", KINDS)
async def test_fault_happens_at_its_stage(server: Server, connections: Connections, kind: str) -> None:
    """The server receives the request once or never, and the connection is then closed, reset or open."""
    _, end = await exchange(server, connections, kind)
    expected = "reset" if kind in RESETTING else "closed" if kind in CLOSING else "open"
    assert (0 if kind in UNFORWARDED else 1, expected) == (server.requests, end)


@pytest.mark.parametrize(
    "kind", ["refused", "reset_before", "closed_before", "stalled_before", "reset_after", "closed_after", "stalled_after"]
)
async def test_lost_response_sends_no_byte(server: Server, connections: Connections, kind: str) -> None:
    """A client receives nothing of a lost response."""
    assert b"" == (await exchange(server, connections, kind))[0]


@pytest.mark.parametrize(
    ("kind", "first", "last"),
    [
        ("cut_in_head", 0, len(HEAD)),
        ("cut_in_body", len(HEAD), len(HEAD + BODY)),
        ("stalled_in_response", 0, len(HEAD + BODY)),
        ("reset_in_response", 0, len(HEAD + BODY)),
    ],
)
async def test_response_is_cut_at_any_byte(server: Server, connections: Connections, kind: str, first: int, last: int) -> None:
    """A cut response is a prefix of the right one, with a different length each time."""
    pieces = [(await exchange(server, connections, kind, seed))[0] for seed in range(6)]
    assert all((HEAD + BODY).startswith(piece) and first <= len(piece) < last for piece in pieces)
    assert 2 < len(set(pieces))


@pytest.mark.parametrize(
    ("kind", "status", "after"),
    [("too_many", "429", "1"), ("too_many_after", "429", "0"), ("unavailable", "503", None), ("bad_gateway", "502", None)],
)
async def test_status_of_the_proxy(server: Server, connections: Connections, kind: str, status: str, after: str | None) -> None:
    """The proxy sends its own valid response."""
    head, _, body = (await exchange(server, connections, kind))[0].partition(b"\r\n\r\n")
    first, *rest = head.decode().split("\r\n")
    headers = dict(line.split(": ") for line in rest)
    assert (status, str(len(body)), after) == (first.split()[1], headers["Content-Length"], headers.get("Retry-After"))


@pytest.mark.parametrize("kind", ["garbage", "garbage_after"])
async def test_garbage_is_not_http(server: Server, connections: Connections, kind: str) -> None:
    """The data does not begin like a response."""
    assert (await exchange(server, connections, kind))[0][:5] not in {b"", b"HTTP/"}


@pytest.mark.parametrize("kind", ["broken_gzip", "cut_gzip"])
@pytest.mark.parametrize("seed", range(3))
async def test_gzip_that_cannot_be_decompressed(server: Server, connections: Connections, kind: str, seed: int) -> None:
    """The response is complete, and its gzip body is cut or wrong."""
    head, _, compressed = (await exchange(server, connections, kind, seed))[0].partition(b"\r\n\r\n")
    assert b"Content-Encoding: gzip" in head
    assert b"Content-Length: %d\r\n" % len(compressed) in head
    stream = zlib.decompressobj(31)
    if kind == "broken_gzip":
        with pytest.raises(zlib.error):
            stream.decompress(compressed)
    else:
        assert BODY.startswith(stream.decompress(compressed))
        assert not stream.eof


async def test_bad_chunk(server: Server, connections: Connections) -> None:
    """The first chunk is a prefix of the body, and the second has no size."""
    head, _, rest = (await exchange(server, connections, "bad_chunk"))[0].partition(b"\r\n\r\n")
    size, chunk, more, _ = rest.split(b"\r\n")
    assert (b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked", len(chunk), b"many") == (head, int(size, 16), more)
    assert BODY.startswith(chunk)


async def test_long_header(server: Server, connections: Connections) -> None:
    """The response is right, with one more header."""
    received, _ = await exchange(server, connections, "long_header")
    line = b"X-Long: " + b"a" * 70_000 + b"\r\n"
    assert (1, HEAD + BODY) == (received.count(line), received.replace(line, b""))


async def test_response_is_sent_twice(server: Server, connections: Connections) -> None:
    """One request gets two responses."""
    assert (HEAD + BODY) * 2 == (await exchange(server, connections, "sent_twice"))[0]


async def test_previous_response_is_sent_again(connections: Connections) -> None:
    """The first response comes again before the second."""
    numbers = iter(range(10))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(len(REQUEST)):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%d" % next(numbers))
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listener:
        url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        async with Proxy(url, script=[None, "preceded_by_previous"]) as proxy:
            wire = await connections.open(proxy)
            first, second = [(await wire.request())[0] for _ in range(2)]
    assert first + first[:-1] + b"1" == second


async def test_surplus(server: Server, connections: Connections) -> None:
    """The right response is followed by bytes that are not HTTP."""
    right, rest = (await exchange(server, connections, "surplus"))[0].split(BODY)
    assert (HEAD, True, True) == (right, rest != b"", b"HTTP/" not in rest)


async def test_response_is_repeated_on_demand(server: Server, connections: Connections) -> None:
    """The response comes once, and again after `repeat()`."""
    async with Proxy(server.url, script=["repeated_later"]) as proxy:
        wire = await connections.open(proxy)
        assert (HEAD + BODY, "open") == await wire.request()
        proxy.repeat()
        proxy.repeat()
        assert (HEAD + BODY, "open") == await wire.read_all()


@pytest.mark.parametrize("kind", HARMLESS)
async def test_harmless_faults_end_with_the_right_response(server: Server, connections: Connections, kind: str) -> None:
    """The client receives the response of the server, after 1xx responses at most."""
    early, right, late = (await exchange(server, connections, kind))[0].partition(HEAD + BODY)
    assert (HEAD + BODY, b"") == (right, late)
    assert ([b"103", b"102"] if kind == "hints" else []) == [
        line.split()[1] for line in early.split(b"\r\n") if line.startswith(b"HTTP")
    ]


async def test_connections_are_refused_for_a_short_time(server: Server, connections: Connections) -> None:
    """The proxy refuses connections, and then accepts them again at the same address."""
    async with Proxy(server.url) as proxy:
        await proxy.stop_listening_for(0.02)
        with pytest.raises(ConnectionRefusedError):
            await connections.open(proxy)
        await asyncio.sleep(0.04)
        assert (HEAD + BODY, "open") == await (await connections.open(proxy)).request()


async def test_same_seed_gives_the_same_faults(server: Server, connections: Connections) -> None:
    """Two proxies with one seed inject the same faults, another seed other faults."""

    async def starts(seed: int) -> list[bytes]:
        async with Proxy(server.url, chance=0.5, kinds=["too_many", "unavailable", "hints"], seed=seed) as proxy:
            wire = await connections.open(proxy)
            return [(await wire.request())[0].split(b"\r\n")[0] for _ in range(10)]

    first, again, other = [await starts(seed) for seed in (7, 7, 8)]
    assert first == again != other


async def test_proxy_counts_faults(server: Server, connections: Connections) -> None:
    """Faults are counted by kind."""
    async with Proxy(server.url, script=["hints", None, "unavailable", "hints"]) as proxy:
        wire = await connections.open(proxy)
        for _ in range(5):
            await wire.request()
    assert ({"hints": 2, "unavailable": 1}, 5) == (dict(proxy.injected), proxy.requests)
