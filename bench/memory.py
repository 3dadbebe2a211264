"""Compare the memory of a process with a client and of one with bare aiohttp and orjson.

Memory can only be compared between new processes, so this module is also the program that they run. It reads `/proc`, so it
measures on Linux only.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

from bench.server import ID, TEAM

BURST = 10_000
FEW, MANY = 500, 20_500

Get = Callable[[], Awaitable[object]]


def megabytes() -> float:
    """Return the resident memory of this process in MiB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def peak_megabytes() -> float:
    """Return the peak resident memory of this process in MiB, which `getrusage` begins with that of its parent."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


async def our_get(stack: AsyncExitStack, url: str) -> Get:
    """Return a function that sends a GET with the client."""
    from cstar_async import CStarClient

    cstar = await stack.enter_async_context(CStarClient(api_key="sk_test_a", team_id=TEAM, base_url=url))
    return lambda: cstar.tickets.get(ID)


async def bare_get(stack: AsyncExitStack, url: str) -> Get:
    """Return a function that sends a GET with bare aiohttp."""
    import aiohttp
    import orjson

    session = await stack.enter_async_context(aiohttp.ClientSession(headers={"Authorization": "Bearer sk_test_a"}))

    async def get() -> object:
        async with session.get(f"{url}/api/v1/teams/{TEAM}/tickets/{ID}") as response:
            return orjson.loads(await response.read())

    return get


async def measured(client: str, url: str) -> list[float]:
    """Measure the memory of this process.

    Returns:
        MiB after the first call; growth in MiB from call 500 to call 20,500; growth in objects for a thousand calls; MiB of 10,000
        concurrent calls above idle; growth in MiB from the second such burst to the third.
    """
    async with AsyncExitStack() as stack:
        get = await (our_get if client == "ours" else bare_get)(stack, url)
        await get()
        first = megabytes()
        for _ in range(FEW - 1):
            await get()
        gc.collect()
        held, objects = megabytes(), len(gc.get_objects())
        for _ in range(MANY - FEW if client == "ours" else 0):
            await get()
        gc.collect()
        growth, more = megabytes() - held, (len(gc.get_objects()) - objects) * 1000 / (MANY - FEW)
        idle = megabytes()
        peaks: list[float] = []
        for _ in range(3 if client == "ours" else 1):
            await asyncio.gather(*(get() for _ in range(BURST)))
            peaks.append(peak_megabytes())
        return [first, growth, more, peaks[0] - idle, peaks[-1] - peaks[len(peaks) // 2]]


def in_a_new_process(client: str, url: str) -> list[float]:
    """Return what a new process measures of itself. Raise if a call fails."""
    command = [sys.executable, "-m", "bench.memory", client, url]
    found: list[float] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return found


def compare(url: str) -> dict[str, tuple[float, float]]:
    """Return all comparisons of memory and their limits by name."""
    if not sys.platform.startswith("linux"):
        return {}
    ours, bare = in_a_new_process("ours", url), in_a_new_process("bare", url)
    return {
        "17 memory after the first call / bare": (ours[0] / bare[0], 1.10),
        "18 growth over 20,000 calls, MiB": (ours[1], 1.0),
        "18 objects more after a thousand calls": (ours[2], 10),
        "19 memory of 10,000 concurrent calls / bare": (ours[3] / bare[3], 0.60),
        "19 growth from the second burst to the third, MiB": (ours[4], 2.0),
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measured(sys.argv[1], sys.argv[2]))))
