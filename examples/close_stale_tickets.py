"""Close tickets that have waited for their customer too long, and say so in each of them.

    CSTAR_API_KEY=sk_… python examples/close_stale_tickets.py 14

Run it as often as you like: each ticket gets the note once, for the idempotency key is made of the ticket and what is done to it.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime, timedelta

from cstar_async import CStarClient, Priority, idempotency_key
from cstar_async.models import Ticket, TicketStatus

NOTE = "We have not heard from you for a while, so we close this ticket. Just answer to open it again."


async def close_stale_tickets(cstar: CStarClient, *, days: int, now: datetime) -> list[Ticket]:
    """Close what has been pending without a change for some days, and return those tickets."""
    quiet = cstar.with_options(priority=Priority.BACKGROUND)
    before = now - timedelta(days=days)
    # The walk is finished first: closing while it goes on would move the rows under its feet.
    stale = [ticket async for ticket in quiet.tickets.list(status="pending") if (ticket.updated_at or ticket.created_at) < before]
    for ticket in stale:
        await quiet.tickets.messages.create(
            ticket.id, content=NOTE, sender="system", idempotency_key=idempotency_key("close-stale", ticket.id, "note")
        )
        await quiet.tickets.update(
            ticket.id, status=TicketStatus.CLOSED, idempotency_key=idempotency_key("close-stale", ticket.id, "close")
        )
    return stale


async def main() -> None:
    """Do it for the team of the key in the environment."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    async with CStarClient.from_env() as cstar:
        closed = await close_stale_tickets(cstar, days=int(sys.argv[1]), now=datetime.now(UTC))
    print(f"{len(closed)} tickets closed")


if __name__ == "__main__":
    asyncio.run(main())
