"""Run all measurements, and write `docs/performance.json`, `docs/performance.svg` and the tables of `docs/performance.md`.

`--rounds 3` takes about four minutes, with fewer calls before the memory is measured, and smaller curves. `--page` only writes
page and picture, from the stored results.
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib.util
import os
import platform
import sys
from importlib.metadata import version

from bench.peers import page, picture
from bench.peers.growth import curves
from bench.peers.processes import GENERATED, ROOT, serving
from bench.peers.registry import ENTRIES
from bench.peers.results import Results
from bench.peers.rounds import BURST, compare_bursts, compare_calls, compare_loops, compare_memory, compare_starts

ROUNDS = 15
FEWEST_ROUNDS_OF_A_FULL_RUN = 10
MEMORY_CALLS = {True: 2_000, False: 20_000}
"""How many calls the memory is measured after, in a quick run and in a full one."""
BURST_LIMITS = {True: 10, False: 20}
"""Seconds after which a client may not finish a burst, in a quick run and in a full one."""
LIBRARIES = (
    "aiohttp",
    "cstar-async",
    "httpx",
    "openai",
    "openapi-generator-cli",
    "openapi-python-client",
    "orjson",
    "pydantic",
    "stripe",
    "uvloop",
)
RESULTS = ROOT / "docs" / "performance.json"
PICTURE = ROOT / "docs" / "performance.svg"
PAGE = ROOT / "docs" / "performance.md"


def measure(rounds: int) -> Results:
    """Measure everything."""
    is_quick = rounds < FEWEST_ROUNDS_OF_A_FULL_RUN
    sys.path.append(str(GENERATED))
    keys = [key for key, entry in ENTRIES.items() if not entry.package or importlib.util.find_spec(entry.package)]
    with serving() as urls:
        return Results(
            date=dt.datetime.now(dt.UTC).date().isoformat(),
            rounds=rounds,
            cores=os.cpu_count() or 1,
            python=platform.python_version(),
            versions={name: version(name) for name in LIBRARIES},
            counts={"burst": BURST, "burst-limit": BURST_LIMITS[is_quick], "memory": MEMORY_CALLS[is_quick]},
            figures=compare_calls(keys, urls, rounds)
            | {"burst": compare_bursts(keys, urls, rounds, BURST_LIMITS[is_quick])}
            | compare_starts(keys, urls, rounds)
            | compare_memory(keys, urls, MEMORY_CALLS[is_quick]),
            loops=compare_loops(urls, rounds),
            curves=curves(urls, is_quick=is_quick),
        )


def write(results: Results) -> None:
    """Write page and picture."""
    PAGE.write_text(page.rewritten(PAGE.read_text(encoding="utf-8"), results), encoding="utf-8")
    picture.draw(results, PICTURE)
    print(f"written: {PAGE.relative_to(ROOT)}, {PICTURE.relative_to(ROOT)}")


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.peers", description="Compare with other clients.")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--page", action="store_true", help="write page and picture from the stored results")
    options = parser.parse_args()
    if not options.page:
        RESULTS.write_text(measure(options.rounds).to_json(), encoding="utf-8")
    write(Results.from_json(RESULTS.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
