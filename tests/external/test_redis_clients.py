"""Clients of several processes that share a rate limit through Redis."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer

from cstar_async import CStarClient, CStarError, Priority, RateLimitWaitError, RequestOptions
from cstar_async.redis import RedisRateLimiter
from tests.external.limiters import ENDS
from tests.external.redis_server import RedisServer

pytestmark = pytest.mark.external

CLOSE = "X-Test-Close"
"""The header of a request that gets the closing response."""


def window(remaining: int, *, ends: int = ENDS) -> dict[str, str]:
    """Return headers that state so many requests, of a thousand, until that time."""
    numbers = {"Limit": 1000, "Remaining": remaining, "Reset": ends, "Window": 3600}
    return {f"X-RateLimit-{name}": str(number) for name, number in numbers.items()}


class Api:
    """An API with slow responses, or none until they may be sent. A request that asks for it gets the closing response at once."""

    def __init__(self) -> None:
        self.received = 0
        self.has_received_ten = asyncio.Event()
        self.headers = window(900)
        self.closing = 200, window(0)
        self.may_respond = asyncio.Event()
        self.may_respond.set()
        application = web.Application()
        application.router.add_get("/api/v1/teams/team/tickets", self._respond)
        self.server = TestServer(application)

    async def _respond(self, request: web.Request) -> web.Response:
        self.received += 1
        if self.received == 10:
            self.has_received_ten.set()
        status, headers = self.closing
        if CLOSE not in request.headers:
            status, headers = 200, self.headers
            await asyncio.sleep(0.3)
            await self.may_respond.wait()
        return web.json_response({"success": True, "data": []}, status=status, headers=headers)


@pytest_asyncio.fixture
async def api() -> AsyncIterator[Api]:
    """A running API."""
    api = Api()
    await api.server.start_server()
    yield api
    api.may_respond.set()
    await api.server.close()


@pytest_asyncio.fixture
async def clients(api: Api, redis_server: RedisServer) -> AsyncIterator[list[CStarClient]]:
    """Two clients with five connections each, and a limiter each, which are two processes for Redis."""
    async with AsyncExitStack() as stack:
        made: list[CStarClient] = []
        for _ in range(2):
            limiter = await stack.enter_async_context(RedisRateLimiter(redis_server.url, name="main"))
            url = str(api.server.make_url("/")).rstrip("/")
            client = CStarClient(
                api_key="sk_test_a",
                team_id="team",
                base_url=url,
                rate_limiter=limiter,
                max_connections=5,
                max_retries=0,
                max_wait=7200,
            )
            made.append(await stack.enter_async_context(client))
        yield made


def start(client: CStarClient, count: int, **options: Any) -> list[asyncio.Task[Any]]:
    """Start so many calls."""
    return [asyncio.ensure_future(client.request("GET", "/tickets", options=RequestOptions(**options))) for _ in range(count)]


async def cancel(calls: list[asyncio.Task[Any]]) -> None:
    """Cancel calls."""
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)


@pytest.mark.parametrize("closing", [(200, None), (429, {"Retry-After": "3500"}), (429, {})])
async def test_calls_are_not_sent_into_a_window_that_another_process_found_closed(
    api: Api, clients: list[CStarClient], closing: tuple[int, dict[str, str] | None]
) -> None:
    """Sixty waited for it, have permits, and wait for five connections. Those on their way are sent, and a few that follow them."""
    one, other = clients
    api.headers = window(0, ends=int(time.time()) + 2)
    await one.request("GET", "/tickets")
    api.headers = window(900)
    calls = start(one, 60)
    await asyncio.wait_for(api.has_received_ten.wait(), 15)
    status, headers = closing
    # Its reset is that of the present window: a response with an earlier one would be a delayed one of the window before.
    api.closing, before = (status, {**api.headers, "X-RateLimit-Remaining": "0"} if headers is None else headers), api.received
    await asyncio.gather(*start(other, 1, headers={CLOSE: "1"}), return_exceptions=True)
    await asyncio.sleep(3)
    assert api.received - before <= 1 + 4 * 5
    await cancel(calls)


async def test_slow_background_calls_leave_connections_to_interactive_ones(api: Api, clients: list[CStarClient]) -> None:
    """Also in a process that has more of them than connections."""
    one, _ = clients
    await one.request("GET", "/tickets")
    api.may_respond.clear()
    calls = start(one, 30, priority=Priority.BACKGROUND)
    await asyncio.sleep(0.5)
    before = api.received
    interactive = start(one, 1)
    await asyncio.sleep(0.5)
    assert api.received == before + 1
    api.may_respond.set()
    await asyncio.gather(*interactive)
    await cancel(calls)


@pytest.mark.parametrize("is_available", [True, False], ids=["spent", "without Redis"])
async def test_waiting_calls_end_when_their_client_is_closed(
    api: Api, clients: list[CStarClient], redis_server: RedisServer, is_available: bool
) -> None:
    """At once, with an error that says why. Those of the other client continue to wait, or use its share."""
    one, other = clients
    api.headers = window(0)
    await one.request("GET", "/tickets")
    if not is_available:
        redis_server.kill()
    calls, others = start(one, 10), start(other, 10)
    await asyncio.sleep(0.5)
    assert not any(call.done() for call in calls)
    async with asyncio.timeout(5):
        await one.aclose()
        results: list[Any] = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(result, CStarError) and "this client is closed" in str(result) for result in results)
    assert sum(call.done() for call in others) < 10
    assert not any(call.done() and call.exception() for call in others)
    await cancel(others)


async def test_waiting_calls_write_one_warning(api: Api, clients: list[CStarClient], caplog: pytest.LogCaptureFixture) -> None:
    """With the number of those that begin to wait together. Later ones add none in the same window."""
    one, _ = clients
    api.headers = window(0)
    await one.request("GET", "/tickets")
    calls = start(one, 5)
    await asyncio.sleep(0.5)
    calls += start(one, 50)
    await asyncio.sleep(0.5)
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert ["waiting calls: 5"] == [warning.partition(",")[0] for warning in warnings]
    await cancel(calls)


@pytest.mark.parametrize("fault", ["hang", "death"])
async def test_calls_that_wait_without_redis_hold_no_connection(
    api: Api, redis_server: RedisServer, clients: list[CStarClient], fault: str
) -> None:
    """The window is spent. An interactive call finds that out at once, and does not wait for a connection."""
    one, _ = clients
    api.headers = window(0)
    await one.request("GET", "/tickets")
    if fault == "hang":
        redis_server.suspend()
    else:
        redis_server.kill()
    calls = start(one, 30, priority=Priority.BACKGROUND)
    await asyncio.sleep(2)
    with pytest.raises(RateLimitWaitError, match="the rate limit allows no request before"):
        await one.request("GET", "/tickets", options=RequestOptions(max_wait=0.2))
    if fault == "hang":
        redis_server.resume()
    await cancel(calls)
