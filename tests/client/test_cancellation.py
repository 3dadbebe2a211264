"""Cancelling a call, in whatever it waits for, loses no slot and no permit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from cstar_async import CStarClient, Priority, RateLimiter
from cstar_async.testing.clock import FakeClock

from .conftest import TICKET, MakeClient, ScriptedResponse, Server, failed, held, ok
from .test_waiting import limits

HALF = b'HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{"data": {'


def acquired(client: CStarClient) -> tuple[int, int]:
    """Return the numbers of slots and permits that calls hold."""
    context = client._executor.context
    assert isinstance(context.limiter, RateLimiter)
    return 100 - context.semaphore.free, context.limiter._window.in_flight


async def _cancelled(call: Awaitable[object], when: Callable[[], Awaitable[object]]) -> bool:
    task = asyncio.ensure_future(call)
    await when()
    await asyncio.sleep(0.02)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        return True
    return False


@pytest.mark.parametrize(
    "response", [held(asyncio.Event()), ScriptedResponse((HALF, asyncio.Event()))], ids=["while sending", "while reading"]
)
async def test_cancelling_a_request_releases_everything(server: Server, client: CStarClient, response: ScriptedResponse) -> None:
    """CancelledError is raised, slot and permit are released, nothing is sent again, and the next call works."""
    server.script(response)
    assert await _cancelled(client.tickets.get("tkt_1"), lambda: server.seen(1))
    assert ((0, 0), 1) == (acquired(client), len(server.requests))
    assert "tkt_1" == (await client.tickets.get("tkt_1")).id


async def test_cancelling_a_back_off_releases_everything(server: Server, make_client: MakeClient) -> None:
    """A call cancelled while it backs off holds nothing and is not sent again."""
    fake = FakeClock(frozen=True)
    client = make_client(_clock=fake)
    server.script(failed(503, headers={"Retry-After": "5"}))
    assert await _cancelled(client.tickets.get("tkt_1"), fake.wait_for_sleepers)
    assert ((0, 0), 1, 0) == (acquired(client), len(server.requests), fake.sleeper_count)
    assert "tkt_1" == (await client.tickets.get("tkt_1")).id


async def test_cancelling_a_wait_for_a_permit_releases_everything(server: Server, make_client: MakeClient) -> None:
    """A call cancelled while it waits for the window holds nothing, and the next call is sent."""
    fake = FakeClock(frozen=True)
    client = make_client(_clock=fake, max_wait=500.0)
    server.script(ok(TICKET, headers=limits(0, fake, reset=100)))
    await client.tickets.get("tkt_1")
    assert await _cancelled(client.tickets.get("tkt_2"), fake.wait_for_sleepers)
    assert ((0, 0), 1, 0) == (acquired(client), len(server.requests), fake.sleeper_count)
    fake.advance(200)
    assert "tkt_1" == (await client.tickets.get("tkt_3")).id


async def test_cancelling_a_wait_for_a_slot_releases_everything(server: Server, make_client: MakeClient) -> None:
    """A call cancelled while it waits for a slot leaves the slot to the next one."""
    client, release = make_client(max_connections=1), asyncio.Event()
    server.script(held(release))
    first = asyncio.ensure_future(client.tickets.get("tkt_1"))
    await server.seen(1)
    second = asyncio.ensure_future(client.tickets.get("tkt_2"))
    third = asyncio.ensure_future(client.tickets.get("tkt_3"))
    await asyncio.sleep(0)
    second.cancel()
    release.set()
    await asyncio.gather(first, third)
    assert second.cancelled()
    assert (["tkt_1", "tkt_3"], 1) == (
        [request.path.rpartition("/")[2] for request in server.requests],
        client._executor.context.semaphore.free,
    )


async def test_cancelling_a_call_that_just_got_a_slot_does_not_lose_it(server: Server, make_client: MakeClient) -> None:
    """A call cancelled in the turn in which it got its slot passes it on."""
    client = make_client(max_connections=1)
    semaphore = client._executor.context.semaphore
    assert semaphore.try_acquire(Priority.INTERACTIVE)
    waiting = asyncio.ensure_future(client.tickets.get("tkt_1"))
    await asyncio.sleep(0)
    semaphore.release(Priority.INTERACTIVE)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert (1, []) == (semaphore.free, server.requests)
