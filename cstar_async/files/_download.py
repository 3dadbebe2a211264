"""Binary responses: in memory, as a file, or as a stream of pieces."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Awaitable, Callable, Generator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self, TypeVar

from cstar_async._model.file import Progress, check_progress, report_progress
from cstar_async._protocol.messages import Sink
from cstar_async._values.validation import check_instance, invalid, validate_count
from cstar_async.errors import CStarError, ResponseTooLargeError
from cstar_async.files._stream import Stream

T = TypeVar("T")


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
        raise invalid("path", "the path of a file, and not in bytes", path) from None
    return found


def _failure(error: OSError | ValueError) -> CStarError:
    """Return the error for a file that cannot be written. It shows no path, which may be personal."""
    text = error.strerror if isinstance(error, OSError) else "the path has characters that paths cannot have"
    return CStarError(f"the file could not be written: {text or type(error).__name__}")
