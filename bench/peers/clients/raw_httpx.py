"""Bare httpx and the JSON module of the standard library."""

from __future__ import annotations

import httpx

from bench.peers.clients.base import BODY, KEY, MAX_CONNECTIONS, TEAM, TIMEOUT, Client, ticket_id


class RawHttpx(Client):
    """httpx with a pool as large as that of aiohttp."""

    def __init__(self, url: str) -> None:
        self._tickets = f"{url}/api/v1/teams/{TEAM}/tickets"
        limits = httpx.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=MAX_CONNECTIONS)
        self._client = httpx.AsyncClient(headers={"Authorization": f"Bearer {KEY}"}, limits=limits, timeout=TIMEOUT)

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def get(self, number: int) -> object:
        """Get a ticket."""
        return (await self._client.get(f"{self._tickets}/{ticket_id(number)}")).json()

    async def post(self) -> object:
        """Create a ticket."""
        return (await self._client.post(self._tickets, json=BODY)).json()

    async def page(self, number: int) -> object:
        """Get a page of tickets."""
        return (await self._client.get(self._tickets, params={"page": number, "pageSize": 100})).json()

    async def rows(self) -> int:
        """Read all pages, one after the other."""
        count, number, more = 0, 1, True
        while more:
            page = (await self._client.get(self._tickets, params={"page": number, "pageSize": 100})).json()
            count += len(page["data"])
            number, more = number + 1, page["pagination"]["hasMore"]
        return count
