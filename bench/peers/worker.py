"""A process with one client. It reads commands as lines of JSON, and measures itself.

`python -m bench.peers.worker CLIENT FAST DELAYED`: the URLs are those of the server without and with a delay. With `--uvloop`, the
event loop is that of uvloop.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from collections.abc import Awaitable, Callable
from itertools import cycle

from bench.memory import megabytes
from bench.peers import registry
from bench.peers.clients.base import Client
from bench.peers.server import DELAYED_PAGES, PAGE_SIZE

Command = dict[str, int | str]
Reply = dict[str, float | None]


class Worker:
    """Runs commands with a client of each of the two servers."""

    def __init__(self, make: type[Client], fast: str, delayed: str) -> None:
        self._client = make(fast)
        self._delayed = make(delayed)
        # Programs read different objects, and yarl caches recent URLs.
        self._numbers = cycle(range(1, 1000))
        self._commands: dict[str, Callable[[int, int], Awaitable[Reply]]] = {
            "get": self._gets,
            "post": self._posts,
            "page": self._pages,
            "rows": self._rows,
            "verify": self._verifications,
            "memory": self._memory,
        }

    async def close(self) -> None:
        """Close the clients."""
        await self._client.close()
        await self._delayed.close()

    async def run(self, work: str, times: int, concurrency: int = 1) -> Reply:
        """Run a command and return its figures. Times are seconds of the CPU or of the clock."""
        return await self._commands[work](times, concurrency)

    async def _gets(self, times: int, concurrency: int) -> Reply:
        async def burst() -> object:
            return await asyncio.gather(*(self._get() for _ in range(concurrency)))

        return await _cpu(self._get if concurrency == 1 else burst, times, concurrency)

    async def _get(self) -> object:
        return await self._client.get(next(self._numbers))

    async def _posts(self, times: int, _: int) -> Reply:
        return await _cpu(self._client.post, times)

    async def _pages(self, times: int, _: int) -> Reply:
        return await _cpu(lambda: self._client.page(next(self._numbers)), times)

    async def _rows(self, times: int, _: int) -> Reply:
        begun = time.perf_counter()
        for _ in range(times):
            if (count := await self._delayed.rows()) != DELAYED_PAGES * PAGE_SIZE:
                raise RuntimeError(f"The list has {DELAYED_PAGES * PAGE_SIZE} rows, and the client read {count}")
        return {"seconds": (time.perf_counter() - begun) / times}

    async def _verifications(self, times: int, _: int) -> Reply:
        verify = self._client.verifier()
        if verify is None:
            return {"seconds": None}
        verify()
        begun = time.process_time()
        for _ in range(times):
            verify()
        return {"seconds": (time.process_time() - begun) / times}

    async def _memory(self, times: int, _: int) -> Reply:
        """Return MiB after 500 calls and after *times* more."""
        for _ in range(500):
            await self._get()
        gc.collect()
        before = megabytes()
        for _ in range(times):
            await self._get()
        gc.collect()
        return {"before": before, "after": megabytes()}


async def _cpu(work: Callable[[], Awaitable[object]], times: int, units: int = 1) -> Reply:
    """Return the CPU seconds of a unit of the work. The first tenth only fills the caches of the core again."""
    gc.collect()
    for _ in range(times // 10):
        await work()
    begun = time.process_time()
    for _ in range(times):
        await work()
    return {"seconds": (time.process_time() - begun) / times / units}


async def serve(make: type[Client], fast: str, delayed: str) -> None:
    """Run commands until the input ends. Nothing else runs in the loop while it waits for one."""
    worker = Worker(make, fast, delayed)
    try:
        for line in sys.stdin:
            print(json.dumps(await worker.run(**json.loads(line))), flush=True)
    finally:
        await worker.close()


def run_first_call(key: str, url: str) -> None:
    """Get one object with a new client, in a new loop."""

    async def call() -> None:
        client = registry.load(key)(url)
        await client.get(1)
        await client.close()

    asyncio.run(call())


def main() -> None:
    """Run the process."""
    key, fast, delayed, *options = sys.argv[1:]
    if "--uvloop" in options:
        import uvloop

        uvloop.run(serve(registry.load(key), fast, delayed))
    else:
        asyncio.run(serve(registry.load(key), fast, delayed))


if __name__ == "__main__":
    main()
