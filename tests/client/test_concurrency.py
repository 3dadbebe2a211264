"""Many concurrent calls: their memory, and the connections that background calls leave."""

from __future__ import annotations

import asyncio
import tracemalloc

import pytest

from cstar_async import Priority

from .conftest import MakeClient, Server, held
from .test_cancellation import acquired


@pytest.mark.no_cover
async def test_ten_thousand_calls_at_once_wait_in_little_memory(server: Server, make_client: MakeClient) -> None:
    """A waiting call has a task and a future, but no request and no connection. Ten times as much would be a leak."""
    client, release = make_client(max_connections=100), asyncio.Event()
    server.default = held(release)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        calls = [asyncio.ensure_future(client.tickets.get("tkt_1")) for _ in range(10_000)]
        await server.seen(100)
        _, peak = tracemalloc.get_traced_memory()
        connections = server.connections
    finally:
        tracemalloc.stop()
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    assert ((peak - before) / 10_000 < 10_000, connections) == (True, 100)
    assert (0, 0) == acquired(client)


@pytest.mark.parametrize("connections", [2, 20, 100])
async def test_slow_background_calls_leave_connections_to_interactive_ones(
    server: Server, make_client: MakeClient, connections: int
) -> None:
    """Although more background calls than connections are in flight or wait, an interactive call is sent at once."""
    client, release = make_client(max_connections=connections), asyncio.Event()
    background = client.with_options(priority=Priority.BACKGROUND)
    server.default = held(release)
    calls = [asyncio.ensure_future(background.tickets.get("tkt_b")) for _ in range(connections + 5)]
    await server.seen(connections - max(1, connections // 10))
    reserved = [asyncio.ensure_future(client.tickets.get("tkt_i")) for _ in range(max(1, connections // 10))]
    async with asyncio.timeout(10):
        await server.seen(connections)
    assert len(reserved) == sum(request.path.endswith("tkt_i") for request in server.requests)
    release.set()
    await asyncio.gather(*calls, *reserved)
    assert connections == server.max_in_flight


async def test_a_single_connection_serves_both_priorities(server: Server, make_client: MakeClient) -> None:
    """With `max_connections=1` nothing is reserved: a background call is sent, and interactive ones come next."""
    client, release = make_client(max_connections=1), asyncio.Event()
    background = client.with_options(priority=Priority.BACKGROUND)
    server.script(held(release))
    calls = [
        asyncio.ensure_future(view.tickets.get(name)) for view, name in ((background, "b1"), (background, "b2"), (client, "i"))
    ]
    await server.seen(1)
    release.set()
    await asyncio.gather(*calls)
    assert ["b1", "i", "b2"] == [request.path.rpartition("/")[2] for request in server.requests]
