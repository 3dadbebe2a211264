"""Iterations over lists whose server ignores the page number, repeats itself or states a wrong total."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cstar_async import Page, PaginationError, Paginator, from_dict
from cstar_async.models import Ticket
from cstar_async.pagination import PageInfo
from cstar_async.pagination._page import linked_page
from tests.unit.lists import paginate

pytestmark = pytest.mark.usefixtures("read_ahead")


class FaultyServer:
    """A server that always states more pages."""

    def __init__(
        self, data: Callable[[int], list[dict[str, str]]], *, page: int | None = None, total: int | None = None, pages: int = 10_000
    ) -> None:
        self.data = data
        self.page = page
        self.total = total
        self.pages = pages
        self.request_count = 0

    async def fetch(self, number: int | None, size: int | None) -> Page[Ticket]:
        """Return a page."""
        self.request_count += 1
        requested = number or 1
        info = PageInfo(page=self.page, total=self.total, has_more=requested < self.pages)
        return linked_page(self.fetch, [from_dict(Ticket, item) for item in self.data(requested)], info, number, size)

    def list(self, size: int | None = None) -> Paginator[Ticket]:
        """Return the list as callers get it."""
        return paginate(self.fetch, size=size)


def without_ids(title: Callable[[int], str]) -> Callable[[int], list[dict[str, str]]]:
    """Pages of a hundred equal items without ids."""
    return lambda number: [{"title": title(number)}] * 100


@pytest.mark.parametrize("stated", [None, 1])
async def test_server_that_ignores_the_page_is_an_error(stated: int | None) -> None:
    """Whether or not it states which page it returns."""
    server = FaultyServer(lambda _: [{"id": "tkt_1"}, {"id": "tkt_2"}], page=stated)
    with pytest.raises(PaginationError):
        await server.list().collect()
    assert server.request_count <= 6


async def test_next_page_that_is_another_page_is_an_error() -> None:
    """A loop over `has_more` and `next_page()` would have no end."""
    page = await FaultyServer(lambda _: [{"id": "tkt_1"}], page=1).list()
    with pytest.raises(PaginationError, match="requested page 2, the server returned page 1"):
        await page.next_page()


async def test_server_that_repeats_its_pages_is_an_error() -> None:
    """It is noticed before it takes more requests than the iteration took."""
    server = FaultyServer(lambda number: [{"id": f"tkt_{number % 3}_{row}"} for row in range(10)])
    with pytest.raises(PaginationError, match="the list does not advance"):
        await server.list(size=10).collect()
    assert server.request_count <= 3 * (3 + 3)


async def test_same_page_of_items_without_ids_is_an_error() -> None:
    """Equal pages are recognised by their content."""
    server = FaultyServer(without_ids(lambda _: "again"))
    with pytest.raises(PaginationError, match="the list does not advance"):
        await server.list().collect()
    assert server.request_count <= 6


async def test_repeated_page_of_items_without_ids_comes_once() -> None:
    """If the page after it is another one."""
    server = FaultyServer(without_ids(lambda number: str((number + 1) // 2)), pages=6)
    assert ["1", "2", "3"] == [page[0].title async for page in server.list().pages()]


async def test_list_far_beyond_its_total_is_an_error() -> None:
    """Ever new items without ids are read only as long as the total allows for them."""
    server = FaultyServer(without_ids(str), total=500)
    with pytest.raises(PaginationError, match="the list has no end: 2100 items were read, its stated total is 500"):
        await server.list().collect()
    assert server.request_count <= 25


async def test_total_that_is_too_low_loses_no_item() -> None:
    """Totals can be out of date or estimated."""
    server = FaultyServer(without_ids(str), total=500, pages=10)
    assert 1000 == len(await server.list().collect())
