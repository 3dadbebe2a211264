"""Draw the results as one picture, with colours that can be read on white and on black. The background is transparent."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from bench.peers.page import CALLS
from bench.peers.registry import ENTRIES, OURS
from bench.peers.results import Results

GREY, OTHERS, ACCENT = "#7d7d7d", "#8b9bab", "#d9662b"
"""Text and lines; bars of other clients; this package. Each has a contrast of 3 or more to white and to black."""
PANELS = {
    "rows": ("A row of a list", "rows", "µs"),
    "calls": ("A call of many at once", "calls", "µs"),
    "processes": ("A call, limit shared in Redis", "processes", "µs"),
    "events-file": ("An event, SqliteStore", "events", "µs"),
    "operations": ("An operation generated", "operations", "ms"),
}
"""Title, axis and unit of each curve."""
BARS = ("get", "hundred", "page")


def draw(results: Results, path: Path) -> None:
    """Draw bars of all clients above curves of this package, and write them as SVG."""
    style = dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), GREY)
    plain = {"svg.fonttype": "none", "svg.hashsalt": "performance", "axes.spines.top": False, "axes.spines.right": False}
    with mpl.rc_context(style | plain):
        figure = Figure(figsize=(10, 6.2), layout="constrained")
        above, below = figure.subfigures(2, 1, height_ratios=(3, 2))
        _draw_bars(above, results)
        _draw_curves(below, results)
        figure.savefig(path, format="svg", transparent=True, metadata={"Date": None, "Creator": None})


def _draw_bars(area: SubFigure, results: Results) -> None:
    """Draw the ratios of CPU time, on a logarithmic axis, with quartiles."""
    area.suptitle("CPU time of a call, as a multiple of bare aiohttp", fontsize=10)
    keys = [key for key in reversed(ENTRIES) if key in results.figures["get"]]
    for axes, name in zip(area.subplots(1, len(BARS), sharey=True), BARS, strict=True):
        figures = [results.figures[name][key] for key in keys]
        ratios = [figure.ratio for figure in figures]
        spread = [[figure.ratio - figure.lower for figure in figures], [figure.upper - figure.ratio for figure in figures]]
        colours = [ACCENT if key == OURS else OTHERS for key in keys]
        axes.barh(
            [ENTRIES[key].title for key in keys], ratios, color=colours, xerr=spread, error_kw={"ecolor": GREY, "elinewidth": 1}
        )
        for row, figure in enumerate(figures):
            axes.annotate(f"{figure.ratio:.2f}", (figure.upper, row), (4, 0), textcoords="offset points", va="center", fontsize=8)
        axes.axvline(1, color=GREY, linewidth=0.8, linestyle=":")
        axes.set_xscale("log")
        axes.set_xlim(0.1, max(ratios) * 3)
        axes.set_xticks([])
        axes.set_xticks([], minor=True)
        axes.tick_params(length=0)
        axes.set_title(CALLS[name], fontsize=9)


def _draw_curves(area: SubFigure, results: Results) -> None:
    """Draw the cost of a unit over the size of the work. A horizontal line is work that grows in proportion."""
    area.suptitle("CPU time of one as the work grows: a flat line grows in proportion", fontsize=10)
    names = [name for name in PANELS if name in results.curves]
    for axes, name in zip(area.subplots(1, len(names)), names, strict=True):
        title, label, unit = PANELS[name]
        points = results.curves[name]
        costs = [point.cost / (1e3 if unit == "ms" else 1) for point in points]
        axes.plot([point.size for point in points], costs, color=ACCENT, marker="o", markersize=3)
        axes.set_xscale("log", base=2 if name == "processes" else 10)
        axes.set_ylim(0, max(costs) * 1.15)
        axes.set_title(f"{title}, {unit}", fontsize=8.5)
        axes.set_xlabel(label, fontsize=8)
        _label_sizes(axes, [point.size for point in points])


def _label_sizes(axes: Axes, sizes: Iterable[int]) -> None:
    """Label the first and the last size, and some between."""
    shown = list(sizes)
    axes.set_xticks(shown, [_short(size) for size in shown], fontsize=7.5)
    axes.set_xticks([], minor=True)
    axes.tick_params(axis="y", labelsize=7.5)


def _short(size: int) -> str:
    return f"{size // 1000}k" if size >= 1000 else str(size)
