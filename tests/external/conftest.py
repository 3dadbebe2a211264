"""Redis servers and limiters for the external tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from cstar_async.redis import RedisRateLimiter
from tests.external.limiters import make_limiter
from tests.external.redis_server import RedisServer


@pytest.fixture
def redis_server(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    """A redis-server that writes nothing to disk, unless a test passes arguments for that."""
    server = RedisServer(tmp_path, *getattr(request, "param", ()))
    server.start()
    yield server
    server.kill()


@pytest_asyncio.fixture
async def pair(redis_server: RedisServer) -> AsyncIterator[tuple[RedisRateLimiter, RedisRateLimiter]]:
    """Two limiters, which are two processes for Redis."""
    async with make_limiter(redis_server) as one, make_limiter(redis_server) as other:
        yield one, other
    assert len(asyncio.all_tasks()) == 1


@pytest_asyncio.fixture
async def redis(redis_server: RedisServer) -> AsyncIterator[Redis]:
    """A client to read the shared state with."""
    async with Redis.from_url(redis_server.url, decode_responses=True) as client:
        yield client
