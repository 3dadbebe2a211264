"""A program that sends requests as fast as a Redis rate limiter allows, and prints how many it has sent.

Its settings are JSON on the command line. It prints a line when it is ready, reads the times of its first and last request, and
prints its result as JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from typing import Any

from cstar_async import CStarClient, CStarError, Priority, RequestOptions
from cstar_async.redis import RedisRateLimiter
from tests.external.strict_server import PROCESS


async def send_requests(
    *, redis: str, server: str, workers: int, processes: int, background: bool, is_single: bool = False
) -> dict[str, Any]:
    """Send requests with so many workers between two times, without retries; or one request each, with retries (*is_single*)."""
    sent = 0
    errors: dict[str, int] = {}
    limiter = RedisRateLimiter(redis, name="main", expected_processes=processes)
    priority = Priority.BACKGROUND if background else Priority.INTERACTIVE
    client = CStarClient(
        api_key="sk_test_shared",
        team_id="team",
        base_url=server,
        rate_limiter=limiter,
        max_retries=3 if is_single else 0,
        priority=priority,
    )
    options = RequestOptions(headers={PROCESS: str(os.getpid())})

    async def work() -> None:
        nonlocal sent
        while True:
            try:
                await client.request("GET", "/tickets", options=options)
            except CStarError as error:
                errors[type(error).__name__] = errors.get(type(error).__name__, 0) + 1
                await asyncio.sleep(0.05)
            else:
                sent += 1
            if is_single:
                return

    async with limiter, client:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        begins, ends = json.loads(await asyncio.to_thread(sys.stdin.readline))
        await asyncio.sleep(begins - time.time())
        tasks = [asyncio.create_task(work()) for _ in range(workers)]
        await asyncio.wait(tasks, timeout=ends - time.time())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return {"sent": sent, "errors": errors, "exchanges": limiter._local._sequence}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(send_requests(**json.loads(sys.argv[1])))))
