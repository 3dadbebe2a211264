"""Uploads, downloads and streams.

An argument for a file takes `bytes`, a path (`pathlib.Path`), a binary file that is open, or an async iterator of `bytes`. A `File`
takes each of these, too, and adds a name, a content type and a progress callback::

    await client.files.create(file=Path("photo.jpg"))
    await client.files.create(file=File(photo, name="photo.jpg", content_type="image/jpeg", on_progress=print))

Files are sent in pieces and never held in memory as a whole. A file that the caller opened is not closed. A retry sends bytes and
paths again, and binary files from where they were. An async iterator, or a file that cannot seek, can be read only once. After its
first byte was read, the call is not retried, and the error says so.

`Download` is a binary response, and `Stream` a response of many items, such as server-sent events or JSON lines::

    data = await client.files.content("file_1")                       # in memory, at most `max_response_size`
    await client.files.content("file_1").save("report.pdf")           # to a file
    async with client.files.content("file_1") as stream:              # in pieces
        async for piece in stream:
            ...
    async with client.chat.complete(question="…") as stream:          # items
        async for part in stream:
            print(part.text)

Until a response begins, everything is as for other calls: limits, retries and errors. While bytes are transferred, `timeout` limits
the time without progress instead of the whole, and `total_timeout` the whole. A stream is one call of the rate limit. Once it is
open, it does not count against `max_connections`.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections import deque
from collections.abc import Awaitable, Callable, Generator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Generic, Protocol, Self, TypeVar

from cstar_async._model.file import BinaryFile, File, FileContent, FileInput, Progress, check_progress, report_progress
from cstar_async._protocol.messages import Sink
from cstar_async._protocol.sse import ServerSentEvent
from cstar_async._types import Response
from cstar_async._values.validation import check_instance, validate_count
from cstar_async.errors import CStarError, InvalidArgumentError, ResponseTooLargeError
from cstar_async.files._item_decoders import ItemDecoder

__all__ = ["BinaryFile", "Download", "File", "FileContent", "FileInput", "Progress", "ServerSentEvent", "Stream"]

T = TypeVar("T")


class StreamSource(Protocol):
    """An open response."""

    response: Response[None]

    async def read(self) -> bytes:
        """Return the next bytes; empty at the end."""
        ...

    def annotate(self, error: CStarError) -> None:
        """Set the call's data on an error."""
        ...

    def close(self) -> None:
        """Close the connection; may be called twice."""
        ...


class Stream(Generic[T]):
    """The items of a response, as they arrive.

    `async with` sends the request and raises what a call raises; at its end the connection is closed. One task iterates, once. A
    connection that breaks is a `TransportError`, never a silent end. An item that is larger than `max_response_size` is a
    `ResponseTooLargeError`, and one of the wrong form a `DecodeError`.
    """

    def __init__(self, open_: Callable[[], Awaitable[tuple[StreamSource, ItemDecoder[T]]]]) -> None:
        self._open = open_
        self._opened: tuple[StreamSource, ItemDecoder[T]] | None = None
        self._ready: deque[Any] = deque()
        self._is_at_end = False

    async def __aenter__(self) -> Self:
        if self._is_at_end:
            raise CStarError("this stream is closed; call the method again for another one")
        if self._opened is None:
            self._opened = await self._open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        source, decoder = self._entered()
        try:
            while not self._ready:
                if self._is_at_end:
                    source.close()
                    raise StopAsyncIteration
                await asyncio.sleep(0)  # data can be ready for minutes, and reading it would not let other tasks run
                chunk = await source.read()
                self._ready += decoder.feed(chunk) if chunk else decoder.end()
                self._is_at_end = not chunk or decoder.is_done
            return decoder.decode(self._ready.popleft())
        except CStarError as error:
            source.annotate(error)
            raise

    @property
    def response(self) -> Response[None]:
        """Status, headers and request id of the response, once the stream was entered."""
        return self._entered()[0].response

    async def aclose(self) -> None:
        """Close the connection and end the iteration. May be called twice."""
        self._is_at_end = True
        self._ready.clear()
        if self._opened is not None:
            self._opened[0].close()

    def _entered(self) -> tuple[StreamSource, ItemDecoder[T]]:
        if self._opened is None:
            raise CStarError("this stream is not open; enter it first: async with … as stream")
        return self._opened


class Download:
    """A binary response. Nothing is sent until it is awaited, saved or entered, and each of these is one call.

    `await` returns the body as bytes. One larger than `max_response_size` is a `ResponseTooLargeError`.
    `async with` gives a `Stream` of pieces.
    """

    def __init__(
        self, read: Callable[[], Awaitable[bytes]], save: Callable[[Sink], Awaitable[None]], stream: Callable[[], Stream[bytes]]
    ) -> None:
        self._read = read
        self._save = save
        self._make_stream = stream
        self._stream: Stream[bytes] | None = None

    def __await__(self) -> Generator[Any, None, bytes]:
        return self._read().__await__()

    async def save(self, path: str | os.PathLike[str], *, max_size: int | None = None, on_progress: Progress | None = None) -> Path:
        """Write the body to a file.

        It is written to a hidden file beside *path*, which replaces *path* at the end. If the call fails or is cancelled, nothing
        is left, and a file that was there stays as it was. A retry begins again.

        Args:
            path: Where to write. Its folder must exist.
            max_size: Bytes, from 0; more is a `ResponseTooLargeError`. None: no limit. `max_response_size` does not apply.
            on_progress: Called after each piece with the bytes so far, and the size, or None if it is not known. It starts again at
                a retry. What it raises is logged.

        Returns:
            The path.

        Raises:
            InvalidArgumentError: *path* is no path, or *max_size* is out of its range.
            CStarError: The file cannot be written, or the call failed.
        """
        target = _file_path(path)
        limit = None if max_size is None else validate_count("max_size", max_size, 0)
        check_progress(on_progress)
        async with _FileSink(target, limit, on_progress) as sink:
            await self._save(sink)
        return target

    async def __aenter__(self) -> Stream[bytes]:
        if self._stream is not None:
            raise CStarError("this download was entered before; call the method again for another one")
        self._stream = self._make_stream()
        return await self._stream.__aenter__()

    async def __aexit__(self, *_: object) -> None:
        if self._stream is not None:
            await self._stream.aclose()


class _FileSink:
    """A file beside *path*, which replaces it when the block ends without an exception, and is otherwise removed."""

    def __init__(self, path: Path, max_size: int | None, on_progress: Progress | None) -> None:
        self._path = path
        self._temporary = path.with_name(f".{secrets.token_hex(12)}.part")
        self._max_size = max_size
        self._on_progress = on_progress
        self._written = 0
        self._size: int | None = None

    async def __aenter__(self) -> Self:
        if self._try(self._path.is_dir):
            raise CStarError("the file could not be written: the path is a directory")
        self._file: BinaryIO = self._try(lambda: self._temporary.open("xb"))
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if kind is None:
                self._try(self._file.close)
                self._try(lambda: self._temporary.replace(self._path))
        finally:
            # The error of the call is the one to raise. A file that has replaced the other one is not here any more.
            with suppress(OSError):  # the disk is full, and what is not written is not needed
                self._file.close()
            with suppress(OSError):  # its folder is gone or locked
                self._temporary.unlink()

    async def restart(self, size: int | None) -> None:
        """Drop what an earlier attempt wrote; see `Sink.restart`."""
        self._written, self._size = 0, size
        if size is not None:
            self._check_size(size)
        self._try(lambda: self._file.seek(0))
        self._try(self._file.truncate)

    async def write(self, piece: bytes) -> None:
        """Append a piece, in a thread."""
        self._check_size(self._written + len(piece))
        try:
            await asyncio.get_running_loop().run_in_executor(None, self._file.write, piece)
        except OSError as error:
            raise _failure(error) from None
        self._written += len(piece)
        report_progress(self._on_progress, self._written, self._size)

    def _check_size(self, size: int) -> None:
        if self._max_size is not None and size > self._max_size:
            raise ResponseTooLargeError(f"the response is larger than max_size={self._max_size} bytes")

    def _try(self, action: Callable[[], T]) -> T:
        try:
            return action()
        except (OSError, ValueError) as error:  # the second: the path has a NUL or half a surrogate pair
            failure = _failure(error)
        raise failure


def _file_path(path: object) -> Path:
    check_instance("path", path, (str, os.PathLike), "a str or a pathlib.Path")
    try:
        found = Path(path)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # of any class with `__fspath__`
        found.with_name("a")
    except (TypeError, ValueError):
        raise InvalidArgumentError("path must be the path of a file, and must not be empty or in bytes") from None
    return found


def _failure(error: OSError | ValueError) -> CStarError:
    """Return the error for a file that cannot be written. It shows no path, which may be personal."""
    text = error.strerror if isinstance(error, OSError) else "the path has characters that paths cannot have"
    return CStarError(f"the file could not be written: {text or type(error).__name__}")
