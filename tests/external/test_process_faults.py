"""Processes that share a key, when one of them or the server misbehaves: no other process waits for long."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.external.process_group import ProcessGroup
from tests.external.redis_server import RedisServer
from tests.external.strict_server import StrictServer

pytestmark = pytest.mark.external


@asynccontextmanager
async def running_group(redis: RedisServer, server: StrictServer) -> AsyncIterator[ProcessGroup]:
    """Yield a group without processes, and kill those that are left."""
    async with server:
        group = ProcessGroup(redis, server, processes=4)
        try:
            yield group
        finally:
            await group.kill()


@pytest.mark.parametrize("fault", [None, signal.SIGKILL, signal.SIGSTOP], ids=["slow response", "killed", "suspended"])
async def test_first_request_of_a_window_holds_up_no_process(fault: signal.Signals | None, redis_server: RedisServer) -> None:
    """Its response takes 30 seconds, and its process may be killed or suspended meanwhile. The others use the window.

    The process that was suspended for a window is served in the next one.
    """
    server = StrictServer(limit=100, window=5, first_delay=30)
    async with running_group(redis_server, server) as group:
        await group.add(4, 4, 4, 4)
        await group.run(windows=3)
        await asyncio.sleep(group.begins + server.window + 0.9 - time.time())
        number = group.begins // server.window + 1
        prober = next(process for process in group.processes if server.used_by[str(process.pid)][number])
        if fault is not None:
            prober.send_signal(fault)
        await asyncio.sleep(group.begins + 2 * server.window - time.time())
        if fault == signal.SIGSTOP:
            prober.send_signal(signal.SIGCONT)
        await group.result()
        assert 0 == server.refused.total()
        assert all(calls >= 0.9 * server.limit for calls in group.used()[1:])
        assert (group.used(prober)[2] > 0) is (fault != signal.SIGKILL)


async def test_throttle_without_headers_fails_no_call(redis_server: RedisServer) -> None:
    """200 calls of four processes begin at once. The server accepts 20 a second, and says no more than `Retry-After: 1`.

    It refuses most of them in the first second, when no process has seen a refusal. After that it refuses fewer than it accepts.
    """
    server = StrictServer(limit=20, window=1, is_silent=True)
    async with running_group(redis_server, server) as group:
        await group.add(50, 50, 50, 50, is_single=True)
        await group.run(windows=60)
        results = await group.result()
        assert [(50, {})] * 4 == [(result["sent"], result["errors"]) for result in results]
        assert server.refused.total() - max(server.refused.values()) < 100
