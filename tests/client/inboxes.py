"""Inboxes, deliveries and stores for the tests of `WebhookInbox`."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from cstar_async.testing.clock import FakeClock
from cstar_async.webhooks import MemoryStore, StoredEvent, WebhookInbox, sign

SECRET = "whsec_inbox"


def body_of(number: int, event_type: str = "ticket.created", about: str = "tkt_1", **more: object) -> bytes:
    """Return the body of an event about an object."""
    data = {event_type.partition(".")[0]: {"id": about}}
    return json.dumps({"id": f"evt_{number}", "type": event_type, "data": data, **more}).encode()


def inbox_of(**settings: Any) -> WebhookInbox:
    """Return an inbox whose clock skips every wait."""
    return WebhookInbox(SECRET, _clock=FakeClock(autojump=True), tolerance=None, **settings)


async def deliver(inbox: WebhookInbox, *bodies: bytes) -> list[int]:
    """Deliver signed bodies in order and return the statuses."""
    return [await inbox.receive(body, {"X-Signature": sign(body, SECRET)}) for body in bodies]


@asynccontextmanager
async def serve_inbox(inbox: WebhookInbox, *middlewares: Any) -> AsyncIterator[Callable[..., Awaitable[int]]]:
    """Serve an inbox with aiohttp. The value sends a body to it and returns the status."""
    application = web.Application(middlewares=middlewares)
    application.router.add_post("/hooks", inbox.aiohttp_handler)
    async with TestServer(application) as server, aiohttp.ClientSession() as session:

        async def post(body: bytes, signature: str | None = None) -> int:
            headers = {"x-signature": sign(body, SECRET) if signature is None else signature}
            async with session.post(server.make_url("/hooks"), data=io.BytesIO(body), headers=headers) as response:
                return response.status

        yield post


async def kill(inbox: WebhookInbox) -> None:
    """End an inbox as the death of its process does: its tasks end, and it writes nothing more."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await inbox._store.aclose()


async def pass_time(clock: FakeClock, seconds: float) -> None:
    """Advance a clock, and let tasks run before and after that."""
    for _ in range(10):
        await asyncio.sleep(0)
    clock.advance(seconds)
    for _ in range(10):
        await asyncio.sleep(0)


class BrokenStore(MemoryStore):
    """A store whose methods named in `broken` fail, and whose `add` waits while `unblocked` is not set."""

    def __init__(self) -> None:
        super().__init__()
        self.broken: set[str] = set()
        self.unblocked = asyncio.Event()
        self.unblocked.set()

    async def add(self, event_id: str, body: bytes) -> bool:
        """Wait, and perhaps fail."""
        await self.unblocked.wait()
        if "add" in self.broken:
            raise OSError("disk full: Jane Doe")
        return await super().add(event_id, body)

    async def mark_done(self, event_id: str) -> None:
        """Perhaps fail."""
        if "mark_done" in self.broken:
            raise OSError("Jane Doe")
        await super().mark_done(event_id)

    async def mark_dead(self, event_id: str, error: str) -> None:
        """Perhaps fail."""
        if "mark_dead" in self.broken:
            raise OSError("Jane Doe")
        await super().mark_dead(event_id, error)

    async def record_attempts(self, event_id: str, attempts: int) -> bool:
        """Perhaps fail."""
        if "record_attempts" in self.broken:
            raise OSError("Jane Doe")
        return await super().record_attempts(event_id, attempts)

    async def claim_pending(self) -> list[StoredEvent]:
        """Perhaps fail."""
        if "claim_pending" in self.broken:
            raise OSError("Jane Doe")
        return await super().claim_pending()


class SharedStore(BrokenStore):
    """A store that other receivers use, too. A test puts their events into `abandoned`."""

    def __init__(self) -> None:
        super().__init__()
        self.abandoned: list[StoredEvent] = []

    @property
    def lease_interval(self) -> float:
        """20 seconds."""
        return 20.0

    async def claim_pending(self) -> list[StoredEvent]:
        """Return the events of other receivers, or fail."""
        await super().claim_pending()
        abandoned, self.abandoned = self.abandoned, []
        return abandoned

    async def abandon(self, body: bytes, *, attempts: int = 0) -> None:
        """Store an event as a receiver does that dies."""
        event_id = json.loads(body)["id"]
        await self.add(event_id, body)
        self.abandoned.append(StoredEvent(id=event_id, body=body, attempts=attempts, since=datetime.now(UTC)))
