"""Measure how the cost of this package grows with the work. As a program, one curve in a process of its own.

`python -m bench.peers.curves NAME URL` prints the points of a curve as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path

from bench.memory import megabytes, peak_megabytes
from bench.peers.clients.base import KEY, TEAM, ticket_id
from bench.peers.results import Point
from bench.receiver import SECRET, TICKET, inbox_with
from cstar_async import CStarClient
from cstar_async.webhooks import EventStore, MemoryStore, SqliteStore, WebhookInbox, sign

CALLS_OF_A_PROCESS = 500
MAX_CONCURRENT_DELIVERIES = 20

Measure = Callable[[int], Awaitable[float]]
"""Does the work of a size, and returns the CPU seconds that it took."""


async def points(measure: Measure, sizes: Sequence[int], least: int) -> list[Point]:
    """Measure some sizes in ascending order, so that the peak of the memory is that of the size. Small ones run several times."""
    await measure(1)
    found: list[Point] = []
    for size in sizes:
        times = max(1, least // size)
        seconds = [await measure(size) for _ in range(times)]
        found.append(Point(size, sum(seconds) / times / size * 1e6, peak_megabytes()))
    return found


@asynccontextmanager
async def client(url: str) -> AsyncGenerator[CStarClient]:
    """Open a client."""
    async with CStarClient(api_key=KEY, team_id=TEAM, base_url=url) as cstar:
        yield cstar


async def rows(url: str, sizes: Sequence[int]) -> list[Point]:
    """Iterate over the first items of a list."""
    async with client(url) as cstar:

        async def iterate(size: int) -> float:
            begun, left = time.process_time(), size
            async for _ in cstar.tickets.list():
                left -= 1
                if not left:
                    break
            return time.process_time() - begun

        return await points(iterate, sizes, 1000)


async def calls(url: str, sizes: Sequence[int]) -> list[Point]:
    """Send many calls at once."""
    async with client(url) as cstar:

        async def burst(size: int) -> float:
            begun = time.process_time()
            await asyncio.gather(*(cstar.tickets.get(ticket_id(number)) for number in range(size)))
            return time.process_time() - begun

        return await points(burst, sizes, 2000)


async def events(make: Callable[[str], EventStore], sizes: Sequence[int]) -> list[Point]:
    """Deliver events to an inbox, and handle each."""

    async def deliver(size: int) -> float:
        with tempfile.TemporaryDirectory() as folder:
            async with inbox_with(make(folder)) as inbox:
                taken = 0.0
                for first in range(1, size + 1, MAX_CONCURRENT_DELIVERIES):
                    taken += await _deliver(inbox, range(first, min(size + 1, first + MAX_CONCURRENT_DELIVERIES)))
                return taken

    return await points(deliver, sizes, 200)


async def _deliver(inbox: WebhookInbox, numbers: range) -> float:
    """Deliver some events, and return the CPU seconds until all are handled."""
    bodies = [(TICKET % (number, number)).encode() for number in numbers]
    deliveries = [inbox.receive(body, {"x-signature": sign(body, SECRET)}) for body in bodies]
    begun = time.process_time()
    await asyncio.gather(*deliveries)
    await inbox.wait_until_idle()
    return time.process_time() - begun


async def process(url: str, redis_url: str) -> Point:
    """Send calls beside other processes, with the limiter that they share. Begin when a line is read."""
    from cstar_async.redis import RedisRateLimiter

    async with (
        # Sixteen processes on one core may wait for longer than a second, and a local share would be another measurement.
        RedisRateLimiter(redis_url, name="bench", on_unavailable="error", timeout=30) as limiter,
        CStarClient(api_key=KEY, team_id=TEAM, base_url=url, rate_limiter=limiter, max_connections=10) as cstar,
    ):
        await cstar.tickets.get(ticket_id(1))
        print("ready", flush=True)
        sys.stdin.readline()
        begun = time.process_time()
        await asyncio.gather(*(cstar.tickets.get(ticket_id(number)) for number in range(CALLS_OF_A_PROCESS)))
        return Point(1, (time.process_time() - begun) / CALLS_OF_A_PROCESS * 1e6, megabytes())


CURVES: dict[str, Callable[[str, Sequence[int]], Coroutine[None, None, list[Point]]]] = {
    "rows": rows,
    "calls": calls,
    "events": lambda _, sizes: events(lambda _: MemoryStore(), sizes),
    "events-file": lambda _, sizes: events(lambda folder: SqliteStore(Path(folder) / "events.db"), sizes),
}


def main() -> None:
    """Print the points of a curve, or the one of a process among others."""
    name, url, *more = sys.argv[1:]
    if name == "process":
        print(json.dumps(asdict(asyncio.run(process(url, *more)))))
    else:
        sizes = [int(size) for size in more]
        print(json.dumps([asdict(point) for point in asyncio.run(CURVES[name](url, sizes))]))


if __name__ == "__main__":
    main()
