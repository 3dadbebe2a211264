"""Iteration over a list: `Paginator`, and what an iteration costs. The client passes in a function that fetches one page."""

from __future__ import annotations

import copy
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterable, Mapping
from datetime import datetime
from typing import Any, Final, Generic, TypeAlias, TypeVar

import attrs

from cstar_async._types import JSON
from cstar_async._values.repr import FieldRepr
from cstar_async._values.validation import validate_count
from cstar_async.errors import InvalidArgumentError
from cstar_async.pagination._checkpoint import Checkpoint, ListKey, dump_checkpoint, load_checkpoint
from cstar_async.pagination._cursors import CursorTraversal
from cstar_async.pagination._iteration import NumberedPages, pages_by_cursor
from cstar_async.pagination._page import FetchPage, Page, Position, fetch_position
from cstar_async.pagination._paging import PAGES, Paging
from cstar_async.pagination._read_ahead import ReadAhead
from cstar_async.pagination._traversal import PageTraversal

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

COLLECT_READ_AHEAD: Final = 8
"""Pages that `collect()` requests ahead by default."""

ReadQuota: TypeAlias = "Callable[[], tuple[int | None, datetime | None]]"
"""Returns how many calls the rate limit window has left for a list, None without a known limit, and when it ends."""


@attrs.frozen(kw_only=True)
class IterationEstimate:
    """The cost of an iteration, and the rate limit that it has to fit in."""

    calls: int | None
    """Requests if no item moves. None: the server does not state how long the list is."""
    items: int | None
    """Items in the whole list, as the server last stated them. None: it did not."""
    remaining: int | None
    """Calls left in this rate limit window for this list. With `Priority.BACKGROUND`, the reserve is taken off.

    None: no rate limit is known. The clients of cStar always know one; those of other APIs do after a response that states it.
    """
    resets_at: datetime | None
    """The beginning of the next window, in UTC. None: no response has stated it."""

    @property
    def fits(self) -> bool | None:
        """Whether this window has enough calls. None: `calls` or `remaining` is not known."""
        return None if self.calls is None or self.remaining is None else self.calls <= self.remaining


@attrs.define(eq=False, repr=False)
class _Progress(Generic[T]):
    """What a list and its `prefetch()` have in common."""

    traversal: PageTraversal[T] | None = None
    """The last iteration."""
    total: int | None = None
    """Items in the list, as last stated."""


class Paginator(FieldRepr, Generic[T_co]):
    """A list of the API, one page or many. Making one sends nothing.

    `await` gives the first page, `async for` iterates over all items, `pages()` over all pages. `collect()` returns a list,
    `first()` one item. Each use reads the list again. `checkpoint` is the position of the last iteration, `resume()` continues from
    it in any process, and `estimate()` returns what an iteration costs. `prefetch()` requests pages ahead.

    Iterating requests 100 items a page unless a size was given. While no item moves, it takes one request for each 100 items.
    No item comes twice. Items that move while the total stays the same and nothing repeats on the next page can be missed.
    """

    def __init__(
        self,
        fetch: FetchPage[T_co],
        *,
        first_page: Position | None,
        page_size: int | None,
        list_key: ListKey,
        read_quota: ReadQuota,
        paging: Paging | None = PAGES,
    ) -> None:
        self._fetch = fetch
        self._first_page = first_page
        self._page_size = page_size
        self._list_key = list_key
        self._read_quota = read_quota
        self._is_paged = paging is not None
        self._paging = paging or PAGES
        self._resumed_at: Checkpoint | None = None
        self._read_ahead: int | None = None
        self._progress: _Progress[T_co] = _Progress()

    @property
    def _start(self) -> Checkpoint:
        """Where an iteration begins."""
        if self._resumed_at is not None:
            return self._resumed_at
        first, size = self._first_page, self._page_size or self._paging.size
        page = first if isinstance(first, int) else self._paging.first
        return Checkpoint(first_page=page, page_size=size, page=page, cursor=first if isinstance(first, str) else None)

    def _loggable_fields(self) -> Iterable[tuple[str, object]]:
        key, position = self._list_key, self._position()
        return [("operation", key.operation), ("filters", key.filter_names), ("page", position.page), ("items", position.items)]

    def __await__(self) -> Generator[Any, None, Page[T_co]]:
        return self._fetch_first_page().__await__()

    def __aiter__(self) -> AsyncIterator[T_co]:  # jedi completes items of this type, and none of an AsyncGenerator
        ahead = ReadAhead(self._page, self._read_ahead or 0)
        return ahead.cancelled_with(self._iterate_items(ahead))

    def pages(self) -> AsyncGenerator[Page[T_co], None]:
        """Iterate over all pages that have new items.

        Items that shifted onto an earlier page come with the page that revealed it, so pages can be shorter or longer than usual.

        Raises:
            PaginationError: The list does not advance, or continues far beyond its stated total.
            CStarError: A call failed; see the method that lists these items.
        """
        ahead = ReadAhead(self._page, self._read_ahead or 0)
        return ahead.cancelled_with(self._iterate_pages(ahead))

    async def collect(self, limit: int | None = None) -> list[T_co]:
        """Collect all items in a list. Requests up to eight pages ahead, unless `prefetch()` was given another number.

        Args:
            limit: The most items to collect, from 0; no page is requested beyond it. None: all.

        Raises:
            InvalidArgumentError: *limit* is negative or not an int.
            PaginationError: The list does not advance, or continues far beyond its stated total.
            CStarError: A call failed; see the method that lists these items.
        """
        if limit is not None:
            validate_count("limit", limit, 0)
        items: list[T_co] = []
        if limit == 0:
            return items
        traversal = self._begin()
        depth = COLLECT_READ_AHEAD if self._read_ahead is None else self._read_ahead
        async with ReadAhead(self._page, depth) as ahead:
            # Without a total, the next page is requested as soon as this one is collected.
            async for page in self._pages(traversal, ahead, limit, needs_total=True):
                wanted = page.data if limit is None else page.data[: limit - len(items)]
                traversal.yielded_count = len(wanted)
                items += wanted
                if limit is not None and len(items) >= limit:
                    break
        return items

    def prefetch(self, n: int) -> Paginator[T_co]:
        """Return the same list with up to *n* pages requested ahead of the reader, in flight or in memory.

        The promises of an iteration hold, and it takes as many requests as without: the total states how many pages there are. For
        a list without a total, one page is requested ahead. Where items moved, the pages ahead are read again. Leaving the loop
        cancels the requests in flight, but those already sent count for the rate limit.

        An error is raised after all items before it were yielded. `checkpoint` and `estimate()` of both lists are the same.

        Args:
            n: The most pages ahead, from 0. More than `max_connections` gains nothing. 0: none, also in `collect()`.

        Raises:
            InvalidArgumentError: *n* is negative or not an int.
        """
        paginator = copy.copy(self)
        paginator._read_ahead = validate_count("n", n, 0)  # noqa: SLF001 - a copy of this one
        return paginator

    async def first(self) -> T_co | None:
        """Fetch the first item of an iteration. Takes one request.

        It requests a page of one item, unless a page, a size or a checkpoint was given. `checkpoint` does not change.

        Returns:
            The item. None: there is none.

        Raises:
            PaginationError: The server returned another page than the requested one.
            CStarError: The call failed; see the method that lists these items.
        """
        is_unlimited = self._first_page is None and self._page_size is None
        number, size = self._paging.first, self._paging.min_size
        start = Checkpoint(first_page=number, page_size=size, page=number) if is_unlimited else self._start
        async for page in self._pages(self._traversal(start), ReadAhead(self._page, 0)):
            return page.data[0]
        return None

    @property
    def checkpoint(self) -> dict[str, JSON]:
        """The position of the last iteration, after its last item or page, for `resume()`. Before any iteration: the beginning.

        It is JSON of at most 9,000 characters. It names the operation and has hashes of the filters and of the last 1,000 ids,
        nothing else of any item. An error during the iteration does not change it. Save it after an item was processed: that item
        does not come again, and an item whose checkpoint was not saved does.
        """
        return dump_checkpoint(self._position(), self._list_key)

    def resume(self, checkpoint: Mapping[str, JSON]) -> Paginator[T_co]:
        """Return a paginator whose iterations continue at a checkpoint.

        The current page is read again, which takes one request more but notices what moved. Awaiting it gives that page, whole. If
        the iteration was finished, nothing is left and nothing is sent.

        The promises of an iteration hold, with two exceptions. An item yielded more than 1,000 items ago can come again if it was
        sorted differently. If none of the last 1,000 items is in the list any more, the iteration starts again at its first page.

        Args:
            checkpoint: A value of `checkpoint`, from any process. It contains page and size.

        Raises:
            InvalidArgumentError: *checkpoint* is no checkpoint, is damaged, or is of another version. Or it belongs to another
                list, other filters, or another page or size than this list was given.
        """
        start = load_checkpoint(checkpoint, self._list_key, self._paging.first)
        is_other_page = isinstance(self._first_page, int) and self._first_page != start.first_page
        if self._page_size not in {None, start.page_size} or is_other_page:
            raise InvalidArgumentError(
                f"checkpoint must have this list's page and size, got page {start.first_page} with {start.page_size} items a page; "
                "leave them out of the list"
            )
        paginator = copy.copy(self)
        paginator._resume_at(start)  # noqa: SLF001 - a copy of this one
        return paginator

    def _resume_at(self, start: Checkpoint) -> None:
        self._first_page = start.page if self._paging.is_numbered else start.cursor
        self._page_size = start.page_size
        self._resumed_at = start
        self._progress = _Progress()

    async def estimate(self) -> IterationEstimate:
        """Estimate the cost of an iteration; of the rest of it after `resume()`.

        Takes one call, for a single item, unless this paginator has fetched a page before. For a list that the API does not page it
        takes none.

        Raises:
            CStarError: The call failed; see the method that lists these items.
        """
        start = self._start
        if self._is_paged and self._progress.total is None and not start.is_done:
            self._remember_total(await self._fetch(self._paging.first if self._paging.is_numbered else None, self._paging.min_size))
        calls, total = None, self._progress.total
        if start.is_done or not self._is_paged:
            calls = int(not start.is_done)
        elif total is not None:
            calls = max(1, -(-total // start.page_size) - start.page + self._paging.first)
        remaining, resets_at = self._read_quota()
        return IterationEstimate(calls=calls, items=total, remaining=remaining, resets_at=resets_at)

    def _position(self) -> Checkpoint:
        traversal = self._progress.traversal
        return self._start if traversal is None else traversal.checkpoint()

    def _begin(self) -> PageTraversal[T_co]:
        self._progress.traversal = traversal = self._traversal(self._start)
        return traversal

    def _traversal(self, start: Checkpoint) -> PageTraversal[T_co]:
        return PageTraversal[T_co](start) if self._paging.is_numbered else CursorTraversal[T_co](start)

    async def _fetch_first_page(self) -> Page[T_co]:
        return self._remember_total(await self._fetch(self._first_page, self._page_size))

    async def _page(self, position: Position | None, size: int | None) -> Page[T_co]:
        return self._remember_total(await fetch_position(self._fetch, position, size))

    def _remember_total(self, page: Page[T_co]) -> Page[T_co]:
        if page.info.total is not None:
            self._progress.total = page.info.total
        return page

    async def _iterate_items(self, ahead: ReadAhead[T_co]) -> AsyncGenerator[T_co, None]:
        traversal = self._begin()
        async with ahead:
            async for page in self._pages(traversal, ahead):
                for item in page.data:
                    traversal.yielded_count += 1
                    yield item

    async def _iterate_pages(self, ahead: ReadAhead[T_co]) -> AsyncGenerator[Page[T_co], None]:
        traversal = self._begin()
        async with ahead:
            async for page in self._pages(traversal, ahead):
                traversal.yielded_count = len(page)
                yield page

    def _pages(
        self, traversal: PageTraversal[T_co], ahead: ReadAhead[T_co], limit: int | None = None, *, needs_total: bool = False
    ) -> AsyncIterator[Page[T_co]]:
        if isinstance(traversal, CursorTraversal):
            return pages_by_cursor(traversal, ahead, limit, needs_total=needs_total)
        return NumberedPages(traversal, ahead, self._page, self._paging.first).read(limit, needs_total=needs_total)
