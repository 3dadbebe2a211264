"""An inbox in a module, as ASGI servers and gunicorn import it; `test_servers.py` runs them.

Every line in the log file is an event that a handler has started or finished. Handlers finish only when the inbox closes.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import web

from cstar_async.webhooks import SqliteStore, WebhookEvent, WebhookInbox
from tests.client.inboxes import SECRET

LOG = Path(os.environ["INBOX_LOG"])
inbox = WebhookInbox(SECRET, store=SqliteStore(os.environ["INBOX_DATABASE"]), shutdown_timeout=20)
application = inbox.asgi_app  # gunicorn needs the name of a variable


@inbox.on("*")
async def handle(event: WebhookEvent) -> None:
    """Handle an event until the inbox closes."""
    record(f"started {event.id}")
    while not inbox._closing:  # noqa: ASYNC110  # nothing notifies a handler
        await asyncio.sleep(0.01)
    record(f"finished {event.id}")


def record(line: str) -> None:
    """Append a line to the log file."""
    with LOG.open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")


async def run_inbox(_: web.Application) -> AsyncIterator[None]:
    """Start and close the inbox with an aiohttp application."""
    async with inbox:
        yield


async def aiohttp_application() -> web.Application:
    """Return an aiohttp application with the inbox as its handler."""
    created = web.Application()
    created.router.add_post("/", inbox.aiohttp_handler)
    created.cleanup_ctx.append(run_inbox)
    return created
