"""Iterations that request pages ahead, over a list that changes between any two responses, which come in any order.

An item is *stable* if it was in the list from the first response to the last and only items around it were added and deleted. The
simulated server changes at any time, and states another total after each change. It responds to the requests in any order.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from cstar_async import Page, Paginator
from cstar_async.models import Ticket
from cstar_async.pagination._iteration import MAX_REREADS
from tests.property.test_traversal import INDEXES, page_of
from tests.unit.lists import paginate

Pending = tuple[int, int, bool, "asyncio.Future[Page[Ticket]]"]
"""Number and size of a requested page, whether the reader itself waits for it, and its future response."""


class ReadAheadList(RuleBasedStateMachine):
    """Items are added and deleted, and keep their order."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.problems: list[dict[str, Any]] = []
        self.loop.set_exception_handler(lambda _, context: self.problems.append(context))
        self.reader: asyncio.Task[None] | None = None

    @initialize(count=st.integers(0, 20), size=st.integers(1, 4), depth=st.integers(1, 6))
    def begin(self, count: int, size: int, depth: int) -> None:
        """Make a list, and an iteration that has requested its first page."""
        self.rows = [f"tkt_{number}" for number in range(count)]
        self.first_rows = list(self.rows)
        self.still = set(self.rows)
        self.size, self.depth = size, depth
        self.added_count = 0
        self.yielded: list[str] = []
        self.totals: list[int] = []
        self.is_changed = self.was_changed = False
        self.changes_while_rereading = 0
        self.request_count = self.resume_count = 0
        self.start(paginate(self.fetch, size=size).prefetch(depth))

    def start(self, tickets: Paginator[Ticket]) -> None:
        """Start a reader."""
        self.tickets = tickets
        self.pending: list[Pending] = []
        self.read_pages: set[int] = set()
        self.permits = asyncio.Semaphore(0)
        self.reader = self.loop.create_task(self.iterate())
        self.run_until_idle()

    async def iterate(self) -> None:
        """Take an item for each permit."""
        async for ticket in self.tickets:
            assert ticket.id not in self.yielded
            self.yielded.append(ticket.id)
            await self.permits.acquire()

    async def fetch(self, number: int | None, size: int | None) -> Page[Ticket]:
        """Request a page of the server."""
        assert number is not None
        assert size is not None
        response: asyncio.Future[Page[Ticket]] = self.loop.create_future()
        pending = (number, size, asyncio.current_task() is self.reader, response)
        self.pending.append(pending)
        try:
            return await response
        finally:
            if pending in self.pending:
                self.pending.remove(pending)

    def run_until_idle(self) -> None:
        """Let all tasks run until each waits."""
        for _ in range(8):
            self.loop.run_until_complete(asyncio.sleep(0))

    def is_rereading(self) -> bool:
        """Return whether the reader requests a page that was read."""
        return any(is_own and number in self.read_pages for number, _, is_own, _ in self.pending)

    def may_change(self) -> bool:
        """Return whether the iteration promises to follow another change: it reads pages again only so often."""
        return not (self.is_rereading() and self.changes_while_rereading >= MAX_REREADS - 1)

    @precondition(lambda self: self.may_change())
    @rule(at=INDEXES)
    def insert(self, at: int) -> None:
        """Add an item."""
        self.added_count += 1
        self.rows.insert(at % (len(self.rows) + 1), f"new_{self.added_count}")
        if not self.totals:
            self.first_rows = list(self.rows)
            self.still = set(self.rows)
        self.is_changed = self.was_changed = True

    @precondition(lambda self: self.rows and self.may_change())
    @rule(at=INDEXES, count=st.integers(1, 6))
    def delete(self, at: int, count: int) -> None:
        """Delete items."""
        begin = at % len(self.rows)
        self.still -= set(self.rows[begin : begin + count])
        del self.rows[begin : begin + count]
        self.is_changed = self.was_changed = True

    @precondition(lambda self: self.pending)
    @rule(which=INDEXES, at=INDEXES)
    def respond(self, which: int, at: int) -> None:
        """Respond to any of the requests, with the list as it is now."""
        while self.is_changed and len(self.rows) in self.totals:
            self.insert(at)
        if self.is_rereading():
            self.changes_while_rereading += self.is_changed
        else:
            self.changes_while_rereading = 0
        number, size, _, response = self.pending.pop(which % len(self.pending))
        self.read_pages.add(number)
        self.request_count += 1
        self.totals.append(len(self.rows))
        self.is_changed = False
        response.set_result(page_of(self.rows, (number, size)))
        self.run_until_idle()

    @rule()
    def read(self) -> None:
        """Let the reader take another item."""
        self.permits.release()
        self.run_until_idle()

    @rule(depth=st.integers(0, 6))
    def save_and_resume(self, depth: int) -> None:
        """End the process at any time, and continue in another."""
        checkpoint = json.loads(json.dumps(self.tickets.checkpoint))
        self.stop()
        self.depth = depth
        self.changes_while_rereading = 0
        self.resume_count += 1
        self.start(paginate(self.fetch, size=self.size).prefetch(depth).resume(checkpoint))

    def stop(self) -> None:
        """Cancel the reader. The requests in flight are cancelled, too."""
        assert self.reader is not None
        self.reader.cancel()
        self.loop.run_until_complete(asyncio.wait([self.reader]))
        if not self.reader.cancelled():
            self.reader.result()
        self.run_until_idle()
        assert not asyncio.all_tasks(self.loop)
        assert not self.pending

    @invariant()
    def requests_are_limited(self) -> None:
        """No more requests are in flight than pages are to be read ahead."""
        assert len(self.pending) <= max(1, self.depth)

    def teardown(self) -> None:
        """Check that every stable item was yielded, and that a stable list took no additional request."""
        try:
            if self.reader is None:
                return
            while not self.reader.done():
                self.respond(0, 0) if self.pending else self.read()
            self.stop()
            assert self.still <= set(self.yielded)
            assert not self.problems
            if not self.was_changed:
                assert self.yielded == self.first_rows
                if not self.resume_count:
                    assert self.request_count == max(1, -(-len(self.rows) // self.size))
        finally:
            self.loop.close()


TestReadAheadList = ReadAheadList.TestCase
TestReadAheadList.settings = settings(max_examples=60, stateful_step_count=50)
