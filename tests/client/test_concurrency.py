"""Memory of thousands of calls that wait for a slot."""

from __future__ import annotations

import asyncio
import tracemalloc

import pytest

from .conftest import MakeClient, Server, held
from .test_waiting import acquired


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
        _, most = tracemalloc.get_traced_memory()
        connections = server.connections
    finally:
        tracemalloc.stop()
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    assert ((most - before) / 10_000 < 10_000, connections) == (True, 100)
    assert (0, 0) == acquired(client)
