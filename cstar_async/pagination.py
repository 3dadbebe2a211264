"""Lists that come in pages: one page, and the walk over all of them.

The API numbers its pages and has no cursors, so rows may move while they are read: a ticket that is deleted or leaves a filter
pulls all later rows forward by one, and the first row of the next page slides onto a page already read. The walk counts on none of
it:

* It remembers the ids it has handed out, so no row comes twice.
* When the total changed or a row repeated, it reads the page before again and hands out what slid onto it.
* An empty page is the end, whatever the answer says of more; pages that bring nothing new, twice running, are an error.
* A list that goes on far beyond the total it states is an error, too.

A row without an id is new whenever it is met, unless its whole page is the page before over again.

What cannot be noticed from page numbers may be missed: rows that move while the total stays the same and nothing repeats. A server
that states no total and makes up other rows for ever is believed for ever.

Nothing here does I/O: the runtime hands in a function that fetches one page.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Hashable, Iterator
from typing import Any, Final, Generic, TypeAlias, TypeVar

import attrs

from cstar_async._model import Model
from cstar_async.errors import InvalidArgumentError, PaginationError

T = TypeVar("T")

WALK_SIZE: Final = 100
"""Rows a page that a walk asks for unless told otherwise: the most that the API gives, so the fewest calls."""
TOTAL_ERROR: Final = 1000
"""Rows that a walk may go beyond twice the stated total before it ends: totals may be old, or counted wrongly."""


@attrs.frozen(kw_only=True)
class Pagination:
    """Where a page stands in its list, as the server said; both documented forms read alike."""

    total: int | None = None
    """Rows in the whole list."""
    page: int | None = None
    """The number of this page, from 1."""
    page_size: int | None = None
    """Rows that a full page has."""
    has_more: bool = False
    """Whether there is a page after this one; worked out from the numbers where it is not stated."""
    total_pages: int | None = None
    """Pages in the whole list; older answers only."""


FetchPage: TypeAlias = "Callable[[int | None, int | None], Awaitable[Page[T]]]"
"""Fetches one page by its number and size; None leaves the choice to the server."""


class Page(Generic[T]):
    """One page of a list: a sized iterable of its rows that knows the way to the next."""

    __slots__ = ("_fetch", "_number", "_size", "data", "pagination")

    def __init__(self, data: list[T], pagination: Pagination, *, fetch: FetchPage[T], number: int | None, size: int | None) -> None:
        self.data = data
        """The rows, in the server's order."""
        self.pagination = pagination
        """Where this page stands in the list."""
        self._fetch = fetch
        self._number = number
        self._size = size

    def __iter__(self) -> Iterator[T]:
        return iter(self.data)

    def __len__(self) -> int:
        return len(self.data)

    def __repr__(self) -> str:
        return f"Page(rows={len(self.data)}, pagination={self.pagination!r})"

    @property
    def has_more(self) -> bool:
        """Whether there is a page after this one. An empty page is always the last."""
        return self.pagination.has_more and bool(self.data)

    async def next_page(self) -> Page[T]:
        """Fetch the page after this one, with the same filters and size.

        Rows may have moved since this page was read; walking the list with `async for` notices that, this does not.

        Returns:
            The next page; it may be empty.

        Raises:
            PaginationError: This is the last page; ask `has_more` first. Or the server answered another page than the next.
            CStarError: The call failed; see the method that made the list.
        """
        if not self.has_more:
            raise PaginationError("there is no page after the last; ask has_more before next_page()")
        number = (self.pagination.page or self._number or 1) + 1
        page = await self._fetch(number, self._size)
        _check_number(number, page)
        return page


class Paginator(Generic[T]):
    """A list that comes in pages. Making one sends nothing.

    `await` gives the first page, `async for` walks every row, `pages()` every page, `collect()` gathers rows in a list. It can be
    used any number of times; each use asks the server anew.
    """

    __slots__ = ("_fetch", "_first", "_size")

    def __init__(self, fetch: FetchPage[T], *, first: int | None, size: int | None) -> None:
        self._fetch = fetch
        self._first = first
        self._size = size

    def __await__(self) -> Generator[Any, None, Page[T]]:
        return self._fetch(self._first, self._size).__await__()

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.pages():
            for row in page.data:
                yield row

    async def pages(self) -> AsyncIterator[Page[T]]:
        """Walk the list page by page, 100 rows each unless a size was given; no row comes twice.

        A page that holds nothing new is left out, and rows that slid onto an earlier page while the walk went on come with the page
        that revealed it, so pages may be shorter or longer than the size. While rows stand still the walk costs one call for each
        100 of them.

        Raises:
            PaginationError: The server answers another page than the asked one, nothing new twice running, or far more rows than
                it says there are.
            CStarError: A call failed; see the method that made the list.
        """
        walk = _Walk[T]()
        size = self._size or WALK_SIZE
        first = number = self._first or 1
        while True:
            page = await self._fetch(number, size)
            _check_number(number, page)
            rows = walk.unseen(page)
            if walk.has_moved(page, rows):
                # The farthest page goes first, so that rows come in the order of the list.
                for earlier in range(number - 1, first - 1, -1):
                    before = await self._fetch(earlier, size)
                    slid = walk.slid(before)
                    rows = slid + rows
                    if len(slid) < len(before.data):
                        break
            if page.data:
                walk.remember(page, rows)
            if rows:
                yield Page(rows, page.pagination, fetch=self._fetch, number=number, size=size)
            if not page.has_more:
                return
            number += 1

    async def collect(self, limit: int | None = None) -> list[T]:
        """Walk the list and gather its rows.

        Args:
            limit: The most rows to gather, from 0; no page is fetched beyond it. None: all.

        Raises:
            InvalidArgumentError: *limit* is negative.
            PaginationError: The list does not advance.
            CStarError: A call failed; see the method that made the list.
        """
        if limit is not None and limit < 0:
            raise InvalidArgumentError(f"limit must be 0 or more, not {limit}")
        rows: list[T] = []
        if limit == 0:
            return rows
        async for page in self.pages():
            rows += page.data
            if limit is not None and len(rows) >= limit:
                del rows[limit:]
                break
        return rows


class _Walk(Generic[T]):
    """What a walk has seen so far."""

    __slots__ = ("_barren", "_before", "_seen", "_total", "_walked")

    def __init__(self) -> None:
        self._seen: set[Hashable] = set()
        self._before: list[T] = []
        self._total: int | None = None
        self._walked = 0
        self._barren = 0

    def unseen(self, page: Page[T]) -> list[T]:
        """The rows of the next page that have not been handed out, marked as seen."""
        if page.data == self._before:
            return []
        return [row for row in page.data if (identity := _identity(row)) is None or self._is_first(identity)]

    def slid(self, page: Page[T]) -> list[T]:
        """The rows of a page read again that have not been handed out, marked as seen. Those without an id count as handed out."""
        return [row for row in page.data if (identity := _identity(row)) is not None and self._is_first(identity)]

    def _is_first(self, identity: Hashable) -> bool:
        is_first = identity not in self._seen
        self._seen.add(identity)
        return is_first

    def has_moved(self, page: Page[T], rows: list[T]) -> bool:
        """Whether rows of the list have moved since the page before."""
        total_changed = self._total is not None and page.pagination.total != self._total
        return total_changed or len(rows) < len(page.data)

    def remember(self, page: Page[T], rows: list[T]) -> None:
        """Take note of a page that has been dealt with.

        Raises:
            PaginationError: The list does not advance, or has no end.
        """
        # A page with rows begins before the end of its list, so that all rows before it are fewer than the total.
        if page.pagination.total is not None and self._walked > 2 * page.pagination.total + TOTAL_ERROR:
            raise PaginationError(f"the list has no end: {self._walked} rows were read, and it says it has {page.pagination.total}")
        self._walked += len(page.data)
        self._before = page.data
        self._total = page.pagination.total
        self._barren = 0 if rows else self._barren + 1
        if self._barren > 1:
            raise PaginationError("the list does not advance: two pages running brought no new row")


def _check_number(number: int, page: Page[T]) -> None:
    """A server that answers another page than the asked one would be walked for ever."""
    answered = page.pagination.page
    if page.data and answered is not None and answered != number:
        raise PaginationError(f"asked for page {number}, the server answered page {answered}")


def _identity(row: object) -> Hashable:
    identity = getattr(row, row.identity, None) if isinstance(row, Model) else None
    return identity if isinstance(identity, Hashable) else None
