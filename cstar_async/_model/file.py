"""Files that are uploaded; public in `cstar_async.files`."""

from __future__ import annotations

import io
import logging
import os
from collections.abc import AsyncIterable, Callable, Mapping
from typing import Final, Protocol, TypeAlias, runtime_checkable

import attrs

from cstar_async._types import is_str
from cstar_async._values.repr import short_repr
from cstar_async._values.validation import check_instance
from cstar_async.errors import InvalidArgumentError

LOGGER: Final = logging.getLogger("cstar_async")
KINDS: Final = "bytes, a path, a binary file or an async iterator of bytes"


@runtime_checkable
class BinaryFile(Protocol):
    """A file that was opened in binary mode, or any other object with such a `read` method. It is called in a thread."""

    def read(self, size: int, /) -> bytes | None:
        """Return at most *size* bytes, and none at the end."""
        ...


FileContent: TypeAlias = bytes | os.PathLike[str] | BinaryFile | AsyncIterable[bytes]
"""The content of a file. A path is a `pathlib.Path`, never a str."""

Progress: TypeAlias = Callable[[int, int | None], object]
"""A callback for the bytes that were transferred so far, and the size of the whole, or None if that is not known."""


@attrs.frozen(repr=False)
class File:
    """A file to upload, with what the server gets to know about it.

    Args:
        content: The content.
        name: The file name for the server. Default: that of the path or of the open file, or else the name of the field.
        content_type: Such as `image/png`. Default: as the API describes it, or guessed from the name.
        headers: Further headers of this part of a form.
        on_progress: Called after each piece with the bytes that were sent so far, and the size, or None if it is not known. It
            starts again at a retry. What it raises is logged.

    Raises:
        InvalidArgumentError: The content is of another type, or a name or header has characters that cannot be sent.
    """

    content: FileContent
    name: str | None = attrs.field(default=None, kw_only=True)
    content_type: str | None = attrs.field(default=None, kw_only=True)
    headers: Mapping[str, str] | None = attrs.field(default=None, kw_only=True)
    on_progress: Progress | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        check_content(self.content, "content")
        for name in ("name", "content_type"):
            value: object = getattr(self, name)
            if value is not None and not (is_str(value) and value):
                raise InvalidArgumentError(f"{name} must be a str that is not empty, got {short_repr(value)}")
        if self.headers is not None:
            check_instance("headers", self.headers, Mapping, "a mapping of str to str", is_private=True)
        check_progress(self.on_progress)

    def __repr__(self) -> str:
        return f"File({type(self.content).__name__})"


FileInput: TypeAlias = FileContent | File
"""What an argument for a file takes."""


def is_content(value: object) -> bool:
    """Return whether a value can be the content of a file. A file in text mode cannot."""
    if isinstance(value, (bytes, bytearray, os.PathLike, AsyncIterable)):
        return True
    return isinstance(value, BinaryFile) and not isinstance(value, io.TextIOBase)


def check_content(value: object, name: str) -> None:
    """Check the content of a file, whatever its annotation says."""
    if is_content(value):
        return
    if isinstance(value, io.TextIOBase):
        raise InvalidArgumentError(f"{name} must be a file in binary mode, got one in text mode; open it with open(path, 'rb')")
    hint = "; use pathlib.Path for a path, and .encode() for a str" if is_str(value) else ""
    raise InvalidArgumentError(f"{name} must be {KINDS}, got {type(value).__name__}{hint}")


def check_progress(value: object) -> None:
    """Check a callback, whatever its annotation says."""
    if value is not None and not callable(value):
        raise InvalidArgumentError(f"on_progress must be a function, got {type(value).__name__}")


def as_file(value: object, name: str) -> File:
    """Return the value of an argument for a file as a `File`."""
    if isinstance(value, File):
        return value
    check_content(value, name)
    return File(value)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # checked above


def report_progress(on_progress: Progress | None, done: int, size: int | None) -> None:
    """Call a callback. What it raises is logged."""
    if on_progress is not None:
        try:
            on_progress(done, size)
        except Exception:
            LOGGER.exception("on_progress failed; the call continues")
