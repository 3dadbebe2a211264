"""Send webhook deliveries as HTTP requests, to this machine only."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

_ADDRESSES: Final = ("127.0.0.1", "::1")


class UndeliveredError(Exception):
    """There was no response; the message says why."""


def is_loopback(url: str) -> bool:
    """Return whether the host of a URL is loopback: `localhost`, 127.0.0.0/8 or ::1."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class LoopbackSender:
    """Sends deliveries. The session is created on first use."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """Send a POST request. Redirects are not followed, and the body of the response is not read.

        Args:
            url: The URL of the webhook.
            headers: All headers of the request.
            body: The body.

        Returns:
            The status of the response.

        Raises:
            UndeliveredError: There was no response, or the URL is not on this machine and nothing was sent.
        """
        if not is_loopback(url):
            raise UndeliveredError("not sent: FakeCStar delivers to this machine only")
        if self._session is None:
            # The receiver of a test has a self-signed certificate.
            connector = aiohttp.TCPConnector(resolver=_Loopback(), ssl=False)
            self._session = aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=None, sock_connect=None))
        try:
            async with self._session.post(url, data=body, headers=headers, allow_redirects=False) as response:
                return response.status
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise UndeliveredError(f"the connection failed: {type(error).__name__}") from None

    async def aclose(self) -> None:
        """Close the session; the next request opens another."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()


class _Loopback(AbstractResolver):
    """Resolves every host name to this machine."""

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        """Return the addresses of this machine."""
        families = {address: socket.AF_INET6 if ":" in address else socket.AF_INET for address in _ADDRESSES}
        return [
            ResolveResult(hostname=host, host=address, port=port, family=version, proto=0, flags=socket.AI_NUMERICHOST)
            for address, version in families.items()
            if family in (socket.AF_UNSPEC, version)
        ]

    async def close(self) -> None:
        """Do nothing."""
