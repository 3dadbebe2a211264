"""The protocol between the client and the network."""

from __future__ import annotations

from typing import Protocol

from cstar_async._protocol.messages import RawResponse, Request


class Transport(Protocol):
    """Send requests. A transport does not retry, follow redirects, decode or log."""

    async def send(self, request: Request, timeout: float) -> RawResponse:
        """Send a request and read its response to the end.

        Args:
            request: The request.
            timeout: Seconds for connecting, sending and reading together; for a `StreamingResponse`, up to its headers.

        Raises:
            ConnectionFailedError: There was no connection, or it broke before the end of the response.
            RequestTimeoutError: The timeout expired.
            ResponseTooLargeError: The body is larger than the transport accepts.
        """
        ...

    async def aclose(self) -> None:
        """Close all connections; may be called twice."""
        ...
