"""Measure costs as ratios. CPU time of the thread is measured, so that other processes change little."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable

ATTEMPTS = 5
MAX_RATIO = 24
"""How much longer something of eight times the size may take. Quadratic time takes 64 times as long."""
NOISE_S = 0.005


def cpu_seconds(run: Callable[[], object]) -> float:
    """Return the CPU time of a call: the shortest of three."""
    times: list[float] = []
    for _ in range(3):
        started = time.thread_time()
        run()
        times.append(time.thread_time() - started)
    return min(times)


def takes_linear_time(run: Callable[[int], object], size: int) -> bool:
    """Return whether *run* takes time in proportion to its argument, from *size* to eight times as much."""
    return any(cpu_seconds(lambda: run(8 * size)) < MAX_RATIO * cpu_seconds(lambda: run(size)) + NOISE_S for _ in range(ATTEMPTS))


def peak_memory(run: Callable[[], object]) -> int:
    """Return the bytes that a call takes at most, its result included."""
    tracemalloc.start()
    try:
        result = run()
        del result
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
