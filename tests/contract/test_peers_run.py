"""Run the comparison with the clients that the development environment has: small counts, and only whether it works."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bench.peers import growth
from bench.peers.processes import Urls, Worker, serving
from bench.peers.registry import BASE, OURS
from bench.peers.rounds import compare_starts

pytestmark = pytest.mark.soak
CLIENTS = ("asyncio", BASE, OURS, "httpx")


@pytest.fixture(scope="module")
def urls() -> Iterator[Urls]:
    """Run the server."""
    with serving() as found:
        yield found


@pytest.mark.parametrize("key", CLIENTS)
def test_client_does_all_work(key: str, urls: Urls) -> None:
    """A client measures calls, pages and memory. It raises if it does not read every row of the list of 50 pages."""
    worker = Worker(key, urls)
    try:
        replies = {work: worker.run(work, 1) for work in ("get", "post", "page", "rows", "memory", "verify")}
    finally:
        worker.close()

    assert all((replies[work]["seconds"] or 0) > 0 for work in ("get", "post", "page", "rows"))
    assert (replies["memory"]["after"] or 0) > 1
    assert (key in {BASE, OURS}) == (replies["verify"]["seconds"] is not None)


def test_burst_that_takes_too_long_is_given_up(urls: Urls) -> None:
    """A client that needs longer than the limit is killed, so that one slow pool cannot hold up a run."""
    worker = Worker("httpx", urls)
    with pytest.raises(TimeoutError):
        worker.run("get", 1, 5_000, limit=0.1)
    worker.close()


def test_starts_are_compared(urls: Urls) -> None:
    """New processes import a library, and get one object with it. The ratio of the base to itself is 1."""
    figures = compare_starts([BASE, OURS], urls, 1)

    assert {1.0} == {figures[name][BASE].ratio for name in ("import", "first")}
    assert figures["import"][OURS].value > 0


def test_curves_have_their_sizes(urls: Urls, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each curve has a point for each size, with a cost."""
    monkeypatch.setattr(growth, "SIZES", dict.fromkeys(growth.SIZES, (1, 5)))
    monkeypatch.setattr(growth, "PROCESSES", (1, 2))
    monkeypatch.setattr(growth, "OPERATIONS", (3, 7))
    curves = growth.curves(urls, is_quick=False)

    assert {2} == {len(points) for points in curves.values()}
    assert all(point.cost > 0 for points in curves.values() for point in points)


@pytest.mark.parametrize("count", [1, 5, 7])
def test_document_has_as_many_operations_as_asked(count: int) -> None:
    """A document for the curve of the generator has the stated number of operations."""
    paths = growth.document(count)["paths"]

    assert isinstance(paths, dict)
    assert count == sum(len(operations) for operations in paths.values())
