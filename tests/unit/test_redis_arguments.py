"""Redis objects that cannot be used: in another event loop, or with a wrong URL."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from cstar_async import CStarError, InvalidArgumentError
from cstar_async.redis import RedisRateLimiter, RedisStore
from tests.unit.fake_redis import FakeRedis


@pytest.mark.parametrize("kind", [RedisRateLimiter, RedisStore])
def test_closing_in_another_event_loop_is_an_error(kind: type[RedisRateLimiter | RedisStore]) -> None:
    """Of this package, and each time. Its connection belongs to the first loop."""
    client: Any = FakeRedis()
    limited = kind(client, name="main")

    async def use() -> None:
        await (limited.ping() if isinstance(limited, RedisRateLimiter) else limited.last_event_id())

    with suppress(CStarError, TypeError):  # the fake's reply is none for a store
        asyncio.run(use())
    for _ in range(2):
        with pytest.raises(CStarError, match="was first used in another event loop"):
            asyncio.run(limited.aclose())


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1?unknown=1", "redis://127.0.0.1:1?db=1&decode=x", "redis://127.0.0.1:99999"])
@pytest.mark.parametrize("kind", [RedisRateLimiter, RedisStore])
def test_url_that_cannot_be_used_is_refused(kind: type[RedisRateLimiter | RedisStore], url: str) -> None:
    """When the object is made, not by its first request."""
    with pytest.raises(InvalidArgumentError, match=r"^client_or_url must be a URL that begins with redis://"):
        kind(url, name="main")
