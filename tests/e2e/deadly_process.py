"""A bot whose handler kills its process at one event. It prints the other events that it handles, and ends when it is idle."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from cstar_async.webhooks import SqliteStore, WebhookEvent, WebhookInbox, sign

SECRET = "whsec_test"


async def main(path: str, *bodies: str) -> None:
    """Receive the bodies, and handle all events of the file."""
    async with WebhookInbox(SECRET, store=SqliteStore(path), max_attempts=2) as inbox:
        for body in bodies:
            await inbox.receive(body.encode(), {"X-Signature": sign(body.encode(), SECRET)})

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            if event.id == "evt_deadly":
                os.kill(os.getpid(), signal.SIGKILL)
            sys.stdout.write(f"{event.id}\n")
            sys.stdout.flush()

        await inbox.wait_until_idle()
        for letter in await inbox.dead_letters():
            sys.stdout.write(f"dead: {letter.id}\n")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
