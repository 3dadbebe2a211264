"""A redis-py client for tests, and requests that use it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from cstar_async import Priority
from cstar_async._rate_limit.interface import Permit
from cstar_async.redis import RedisRateLimiter
from tests.unit.clocks import EPOCH, ManualClock

CLOCK = ManualClock()
LONG = 10_000.0


class FakeRedis:
    """A redis-py client that replies as the test says."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.replies: list[dict[str, Any]] = []
        self.is_unavailable = False
        self.may_reply = asyncio.Event()
        self.may_reply.set()
        self.is_closed = False
        self.eval_count = 0

    async def evalsha(self, _: str, __: int, key: str, request: str) -> Any:
        """Record the request, and reply: with the next prepared values, or by granting all permits."""
        self.requests.append(json.loads(request))
        waiting, number = self.requests[-1]["waiting"], len(self.requests)
        await self.may_reply.wait()
        if self.is_unavailable:
            raise ConnectionRefusedError("redis://:secret@cache")
        reply = self.replies.pop(0) if self.replies else {}
        return json.dumps(make_reply(number=number, granted=waiting) | reply)

    async def eval(self, *_: object) -> Any:
        """Count the calls: every script is loaded, so there should be none."""
        self.eval_count += 1

    async def aclose(self) -> None:
        """Note that it was closed."""
        self.is_closed = True


def make_reply(**changes: Any) -> dict[str, Any]:
    """Return a reply: a window with 1,000 requests, and no other process that waits."""
    window = {"limit": 1000, "remaining": 1000, "length": 3600, "left": 3600.0, "reset": int(EPOCH) + 3600}
    grant = {
        "granted": [0, 0],
        "is_probe": False,
        "number": 1,
        "held_by_peers": 0,
        "is_after_refusal": False,
        "is_known": True,
        "slow_start": 1,
        "blocking_losses": [0, 0],
        "wanted_by_peers": [0, 0],
        "waiting_peers": [0, 0],
        "expected_waits": [0, 0],
    }
    peers = {"now": 1_000_000, "reset_slack": 0, "epoch": 5, "resync": 0, "peer_count": 0}
    return {**window, **grant, **peers, **changes}


def closed_window(**changes: Any) -> dict[str, Any]:
    """Return the values of a reply without permits until the window ends in an hour."""
    return {"granted": [0, 0], "remaining": 0, "expected_waits": [3600.0, 3600.0], "poll_after": 3600.0, **changes}


def acquire(
    limiter: RedisRateLimiter,
    *,
    max_wait: float = LONG,
    priority: Priority = Priority.INTERACTIVE,
    on_wait: Callable[[float], None] = lambda _: None,
) -> asyncio.Task[Permit]:
    """Start a request that waits for a permit."""
    return asyncio.create_task(limiter.acquire(priority, CLOCK, max_wait=max_wait, on_wait=on_wait))
