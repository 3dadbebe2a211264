"""Pages that are requested ahead of the reader: how many, which, and what the reader gets of them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from cstar_async import InvalidArgumentError, Page, RateLimitWaitError, ServerError, from_dict
from cstar_async.models import Ticket
from cstar_async.pagination import PageInfo
from cstar_async.pagination._page import linked_page
from tests.unit.lists import RESETS_AT, HeldServer, ServerList, ids, paginate, run_until_idle, saved

REFUSED = RateLimitWaitError("the rate limit is used up", retry_at=RESETS_AT, wait=100.0)


@pytest.mark.parametrize("n", [0, 1, 3, 8, 100])
@pytest.mark.parametrize(("count", "requests"), [(0, 1), (1, 1), (10, 1), (11, 2), (20, 2), (95, 10), (100, 10)])
async def test_reading_ahead_takes_as_many_requests_as_without(count: int, requests: int, n: int) -> None:
    """The first page states how many pages there are, and no page comes after the last."""
    server = ServerList(count)
    assert server.rows == await ids(server.list(size=10).prefetch(n))
    assert [(number, 10) for number in range(1, requests + 1)] == sorted(server.requests)


@pytest.mark.parametrize(("n", "expected"), [(0, 1), (1, 1), (2, 2), (5, 5), (50, 9)])
async def test_at_most_n_pages_are_in_flight(n: int, expected: int) -> None:
    """The first page alone, and then as many as there are pages."""
    server = HeldServer(100)
    reader = asyncio.create_task(ids(server.list(size=10).prefetch(n)))
    await run_until_idle()
    assert [1] == server.waiting
    server.respond(1)
    await run_until_idle()
    assert list(range(2, 2 + expected)) == server.waiting
    await server.respond_to_all(reader)
    assert server.rows == reader.result()
    assert expected == server.max_in_flight


async def test_complete_pages_count_too() -> None:
    """A reader that takes no item holds the memory of n pages, and of its own."""
    server = HeldServer(100)
    tickets = server.list(size=10).prefetch(3).pages()
    first = asyncio.create_task(anext(tickets))
    await run_until_idle()
    server.respond(1)
    await run_until_idle()
    for number in (2, 3, 4):
        server.respond(number)
    await run_until_idle()
    assert (10, []) == (len(first.result()), server.waiting)
    assert 10 == len(await anext(tickets))
    await run_until_idle()
    assert [5] == server.waiting
    await tickets.aclose()


@pytest.mark.parametrize("order", [(2, 3, 4), (4, 3, 2), (3, 4, 2)])
async def test_items_come_in_order_whatever_the_order_of_responses(order: tuple[int, ...]) -> None:
    """A page that came early waits for those before it."""
    server = HeldServer(40)
    reader = asyncio.create_task(ids(server.list(size=10).prefetch(3)))
    for number in (1, *order):
        await run_until_idle()
        server.respond(number)
    assert server.rows == await reader


async def test_list_without_a_total_is_read_one_page_ahead() -> None:
    """Only the page before states that there is another one."""
    server = HeldServer(40)
    server.states_total = False
    reader = asyncio.create_task(ids(server.list(size=10).prefetch(8)))
    await server.respond_to_all(reader)
    assert (server.rows, 1, 4) == (reader.result(), server.max_in_flight, len(server.requests))


async def test_list_with_a_capped_size_is_read_ahead() -> None:
    """The server returns four items a page, whatever was requested, and does not state it."""
    server, requested = ServerList(30), list[int | None]()

    async def fetch(number: int | None, size: int | None) -> Page[Ticket]:
        requested.append(number)
        page = await server.fetch(number, 4)
        return Page(page.data, PageInfo(total=page.total, page=page.info.page, has_more=page.has_more))

    assert server.rows == await ids(paginate(fetch).prefetch(5))
    assert [1, 2, 3, 4, 5, 6, 7, 8] == sorted(number or 0 for number in requested)


@pytest.mark.parametrize("total", [0, 7, 20, 31])
async def test_wrong_total_loses_no_item(total: int) -> None:
    """It is too low, or too high by less than a page."""
    server = ServerList(30)

    async def fetch(number: int | None, size: int | None) -> Page[Ticket]:
        page = await server.fetch(number, size)
        return linked_page(fetch, page.data, PageInfo(total=total, page=number, has_more=page.has_more), number, size)

    assert server.rows == await ids(paginate(fetch, size=10).prefetch(8))
    assert 3 == len(server.requests) - (total > 30)


@pytest.mark.parametrize(("limit", "requests"), [(0, 0), (1, 1), (10, 1), (11, 2), (35, 4), (40, 4), (41, 5), (99, 10), (None, 10)])
@pytest.mark.parametrize("n", [None, 0, 1, 50])
async def test_collect_requests_no_page_beyond_its_limit(limit: int | None, requests: int, n: int | None) -> None:
    """However many pages it reads ahead."""
    server = ServerList(100)
    tickets = server.list(size=10) if n is None else server.list(size=10).prefetch(n)
    assert server.rows[:limit] == [ticket.id for ticket in await tickets.collect(limit)]
    assert requests == len(server.requests)


@pytest.mark.parametrize(("n", "expected"), [(None, 8), (0, 1), (3, 3)])
async def test_collect_reads_ahead_by_itself(n: int | None, expected: int) -> None:
    """Eight pages, or what was given."""
    server = HeldServer(200)
    tickets = server.list(size=10) if n is None else server.list(size=10).prefetch(n)
    reader = asyncio.create_task(tickets.collect())
    await server.respond_to_all(reader)
    assert (200, expected, 20) == (len(reader.result()), server.max_in_flight, len(server.requests))


async def test_error_comes_after_the_items_before_it() -> None:
    """Although it happened before they were read. No page is requested after it."""
    server, seen = HeldServer(100), list[str]()

    async def iterate() -> None:
        async for ticket in server.list(size=10).prefetch(3):
            seen.append(ticket.id)
            await run_until_idle()

    reader = asyncio.create_task(iterate())
    await run_until_idle()
    server.respond(1)
    await run_until_idle()
    server.fail(3, ServerError("Internal", status=500))
    await run_until_idle()
    server.respond(2)
    with pytest.raises(ServerError):
        await reader
    assert (server.rows[:20], [1, 2, 3, 4], []) == (seen, [number for number, _ in server.requests], server.waiting)


async def test_page_that_had_to_wait_for_the_limit_is_requested_again() -> None:
    """The next window may have begun when the reader comes to it."""
    server, seen = HeldServer(60), list[str]()

    async def iterate() -> None:
        async for ticket in server.list(size=10).prefetch(3):
            seen.append(ticket.id)

    reader = asyncio.create_task(iterate())
    await run_until_idle()
    server.respond(1)
    await run_until_idle()
    for number in (2, 3, 4):
        server.fail(number, REFUSED)
    await run_until_idle()
    assert [2] == server.waiting
    await server.respond_to_all(reader)
    await reader
    assert server.rows == seen


async def test_rate_limit_that_still_holds_is_an_error() -> None:
    """At the page that it was an error for."""
    server = HeldServer(60)
    tickets = server.list(size=10).prefetch(3)
    reader = asyncio.create_task(ids(tickets))
    await run_until_idle()
    server.respond(1)
    for _ in range(2):
        await run_until_idle()
        for number in list(server.waiting):
            server.fail(number, REFUSED)
    with pytest.raises(RateLimitWaitError):
        await reader
    assert (1, 10, 5) == (saved(tickets)["page"], saved(tickets)["items"], len(server.requests))


@pytest.mark.parametrize("n", [-1, 1.5, "5", True, None])
async def test_number_of_pages_that_is_no_count_is_refused(n: Any) -> None:
    """A negative number, and other types than int."""
    with pytest.raises(InvalidArgumentError, match="n must be an int from 0, got"):
        ServerList(1).list().prefetch(n)


async def test_prefetching_has_the_checkpoint_of_its_list() -> None:
    """Code that saves the checkpoint of the list, inside a loop that reads ahead, saves the position of the loop."""
    server = ServerList(25)
    tickets = server.list(size=10)
    async for ticket in tickets.prefetch(2):
        if ticket.id == "tkt_0012":
            break
    assert server.rows[13:] == await ids(server.list().resume(saved(tickets)))
    server.requests.clear()
    assert 3 == (await tickets.estimate()).calls
    assert [] == server.requests


@pytest.mark.parametrize("count", range(1, 26))
async def test_resumed_iteration_reads_ahead(count: int) -> None:
    """After any item, in either order of the methods, with the same requests as without."""
    server = ServerList(25)
    checkpoint = saved(await server.iterate(count))
    for tickets in (server.list().prefetch(3).resume(checkpoint), server.list().resume(checkpoint).prefetch(3)):
        server.requests.clear()
        calls = (await tickets.estimate()).calls
        server.requests.clear()
        assert server.rows[count:] == await ids(tickets)
        assert calls == len(server.requests)


async def test_first_item_and_first_page_are_read_without_others() -> None:
    """They need one page."""
    server = ServerList(200)
    tickets = server.list().prefetch(8)
    first = await tickets.first()
    assert ("tkt_0000", 20) == (first and first.id, len(await tickets))
    await run_until_idle()
    assert [(1, 1), (None, None)] == server.requests


async def test_list_of_one_page_is_read_once() -> None:
    """A list that the API does not page states no other page."""
    requests = list[int | None]()

    async def fetch(number: int | None, _: int | None) -> Page[Ticket]:
        requests.append(number)
        return Page([from_dict(Ticket, {"id": "tkt_1"})])

    assert ["tkt_1"] == await ids(paginate(fetch).prefetch(8))
    assert [1] == requests
