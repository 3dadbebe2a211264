"""The processes of a run: the server, and one for each client."""

from __future__ import annotations

import json
import os
import resource
import select
import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, cast

from bench.peers.worker import Reply

ROOT = Path(__file__).parents[2]
ENVIRONMENTS = ROOT / "build" / "peers"
GENERATED = ENVIRONMENTS / "generated"
VARIABLES = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | {
    "PYTHONPATH": f"{ROOT}{os.pathsep}{GENERATED}"
}
"""The environment of child processes: they keep bytecode, and import the generated clients."""
CORES = sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else [0]


class Urls(NamedTuple):
    """The origins of the server without and with a delay."""

    fast: str
    delayed: str


@contextmanager
def serving() -> Generator[Urls]:
    """Run the server during the block, on a core that no client uses, if there are two."""
    process = subprocess.Popen([sys.executable, "-m", "bench.peers.server"], stdout=subprocess.PIPE, text=True, env=VARIABLES)
    with process:
        try:
            keep_to(process.pid, CORES[1:])
            yield Urls(*(f"http://127.0.0.1:{port}" for port in read_line(process).split()))
        finally:
            process.kill()


def keep_to(pid: int, cores: Sequence[int]) -> None:
    """Keep a process to some cores, if there are enough and the system can."""
    if cores and len(CORES) > 1:
        os.sched_setaffinity(pid, cores)


def start_on_first_core(command: Sequence[str]) -> subprocess.Popen[str]:
    """Start a process of Python that is measured."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=VARIABLES)
    keep_to(process.pid, CORES[:1])
    return process


def cpu_of(command: Sequence[str]) -> float:
    """Return the CPU seconds of a process and its children. It must succeed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    process = start_on_first_core(command)
    output, _ = process.communicate()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} failed with {process.returncode}\n{output}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


class Worker:
    """A process with one client.

    Args:
        key: Which client.
        urls: Where the server is.
        python: The Python that runs it.
        uvloop: Whether the loop is that of uvloop.
    """

    def __init__(self, key: str, urls: Urls, python: str = sys.executable, *, uvloop: bool = False) -> None:
        command = [python, "-m", "bench.peers.worker", key, *urls]
        self._process = start_on_first_core([*command, "--uvloop"] if uvloop else command)

    def run(self, work: str, times: int, concurrency: int = 1, limit: float | None = None) -> Reply:
        """Run a command in the process. After *limit* seconds without a reply, kill it and raise `TimeoutError`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"work": work, "times": times, "concurrency": concurrency}) + "\n")
        self._process.stdin.flush()
        if not select.select([self._process.stdout], [], [], limit)[0]:
            self._process.kill()
            raise TimeoutError
        return cast("Reply", json.loads(read_line(self._process)))

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def read_line(process: subprocess.Popen[str]) -> str:
    """Return the next line that a process prints."""
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"{process.args!r} ended with {process.wait()}")
    return line
