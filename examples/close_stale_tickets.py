"""Close tickets whose customer has not replied for some days, and leave a note in each.

    CSTAR_API_KEY=sk_… python examples/close_stale_tickets.py 14

It is safe to run again: each ticket gets the note once, because the idempotency key is derived from the ticket and the action.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime, timedelta

from cstar_async import CStarClient, CStarError, Priority, idempotency_key
from cstar_async.models import Ticket, TicketStatus

NOTE = "There was no reply for a while, so we close this ticket. Reply to open it again."


async def close_stale_tickets(cstar: CStarClient, *, days: int, now: datetime) -> list[Ticket]:
    """Close the tickets that have been pending without a change for *days* days, and return them."""
    quiet = cstar.with_options(priority=Priority.BACKGROUND)
    before = now - timedelta(days=days)
    # Finish the iteration first: closing tickets during it would move the remaining ones.
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
    """Run the script for the team of the key in the environment."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    async with CStarClient.from_env() as cstar:
        closed = await close_stale_tickets(cstar, days=int(sys.argv[1]), now=datetime.now(UTC))
    print(f"{len(closed)} tickets closed")


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except (CStarError, OSError, ValueError) as error:
        sys.exit(str(error))
