"""Count the function calls of a request. Counts are exact, while times are noisy.

The server runs in its own thread, which the profile does not include.
"""

from __future__ import annotations

import asyncio
import cProfile
import pstats
import random
import sys
import tempfile
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from itertools import islice
from pathlib import Path
from ssl import SSLContext

import aiohttp
import orjson

from bench.receiver import SECRET, TICKET, inbox_with
from bench.server import ID, PAGE, TEAM, Server
from cstar_async import CStarClient
from cstar_async._model.codec import decode_items
from cstar_async.models import Ticket
from cstar_async.webhooks import EventStore, MemoryStore, SqliteStore, sign

MAX_ABOVE_BARE = {"GET": 27 if sys.version_info < (3, 12) else 28, "POST": -3 if sys.version_info < (3, 12) else 44, "page": 801}
"""Function calls, in Python and C, of a request above those with bare aiohttp and orjson.

Before Python 3.12, aiohttp runs a task for the body of a POST, which this client does not.
"""
MAX_PER_OBJECT = 8
"""Function calls of decoding an object of 21 fields."""
MAX_PER_EVENT = 247 if sys.version_info < (3, 12) else 241
"""Function calls of an event in an inbox with a `MemoryStore`."""
MAX_PER_EVENT_IN_FILE = 466 if sys.version_info < (3, 12) else 473
"""The same with a `SqliteStore`, without those of its thread."""

BODY = {"title": "Cannot log in", "priority": "high", "customerId": "cus_7c9e667974254de0944be07fc1f90ae7"}
Work = Callable[[], Awaitable[object]]

ROUNDS = 20
TIMES = 10


@contextmanager
def server_in_a_thread(protocol: type[Server] = Server, ssl: SSLContext | None = None) -> Generator[int]:
    """Run a server during the block, and yield its port."""
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(loop.create_server(protocol, "127.0.0.1", 0, ssl=ssl))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        loop.run_until_complete(server.wait_closed())
        loop.close()


def counted(profile: cProfile.Profile, times: int) -> float:
    """Return the calls of a profile for one of *times* repetitions."""
    statistics: pstats.Stats = pstats.Stats(profile)
    return int(vars(statistics)["total_calls"]) / times


@asynccontextmanager
async def calls_and_bare_ones(port: int, method: str) -> AsyncGenerator[tuple[Work, Work]]:
    """Yield a GET, a POST or the GET of a page with the client, and the same with bare aiohttp."""
    url = f"http://127.0.0.1:{port}"
    tickets = f"{url}/api/v1/teams/{TEAM}/tickets"
    async with (
        aiohttp.ClientSession(headers={"Authorization": "Bearer sk_test_a", "Content-Type": "application/json"}) as session,
        CStarClient(api_key="sk_test_a", team_id=TEAM, base_url=url) as cstar,
    ):

        async def bare_get() -> object:
            async with session.get(f"{tickets}/{ID}") as response:
                return orjson.loads(await response.read())

        async def bare_post() -> object:
            key = {"Idempotency-Key": random.randbytes(16).hex()}
            async with session.post(tickets, data=orjson.dumps(BODY), headers=key) as response:
                return orjson.loads(await response.read())

        async def bare_page() -> object:
            async with session.get(f"{tickets}?page=1&pageSize=100") as response:
                return orjson.loads(await response.read())

        async def our_get() -> object:
            return await cstar.tickets.get(ID)

        async def our_page() -> object:
            return await cstar.tickets.list(page=1, page_size=100)

        async def our_post() -> object:
            return await cstar.tickets.create(title=BODY["title"], priority=BODY["priority"], customer_id=BODY["customerId"])

        yield {"GET": (our_get, bare_get), "POST": (our_post, bare_post), "page": (our_page, bare_page)}[method]


async def calls_above_bare(port: int, method: str) -> float:
    """Count the function calls of a request with the client, minus those with bare aiohttp.

    The minimum of several rounds counts: a response in two parts costs another iteration of the event loop.
    """
    async with calls_and_bare_ones(port, method) as works:
        found: tuple[list[float], list[float]] = [], []
        for _ in range(ROUNDS):
            for work, counts in zip(works, found, strict=True):
                await work()
                profile = cProfile.Profile()
                profile.enable()
                for _ in range(TIMES):
                    await work()
                profile.disable()
                counts.append(counted(profile, TIMES))
    return min(found[0]) - min(found[1])


def calls_per_object() -> float:
    """Count the function calls of decoding one object of a list."""
    rows = orjson.loads(PAGE)["data"]
    profile = cProfile.Profile()
    profile.enable()
    decode_items(Ticket, rows)
    profile.disable()
    return counted(profile, len(rows))


async def calls_per_event(store: EventStore) -> float:
    """Count the function calls of an event, from its delivery to its mark as done. Deliveries arrive 20 at a time."""
    found: list[float] = []
    async with inbox_with(store) as inbox:
        numbers = iter(range(1, sys.maxsize))
        for _ in range(ROUNDS):
            bodies = [(TICKET % (number, number)).encode() for number in islice(numbers, 20)]
            deliveries = [inbox.receive(body, {"x-signature": sign(body, SECRET)}) for body in bodies]
            profile = cProfile.Profile()
            profile.enable()
            await asyncio.gather(*deliveries)
            await inbox.wait_until_idle()
            profile.disable()
            found.append(counted(profile, len(bodies)))
    return min(found)


def count() -> dict[str, tuple[float, float]]:
    """Return all counts and their limits by name."""
    with server_in_a_thread() as port:
        above = {method: asyncio.run(calls_above_bare(port, method)) for method in MAX_ABOVE_BARE}
    with tempfile.TemporaryDirectory() as folder:
        in_file = asyncio.run(calls_per_event(SqliteStore(Path(folder) / "events.db")))
    return {
        "6  function calls of a GET, above bare": (above["GET"], MAX_ABOVE_BARE["GET"]),
        "   function calls of a POST, above bare": (above["POST"], MAX_ABOVE_BARE["POST"]),
        "   function calls of a page, above bare": (above["page"], MAX_ABOVE_BARE["page"]),
        "7  function calls to decode an object": (calls_per_object(), MAX_PER_OBJECT),
        "   function calls of an event in memory": (asyncio.run(calls_per_event(MemoryStore())), MAX_PER_EVENT),
        "   function calls of an event in a file": (in_file, MAX_PER_EVENT_IN_FILE),
    }
