"""Lists that change while pages of them are read ahead."""

from __future__ import annotations

import pytest

from tests.unit.lists import ServerList, ids, run_until_idle, saved


@pytest.mark.parametrize("n", [1, 2, 8])
async def test_change_that_is_undone_before_the_reader_comes_is_noticed(n: int) -> None:
    """The page read ahead stated another total. The list has the first total again when the page is read again."""
    server, seen = ServerList(9), list[str]()
    async for ticket in server.list(size=3).prefetch(n):
        seen.append(ticket.id)
        if len(seen) == 1:
            del server.rows[0]
            await run_until_idle()
            server.rows.append("new")
    assert ["tkt_0000", *server.rows] == sorted(seen, key=lambda row: row.replace("new", "z"))


@pytest.mark.parametrize("n", [1, 2, 8])
async def test_page_that_is_out_of_date_counts_as_unseen(n: int) -> None:
    """Its items are far behind when it is read again, with an unseen item before them, which shifts back later."""
    server, seen = ServerList(12), list[str]()
    async for ticket in server.list(size=2).prefetch(n):
        seen.append(ticket.id)
        if len(seen) == 1:
            del server.rows[0]
            await run_until_idle()
            server.rows[:0] = ["new_1", "new_2", "new_3", "new_4"]
        if seen[-1] == "new_1":
            del server.rows[:4]
    assert {f"tkt_{number:04}" for number in range(12)} <= set(seen)
    assert len(seen) == len(set(seen))


@pytest.mark.parametrize("n", [1, 2, 8])
async def test_pages_after_a_change_are_read_again(n: int) -> None:
    """They state the total that the list has again, but its items have other places than when they were read ahead."""
    server, seen = ServerList(24), list[str]()
    async for ticket in server.list(size=3).prefetch(n):
        seen.append(ticket.id)
        if len(seen) == 1:
            del server.rows[0]
            await run_until_idle()
            server.rows.insert(0, "new")
            del server.rows[-1]
    assert set(server.rows) <= set(seen)


async def test_list_that_keeps_moving_is_read_with_few_requests() -> None:
    """After a change, one page is read ahead at first: five requests for each page are the most."""
    server, seen = ServerList(400), list[str]()
    async for ticket in server.list(size=10).prefetch(16):
        seen.append(ticket.id)
        if len(seen) % 10 == 5:
            server.rows.insert(0, f"new_{len(seen)}")
            await run_until_idle()
    assert [row for row in server.rows if row.startswith("tkt")] == [row for row in seen if row.startswith("tkt")]
    assert len(server.requests) <= 5 * 48


async def test_depth_grows_again_after_a_change() -> None:
    """One page is requested ahead, then two, then four, then all that were asked for."""
    server, ahead = ServerList(400), list[int]()
    async for page in server.list(size=10).prefetch(6).pages():
        await run_until_idle()
        number = page.info.page or 0
        if number == 1:
            server.rows.append("new")
        ahead.append((server.requests[-1][0] or 0) - number)
    assert [6, 6, 6, 6, 6, 6, 6, 1, 2, 4, 6, 6] == ahead[:12]


@pytest.mark.parametrize("n", [1, 3, 20])
@pytest.mark.parametrize("count", range(1, 25))
async def test_checkpoint_does_not_depend_on_pages_read_ahead(count: int, n: int) -> None:
    """After any item, the others come, whatever was in memory."""
    server = ServerList(25)
    tickets = server.list(size=5).prefetch(n)
    left = count
    async for _ in tickets:
        await run_until_idle()
        left -= 1
        if left == 0:
            break
    assert server.rows[count:] == await ids(server.list().resume(saved(tickets)))


async def test_reader_that_deletes_what_it_reads_reads_all() -> None:
    """Each deletion moves the pages that were read ahead."""
    server = ServerList(60)
    expected, seen = list(server.rows), list[str]()
    async for ticket in server.list(size=5).prefetch(4):
        seen.append(ticket.id)
        await run_until_idle()
        server.rows.remove(ticket.id)
    assert expected == sorted(seen)
