"""A server of event streams whose responses a test scripts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from cstar_async import CStarClient
from cstar_async.testing.clock import FakeClock
from cstar_async.webhooks import EventStream

Responder = Callable[[web.Request], Awaitable[web.StreamResponse]]
CONTENT_TYPE = "text/event-stream; charset=utf-8"


def message(number: int, event_type: str = "ticket.created", about: str = "tkt_1") -> bytes:
    """Return a message of a stream with an event."""
    wire = {"id": f"evt_{number}", "type": event_type, "data": {event_type.partition(".")[0]: {"id": about}}}
    return f"id: evt_{number}\nevent: {event_type}\ndata: {json.dumps(wire)}\n\n".encode()


class EventServer:
    """Responds to each connection with the next responder of the script, and repeats the last one."""

    def __init__(self, script: list[Responder]) -> None:
        self.script = script
        self.requests: list[web.Request] = []
        self.clock = FakeClock(autojump=True)
        application = web.Application()
        application.router.add_get("/api/v1/teams/team/webhooks/listen", self._respond)
        self.server = TestServer(application)

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        return await (self.script.pop(0) if len(self.script) > 1 else self.script[0])(request)

    def client(self, **settings: Any) -> CStarClient:
        """Return a client of the server."""
        defaults: dict[str, Any] = {
            "api_key": "sk_test_x",
            "team_id": "team",
            "base_url": str(self.server.make_url("")),
            "_clock": self.clock,
            "max_retries": 0,
        }
        return CStarClient(**{**defaults, **settings})


def sending(
    *chunks: bytes, then: str = "hang", headers: dict[str, str] | None = None, content_type: str = CONTENT_TYPE
) -> Responder:
    """Send chunks; then hang, end or break the connection."""

    async def respond(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": content_type, **(headers or {})})
        await response.prepare(request)
        for chunk in chunks:
            await response.write(chunk)
        if then == "hang":
            await asyncio.Event().wait()
        if then == "break" and request.transport is not None:
            request.transport.abort()
        return response

    return respond


def failing(status: int, **headers: str) -> Responder:
    """Send an error response."""

    async def respond(request: web.Request) -> web.StreamResponse:
        return web.json_response({"error": {"message": "no"}}, status=status, headers=headers)

    return respond


@asynccontextmanager
async def serve_events(*script: Responder) -> AsyncIterator[EventServer]:
    """Run a server with a script."""
    server = EventServer(list(script))
    async with server.server:
        yield server


async def next_ids(stream: EventStream, count: int) -> list[str]:
    """Return the ids of the next events."""
    return [(await anext(stream)).id for _ in range(count)]
