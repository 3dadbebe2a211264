"""Draw the results as one picture. Its background is transparent, and its colours can be read on white and on black."""

from __future__ import annotations

import io
import re
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure, SubFigure

from bench.peers.page import CALLS, cost_text
from bench.peers.registry import ENTRIES, OURS
from bench.peers.results import Results

GREY, OTHERS, ACCENT = "#7d7d7d", "#8b9bab", "#d9662b"
"""Text and lines; bars of other clients; this package. Each has a contrast of 3 or more to white and to black."""
PANELS = {
    "rows": ("one row of a list", "rows"),
    "calls": ("one call of many at once", "calls"),
    "processes": ("one call, limit in Redis", "processes"),
    "events-file": ("one event in SqliteStore", "events"),
    "operations": ("one generated operation", "operations"),
}
"""Title and axis of each curve."""
BARS = ("get", "hundred", "page")


def draw(results: Results, path: Path) -> None:
    """Draw bars of all clients above curves of this package, and write them as SVG."""
    style = dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), GREY)
    plain = {"svg.fonttype": "none", "svg.hashsalt": "performance", "axes.spines.top": False, "axes.spines.right": False}
    with mpl.rc_context(style | plain | {"font.sans-serif": ["DejaVu Sans"]}):
        figure = Figure(figsize=(9, 5.6), layout="constrained")
        above, below = figure.subfigures(2, 1, height_ratios=(5, 3))
        _draw_bars(above, results)
        _draw_curves(below, results)
        text = io.StringIO()
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    path.write_text(_shortened(text.getvalue()), encoding="utf-8")


def _shortened(svg: str) -> str:
    """Remove digits and spaces that nobody sees, which are half of the file."""
    return re.sub(r"\s*\n\s*", "\n", re.sub(r"(\.\d\d)\d+", r"\1", svg))


def _draw_bars(area: SubFigure, results: Results) -> None:
    """Draw the ratios of CPU time, on a logarithmic axis, with quartiles."""
    area.suptitle("CPU time of a call as a multiple of bare aiohttp (logarithmic, less is better)", fontsize=10)
    keys = [key for key in reversed(ENTRIES) if key in results.figures["get"]]
    for axes, name in zip(area.subplots(1, len(BARS), sharey=True), BARS, strict=True):
        figures = [results.figures[name][key] for key in keys]
        ratios = [figure.ratio for figure in figures]
        spread = [[figure.ratio - figure.lower for figure in figures], [figure.upper - figure.ratio for figure in figures]]
        colours = [ACCENT if key == OURS else OTHERS for key in keys]
        titles = [ENTRIES[key].title for key in keys]
        axes.barh(titles, ratios, color=colours, xerr=spread, error_kw={"ecolor": GREY, "elinewidth": 1})
        for row, (key, figure) in enumerate(zip(keys, figures, strict=True)):
            weight, colour = ("bold", ACCENT) if key == OURS else ("normal", GREY)
            text = f"{figure.ratio:.2f}"
            axes.annotate(
                text, (figure.upper, row), (4, 0), textcoords="offset points", va="center", fontsize=8, color=colour, weight=weight
            )
        axes.axvline(1, color=GREY, linewidth=0.8, linestyle=":")
        axes.set_xscale("log")
        axes.set_xlim(min(ratios) / 2, max(ratios) * 3)
        axes.set_xticks([])
        axes.set_xticks([], minor=True)
        axes.tick_params(length=0, labelsize=8.5)
        axes.set_title(CALLS[name], fontsize=9)


def _draw_curves(area: SubFigure, results: Results) -> None:
    """Draw the cost of a unit over the size of the work. Where the line is flat, the cost grows in proportion."""
    area.suptitle("cstar_async as the work grows: CPU time of one (flat: in proportion)", fontsize=10)
    names = [name for name in PANELS if name in results.curves]
    for axes, name in zip(area.subplots(1, len(names)), names, strict=True):
        title, label = PANELS[name]
        points = results.curves[name]
        sizes, costs = [point.size for point in points], [point.cost for point in points]
        axes.plot(sizes, costs, color=ACCENT, marker="o", markersize=3)
        for point in (points[0], points[-1]):
            axes.annotate(
                cost_text(point.cost), (point.size, point.cost), (0, 6), textcoords="offset points", ha="center", fontsize=8
            )
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlim(sizes[0] / 4, sizes[-1] * 4)
        axes.set_ylim(min(costs) / 3, max(costs) * 3)
        axes.set_yticks([])
        axes.set_yticks([], minor=True)
        axes.set_xticks(sizes, [_short(size) for size in sizes], fontsize=7.5)
        axes.set_xticks([], minor=True)
        axes.set_title(title, fontsize=8.5)
        axes.set_xlabel(label, fontsize=8)


def _short(size: int) -> str:
    return f"{size // 1000}k" if size >= 1000 else str(size)
