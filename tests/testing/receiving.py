"""A webhook receiver on loopback that keeps requests and responds as configured."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from cstar_async.testing import FakeCStar
from cstar_async.webhooks import WebhookEvent, construct_event


class Receiver:
    """Receives deliveries; `statuses` has the statuses, the last of which repeats."""

    def __init__(self) -> None:
        self.requests: list[web.Request] = []
        self.bodies: list[bytes] = []
        self.statuses: list[int] = [200]
        self.has_come = asyncio.Event()
        self.coming = asyncio.Semaphore(0)
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        application = web.Application()
        application.router.add_post("/hook", self._take)
        self.server = TestServer(application)

    async def _take(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.read())
        self.requests.append(request)
        self.has_come.set()
        self.coming.release()
        await self.may_answer.wait()
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        return web.Response(status=status, headers={"Location": "/elsewhere"} if 300 <= status < 400 else {})

    @property
    def url(self) -> str:
        """The URL of the webhook."""
        return str(self.server.make_url("/hook"))

    def events(self, secret: str, fake: FakeCStar) -> list[WebhookEvent]:
        """Return the received events, with verified signatures."""
        return [
            construct_event(body, request.headers["X-Signature"], secret, now=fake.clock.time())
            for body, request in zip(self.bodies, self.requests, strict=True)
        ]

    @property
    def types(self) -> list[Any]:
        """The received event types."""
        return [request.headers["X-Event-Type"] for request in self.requests]


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """Start a receiver."""
    receiver = Receiver()
    async with receiver.server:
        try:
            yield receiver
        finally:
            receiver.may_answer.set()
