"""A Redis Cluster of one node, which refuses scripts that use keys of several slots."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.asyncio.cluster import RedisCluster

from cstar_async import Priority
from cstar_async._event_loop.clock import SystemClock
from cstar_async.redis import RedisRateLimiter, RedisStore
from tests.external.redis_server import RedisServer
from tests.ports import free_port

pytestmark = pytest.mark.external


@pytest.fixture
def cluster_port(tmp_path: Path) -> Iterator[int]:
    """A node with all slots."""
    port = free_port()
    server = RedisServer(tmp_path, "--cluster-enabled", "yes", "--cluster-port", str(free_port()), port=port)
    server.start()
    with Redis.from_url(server.url) as node:
        node.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        while b"cluster_state:ok" not in node.execute_command("CLUSTER", "INFO", NEVER_DECODE=True):
            time.sleep(0.02)
    yield port
    server.kill()


async def test_limiter_and_store_work_in_a_cluster(cluster_port: int) -> None:
    """The keys of each have one hash tag."""
    async with RedisCluster(host="127.0.0.1", port=cluster_port) as cluster:
        async with RedisRateLimiter(cluster, name="main") as limiter:
            await limiter.acquire(Priority.INTERACTIVE, SystemClock(), max_wait=1, on_wait=lambda _: None)
            assert not limiter.is_degraded
        store = RedisStore(cluster, name="hooks")
        assert await store.add("evt_1", b"{}")
        await store.mark_done("evt_1")
        assert [] == await store.claim_pending()
        await store.aclose()
