"""What openapi-python-client generates from our document, with its own templates."""

from __future__ import annotations

import httpx
from cstar_opc.api.tickets import create_ticket, get_ticket, list_tickets
from cstar_opc.client import AuthenticatedClient
from cstar_opc.models import TicketCreate, TicketPriority

from bench.peers.clients.base import BODY, KEY, MAX_CONNECTIONS, TEAM, TIMEOUT, Client, ticket_id


class StockPythonClient(Client):
    """The generated client, with a pool as large as that of aiohttp."""

    def __init__(self, url: str) -> None:
        limits = httpx.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=MAX_CONNECTIONS)
        self._client = AuthenticatedClient(base_url=url, token=KEY, timeout=httpx.Timeout(TIMEOUT), httpx_args={"limits": limits})

    async def close(self) -> None:
        """Close all connections."""
        await self._client.get_async_httpx_client().aclose()

    async def get(self, number: int) -> object:
        """Get a ticket."""
        return await get_ticket.asyncio(TEAM, ticket_id(number), client=self._client)

    async def post(self) -> object:
        """Create a ticket."""
        body = TicketCreate(title=BODY["title"], priority=TicketPriority(BODY["priority"]), customer_id=BODY["customerId"])
        return await create_ticket.asyncio(TEAM, client=self._client, body=body)

    async def page(self, number: int) -> object:
        """Get a page of tickets."""
        return await list_tickets.asyncio(TEAM, client=self._client, page=number, page_size=100)

    async def rows(self) -> int:
        """Read all pages, one after the other."""
        count, number, more = 0, 1, True
        while more:
            page = await list_tickets.asyncio(TEAM, client=self._client, page=number, page_size=100)
            count += len(page.data)
            number, more = number + 1, page.pagination.has_more
        return count
