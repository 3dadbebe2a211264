"""Read and decompress response bodies of at most `max_response_size` bytes.

The size is checked while bytes arrive and while they are decompressed, so that a larger body is not held in memory. Decompression
takes linear time. Above 1 MiB it runs in a thread, because zlib releases the interpreter lock and the event loop must not wait.
orjson does not release it, so a body is parsed in the event loop. For each megabyte, a usual list takes some 10 ms and, while it is
parsed, 15 MB. The worst JSON, a list of empty objects, takes 600 ms and 110 MB.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

import aiohttp
from aiohttp import hdrs

from cstar_async._protocol.messages import Sink
from cstar_async._transport.decompression import StreamDecompressor, decompress, too_large
from cstar_async.errors import ConnectionFailedError, ResponseTooLargeError

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

_MAX_INLINE: Final = 1024 * 1024
"""Bytes that are decompressed in the event loop, which takes some milliseconds."""
_THREADS: Final = 2


def take_arrived_body(response: aiohttp.ClientResponse, max_size: int | None) -> bytes | None:
    """Return a body that has arrived completely and is not too large, without the coroutines of `read_body`; None for any other."""
    content = response.content
    if content.is_eof() and (max_size is None or content.total_bytes <= max_size):
        return content.read_nowait()
    return None


async def read_body(response: aiohttp.ClientResponse, max_size: int | None, *, is_early: bool = False) -> bytes:
    """Read a body to its end, or close the connection and raise a `ResponseTooLargeError` as soon as it is too large.

    Args:
        response: A response whose headers have arrived.
        max_size: Bytes; None: no limit.
        is_early: Whether the server has responded before the end of the request. The rest of that is not sent.
    """
    content = response.content
    if not is_early and (max_size is None or (content.is_eof() and content.total_bytes <= max_size)):
        return await response.read()
    try:
        length = response.content_length
        if max_size is not None and (content.total_bytes > max_size or (length is not None and length > max_size)):
            raise too_large(max_size)
        if length is not None and not is_early:
            return await response.read()
        body = bytearray()
        while chunk := await content.readany():
            if max_size is not None and len(body) + len(chunk) > max_size:
                raise too_large(max_size)
            body += chunk
        if is_early:
            response.close()
        else:
            await response.read()  # releases the connection
    except BaseException:
        response.close()
        raise
    return bytes(body)


async def copy_body(response: aiohttp.ClientResponse, sink: Sink, on_progress: Callable[[], None]) -> None:
    """Write a body into a sink as it arrives, decompressed."""
    try:
        reader = BodyReader(response)
        await sink.restart(None if hdrs.CONTENT_ENCODING in response.headers else response.content_length)
        while piece := await reader.read():
            await sink.write(piece)
            on_progress()
        await response.read()  # releases the connection
    except BaseException:
        response.close()
        raise


class BodyReader:
    """Read a body in pieces, decompressed. Raises a `ConnectionFailedError` if it cannot be decompressed."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._content = response.content
        self._pieces: Iterator[bytes] = iter(())
        self._decompressor = StreamDecompressor(response.headers.get(hdrs.CONTENT_ENCODING, ""))

    async def read(self) -> bytes:
        """Return the next piece; empty at the end."""
        try:
            while (piece := next(self._pieces, None)) is None:
                chunk = await self._content.readany()
                if not chunk:
                    self._decompressor.end()
                    return b""
                self._pieces = self._decompressor.feed(chunk)
            return piece
        except ValueError as error:
            failure = _cannot_decompress(error)
        raise failure


class Decompressor:
    """Decompress bodies, the large ones in threads of its own: handlers of users may occupy those of the event loop.

    Args:
        max_size: Bytes of a decompressed body; None: no limit.
    """

    def __init__(self, max_size: int | None) -> None:
        self._max_size = max_size
        self._threads: ThreadPoolExecutor | None = None

    async def decompress(self, body: bytes, encoding: str, status: int) -> bytes:
        """Return the decompressed body. One of an error that cannot be decompressed becomes empty: its status is enough.

        Raises:
            ConnectionFailedError: The body of a success cannot be decompressed.
            ResponseTooLargeError: The body is too large.
        """
        if status == 204:
            return body
        try:
            return await self._decompress(body, encoding)
        except ValueError as error:
            if not 200 <= status <= 299:
                return b""
            failure = _cannot_decompress(error)
        raise failure

    async def _decompress(self, body: bytes, encoding: str) -> bytes:
        max_size = self._max_size
        if len(body) <= _MAX_INLINE:
            inline = _MAX_INLINE if max_size is None else min(max_size, _MAX_INLINE)
            try:
                return decompress(body, encoding, inline)
            except ResponseTooLargeError:
                if inline == max_size:
                    raise
        if self._threads is None:
            from concurrent.futures import ThreadPoolExecutor  # most bodies are small

            self._threads = ThreadPoolExecutor(_THREADS, "cstar-decompression")
        run: Callable[[bytes, str, int | None], bytes] = decompress
        return await asyncio.get_running_loop().run_in_executor(self._threads, run, body, encoding, max_size)

    def close(self) -> None:
        """End the threads; may be called twice. Does not wait for a body that is being decompressed."""
        threads, self._threads = self._threads, None
        if threads is not None:
            threads.shutdown(wait=False)


def _cannot_decompress(error: ValueError) -> ConnectionFailedError:
    return ConnectionFailedError(f"the response cannot be decompressed: {error}")
