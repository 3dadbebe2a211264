"""The estimated cost of an iteration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cstar_async import Paginator
from cstar_async.models import Ticket
from cstar_async.pagination import IterationEstimate
from tests.unit.lists import RESETS_AT, ServerList, saved


@pytest.mark.parametrize(
    ("count", "size", "calls"), [(0, None, 1), (1, None, 1), (100, None, 1), (101, None, 2), (5000, None, 50), (25, 10, 3)]
)
async def test_estimate_is_what_the_iteration_then_takes(count: int, size: int | None, calls: int) -> None:
    """The total is requested with a page of one item."""
    server = ServerList(count)
    estimate = await server.list(size=size).estimate()
    assert [(1, 1)] == server.requests
    assert estimate == IterationEstimate(calls=calls, items=count, remaining=5, resets_at=RESETS_AT)
    server.requests.clear()
    await server.list(size=size).collect()
    assert calls == len(server.requests)


@pytest.mark.parametrize(("remaining", "fits"), [(2, False), (3, True), (4, True)])
async def test_estimate_fits_if_the_window_has_the_calls(remaining: int, *, fits: bool) -> None:
    """As many as the iteration takes are enough."""
    server = ServerList(25)
    server.remaining = remaining
    assert fits is (await server.list(size=10).estimate()).fits


def test_estimate_without_a_known_limit_does_not_say_that_it_fits() -> None:
    """It may."""
    estimate = IterationEstimate(calls=1, items=3, remaining=None, resets_at=None)
    assert estimate.fits is None


@pytest.mark.parametrize("use", [lambda tickets: tickets, lambda tickets: tickets.collect(limit=1)])
async def test_estimate_after_a_page_takes_no_request(use: Callable[[Paginator[Ticket]], Any]) -> None:
    """That page has stated the total."""
    server = ServerList(25)
    tickets = server.list(size=10)
    await use(tickets)
    assert 3 == (await tickets.estimate()).calls
    assert 1 == len(server.requests)


@pytest.mark.parametrize(("count", "calls"), [(1, 3), (10, 3), (11, 2), (24, 1)])
async def test_estimate_of_a_resumed_iteration_is_of_the_rest(count: int, calls: int) -> None:
    """The current page is read again."""
    server = ServerList(25)
    resumed = server.list().resume(saved(await server.iterate(count)))
    assert calls == (await resumed.estimate()).calls
    server.requests.clear()
    await resumed.collect()
    assert calls == len(server.requests)


async def test_estimate_of_a_finished_iteration_is_no_call() -> None:
    """And takes none."""
    server = ServerList(25)
    finished = server.list().resume(saved(await server.iterate(0)))
    estimate = await finished.estimate()
    assert (0, True, []) == (estimate.calls, estimate.fits, server.requests)


async def test_estimate_from_a_later_page_leaves_out_the_pages_before() -> None:
    """It is never less than the one call that finds no page."""
    server = ServerList(25)
    assert [2, 1] == [(await server.list(page=page, size=10).estimate()).calls for page in (2, 9)]


async def test_estimate_without_a_total_is_unknown() -> None:
    """It is not guessed."""
    server = ServerList(25)
    server.states_total = False
    estimate = await server.list().estimate()
    assert (None, None, None) == (estimate.calls, estimate.items, estimate.fits)
