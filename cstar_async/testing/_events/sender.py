"""The way out: a delivery as a real HTTP request, and to this machine only.

With `server` the only room that knows aiohttp. It knows no event and no schedule; a receiver is a URL.
"""

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
    """No answer came; the text says why."""


def is_loopback(url: str) -> bool:
    """Whether a URL leads to loopback: `localhost`, 127.0.0.0/8 or ::1."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class LoopbackSender:
    """Carries deliveries. Sessions are made when they are needed, and never go further than this machine."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """Post a body. Redirects are not followed, and the body of the answer is not read.

        Args:
            url: Where to.
            headers: All that the request says.
            body: Its bytes.

        Returns:
            The status of the answer.

        Raises:
            UndeliveredError: There is none, or the URL leads away from this machine and nothing was sent.
        """
        if not is_loopback(url):
            raise UndeliveredError("not sent: the fake delivers to this machine only")
        if self._session is None:
            # The certificate of a receiver that runs in a test is signed by nobody.
            connector = aiohttp.TCPConnector(resolver=_Loopback(), ssl=False)
            self._session = aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=None, sock_connect=None))
        try:
            async with self._session.post(url, data=body, headers=headers, allow_redirects=False) as response:
                return response.status
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise UndeliveredError(f"the connection failed: {type(error).__name__}") from None

    async def aclose(self) -> None:
        """Close what is open; it opens again when it is needed."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()


class _Loopback(AbstractResolver):
    """Knows the addresses of this machine, whatever name it is asked for."""

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        """The addresses of this machine."""
        families = {address: socket.AF_INET6 if ":" in address else socket.AF_INET for address in _ADDRESSES}
        return [
            ResolveResult(hostname=host, host=address, port=port, family=kind, proto=0, flags=socket.AI_NUMERICHOST)
            for address, kind in families.items()
            if family in (socket.AF_UNSPEC, kind)
        ]

    async def close(self) -> None:
        """There is nothing to close."""
