"""One receiver of a fleet: reads deliveries from its standard input, and writes a line for each event that it handles.

A program of its own: its settings are JSON on the command line; a delivery is a line, and so is the answer to it.
"""

from __future__ import annotations

import asyncio
import json
import sys

from cstar_async.webhooks import RedisStore, WebhookEvent, WebhookInbox, sign


def say(word: str) -> None:
    """A line for the test, whole and at once."""
    sys.stdout.write(word + "\n")
    sys.stdout.flush()


async def receive(*, redis: str, lease: float, pause: float) -> None:
    """Handle events, each for a while, until there is no more input."""
    inbox = WebhookInbox("whsec", store=RedisStore(redis, name="hooks", lease=lease))

    @inbox.on("*")
    async def handle(event: WebhookEvent) -> None:
        await asyncio.sleep(pause)
        say(f"handled {event.id}")

    async with inbox:
        say("ready")
        while line := await asyncio.to_thread(sys.stdin.readline):
            body = line.strip().encode()
            say(f"answered {await inbox.receive(body, {'X-Signature': sign(body, 'whsec')})}")


if __name__ == "__main__":
    asyncio.run(receive(**json.loads(sys.argv[1])))
