"""Compare starts in new processes: the first response over TLS with bare aiohttp, and the command line with bare Python and typer.

The CPU time of the processes counts, because that is less noisy than the time that passes.
"""

from __future__ import annotations

import os
import random
import resource
import ssl
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.calls import server_in_a_thread
from bench.server import ID, TEAM

ROUNDS = 15
CERTIFICATE = Path(__file__).parent.parent / "tests" / "samples" / "loopback.pem"
OURS = """
import asyncio, ssl, sys
from cstar_async import CStarClient
async def main(url, team, ticket, certificate):
    context = ssl.create_default_context(cafile=certificate)
    async with CStarClient(api_key="sk_test_a", team_id=team, base_url=url, ssl=context) as cstar:
        await cstar.tickets.get(ticket)
asyncio.run(main(*sys.argv[1:]))
"""
BARE = """
import asyncio, ssl, sys, aiohttp, orjson
async def main(url, team, ticket, certificate):
    context = ssl.create_default_context(cafile=certificate)
    async with aiohttp.ClientSession(headers={"Authorization": "Bearer sk_test_a"}) as session:
        async with session.get(f"{url}/api/v1/teams/{team}/tickets/{ticket}", ssl=context) as response:
            orjson.loads(await response.read())
asyncio.run(main(*sys.argv[1:]))
"""
FRAMEWORK = """
import typer
app = typer.Typer()
for name in ("get", "list"):
    app.command(name)(lambda: None)
app(["--help"])
"""


def cpu_seconds(arguments: Sequence[str]) -> float:
    """Return the CPU time of a new Python process."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], capture_output=True, check=True, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def ratios(ours: Sequence[str], other: Sequence[str]) -> list[float]:
    """Return the ratio of each round. Both run once before, to compile bytecode."""
    found: list[float] = []
    for _ in range(ROUNDS + 1):
        turns = [(0, ours), (1, other)]
        random.shuffle(turns)
        taken = [0.0, 0.0]
        for index, arguments in turns:
            taken[index] = cpu_seconds(arguments)
        found.append(taken[0] / taken[1])
    return found[1:]


def compare() -> dict[str, tuple[list[float], float]]:
    """Return the ratios and the limit of each comparison."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    with server_in_a_thread(ssl=context) as port:
        call = (f"https://127.0.0.1:{port}", TEAM, ID, str(CERTIFICATE))
        first = ratios(["-c", OURS, *call], ["-c", BARE, *call])
    return {
        "   first response over TLS": (first, 1.10),
        "   --version, to bare Python": (ratios(["-m", "cstar_async", "--version"], ["-c", "pass"]), 3.2),
        "   --help, to typer's own": (ratios(["-m", "cstar_async", "--help"], ["-c", FRAMEWORK]), 1.3),
    }
