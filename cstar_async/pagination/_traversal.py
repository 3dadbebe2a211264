"""What an iteration over a paged list remembers, and which items of each page it yields. Without I/O: pages are passed in.

The API numbers its pages and has no cursors, so items can move while the list is read. When an item before them is deleted, all
later ones *shift* forward by one: the first item of the next page is then on a page that was read already. These are the rules:

* The ids of yielded items are remembered, so no item comes twice. An item without an id is new wherever it is met, unless its whole
  page is the previous page again.
* When the total changed or an item repeated, the page before is read again, and its unseen items are yielded. Then the one before
  that, until a page begins with an old item: shifted items follow, in the order of the list, every old item that only shifted.
* When the total changes again meanwhile, this is repeated, three times at most.
* An empty page is the end, whatever the server says of more. Page after page without a new item is an error, and so is a list that
  continues far beyond its stated total.

So an item that only shifted is missed in one case: it crossed the border of two pages, the total did not change, and no item
repeated on the next page. Nothing is promised of items that were sorted differently meanwhile. A list in a stable order, such as
the time of creation, is read most safely. A server that states no total and invents items without end is read without end.

A resumed iteration remembers only the last items of the one before. Unseen items before a remembered one count as yielded: a new
item there cannot be distinguished from one that is no longer remembered.

An item is *seen* once it was yielded or found on a page of the current step. It is *old* if that happened before the current step.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Sequence
from typing import Final, Generic, TypeVar

from cstar_async._model.model import Model
from cstar_async.errors import PaginationError
from cstar_async.pagination._checkpoint import MAX_REMEMBERED_IDS, Checkpoint, fingerprint
from cstar_async.pagination._page import Page

T = TypeVar("T")

TOTAL_ERROR: Final = 1000
"""Items that an iteration may read beyond twice the stated total: totals can be out of date."""


class PageTraversal(Generic[T]):
    """One iteration, from its beginning or from a checkpoint."""

    def __init__(self, start: Checkpoint) -> None:
        self.start = start
        self.page = start.page
        self.yielded_count = 0
        """Items of the current page that were yielded; the caller counts them here."""
        self.is_resumed = start.items > 0
        """Whether the current step reads again the page at which an earlier iteration stopped."""
        self._memory_is_partial = not start.is_complete
        self._remembered = frozenset(start.seen)
        self._seen: set[Hashable] = set()
        self._seen_this_step: set[Hashable] = set()
        self._recent: deque[Hashable] = deque(maxlen=MAX_REMEMBERED_IDS)
        self._items_with_id = 0
        self._items = start.items
        self._total = self._first_total = start.total
        self._items_read = 0
        self._pages_without_new_items = 0
        self._repeated_pages = 0
        self._data: list[T] | None = None
        self._shifted: Sequence[T] = ()
        self._new: Sequence[T] = ()
        self._ids: list[Hashable] = []
        self._has_more = True

    def new_items(self, data: list[T]) -> list[T]:
        """Return the unseen items of the current page, and mark them as seen."""
        if data and data == self._data:
            return []
        begin = self._after_last_old(data) if self._memory_is_partial else 0
        offset = self.start.offset if self.is_resumed else 0
        new: list[T] = []
        for at, item in enumerate(data):
            identity = _identity(item)
            is_new = at >= offset if identity is None else self._mark_seen(identity)
            if is_new and at >= begin:
                new.append(item)
        return new

    def shifted_items(self, data: list[T]) -> list[T]:
        """Return the unseen items of an earlier page, read again, and mark them as seen. Items without an id count as seen."""
        begin = self._after_last_old(data) if self._memory_is_partial else 0
        shifted: list[T] = []
        for at, item in enumerate(data):
            identity = _identity(item)
            if identity is not None and self._mark_seen(identity) and at >= begin:
                shifted.append(item)
        return shifted

    def discard_step(self) -> None:
        """Mark the items of this step as unseen: its pages are read again."""
        self._seen -= self._seen_this_step
        self._seen_this_step.clear()

    def has_moved(self, page: Page[T], new: list[T]) -> bool:
        """Return whether items moved since the page before, or, on a page read again after `resume()`, since the checkpoint."""
        data, total = page.data, page.info.total
        if self._total is not None and total != self._total:
            return True
        if not self.is_resumed:
            return len(new) < len(data)
        offset = self.start.offset
        # The new items must be those behind the offset, and no others.
        is_unchanged = len(new) == len(data) - offset and not (new and new[0] is not data[offset])
        return self.start.has_pending_shifted_items or not is_unchanged or not self._ends_with_last_yielded(data[:offset])

    def _ends_with_last_yielded(self, items: list[T]) -> bool:
        """Return whether the last of these is the item yielded last, as far as items have ids."""
        identity = _identity(items[-1]) if items else None
        return identity is None or self.start.seen[-1:] == (fingerprint(identity),)

    @property
    def must_find_position(self) -> bool:
        """Whether a resumed iteration, which remembers only a part, must find remembered items once the list has moved."""
        return self.is_resumed and self._memory_is_partial

    def has_old_item(self, data: list[T]) -> bool:
        """Return whether a page has an item with an id that is old."""
        return self._after_last_old(data) > 0

    def starts_with_old_item(self, data: list[T]) -> bool:
        """Return whether no shifted item can be before this page."""
        return self.has_old_item(data) if self._memory_is_partial else bool(data) and self._is_old(data[0])

    def commit_page(self, number: int, page: Page[T], shifted: Sequence[T], new: Sequence[T]) -> None:
        """End a step: the items of the page before were yielded, these are next. Raise if the list does not advance or end."""
        data, total = page.data, page.info.total
        # The items before a page with items are fewer than the total.
        if data and total is not None and self._items_read > 2 * total + TOTAL_ERROR:
            raise PaginationError(f"the list has no end: {self._items_read} items were read, its stated total is {total}")
        if data and not (shifted or new) and not self.is_resumed:
            self._check_advances(data, total)
        else:
            self._pages_without_new_items = self._repeated_pages = 0
        ids = [identity for identity in self._ids if identity is not None]
        self._recent.extend(ids)
        self._items_with_id += len(ids)
        self._items += len(self._ids)
        self._ids = [_identity(item) for item in (*shifted, *new)]
        self._seen_this_step.clear()
        self._items_read += len(data)
        if self._first_total is None:
            self._first_total = total
        self._data, self._shifted, self._new, self._total, self._has_more = data, shifted, new, total, page.has_more
        self.page, self.yielded_count, self.is_resumed = number, 0, False

    def _check_advances(self, data: list[T], total: int | None) -> None:
        """Count a page without new items; raise if there were too many of them."""
        self._pages_without_new_items += 1
        self._repeated_pages = self._repeated_pages + 1 if data == self._data else 0
        grown = max(0, (total or 0) - (self._first_total or 0))
        # New items push yielded ones on to later pages, at most all of them; they never make the same page repeat.
        pushed_on = max(grown, self._items)
        if self._repeated_pages > 1 + grown // len(data) or self._pages_without_new_items > 1 + pushed_on // len(data):
            raise PaginationError("the list does not advance: page after page has no new item")

    def checkpoint(self) -> Checkpoint:
        """Return the position after the item yielded last."""
        if self._data is None:
            return self.start
        ids = [identity for identity in self._ids[: self.yielded_count] if identity is not None]
        latest = [*self._recent, *ids][-MAX_REMEMBERED_IDS:]
        return Checkpoint(
            first_page=self.start.first_page,
            page_size=self.start.page_size,
            page=self.page,
            offset=self._offset(self._data),
            total=self._total,
            items=self._items + self.yielded_count,
            seen=(*self.start.seen, *map(fingerprint, latest))[-MAX_REMEMBERED_IDS:],
            is_complete=self.start.is_complete and len(self.start.seen) + self._items_with_id + len(ids) <= MAX_REMEMBERED_IDS,
            has_pending_shifted_items=self.yielded_count < len(self._shifted),
            is_done=not self._has_more and self.yielded_count == len(self._ids),
        )

    def _offset(self, data: list[T]) -> int:
        """Return how many items of the current page are before the next one to be yielded."""
        if self.yielded_count == len(self._ids):
            return len(data)
        new = self.yielded_count - len(self._shifted)
        return 0 if new < 0 else next(at for at, item in enumerate(data) if item is self._new[new])

    def _mark_seen(self, identity: Hashable) -> bool:
        """Mark an item as seen, and return whether it was unseen."""
        if self._is_seen(identity):
            return False
        self._seen.add(identity)
        self._seen_this_step.add(identity)
        return True

    def _is_seen(self, identity: Hashable) -> bool:
        return identity in self._seen or (bool(self._remembered) and fingerprint(identity) in self._remembered)

    def _is_old(self, item: T) -> bool:
        """Return whether an item is old. One without an id counts as old."""
        identity = _identity(item)
        return identity is None or (identity not in self._seen_this_step and self._is_seen(identity))

    def _after_last_old(self, data: list[T]) -> int:
        """Return the index behind the last old item that has an id; 0 if there is none."""
        return next((at for at in range(len(data), 0, -1) if _identity(data[at - 1]) is not None and self._is_old(data[at - 1])), 0)


def last_page_to_request(number: int, page: Page[T], size: int, limit: int | None, first: int = 1) -> int:
    """Return the last page that can be requested ahead after page *number*, so that no request is in vain.

    *size* is that of a page, as requested, and *limit* the number of items that are still wanted; None: all.
    """
    if not page.has_more:
        return number
    last = number + 1
    if page.info.total is not None:
        # The server may cap the size. Its total may be too low.
        last = max(last, -(-page.info.total // max(len(page.data), page.info.page_size or 0)) + first - 1)
    return last if limit is None else min(last, number - (-max(0, limit) // max(len(page.data), size)))


def _identity(item: object) -> Hashable:
    identity = getattr(item, item.__identity__, None) if isinstance(item, Model) else None
    return identity if isinstance(identity, Hashable) else None
