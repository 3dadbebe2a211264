"""Processes that send requests to one server, with a limiter that they share through Redis."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

from tests.external.redis_server import RedisServer
from tests.external.strict_server import StrictServer

PROCESSES = 8


class ProcessGroup:
    """Processes that send requests to one server between two times."""

    def __init__(self, redis: RedisServer, server: StrictServer, *, processes: int = PROCESSES) -> None:
        self._settings = {"redis": redis.url, "server": server.url, "processes": processes}
        self._server = server
        self.processes: list[asyncio.subprocess.Process] = []
        self.begins = self.ends = 0

    async def add(self, *worker_counts: int, background: bool = False, is_single: bool = False) -> None:
        """Start a process for each count of workers, and wait until they are ready."""
        for workers in worker_counts:
            settings = {**self._settings, "workers": workers, "background": background, "is_single": is_single}
            command = (sys.executable, "-m", "tests.external.limited_process", json.dumps(settings))
            pipe = asyncio.subprocess.PIPE
            self.processes.append(await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe))
        for process in self.processes:
            assert process.stdout is not None
            assert await process.stdout.readline() == b"ready\n"

    async def run(self, *, windows: int) -> None:
        """Let them send requests for so many windows, and return when the first one begins."""
        self.begins = self._server.next_window(after=0.5)
        self.ends = self.begins + windows * self._server.window
        for process in self.processes:
            assert process.stdin is not None
            process.stdin.write(json.dumps([self.begins, self.ends - 0.2]).encode() + b"\n")
        await asyncio.sleep(self.begins - time.time())

    async def result(self) -> list[dict[str, Any]]:
        """Return the result of each process; an empty one if it was killed."""
        outputs = await asyncio.gather(*(process.communicate() for process in self.processes))
        return [json.loads(out) if out else {} for out, _ in outputs]

    def used(self, process: asyncio.subprocess.Process | None = None) -> list[int]:
        """Return the requests of each window, of all processes or of one."""
        return self._server.used_in(self.begins, self.ends, process=None if process is None else process.pid)

    async def kill(self) -> None:
        """Kill the processes that still run."""
        for process in self.processes:
            if process.returncode is None:
                process.kill()
                await process.wait()
