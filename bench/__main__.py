"""What the client costs beside bare aiohttp and orjson: side by side in one run, shuffled, medians of ratios.

Absolute times mean little on a shared machine, and change within milliseconds. So the two take turns call by call, in random order,
and a round keeps the ratio of the CPU times of all their turns.
Counts of function calls and memory have no such noise. The numbers before the rows are those of the project's list of targets.
Exit status 1 if a target is missed.
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
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import cycle

import aiohttp
import orjson
from rich.console import Console
from rich.table import Table

from bench import calls, memory, pieces
from bench.server import ID, PAGE, TEAM
from cstar_async import CStarClient
from cstar_async._model.codec import read_rows
from cstar_async.models import Ticket

ROUNDS = 31
IMPORTS = 21
BODY = {"title": "Cannot log in", "priority": "high", "customerId": "cus_7c9e667974254de0944be07fc1f90ae7"}

Work = Callable[[], Awaitable[object]]


@dataclass(frozen=True)
class Row:
    """One comparison, and what it must not exceed."""

    name: str
    value: float
    must: float
    spread: str = ""
    """The quartiles, where there were several rounds."""

    @property
    def holds(self) -> bool:
        """Whether the target is met."""
        return self.value <= self.must


def row_of(name: str, ratios: list[float], must: float) -> Row:
    """The row of a comparison that was made in several rounds."""
    lower, median, upper = statistics.quantiles(ratios, n=4)
    return Row(name, median, must, f"{lower:.2f} to {upper:.2f}")


async def compare(ours: Work, bare: Work, times: int) -> list[float]:
    """The ratio of CPU times in each of the rounds, of so many turns each."""
    ratios: list[float] = []
    for _ in range(ROUNDS):
        taken = [0.0, 0.0]
        gc.collect()
        for _ in range(times):
            turns = [(0, ours), (1, bare)]
            random.shuffle(turns)
            for place, work in turns:
                begun = time.process_time()
                await work()
                taken[place] += time.process_time() - begun
        ratios.append(taken[0] / taken[1])
    return ratios


async def times_over_http(url: str) -> list[Row]:
    """All comparisons over HTTP and of decoding."""
    tickets = f"{url}/api/v1/teams/{TEAM}/tickets"
    headers = {"Authorization": "Bearer sk_test_a", "Content-Type": "application/json"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        CStarClient(api_key="sk_test_a", team_id=TEAM, base_url=url) as cstar,
    ):
        # Nobody reads the same ticket a thousand times, and URLs that were seen lately are cheap.
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
            return read_rows(Ticket, orjson.loads(PAGE)["data"])

        for warm in (bare_get, bare_page, bare_post, our_get, our_page, our_post, our_hundred, bare_hundred):
            await warm()
        return [
            row_of("1  GET", await compare(our_get, bare_get, 200), 1.15),
            row_of("2  GET, 100 at once", await compare(our_hundred, bare_hundred, 10), 1.15),
            row_of("3  POST with a key", await compare(our_post, bare_post, 200), 1.20),
            row_of("4  page of 100", await compare(our_page, bare_page, 60), 1.60),
            row_of("5  decoding a page", await compare(our_decode, bare_parse, 40), 2.50),
        ]


def import_ratios() -> list[float]:
    """`import cstar_async` and a client built, against `import aiohttp`, in fresh processes, both from their bytecode."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    ours = "import time; b = time.perf_counter(); import cstar_async; cstar_async.CStarClient(api_key='sk_test_a'); "
    bare = "import time; b = time.perf_counter(); import aiohttp; "
    ratios: list[float] = []
    for _ in range(IMPORTS + 1):
        programs = [(0, ours), (1, bare)]
        random.shuffle(programs)
        taken = [0.0, 0.0]
        for place, program in programs:
            command = [sys.executable, "-c", program + "print(time.perf_counter() - b)"]
            taken[place] = float(subprocess.run(command, capture_output=True, check=True, env=environment).stdout)
        ratios.append(taken[0] / taken[1])
    return ratios[1:]  # the first of each may have compiled


def models_made_by_import() -> int:
    """How many generated model classes exist after importing the package and building a client."""
    program = (
        "import sys, cstar_async; cstar_async.CStarClient(api_key='sk_test_a'); "
        "print(sum(name.startswith('cstar_async._generated.models.') for name in sys.modules))"
    )
    return int(subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout)


def measure(url: str) -> list[Row]:
    """Every row of the table."""
    return [
        *asyncio.run(times_over_http(url)),
        *(Row(name, value, must) for name, (value, must) in calls.count().items()),
        row_of("14 import and a client", import_ratios(), 1.25),
        Row("16 models made by import", models_made_by_import(), 0),
        *(Row(name, value, must) for name, (value, must) in memory.compare(url).items()),
        *(Row(name, value, must) for name, (value, must) in pieces.measure().items()),
    ]


def main() -> int:
    """Measure, show a table, and say by the exit status whether every target holds."""
    with subprocess.Popen([sys.executable, "-m", "bench.server"], stdout=subprocess.PIPE, text=True) as server:
        try:
            cores = sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else []
            if len(cores) > 1:
                os.sched_setaffinity(server.pid, cores[1:])
                os.sched_setaffinity(0, cores[:1])
            rows = measure(f"http://127.0.0.1:{server.stdout.readline().strip()}" if server.stdout else "")
        finally:
            server.kill()
    table = Table(title="Beside bare aiohttp + orjson: ratios, unless a unit is named", title_justify="left")
    for column in ("target", "found", "quartiles", "must", ""):
        table.add_column(column)
    for row in rows:
        table.add_row(row.name, f"{row.value:.2f}", row.spread, f"<= {row.must:g}", "yes" if row.holds else "NO")
    Console().print(table)
    return 0 if all(row.holds for row in rows) else 1


if __name__ == "__main__":
    raise SystemExit(main())
