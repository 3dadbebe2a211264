"""Kinds of faults: what each does with one request and its response.

A fault that no client can detect is left out on purpose: a single response in time, in place of another one. An HTTP/1.1 response
has no id of its request. Additional responses come together with the right one, or while no request is in flight
(`Proxy.repeat()`). A client must detect those.
"""

from __future__ import annotations

import asyncio
import gzip
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from random import Random
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from tests.faults.proxy import Proxy

HEAD_ENDS = b"\r\n\r\n"
NO_LINGER = struct.pack("ii", 1, 0)
"""Makes the system close a connection with RST."""


@attrs.frozen
class Message:
    """A request or response on the wire."""

    head: bytes
    body: bytes

    @property
    def whole(self) -> bytes:
        """Head and body."""
        return self.head + self.body


async def read_message(reader: asyncio.StreamReader) -> Message:
    """Read the next message, with the length of its header."""
    head = await reader.readuntil(HEAD_ENDS)
    _, _, after = head.lower().partition(b"\r\ncontent-length:")
    length = int(after.split(b"\r\n", 1)[0]) if after else 0
    return Message(head, await reader.readexactly(length) if length else b"")


def response(status: str, body: bytes = b"", *headers: str) -> bytes:
    """Build a response of the proxy."""
    lines = (f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers)
    return "\r\n".join(lines).encode() + HEAD_ENDS + body


class Side:
    """A connection of the proxy, to the client or to the server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def reset(self) -> None:
        """Close the connection with RST."""
        if not self.writer.transport.is_closing():
            self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
            self.writer.transport.abort()


class Exchange:
    """A request and what a fault can do with it."""

    def __init__(self, proxy: Proxy, client: Side, request: Message, previous: bytes, random: Random) -> None:
        self.proxy = proxy
        self.random = random
        self.request = request
        self.previous = previous
        """The previous response on this connection; empty for the first request."""
        self._client = client
        self._server: Side | None = None

    async def forward(self) -> Message:
        """Forward the request to the server, and return its response."""
        async with self.proxy.server() as server:
            server.writer.write(self.request.whole)
            return await read_message(server.reader)

    def write(self, data: bytes) -> None:
        """Send to the client, if it is still connected."""
        if not self._client.writer.transport.is_closing():
            self._client.writer.write(data)

    def close(self) -> None:
        """Close the connection to the client, after the data in the buffer."""
        self._client.writer.close()

    def reset(self) -> None:
        """Reset the connection to the client."""
        self._client.reset()

    async def stall(self) -> None:
        """Wait until the client closes the connection."""
        with suppress(ConnectionError):
            await self._client.reader.read()
        self.close()

    async def repeat_later(self, data: bytes) -> None:
        """Send more data when `Proxy.repeat()` is called."""
        self.proxy.pending.append((self._client.writer, data))

    def part_of(self, data: bytes) -> bytes:
        """Return the beginning of *data*, cut at a random byte before its end."""
        return data[: self.random.randrange(len(data))]


Kind = Callable[[Exchange], Awaitable[None]]

KINDS: dict[str, Kind] = {}
"""Every kind of fault, by name."""
HARMLESS = ("hints", "in_parts", "closed_after_response", "repeated_later")
"""Kinds without any effect on a call."""


def kind(function: Kind) -> Kind:
    """Register a kind."""
    KINDS[function.__name__] = function
    return function


# Before the server receives the request.


@kind
async def refused(exchange: Exchange) -> None:
    """Reset the connection, and refuse new ones for a short time."""
    exchange.reset()
    await exchange.proxy.stop_listening_for(0.002)


@kind
async def reset_before(exchange: Exchange) -> None:
    """Reset the connection."""
    exchange.reset()


@kind
async def closed_before(exchange: Exchange) -> None:
    """Close the connection, as a server does with an idle one."""
    exchange.close()


@kind
async def stalled_before(exchange: Exchange) -> None:
    """Send nothing."""
    await exchange.stall()


@kind
async def too_many(exchange: Exchange) -> None:
    """Send a 429 with `Retry-After`."""
    exchange.write(response("429 Too Many Requests", b"slow down", "Retry-After: 1"))


@kind
async def unavailable(exchange: Exchange) -> None:
    """Send a 503 of a gateway, with an HTML page."""
    exchange.write(response("503 Service Unavailable", b"<html>Down for maintenance</html>", "Content-Type: text/html"))


@kind
async def garbage(exchange: Exchange) -> None:
    """Send bytes that are not HTTP."""
    exchange.write(b"\x16\x03" + exchange.random.randbytes(exchange.random.randrange(1, 300)) + b"\r\n\r\n")
    exchange.close()


# After the server has handled the request.


@kind
async def reset_after(exchange: Exchange) -> None:
    """Lose the response, and reset the connection."""
    await exchange.forward()
    exchange.reset()


@kind
async def closed_after(exchange: Exchange) -> None:
    """Lose the response, and close the connection."""
    await exchange.forward()
    exchange.close()


@kind
async def stalled_after(exchange: Exchange) -> None:
    """Lose the response, and keep the connection open."""
    await exchange.forward()
    await exchange.stall()


@kind
async def stalled_in_response(exchange: Exchange) -> None:
    """Send the beginning of the response, and keep the connection open."""
    exchange.write(exchange.part_of((await exchange.forward()).whole))
    await exchange.stall()


@kind
async def cut_in_head(exchange: Exchange) -> None:
    """Cut the response at a random byte of its head."""
    exchange.write(exchange.part_of((await exchange.forward()).head))
    exchange.close()


@kind
async def cut_in_body(exchange: Exchange) -> None:
    """Cut the response at a random byte of its body."""
    message = await exchange.forward()
    exchange.write(message.head + exchange.part_of(message.body))
    exchange.close()


@kind
async def reset_in_response(exchange: Exchange) -> None:
    """Reset the connection at a random byte of the response."""
    exchange.write(exchange.part_of((await exchange.forward()).whole))
    exchange.reset()


@kind
async def bad_gateway(exchange: Exchange) -> None:
    """Send a 502 after the server has handled the request."""
    await exchange.forward()
    exchange.write(response("502 Bad Gateway"))


@kind
async def too_many_after(exchange: Exchange) -> None:
    """Send a 429 after the server has handled the request."""
    await exchange.forward()
    exchange.write(response("429 Too Many Requests", b"", "Retry-After: 0"))


@kind
async def garbage_after(exchange: Exchange) -> None:
    """Send bytes that are not HTTP instead of the response."""
    await exchange.forward()
    await garbage(exchange)


@kind
async def broken_gzip(exchange: Exchange) -> None:
    """Send a gzip body with a wrong byte."""
    compressed = bytearray(gzip.compress((await exchange.forward()).body))
    compressed[exchange.random.randrange(10, len(compressed) - 4)] ^= 0xFF
    exchange.write(response("201 Created", bytes(compressed), "Content-Type: application/json", "Content-Encoding: gzip"))


@kind
async def cut_gzip(exchange: Exchange) -> None:
    """Send a complete response whose gzip body is cut at a random byte, not before the first: an empty body counts as empty."""
    compressed = gzip.compress((await exchange.forward()).body)
    compressed = compressed[:1] + exchange.part_of(compressed[1:])
    exchange.write(response("201 Created", compressed, "Content-Type: application/json", "Content-Encoding: gzip"))


@kind
async def bad_chunk(exchange: Exchange) -> None:
    """Send a chunked body whose second chunk has no size."""
    body = exchange.part_of((await exchange.forward()).body) or b"{"
    exchange.write(b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\nmany\r\n" % (len(body), body))


@kind
async def long_header(exchange: Exchange) -> None:
    """Send a header that exceeds the limit of any client."""
    message = await exchange.forward()
    exchange.write(message.head[:-2] + b"X-Long: " + b"a" * 70_000 + HEAD_ENDS + message.body)


@kind
async def sent_twice(exchange: Exchange) -> None:
    """Send the response twice in one write."""
    exchange.write((await exchange.forward()).whole * 2)


@kind
async def preceded_by_previous(exchange: Exchange) -> None:
    """Send the previous response again, in one write with the right one."""
    right = (await exchange.forward()).whole
    exchange.write((exchange.previous or right) + right)


@kind
async def surplus(exchange: Exchange) -> None:
    """Send bytes that are not HTTP after the response."""
    exchange.write((await exchange.forward()).whole + b"{}\x00\r\n\r\n")


# Without effect on a call.


@kind
async def hints(exchange: Exchange) -> None:
    """Send two 1xx responses before the response."""
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"
    exchange.write(early + (await exchange.forward()).whole)


@kind
async def in_parts(exchange: Exchange) -> None:
    """Send the response in many small parts."""
    whole = (await exchange.forward()).whole
    while whole:
        size = exchange.random.randrange(1, 60)
        exchange.write(whole[:size])
        whole = whole[size:]
        await asyncio.sleep(0)


@kind
async def closed_after_response(exchange: Exchange) -> None:
    """Close the connection after the response."""
    exchange.write((await exchange.forward()).whole)
    exchange.close()


@kind
async def repeated_later(exchange: Exchange) -> None:
    """Send the response, and again when `repeat()` is called. For clients with one call at a time."""
    whole = (await exchange.forward()).whole
    exchange.write(whole)
    await exchange.repeat_later(whole)
