"""Receivers of webhooks, in their own process, so that only they are measured.

`/bare` reads the body, and `/checked` also verifies the signature and parses the JSON, as a careful handler must. `/memory` and
`/file` are inboxes. `GET /cpu` waits until they are idle, and returns the CPU seconds of the process.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import sys
import tempfile
import time
from pathlib import Path

import orjson
from aiohttp import web

from cstar_async.webhooks import EventStore, MemoryStore, SqliteStore, WebhookEvent, WebhookInbox

SECRET = "whsec_bench"
TICKET = (
    '{"id":"evt_%d","type":"ticket.created","created_at":"2026-03-27T03:43:30.044Z","team_id":"3f2b8c1e-6d4a-4e0b-9a77-5c1d2e3f4a5b",'
    '"data":{"ticket":{"id":"tkt_%d","title":"Cannot log in","status":"new","priority":"urgent","channel":"api"}}}'
)


async def bare(request: web.Request) -> web.Response:
    """Read the body."""
    await request.read()
    return web.Response()


async def checked(request: web.Request) -> web.Response:
    """Verify the signature and parse the event."""
    body = await request.read()
    parts = dict(part.split("=", 1) for part in request.headers["X-Signature"].split(","))
    signature = hmac.new(SECRET.encode(), parts["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(signature, parts["v1"]) or abs(time.time() - int(parts["t"])) > 300:
        return web.Response(status=401)
    orjson.loads(body)
    return web.Response()


def inbox_with(store: EventStore) -> WebhookInbox:
    """Create an inbox with a handler that does nothing."""
    inbox = WebhookInbox(SECRET, store=store)

    @inbox.on("*")
    async def handle(event: WebhookEvent) -> None:
        pass

    return inbox


async def main() -> None:
    """Print the port, and serve until the process is terminated."""
    with tempfile.TemporaryDirectory() as folder:
        inboxes = {"memory": inbox_with(MemoryStore()), "file": inbox_with(SqliteStore(Path(folder) / "events.db"))}

        async def cpu(_: web.Request) -> web.Response:
            for inbox in inboxes.values():
                await inbox.wait_until_idle()
            return web.Response(text=str(time.process_time()))

        application = web.Application()
        application.router.add_get("/cpu", cpu)
        application.router.add_post("/bare", bare)
        application.router.add_post("/checked", checked)
        for name, inbox in inboxes.items():
            application.router.add_post(f"/{name}", inbox.aiohttp_handler)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        sys.stdout.write(f"{runner.addresses[0][1]}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
