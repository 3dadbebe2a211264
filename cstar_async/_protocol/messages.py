"""A request and a response as plain values: what crosses the door to the network, in bytes and strings only."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping


class Request:
    """One request, ready to be sent as it stands."""

    __slots__ = ("body", "headers", "method", "path", "query")

    stream = False
    """Whether a good answer is to be read piece by piece; it is an `StreamingResponse` then."""

    def __init__(self, method: str, path: str, query: str, headers: Mapping[str, str] | None, body: bytes | None) -> None:
        self.method = method
        self.path = path
        """From the root of the host, percent-encoded."""
        self.query = query
        """Encoded, without the question mark; empty for none."""
        self.headers = headers
        """What this request adds to the client's own headers."""
        self.body = body


class RawResponse:
    """One whole response: the body has been read and the connection given back."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        """Case-insensitive."""
        self.body = body


class StreamingResponse(RawResponse, ABC):
    """A response whose body is still arriving, without an end in sight. Whoever has it closes it."""

    __slots__ = ()

    @abstractmethod
    async def read(self) -> bytes:
        """The next piece of the body; empty at its end.

        Raises:
            ConnectionFailedError: The connection broke.
        """

    @abstractmethod
    def close(self) -> None:
        """Give the connection up; may be called twice."""
