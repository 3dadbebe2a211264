"""Many calls that wait: their warning in the log, and their end when the client is closed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest

from cstar_async import CStarClient, CStarError, Priority, RateLimiter
from cstar_async.testing.clock import FakeClock

from .conftest import TICKET, MakeClient, ScriptedResponse, Server, failed, held, ok


def _spent() -> ScriptedResponse:
    return ok(TICKET, headers={"X-RateLimit-Limit": "1000", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "9999999999"})


SCRIPTS: dict[str, Callable[[], list[ScriptedResponse]]] = {
    "rate limit": lambda: [_spent()],
    "slot": lambda: [ok(TICKET), held(asyncio.Event())],
    "back-off": lambda: [ok(TICKET), *(failed(503, headers={"Retry-After": "3000"}) for _ in range(20))],
    "429": lambda: [ok(TICKET), *(failed(429, headers={"Retry-After": "3000"}) for _ in range(20))],
}


@pytest.mark.parametrize("reason", SCRIPTS)
@pytest.mark.parametrize("priority", list(Priority))
async def test_waiting_calls_end_when_the_client_is_closed(
    server: Server, make_client: MakeClient, reason: str, priority: Priority
) -> None:
    """Whatever they wait for, they end at once with an error that says why."""
    client = make_client(_clock=None, max_wait=7200.0, max_connections=1, retry_budget=None, priority=priority)
    server.script(*SCRIPTS[reason]())
    await client.tickets.get("tkt_1")
    calls = [asyncio.ensure_future(client.tickets.get("tkt_1")) for _ in range(10)]
    await asyncio.sleep(0.05)
    assert not any(call.done() for call in calls)
    await client.aclose()
    async with asyncio.timeout(2):
        results: list[Any] = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(result, CStarError) for result in results)
    # With a limit of one, one call may have been in flight: its connection broke.
    assert sum("this client is closed" in str(result) for result in results) >= 9
    await client.aclose()


async def test_cancelled_and_other_clients_calls_are_left_alone(server: Server, make_client: MakeClient) -> None:
    """A cancellation stays one, and a client that shares the limiter waits on."""
    limiter = RateLimiter()
    client = make_client(_clock=None, max_wait=1e9, rate_limiter=limiter)
    other: CStarClient = make_client(_clock=None, max_wait=1e9, rate_limiter=limiter)
    server.script(_spent())
    await client.tickets.get("tkt_1")
    cancelled = asyncio.ensure_future(client.tickets.get("tkt_1"))
    waiting = asyncio.ensure_future(other.tickets.get("tkt_1"))
    await asyncio.sleep(0.02)
    cancelled.cancel()
    await client.aclose()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    assert not waiting.done()
    await other.aclose()
    with pytest.raises(CStarError, match="this client is closed"):
        await waiting


async def test_many_waiting_calls_write_one_warning_a_window(
    server: Server, make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    """The warning counts the calls that start to wait together. Later calls of the window add none, the next window does."""
    clock = FakeClock()
    client = make_client(_clock=clock, max_wait=7200.0)
    server.default = ok(TICKET, headers=_limits(clock, 0))
    await client.tickets.get("tkt_1")
    for count in (50, 10):
        calls = [asyncio.ensure_future(client.tickets.get("tkt_1")) for _ in range(count)]
        await asyncio.sleep(0.05)
        late = asyncio.ensure_future(client.tickets.get("tkt_1"))
        await asyncio.sleep(0.02)
        warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
        assert [f"waiting calls: {count}"] == [warning.partition(",")[0] for warning in warnings]
        caplog.clear()
        for call in (*calls, late):
            call.cancel()
        await asyncio.gather(*calls, late, return_exceptions=True)
        clock.advance(601)
        server.default = ok(TICKET, headers=_limits(clock, 0))
        await client.tickets.get("tkt_1")


def _limits(clock: FakeClock, remaining: int) -> dict[str, str]:
    reset = str(int(clock.time()) + 600)
    return {"X-RateLimit-Limit": "1000", "X-RateLimit-Remaining": str(remaining), "X-RateLimit-Reset": reset}
