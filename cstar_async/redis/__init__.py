"""What processes can share through Redis: the rate limit of an API key, and the events of a webhook.

::

    from cstar_async import CStarClient
    from cstar_async.redis import RedisRateLimiter

    async with RedisRateLimiter("redis://cache:6379", name="main") as limiter, CStarClient.from_env(rate_limiter=limiter) as cstar:
        ticket = await cstar.tickets.get("tkt_…")

Needs Redis 5 or newer and the extra `redis` (`pip install 'cstar-async[redis]'`).
"""

from cstar_async.redis._event_store import RedisStore
from cstar_async.redis._rate_limiter import RedisRateLimiter

__all__ = ["RedisRateLimiter", "RedisStore"]
