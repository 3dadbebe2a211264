"""Iterations over lists that do not change: what they request and what they give."""

from __future__ import annotations

import pytest

from cstar_async import InvalidArgumentError, Page, from_dict
from cstar_async.models import Ticket
from cstar_async.pagination import PageInfo
from cstar_async.pagination._checkpoint import ListKey
from cstar_async.pagination._page import linked_page
from tests.unit.lists import ServerList, ids, paginate


@pytest.mark.parametrize(("count", "requests"), [(0, 1), (1, 1), (99, 1), (100, 1), (101, 2), (250, 3), (300, 3)])
async def test_iterating_takes_a_request_for_each_hundred_items(count: int, requests: int) -> None:
    """ceil(n / 100), and one for an empty list."""
    server = ServerList(count)
    assert [f"tkt_{number:04}" for number in range(count)] == await ids(server.list())
    assert requests == len(server.requests)


async def test_awaiting_leaves_page_and_size_to_the_server() -> None:
    """What was not given is not sent."""
    server = ServerList(30)
    page = await server.list()
    assert ([(None, None)], 20, True) == (server.requests, len(page), page.has_more)


async def test_next_page_keeps_the_size() -> None:
    """It is that of the page before."""
    page = await (await ServerList(5).list(size=3)).next_page()
    assert (["tkt_0003", "tkt_0004"], False) == ([ticket.id for ticket in page], page.has_more)


async def test_page_of_an_iteration_has_a_next_page() -> None:
    """With the size of the iteration."""
    server = ServerList(250)
    async for page in server.list().pages():
        assert 100 == len(await page.next_page())
        break
    assert [(1, 100), (2, 100)] == server.requests


async def test_empty_page_is_the_last_whatever_the_server_says() -> None:
    """A server that always states more does not keep an iteration going."""

    async def fetch(number: int | None, size: int | None) -> Page[Ticket]:
        return linked_page(fetch, [], PageInfo(has_more=True), number, size)

    assert [] == await paginate(fetch).collect()
    assert (await paginate(fetch)).has_more is False


async def test_iteration_begins_at_the_given_page() -> None:
    """With the given size."""
    server = ServerList(9)
    assert 3 == len(await server.list(page=3, size=3).collect())
    assert [(3, 3)] == server.requests


@pytest.mark.parametrize(("limit", "requests"), [(0, 0), (1, 1), (3, 1), (4, 2), (99, 3)])
async def test_collect_fetches_no_page_beyond_its_limit(limit: int, requests: int) -> None:
    """A small limit takes few requests."""
    server = ServerList(9)
    assert min(limit, 9) == len(await server.list(size=3).collect(limit))
    assert requests == len(server.requests)


@pytest.mark.parametrize("limit", [-1, 1.5, "5", True])
async def test_limit_that_is_no_count_is_refused(limit: int) -> None:
    """A negative number, and other types than int."""
    with pytest.raises(InvalidArgumentError, match="limit must be an int from 0, got"):
        await ServerList(1).list().collect(limit)


@pytest.mark.parametrize(
    ("page", "size", "item", "request_"),
    [(None, None, "tkt_0000", (1, 1)), (None, 4, "tkt_0000", (1, 4)), (2, None, "tkt_0100", (2, 100)), (3, 4, "tkt_0008", (3, 4))],
)
async def test_first_item_takes_one_request(page: int | None, size: int | None, item: str, request_: tuple[int, int]) -> None:
    """It is the item that an iteration begins with. A page of one item is enough where nothing else was given."""
    server = ServerList(200)
    ticket = await server.list(page, size).first()
    assert (item, [request_]) == (ticket and ticket.id, server.requests)


async def test_first_item_of_an_empty_list_is_none() -> None:
    """An empty list is no error."""
    assert await ServerList(0).list().first() is None


async def test_items_without_an_id_are_all_yielded() -> None:
    """Items that cannot be distinguished are not dropped."""

    async def fetch(number: int | None, size: int | None) -> Page[Ticket]:
        return linked_page(fetch, [from_dict(Ticket, {}), from_dict(Ticket, {"id": []})], PageInfo(), number, size)

    assert 2 == len(await paginate(fetch).collect())


async def test_repr_shows_operation_names_of_filters_and_position() -> None:
    """The values of filters can be names of people."""
    server = ServerList(25)
    tickets = server.list(size=10, list_key=ListKey("list_tickets", "/tickets?status=open&search=Jane"))
    assert "Paginator(operation='list_tickets', filters=['status', 'search'], page=1, items=0)" == repr(tickets)
    await tickets.collect(limit=12)
    assert "Paginator(operation='list_tickets', filters=['status', 'search'], page=2, items=12)" == repr(tickets)
    assert "filters=[], page=1" in repr(server.list(list_key=ListKey("list_tags", "/tags?")))
