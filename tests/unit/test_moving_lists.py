"""Iterations over lists that change between two responses."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cstar_async import Page, from_dict
from cstar_async.models import Ticket
from cstar_async.pagination import PageInfo
from cstar_async.pagination._page import linked_page
from tests.unit.lists import ServerList, ids, paginate

pytestmark = pytest.mark.usefixtures("read_ahead")


def keep(rows: list[str]) -> None:
    """Change nothing."""


def delete(index: int) -> Callable[[list[str]], None]:
    """Remove a row."""
    return lambda rows: rows.__delitem__(index)


def insert(index: int) -> Callable[[list[str]], None]:
    """Add a row."""
    return lambda rows: rows.insert(index, f"new_{len(rows)}")


def numbered(count: int) -> list[str]:
    """The ids that a list begins with."""
    return [f"tkt_{number:04}" for number in range(count)]


async def test_deletion_before_the_position_loses_no_other_item() -> None:
    """The item that shifted across the border of two pages is read again."""
    assert numbered(9) == sorted(await ids(ServerList(9, delete(0)).list(size=3)))


async def test_deletion_that_empties_the_last_page_loses_no_item() -> None:
    """The only item of the last page shifted onto the page before, so that page is read again."""
    assert numbered(4) == await ids(ServerList(4, delete(0)).list(size=3))


async def test_deletion_of_several_pages_loses_no_item() -> None:
    """Pages are read again as far back as they have unseen items."""

    def shrink(rows: list[str]) -> None:
        del rows[:4]

    found = await ids(ServerList(20, keep, keep, shrink).list(size=2))
    assert (20, 20) == (len(found), len(set(found)))


async def test_insertion_before_the_position_repeats_no_item() -> None:
    """The item that was pushed across the border is left out the second time."""
    found = await ids(ServerList(9, insert(0), insert(0)).list(size=3))
    assert len(found) == len(set(found))
    assert set(numbered(9)) <= set(found)


async def test_insertion_of_whole_pages_does_not_end_the_iteration() -> None:
    """The total states how many items were added, so as many pages may have no new item."""

    def grow(rows: list[str]) -> None:
        rows[:0] = [f"new_{number}" for number in range(25)]

    found = await ids(ServerList(60, keep, keep, keep, grow).list(size=10))
    assert numbered(60) == [row for row in found if row.startswith("tkt_")]


async def test_insertion_with_as_many_deletions_does_not_end_the_iteration() -> None:
    """The total stays nearly the same, and yet several pages have only yielded items."""

    def exchange(rows: list[str]) -> None:
        rows[:0] = [f"new_{number}" for number in range(25)]
        del rows[-24:]

    found = await ids(ServerList(90, keep, keep, keep, exchange).list(size=10))
    assert numbered(66) == [row for row in found if row.startswith("tkt_")]


async def test_repeated_item_reveals_the_item_that_shifted_for_it() -> None:
    """The total stays the same when an item changes its place, but the item is seen again on the next page."""

    def move(rows: list[str]) -> None:
        rows.insert(5, rows.pop(0))

    assert numbered(9) == sorted(await ids(ServerList(9, move).list(size=3)))


async def test_rereading_continues_to_a_page_that_begins_with_an_old_item() -> None:
    """An item that was sorted differently, among the shifted ones, does not end it."""

    def shuffle(rows: list[str]) -> None:
        rows[:] = [f"tkt_{number:04}" for number in (2, 3, 4, 6, 7, 5, 8, 9)]

    assert numbered(10) == sorted(await ids(ServerList(10, keep, keep, shuffle).list(size=2)))


async def test_items_pushed_back_while_pages_are_read_again_are_found() -> None:
    """Two items shifted off the last page and came back to it, before the page before was read again."""

    def shrink(rows: list[str]) -> None:
        del rows[:2]

    def grow(rows: list[str]) -> None:
        rows[:0] = ["new_1", "new_2"]

    assert numbered(6) == await ids(ServerList(6, keep, shrink, grow).list(size=2))


async def test_list_that_changes_with_every_response_is_read_to_its_end() -> None:
    """Pages are read again three times at most."""
    found = await ids(ServerList(30, *[insert(0)] * 1000).list(size=10))
    assert set(numbered(30)) <= set(found)
    assert len(found) == len(set(found))


async def test_list_that_is_sorted_differently_repeats_no_item() -> None:
    """In whatever order the items are then."""
    found = await ids(ServerList(9, list.reverse, list.sort, list.reverse).list(size=3))
    assert len(found) == len(set(found))


async def test_total_that_falls_is_no_error() -> None:
    """More items may have been read than are left."""

    def shrink(rows: list[str]) -> None:
        del rows[1:]

    assert 2900 <= len(await ids(ServerList(3000, *[keep] * 28, shrink).list()))


async def test_items_without_ids_come_once_when_the_total_changes() -> None:
    """A page that is read again has no item without an id that is known to be new."""
    total = 40

    async def fetch(number: int | None, size: int | None) -> Page[Ticket]:
        nonlocal total
        total += 1
        page = number or 1
        data = [from_dict(Ticket, {"title": f"{page}/{row}"}) for row in range(10)]
        return linked_page(fetch, data, PageInfo(total=total, has_more=page < 4), number, size)

    titles = [ticket.title async for ticket in paginate(fetch, size=10)]
    assert [f"{page}/{row}" for page in range(1, 5) for row in range(10)] == titles
