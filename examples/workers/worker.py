"""A worker that welcomes each new ticket. Any number of workers share the rate limit and the events through Redis.

    docker compose -f examples/workers/compose.yaml up --build
    CSTAR_API_KEY=sk_… REDIS_URL=redis://… python examples/workers/worker.py

The second command needs this package with the extra `redis`, and a Redis.
Every worker gets every event of the stream. The store in Redis gives each event to one of them, and to another one if that worker
dies. Ctrl-C or SIGTERM ends a worker after the events in progress.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys

from cstar_async import CStarClient, CStarError, Priority, idempotency_key
from cstar_async.redis import RedisRateLimiter, RedisStore
from cstar_async.webhooks import TicketCreated, WebhookInbox

NAME = "workers"
"""Workers with the same name share one limit and one store."""
WELCOME = "Thank you, we have received your message."


def connect(inbox: WebhookInbox, cstar: CStarClient) -> None:
    """Welcome each new ticket."""

    @inbox.on(TicketCreated)
    async def welcome(event: TicketCreated) -> None:
        ticket = event.data.ticket
        if ticket is not None:
            key = idempotency_key(NAME, event.id)  # a second attempt, by any worker, sends no second message
            await cstar.tickets.messages.create(ticket.id, content=WELCOME, sender="agent", idempotency_key=key)


async def main() -> None:
    """Handle events until SIGINT or SIGTERM."""
    redis_url = os.environ.get("REDIS_URL", "redis://localhost:6379")
    workers = int(os.environ.get("WORKERS", "1"))
    async with RedisRateLimiter(redis_url, name=NAME, expected_processes=workers) as limiter:
        await limiter.ping()  # a wrong URL ends the worker here
        async with CStarClient.from_env(rate_limiter=limiter, priority=Priority.BACKGROUND) as cstar:
            inbox = WebhookInbox((), store=RedisStore(redis_url, name=NAME))
            connect(inbox, cstar)
            async with inbox:
                running = asyncio.ensure_future(inbox.run(cstar.events("ticket.created")))
                for number in (signal.SIGINT, signal.SIGTERM):
                    asyncio.get_running_loop().add_signal_handler(number, running.cancel)
                await asyncio.wait([running])
                if not running.cancelled():
                    running.result()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    try:
        asyncio.run(main())
    except CStarError as error:
        sys.exit(error.report())
