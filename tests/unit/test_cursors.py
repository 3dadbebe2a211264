"""Iterations over lists with cursors."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from cstar_async import InvalidArgumentError, Page, PaginationError, Paginator
from cstar_async.models import Ticket
from cstar_async.pagination._cursors import MAX_EMPTY_PAGES
from tests.unit.cursor_lists import CursorServer, numbers, page_of, paginate
from tests.unit.lists import ServerList


def saved(tickets: Paginator[Ticket]) -> dict[str, Any]:
    """Return the checkpoint as it comes back from a file."""
    checkpoint: dict[str, Any] = json.loads(json.dumps(tickets.checkpoint))
    return checkpoint


async def test_each_page_is_requested_at_the_cursor_of_the_one_before() -> None:
    """The first one without a cursor, and none behind the last."""
    server = CursorServer(25)
    assert server.rows == await numbers(server.list())
    assert [(None, 10), ("90", 10), ("190", 10)] == server.requests


async def test_first_page_can_be_awaited_and_leads_on() -> None:
    """With the size that was given, or none."""
    server = CursorServer(25)
    page = await server.list(size=None)
    following = await page.next_page()
    assert ([20, 5], [(None, None), ("190", None)]) == ([len(page), len(following)], server.requests)
    assert not following.has_more
    with pytest.raises(PaginationError):
        await following.next_page()


async def test_list_can_begin_at_a_cursor() -> None:
    """For an await and for an iteration."""
    server = CursorServer(25)
    assert 200 == int((await server.list(cursor="190"))[0].id[4:])
    assert server.rows[20:] == await numbers(server.list(cursor="190"))


async def test_pages_collect_and_first() -> None:
    """Every use of a paginator."""
    server = CursorServer(25)
    assert [10, 10, 5] == [len(page) async for page in server.list().pages()]
    assert 25 == len(await server.list().collect())
    server.requests.clear()
    assert 12 == len(await server.list().collect(12))
    first = await server.list(size=None).first()
    assert ("tkt_0", [(None, 10), ("90", 10), (None, 1)]) == (first and first.id, server.requests)


async def test_page_of_an_iteration_leads_on() -> None:
    """Its `next_page()` is the next page of the list."""
    async for page in CursorServer(25).list().pages():
        assert "tkt_100" == (await page.next_page())[0].id
        break


async def test_empty_page_with_a_cursor_does_not_end_the_list() -> None:
    """Servers that filter the rows of a page after they chose them send such pages."""
    server = CursorServer(25)
    server.empty_pages = 3
    assert server.rows == await numbers(server.list())
    assert server.rows[:1] == [int(ticket.id[4:]) for ticket in [await server.list(size=None).first()] if ticket]
    page: Page[Ticket] = await server.list()
    assert (0, True) == (len(page), page.has_more)


async def test_list_of_empty_pages_is_an_error_behind_which_it_can_go_on() -> None:
    """It is found after a thousand calls, and the checkpoint is behind them."""
    server = CursorServer(5)
    server.empty_pages = MAX_EMPTY_PAGES
    tickets = server.list()
    with pytest.raises(PaginationError, match=r"^1000 pages in a row are empty"):
        await tickets.collect()
    assert 1000 == len(server.requests)
    assert server.rows == await numbers(server.list().resume(saved(tickets)))


async def test_empty_pages_are_counted_from_the_last_page_with_items() -> None:
    """One page fewer than too many is read, before each page with items."""
    server = CursorServer(11)
    server.empty_pages = MAX_EMPTY_PAGES - 1
    assert server.rows == await numbers(server.list())


async def pages_until_a_cycle_is_found(length: int, *, with_ids: bool) -> int:
    """Return how many pages are read of a list whose cursors repeat from the sixth page on, before that is an error."""
    requests: list[str | None] = []

    async def fetch(cursor: str | None, size: int | None) -> Page[Ticket]:
        requests.append(cursor)
        number = int(cursor or 0)
        following = number + 1 if number < 5 + length - 1 else 5
        return page_of(fetch, [number], str(following), size, with_ids=with_ids)

    with pytest.raises(PaginationError, match=r"^the list does not advance"):
        await paginate(fetch).collect()
    return len(requests)


@pytest.mark.parametrize("length", [1, 2, 3, 7, 50])
async def test_cycle_of_cursors_is_an_error(length: int) -> None:
    """Whatever its length, and before it was read four times."""
    assert await pages_until_a_cycle_is_found(length, with_ids=True) <= 5 + 4 * length + 8


@pytest.mark.parametrize(("length", "kept"), [(2, 7), (7, 7), (9, 15), (50, 63)])
async def test_cycle_is_found_by_the_cursor_that_was_kept(length: int, kept: int) -> None:
    """The one behind the 1st, 3rd, 7th, 15th … page; items without ids do not show that they repeat."""
    assert kept + length == await pages_until_a_cycle_is_found(length, with_ids=False)


async def test_empty_page_that_names_itself_is_the_end() -> None:
    """A feed returns its last cursor again when nothing is new."""

    async def fetch(cursor: str | None, size: int | None) -> Page[Ticket]:
        return page_of(fetch, [] if cursor else [1, 2], "end", size)

    tickets = paginate(fetch)
    assert [1, 2] == await numbers(tickets)
    assert [] == await numbers(paginate(fetch).resume(saved(tickets)))


async def test_one_cursor_for_all_pages_is_followed_while_items_are_new() -> None:
    """Some servers store the position themselves."""
    pages = [[1, 2], [3, 4], [5], []]

    async def fetch(cursor: str | None, size: int | None) -> Page[Ticket]:
        return page_of(fetch, pages.pop(0), "scroll", size)

    assert [1, 2, 3, 4, 5] == await numbers(paginate(fetch))


async def test_one_cursor_with_the_same_page_is_an_error() -> None:
    """The server ignores the cursor."""

    async def fetch(cursor: str | None, size: int | None) -> Page[Ticket]:
        return page_of(fetch, [1, 2], "next", size)

    tickets = paginate(fetch)
    with pytest.raises(PaginationError):
        await tickets.collect()


@pytest.mark.parametrize("count", range(26))
async def test_iteration_continues_after_any_item(count: int) -> None:
    """In another process; the current page is read again."""
    server = CursorServer(25)
    tickets, read = server.list(), list[int]()
    iterator = aiter(tickets)
    for _ in range(count):
        read.append(int((await anext(iterator)).id[4:]))
    await iterator.aclose()
    requests = len(server.requests)
    rest = await numbers(server.list().resume(saved(tickets)))
    assert server.rows == read + rest
    assert len(server.requests) - requests <= 3


async def test_checkpoint_after_a_failure_repeats_and_loses_nothing() -> None:
    """Also of items without ids: the checkpoint belongs to the page that was read."""
    fails = [False, True, False, False]

    async def fetch(cursor: str | None, size: int | None) -> Page[Ticket]:
        if fails.pop(0):
            raise PaginationError("any error")
        return page_of(fetch, [1, 2] if cursor is None else [3, 4], None if cursor else "b", size, with_ids=False)

    tickets = paginate(fetch)
    with pytest.raises(PaginationError, match="any error"):
        await tickets.collect()
    left = [ticket.title async for ticket in paginate(fetch).resume(saved(tickets))]
    assert ["3", "4"] == left


async def test_checkpoint_of_a_list_by_number_is_refused_and_the_other_way_round() -> None:
    """The API may have changed its pages in between."""
    by_number, by_cursor = saved(ServerList(5).list()), saved(CursorServer(5).list())
    with pytest.raises(InvalidArgumentError, match="of another list"):
        CursorServer(5).list().resume(by_number)
    with pytest.raises(InvalidArgumentError, match="of another list"):
        ServerList(5).list().resume(by_cursor)


@pytest.mark.parametrize("change", [{"cursor": 5}, {"cursor": None, "page": 2}, {"page": 0}, {"cursor": ["a"]}])
async def test_damaged_checkpoint_is_refused(change: dict[str, Any]) -> None:
    """It has no cursor where it needs one, or something else."""
    with pytest.raises(InvalidArgumentError):
        CursorServer(5).list().resume(saved(CursorServer(5).list()) | change)


async def test_estimate_is_what_can_be_known() -> None:
    """Calls if the total is stated, and of the rest after `resume()`."""
    server = CursorServer(25)
    assert None is (await server.list().estimate()).calls
    server.states_total = True
    assert (3, 25) == ((estimate := await server.list().estimate()).calls, estimate.items)
    tickets = server.list()
    async for ticket in tickets:
        if ticket.id == "tkt_150":
            break
    assert 2 == (await server.list().resume(saved(tickets)).estimate()).calls


async def test_one_page_is_requested_ahead() -> None:
    """As soon as the page before has named it; `collect()` needs none."""
    server = CursorServer(35)
    iterator = aiter(server.list().prefetch(8))
    await anext(iterator)
    await asyncio.sleep(0)
    assert [(None, 10), ("90", 10)] == server.requests
    rest = [int(ticket.id[4:]) async for ticket in iterator]
    assert server.rows[1:] == rest
    assert 4 == len(server.requests)
