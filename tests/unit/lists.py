"""A list on a server, for tests of iterations."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from cstar_async import Page, Paginator, from_dict
from cstar_async.models import Ticket
from cstar_async.pagination import PageInfo
from cstar_async.pagination._checkpoint import ListKey
from cstar_async.pagination._page import FetchPage, linked_page

LIST_KEY = ListKey("list_tickets", "/tickets?status=open&tag=a")
RESETS_AT = datetime(2026, 3, 1, tzinfo=UTC)
READ_AHEAD: int | None = None
"""Pages that every list requests ahead; set by the fixture `read_ahead`."""


def paginate(
    fetch: FetchPage[Ticket], *, page: int | None = None, size: int | None = None, list_key: ListKey = LIST_KEY, remaining: int = 5
) -> Paginator[Ticket]:
    """Return a list as callers get it."""
    tickets = Paginator(fetch, first_page=page, page_size=size, list_key=list_key, read_quota=lambda: (remaining, RESETS_AT))
    return tickets if READ_AHEAD is None else tickets.prefetch(READ_AHEAD)


class ServerList:
    """A list of tickets on a server, and what happens to it after each response."""

    def __init__(self, count: int, *changes: Callable[[list[str]], None]) -> None:
        self.rows = [f"tkt_{number:04}" for number in range(count)]
        self.changes = list(changes)
        self.requests: list[tuple[int | None, int | None]] = []
        self.states_total = True
        self.remaining = 5

    async def fetch(self, number: int | None, size: int | None) -> Page[Ticket]:
        """Return one page of the list as it is now."""
        self.requests.append((number, size))
        page, rows = number or 1, size or 20
        data = [from_dict(Ticket, {"id": row}) for row in self.rows[(page - 1) * rows : page * rows]]
        total = len(self.rows) if self.states_total else None
        info = PageInfo(total=total, page=page, page_size=rows, has_more=page * rows < len(self.rows))
        if self.changes:
            self.changes.pop(0)(self.rows)
        return linked_page(self.fetch, data, info, number, size)

    def list(self, page: int | None = None, size: int | None = None, list_key: ListKey = LIST_KEY) -> Paginator[Ticket]:
        """Return the list as callers get it."""
        return paginate(self.fetch, page=page, size=size, list_key=list_key, remaining=self.remaining)

    async def iterate(self, count: int, size: int = 10) -> Paginator[Ticket]:
        """Iterate over so many items, or over all for 0, and clear the requests."""
        tickets = self.list(size=size)
        async for _ in tickets:
            count -= 1
            if count == 0:
                break
        self.requests.clear()
        return tickets


def saved(tickets: Paginator[Ticket]) -> dict[str, Any]:
    """Return the checkpoint as it comes back from a file."""
    checkpoint: dict[str, Any] = json.loads(json.dumps(tickets.checkpoint))
    return checkpoint


async def ids(tickets: Paginator[Ticket]) -> list[str]:
    """Return the ids of an iteration."""
    return [ticket.id async for ticket in tickets]


class HeldServer(ServerList):
    """A server that responds to a request only when the test says so."""

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self.max_in_flight = 0
        self._responses: dict[int, asyncio.Future[None]] = {}

    @property
    def waiting(self) -> list[int]:
        """The numbers of the pages in flight."""
        return list(self._responses)

    async def fetch(self, number: int | None, size: int | None) -> Page[Ticket]:
        """Return one page of the list, as it is when the test says so."""
        response = asyncio.get_running_loop().create_future()
        self._responses[number or 1] = response
        self.max_in_flight = max(self.max_in_flight, len(self._responses))
        self.requests.append((number, size))
        try:
            await response
        finally:
            self._responses.pop(number or 1, None)
        page = await super().fetch(number, size)
        self.requests.pop()
        return page

    def respond(self, number: int) -> None:
        """Respond to the request for a page."""
        self._responses.pop(number).set_result(None)

    def fail(self, number: int, error: Exception) -> None:
        """Respond with an error."""
        self._responses.pop(number).set_exception(error)

    async def respond_to_all(self, reader: asyncio.Task[Any]) -> None:
        """Respond to the last request first, until the reader has ended."""
        await run_until_idle()
        while not reader.done():
            self.respond(self.waiting[-1])
            await run_until_idle()


async def run_until_idle() -> None:
    """Let all tasks run until each waits."""
    for _ in range(10):
        await asyncio.sleep(0)
