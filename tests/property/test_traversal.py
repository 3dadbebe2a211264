"""Walks over a list that changes between any two answers, also when they are saved and resumed in between.

A row *stood still* if it was in the list from the first answer to the last and only rows around it came and went. A change is
*noticeable* if it changes the total from one answer to the next, or brings a row that was handed out onto the page that is asked
for next. The machines play a server that changes noticeably and is otherwise free.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from types import coroutine
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from cstar_async import Page, Paginator, from_dict
from cstar_async._types import PageInfo
from cstar_async.models import Ticket
from cstar_async.pagination._checkpoint import ListKey
from cstar_async.pagination._page import linked_page
from cstar_async.pagination._paginator import MAX_REREADS

Request = tuple[int, int]
PLACES = st.integers(0, 60)


@coroutine
def ask(request: Request) -> Generator[Request, Page[Ticket], Page[Ticket]]:
    """Hand a request to whoever drives the walk, and wait for the page; no event loop is needed."""
    return (yield request)


async def fetch(number: int | None, size: int | None) -> Page[Ticket]:
    """One page, of the driver's."""
    return await ask((number or 1, size or 20))


def page_of(rows: list[str], request: Request) -> Page[Ticket]:
    """What a server with these rows answers."""
    number, size = request
    data = [from_dict(Ticket, {"id": row}) for row in rows[(number - 1) * size : number * size]]
    stated = PageInfo(total=len(rows), page=number, page_size=size, has_more=number * size < len(rows))
    return linked_page(fetch, data, stated, number, size)


def paginator(size: int) -> Paginator[Ticket]:
    """A list as callers have it."""
    return Paginator(fetch, first_page=None, page_size=size, list_key=ListKey("list_tickets", ""), read_quota=lambda: (0, None))


class Driver:
    """A walk, row by row, that stops at each request."""

    def __init__(self, walked: Paginator[Ticket]) -> None:
        self.paginator = walked
        self.request: Request | None = None
        self.is_over = False
        self._rows = walked.__aiter__()
        self._step: Any = None

    def go_on(self, page: Page[Ticket] | None = None) -> str | None:
        """Ask for the next row, or answer a request: gives the row, or None if the walk asks or is over."""
        if self._step is None:
            self._step = self._rows.__anext__()
        self.request = None
        try:
            self.request = self._step.send(page)
        except StopIteration as row:
            self._step = None
            ticket: Ticket = row.value
            return ticket.id
        except StopAsyncIteration:
            self._step, self.is_over = None, True
        return None

    def resumed(self) -> Driver:
        """Another process that goes on."""
        state = json.loads(json.dumps(self.paginator.checkpoint))
        if self._step is not None:
            self._step.close()
        return Driver(paginator(self.paginator._page_size or 100).resume(state))


class MovingList(RuleBasedStateMachine):
    """Rows come and go, and keep their order."""

    @initialize(count=st.integers(0, 14), size=st.integers(1, 4))
    def begin(self, count: int, size: int) -> None:
        """A list, and a walk over it that has asked for its first page."""
        self.rows = [f"tkt_{number}" for number in range(count)]
        self.first_rows = list(self.rows)
        self.still = set(self.rows)
        self.size = size
        self.born = 0
        self.handed_out: list[str] = []
        self.total: int | None = None
        self.is_changed = self.was_changed = False
        self.changes_while_looking = 0
        self.front = 0
        self.calls = self.resumes = 0
        self.walk = Driver(paginator(size))
        self.walk.go_on()

    def is_looking_back(self) -> bool:
        """Whether the walk asks for a page that it has read."""
        return self.walk.request is not None and self.walk.request[0] <= self.front

    def may_change(self) -> bool:
        """While the walk looks back, it follows the list only so far."""
        return not (self.is_looking_back() and self.changes_while_looking >= MAX_REREADS - 1)

    def note_change(self) -> None:
        """Something has moved."""
        self.is_changed = self.was_changed = True

    def is_noticeable(self) -> bool:
        """Whether the walk can know of the changes since the last answer."""
        return len(self.rows) != self.total

    @precondition(lambda self: self.may_change())
    @rule(at=PLACES)
    def insert(self, at: int) -> None:
        """A row comes."""
        self.born += 1
        self.rows.insert(at % (len(self.rows) + 1), f"new_{self.born}")
        if self.total is None:
            self.first_rows = list(self.rows)
            self.still = set(self.rows)
        self.note_change()

    @precondition(lambda self: self.rows and self.may_change())
    @rule(at=PLACES, count=st.integers(1, 6))
    def delete(self, at: int, count: int) -> None:
        """Rows go."""
        begin = at % len(self.rows)
        self.still -= set(self.rows[begin : begin + count])
        del self.rows[begin : begin + count]
        self.note_change()

    @precondition(lambda self: not self.walk.is_over)
    @rule(at=PLACES)
    def go_on(self, at: int) -> None:
        """The walk hands out a row, or gets an answer."""
        page = None
        if self.walk.request is not None:
            if self.is_changed and not self.is_noticeable():
                self.insert(at)
            if self.is_looking_back():
                self.changes_while_looking += self.is_changed
            else:
                self.changes_while_looking = 0
            self.front = max(self.front, self.walk.request[0])
            self.calls += 1
            page, self.total, self.is_changed = page_of(self.rows, self.walk.request), len(self.rows), False
        row = self.walk.go_on(page)
        if row is not None:
            assert row not in self.handed_out
            self.handed_out.append(row)

    @rule()
    def save_and_resume(self) -> None:
        """The process ends, at any moment, and another goes on."""
        self.walk = self.walk.resumed()
        self.front, self.changes_while_looking = 0, 0
        self.resumes += 1

    def teardown(self) -> None:
        """When the walk is over, every row that stood still was handed out; a list that stood still cost no more than it must."""
        if not hasattr(self, "walk"):
            return
        while not self.walk.is_over:
            self.go_on(0)
        assert self.still <= set(self.handed_out)
        if not self.was_changed:
            assert self.handed_out == self.first_rows
            assert self.calls <= max(1, -(-len(self.rows) // self.size)) + self.resumes


class SortedAnew(MovingList):
    """Rows also change places, fewer at a time than a page has; nothing is promised of those, and much of the others."""

    def __init__(self) -> None:
        super().__init__()
        self.displaced = 0

    @initialize(count=st.integers(0, 14), size=st.integers(2, 5))
    def begin(self, count: int, size: int) -> None:
        """As above, with pages that hold more than a row."""
        super().begin(count, size)

    def is_noticeable(self) -> bool:
        """A row that comes again tells of a change, too."""
        assert self.walk.request is not None
        number, size = self.walk.request
        repeated = set(self.rows[(number - 1) * size : number * size]) & set(self.handed_out)
        return super().is_noticeable() or (bool(repeated) and self.resumes == 0)

    def may_displace(self) -> bool:
        """Fewer rows than a page has from one page to the next."""
        return bool(self.rows) and self.may_change() and self.displaced < self.size - 1

    @precondition(lambda self: self.may_displace())
    @rule(at=PLACES, count=st.just(1))
    def delete(self, at: int, count: int) -> None:
        """A row goes."""
        super().delete(at, count)
        self.displaced += 1

    @precondition(lambda self: self.may_displace())
    @rule(at=PLACES, to=PLACES)
    def move(self, at: int, to: int) -> None:
        """A row finds itself elsewhere."""
        row = self.rows.pop(at % len(self.rows))
        self.rows.insert(to % (len(self.rows) + 1), row)
        self.still.discard(row)
        self.displaced += 1
        self.note_change()

    @precondition(lambda self: not self.walk.is_over)
    @rule(at=PLACES)
    def go_on(self, at: int) -> None:
        """As above."""
        is_next_page = self.walk.request is not None and not self.is_looking_back()
        super().go_on(at)
        if is_next_page and not self.is_looking_back():
            self.displaced = 0


@given(
    st.integers(1001, 1400),
    st.lists(st.tuples(st.sampled_from(["insert", "insert many", "delete", "delete many"]), st.integers(0, 3000)), max_size=6),
    st.sampled_from([50, 100, 128]),
)
# The rows are pushed farther on than the list has grown, for as many went.
@example(1400, [("insert many", 0), ("insert many", 0), ("delete many", 1800), ("delete many", 1800)], 100)
@settings(max_examples=15)
def test_walk_that_remembers_a_part_goes_on_where_it_stood(handed: int, changes: list[tuple[str, int]], size: int) -> None:
    """However the list changed meanwhile, as long as one of the remembered rows is left."""
    rows = [f"tkt_{number}" for number in range(1500)]
    walk, before = Driver(paginator(size)), list[str]()
    while len(before) < handed:
        row = walk.go_on(None if walk.request is None else page_of(rows, walk.request))
        before += [] if row is None else [row]
    still, last = set(rows), before[-1]
    for step, (change, place) in enumerate(changes):
        at = place % len(rows)
        if change.startswith("insert"):
            rows[at:at] = [f"new_{step}_{number}" for number in range(1 if change == "insert" else 700)]
        else:
            gone = [row for row in rows[at : at + (1 if change == "delete" else 700)] if row != last]
            rows = [row for row in rows if row not in set(gone)]
        still &= set(rows)
    walk, after = walk.resumed(), list[str]()
    while not walk.is_over:
        row = walk.go_on(None if walk.request is None else page_of(rows, walk.request))
        after += [] if row is None else [row]
    assert len(after) == len(set(after))
    assert not set(before) & set(after)
    assert still <= set(before) | set(after)


TestSortedAnew = SortedAnew.TestCase
TestSortedAnew.settings = settings(max_examples=40, stateful_step_count=40)
TestMovingList = MovingList.TestCase
TestMovingList.settings = settings(max_examples=60, stateful_step_count=40)
