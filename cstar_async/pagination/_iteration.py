"""The pages of one iteration in order, by number or by cursor. Here they are requested; `_traversal` has the rules."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final, Generic, TypeAlias, TypeVar

from cstar_async.pagination._cursors import CursorTraversal
from cstar_async.pagination._page import FetchPage, Page, with_items
from cstar_async.pagination._read_ahead import ReadAhead
from cstar_async.pagination._traversal import PageTraversal, last_page_to_request

T = TypeVar("T")

MAX_REREADS: Final = 3
"""How often an iteration reads the same earlier pages while the list keeps moving."""

_Step: TypeAlias = "tuple[int, Page[T], list[T], list[T]]"
"""The number of a page, that page as it was read last, the items that shifted onto pages before, and its new items."""


async def pages_by_cursor(
    traversal: CursorTraversal[T], ahead: ReadAhead[T], limit: int | None, *, needs_total: bool
) -> AsyncIterator[Page[T]]:
    """Yield each page with the items to yield from it; the caller counts those in the traversal.

    One page is requested ahead, because each names the next: none with *needs_total*, or beyond *limit* items.
    """
    number, cursor, size = traversal.page, traversal.cursor, traversal.start.page_size
    while not traversal.start.is_done:
        page, _ = await ahead.read(cursor, size)
        new = traversal.new_items(page.data)
        following = traversal.commit(number, cursor, page, new)
        if limit is not None:
            limit -= len(new)
        if following is not None and not needs_total and (limit is None or limit > 0):
            ahead.request([following], size)
        if new:
            yield with_items(page, new)
        if following is None:
            return
        traversal.check_advances(following)
        number, cursor = number + 1, following


class NumberedPages(Generic[T]):
    """The pages of one iteration by number. *first* is that of the list's first page."""

    def __init__(self, traversal: PageTraversal[T], ahead: ReadAhead[T], fetch: FetchPage[T], first: int) -> None:
        self._traversal = traversal
        self._first = first
        self._ahead = ahead
        self._fetch = fetch
        self._size = traversal.start.page_size

    async def read(self, limit: int | None, *, needs_total: bool) -> AsyncIterator[Page[T]]:
        """Yield each page with the items to yield from it; the caller counts those in the traversal.

        No page is requested ahead that is not needed for *limit* items, and with *needs_total* none of a list without a total.
        """
        traversal, ahead, size = self._traversal, self._ahead, self._size
        number = traversal.page
        while not traversal.start.is_done:
            page, is_older = await ahead.read(number, size)
            shifted: list[T] = []
            new = traversal.new_items(page.data)
            if traversal.has_moved(page, new):
                await ahead.discard()
                if is_older:
                    # Items may have moved after it was read, so it is read again, too.
                    traversal.discard_step()
                    page = await self._fetch(number, size)
                    new = traversal.new_items(page.data)
                if not traversal.must_find_position:
                    number, page, shifted, new = await self._reread_previous_pages(number, page, new)
                elif not traversal.has_old_item(page.data):
                    number, page, shifted, new = await self._relocate(number, page, new)
            traversal.commit_page(number, page, shifted, new)
            if limit is not None:
                limit -= len(shifted) + len(new)
            if page.info.total is not None or not needs_total:
                ahead.request(range(number + 1, last_page_to_request(number, page, size, limit, self._first) + 1), size)
            if shifted or new:
                yield with_items(page, [*shifted, *new])
            if not page.has_more:
                return
            number += 1

    async def _reread_previous_pages(self, number: int, page: Page[T], new: list[T]) -> _Step[T]:
        """Read the pages before again, for items that shifted onto them."""
        shifted: list[T] = []
        for attempt in range(MAX_REREADS):
            if attempt:
                # Shifted items can have been pushed back meanwhile, onto the current page.
                page = await self._fetch(number, self._size)
                shifted, new = [*shifted, *new, *self._traversal.shifted_items(page.data)], []
            totals = {page.info.total}
            found: list[T] = []
            for earlier in range(number - 1, self._traversal.start.first_page - 1, -1):
                before = await self._fetch(earlier, self._size)
                totals.add(before.info.total)
                found = self._traversal.shifted_items(before.data) + found
                if self._traversal.starts_with_old_item(before.data):
                    break
            shifted += found
            if len(totals) == 1:
                break
        return number, page, shifted, new

    async def _relocate(self, number: int, page: Page[T], new: list[T]) -> _Step[T]:
        """Search for the items that a resumed iteration remembers, which are not on the page where it stopped."""
        first, size = self._traversal.start.first_page, self._size
        behind = [await self._fetch(number - 1, size)] if number > first else []
        if not behind or not self._traversal.has_old_item(behind[0].data):
            # New items push the others on, mostly no farther than the list has grown.
            grown = max(0, (page.info.total or 0) - (self._traversal.start.total or 0))
            ahead = [page]
            if step := await self._scan_forward(number, ahead, behind, number + 1 + grown // size):
                return step
            for earlier in range(number - 2, first - 1, -1):
                behind.append(await self._fetch(earlier, size))
                if self._traversal.has_old_item(behind[-1].data):
                    break
            else:
                # They are farther ahead if as many items left the list behind them.
                if step := await self._scan_forward(number, ahead, behind, None):
                    return step
        shifted: list[T] = []
        for before in behind:
            shifted = self._traversal.shifted_items(before.data) + shifted
        return number, page, shifted, new

    async def _scan_forward(self, number: int, ahead: list[Page[T]], behind: list[Page[T]], last: int | None) -> _Step[T] | None:
        """Append pages to *ahead*, up to page *last* or the end of the list, until one has an old item, and continue there.

        All items before that page were yielded, or are new behind the position.
        """
        while ahead[-1].has_more and (last is None or number + len(ahead) <= last):
            ahead.append(await self._fetch(number + len(ahead), self._size))
            if self._traversal.has_old_item(ahead[-1].data):
                for page in (*behind, *ahead[1:-1]):
                    self._traversal.shifted_items(page.data)
                return number + len(ahead) - 1, ahead[-1], [], self._traversal.new_items(ahead[-1].data)
        return None
