"""Lists without a server, as the return values of mocks."""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil
from typing import TypeVar

from cstar_async._types import PageInfo
from cstar_async._values.validation import check_instance, validate_count
from cstar_async.pagination import Page, Paginator
from cstar_async.pagination._checkpoint import ListKey
from cstar_async.pagination._page import linked_page

T = TypeVar("T")


def page_of(items: Iterable[T], *, page_size: int = 100) -> Paginator[T]:
    """Return a list as methods such as `cstar.tickets.list` return it, with pages of these items and without a server.

    Await it for the first page, or iterate over all items::

        with patch.object(cstar.tickets, "list", return_value=page_of([ticket])):
            ...

    Args:
        items: The items of all pages.
        page_size: Items of one page, from 1; default 100.

    Raises:
        InvalidArgumentError: *items* is not iterable, or *page_size* is no int from 1.
    """
    check_instance("items", items, Iterable, "an iterable of items", is_private=True)
    rows, size = list(items), validate_count("page_size", page_size, 1)

    async def fetch(number: int | None, _: int | None) -> Page[T]:
        page, pages = number or 1, max(1, ceil(len(rows) / size))
        info = PageInfo(total=len(rows), page=page, page_size=size, total_pages=pages, has_more=page < pages)
        return linked_page(fetch, rows[(page - 1) * size : page * size], info, number, size)

    key = ListKey("page_of", "")
    return Paginator(fetch, first_page=None, page_size=size, list_key=key, read_quota=lambda: (len(rows), None))
