"""Read bodies with files in pieces, as often as a call sends them."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import BinaryIO, Final, cast

from cstar_async._model.file import BinaryFile, FileContent, report_progress
from cstar_async.errors import CStarError, InvalidArgumentError
from cstar_async.files._multipart import BodyContent, FileSegment

PIECE_SIZE: Final = 256 * 1024
"""Bytes that are read and sent at once. Reading them from a disk takes less than a millisecond, in a thread."""


class Upload:
    """The body of one call. It is prepared, written and closed for each attempt."""

    def __init__(self, content: BodyContent) -> None:
        self._segments = [segment if isinstance(segment, bytes) else _Source(segment) for segment in content.segments]
        self._sources = [source for source in self._segments if isinstance(source, _Source)]
        self.size: int | None = None
        """Bytes of the body, once it is prepared; None if that is not known."""
        self.failure: CStarError | None = None
        """Why the body could not be read to its end."""
        self.is_written = False

    @property
    def used_up(self) -> str | None:
        """The name of a file that was read and cannot be read again; None without one."""
        return next((source.name for source in self._sources if source.is_used_up), None)

    async def prepare(self) -> None:
        """Find out the size. Raises `InvalidArgumentError` if a file cannot be read."""
        self.failure, self.is_written = None, False
        if not all(isinstance(source.content, bytes) for source in self._sources):
            await asyncio.get_running_loop().run_in_executor(None, self._measure)
        sizes = [len(one) if isinstance(one, bytes) else one.size for one in self._segments]
        known = [size for size in sizes if size is not None]
        self.size = sum(known) if len(known) == len(sizes) else None

    async def write(self, write: Callable[[bytes | memoryview], Awaitable[None]]) -> None:
        """Write the body in pieces."""
        try:
            for segment in self._segments:
                if isinstance(segment, bytes):
                    await write(segment)
                else:
                    await segment.write(write)
            self.is_written = True
        except InvalidArgumentError as error:
            self.failure = error
            raise

    def close(self) -> None:
        """Close the files that were opened here."""
        for source in self._sources:
            source.close()

    def _measure(self) -> None:
        for source in self._sources:
            source.measure()


class _Source:
    """A file in a body."""

    def __init__(self, segment: FileSegment) -> None:
        self.name, file = segment
        self._on_progress = file.on_progress
        content: FileContent = file.content
        self.content = bytes(content) if isinstance(content, bytearray) else content
        self.size = len(self.content) if isinstance(self.content, bytes) else None
        self.is_used_up = False
        self._start: int | None = None
        self._position = 0
        self._iterator: AsyncIterator[object] | None = None
        self._opened: BinaryIO | None = None
        self._is_reading = self._is_closed = False
        # What an async iterator was derived from may be at its end, even if the object makes a new iterator each time.
        self._is_repeatable = not isinstance(self.content, AsyncIterable)

    def measure(self) -> None:
        """Find out the size, in a thread."""
        self._is_closed = False
        try:
            if isinstance(self.content, os.PathLike):
                state = Path(self.content).stat()
                if stat.S_ISDIR(state.st_mode):
                    raise IsADirectoryError(None, "it is a directory")
                self.size, self._is_repeatable = (state.st_size, True) if stat.S_ISREG(state.st_mode) else (None, False)
            elif isinstance(self.content, BinaryFile) and self._is_repeatable:
                self._measure_file(cast("BinaryIO", self.content))
        except (OSError, ValueError) as error:
            failure = self._failure(error)
        else:
            return
        raise failure

    def _measure_file(self, file: BinaryIO) -> None:
        seekable: Callable[[], bool] | None = getattr(file, "seekable", None)
        if seekable is None or not seekable():
            self._is_repeatable = False
            return
        if self._start is None:
            self._start = file.seek(0, os.SEEK_CUR)
        self.size = max(file.seek(0, os.SEEK_END) - self._start, 0)
        file.seek(self._start)

    async def write(self, write: Callable[[bytes | memoryview], Awaitable[None]]) -> None:
        """Write the content in pieces, of the known size together."""
        if self.is_used_up:
            raise InvalidArgumentError(f"{self.name} was read before, and cannot be read again")
        self.is_used_up = not self._is_repeatable
        self._position = 0
        while self._position != self.size:
            piece = await self._read()
            if not piece:
                break
            kept = piece if self.size is None else piece[: self.size - self._position]
            await write(kept)
            self._position += len(kept)
            report_progress(self._on_progress, self._position, self.size)
        if self.size is not None and self._position < self.size:
            raise InvalidArgumentError(f"{self.name} became shorter while it was sent")

    async def _read(self) -> bytes | memoryview:
        """Return the next piece; empty at the end."""
        if isinstance(self.content, bytes):
            return memoryview(self.content)[self._position : self._position + PIECE_SIZE]
        try:
            if isinstance(self.content, AsyncIterable):
                return await self._next_of(cast("AsyncIterable[object]", self.content))
            return await asyncio.get_running_loop().run_in_executor(None, self._read_file)
        except (KeyboardInterrupt, SystemExit, GeneratorExit):
            raise
        except BaseException as error:
            task = asyncio.current_task()
            if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
                raise  # otherwise it is that of another task, for which the iterator waited
            failure = self._failure(error)
        raise failure

    async def _next_of(self, content: AsyncIterable[object]) -> bytes:
        if self._iterator is None:
            self._iterator = aiter(content)
        async for piece in self._iterator:
            if found := _as_bytes(piece):
                return found
        return b""

    def _read_file(self) -> bytes:
        """Return the next piece of a file, in a thread."""
        self._is_reading = True
        try:
            file = self._opened
            if file is None:
                if isinstance(self.content, os.PathLike):
                    file = self._opened = Path(self.content).open("rb")  # noqa: SIM115  # closed in `close`
                    if self._is_closed:
                        file.close()
                else:
                    file = cast("BinaryIO", self.content)
            if self._start is not None and not self._position:
                file.seek(self._start)
            return _as_bytes(file.read(PIECE_SIZE) or b"")
        finally:
            self._is_reading = False

    def close(self) -> None:
        """Close the file that was opened here. A thread that still reads it must not block the event loop."""
        self._is_closed = True
        opened, self._opened = self._opened, None
        if opened is not None and self._is_reading:
            asyncio.get_running_loop().run_in_executor(None, opened.close)
        elif opened is not None:
            opened.close()

    def _failure(self, error: BaseException) -> InvalidArgumentError:
        """Return the error for a file that cannot be read. That of a path shows no path."""
        text = error.strerror if isinstance(error, OSError) else None
        failure = InvalidArgumentError(f"{self.name} could not be read: {text or type(error).__name__}")
        failure.__cause__ = None if isinstance(self.content, os.PathLike) else error
        failure.__suppress_context__ = True
        return failure


def _as_bytes(piece: object) -> bytes:
    if isinstance(piece, bytes):
        return piece
    if isinstance(piece, bytearray):
        return bytes(piece)
    raise TypeError(f"a piece must be bytes, got {type(piece).__name__}")
