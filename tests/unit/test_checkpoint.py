"""Walks that are saved and resumed, and what a walk costs."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cstar_async import InvalidArgumentError, Page, Paginator, from_dict
from cstar_async.models import Ticket
from cstar_async.pagination import IterationEstimate, PageInfo
from cstar_async.pagination._checkpoint import MAX_REMEMBERED_IDS, ListKey, fingerprint, load_checkpoint
from cstar_async.pagination._page import linked_page

ORIGIN = ListKey("list_tickets", "/tickets?status=open&tag=a")
SOON = datetime(2026, 3, 1, tzinfo=UTC)


class Table:
    """A list on a server that states its total."""

    def __init__(self, count: int) -> None:
        self.rows = [f"tkt_{number:04}" for number in range(count)]
        self.asked: list[tuple[int | None, int | None]] = []
        self.states_total = True
        self.left = 5

    async def fetch(self, number: int | None, size: int | None) -> Page[Ticket]:
        """One page as the list stands now."""
        self.asked.append((number, size))
        page, rows = number or 1, size or 20
        data = [from_dict(Ticket, {"id": row}) for row in self.rows[(page - 1) * rows : page * rows]]
        total = len(self.rows) if self.states_total else None
        stated = PageInfo(total=total, page=page, page_size=rows, has_more=page * rows < len(self.rows))
        return linked_page(self.fetch, data, stated, number, size)

    def list(self, first: int | None = None, size: int | None = None, origin: ListKey = ORIGIN) -> Paginator[Ticket]:
        """The list as callers have it."""
        return Paginator(self.fetch, first_page=first, page_size=size, list_key=origin, read_quota=lambda: (self.left, SOON))

    async def begun(self, rows: int, size: int = 10) -> Paginator[Ticket]:
        """A list of which so many rows have been walked."""
        walked = self.list(size=size)
        async for _ in walked:
            rows -= 1
            if rows == 0:
                break
        self.asked.clear()
        return walked


def saved(walked: Paginator[Ticket]) -> dict[str, Any]:
    """The state as it comes back from a file."""
    state: dict[str, Any] = json.loads(json.dumps(walked.checkpoint))
    return state


async def ids(walked: Paginator[Ticket]) -> list[str]:
    """What is left of a walk."""
    return [ticket.id async for ticket in walked]


@pytest.mark.parametrize("walked", range(1, 26))
async def test_resumed_walk_gives_the_other_rows(walked: int) -> None:
    """After any row, in the midst of a page or at its end."""
    table = Table(25)
    state = saved(await table.begun(walked))
    assert table.rows[walked:] == await ids(table.list(size=10).resume(state))


@pytest.mark.parametrize(("walked", "pages"), [(1, [1, 2, 3]), (10, [1, 2, 3]), (11, [2, 3]), (24, [3])])
async def test_resuming_reads_the_page_under_way_again(walked: int, pages: list[int]) -> None:
    """And no other."""
    table = Table(25)
    state = saved(await table.begun(walked))
    await ids(table.list().resume(state))
    assert [(page, 10) for page in pages] == table.asked


async def test_state_before_a_walk_is_its_beginning() -> None:
    """Nothing was asked and nothing is missing."""
    table = Table(25)
    assert table.rows == await ids(table.list().resume(saved(table.list())))


async def test_state_after_a_walk_leaves_nothing() -> None:
    """Not even a call."""
    table = Table(25)
    over = await table.begun(0)
    assert saved(over)["is_done"] is True
    assert [] == await ids(table.list().resume(saved(over)))
    assert [] == table.asked


async def test_state_of_a_resumed_list_not_yet_walked_is_that_state() -> None:
    """It says the same until a row is handed out."""
    table = Table(25)
    state = saved(await table.begun(13))
    assert state == saved(table.list().resume(state))


async def test_page_handed_out_counts_with_all_its_rows() -> None:
    """Whoever walks by pages saves by pages."""
    table = Table(25)
    walked = table.list(size=10)
    async for _ in walked.pages():
        break
    assert table.rows[10:] == await ids(table.list().resume(saved(walked)))


async def test_collected_rows_count_up_to_the_limit() -> None:
    """What was cut off comes next."""
    table = Table(25)
    walked = table.list(size=10)
    await walked.collect(limit=13)
    assert table.rows[13:] == await ids(table.list().resume(saved(walked)))


async def test_rows_that_slid_while_the_process_was_away_are_not_missed() -> None:
    """Two rows went, and the total says so."""
    table = Table(25)
    state = saved(await table.begun(10))
    del table.rows[3:5]
    assert table.rows[8:] == await ids(table.list().resume(state))


async def test_changes_that_keep_the_total_are_noticed_when_resuming() -> None:
    """One row went and another came at the end, but the page under way is not as it was left."""
    table = Table(25)
    state = saved(await table.begun(10))
    del table.rows[0]
    table.rows.append("new")
    assert table.rows[9:] == await ids(table.list().resume(state))


async def test_rows_that_came_while_the_process_was_away_do_no_harm() -> None:
    """They push the others on by fifteen pages, and no row comes twice or is missed."""
    table = Table(250)
    state = saved(await table.begun(20))
    table.rows[:0] = [f"new_{number}" for number in range(150)]
    left = await ids(table.list().resume(state))
    assert table.rows[170:] == [row for row in left if row.startswith("tkt_")]
    assert len(left) == len(set(left))


async def test_walk_over_what_it_removes_begins_again_at_the_first_page() -> None:
    """Every row handed out has left the list, more of them than are remembered, so all that is left is new."""
    table = Table(1500)
    state = saved(await table.begun(1200, size=100))
    del table.rows[:1200]
    assert table.rows == await ids(table.list().resume(state))


async def test_walk_broken_off_among_rows_that_slid_looks_back_again() -> None:
    """They stand on a page before the one under way."""
    table = Table(12)
    walked, seen = table.list(size=4), list[str]()
    async for ticket in walked:
        seen.append(ticket.id)
        if len(seen) == 4:
            del table.rows[0:2]
        if len(seen) == 5:
            break
    assert table.rows[2] == seen[-1]
    assert table.rows[3:] == await ids(table.list().resume(saved(walked)))


async def test_page_under_way_that_looks_as_it_was_left_is_not_taken_for_it() -> None:
    """A row handed out stands where the last one stood, but it is another one."""
    table = Table(6)
    state = saved(await table.begun(3, size=2))
    table.rows = ["tkt_0002", "tkt_0003", "tkt_0000", "tkt_0004", "tkt_0001", "tkt_0005"]
    assert ["tkt_0003", "tkt_0004", "tkt_0005"] == await ids(table.list().resume(state))


async def test_walk_that_an_error_ended_stands_where_it_stood() -> None:
    """The rows before it are not lost."""
    table = Table(25)
    walked, seen = table.list(size=10), list[str]()

    async def walk() -> None:
        async for ticket in walked:
            seen.append(ticket.id)
            if len(seen) == 10:
                walked._fetch = failing

    with pytest.raises(ZeroDivisionError):
        await walk()
    assert table.rows[10:] == await ids(Table(25).list().resume(saved(walked)))


async def failing(number: int | None, size: int | None) -> Page[Ticket]:
    """A call that fails."""
    raise ZeroDivisionError


async def test_resumed_list_can_be_walked_twice() -> None:
    """Each use begins at the state."""
    table = Table(25)
    resumed = table.list().resume(saved(await table.begun(23)))
    assert [table.rows[23:]] * 2 == [await ids(resumed), await ids(resumed)]


async def test_awaiting_a_resumed_list_gives_the_page_under_way() -> None:
    """Whole, as the server has it now."""
    table = Table(25)
    page = await table.list().resume(saved(await table.begun(13)))
    assert table.rows[10:20] == [ticket.id for ticket in page]


async def test_rows_without_ids_are_resumed_by_their_position() -> None:
    """There is nothing else to go by."""

    async def fetch(number: int | None, size: int | None) -> Page[Ticket]:
        data = [from_dict(Ticket, {"title": f"{number}/{row}"}) for row in range(3)]
        return linked_page(fetch, data, PageInfo(total=6, has_more=number == 1), number, size)

    walked = Paginator(fetch, first_page=None, page_size=3, list_key=ORIGIN, read_quota=lambda: (0, None))
    await walked.collect(limit=2)
    rest = (
        await Paginator(fetch, first_page=None, page_size=3, list_key=ORIGIN, read_quota=lambda: (0, None))
        .resume(saved(walked))
        .collect()
    )
    assert ["1/2", "2/0", "2/1", "2/2"] == [ticket.title for ticket in rest]


async def test_state_stays_small() -> None:
    """Five thousand rows and five million cost the same."""
    table = Table(5000)
    state = json.dumps((await table.begun(4999, size=100)).checkpoint)
    assert len(state) < 9000


async def test_state_holds_no_text_of_filters_and_rows() -> None:
    """A search may be for a person, an id may be one."""
    table = Table(3)
    walked = table.list(size=2, origin=ListKey("list_tickets", "/tickets?search=jane@example.com"))
    await walked.collect()
    text = json.dumps(walked.checkpoint)
    assert "list_tickets" in text
    assert not any(secret in text for secret in ("jane", "tkt_0"))


def test_fingerprints_are_the_same_for_ever() -> None:
    """A state is read by other processes, machines and versions."""
    assert ["9a1da093eec6", "ebbc39aaf008", "5d33b87fe705"] == [fingerprint(identity).hex() for identity in ("tkt_1", 1, "ü\ud800")]


def test_name_of_a_list_is_the_same_for_ever() -> None:
    """In whatever order its filters are written."""
    names = {str(ORIGIN), str(ListKey("list_tickets", "/tickets?tag=a&status=open"))}
    assert names == {"list_tickets:92de5adf213c4fea"}


@pytest.mark.parametrize(
    "other",
    [
        ListKey("list_customers", ORIGIN.filters),
        ListKey("list_tickets", "/tickets?status=open"),
        ListKey("list_tickets", "/tickets?status=closed&tag=a"),
        ListKey("list_tickets", "/views/1/tickets?status=open&tag=a"),
    ],
)
async def test_state_of_another_list_is_refused(other: ListKey) -> None:
    """Its pages mean nothing here."""
    table = Table(25)
    state = saved(await table.begun(3))
    with pytest.raises(InvalidArgumentError, match="another list"):
        table.list(origin=other).resume(state)


@pytest.mark.parametrize(("first", "size"), [(2, None), (None, 20), (1, 100)])
async def test_state_of_a_walk_by_other_pages_is_refused(first: int | None, size: int | None) -> None:
    """Page and size are the state's; leaving them out is right."""
    table = Table(25)
    state = saved(await table.begun(3))
    with pytest.raises(InvalidArgumentError, match="got page 1 with 10 items a page"):
        table.list(first, size).resume(state)


@pytest.mark.parametrize(
    ("version", "said"), [(2, "version 2"), (0, "version 0"), ("1", "unknown"), (True, "unknown"), (None, "unknown")]
)
async def test_state_of_another_version_is_refused(version: object, said: str) -> None:
    """In a sentence that says which is read."""
    state = saved(Table(1).list()) | {"version": version}
    with pytest.raises(InvalidArgumentError, match=f"must have version 1, got.*{said}.*; start the iteration again"):
        Table(1).list().resume(state)


@pytest.mark.parametrize("state", [None, "", "{}", [], {}, 7, {"state": 1}])
def test_what_is_no_state_is_refused(state: Any) -> None:
    """Whatever it is."""
    with pytest.raises(InvalidArgumentError, match=r"checkpoint must be a value of Paginator\.checkpoint, got"):
        Table(1).list().resume(state)


FIELDS = (
    "list",
    "first_page",
    "page_size",
    "page",
    "offset",
    "total",
    "items",
    "seen",
    "is_complete",
    "has_pending_shifted_items",
    "is_done",
)
WRONG: tuple[Any, ...] = (-1, 1.5, 2**53, 10**400, "x", "ä", "=", base64.b64encode(b"12345").decode(), [], {}, float("nan"))


@pytest.mark.parametrize("value", WRONG, ids=range(len(WRONG)))
@pytest.mark.parametrize("field", FIELDS)
async def test_damaged_state_is_refused(field: str, value: object) -> None:
    """Each field has its kind and its range."""
    table = Table(25)
    state = saved(await table.begun(13))
    with pytest.raises(InvalidArgumentError):
        table.list().resume(state | {field: value})


@pytest.mark.parametrize("field", [name for name in FIELDS if name != "total"])
async def test_state_without_a_field_is_refused(field: str) -> None:
    """Only the total may be unknown."""
    state = saved(Table(25).list())
    del state[field]
    with pytest.raises(InvalidArgumentError):
        Table(25).list().resume(state)


JSONS = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9), st.lists, max_leaves=3)


@given(st.dictionaries(st.sampled_from(["version", *FIELDS]), JSONS | st.integers(0, 3)))
def test_no_state_at_all_raises_another_error(state: dict[str, Any]) -> None:
    """Read or refused."""
    good = saved(Table(1).list())
    for tried in (state, good | state):
        try:
            load_checkpoint(tried, ORIGIN)
        except InvalidArgumentError:
            continue


@given(st.integers(0, 9), st.integers(1, 9), st.integers(0, 99), st.booleans(), st.booleans(), st.integers(0, 9))
async def test_state_that_was_made_up_is_walked_to_an_end(
    page: int, size: int, offset: int, complete: bool, moved: bool, rows: int
) -> None:
    """What stands in it may be wrong; the walk ends, and no row comes twice."""
    table = Table(30)
    change = {
        "page": page + 1,
        "page_size": size,
        "offset": offset,
        "is_complete": complete,
        "has_pending_shifted_items": moved,
        "items": rows,
        "seen": "AAAAAAAA",
    }
    left = await ids(table.list().resume(saved(table.list()) | change))
    assert len(left) == len(set(left))


@pytest.mark.parametrize(
    ("count", "size", "calls"), [(0, None, 1), (1, None, 1), (100, None, 1), (101, None, 2), (5000, None, 50), (25, 10, 3)]
)
async def test_cost_is_what_the_walk_then_takes(count: int, size: int | None, calls: int) -> None:
    """One call to learn the total, for one row."""
    table = Table(count)
    cost = await table.list(size=size).estimate()
    assert [(1, 1)] == table.asked
    assert cost == IterationEstimate(calls=calls, items=count, remaining=5, resets_at=SOON)
    table.asked.clear()
    await table.list(size=size).collect()
    assert calls == len(table.asked)


@pytest.mark.parametrize(("left", "fits"), [(2, False), (3, True), (4, True)])
async def test_cost_says_whether_the_window_has_the_calls(left: int, *, fits: bool) -> None:
    """As many as the walk takes are enough."""
    table = Table(25)
    table.left = left
    assert fits is (await table.list(size=10).estimate()).fits


@pytest.mark.parametrize("use", [lambda walked: walked, lambda walked: walked.collect(limit=1)])
async def test_cost_after_a_page_costs_nothing(use: Callable[[Paginator[Ticket]], Any]) -> None:
    """That page said how long the list is."""
    table = Table(25)
    walked = table.list(size=10)
    await use(walked)
    assert 3 == (await walked.estimate()).calls
    assert 1 == len(table.asked)


@pytest.mark.parametrize(("walked", "calls"), [(1, 3), (10, 3), (11, 2), (24, 1)])
async def test_cost_of_a_resumed_walk_is_what_is_left(walked: int, calls: int) -> None:
    """The page under way is read again."""
    table = Table(25)
    resumed = table.list().resume(saved(await table.begun(walked)))
    assert calls == (await resumed.estimate()).calls
    table.asked.clear()
    await resumed.collect()
    assert calls == len(table.asked)


async def test_cost_of_a_walk_that_is_over_is_nothing() -> None:
    """And is known without asking."""
    table = Table(25)
    over = table.list().resume(saved(await table.begun(0)))
    assert (0, True, []) == ((await over.estimate()).calls, (await over.estimate()).fits, table.asked)


async def test_cost_from_a_later_page_leaves_out_those_before() -> None:
    """And is never less than the one call that finds out."""
    table = Table(25)
    assert [2, 1] == [(await table.list(first=first, size=10).estimate()).calls for first in (2, 9)]


async def test_cost_of_a_list_of_unknown_length_is_unknown() -> None:
    """It is not made up."""
    table = Table(25)
    table.states_total = False
    cost = await table.list().estimate()
    assert (None, None, None) == (cost.calls, cost.items, cost.fits)


async def test_memory_is_the_number_that_the_docstring_says() -> None:
    """Users are told a thousand."""
    assert MAX_REMEMBERED_IDS == 1000
    assert "1,000" in (Paginator.resume.__doc__ or "")
