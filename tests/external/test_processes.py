"""Processes that share a key, with a real Redis and a strict server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio

from tests.external.process_group import PROCESSES, ProcessGroup
from tests.external.redis_server import RedisServer
from tests.external.strict_server import StrictServer

pytestmark = pytest.mark.external


@pytest_asyncio.fixture
async def group(redis_server: RedisServer, server: StrictServer) -> AsyncIterator[ProcessGroup]:
    """A group without processes."""
    group = ProcessGroup(redis_server, server)
    yield group
    await group.kill()


@pytest_asyncio.fixture
async def server() -> AsyncIterator[StrictServer]:
    """A server with a limit of 200 requests in four seconds."""
    async with StrictServer(limit=200, window=4) as server:
        yield server


@pytest_asyncio.fixture
async def slow() -> AsyncIterator[StrictServer]:
    """The same limit, with responses after 0.2 s: 32 concurrent requests need a third of a window to use it."""
    async with StrictServer(limit=200, window=4, slowness=9) as server:
        yield server


async def test_processes_use_the_limit_and_are_never_refused(group: ProcessGroup, server: StrictServer) -> None:
    """Eight processes use at least 95 % of every window, and each of them is served."""
    await group.add(*[4] * PROCESSES)
    await group.run(windows=5)
    results = await group.result()
    used = group.used()
    assert 0 == server.refused.total()
    assert all(calls >= 0.95 * server.limit for calls in used)
    assert all(result["sent"] > 0.5 * sum(used) / PROCESSES for result in results)


async def test_few_requests_are_served_beside_many(group: ProcessGroup, server: StrictServer) -> None:
    """A process with 1,000 waiting requests, five windows of them, does not delay those with two until they are served.

    Not checked: the first window, which may be used before all have started; and one other, which a busy machine may delay.
    """
    await group.add(1000, 2, 2, 2)
    await group.run(windows=5)
    await group.result()
    many, *few = (group.used(process)[1:] for process in group.processes)
    assert 0 == server.refused.total()
    assert all(calls > 100 for calls in many)
    assert all(sum(calls > 0 for calls in process) >= 3 for process in few), few


async def test_background_processes_leave_the_reserve(group: ProcessGroup, server: StrictServer) -> None:
    """Of every window."""
    await group.add(4, 4, background=True)
    await group.run(windows=2)
    await group.result()
    assert all(170 <= calls <= 180 for calls in group.used())


async def test_other_processes_use_the_limit_of_a_killed_one(group: ProcessGroup, server: StrictServer) -> None:
    """Its permits count as used until a later response. The others use the following windows in full."""
    await group.add(*[4] * 4)
    await group.run(windows=4)
    await asyncio.sleep(0.2)
    group.processes[0].kill()
    results = await group.result()
    assert 0 == server.refused.total()
    assert all(calls >= 0.95 * server.limit for calls in group.used())
    assert all(result["sent"] > 100 for result in results[1:])


@pytest.mark.parametrize("fraction", [0.1, 0.25, 0.5])
@pytest.mark.parametrize("redis_server", [(), ("--appendonly", "yes")], ids=["in memory", "append-only file"], indirect=True)
async def test_restart_of_redis_causes_no_refusal(fraction: float, redis_server: RedisServer, slow: StrictServer) -> None:
    """Near the start, the middle and the end of the use of a window, whether the shared state is lost or not.

    Each process uses its fallback until Redis is available and all processes have reported their state.
    """
    async with group_of(redis_server, slow) as group:
        await group.run(windows=4)
        await asyncio.sleep((1 + fraction) * slow.window)
        redis_server.kill()
        await asyncio.sleep(0.5)
        redis_server.start()
        check(await group.result(), group, slow)


async def test_hang_of_redis_causes_no_refusal(redis_server: RedisServer, slow: StrictServer) -> None:
    """Requests continue with the fallback as soon as each process has waited for the timeout."""
    async with group_of(redis_server, slow) as group:
        await group.run(windows=4)
        await asyncio.sleep(1.1 * slow.window)
        redis_server.suspend()
        await asyncio.sleep(0.9)
        before = slow.used.total()
        await asyncio.sleep(1.6)
        in_fallback = slow.used.total() - before
        redis_server.resume()
        check(await group.result(), group, slow)
    assert in_fallback >= PROCESSES


@asynccontextmanager
async def group_of(redis: RedisServer, server: StrictServer) -> AsyncIterator[ProcessGroup]:
    """Run eight processes with four workers each."""
    group = ProcessGroup(redis, server)
    try:
        await group.add(*[4] * PROCESSES)
        yield group
    finally:
        await group.kill()


def check(results: list[dict[str, Any]], group: ProcessGroup, server: StrictServer) -> None:
    """Check that no request was refused, the windows before and after the fault were used, and each process was served."""
    used = group.used()
    assert 0 == server.refused.total()
    assert all(calls >= 0.95 * server.limit for calls in (used[0], *used[-2:]))
    assert all(result["sent"] > 0.4 * sum(used) / PROCESSES for result in results)
