"""Lists that the API returns whole: each is a paginator of one page."""

from __future__ import annotations

import json

import pytest

from cstar_async import CStarClient, Page, PaginationError, RequestOptions
from cstar_async.models import Tag
from cstar_async.pagination import PageInfo

from .conftest import Server, ok

ROWS = [{"id": "tag_1", "name": "vip"}, {"id": "tag_2", "name": "beta"}, {"id": "tag_3", "name": "bug"}]


@pytest.fixture(autouse=True)
async def respond_with_three_tags(server: Server) -> None:
    """Every call gets the same list, which states a position as a paged one does."""
    server.script(*[ok(ROWS, pagination={"page": 1, "pageSize": 3, "total": 57, "hasMore": True}) for _ in range(3)])


async def test_awaiting_gives_the_whole_list_as_a_page(client: CStarClient) -> None:
    """It is the only page, whatever the server says of more."""
    page = await client.tags.list()
    assert (["vip", "beta", "bug"], PageInfo(page=1, total=3, total_pages=1)) == ([tag.name for tag in page], page.info)
    with pytest.raises(PaginationError):
        await page.next_page()


async def test_iterating_takes_one_call_without_page_and_size(server: Server, client: CStarClient) -> None:
    """Nothing is sent that the API does not take."""
    assert ["vip", "beta", "bug"] == [tag.name async for tag in client.tags.list()]
    assert [""] == [request.query for request in server.requests]


async def test_filters_are_sent(server: Server, client: CStarClient) -> None:
    """Those of the method, and those of `extra_query` even if a paged list would take them for its own."""
    await client.webhooks.list(active=True, options=RequestOptions(extra_query={"page": 2}))
    assert ["active=true&page=2"] == [request.query for request in server.requests]


async def test_pages_gives_one_page(client: CStarClient) -> None:
    """Code that reads pages need not ask which lists have more than one."""
    assert [3] == [len(page) async for page in client.tags.list().pages()]


async def test_estimate_is_one_call_and_costs_none(server: Server, client: CStarClient) -> None:
    """The number of items is unknown until the list was read."""
    tags = client.tags.list()
    before = await tags.estimate()
    assert ((1, None, True), []) == ((before.calls, before.items, before.fits), server.requests)
    await tags
    assert 3 == (await tags.estimate()).items


async def test_iteration_can_be_resumed(client: CStarClient) -> None:
    """The list is read again, and its first items are left out."""
    tags = client.tags.list()
    async for _ in tags:
        break
    resumed = client.tags.list().resume(json.loads(json.dumps(tags.checkpoint)))
    assert ["beta", "bug"] == [tag.name for tag in await resumed.collect()]


async def test_first_item_takes_one_call(server: Server, client: CStarClient) -> None:
    """As every other use."""
    first = await client.tags.list().first()
    assert ("vip", 1) == (first and first.name, len(server.requests))


async def test_response_holds_the_page(client: CStarClient) -> None:
    """With its status and headers."""
    response = await client.with_response(client.tags.list)
    page: Page[Tag] = response.data
    assert (3, 200) == (len(page), response.status)
