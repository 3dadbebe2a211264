"""HTTP by hand on `asyncio.Protocol`: the lower bound of what a client in Python costs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import cast
from urllib.parse import urlsplit

import orjson

from bench.peers.clients.base import BODY, KEY, MAX_CONNECTIONS, TEAM, Client, ticket_id


class Connection(asyncio.Protocol):
    """A connection with one request in flight."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Store the transport."""
        self._transport = cast("asyncio.WriteTransport", transport)
        self._buffer = b""
        self._end = 0

    def send(self, request: bytes) -> asyncio.Future[bytes]:
        """Send a request, and return the future body of its response."""
        self._response: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._response

    def data_received(self, data: bytes) -> None:
        """Resolve the future when the body is complete."""
        buffer = self._buffer = self._buffer + data if self._buffer else data
        if not self._end and (head := buffer.find(b"\r\n\r\n") + 4) > 3:
            start = buffer.index(b"Content-Length:") + 15
            self._head = head
            self._end = head + int(buffer[start : buffer.index(b"\r\n", start)])
        if self._end and len(buffer) >= self._end:
            self._response.set_result(buffer[self._head : self._end])
            self._buffer, self._end = buffer[self._end :], 0

    def connection_lost(self, exc: Exception | None) -> None:
        """Report a lost connection to the request in flight."""
        if hasattr(self, "_response") and not self._response.done():
            self._response.set_exception(exc or ConnectionResetError("The server closed the connection"))

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()


class RawAsyncio(Client):
    """A pool of connections, requests as bytes, and orjson."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._host, self._port = address.hostname or "", address.port or 80
        self._path = f"/api/v1/teams/{TEAM}/tickets"
        self._head = f" HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: Bearer {KEY}\r\nAccept: application/json\r\n"
        self._idle: list[Connection] = []
        self._slots = asyncio.Semaphore(MAX_CONNECTIONS)

    async def close(self) -> None:
        """Close all connections."""
        for connection in self._idle:
            connection.close()

    async def get(self, number: int) -> object:
        """Get a ticket."""
        return await self._send(f"GET {self._path}/{ticket_id(number)}{self._head}\r\n".encode())

    async def post(self) -> object:
        """Create a ticket."""
        body = orjson.dumps(BODY)
        head = f"POST {self._path}{self._head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        return await self._send(head.encode() + body)

    async def page(self, number: int) -> Mapping[str, object]:
        """Get a page of tickets."""
        return await self._send(f"GET {self._path}?page={number}&pageSize=100{self._head}\r\n".encode())

    async def rows(self) -> int:
        """Read all pages, one after the other."""
        count, number, more = 0, 1, True
        while more:
            page = cast("dict[str, dict[str, object]]", await self.page(number))
            count += len(page["data"])
            number, more = number + 1, bool(page["pagination"]["hasMore"])
        return count

    async def _send(self, request: bytes) -> Mapping[str, object]:
        async with self._slots:
            connection = self._idle.pop() if self._idle else await self._connect()
            found: Mapping[str, object] = orjson.loads(await connection.send(request))
            self._idle.append(connection)
            return found

    async def _connect(self) -> Connection:
        _, connection = await asyncio.get_running_loop().create_connection(Connection, self._host, self._port)
        return connection
