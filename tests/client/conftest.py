"""A server with scripted responses, a clock that skips every wait, and clients that use both."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import struct
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Literal

import attrs
import pytest

from cstar_async import CStarClient

KEY = "sk_test_Zx81secretpart"
TICKET = {"id": "tkt_1", "title": "Cannot log in", "status": "open", "priority": "high"}

Part = bytes | asyncio.Event


@attrs.frozen
class ScriptedResponse:
    """What the server sends, the events it waits for in between, and what it does with the connection afterwards."""

    parts: tuple[Part, ...]
    then: Literal["keep", "close", "reset"] = "keep"
    is_early: bool = False
    """Whether it is sent before the body of the request was read."""


@attrs.frozen
class Request:
    """A received request."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def path(self) -> str:
        """The path, without the query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """The query, without the question mark."""
        return self.target.partition("?")[2]


def raw(body: bytes = b"", status: int = 200, headers: Mapping[str, str] | None = None) -> ScriptedResponse:
    """Return a response with any body."""
    lines = {"Content-Length": str(len(body)), "Content-Type": "application/json", **(headers or {})}
    head = f"HTTP/1.1 {status} Whatever\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items()) + "\r\n"
    return ScriptedResponse((head.encode() + body,))


def ok(data: object, *, headers: Mapping[str, str] | None = None, status: int = 200, **envelope: object) -> ScriptedResponse:
    """Return a success with an envelope."""
    body = {"success": True, "data": data, "meta": {"requestId": "req_ok"}, **envelope}
    return raw(json.dumps(body).encode(), status, headers)


def failed(status: int, *, headers: Mapping[str, str] | None = None, **error: object) -> ScriptedResponse:
    """Return an error in the documented form."""
    return raw(json.dumps({"success": False, "error": {"message": "No.", **error}}).encode(), status, headers)


def cut(*parts: Part, then: Literal["keep", "close", "reset"] = "close") -> ScriptedResponse:
    """Return bytes after which the connection ends."""
    return ScriptedResponse(parts, then)


def held(event: asyncio.Event, response: ScriptedResponse | None = None) -> ScriptedResponse:
    """Return a response that waits for an event."""
    return ScriptedResponse((event, *(response or ok(TICKET)).parts))


class Server:
    """Sends its scripted responses in order, and after them a ticket to every request."""

    def __init__(self) -> None:
        self.responses: deque[ScriptedResponse] = deque()
        self.default = ok(TICKET)
        self.requests: list[Request] = []
        self.connections = 0
        self.in_flight = 0
        self.max_in_flight = 0
        self.url = ""
        self.writers: list[asyncio.StreamWriter] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self._received = asyncio.Condition()

    def script(self, *responses: ScriptedResponse) -> None:
        """Add responses."""
        self.responses.extend(responses)

    async def seen(self, requests: int) -> None:
        """Wait until so many requests were received."""
        async with self._received:
            await self._received.wait_for(lambda: len(self.requests) >= requests)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Handle one connection."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.connections += 1
        self.writers.append(writer)
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while await self._respond(reader, writer):
                pass
        writer.close()
        with suppress(ConnectionError, asyncio.CancelledError):
            await writer.wait_closed()

    async def _respond(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        is_early = bool(self.responses) and self.responses[0].is_early
        body = b"" if is_early else await _read_body(reader, headers)
        async with self._received:
            self.requests.append(Request(method, target, headers, body))
            self._received.notify_all()
        response = self.responses.popleft() if self.responses else self.default
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)
        try:
            for part in response.parts:
                if isinstance(part, bytes):
                    writer.write(part)
                    await writer.drain()
                else:
                    await part.wait()
        finally:
            self.in_flight -= 1
        if is_early:
            await _read_body(reader, headers)
        if response.then == "reset":
            connection = writer.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        return response.then == "keep"

    def owns(self, task: asyncio.Task[Any]) -> bool:
        """Return whether a task handles a connection."""
        return task in self._tasks

    async def end(self) -> None:
        """Close every connection."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _read_body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    """Read the body of a request, with a length or in chunks."""
    if headers.get("transfer-encoding") != "chunked":
        return await reader.readexactly(int(headers.get("content-length", "0")))
    body = b""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readuntil(b"\r\n")
    return body


@asynccontextmanager
async def serving(*, tls: ssl.SSLContext | None = None, limit: int = 2**16) -> AsyncIterator[Server]:
    """Run a server on loopback."""
    server = Server()
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=tls, limit=limit)
    server.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listener.close()
        await server.end()
        await listener.wait_closed()


class SkippingClock:
    """A clock that skips every wait."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        """Return the seconds slept so far."""
        return self.now

    def time(self) -> float:
        """Return seconds since the epoch."""
        return 1_800_000_000.0 + self.now

    async def sleep(self, seconds: float) -> None:
        """Advance the time instead of waiting."""
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


MakeClient = Callable[..., CStarClient]


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """A scripted server."""
    async with serving() as running:
        yield running


@pytest.fixture
def clock() -> SkippingClock:
    """A clock that skips every wait."""
    return SkippingClock()


@pytest.fixture
async def make_client(server: Server, clock: SkippingClock) -> AsyncIterator[MakeClient]:
    """Creates clients of the server, and closes them at the end."""
    made: list[CStarClient] = []

    def make(**options: Any) -> CStarClient:
        client = CStarClient(**{"api_key": KEY, "team_id": "team_1", "base_url": server.url, "_clock": clock, **options})
        made.append(client)
        return client

    yield make
    for client in made:
        await client.aclose()


@pytest.fixture
def client(make_client: MakeClient) -> CStarClient:
    """A client of the scripted server."""
    return make_client()
