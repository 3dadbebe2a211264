"""What openapi-generator generates from our document, with its library `asyncio`."""

from __future__ import annotations

from cstar_oag import ApiClient, Configuration, TicketCreate, TicketPriority, TicketsApi

from bench.peers.clients.base import BODY, KEY, TEAM, Client, ticket_id


class StockGenerator(Client):
    """The generated client as it is."""

    def __init__(self, url: str) -> None:
        configuration = Configuration(host=url, access_token=KEY)
        self.adjust(configuration)
        self._client = ApiClient(configuration)
        self._tickets = TicketsApi(self._client)

    def adjust(self, configuration: Configuration) -> None:
        """Change nothing."""

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()

    async def get(self, number: int) -> object:
        """Get a ticket."""
        return await self._tickets.get_ticket(TEAM, ticket_id(number))

    async def post(self) -> object:
        """Create a ticket."""
        body = TicketCreate(title=BODY["title"], priority=TicketPriority(BODY["priority"]), customer_id=BODY["customerId"])
        return await self._tickets.create_ticket(TEAM, body)

    async def page(self, number: int) -> object:
        """Get a page of tickets."""
        return await self._tickets.list_tickets(TEAM, page=number, page_size=100)

    async def rows(self) -> int:
        """Read all pages, one after the other."""
        count, number, more = 0, 1, True
        while more:
            page = await self._tickets.list_tickets(TEAM, page=number, page_size=100)
            count += len(page.data)
            number, more = number + 1, page.pagination.has_more
        return count


class StockGeneratorWithoutProxies(StockGenerator):
    """The same without looking for proxies in the environment, which takes two hops between threads for each request."""

    def adjust(self, configuration: Configuration) -> None:
        """Switch off `trust_env` of aiohttp."""
        configuration.client_session_kwargs = {"trust_env": False}
