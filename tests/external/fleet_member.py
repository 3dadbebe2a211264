"""One process of a fleet: calls as fast as it may for a while, and says how many it made.

A program of its own: its settings are JSON on the command line. It prints a line when it is ready, reads from when to when to call,
and prints its result as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

from cstar_async import CStarClient, CStarError, Priority
from cstar_async.redis import RedisRateLimiter


async def member(*, redis: str, server: str, width: int, share: int, background: bool) -> dict[str, Any]:
    """Call with so many workers from one moment to another."""
    made = 0
    errors: dict[str, int] = {}
    limiter = RedisRateLimiter(redis, name="fleet", expected_processes=share)
    priority = Priority.BACKGROUND if background else Priority.INTERACTIVE
    client = CStarClient(
        api_key="sk_test_fleet", team_id="team", base_url=server, rate_limiter=limiter, max_retries=0, priority=priority
    )

    async def work() -> None:
        nonlocal made
        while True:
            try:
                await client.request("GET", "/tickets")
            except CStarError as error:
                errors[type(error).__name__] = errors.get(type(error).__name__, 0) + 1
                await asyncio.sleep(0.05)
            else:
                made += 1

    async with limiter, client:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        begins, ends = json.loads(await asyncio.to_thread(sys.stdin.readline))
        await asyncio.sleep(begins - time.time())
        workers = [asyncio.create_task(work()) for _ in range(width)]
        await asyncio.sleep(ends - time.time())
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
    return {"made": made, "errors": errors, "turns": limiter._sequence}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(member(**json.loads(sys.argv[1])))))
