"""The memory of a bot whose server sends bodies and events far beyond the limits."""

from __future__ import annotations

import asyncio
import gzip
import json
import sys
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("hostile_process.py")
PIECE = b"x" * 65536
CHUNK = b"%x\r\n%s\r\n" % (len(PIECE), PIECE)
MAX_MEGABYTES = 300


def bomb(megabytes: int) -> bytes:
    """Return a gzip stream of zeros."""
    stream = zlib.compressobj(1, wbits=31)
    return b"".join([*(stream.compress(bytes(2**20)) for _ in range(megabytes)), stream.flush()])


async def endless(head: bytes, piece: bytes) -> AsyncIterator[bytes]:
    """Send the same piece until the client closes the connection."""
    yield head
    while True:
        yield piece


async def whole(head: bytes, body: bytes) -> AsyncIterator[bytes]:
    """Send a body."""
    yield head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def ok(*headers: str, status: int = 200) -> bytes:
    """Return the beginning of a response."""
    return "".join(f"{line}\r\n" for line in (f"HTTP/1.1 {status} X", *headers)).encode()


async def events() -> AsyncIterator[bytes]:
    """Send events of 100 MB, each before one that can be handled."""

    async def event(number: int) -> bytes:
        await asyncio.sleep(0)
        return b'id: evt_%d\ndata: {"type": "ticket.created", "id": "evt_%d"}\n\n' % (number, number)

    yield ok("Content-Type: text/event-stream") + b"\r\n"
    for number, piece in enumerate((PIECE, b"data: " + PIECE + b"\n", b": x\n" * 16384, b"event: " + PIECE + b"\r")):
        yield b"data: "
        for _ in range(1600):
            yield piece
        yield b"\n\n" + await event(number)


GZIP = "Content-Encoding: gzip"
CHUNKED = "Transfer-Encoding: chunked\r\n"
BODIES: dict[str, Callable[[], AsyncIterator[bytes]]] = {
    "endless-chunks": lambda: endless(ok(CHUNKED), CHUNK),
    "endless-small-chunks": lambda: endless(ok(CHUNKED), (b"100\r\n" + b"x" * 256 + b"\r\n") * 256),
    "a-long-length": lambda: endless(ok("Content-Length: 10000000000\r\n"), PIECE),
    "until-closed": lambda: endless(ok("Connection: close\r\n"), PIECE),
    "an-endless-error": lambda: endless(ok(CHUNKED, status=400), CHUNK),
    "a-bomb": lambda: whole(ok(GZIP), bomb(300)),
    "a-bomb-of-an-error": lambda: whole(ok(GZIP, status=422), bomb(300)),
    "a-bomb-in-a-bomb": lambda: whole(ok(f"{GZIP}, gzip"), gzip.compress(bomb(300))),
    "a-bomb-of-many-streams": lambda: whole(ok(GZIP), gzip.compress(bytes(2**20)) * 300),
    "a-bomb-of-deflate": lambda: whole(ok("Content-Encoding: deflate"), zlib.compress(bytes(300 * 2**20), 1)),
}
NO_RESPONSE: dict[str, Callable[[], AsyncIterator[bytes]]] = {
    "endless-headers": lambda: endless(ok(), b"X-A: a\r\n" * 10_000),
    "an-endless-header": lambda: endless(ok() + b"X-A: ", PIECE),
    "an-endless-status-line": lambda: endless(b"HTTP/1.1 200 ", PIECE),
    "endless-trailers": lambda: endless(ok(CHUNKED) + b"0\r\n", b"X-A: a\r\n" * 10_000),
}


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Respond to each request with the body that its path names."""
    with suppress(ConnectionError, asyncio.IncompleteReadError):
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            name = head.split(b" ")[1].rpartition(b"/")[2].decode()
            async for part in events() if name == "listen" else (BODIES | NO_RESPONSE)[name]():
                writer.write(part)
                await writer.drain()
    writer.close()


@pytest.mark.first
@pytest.mark.no_cover
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak memory is read from /proc")
async def test_a_bot_takes_limited_memory_whatever_the_server_sends() -> None:
    """Bodies that are endless or bombs, events and deliveries of 100 MB: each ends in its error, and what is valid arrives."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    bot = await asyncio.create_subprocess_exec(
        sys.executable, str(PROGRAM), url, *BODIES, *NO_RESPONSE, stdout=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(110):
            output, _ = await bot.communicate()
    finally:
        if bot.returncode is None:
            bot.kill()
            await bot.wait()
        server.close()
    result = json.loads(output)
    assert result["raised"] == dict.fromkeys(BODIES, "ResponseTooLargeError") | dict.fromkeys(NO_RESPONSE, "ConnectionFailedError")
    assert ["evt_0", "evt_1", "evt_2", "evt_3"] == result["events"]
    assert [413] * 3 == result["statuses"]
    assert result["peak"] < MAX_MEGABYTES
