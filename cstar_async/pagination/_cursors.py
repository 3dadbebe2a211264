"""What an iteration over a list with cursors remembers. Without I/O: pages are passed in.

A cursor marks a place in the list, so pages are read in order, each where the one before ended. Items that are added or deleted
elsewhere shift nothing, and no page is read again. These are the rules:

* The ids of yielded items are remembered, so no item comes twice, also if a server's cursors only count items.
* The list ends where a page has no cursor. An empty page with a cursor does not end it: many servers apply filters after they have
  chosen the rows of a page. After 1,000 empty pages in a row an error is raised; the checkpoint continues behind them.
* A cursor that was met before is an error, because the list would be read for ever. One cursor is kept and compared with each that
  follows. After 1, 2, 4, 8 … pages it is replaced by the latest one (Brent's algorithm). So a cycle of any length is found with
  little memory.
* A page that states its own cursor as the next one is the last if it is empty: the server has nothing more yet. With new items it
  is not an error, because some servers store the position themselves, under one cursor.
"""

from __future__ import annotations

from typing import Final, TypeVar

import attrs

from cstar_async.errors import PaginationError
from cstar_async.pagination._checkpoint import Checkpoint
from cstar_async.pagination._page import Page
from cstar_async.pagination._traversal import PageTraversal

T = TypeVar("T")

MAX_EMPTY_PAGES: Final = 1000
"""Empty pages in a row that an iteration reads."""


class CursorTraversal(PageTraversal[T]):
    """One iteration, from its beginning or from a checkpoint."""

    def __init__(self, start: Checkpoint) -> None:
        super().__init__(start)
        self.cursor = start.cursor
        """The cursor of the current page. None: the first page."""
        self._earlier = start.cursor
        self._pages_since = 0
        self._pages_until_next: int = 1
        self._empty_pages = 0

    def commit(self, number: int, cursor: str | None, page: Page[T], new: list[T]) -> str | None:
        """End a step, as `commit_page` does, and return the cursor of the next page; None at the end of the list."""
        self.commit_page(number, page, (), new)
        self.cursor = cursor
        following = page.info.next_cursor
        if following == cursor and not page.data:
            following = None
        self._empty_pages = 0 if page.data else self._empty_pages + 1
        self._has_more = following is not None
        return following

    def check_advances(self, following: str) -> None:
        """Raise if the next page does not lead on."""
        if self._empty_pages >= MAX_EMPTY_PAGES:
            raise PaginationError(f"{MAX_EMPTY_PAGES} pages in a row are empty; resume() continues behind them")
        if following == self.cursor and self._new:
            return
        if following in {self.cursor, self._earlier}:
            raise PaginationError("the list does not advance: a cursor leads back to a page that was read")
        self._pages_since += 1
        if self._pages_since == self._pages_until_next:
            self._earlier, self._pages_since, self._pages_until_next = following, 0, 2 * self._pages_until_next

    def checkpoint(self) -> Checkpoint:
        """Return the position after the item yielded last."""
        return attrs.evolve(super().checkpoint(), cursor=self.cursor)
