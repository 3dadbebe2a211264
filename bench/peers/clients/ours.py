"""This package."""

from __future__ import annotations

from collections.abc import Callable

from bench.peers.clients.base import BODY, EVENT, KEY, SECRET, TEAM, Client, hmac_header, ticket_id
from cstar_async import CStarClient

AHEAD = 8


class Ours(Client):
    """`CStarClient` with its defaults."""

    def __init__(self, url: str) -> None:
        self.cstar = CStarClient(api_key=KEY, team_id=TEAM, base_url=url)

    async def close(self) -> None:
        """Close all connections."""
        await self.cstar.aclose()

    async def get(self, number: int) -> object:
        """Get a ticket."""
        return await self.cstar.tickets.get(ticket_id(number))

    async def post(self) -> object:
        """Create a ticket; the client makes the idempotency key."""
        return await self.cstar.tickets.create(title=BODY["title"], priority=BODY["priority"], customer_id=BODY["customerId"])

    async def page(self, number: int) -> object:
        """Get a page of tickets."""
        return await self.cstar.tickets.list(page=number, page_size=100)

    async def rows(self) -> int:
        """Read all pages, eight of them ahead."""
        count = 0
        async for _ in self.cstar.tickets.list().prefetch(AHEAD):
            count += 1
        return count

    def verifier(self) -> Callable[[], object]:
        """Verify and parse a delivery."""
        from cstar_async.webhooks import construct_event

        header = hmac_header(EVENT)
        return lambda: construct_event(EVENT, header, SECRET)
