"""A program that receives events: it reads deliveries from its input, and prints a line for each event that it handles.

Its settings are JSON on the command line. A delivery is a line, and so is the response to it.
"""

from __future__ import annotations

import asyncio
import json
import sys

from cstar_async.webhooks import RedisStore, WebhookEvent, WebhookInbox, sign


def write_line(text: str) -> None:
    """Print a line for the test, and flush it."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


async def receive(*, redis: str, lease: float, pause: float) -> None:
    """Handle events, each for *pause* seconds, until the end of the input."""
    inbox = WebhookInbox("whsec", store=RedisStore(redis, name="hooks", lease=lease))

    @inbox.on("*")
    async def handle(event: WebhookEvent) -> None:
        await asyncio.sleep(pause)
        write_line(f"handled {event.id}")

    async with inbox:
        write_line("ready")
        while line := await asyncio.to_thread(sys.stdin.readline):
            body = line.strip().encode()
            write_line(f"response {await inbox.receive(body, {'X-Signature': sign(body, 'whsec')})}")


if __name__ == "__main__":
    asyncio.run(receive(**json.loads(sys.argv[1])))
