"""Calls that wait while their client is closed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from cstar_async import CStarClient, CStarError, Priority

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
    client = make_client(_clock=None, max_wait=1e9)
    limiter = client._executor.context.limiter
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
