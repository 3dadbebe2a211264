"""Write the results of a run into the page of the documentation, between two marks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bench.peers.registry import ENTRIES, OURS
from bench.peers.results import Figure, Point, Results

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
NONE = "—"

CALLS = {"get": "GET", "post": "POST", "page": "page of 100", "hundred": "100 at once"}
CURVES = {
    "rows": "rows iterated",
    "calls": "calls at once",
    "processes": "processes that share a limit",
    "events": "events, `MemoryStore`",
    "events-file": "events, `SqliteStore`",
    "operations": "operations generated",
}
"""What the sizes of a curve count."""

Columns = Mapping[str, tuple[str, Callable[[Figure], str]]]
"""Title and format of each column, by the measurement."""


def rewritten(page: str, results: Results) -> str:
    """Return the page with the results between its marks."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"The page must have the lines {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{render(results)}\n\n{END}{after}"


def render(results: Results) -> str:
    """Return the results as Markdown."""
    calls = CALLS | {"burst": f"{results.counts['burst']:,} at once", "verify": "webhook"}
    others: Columns = {
        "rows": ("50 pages at 80 ms", lambda figure: _with_ratio(f"{figure.value:.2f} s", figure)),
        "import": ("import", lambda figure: _with_ratio(f"{figure.value * 1e3:.0f} ms", figure)),
        "first": ("first response", lambda figure: _with_ratio(f"{figure.value * 1e3:.0f} ms", figure)),
        "memory-before": ("500 calls", lambda figure: _with_ratio(f"{figure.value:.1f} MiB", figure)),
        "memory-after": (f"{results.counts['memory']:,} calls more", lambda figure: f"{figure.value:.1f} MiB"),
    }
    missing = [entry.title for key, entry in ENTRIES.items() if key not in results.figures["get"]]
    parts = [
        f"Measured on {results.date}, {results.cores} cores, Python {results.python}, {results.rounds} rounds.",
        "### Calls",
        "CPU time of a call, as a ratio to bare aiohttp and orjson. Less is better.",
        _clients(results, {name: (title, lambda figure: f"{figure.ratio:.2f}") for name, title in calls.items()}),
        f"Not measured, because it could not be generated: {', '.join(missing)}." if missing else "",
        "### Lists, starts and memory",
        "Time of a list, CPU time of a new process, and memory of a process after its calls. In brackets, the ratio to aiohttp.",
        _clients(results, others),
        "### Python versions and event loops",
        "This package, as a ratio to bare aiohttp and orjson on the same Python and event loop.",
        _loops(results.loops),
        "### Cost as the work grows",
        "CPU time of one row, call, event or operation. In brackets, the peak of the memory in MiB.",
        *(_curve(title, results.curves[name]) for name, title in CURVES.items() if name in results.curves),
        "### Versions",
        ", ".join(f"{name} {version}" for name, version in sorted(results.versions.items())) + ".",
    ]
    return "\n\n".join(part for part in parts if part)


def _clients(results: Results, columns: Columns) -> str:
    """Return a table with a row for each client."""
    rows = [
        [
            f"**{entry.title}**" if key == OURS else entry.title,
            *(_cell(results, name, key, show) for name, (_, show) in columns.items()),
        ]
        for key, entry in ENTRIES.items()
        if key in results.figures["get"]
    ]
    return _table(["client", *(title for title, _ in columns.values())], rows)


def _cell(results: Results, name: str, key: str, show: Callable[[Figure], str]) -> str:
    """Return the figure of a client."""
    if key in results.figures[name]:
        return show(results.figures[name][key])
    return f"over {results.counts['burst-limit']} s" if name == "burst" else NONE


def _loops(loops: Mapping[str, Mapping[str, Figure]]) -> str:
    """Return a table with a row for each Python and event loop."""
    rows = [
        [loop, *(f"{figures[name].ratio:.2f}" for name in CALLS), f"{figures['get'].value * 1e6:.0f} µs"]
        for loop, figures in loops.items()
    ]
    return _table(["Python, event loop", *CALLS.values(), "CPU of a GET"], rows)


def _curve(title: str, points: Sequence[Point]) -> str:
    """Return a table with a column for each size."""
    costs = [cost_text(point.cost) + (f" ({point.memory:.0f})" if point.memory else "") for point in points]
    return _table([title, *(f"{point.size:,}" for point in points)], [["CPU of one", *costs]])


def cost_text(microseconds: float) -> str:
    """Format a cost in a unit that can be read."""
    return f"{microseconds / 1e3:.1f} ms" if microseconds >= 1e3 else f"{microseconds:.0f} µs"


def _with_ratio(value: str, figure: Figure) -> str:
    return f"{value} ({figure.ratio:.2f})"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
