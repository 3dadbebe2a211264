"""Iterations over a list that changes between any two responses, also when they are saved and resumed in between.

An item is *stable* if it was in the list from the first response to the last and only items around it were added and deleted. A
change is *noticeable* if it changes the total from one response to the next, or moves a yielded item onto the next requested page.
The state machines simulate a server that changes noticeably and is otherwise free.
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
from cstar_async.models import Ticket
from cstar_async.pagination import PageInfo
from cstar_async.pagination._iteration import MAX_REREADS
from cstar_async.pagination._page import linked_page
from tests.unit.lists import paginate

Request = tuple[int, int]
INDEXES = st.integers(0, 60)


@coroutine
def send(request: Request) -> Generator[Request, Page[Ticket], Page[Ticket]]:
    """Yield a request to the driver of the iteration and return the page. No event loop is needed."""
    return (yield request)


async def fetch(number: int | None, size: int | None) -> Page[Ticket]:
    """Fetch a page from the driver."""
    return await send((number or 1, size or 20))


def page_of(rows: list[str], request: Request) -> Page[Ticket]:
    """Return the response of a server with these rows."""
    number, size = request
    data = [from_dict(Ticket, {"id": row}) for row in rows[(number - 1) * size : number * size]]
    info = PageInfo(total=len(rows), page=number, page_size=size, has_more=number * size < len(rows))
    return linked_page(fetch, data, info, number, size)


class Driver:
    """Run an iteration item by item, and stop at each request."""

    def __init__(self, tickets: Paginator[Ticket]) -> None:
        self.tickets = tickets
        self.request: Request | None = None
        self.is_done = False
        self._iterator = tickets.__aiter__()
        self._step: Any = None

    def advance(self, page: Page[Ticket] | None = None) -> str | None:
        """Request the next item, or respond to a request. Returns the id; None if the iteration sends a request or is done."""
        if self._step is None:
            self._step = self._iterator.__anext__()
        self.request = None
        try:
            self.request = self._step.send(page)
        except StopIteration as item:
            self._step = None
            ticket: Ticket = item.value
            return ticket.id
        except StopAsyncIteration:
            self._step, self.is_done = None, True
        return None

    def resume(self) -> Driver:
        """Return the iteration of another process that continues."""
        checkpoint = json.loads(json.dumps(self.tickets.checkpoint))
        if self._step is not None:
            self._step.close()
        return Driver(paginate(fetch, size=self.tickets._page_size or 100).resume(checkpoint))


class MovingList(RuleBasedStateMachine):
    """Items are added and deleted, and keep their order."""

    @initialize(count=st.integers(0, 14), size=st.integers(1, 4))
    def begin(self, count: int, size: int) -> None:
        """Make a list, and an iteration that has requested its first page."""
        self.rows = [f"tkt_{number}" for number in range(count)]
        self.first_rows = list(self.rows)
        self.still = set(self.rows)
        self.size = size
        self.added_count = 0
        self.yielded: list[str] = []
        self.total: int | None = None
        self.is_changed = self.was_changed = False
        self.changes_while_rereading = 0
        self.highest_page = 0
        self.request_count = self.resume_count = 0
        self.driver = Driver(paginate(fetch, size=size))
        self.driver.advance()

    def is_rereading(self) -> bool:
        """Return whether the iteration requests a page that it has read."""
        return self.driver.request is not None and self.driver.request[0] <= self.highest_page

    def may_change(self) -> bool:
        """Return whether the iteration promises to follow another change: it reads pages again only so often."""
        return not (self.is_rereading() and self.changes_while_rereading >= MAX_REREADS - 1)

    def record_change(self) -> None:
        """Remember that something moved."""
        self.is_changed = self.was_changed = True

    def is_noticeable(self) -> bool:
        """Return whether the changes since the last response are noticeable."""
        return len(self.rows) != self.total

    @precondition(lambda self: self.may_change())
    @rule(at=INDEXES)
    def insert(self, at: int) -> None:
        """Add an item."""
        self.added_count += 1
        self.rows.insert(at % (len(self.rows) + 1), f"new_{self.added_count}")
        if self.total is None:
            self.first_rows = list(self.rows)
            self.still = set(self.rows)
        self.record_change()

    @precondition(lambda self: self.rows and self.may_change())
    @rule(at=INDEXES, count=st.integers(1, 6))
    def delete(self, at: int, count: int) -> None:
        """Delete items."""
        begin = at % len(self.rows)
        self.still -= set(self.rows[begin : begin + count])
        del self.rows[begin : begin + count]
        self.record_change()

    @precondition(lambda self: not self.driver.is_done)
    @rule(at=INDEXES)
    def advance(self, at: int) -> None:
        """Let the iteration yield an item, or respond to it."""
        page = None
        if self.driver.request is not None:
            if self.is_changed and not self.is_noticeable():
                self.insert(at)
            if self.is_rereading():
                self.changes_while_rereading += self.is_changed
            else:
                self.changes_while_rereading = 0
            self.highest_page = max(self.highest_page, self.driver.request[0])
            self.request_count += 1
            page, self.total, self.is_changed = page_of(self.rows, self.driver.request), len(self.rows), False
        row = self.driver.advance(page)
        if row is not None:
            assert row not in self.yielded
            self.yielded.append(row)

    @rule()
    def save_and_resume(self) -> None:
        """End the process at any time, and continue in another."""
        self.driver = self.driver.resume()
        self.highest_page, self.changes_while_rereading = 0, 0
        self.resume_count += 1

    def teardown(self) -> None:
        """Check that every stable item was yielded, and that a stable list took no additional request."""
        if not hasattr(self, "driver"):
            return
        while not self.driver.is_done:
            self.advance(0)
        assert self.still <= set(self.yielded)
        if not self.was_changed:
            assert self.yielded == self.first_rows
            assert self.request_count <= max(1, -(-len(self.rows) // self.size)) + self.resume_count


class SortedList(MovingList):
    """Items also change places, fewer at a time than a page has. Nothing is promised of those."""

    def __init__(self) -> None:
        super().__init__()
        self.displaced_count = 0

    @initialize(count=st.integers(0, 14), size=st.integers(2, 5))
    def begin(self, count: int, size: int) -> None:
        """Make a list whose pages have more than one item."""
        super().begin(count, size)

    def is_noticeable(self) -> bool:
        """Return whether the changes since the last response are noticeable, by the total or by a repeated item."""
        assert self.driver.request is not None
        number, size = self.driver.request
        repeated = set(self.rows[(number - 1) * size : number * size]) & set(self.yielded)
        return super().is_noticeable() or (bool(repeated) and self.resume_count == 0)

    def may_displace(self) -> bool:
        """Return whether fewer items than a page has were displaced since the last page."""
        return bool(self.rows) and self.may_change() and self.displaced_count < self.size - 1

    @precondition(lambda self: self.may_displace())
    @rule(at=INDEXES, count=st.just(1))
    def delete(self, at: int, count: int) -> None:
        """Delete an item."""
        super().delete(at, count)
        self.displaced_count += 1

    @precondition(lambda self: self.may_displace())
    @rule(at=INDEXES, to=INDEXES)
    def move(self, at: int, to: int) -> None:
        """Move an item."""
        row = self.rows.pop(at % len(self.rows))
        self.rows.insert(to % (len(self.rows) + 1), row)
        self.still.discard(row)
        self.displaced_count += 1
        self.record_change()

    @precondition(lambda self: not self.driver.is_done)
    @rule(at=INDEXES)
    def advance(self, at: int) -> None:
        """Let the iteration yield an item, or respond to it."""
        is_next_page = self.driver.request is not None and not self.is_rereading()
        super().advance(at)
        if is_next_page and not self.is_rereading():
            self.displaced_count = 0


@given(
    st.integers(1001, 1400),
    st.lists(st.tuples(st.sampled_from(["insert", "insert many", "delete", "delete many"]), st.integers(0, 3000)), max_size=6),
    st.sampled_from([50, 100, 128]),
)
# The items are pushed farther than the list has grown, because as many were deleted.
@example(1400, [("insert many", 0), ("insert many", 0), ("delete many", 1800), ("delete many", 1800)], 100)
@settings(max_examples=15)
def test_iteration_that_remembers_a_part_continues_at_its_position(count: int, changes: list[tuple[str, int]], size: int) -> None:
    """However the list changed meanwhile, as long as one of the remembered items is left."""
    rows = [f"tkt_{number}" for number in range(1500)]
    driver, before = Driver(paginate(fetch, size=size)), list[str]()
    while len(before) < count:
        row = driver.advance(None if driver.request is None else page_of(rows, driver.request))
        before += [] if row is None else [row]
    still, last = set(rows), before[-1]
    for step, (change, index) in enumerate(changes):
        at = index % len(rows)
        if change.startswith("insert"):
            rows[at:at] = [f"new_{step}_{number}" for number in range(1 if change == "insert" else 700)]
        else:
            deleted = {row for row in rows[at : at + (1 if change == "delete" else 700)] if row != last}
            rows = [row for row in rows if row not in deleted]
        still &= set(rows)
    driver, after = driver.resume(), list[str]()
    while not driver.is_done:
        row = driver.advance(None if driver.request is None else page_of(rows, driver.request))
        after += [] if row is None else [row]
    assert len(after) == len(set(after))
    assert not set(before) & set(after)
    assert still <= set(before) | set(after)


TestSortedList = SortedList.TestCase
TestSortedList.settings = settings(max_examples=40, stateful_step_count=40)
TestMovingList = MovingList.TestCase
TestMovingList.settings = settings(max_examples=60, stateful_step_count=40)
