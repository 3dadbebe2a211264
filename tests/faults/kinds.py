"""The kinds of faults: what each does with one exchange between a client and a server, in a few lines.

What no client can tell is left out on purpose: an answer that comes alone, in good time, in the place of another. HTTP/1.1 has no
mark on an answer that says which request it belongs to. Answers too many come in one piece with the right one, or while nobody has
asked (`Proxy.repeat()`), and those a client must notice.
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
    """One request or answer as it stood on the wire."""

    head: bytes
    body: bytes

    @property
    def whole(self) -> bytes:
        """All of it."""
        return self.head + self.body


async def read_message(reader: asyncio.StreamReader) -> Message:
    """The next message, whose length is what its head says."""
    head = await reader.readuntil(HEAD_ENDS)
    _, _, after = head.lower().partition(b"\r\ncontent-length:")
    length = int(after.split(b"\r\n", 1)[0]) if after else 0
    return Message(head, await reader.readexactly(length) if length else b"")


def answer(status: str, body: bytes = b"", *headers: str) -> bytes:
    """An answer of the proxy's own."""
    lines = (f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers)
    return "\r\n".join(lines).encode() + HEAD_ENDS + body


class Side:
    """One connection of the proxy's, to the client or to the server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def reset(self) -> None:
        """End it with RST."""
        if not self.writer.transport.is_closing():
            self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
            self.writer.transport.abort()


class Exchange:
    """One request on its way to be answered, as the kinds of faults see it."""

    def __init__(self, proxy: Proxy, client: Side, request: Message, previous: bytes, random: Random) -> None:
        self.proxy = proxy
        self.random = random
        self.request = request
        self.previous = previous
        """The answer that went before on this connection; empty for the first."""
        self._client = client
        self._server: Side | None = None

    async def forward(self) -> Message:
        """Let the server act, and have its answer."""
        async with self.proxy.server() as server:
            server.writer.write(self.request.whole)
            return await read_message(server.reader)

    def write(self, data: bytes) -> None:
        """Send to the client, if it is still there."""
        if not self._client.writer.transport.is_closing():
            self._client.writer.write(data)

    def close(self) -> None:
        """End the connection to the client, after what was written."""
        self._client.writer.close()

    def reset(self) -> None:
        """Break the connection to the client."""
        self._client.reset()

    async def stall(self) -> None:
        """Do nothing more until the client gives up."""
        with suppress(ConnectionError):
            await self._client.reader.read()
        self.close()

    async def repeat_later(self, data: bytes) -> None:
        """Send something more when `Proxy.repeat()` is called."""
        self.proxy.pending.append((self._client.writer, data))

    def part_of(self, data: bytes) -> bytes:
        """Its beginning, cut at any byte, the last of it at least."""
        return data[: self.random.randrange(len(data))]


Kind = Callable[[Exchange], Awaitable[None]]

KINDS: dict[str, Kind] = {}
"""Every kind of fault, by name."""
HARMLESS = ("hints", "in_pieces", "closed_after_answer", "answered_again_later")
"""Kinds that a call does not even notice."""


def kind(function: Kind) -> Kind:
    """Put a kind into the table."""
    KINDS[function.__name__] = function
    return function


# Before the server has heard of the request.


@kind
async def refused(exchange: Exchange) -> None:
    """The connection breaks, and nobody listens for a moment."""
    exchange.reset()
    await exchange.proxy.stop_listening_for(0.002)


@kind
async def reset_before(exchange: Exchange) -> None:
    """The connection breaks."""
    exchange.reset()


@kind
async def closed_before(exchange: Exchange) -> None:
    """The connection ends in order, as a server ends one that was idle for long."""
    exchange.close()


@kind
async def stalled_before(exchange: Exchange) -> None:
    """Nothing happens."""
    await exchange.stall()


@kind
async def too_many(exchange: Exchange) -> None:
    """429, with a time to come back."""
    exchange.write(answer("429 Too Many Requests", b"slow down", "Retry-After: 1"))


@kind
async def unavailable(exchange: Exchange) -> None:
    """503 from a gateway, as a page."""
    exchange.write(answer("503 Service Unavailable", b"<html>Down for maintenance</html>", "Content-Type: text/html"))


@kind
async def garbage(exchange: Exchange) -> None:
    """Bytes that are no HTTP."""
    exchange.write(b"\x16\x03" + exchange.random.randbytes(exchange.random.randrange(1, 300)) + b"\r\n\r\n")
    exchange.close()


# After the server has acted.


@kind
async def reset_after(exchange: Exchange) -> None:
    """The answer is lost: the connection breaks."""
    await exchange.forward()
    exchange.reset()


@kind
async def closed_after(exchange: Exchange) -> None:
    """The answer is lost: the connection ends in order."""
    await exchange.forward()
    exchange.close()


@kind
async def stalled_after(exchange: Exchange) -> None:
    """The answer does not come."""
    await exchange.forward()
    await exchange.stall()


@kind
async def stalled_in_answer(exchange: Exchange) -> None:
    """The answer begins, and does not end."""
    exchange.write(exchange.part_of((await exchange.forward()).whole))
    await exchange.stall()


@kind
async def cut_in_head(exchange: Exchange) -> None:
    """The answer ends at any byte of its head."""
    exchange.write(exchange.part_of((await exchange.forward()).head))
    exchange.close()


@kind
async def cut_in_body(exchange: Exchange) -> None:
    """The answer ends at any byte of its body."""
    message = await exchange.forward()
    exchange.write(message.head + exchange.part_of(message.body))
    exchange.close()


@kind
async def reset_in_answer(exchange: Exchange) -> None:
    """The connection breaks at any byte of the answer."""
    exchange.write(exchange.part_of((await exchange.forward()).whole))
    exchange.reset()


@kind
async def bad_gateway(exchange: Exchange) -> None:
    """502, though the server has acted."""
    await exchange.forward()
    exchange.write(answer("502 Bad Gateway"))


@kind
async def too_many_after(exchange: Exchange) -> None:
    """429, though the server has acted."""
    await exchange.forward()
    exchange.write(answer("429 Too Many Requests", b"", "Retry-After: 0"))


@kind
async def garbage_after(exchange: Exchange) -> None:
    """Bytes that are no HTTP in the place of the answer."""
    await exchange.forward()
    await garbage(exchange)


@kind
async def broken_gzip(exchange: Exchange) -> None:
    """A body that says it is gzip, with a byte turned over."""
    packed = bytearray(gzip.compress((await exchange.forward()).body))
    packed[exchange.random.randrange(10, len(packed) - 4)] ^= 0xFF
    exchange.write(answer("201 Created", bytes(packed), "Content-Type: application/json", "Content-Encoding: gzip"))


@kind
async def cut_gzip(exchange: Exchange) -> None:
    """A whole answer, of which the gzip inside is cut at any byte."""
    packed = exchange.part_of(gzip.compress((await exchange.forward()).body))
    exchange.write(answer("201 Created", packed, "Content-Type: application/json", "Content-Encoding: gzip"))


@kind
async def bad_chunk(exchange: Exchange) -> None:
    """A chunked body whose next chunk has no size."""
    body = exchange.part_of((await exchange.forward()).body) or b"{"
    exchange.write(b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\nmany\r\n" % (len(body), body))


@kind
async def long_header(exchange: Exchange) -> None:
    """A header that is longer than any client reads."""
    message = await exchange.forward()
    exchange.write(message.head[:-2] + b"X-Long: " + b"a" * 70_000 + HEAD_ENDS + message.body)


@kind
async def answered_twice(exchange: Exchange) -> None:
    """The answer comes twice in one piece."""
    exchange.write((await exchange.forward()).whole * 2)


@kind
async def answered_as_before(exchange: Exchange) -> None:
    """The answer to the call before comes once more, in one piece with the right one."""
    right = (await exchange.forward()).whole
    exchange.write((exchange.previous or right) + right)


@kind
async def surplus(exchange: Exchange) -> None:
    """The answer is followed by bytes that are none."""
    exchange.write((await exchange.forward()).whole + b"{}\x00\r\n\r\n")


# What should not be noticed.


@kind
async def hints(exchange: Exchange) -> None:
    """The answer comes after two of class 1xx."""
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"
    exchange.write(early + (await exchange.forward()).whole)


@kind
async def in_pieces(exchange: Exchange) -> None:
    """The answer comes in many small pieces."""
    whole = (await exchange.forward()).whole
    while whole:
        size = exchange.random.randrange(1, 60)
        exchange.write(whole[:size])
        whole = whole[size:]
        await asyncio.sleep(0)


@kind
async def closed_after_answer(exchange: Exchange) -> None:
    """The answer comes, and the connection ends without a word."""
    exchange.write((await exchange.forward()).whole)
    exchange.close()


@kind
async def answered_again_later(exchange: Exchange) -> None:
    """The answer comes, and again when `repeat()` is called. For clients with one call at a time."""
    whole = (await exchange.forward()).whole
    exchange.write(whole)
    await exchange.repeat_later(whole)
