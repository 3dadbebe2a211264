"""HTTP requests and responses as plain values of bytes and str."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from cstar_async._types import UNSET, UntypedJSON
from cstar_async.errors import CStarError


class Upload(Protocol):
    """A body that is read in pieces."""

    size: int | None
    failure: CStarError | None
    is_written: bool

    @property
    def used_up(self) -> str | None: ...
    async def prepare(self) -> None: ...
    async def write(self, write: Callable[[bytes | memoryview], Awaitable[None]]) -> None: ...
    def close(self) -> None: ...


class Sink(Protocol):
    """A place for a body."""

    async def restart(self, size: int | None) -> None:
        """Drop what was written. *size* is that of the body, if it is known."""
        ...

    async def write(self, piece: bytes) -> None:
        """Append a piece."""
        ...


class Request:
    """A request, ready to be sent."""

    __slots__ = ("body", "headers", "method", "path", "query")

    stream = False
    """Whether to return a `StreamingResponse` on success."""
    upload: Upload | None = None
    """The body instead of `body`, if it has files."""
    sink: Sink | None = None
    """Where the body of a success goes; None: into the response."""

    def __init__(self, method: str, path: str, query: str, headers: Mapping[str, str] | None, body: bytes | None) -> None:
        self.method = method
        self.path = path
        """From the root of the host, percent-encoded."""
        self.query = query
        """Percent-encoded, without the question mark; may be empty."""
        self.headers = headers
        """Headers beside those of every request."""
        self.body = body

    def add_headers(self, headers: Mapping[str, str]) -> None:
        """Add headers, or replace those of the same names."""
        self.headers = {**(self.headers or {}), **headers}


class RawResponse:
    """A response whose body has been read to its end."""

    __slots__ = ("body", "headers", "parsed", "status")

    is_shared = False
    """Whether another caller has got it before, and hooks were called for it."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        """Case-insensitive."""
        self.body = body
        self.parsed: UntypedJSON = UNSET
        """The body as JSON, once `parse_body` has parsed it."""


class SharedResponse(RawResponse):
    """A copy of a response that another caller has got before."""

    __slots__ = ()

    is_shared = True


class StreamingResponse(RawResponse, ABC):
    """A response whose body is still arriving. Its owner must close it."""

    __slots__ = ()

    @abstractmethod
    async def read(self, timeout: float | None) -> bytes:
        """Return the next bytes of the body; empty at its end.

        A broken connection is a `ConnectionFailedError`, and *timeout* seconds without data are a `RequestTimeoutError`.
        """

    @abstractmethod
    def close(self) -> None:
        """Close the connection; may be called twice."""
