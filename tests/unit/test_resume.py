"""Iterations that are resumed from a checkpoint, by another process and after the list has changed."""

from __future__ import annotations

import pytest

from cstar_async import Page, Paginator, from_dict
from cstar_async.models import Ticket
from cstar_async.pagination import PageInfo
from cstar_async.pagination._checkpoint import MAX_REMEMBERED_IDS
from cstar_async.pagination._page import linked_page
from tests.unit.lists import ServerList, ids, paginate, saved

pytestmark = pytest.mark.usefixtures("read_ahead")


@pytest.mark.parametrize("count", range(1, 26))
async def test_resumed_iteration_yields_the_other_items(count: int) -> None:
    """After any item, within a page or at its end."""
    server = ServerList(25)
    checkpoint = saved(await server.iterate(count))
    assert server.rows[count:] == await ids(server.list(size=10).resume(checkpoint))


@pytest.mark.parametrize(("count", "pages"), [(1, [1, 2, 3]), (10, [1, 2, 3]), (11, [2, 3]), (24, [3])])
async def test_resuming_reads_the_current_page_again(count: int, pages: list[int]) -> None:
    """And no other."""
    server = ServerList(25)
    checkpoint = saved(await server.iterate(count))
    await ids(server.list().resume(checkpoint))
    assert [(page, 10) for page in pages] == server.requests


async def test_checkpoint_before_an_iteration_is_its_beginning() -> None:
    """Nothing is missing."""
    server = ServerList(25)
    assert server.rows == await ids(server.list().resume(saved(server.list())))


async def test_checkpoint_after_an_iteration_leaves_nothing() -> None:
    """Not even a request."""
    server = ServerList(25)
    finished = await server.iterate(0)
    assert saved(finished)["is_done"] is True
    assert [] == await ids(server.list().resume(saved(finished)))
    assert (None, []) == (await server.list().resume(saved(finished)).first(), server.requests)


async def test_checkpoint_of_a_resumed_list_is_the_given_one() -> None:
    """Until an item is yielded."""
    server = ServerList(25)
    checkpoint = saved(await server.iterate(13))
    assert checkpoint == saved(server.list().resume(checkpoint))


async def test_first_item_of_a_resumed_list_is_the_next_one() -> None:
    """The checkpoint does not change."""
    server = ServerList(9)
    checkpoint = saved(await server.iterate(5, size=4))
    resumed = server.list().resume(checkpoint)
    ticket = await resumed.first()
    assert ("tkt_0005", checkpoint) == (ticket and ticket.id, saved(resumed))


async def test_yielded_page_counts_with_all_its_items() -> None:
    """Code that iterates over pages saves checkpoints after pages."""
    server = ServerList(25)
    tickets = server.list(size=10)
    async for _ in tickets.pages():
        break
    assert server.rows[10:] == await ids(server.list().resume(saved(tickets)))


async def test_collected_items_count_up_to_the_limit() -> None:
    """The items that were cut off are next."""
    server = ServerList(25)
    tickets = server.list(size=10)
    await tickets.collect(limit=13)
    assert server.rows[13:] == await ids(server.list().resume(saved(tickets)))


async def test_items_that_shifted_between_two_processes_are_not_missed() -> None:
    """Two items were deleted, and the total states it."""
    server = ServerList(25)
    checkpoint = saved(await server.iterate(10))
    del server.rows[3:5]
    assert server.rows[8:] == await ids(server.list().resume(checkpoint))


async def test_changes_that_keep_the_total_are_noticed_when_resuming() -> None:
    """One item was deleted and another was added at the end, but the current page is not the same any more."""
    server = ServerList(25)
    checkpoint = saved(await server.iterate(10))
    del server.rows[0]
    server.rows.append("new")
    assert server.rows[9:] == await ids(server.list().resume(checkpoint))


async def test_items_added_between_two_processes_do_no_harm() -> None:
    """They push the others on by fifteen pages, and no item comes twice or is missed."""
    server = ServerList(250)
    checkpoint = saved(await server.iterate(20))
    server.rows[:0] = [f"new_{number}" for number in range(150)]
    left = await ids(server.list().resume(checkpoint))
    assert server.rows[170:] == [row for row in left if row.startswith("tkt_")]
    assert len(left) == len(set(left))


async def test_iteration_that_deletes_its_items_starts_again_at_the_first_page() -> None:
    """All yielded items have left the list, more of them than are remembered, so all that is left is new."""
    server = ServerList(1500)
    checkpoint = saved(await server.iterate(1200, size=100))
    del server.rows[:1200]
    assert server.rows == await ids(server.list().resume(checkpoint))


async def test_iteration_that_stopped_among_shifted_items_reads_back_again() -> None:
    """They are on a page before the current one."""
    server = ServerList(12)
    tickets, seen = server.list(size=4), list[str]()
    async for ticket in tickets:
        seen.append(ticket.id)
        if len(seen) == 4:
            del server.rows[0:2]
        if len(seen) == 5:
            break
    assert server.rows[2] == seen[-1]
    assert server.rows[3:] == await ids(server.list().resume(saved(tickets)))


async def test_page_with_a_yielded_item_in_the_last_place_is_not_taken_for_the_current_one() -> None:
    """It is another item than the last one."""
    server = ServerList(6)
    checkpoint = saved(await server.iterate(3, size=2))
    server.rows = ["tkt_0002", "tkt_0003", "tkt_0000", "tkt_0004", "tkt_0001", "tkt_0005"]
    assert ["tkt_0003", "tkt_0004", "tkt_0005"] == await ids(server.list().resume(checkpoint))


async def test_error_does_not_change_the_checkpoint() -> None:
    """The items before it are not lost."""
    server = ServerList(25)
    tickets, seen = server.list(size=10), list[str]()

    async def fail(number: int | None, size: int | None) -> Page[Ticket]:
        raise ZeroDivisionError

    async def iterate() -> None:
        async for ticket in tickets:
            seen.append(ticket.id)
            if len(seen) == 10:
                tickets._fetch = fail

    with pytest.raises(ZeroDivisionError):
        await iterate()
    assert server.rows[10:] == await ids(ServerList(25).list().resume(saved(tickets)))


async def test_resumed_list_can_be_used_twice() -> None:
    """Each use begins at the checkpoint."""
    server = ServerList(25)
    resumed = server.list().resume(saved(await server.iterate(23)))
    assert [server.rows[23:]] * 2 == [await ids(resumed), await ids(resumed)]


async def test_awaiting_a_resumed_list_gives_the_current_page() -> None:
    """Whole, as the server has it now."""
    server = ServerList(25)
    page = await server.list().resume(saved(await server.iterate(13)))
    assert server.rows[10:20] == [ticket.id for ticket in page]


async def test_items_without_ids_are_resumed_by_their_position() -> None:
    """Nothing else identifies them."""

    async def fetch(number: int | None, size: int | None) -> Page[Ticket]:
        data = [from_dict(Ticket, {"title": f"{number}/{row}"}) for row in range(3)]
        return linked_page(fetch, data, PageInfo(total=6, has_more=number == 1), number, size)

    tickets = paginate(fetch, size=3)
    await tickets.collect(limit=2)
    rest = await paginate(fetch, size=3).resume(saved(tickets)).collect()
    assert ["1/2", "2/0", "2/1", "2/2"] == [ticket.title for ticket in rest]


async def test_number_of_remembered_ids_is_that_of_the_docstring() -> None:
    """The documentation promises a thousand."""
    assert MAX_REMEMBERED_IDS == 1000
    assert "1,000" in (Paginator.resume.__doc__ or "")
