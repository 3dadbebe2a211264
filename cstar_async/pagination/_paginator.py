"""Lists that come in pages: one page, and the walk over all of them.

The API numbers its pages and has no cursors, so rows may move while they are read: a ticket that is deleted or leaves a filter
pulls all later rows forward by one, and the first row of the next page slides onto a page already read. The walk counts on none of
it:

* It remembers the ids it has handed out, so no row comes twice.
* When the total changed or a row repeated, it reads the page before again and hands out what slid onto it; and the one before that,
  until a page begins with a row handed out earlier.
* When the total changes again meanwhile, it looks once more, three times at most.
* An empty page is the end, whatever the answer says of more; page after page that brings nothing new is an error.
* A list that goes on far beyond the total it states is an error, too.

What can be noticed, then: whatever changes the total between two answers, and whatever brings a row handed out before onto the next
page. A row that stood still, which means that it was there all the time and only rows around it came and went, is missed only if it
slid across the border of a page while neither happened; of rows that were themselves sorted anew nothing is promised. A list in an
order that does not change, such as by the time of creation, is walked most safely.

A server that states no total and makes up other rows for ever is believed for ever.

Nothing here does I/O: the runtime passes a function that fetches one page. The state of an iteration is in `_traversal`, its saved
form in `_checkpoint`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Generator, Mapping
from datetime import datetime
from typing import Any, Final, Generic, TypeAlias, TypeVar

import attrs

from cstar_async._types import JSON, is_int
from cstar_async.errors import InvalidArgumentError
from cstar_async.pagination._checkpoint import Checkpoint, ListKey, dump_checkpoint, load_checkpoint
from cstar_async.pagination._page import FetchPage, Page, fetch_numbered, linked_page
from cstar_async.pagination._traversal import PageTraversal

T = TypeVar("T")

ITERATION_PAGE_SIZE: Final = 100
"""Rows a page that a walk asks for unless told otherwise: the most that the API gives, so the fewest calls."""
MAX_REREADS: Final = 3
"""How often a walk looks back over the same pages while the list moves under it."""


@attrs.frozen(kw_only=True)
class IterationEstimate:
    """What a walk over a list costs, and what there is to pay it with."""

    calls: int | None
    """Calls that the walk makes if no row moves; None if the server does not say how long the list is."""
    items: int | None
    """Rows in the whole list, as the server last said."""
    remaining: int
    """Calls that this window still has for this list: the reserve taken off if its priority is `BACKGROUND`."""
    resets_at: datetime | None
    """When the next window begins, in UTC; None before the first answer that says so."""

    @property
    def fits(self) -> bool | None:
        """Whether this window has the calls; None if that cannot be told."""
        return None if self.calls is None else self.calls <= self.remaining


ReadQuota: TypeAlias = "Callable[[], tuple[int, datetime | None]]"
"""Tells how many calls the window has left for a list, and when it ends."""


class Paginator(Generic[T]):
    """A list that comes in pages. Making one sends nothing.

    `await` gives the first page, `async for` walks every row, `pages()` every page, `collect()` gathers rows in a list. It can be
    used any number of times; each use asks the server anew. `state` is where the last walk stands, `resume()` goes on from there in
    another process, and `cost()` says what a walk costs.
    """

    __slots__ = ("_checkpoint", "_fetch", "_first", "_is_paged", "_list_key", "_read_quota", "_size", "_total", "_traversal")

    def __init__(
        self,
        fetch: FetchPage[T],
        *,
        first: int | None,
        size: int | None,
        origin: ListKey,
        window: ReadQuota,
        is_paged: bool = True,
        place: Checkpoint | None = None,
    ) -> None:
        self._fetch = fetch
        self._first = first
        self._size = size
        self._list_key = origin
        self._read_quota = window
        self._is_paged = is_paged
        self._checkpoint = place
        self._traversal: PageTraversal[T] | None = None
        self._total: int | None = None

    def __await__(self) -> Generator[Any, None, Page[T]]:
        return self._first_page().__await__()

    async def __aiter__(self) -> AsyncIterator[T]:
        walk = self._begin()
        async for page in self._pages(walk):
            for row in page.data:
                walk.handed_out += 1
                yield row

    async def pages(self) -> AsyncIterator[Page[T]]:
        """Walk the list page by page, 100 rows each unless a size was given; no row comes twice.

        A page that holds nothing new is left out, and rows that slid onto an earlier page while the walk went on come with the page
        that revealed it, so pages may be shorter or longer than the size. While rows stand still the walk costs one call for each
        100 of them. What cannot be noticed from page numbers may be missed: rows that move while the total stays the same and
        nothing repeats on the next page.

        Raises:
            PaginationError: The server answers another page than the asked one, nothing new on page after page, or far more rows
                than it says there are.
            CStarError: A call failed; see the method that made the list.
        """
        walk = self._begin()
        async for page in self._pages(walk):
            walk.handed_out = len(page)
            yield page

    async def collect(self, limit: int | None = None) -> list[T]:
        """Walk the list and gather its rows.

        Args:
            limit: The most rows to gather, from 0; no page is fetched beyond it. None: all.

        Raises:
            InvalidArgumentError: *limit* is negative, or no whole number.
            PaginationError: The list does not advance.
            CStarError: A call failed; see the method that made the list.
        """
        if limit is not None and not (is_int(limit) and limit >= 0):
            raise InvalidArgumentError(f"limit is a whole number from 0, not {limit!r}")
        rows: list[T] = []
        if limit == 0:
            return rows
        walk = self._begin()
        async for page in self._pages(walk):
            wanted = page.data if limit is None else page.data[: limit - len(rows)]
            walk.handed_out = len(wanted)
            rows += wanted
            if limit is not None and len(rows) >= limit:
                break
        return rows

    async def first(self) -> T | None:
        """Fetch the first item: of the list, or of what is left of it after `resume()`.

        Takes one request. It asks for a page of one item, unless a page or a size was given or a checkpoint names them. The
        `checkpoint` of this paginator stays as it is.

        Returns:
            The item; None if there is none.

        Raises:
            PaginationError: The server returned another page than the requested one.
            CStarError: The call failed; see the method that lists these items.
        """
        start = self._start()
        if self._checkpoint is None and self._first is None and self._size is None:
            start = Checkpoint(first=1, size=1, page=1)
        async for page in self._pages(PageTraversal[T](start)):
            return page[0]
        return None

    @property
    def checkpoint(self) -> dict[str, JSON]:
        """Where the walk begun last stands, after the last row or page that it handed out; before any walk, the beginning.

        JSON of at most some nine thousand characters, with a version, to be kept anywhere and given to `resume()`. It names the
        operation and holds hashes of the filters and of the last 1,000 ids, no text of any row. A walk that an error ended stands
        where it stood before. Save it after a row was dealt with: then that row does not come again, and a row whose state was not
        saved does.
        """
        return dump_checkpoint(self._start() if self._traversal is None else self._traversal.checkpoint(), self._list_key)

    def resume(self, state: Mapping[str, JSON]) -> Paginator[T]:
        """The same list, of which a walk goes on where another stood.

        Every use of what this returns begins there; awaiting it gives the page on which the walk goes on, whole. The page under way
        is read again, so that what moved meanwhile is noticed: one call more than a walk in one go. Of a walk that was over nothing
        is left, and nothing is asked.

        No row comes twice and none that stood still is missed, as in a walk in one go, with two exceptions. A row handed out more
        than 1,000 rows before may come again if it was sorted anew. And if none of the last 1,000 rows is in the list any more, for
        which it is read to its end, the walk begins again at its first page, without them.

        Args:
            state: What `state` was, in this process or another. Page and size are taken from it.

        Raises:
            InvalidArgumentError: It is no such state, is damaged, was saved by another version of this package, or belongs to
                another list, other filters, or another page or size than this list was asked for.
        """
        place = load_checkpoint(state, self._list_key)
        if self._size not in {None, place.size} or self._first not in {None, place.first}:
            raise InvalidArgumentError(
                f"the state is of a walk from page {place.first} with {place.size} rows a page; leave them out"
            )
        return Paginator(
            self._fetch,
            first=place.page,
            size=place.size,
            origin=self._list_key,
            window=self._read_quota,
            is_paged=self._is_paged,
            place=place,
        )

    async def estimate(self) -> IterationEstimate:
        """What a walk over this list costs, and whether this window has the calls. Resumed, it is what is left of the walk.

        Costs one call, for a single row, unless this paginator has fetched a page before; then that page's total is taken. A list
        that the API does not page costs no call: reading it takes one.

        Returns:
            Calls and rows, and the calls that are left after this one.

        Raises:
            CStarError: The call failed; see the method that made the list.
        """
        start = self._start()
        if self._is_paged and self._total is None and not start.is_done:
            page = await self._fetch(1, 1)
            self._remember_total(page)
        rows, calls = self._total, None
        if start.is_done or not self._is_paged:
            calls = int(not start.is_done)
        elif rows is not None:
            calls = max(1, -(-rows // start.size) - start.page + 1)
        left, resets_at = self._read_quota()
        return IterationEstimate(calls=calls, items=rows, remaining=left, resets_at=resets_at)

    def _start(self) -> Checkpoint:
        first = self._first or 1
        return self._checkpoint or Checkpoint(first=first, size=self._size or ITERATION_PAGE_SIZE, page=first)

    def _begin(self) -> PageTraversal[T]:
        self._traversal = walk = PageTraversal[T](self._start())
        return walk

    async def _first_page(self) -> Page[T]:
        page = await self._fetch(self._first, self._size)
        self._remember_total(page)
        return page

    async def _page(self, number: int, size: int) -> Page[T]:
        page = await fetch_numbered(self._fetch, number, size)
        self._remember_total(page)
        return page

    def _remember_total(self, page: Page[T]) -> None:
        if page.info.total is not None:
            self._total = page.info.total

    async def _pages(self, walk: PageTraversal[T]) -> AsyncIterator[Page[T]]:
        """The pages of a walk, each with what is to be handed out; whoever hands it out counts in the walk."""
        number = walk.page
        while not walk.start.is_done:
            page = await self._page(number, walk.size)
            slid: list[T] = []
            fresh = walk.new_rows(page.data)
            if walk.has_moved(page.data, page.info.total, fresh):
                if walk.has_lost_position(page.data):
                    number, page, slid, fresh = await self._relocate(walk, number, page, fresh)
                elif walk.needs_to_look_back(page.data):
                    page, slid, fresh = await self._reread_previous_pages(walk, number, page, fresh)
            walk.commit_page(number, page.data, page.info.total, slid, fresh, has_more=page.has_more)
            if slid or fresh:
                yield linked_page(self._fetch, [*slid, *fresh], page.info, number, walk.size)
            if not page.has_more:
                return
            number += 1

    async def _reread_previous_pages(
        self, walk: PageTraversal[T], number: int, page: Page[T], fresh: list[T]
    ) -> tuple[Page[T], list[T], list[T]]:
        """Read the pages before again for what slid onto them.

        Returns:
            The page as it was read last, what slid, and what is fresh on it.
        """
        slid: list[T] = []
        for look in range(MAX_REREADS):
            if look:
                # Rows that had slid may have been pushed back meanwhile, onto the page that was read first.
                page = await self._page(number, walk.size)
                slid, fresh = [*slid, *fresh, *walk.shifted_rows(page.data)], []
            totals = {page.info.total}
            found: list[T] = []
            # The farthest page goes first, so that rows come in the order of the list.
            for earlier in range(number - 1, walk.first - 1, -1):
                before = await self._page(earlier, walk.size)
                totals.add(before.info.total)
                found = walk.shifted_rows(before.data) + found
                if walk.starts_with_seen_row(before.data):
                    break
            slid += found
            if len(totals) == 1:
                break
        return page, slid, fresh

    async def _relocate(
        self, walk: PageTraversal[T], number: int, page: Page[T], fresh: list[T]
    ) -> tuple[int, Page[T], list[T], list[T]]:
        """Look for the rows that a resumed walk remembers, which are not on the page where it stood.

        Returns:
            The number of the page at which the walk goes on, that page, what slid onto the pages before, and what is fresh on it.
        """
        behind: list[Page[T]] = []
        if number > walk.first:
            behind.append(await self._page(number - 1, walk.size))
        if not behind or not walk.is_found(behind[0].data):
            # Rows that came push the others on, mostly no farther than the list has grown.
            grown = max(0, (page.info.total or 0) - (walk.start.total or 0))
            ahead = [page]
            if await self._scan_forward(walk, number, ahead, number + 1 + grown // walk.size):
                return self._found_ahead(walk, number, ahead, behind)
            for earlier in range(number - 2, walk.first - 1, -1):
                behind.append(await self._page(earlier, walk.size))
                if walk.is_found(behind[-1].data):
                    break
            else:
                # Farther, where as many rows went behind them.
                if await self._scan_forward(walk, number, ahead, None):
                    return self._found_ahead(walk, number, ahead, behind)
        slid: list[T] = []
        for one in behind:
            slid = walk.shifted_rows(one.data) + slid
        return number, page, slid, fresh

    async def _scan_forward(self, walk: PageTraversal[T], number: int, ahead: list[Page[T]], last: int | None) -> bool:
        """Read on for the rows that a resumed walk remembers.

        Args:
            walk: Of whose rows.
            number: Of the first page in *ahead*.
            ahead: The pages read so far; those read now are added.
            last: The page to stop at; None: the end of the list.

        Returns:
            Whether the page read last has one of them.
        """
        while ahead[-1].has_more and (last is None or number + len(ahead) <= last):
            ahead.append(await self._page(number + len(ahead), walk.size))
            if walk.is_found(ahead[-1].data):
                return True
        return False

    @staticmethod
    def _found_ahead(
        walk: PageTraversal[T], number: int, ahead: list[Page[T]], behind: list[Page[T]]
    ) -> tuple[int, Page[T], list[T], list[T]]:
        """Go on at the last page *ahead*: all rows before those found were handed out, or came after the walk had passed."""
        for one in (*behind, *ahead[1:-1]):
            walk.shifted_rows(one.data)
        return number + len(ahead) - 1, ahead[-1], [], walk.new_rows(ahead[-1].data)
