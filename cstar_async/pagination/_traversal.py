"""What a walk over a list that comes in pages remembers, and what it makes of the pages that it reads.

Vocabulary
    A row is *known* when it was handed out, or met on a page of the step under way. It is *old* when it was handed out before that
    step began. Rows *slide*: when one before them goes, all later ones move forward by one, and the first row of the next page
    stands on a page that was read already.

Looking back
    Rows that slid follow, in the order of the list, every old row that stood still. So the pages before are read again, nearest
    first, until one begins with an old row. Where no row was handed out that the walk no longer remembers, everything unknown on
    these pages is handed out.

A memory with an end
    A resumed walk remembers the last rows of the walk before, not all. What stands before a remembered row was handed out then and
    forgotten, unless it is new to the list, which nobody can tell; so it is left out.

A row without an id is new whenever it is met, unless its whole page is the page before over again.

Pure: pages are handed in.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Sequence
from typing import Final, Generic, TypeVar

from cstar_async._model.model import Model
from cstar_async.errors import PaginationError
from cstar_async.pagination._checkpoint import MAX_REMEMBERED_IDS, Checkpoint, fingerprint

T = TypeVar("T")

TOTAL_ERROR: Final = 1000
"""Rows that a walk may go beyond twice the stated total before it ends: totals may be old, or counted wrongly."""


class PageTraversal(Generic[T]):
    """One walk, from its beginning or from a place where another stood.

    Args:
        start: Where it begins.
    """

    __slots__ = (
        "_before",
        "_data",
        "_first_total",
        "_fresh",
        "_has_more",
        "_ids",
        "_known",
        "_memory_is_partial",
        "_pages_without_new_rows",
        "_recent",
        "_remembered",
        "_repeated",
        "_rows",
        "_rows_with_id",
        "_seen_this_step",
        "_slid",
        "_total",
        "_walked",
        "first",
        "handed_out",
        "is_resumed",
        "page",
        "size",
        "start",
    )

    def __init__(self, start: Checkpoint) -> None:
        self.start = start
        self.first = start.first
        self.size = start.size
        self.page = start.page
        self.handed_out = 0
        """How many rows of the page under way have been handed out; whoever hands them out counts."""
        self.is_resumed = start.rows > 0
        """Whether the step under way reads the page again at which an earlier walk stood."""
        self._memory_is_partial = not start.is_complete
        self._remembered = frozenset(start.seen)
        self._known: set[Hashable] = set()
        self._seen_this_step: set[Hashable] = set()
        self._recent: deque[Hashable] = deque(maxlen=MAX_REMEMBERED_IDS)
        self._rows_with_id = 0
        self._rows = start.rows
        self._total = self._first_total = start.total
        self._walked = 0
        self._pages_without_new_rows = 0
        self._repeated = 0
        self._before: Sequence[T] = ()
        self._data: Sequence[T] | None = None
        self._slid: Sequence[T] = ()
        self._fresh: Sequence[T] = ()
        self._ids: list[Hashable] = []
        self._has_more = True

    def new_rows(self, data: Sequence[T]) -> list[T]:
        """The rows of the page under way that are not known; they are from now on."""
        if data and data == self._before:
            return []
        begin = self._after_old(data) if self._memory_is_partial else 0
        offset = self.start.offset if self.is_resumed else 0
        fresh: list[T] = []
        for at, row in enumerate(data):
            identity = _identity(row)
            is_new = at >= offset if identity is None else self._mark_seen(identity)
            if is_new and at >= begin:
                fresh.append(row)
        return fresh

    def shifted_rows(self, data: Sequence[T]) -> list[T]:
        """The rows of an earlier page, read again, that are not known; they are from now on. Those without an id count as known."""
        begin = self._after_old(data) if self._memory_is_partial else 0
        slid: list[T] = []
        for at, row in enumerate(data):
            identity = _identity(row)
            if identity is not None and self._mark_seen(identity) and at >= begin:
                slid.append(row)
        return slid

    def has_moved(self, data: Sequence[T], total: int | None, fresh: Sequence[T]) -> bool:
        """Whether rows of the list have moved since the page before; of a page read again, whether it is not as it was left."""
        if self._total is not None and total != self._total:
            return True
        if not self.is_resumed:
            return len(fresh) < len(data)
        offset = self.start.offset
        # What is fresh is part of the page, in its order: as many rows as stand behind the offset, none of them before it.
        is_as_left = len(fresh) == len(data) - offset and not (fresh and fresh[0] is not data[offset])
        return self.start.has_pending_shifted_rows or not is_as_left or not self._is_last_in_place(data[:offset])

    def _is_last_in_place(self, rows: Sequence[T]) -> bool:
        """Whether these end with the row handed out last, as far as rows have ids."""
        identity = _identity(rows[-1]) if rows else None
        return identity is None or not self.start.seen or fingerprint(identity) == self.start.seen[-1]

    def has_lost_position(self, data: Sequence[T]) -> bool:
        """Whether a page that has moved does not tell where the walk stood: no row on it is remembered, and some are forgotten."""
        return self.is_resumed and self._memory_is_partial and not self._after_old(data)

    def is_found(self, data: Sequence[T]) -> bool:
        """Whether a page has a row that is old."""
        return self._after_old(data) > 0

    def needs_to_look_back(self, data: Sequence[T]) -> bool:
        """Whether rows that slid may stand before a page that has moved.

        With an old row on it they cannot, unless rows were sorted anew, and a walk that has forgotten rows would take those for
        them.
        """
        return not (self.is_resumed and self._memory_is_partial and self._after_old(data))

    def starts_with_seen_row(self, data: Sequence[T]) -> bool:
        """Whether no row that slid can stand before this page."""
        if self._memory_is_partial:
            return self._after_old(data) > 0
        return bool(data) and self._is_old(data[0])

    def commit_page(
        self, page: int, data: Sequence[T], total: int | None, slid: Sequence[T], fresh: Sequence[T], *, has_more: bool
    ) -> None:
        """Take a page as dealt with: its rows are about to be handed out, and those of the page before have been.

        Raises:
            PaginationError: The list does not advance, or has no end.
        """
        # A page with rows begins before the end of its list, so that all rows before it are fewer than the total.
        if data and total is not None and self._walked > 2 * total + TOTAL_ERROR:
            raise PaginationError(f"the list has no end: {self._walked} rows were read, and it says it has {total}")
        if data and not (slid or fresh) and not self.is_resumed:
            self._pages_without_new_rows += 1
            self._repeated = self._repeated + 1 if data == self._before else 0
            grown = max(0, (total or 0) - (self._first_total or 0))
            # Rows that came push those handed out on to pages yet to come, at most all of them; one page over and over is no list.
            pushed_on = max(grown, self._rows + len(self._ids))
            if self._repeated > 1 + grown // len(data) or self._pages_without_new_rows > 1 + pushed_on // len(data):
                raise PaginationError("the list does not advance: page after page brings no new row")
        else:
            self._pages_without_new_rows = self._repeated = 0
        named = [identity for identity in self._ids if identity is not None]
        self._recent.extend(named)
        self._rows_with_id += len(named)
        self._rows += len(self._ids)
        self._ids = [_identity(row) for row in (*slid, *fresh)]
        self._seen_this_step.clear()
        self._walked += len(data)
        if self._first_total is None:
            self._first_total = total
        self._before = self._data = data
        self._slid, self._fresh, self._total, self._has_more = slid, fresh, total, has_more
        self.page, self.handed_out, self.is_resumed = page, 0, False

    def checkpoint(self) -> Checkpoint:
        """Where the walk stands, after the last row handed out."""
        if self._data is None:
            return self.start
        ids = [identity for identity in self._ids[: self.handed_out] if identity is not None]
        latest = [*self._recent, *ids][-MAX_REMEMBERED_IDS:]
        seen = (*self.start.seen, *map(fingerprint, latest))[-MAX_REMEMBERED_IDS:]
        named = len(self.start.seen) + self._rows_with_id + len(ids)
        return Checkpoint(
            first=self.first,
            size=self.size,
            page=self.page,
            offset=self._offset(),
            total=self._total,
            rows=self._rows + self.handed_out,
            seen=seen,
            is_complete=self.start.is_complete and named <= MAX_REMEMBERED_IDS,
            has_pending_shifted_rows=self.handed_out < len(self._slid),
            is_done=not self._has_more and self.handed_out == len(self._ids),
        )

    def _offset(self) -> int:
        """How many rows of the page under way stand before the next one to be handed out."""
        if self.handed_out == len(self._ids):
            return len(self._data or ())
        fresh = self.handed_out - len(self._slid)
        return 0 if fresh < 0 else next(at for at, row in enumerate(self._data or ()) if row is self._fresh[fresh])

    def _mark_seen(self, identity: Hashable) -> bool:
        """Take note of a row. Returns whether it was not known."""
        if self._is_known(identity):
            return False
        self._known.add(identity)
        self._seen_this_step.add(identity)
        return True

    def _is_known(self, identity: Hashable) -> bool:
        return identity in self._known or (bool(self._remembered) and fingerprint(identity) in self._remembered)

    def _is_old(self, row: T) -> bool:
        """Whether a row was handed out before this step. One without an id counts as old."""
        identity = _identity(row)
        return identity is None or (identity not in self._seen_this_step and self._is_known(identity))

    def _after_old(self, data: Sequence[T]) -> int:
        """The position behind the last row that is old, of those with an id; 0 if there is none."""
        return next((at for at in range(len(data), 0, -1) if _identity(data[at - 1]) is not None and self._is_old(data[at - 1])), 0)


def _identity(row: object) -> Hashable:
    identity = getattr(row, row.__identity__, None) if isinstance(row, Model) else None
    return identity if isinstance(identity, Hashable) else None
