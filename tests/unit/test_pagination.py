"""Walks over lists that stand still, move, or are served wrongly."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cstar_async import InvalidArgumentError, Page, PaginationError, Paginator, from_dict
from cstar_async._types import PageInfo
from cstar_async.models import Ticket
from cstar_async.pagination._checkpoint import ListKey
from cstar_async.pagination._page import FetchPage, linked_page


def paginator(
    fetch: FetchPage[Ticket], *, first: int | None = None, size: int | None = None, filters: str = ""
) -> Paginator[Ticket]:
    """A list as callers have it."""
    return Paginator(
        fetch, first_page=first, page_size=size, list_key=ListKey("list_tickets", filters), read_quota=lambda: (7, None)
    )


class Table:
    """A list on a server, and what happens to it after each page."""

    def __init__(self, count: int, *moves: Callable[[list[str]], None]) -> None:
        self.rows = [f"tkt_{number:04}" for number in range(count)]
        self.moves = list(moves)
        self.asked: list[tuple[int | None, int | None]] = []

    async def fetch(self, number: int | None, size: int | None) -> Page[Ticket]:
        """One page as the list stands now."""
        self.asked.append((number, size))
        page, rows = number or 1, size or 20
        data = [from_dict(Ticket, {"id": row}) for row in self.rows[(page - 1) * rows : page * rows]]
        stated = PageInfo(total=len(self.rows), page=page, page_size=rows, has_more=page * rows < len(self.rows))
        if self.moves:
            self.moves.pop(0)(self.rows)
        return linked_page(self.fetch, data, stated, number, size)

    def walk(self, first: int | None = None, size: int | None = None) -> Paginator[Ticket]:
        """The list as callers have it."""
        return paginator(self.fetch, first=first, size=size)

    async def ids(self, size: int | None = None) -> list[str]:
        """What a walk hands out."""
        return [ticket.id async for ticket in self.walk(size=size)]


def delete(index: int) -> Callable[[list[str]], None]:
    """A row goes."""
    return lambda rows: rows.__delitem__(index)


def insert(index: int) -> Callable[[list[str]], None]:
    """A row comes."""
    return lambda rows: rows.insert(index, f"new_{len(rows)}")


@pytest.mark.parametrize(("count", "calls"), [(0, 1), (1, 1), (99, 1), (100, 1), (101, 2), (250, 3), (300, 3)])
async def test_still_rows_cost_a_call_for_each_hundred(count: int, calls: int) -> None:
    """ceil(n / 100), and one for an empty list."""
    table = Table(count)
    assert [f"tkt_{number:04}" for number in range(count)] == await table.ids()
    assert calls == len(table.asked)


async def test_awaiting_a_list_leaves_page_and_size_to_the_server() -> None:
    """What was not given is not sent."""
    table = Table(30)
    page = await table.walk()
    assert ([(None, None)], 20, True) == (table.asked, len(page), page.has_more)


async def test_next_page_keeps_the_size() -> None:
    """The way to the next page is known to the page."""
    table = Table(5)
    page = await (await table.walk(size=3)).next_page()
    assert (["tkt_0003", "tkt_0004"], False) == ([ticket.id for ticket in page], page.has_more)


async def test_next_page_after_the_last_is_an_error() -> None:
    """Nothing is asked for in vain."""
    page = await Table(5).walk()
    with pytest.raises(PaginationError):
        await page.next_page()


async def test_empty_page_is_the_last_whatever_it_says() -> None:
    """A server that always promises more is not believed."""

    async def fetch(number: int | None, size: int | None) -> Page[Ticket]:
        return linked_page(fetch, [], PageInfo(has_more=True), number, size)

    assert [] == await paginator(fetch).collect()
    assert (await paginator(fetch)).has_more is False


async def test_row_deleted_behind_the_walk_costs_no_other_row() -> None:
    """The row that slid over the border is read again."""
    table = Table(9, delete(0))
    ids = await table.ids(3)
    assert [f"tkt_{number:04}" for number in range(9)] == sorted(ids)


async def test_deletion_that_empties_the_last_page_costs_no_row() -> None:
    """The only row of the last page slid onto the page before, so that page is read again."""
    table = Table(4, delete(0))
    assert ["tkt_0000", "tkt_0001", "tkt_0002", "tkt_0003"] == await table.ids(3)


async def test_several_pages_deleted_behind_the_walk_cost_no_row() -> None:
    """The walk looks back as far as rows are new."""

    def shrink(rows: list[str]) -> None:
        del rows[:4]

    table = Table(20, lambda _: None, lambda _: None, shrink)
    ids = await table.ids(2)
    assert (20, 20) == (len(ids), len(set(ids)))


async def test_row_inserted_before_the_walk_repeats_none() -> None:
    """The row pushed over the border is left out the second time."""
    table = Table(9, insert(0), insert(0))
    ids = await table.ids(3)
    assert len(ids) == len(set(ids))
    assert {f"tkt_{number:04}" for number in range(9)} <= set(ids)


async def test_pages_pushed_on_as_a_whole_are_no_sign_of_a_list_that_does_not_advance() -> None:
    """The total says how many rows came, so as many pages may bring nothing new."""

    def grow(rows: list[str]) -> None:
        rows[:0] = [f"new_{number}" for number in range(25)]

    table = Table(60, *[lambda _: None] * 3, grow)
    ids = await table.ids(10)
    assert [f"tkt_{number:04}" for number in range(60)] == [row for row in ids if row.startswith("tkt_")]


async def test_rows_pushed_on_while_others_went_are_no_sign_of_a_list_that_does_not_advance() -> None:
    """The total stays nearly the same, and yet several pages bring only rows that were handed out."""

    def exchange(rows: list[str]) -> None:
        rows[:0] = [f"new_{number}" for number in range(25)]
        del rows[-24:]

    table = Table(90, *[lambda _: None] * 3, exchange)
    ids = await table.ids(10)
    assert [f"tkt_{number:04}" for number in range(66)] == [row for row in ids if row.startswith("tkt_")]


async def test_server_that_goes_round_in_circles_ends_in_an_error() -> None:
    """The same pages again, in order and for ever, are noticed before they cost more calls than the walk made."""
    calls = 0

    async def fetch(number: int | None, size: int | None) -> Page[Ticket]:
        nonlocal calls
        calls += 1
        rows = [from_dict(Ticket, {"id": f"tkt_{(number or 1) % 3}_{row}"}) for row in range(10)]
        return linked_page(fetch, rows, PageInfo(has_more=True), number, size)

    with pytest.raises(PaginationError):
        await paginator(fetch, size=10).collect()
    assert calls <= 3 * (3 + 3)


async def test_row_that_comes_again_reveals_what_slid_for_it() -> None:
    """The total stays the same when a row changes its place, but on the next page it is known."""

    def move(rows: list[str]) -> None:
        rows.insert(5, rows.pop(0))

    table = Table(9, move)
    assert [f"tkt_{number:04}" for number in range(9)] == sorted(await table.ids(3))


async def test_look_back_goes_on_to_a_page_that_begins_with_an_old_row() -> None:
    """A row sorted anew in the midst of those that slid does not end it."""

    def shuffle(rows: list[str]) -> None:
        rows[:] = [f"tkt_{number:04}" for number in (2, 3, 4, 6, 7, 5, 8, 9)]

    table = Table(10, lambda _: None, lambda _: None, shuffle)
    assert [f"tkt_{number:04}" for number in range(10)] == sorted(await table.ids(2))


async def test_rows_pushed_back_while_the_walk_looks_for_them_are_found() -> None:
    """Two rows slid off the last page and came back to it, before the walk looked at the page before."""

    def shrink(rows: list[str]) -> None:
        del rows[:2]

    def grow(rows: list[str]) -> None:
        rows[:0] = ["new_1", "new_2"]

    table = Table(6, lambda _: None, shrink, grow)
    assert [f"tkt_{number:04}" for number in range(6)] == await table.ids(2)


async def test_list_that_changes_with_every_answer_is_walked_to_its_end() -> None:
    """The walk follows it for three looks a page, and then goes on."""
    table = Table(30, *[insert(0)] * 1000)
    ids = await table.ids(10)
    assert {f"tkt_{number:04}" for number in range(30)} <= set(ids)
    assert len(ids) == len(set(ids))


async def test_list_sorted_anew_between_pages_repeats_no_row() -> None:
    """Whatever the order becomes."""
    table = Table(9, list.reverse, list.sort, list.reverse)
    ids = await table.ids(3)
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("stated", [None, 1])
async def test_server_that_ignores_the_page_ends_in_an_error(stated: int | None) -> None:
    """The same page for ever is noticed, whether or not the server says which it is."""
    rows = [from_dict(Ticket, {"id": "tkt_1"}), from_dict(Ticket, {"id": "tkt_2"})]
    calls = 0

    async def fetch(number: int | None, size: int | None) -> Page[Ticket]:
        nonlocal calls
        calls += 1
        return linked_page(fetch, list(rows), PageInfo(page=stated, has_more=True), number, size)

    with pytest.raises(PaginationError):
        await paginator(fetch).collect()
    assert calls <= 6


async def test_walk_begins_at_the_given_page_and_size() -> None:
    """And looks back no further than it began."""
    table = Table(9)
    assert 3 == len(await table.walk(first=3, size=3).collect())
    assert [(3, 3)] == table.asked


@pytest.mark.parametrize(("limit", "calls"), [(0, 0), (1, 1), (3, 1), (4, 2), (99, 3)])
async def test_collect_fetches_no_page_beyond_its_limit(limit: int, calls: int) -> None:
    """A limit costs what it gives."""
    table = Table(9)
    assert min(limit, 9) == len(await table.walk(size=3).collect(limit))
    assert calls == len(table.asked)


@pytest.mark.parametrize("limit", [-1, 1.5, "5", True])
async def test_collect_with_a_limit_that_counts_nothing_is_refused(limit: int) -> None:
    """Below nothing, and what is no whole number."""
    with pytest.raises(InvalidArgumentError):
        await Table(1).walk().collect(limit)


@pytest.mark.parametrize(
    ("first", "size", "item", "asked"),
    [(None, None, "tkt_0000", (1, 1)), (None, 4, "tkt_0000", (1, 4)), (2, None, "tkt_0100", (2, 100)), (3, 4, "tkt_0008", (3, 4))],
)
async def test_first_item_takes_one_request(first: int | None, size: int | None, item: str, asked: tuple[int, int]) -> None:
    """It is the item that an iteration begins with; a page of one item is enough where nothing else was given."""
    table = Table(200)
    ticket = await table.walk(first, size).first()
    assert (item, [asked]) == (ticket and ticket.id, table.asked)


async def test_first_item_of_an_empty_list_is_none() -> None:
    """There is nothing to raise for."""
    assert await Table(0).walk().first() is None


async def test_first_item_of_a_resumed_list_is_the_next_one() -> None:
    """The page at the checkpoint is read again, and the checkpoint stays."""
    table = Table(9)
    begun = table.walk(size=4)
    await begun.collect(limit=5)
    resumed = table.walk().resume(begun.checkpoint)
    ticket = await resumed.first()
    assert ("tkt_0005", begun.checkpoint) == (ticket and ticket.id, resumed.checkpoint)


async def test_first_item_of_a_list_read_to_its_end_is_none() -> None:
    """Nothing is requested."""
    table = Table(9)
    begun = table.walk()
    await begun.collect()
    table.asked.clear()
    assert (None, []) == (await table.walk().resume(begun.checkpoint).first(), table.asked)


async def test_rows_without_an_id_are_all_handed_out() -> None:
    """What cannot be told apart is not dropped."""

    async def fetch(number: int | None, size: int | None) -> Page[Ticket]:
        rows = [from_dict(Ticket, {}), from_dict(Ticket, {"id": []})]
        return linked_page(fetch, rows, PageInfo(), number, size)

    assert 2 == len(await paginator(fetch).collect())


class Nameless:
    """A server of rows without ids, which says of its pages what a test wants and always promises more."""

    def __init__(self, row: Callable[[int], dict[str, str]], *, total: int | None = None, pages: int = 10_000) -> None:
        self.row = row
        self.total = total
        self.pages = pages
        self.calls = 0

    async def fetch(self, number: int | None, size: int | None) -> Page[Ticket]:
        """A full page."""
        self.calls += 1
        asked = number or 1
        data = [from_dict(Ticket, self.row(asked)) for _ in range(size or 20)]
        return linked_page(self.fetch, data, PageInfo(total=self.total, has_more=asked < self.pages), number, size)

    def walk(self) -> Paginator[Ticket]:
        """The list as callers have it."""
        return paginator(self.fetch)


async def test_rows_without_ids_that_never_change_end_in_an_error() -> None:
    """A server that ignores the page and does not say which it answers is not walked for ever."""
    server = Nameless(lambda _: {"title": "again"})
    with pytest.raises(PaginationError):
        await server.walk().collect()
    assert server.calls <= 6


async def test_page_over_again_is_handed_out_once() -> None:
    """Rows without ids come once, too, when the page as a whole can be recognised."""
    server = Nameless(lambda asked: {"title": str((asked + 1) // 2)}, pages=6)
    assert ["1", "2", "3"] == [page.data[0].title async for page in server.walk().pages()]


async def test_list_that_goes_far_beyond_its_total_ends_in_an_error() -> None:
    """Ever new rows without ids are believed only as long as the total allows for them."""
    server = Nameless(lambda asked: {"title": str(asked)}, total=500)
    with pytest.raises(PaginationError, match="500"):
        await server.walk().collect()
    assert server.calls <= 25


async def test_total_that_is_somewhat_wrong_costs_no_row() -> None:
    """Counts may be old or estimated."""
    server = Nameless(lambda asked: {"title": str(asked)}, total=500, pages=10)
    assert 1000 == len(await server.walk().collect())


async def test_total_that_falls_while_the_list_is_walked_is_no_error() -> None:
    """A walk may have read more rows than are left, if rows went."""

    def shrink(rows: list[str]) -> None:
        del rows[1:]

    table = Table(3000, *[lambda _: None] * 28, shrink)
    assert 2900 <= len(await table.ids())


async def test_rows_without_ids_are_handed_out_once_when_the_total_changes() -> None:
    """A page that is read again brings only rows that can be told to be new."""
    total = 40

    async def fetch(number: int | None, size: int | None) -> Page[Ticket]:
        nonlocal total
        total += 1
        asked = number or 1
        rows = [from_dict(Ticket, {"title": f"{asked}/{row}"}) for row in range(10)]
        return linked_page(fetch, rows, PageInfo(total=total, has_more=asked < 4), number, size)

    titles = [ticket.title async for ticket in paginator(fetch, size=10)]
    assert [f"{page}/{row}" for page in range(1, 5) for row in range(10)] == titles


async def test_next_page_that_is_not_the_next_is_an_error() -> None:
    """Or a loop over has_more and next_page() would never end."""

    async def fetch(number: int | None, size: int | None) -> Page[Ticket]:
        rows = [from_dict(Ticket, {"id": "tkt_1"})]
        return linked_page(fetch, rows, PageInfo(page=1, has_more=True), number, size)

    page = await paginator(fetch)
    with pytest.raises(PaginationError):
        await page.next_page()


async def test_repr_of_a_page_shows_no_row() -> None:
    """Rows belong to people."""
    page = await Table(2).walk()
    assert "tkt_" not in repr(page)
