"""Measure all clients in rounds, in random order, each beside the base."""

from __future__ import annotations

import math
import platform
import random
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from bench.peers.processes import ENVIRONMENTS, Urls, Worker, cpu_of
from bench.peers.registry import BASE, ENTRIES, OURS
from bench.peers.results import Figure

BURST = 10_000
ROUNDS_FOR_A_HEAVY_ONE = 8
"""Heavy measurements run once in so many rounds."""


MAX_ROUNDS_OF_STARTS = 9
"""A start takes as long as hundreds of calls."""


class Measurement(NamedTuple):
    """What a worker measures."""

    work: str
    times: int
    concurrency: int = 1
    is_heavy: bool = False


CALLS = {
    "get": Measurement("get", 100),
    "post": Measurement("post", 100),
    "page": Measurement("page", 10),
    "hundred": Measurement("get", 3, 100),
}
"""CPU time of calls."""
MEASUREMENTS = CALLS | {
    "rows": Measurement("rows", 1, is_heavy=True),
    "verify": Measurement("verify", 200),
}
Figures = dict[str, dict[str, Figure]]
"""The figures of each client, by measurement."""


def compare_calls(keys: Sequence[str], urls: Urls, rounds: int) -> Figures:
    """Measure calls, pages and webhooks. The workers run all the time, and wait for their turn."""
    with ExitStack() as stack:
        workers = _workers(stack, {key: Worker(key, urls) for key in keys})
        return {name: _measure(measurement, workers, rounds) for name, measurement in MEASUREMENTS.items()}


def compare_bursts(keys: Sequence[str], urls: Urls, rounds: int, limit: int) -> dict[str, Figure]:
    """Measure 10,000 calls at once in new processes. A client that needs more than *limit* seconds has no figure.

    A pool that searches all waiting requests at each response needs minutes.
    """
    late: set[str] = set()

    def measure(key: str) -> float:
        if key in late:
            return math.inf
        worker = Worker(key, urls)
        try:
            worker.run("get", 1, 100)
            return worker.run("get", 1, BURST, limit=limit)["seconds"] or 0.0
        except TimeoutError:
            late.add(key)
            return math.inf
        finally:
            worker.close()

    _progress(f"get, {BURST} at once")
    figures = beside_base(keys, measure, _heavy(rounds), is_heavy=True)
    return {key: figure for key, figure in figures.items() if key not in late}


def compare_starts(keys: Sequence[str], urls: Urls, rounds: int) -> Figures:
    """Measure the CPU time of new processes that import a library, and of such that also get one object."""

    def importing(key: str) -> float:
        return cpu_of([sys.executable, "-c", f"import bench.peers.clients.{ENTRIES[key].module}"])

    def calling(key: str) -> float:
        return cpu_of([sys.executable, "-c", f"from bench.peers.worker import run_first_call as run; run({key!r}, {urls.fast!r})"])

    _progress("imports and first responses")
    for key in keys:  # compiles bytecode
        calling(key)
    rounds = min(rounds, MAX_ROUNDS_OF_STARTS)
    return {"import": beside_base(keys, importing, rounds), "first": beside_base(keys, calling, rounds)}


def compare_memory(keys: Iterable[str], urls: Urls, calls: int) -> Figures:
    """Measure the memory of new processes in MiB, after 500 calls and after many more."""
    found: dict[str, dict[str, float]] = {"before": {}, "after": {}}
    for key in keys:
        _progress(f"memory of {key}")
        worker = Worker(key, urls)
        reply = worker.run("memory", calls)
        worker.close()
        for name, values in found.items():
            values[key] = reply[name] or 0.0
    return {
        f"memory-{name}": {key: Figure.of([value], [values[BASE]]) for key, value in values.items()}
        for name, values in found.items()
    }


def compare_loops(urls: Urls, rounds: int) -> Figures:
    """Measure calls of this package on each Python and event loop. The base is aiohttp on the same ones."""
    pythons = {_version(python): python for python in (sys.executable, *_other_pythons())}
    loops = [(version, uvloop) for version in sorted(pythons, key=_numbers) for uvloop in (False, True)]
    figures: Figures = {}
    for version, uvloop in loops:
        with ExitStack() as stack:
            made = {key: Worker(key, urls, pythons[version], uvloop=uvloop) for key in (BASE, OURS)}
            workers = _workers(stack, made)
            name = f"{version}, {'uvloop' if uvloop else 'asyncio'}"
            figures[name] = {work: _measure(measurement, workers, rounds)[OURS] for work, measurement in CALLS.items()}
    return figures


def beside_base(keys: Sequence[str], measure: Callable[[str], float], rounds: int, *, is_heavy: bool = False) -> dict[str, Figure]:
    """Measure clients in random order, and the base beside each; heavy ones share that of the round."""
    values: dict[str, list[float]] = {key: [] for key in keys}
    bases: dict[str, list[float]] = {key: [] for key in keys}
    others = [key for key in keys if key != BASE]
    for _ in range(rounds):
        shared = measure(BASE) if is_heavy else None
        for key in random.sample(others, len(others)):
            turns = [key] if is_heavy else random.sample((key, BASE), 2)
            taken = {turn: measure(turn) for turn in turns}
            values[key].append(taken[key])
            bases[key].append(taken[BASE] if shared is None else shared)
    values[BASE] = bases[BASE] = [value for key in others for value in bases[key]]
    return {key: Figure.of(values[key], bases[key]) for key in keys}


def _measure(measurement: Measurement, workers: dict[str, Worker], rounds: int) -> dict[str, Figure]:
    """Measure those clients that can do it, after a call that is not counted."""
    work, times, concurrency, is_heavy = measurement
    _progress(f"{work}, {concurrency} at once")

    def measure(key: str) -> float:
        return workers[key].run(work, times, concurrency)["seconds"] or 0.0

    able = [key for key, worker in workers.items() if is_heavy or worker.run(work, 1, concurrency)["seconds"] is not None]
    return beside_base(able, measure, _heavy(rounds) if is_heavy else rounds, is_heavy=is_heavy)


def _heavy(rounds: int) -> int:
    return -(-rounds // ROUNDS_FOR_A_HEAVY_ONE)


def _workers(stack: ExitStack, workers: dict[str, Worker]) -> dict[str, Worker]:
    """Close workers at the end of the stack."""
    for worker in workers.values():
        stack.callback(worker.close)
    return workers


def _other_pythons() -> list[str]:
    return [str(path) for path in sorted(ENVIRONMENTS.glob("python3.*/bin/python")) if not _is_this(path)]


def _is_this(path: Path) -> bool:
    return path.parts[-3] == f"python{'.'.join(platform.python_version_tuple()[:2])}"


def _version(python: str) -> str:
    command = [python, "-c", "import platform; print(platform.python_version())"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2])


def _progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
