"""A list with cursors on a server, for tests of iterations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cstar_async import Page, PageInfo, Paginator, from_dict
from cstar_async.models import Ticket
from cstar_async.pagination import Paging
from cstar_async.pagination._checkpoint import ListKey
from cstar_async.pagination._page import cursor_page
from tests.unit.lists import RESETS_AT

CURSORS = Paging(kind="cursor", parameter="cursor", items="data", next="next")
KEY = ListKey("list_things", "/things?status=open", by_cursor=True)


class CursorServer:
    """A list of tickets in the order of their numbers, whose cursors are the number of the item before."""

    def __init__(self, count: int, *changes: Callable[[CursorServer], None]) -> None:
        self.rows = list(range(0, 10 * count, 10))
        self.changes = list(changes)
        self.requests: list[tuple[str | None, int | None]] = []
        self.states_total = False
        self.empty_pages = 0
        """How many empty pages are between any two others."""

    async def fetch(self, cursor: str | None, size: int | None) -> Page[Ticket]:
        """Return one page of the list as it is now."""
        self.requests.append((cursor, size))
        after, _, empty = (cursor or "-1").partition("/")
        left = [row for row in self.rows if row > int(after)]
        rows = [] if int(empty or 0) < self.empty_pages else left[: size or 20]
        following = None
        if not rows and left:
            following = f"{after}/{int(empty or 0) + 1}"
        elif len(rows) < len(left):
            following = str(rows[-1])
        total = len(self.rows) if self.states_total else None
        if self.changes:
            self.changes.pop(0)(self)
        return page_of(self.fetch, rows, following, size, total)

    def list(self, *, size: int | None = 10, cursor: str | None = None) -> Paginator[Ticket]:
        """Return the list as callers get it."""
        return paginate(self.fetch, size=size, cursor=cursor)


Fetch = Callable[[Any, Any], Any]


def page_of(
    fetch: Fetch,
    rows: list[int],
    following: str | None,
    size: int | None = None,
    total: int | None = None,
    *,
    with_ids: bool = True,
) -> Page[Ticket]:
    """Return a page of tickets."""
    data = [from_dict(Ticket, {"id": f"tkt_{row}"} if with_ids else {"title": str(row)}) for row in rows]
    return cursor_page(fetch, data, PageInfo(total=total, has_more=following is not None, next_cursor=following), size)


def paginate(fetch: Fetch, *, size: int | None = 10, cursor: str | None = None) -> Paginator[Ticket]:
    """Return a list as callers get it."""
    return Paginator(
        fetch,
        first_page=cursor,
        page_size=size,
        list_key=KEY,
        read_quota=lambda: (5, RESETS_AT),
        paging=CURSORS,
    )


async def numbers(tickets: Paginator[Ticket]) -> list[int]:
    """Return the numbers of the items of an iteration."""
    return [int(ticket.id.removeprefix("tkt_")) async for ticket in tickets]
