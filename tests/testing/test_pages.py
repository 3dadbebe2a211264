"""`page_of()`, which makes lists for mocks."""

from __future__ import annotations

from unittest.mock import patch

import pytest

from cstar_async import CStarClient, InvalidArgumentError, from_dict
from cstar_async.models import Ticket
from cstar_async.testing import page_of

TICKETS = [from_dict(Ticket, {"id": f"tkt_{number}", "title": "a"}) for number in range(5)]


@pytest.mark.parametrize("size", [1, 2, 4, 5, 100])
async def test_list_has_all_uses_of_a_paginator(size: int) -> None:
    """Awaiting, iterating, collecting and turning pages give the items in order, in pages of the size."""
    listed = page_of(TICKETS, page_size=size)
    first = await listed
    assert list(first) == TICKETS[:size]
    assert (first.total, first.has_more) == (5, size < 5)
    assert [ticket async for ticket in listed] == TICKETS
    assert [len(page) async for page in listed.pages()] == [min(size, 5 - start) for start in range(0, 5, size)]
    assert await listed.collect(limit=3) == TICKETS[:3]
    assert await listed.first() == TICKETS[0]
    assert await listed.prefetch(2).collect() == TICKETS
    if first.has_more:
        assert list(await first.next_page() or ()) == TICKETS[size : 2 * size]


async def test_empty_list_and_items_without_ids() -> None:
    """No item is an empty page, and equal items without an id are all kept."""
    assert [item async for item in page_of([])] == []
    assert len(await page_of([])) == 0
    assert await page_of(iter(["a", "a", "b"]), page_size=2).collect() == ["a", "a", "b"]


async def test_mocked_method_returns_it() -> None:
    """Code that calls a patched method gets the list, and nothing is sent."""
    cstar = CStarClient(api_key="sk_test_a", team_id="t")
    with patch.object(cstar.tickets, "list", return_value=page_of(TICKETS)) as listed:
        assert [ticket.id async for ticket in cstar.tickets.list(status="open")] == [ticket.id for ticket in TICKETS]
    listed.assert_called_once_with(status="open")


def test_wrong_arguments_are_refused() -> None:
    """What cannot be a list or a size is refused with a sentence."""
    with pytest.raises(InvalidArgumentError, match="items must be an iterable"):
        page_of(5)  # type: ignore[type-var]
    with pytest.raises(InvalidArgumentError, match="page_size must be"):
        page_of([], page_size=0)
