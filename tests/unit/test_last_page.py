"""How far an iteration requests pages ahead."""

from __future__ import annotations

from typing import Any

import pytest

from cstar_async import Page
from cstar_async.pagination import PageInfo
from cstar_async.pagination._traversal import last_page_to_request


def info_of(*, has_more: bool = True, **fields: Any) -> PageInfo:
    """Return the info of a page."""
    return PageInfo(has_more=has_more, **fields)


@pytest.mark.parametrize(
    ("count", "info", "limit", "first", "last"),
    [
        (10, {"has_more": False, "total": 95}, None, 1, 3),
        (10, {}, None, 1, 4),
        (10, {"total": 95}, None, 1, 10),
        (10, {"total": 100}, None, 1, 10),
        (10, {"total": 101}, None, 1, 11),
        (10, {"total": 95}, None, 0, 9),
        (10, {"total": 5}, None, 1, 4),  # the total is too low
        (7, {"total": 95, "page_size": 10}, None, 1, 10),
        (7, {"total": 95, "page_size": 5}, None, 1, 14),
        (7, {"total": 95}, None, 1, 14),
        (10, {"total": 95}, 0, 1, 3),
        (10, {"total": 95}, -1, 1, 3),
        (10, {"total": 95}, 1, 1, 4),
        (10, {"total": 95}, 20, 1, 5),
        (10, {"total": 95}, 21, 1, 6),
        (10, {"total": 95}, 999, 1, 10),
        (20, {"total": 95}, 40, 1, 5),  # the server gives larger pages
        (5, {"total": 95}, 20, 1, 5),  # items without those that have been filtered out
    ],
)
def test_pages_are_requested_ahead_to_the_end_or_the_limit(
    count: int, info: dict[str, Any], limit: int | None, first: int, last: int
) -> None:
    """Of page 3, for pages of ten items."""
    page = Page(range(count), info_of(**info))
    assert last == last_page_to_request(3, page, 10, limit, first)


def test_first_page_is_number_one_unless_given() -> None:
    """As cStar counts."""
    assert 10 == last_page_to_request(3, Page(range(10), info_of(total=95)), 10, None)
