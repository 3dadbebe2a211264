"""A client with the Redis rate limiter: windows that close while calls wait for a connection."""

from __future__ import annotations

import asyncio
import math
import time
from typing import Any

import pytest

from cstar_async import CStarClient, Priority, RateLimitWaitError
from cstar_async.redis import RedisRateLimiter
from tests.client.conftest import KEY, TICKET, ScriptedResponse, Server, failed, held, ok, serving
from tests.external.redis_server import RedisServer

pytestmark = pytest.mark.external

CALLS, CONNECTIONS = 40, 4
CLOSINGS = {
    "429": lambda: failed(429, headers={"Retry-After": "3500"}),
    "429 with the wait in its body": lambda: failed(429, retryAfter=3500),
    "nothing remains": lambda: stating(0, 3600),
}


def stating(remaining: int, reset_in: float) -> ScriptedResponse:
    """Return a success that states the rate limit."""
    values = {"Limit": 1000, "Remaining": remaining, "Reset": math.ceil(time.time() + reset_in), "Window": 3600}
    return ok(TICKET, headers={f"X-RateLimit-{name}": str(value) for name, value in values.items()})


def client_of(server: Server, limiter: RedisRateLimiter, **options: Any) -> CStarClient:
    """Return a client of the scripted server."""
    settings: dict[str, Any] = {"max_connections": CONNECTIONS, "max_retries": 0, "max_wait": 20.0, **options}
    return CStarClient(api_key=KEY, team_id="team_1", base_url=server.url, rate_limiter=limiter, **settings)


@pytest.mark.parametrize("closing", CLOSINGS)
async def test_calls_that_waited_are_not_sent_into_a_window_that_closed(redis_server: RedisServer, closing: str) -> None:
    """Only those that were under way with the response which closed it, and those that took a connection before it."""
    async with (
        serving() as server,
        RedisRateLimiter(redis_server.url, name="main") as limiter,
        client_of(server, limiter) as client,
    ):
        server.script(stating(0, 1))
        await client.tickets.get("tkt_1")
        calls = [asyncio.ensure_future(client.tickets.get("tkt_1")) for _ in range(CALLS)]
        server.script(stating(900, 3600), CLOSINGS[closing]())
        server.default = stating(900, 3600)
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert len(server.requests) <= 2 + 2 * CONNECTIONS
        assert sum(isinstance(result, RateLimitWaitError) for result in results) >= CALLS - 1 - 2 * CONNECTIONS
        assert (CONNECTIONS, 0) == (client._executor.context.semaphore.free, limiter._window.in_flight)


async def test_background_calls_that_wait_for_the_window_leave_the_connections(redis_server: RedisServer) -> None:
    """Interactive calls use all of them meanwhile."""
    async with (
        serving() as server,
        RedisRateLimiter(redis_server.url, name="main") as limiter,
        client_of(server, limiter, max_wait=None) as client,
    ):
        server.script(stating(50, 3600))
        await client.tickets.get("tkt_1")
        background = client.with_options(priority=Priority.BACKGROUND)
        calls = [asyncio.ensure_future(background.tickets.get("tkt_b")) for _ in range(CALLS)]
        await asyncio.sleep(0.1)
        release = asyncio.Event()
        server.default = held(release)
        calls += [asyncio.ensure_future(client.tickets.get("tkt_i")) for _ in range(CONNECTIONS)]
        async with asyncio.timeout(10):
            await server.seen(1 + CONNECTIONS)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        assert (CONNECTIONS, 0) == (client._executor.context.semaphore.free, limiter._window.in_flight)


async def test_calls_that_wait_for_the_fallback_hold_no_connection(redis_server: RedisServer) -> None:
    """Without Redis, the first call of the share finds out what is left, and the others wait in the limiter."""
    async with (
        serving() as server,
        RedisRateLimiter(redis_server.url, name="main", timeout=0.2) as limiter,
        client_of(server, limiter, max_wait=None) as client,
    ):
        server.script(stating(900, 3600))
        await client.tickets.get("tkt_1")
        redis_server.kill()
        server.default = held(asyncio.Event())
        calls = [asyncio.ensure_future(client.tickets.get("tkt_1")) for _ in range(CALLS)]
        await server.seen(2)
        async with asyncio.timeout(20):
            while len(limiter._queue) < CALLS - 1:  # noqa: ASYNC110  # they have no event for it
                await asyncio.sleep(0.01)
        assert CONNECTIONS - 1 == client._executor.context.semaphore.free
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
