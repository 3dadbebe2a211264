"""One page of a list: its items, its position, and the way to the next page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Sequence
from functools import partial
from types import NoneType
from typing import Any, TypeAlias, TypeVar, cast, overload

from cstar_async._types import PageInfo
from cstar_async._values.repr import FieldRepr
from cstar_async._values.validation import check_instance
from cstar_async.errors import PaginationError

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

Position: TypeAlias = "int | str"
"""The number of a page, or its cursor."""

FetchPage: TypeAlias = "Callable[[Any, int | None], Coroutine[Any, Any, Page[T]]]"
"""Fetches one page by its position and size; None leaves the choice to the server. A list has positions of one type."""


class Page(Sequence[T_co], FieldRepr):
    """Hold the items of one page. A page is a sequence: it has a length, indexes and slices, and can be iterated over.

    `data` is a list of its items, `info` its position, and `total` the number of items in the whole list. `next_page()` fetches the
    page after it, if it `has_more`.

    Two pages are equal if their items and their `info` are. A page never equals a list; compare `page.data`.

    Args:
        data: The items.
        info: The position in the list. Default: the only page of a list with these items.
        fetch_next: Fetches the page after this one. Copies and pickles of a page do not have it.
    """

    __slots__ = ("_fetch_next", "data", "info")

    def __init__(
        self, data: Iterable[T_co], info: PageInfo | None = None, *, fetch_next: Callable[[], Awaitable[Page[T_co]]] | None = None
    ) -> None:
        if data.__class__ is not list:
            check_instance("data", data, Iterable, "an iterable of items", is_private=True)
        check_instance("info", info, (PageInfo, NoneType), "a PageInfo")
        self.data: list[T_co] = list(data)
        """The items, in the server's order."""
        self.info: PageInfo = PageInfo(page=1, total=len(self.data), total_pages=1) if info is None else info
        """The position of this page in the list."""
        self._fetch_next = fetch_next

    @overload
    def __getitem__(self, index: int, /) -> T_co: ...
    @overload
    def __getitem__(self, index: slice, /) -> list[T_co]: ...
    def __getitem__(self, index: int | slice, /) -> T_co | list[T_co]:
        return self.data[index]

    def __len__(self) -> int:
        return len(self.data)

    def __iter__(self) -> Iterator[T_co]:
        return iter(self.data)

    __hash__ = None  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Page):
            return NotImplemented
        page = cast("Page[object]", other)
        return self.data == page.data and self.info == page.info

    def __reduce__(self) -> tuple[type[Page[T_co]], tuple[list[T_co], PageInfo]]:
        return type(self), (self.data, self.info)  # copies and pickles have no client

    def _loggable_fields(self) -> Iterable[tuple[str, object]]:
        return [("items", len(self.data)), ("page", self.info.page), ("total", self.total), ("has_more", self.has_more)]

    def _all_fields(self) -> Iterable[tuple[str, object]]:
        return [("data", self.data), ("info", self.info)]

    @property
    def total(self) -> int | None:
        """The number of items in the whole list. None: the server did not state it."""
        return self.info.total

    @property
    def has_more(self) -> bool:
        """Whether there is a page after this one. An empty page is the last, unless it states a cursor."""
        return self.info.has_more and (bool(self.data) or self.info.next_cursor is not None)

    async def next_page(self) -> Page[T_co]:
        """Fetch the page after this one, with the same filters and size.

        Items that moved since this page was read may be missed or repeated; `async for` on the paginator notices most moves.

        Returns:
            The next page, which may be empty.

        Raises:
            PaginationError: This is the last page, the server returned another page than the next, or no client fetched this
                page. Check `has_more` first.
            CStarError: The call failed; see the method that lists these items.
        """
        if not self.has_more:
            raise PaginationError("there is no page after the last one; check has_more before next_page()")
        if self._fetch_next is None:
            raise PaginationError("this page was not fetched by a client; pass fetch_next= to give it a next page")
        return await self._fetch_next()


async def fetch_position(fetch: FetchPage[T], position: Position | None, size: int | None) -> Page[T]:
    """Fetch a page and check its number: a server that ignores the number would be read for ever."""
    page = await fetch(position, size)
    if page.data and page.info.page not in {None, position} and isinstance(position, int):
        raise PaginationError(f"requested page {position}, the server returned page {page.info.page}")
    return page


def linked_page(fetch: FetchPage[T], data: Iterable[T], info: PageInfo, number: int | None, size: int | None) -> Page[T]:
    """Make a page whose `next_page()` fetches the following number with the same size."""
    current = number if info.page is None else info.page
    following = 2 if current is None else current + 1
    return Page(data, info, fetch_next=partial(fetch_position, fetch, following, size))


def cursor_page(fetch: FetchPage[T], data: Iterable[T], info: PageInfo, size: int | None) -> Page[T]:
    """Make a page whose `next_page()` fetches the one at its next cursor with the same size."""
    return Page(data, info, fetch_next=partial(fetch, info.next_cursor, size))


def with_items(page: Page[T], items: Iterable[T]) -> Page[T]:
    """Return a page with other items, and the same position and next page."""
    return Page(items, page.info, fetch_next=page.next_page)
