"""The door to the network, as a protocol: bytes out, bytes in, and two kinds of failure."""

from __future__ import annotations

from typing import Protocol

from cstar_async._protocol.messages import RawResponse, Request


class Transport(Protocol):
    """Sends one request and reads its whole response. It never retries, redirects, decodes or logs."""

    async def send(self, request: Request, timeout: float) -> RawResponse:
        """Send *request* and read the response to its end.

        Args:
            request: What to send.
            timeout: Seconds for connecting, sending and reading together; up to the headers of an answer that is to be a stream.

        Raises:
            ConnectionFailedError: No connection, or it broke before the response was whole.
            RequestTimeoutError: The time was over.
        """
        ...

    async def aclose(self) -> None:
        """Give back what the door holds; may be called twice."""
        ...
