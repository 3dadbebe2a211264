"""Pagination whose numbers are strings or cannot be read: an iteration never ends early without an error."""

from __future__ import annotations

from typing import Any

import pytest

from cstar_async import CStarClient, PaginationError
from tests.client.conftest import Server, ok


def page(number: int, count: int, pagination: dict[str, Any]) -> Any:
    """Return a page of tickets with its own pagination."""
    return ok([{"id": f"tkt_{number}_{item}"} for item in range(count)], pagination=pagination)


@pytest.mark.parametrize(
    "pagination",
    [
        {"total": "5", "totalPages": "3"},
        {"total": "5", "page": "{}", "pageSize": "2"},
        {"total": 5.0, "totalPages": 3.0},
        {"total": "five", "totalPages": "three"},
        {"total": "five", "pageSize": 2},
        {"total": -1, "totalPages": -1},
        {"total": {"value": 5, "relation": "eq"}},
        {"totalPages": "3+"},
        {"total": "9" * 400},
        {"hasMore": "true", "total": None},
    ],
)
async def test_every_page_is_read(server: Server, client: CStarClient, pagination: dict[str, Any]) -> None:
    """The end is the last page or an empty one."""
    for number, count in ((1, 2), (2, 2), (3, 1), (4, 0)):
        filled = {key: value.format(number) if isinstance(value, str) else value for key, value in pagination.items()}
        server.script(page(number, count, filled))
    assert len([ticket.id async for ticket in client.tickets.list(page_size=2)]) == 5


async def test_a_server_that_repeats_a_page_with_unreadable_numbers_is_an_error(server: Server, client: CStarClient) -> None:
    """The iteration does not continue for ever."""
    server.default = page(1, 2, {"total": "many"})
    with pytest.raises(PaginationError):
        await client.tickets.list(page_size=2).collect()
