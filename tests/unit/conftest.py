"""Fixtures of the unit tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from cstar_async.redis import RedisRateLimiter
from tests.unit import lists
from tests.unit.fake_redis import FakeRedis


@pytest_asyncio.fixture
async def fake_redis() -> FakeRedis:
    """A Redis that grants all permits."""
    return FakeRedis()


@pytest_asyncio.fixture
async def limiter(fake_redis: FakeRedis) -> AsyncIterator[RedisRateLimiter]:
    """A limiter with that client, which leaves no task when it is closed."""
    client: Any = fake_redis
    async with RedisRateLimiter(client, name="main", expected_processes=4, timeout=5) as limiter:
        yield limiter
    assert len(asyncio.all_tasks()) == 1


@pytest.fixture(params=[None, 1, 8], ids=lambda n: f"ahead={n}")
def read_ahead(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all lists of `tests.unit.lists` request pages ahead, or none."""
    monkeypatch.setattr(lists, "READ_AHEAD", request.param)
