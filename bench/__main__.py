"""Compare the client with bare aiohttp and orjson: side by side in one run, in random order, medians of ratios.

Absolute times mean little on a shared machine, and change within milliseconds. So both run alternately, call by call, and a round
stores the ratio of their CPU times. Counts of function calls and memory have no such noise. The numbers before the rows identify
targets. The exit status is 1 if one is missed.
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from itertools import cycle

import aiohttp
import orjson
from rich.console import Console
from rich.table import Table

from bench import calls, memory, pages, pieces, start
from bench.calls import BODY, Work
from bench.server import ID, PAGE, TEAM
from cstar_async import CStarClient
from cstar_async._model.codec import decode_items
from cstar_async.models import Ticket

ROUNDS = 31
IMPORTS = 41


@dataclass(frozen=True)
class Row:
    """A comparison and its limit."""

    name: str
    value: float
    limit: float
    spread: str = ""
    """The quartiles of several rounds."""

    @property
    def holds(self) -> bool:
        """Whether the value is within the limit."""
        return self.value <= self.limit


def row_of(name: str, ratios: list[float], limit: float) -> Row:
    """Make the row of a comparison in several rounds."""
    lower, median, upper = statistics.quantiles(ratios, n=4)
    return Row(name, median, limit, f"{lower:.2f} to {upper:.2f}")


async def compare(ours: Work, bare: Work, times: int) -> list[float]:
    """Return the ratio of CPU times in each round of *times* calls."""
    ratios: list[float] = []
    for _ in range(ROUNDS):
        taken = [0.0, 0.0]
        gc.collect()
        for _ in range(times):
            turns = [(0, ours), (1, bare)]
            random.shuffle(turns)
            for index, work in turns:
                begun = time.process_time()
                await work()
                taken[index] += time.process_time() - begun
        ratios.append(taken[0] / taken[1])
    return ratios


async def times_over_http(url: str) -> list[Row]:
    """Compare calls over HTTP, and decoding."""
    tickets = f"{url}/api/v1/teams/{TEAM}/tickets"
    headers = {"Authorization": "Bearer sk_test_a", "Content-Type": "application/json"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        CStarClient(api_key="sk_test_a", team_id=TEAM, base_url=url) as cstar,
    ):
        # Programs read different tickets, and yarl caches recent URLs.
        ids = cycle([f"{ID[:-5]}{number:05}" for number in range(10_000)])
        numbers = cycle(range(1, 10_001))

        async def bare_get() -> object:
            async with session.get(f"{tickets}/{next(ids)}") as response:
                return orjson.loads(await response.read())

        async def bare_page() -> object:
            async with session.get(f"{tickets}?page={next(numbers)}&pageSize=100") as response:
                return orjson.loads(await response.read())

        async def bare_post() -> object:
            key = {"Idempotency-Key": random.randbytes(16).hex()}
            async with session.post(tickets, data=orjson.dumps(BODY), headers=key) as response:
                return orjson.loads(await response.read())

        async def our_get() -> object:
            return await cstar.tickets.get(next(ids))

        async def our_page() -> object:
            return await cstar.tickets.list(page=next(numbers), page_size=100)

        async def our_post() -> object:
            return await cstar.tickets.create(title="Cannot log in", priority="high", customer_id=BODY["customerId"])

        async def bare_hundred() -> object:
            return await asyncio.gather(*(bare_get() for _ in range(100)))

        async def our_hundred() -> object:
            return await asyncio.gather(*(our_get() for _ in range(100)))

        async def bare_parse() -> object:
            return orjson.loads(PAGE)

        async def our_decode() -> object:
            return decode_items(Ticket, orjson.loads(PAGE)["data"])

        for warm in (bare_get, bare_page, bare_post, our_get, our_page, our_post, our_hundred, bare_hundred):
            await warm()
        return [
            row_of("1  GET", await compare(our_get, bare_get, 200), 1.15),
            row_of("2  GET, 100 concurrent", await compare(our_hundred, bare_hundred, 10), 1.15),
            row_of("3  POST with a key", await compare(our_post, bare_post, 200), 1.20),
            row_of("4  page of 100", await compare(our_page, bare_page, 60), 1.60),
            row_of("5  decoding a page", await compare(our_decode, bare_parse, 40), 2.50),
        ]


def import_ratios() -> list[float]:
    """Compare the CPU time of `import cstar_async` and a new client with that of `import aiohttp`, each in a new process."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    ours = "import time; b = time.process_time(); import cstar_async; cstar_async.CStarClient(api_key='sk_test_a'); "
    bare = "import time; b = time.process_time(); import aiohttp; "
    ratios: list[float] = []
    for _ in range(IMPORTS + 1):
        programs = [(0, ours), (1, bare)]
        random.shuffle(programs)
        taken = [0.0, 0.0]
        for index, program in programs:
            command = [sys.executable, "-c", program + "print(time.process_time() - b)"]
            taken[index] = float(subprocess.run(command, capture_output=True, check=True, env=environment).stdout)
        ratios.append(taken[0] / taken[1])
    return ratios[1:]  # the first of each may have compiled bytecode


def models_made_by_import() -> int:
    """Count the modules of models that importing the package and creating a client loads."""
    program = (
        "import sys, cstar_async; cstar_async.CStarClient(api_key='sk_test_a'); "
        "print(sum(name.startswith('cstar_async.models.') for name in sys.modules))"
    )
    return int(subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout)


def measure(url: str) -> list[Row]:
    """Measure every row of the table."""
    return [
        *asyncio.run(times_over_http(url)),
        *(Row(name, value, limit) for name, (value, limit) in calls.count().items()),
        row_of("14 import and a client", import_ratios(), 1.25),
        *(row_of(name, ratios, limit) for name, (ratios, limit) in start.compare().items()),
        Row("16 models made by import", models_made_by_import(), 0),
        *(Row(name, value, limit) for name, (value, limit) in memory.compare(url).items()),
        *(Row(name, value, limit) for name, (value, limit) in pieces.measure().items()),
        *(Row(name, value, limit) for name, (value, limit) in pages.compare().items()),
    ]


def main() -> int:
    """Print the table, and return 0 if every target is met."""
    with subprocess.Popen([sys.executable, "-m", "bench.server"], stdout=subprocess.PIPE, text=True) as server:
        try:
            cores = sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else []
            if len(cores) > 1:
                os.sched_setaffinity(server.pid, cores[1:])
                os.sched_setaffinity(0, cores[:1])
            rows = measure(f"http://127.0.0.1:{server.stdout.readline().strip()}" if server.stdout else "")
        finally:
            server.kill()
    table = Table(title="Compared with bare aiohttp and orjson: ratios, unless a unit is given", title_justify="left")
    for column in ("target", "measured", "quartiles", "limit", "met"):
        table.add_column(column)
    for row in rows:
        table.add_row(row.name, f"{row.value:.2f}", row.spread, f"<= {row.limit:g}", "yes" if row.holds else "NO")
    Console().print(table)
    return 0 if all(row.holds for row in rows) else 1


if __name__ == "__main__":
    raise SystemExit(main())
