"""The tests of every rate limiter with Redis: one process, and two that share a key."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.external.limiter_harness import RedisHarness, redis_harness
from tests.external.redis_server import RedisServer
from tests.unit.test_limiter_faults import *  # noqa: F403
from tests.unit.test_limiter_promises import *  # noqa: F403

pytestmark = pytest.mark.external

ORDER_OF_ONE_PROCESS = {"test_permits_are_granted_in_order", "test_retry_precedes_calls_that_began_later"}
"""Between processes, the one served the longest ago comes first."""


@pytest_asyncio.fixture(params=[1, 2], ids=["one process", "two processes"])
async def harness(request: pytest.FixtureRequest, redis_server: RedisServer) -> AsyncIterator[RedisHarness]:
    """Return one process, then two."""
    if request.param > 1 and request.node.originalname in ORDER_OF_ONE_PROCESS:
        pytest.skip("an order within a process")
    async with redis_harness(redis_server, processes=request.param) as running:
        yield running
