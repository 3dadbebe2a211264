"""Check the page of performance: its tables are those of the stored results, whatever a run could measure."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench.peers import page
from bench.peers.registry import ENTRIES
from bench.peers.results import Figure, Point, Results

EVERY_CALL = ("get", "post", "page", "hundred")
DOCS = Path(__file__).parents[2] / "docs"


def results(*clients: str, missing: str = "") -> Results:
    """Return results of some clients; the last one of them has no figure for one measurement."""
    figure = Figure(0.002, 1.25, 1.2, 1.3)
    names = (*EVERY_CALL, "burst", "rows", "verify", "import", "first", "memory-before", "memory-after")
    return Results(
        date="2026-01-02",
        rounds=3,
        cores=2,
        python="3.11.2",
        versions={"httpx": "0.28.1", "aiohttp": "3.14.5"},
        counts={"burst": 10_000, "burst-limit": 30, "memory": 2_000},
        figures={name: {key: figure for key in clients if name != missing or key != clients[-1]} for name in names},
        loops={"3.13.0, uvloop": dict.fromkeys(EVERY_CALL, figure)},
        curves={"rows": [Point(10, 12.4, 40.2), Point(100_000, 1234.0)]},
    )


def row(text: str, title: str) -> list[str]:
    """Return the cells of the first row with a title."""
    (found, *_) = re.findall(rf"^\| {re.escape(title)} \| (.*) \|$", text, re.MULTILINE)
    return str(found).split(" | ")


def test_results_survive_their_text() -> None:
    """Results that are stored and read again are equal."""
    stored = results("aiohttp", "cstar_async")

    assert stored == Results.from_json(stored.to_json())


def test_figure_is_the_median_of_the_ratios_of_neighbours() -> None:
    """A figure compares each measurement with that of the base beside it, so that a slow minute changes nothing."""
    assert Figure(20.0, 2.0, 2.0, 2.0) == Figure.of([2.0, 20.0, 200.0], [1.0, 10.0, 100.0])


def test_single_round_has_a_figure() -> None:
    """One round has no quartiles, and its ratio is all there is."""
    assert Figure(3.0, 1.5, 1.5, 1.5) == Figure.of([3.0], [2.0])


def test_page_keeps_what_is_written_by_hand() -> None:
    """Only the lines between the marks are replaced, as often as they are."""
    once = page.rewritten(f"before\n\n{page.BEGIN}\nold\n{page.END}\n\nafter\n", results("aiohttp"))

    assert once.startswith("before\n\n")
    assert once.endswith("\n\nafter\n")
    assert "old" not in once
    assert once == page.rewritten(once, results("aiohttp"))


@pytest.mark.parametrize("text", ["", page.BEGIN, f"{page.END}{page.BEGIN}"], ids=["none", "one", "reversed"])
def test_page_without_marks_is_refused(text: str) -> None:
    """A page that lost a mark is not overwritten."""
    with pytest.raises(ValueError, match="must have the lines"):
        page.rewritten(text, results("aiohttp"))


def test_client_without_a_feature_has_a_dash() -> None:
    """A client that cannot verify webhooks has a dash there, and its other figures."""
    text = page.render(results("aiohttp", "httpx", missing="verify"))

    assert ["1.25"] * 5 + [page.NONE] == row(text, "httpx")
    assert ["1.25"] * 6 == row(text, "aiohttp + orjson")


def test_client_that_reached_the_limit_says_so() -> None:
    """A burst that was given up is no dash: the client can do it, in more time."""
    assert "over 30 s" == row(page.render(results("aiohttp", "httpx", missing="burst")), "httpx")[4]


def test_clients_that_were_not_generated_are_named() -> None:
    """The page says which clients are not in it, and has no row for them."""
    text = page.render(results("aiohttp"))

    assert "could not be generated: raw asyncio, cstar_async, httpx," in text
    assert "| httpx |" not in text


def test_curve_has_a_column_for_each_size() -> None:
    """A curve shows sizes, costs in a unit that can be read, and memory where it was measured."""
    text = page.render(results("aiohttp"))

    assert "| rows iterated | 10 | 100,000 |" in text
    assert ["12 µs (40)", "1.2 ms"] == row(text, "CPU of one")


def test_stored_page_is_that_of_the_stored_results() -> None:
    """Page and picture belong to one run: `python -m bench.peers --page` has been run after the last change."""
    text = (DOCS / "performance.md").read_text(encoding="utf-8")
    stored = Results.from_json((DOCS / "performance.json").read_text(encoding="utf-8"))

    assert text == page.rewritten(text, stored)
    assert set(stored.figures["get"]) <= set(ENTRIES)


def test_picture_is_small() -> None:
    """README and site load the picture in less time than their text."""
    assert (DOCS / "performance.svg").stat().st_size < 80_000
