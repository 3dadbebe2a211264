"""The public library: what it shows of a team, and its rate limit per address."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from cstar_async import NotFoundError, RateLimitWaitError
from cstar_async.testing import FakeCStar

from .conftest import Caller, calling

LIBRARY = "/api/library/acme"


async def read(call: Caller, path: str, method: str = "GET", json: object = None) -> Any:
    """Send a request without a key."""
    return await call(method, f"{LIBRARY}{path}", json, key=None)


async def publish(call: Caller, title: str, **fields: object) -> Any:
    """Create a public article."""
    return await call.make("/articles", **{"title": title, "status": "published", "isPublic": True, **fields})


async def test_only_published_public_articles_are_shown(call: Caller) -> None:
    """Drafts, archived articles and internal notes are not shown."""
    await publish(call, "Reset")
    await publish(call, "Internal", isPublic=False)
    await publish(call, "Draft", status="draft")
    await publish(call, "Old", status="archived")
    assert [row["title"] for row in (await read(call, "/articles")).data] == ["Reset"]


@pytest.mark.parametrize("fields", [{"isPublic": False}, {"status": "draft"}])
async def test_hidden_article_is_not_found(call: Caller, fields: dict[str, object]) -> None:
    """A hidden article is a 404 for reads and writes."""
    await publish(call, "Hidden", slug="hidden", **fields)
    statuses = [
        (await read(call, "/articles/hidden")).status,
        (await read(call, "/articles/hidden/view", "POST")).status,
        (await read(call, "/articles/hidden/feedback", "POST", {"rating": 1})).status,
    ]
    assert statuses == [404, 404, 404]


async def test_article_is_read_by_its_slug(call: Caller) -> None:
    """An article has its text in Markdown and the name of its category."""
    category = await call.make("/categories", name="Account", isPublic=True)
    await publish(call, "Reset your password", content="# Reset", categoryId=category["id"])
    article = (await read(call, "/articles/reset-your-password")).data
    assert (article["title"], article["content"], article["category"]) == ("Reset your password", "# Reset", "Account")


async def test_internal_fields_are_not_shown(call: Caller) -> None:
    """Notes, metadata and usage of an article are not shown."""
    await publish(call, "Reset", notes="Ask Bob", metadata={"source": "crm"})
    assert not {"notes", "metadata", "useCount", "isPublic", "status"} & (await read(call, "/articles/reset")).data.keys()


async def test_name_of_a_private_category_is_not_shown(call: Caller) -> None:
    """A public article can be in a private category."""
    category = await call.make("/categories", name="Secret plans", isPublic=False)
    await publish(call, "Reset", categoryId=category["id"])
    assert "category" not in (await read(call, "/articles/reset")).data


async def test_articles_of_one_category(call: Caller) -> None:
    """The slug of a category filters the list; an unknown one gives an empty list."""
    category = await call.make("/categories", name="Account", isPublic=True)
    await publish(call, "Reset", categoryId=category["id"])
    await publish(call, "Invoices")
    assert [row["title"] for row in (await read(call, "/articles?categorySlug=account")).data] == ["Reset"]
    assert (await read(call, "/articles?categorySlug=nothing")).data == []


@pytest.mark.parametrize("path", ["/articles?limit=2", "/search?q=guide&limit=2"])
async def test_limit_cuts_a_list(call: Caller, path: str) -> None:
    """`limit` is the maximum length of the list."""
    for number in range(3):
        await publish(call, f"Guide {number}")
    assert len((await read(call, path)).data) == 2


async def test_limit_begins_with_one(call: Caller) -> None:
    """`limit` is at least 1."""
    assert (await read(call, "/articles?limit=0")).status == 400


async def test_public_categories_come_in_the_order_of_the_team(call: Caller) -> None:
    """Categories are sorted by position, then by name; private ones are left out."""
    for name, position, public in (("Billing", 2, True), ("Zoo", 1, True), ("Account", 1, True), ("Plans", 0, False)):
        await call.make("/categories", name=name, sortOrder=position, isPublic=public)
    assert [row["name"] for row in (await read(call, "/categories")).data] == ["Account", "Zoo", "Billing"]


async def test_search_finds_all_words_in_any_case(call: Caller) -> None:
    """Search looks into title and content, and returns a snippet around the first match."""
    await publish(call, "Reset", content="How to choose a new PASSWORD.")
    await publish(call, "Password rules", content="At least twelve letters.")
    [found] = (await read(call, "/search?q=password%20reset")).data
    assert found["title"] == "Reset"
    assert "PASSWORD" in found["snippet"]


async def test_search_needs_words(call: Caller) -> None:
    """Without the parameter search is refused; with an empty one it finds nothing."""
    await publish(call, "Reset")
    missing = await read(call, "/search")
    assert (missing.status, missing.code, missing.json["error"]["param"]) == (400, "parameter_missing", "q")
    assert (await read(call, "/search?q=")).data == []


async def test_view_is_counted(call: Caller) -> None:
    """A view returns an empty object and increases the view count."""
    created = await publish(call, "Reset")
    acknowledged = [await read(call, "/articles/reset/view", "POST") for _ in range(2)]
    assert [(reply.status, reply.data) for reply in acknowledged] == [(200, {}), (200, {})]
    assert (await call("GET", f"/articles/{created['id']}")).data["viewCount"] == 2


@pytest.mark.parametrize("rating", ["good", 4, 4.5, False])
async def test_feedback_is_acknowledged(call: Caller, rating: object) -> None:
    """A str, a number and a boolean are ratings, and unknown keys are accepted."""
    await publish(call, "Reset")
    reply = await read(call, "/articles/reset/feedback", "POST", {"rating": rating, "comment": "Thanks"})
    assert (reply.status, reply.data) == (200, {})


@pytest.mark.parametrize(("body", "code"), [({}, "parameter_missing"), ({"rating": None}, "parameter_invalid")])
async def test_feedback_needs_a_rating(call: Caller, body: object, code: str) -> None:
    """The rating is required."""
    await publish(call, "Reset")
    reply = await read(call, "/articles/reset/feedback", "POST", body)
    assert (reply.status, reply.code, reply.json["error"]["param"]) == (400, code, "rating")


async def test_team_is_named_by_slug_or_id(call: Caller, fake: FakeCStar) -> None:
    """Slug and id of a team give the same articles."""
    await publish(call, "Reset")
    by_id = await call("GET", f"/api/library/{fake.team_id}/articles", key=None)
    assert by_id.data == (await read(call, "/articles")).data != []


async def test_unknown_team_is_not_found(call: Caller) -> None:
    """The library of an unknown team is a 404."""
    reply = await call("GET", "/api/library/unknown/categories", key=None)
    assert (reply.status, reply.code) == (404, "resource_missing")


async def test_other_team_has_a_library_of_its_own(call: Caller, fake: FakeCStar) -> None:
    """Each team has its own articles."""
    fake.add_key(team="other")
    await publish(call, "Reset")
    assert (await call("GET", "/api/library/other/articles", key=None)).data == []


async def test_key_is_ignored(call: Caller) -> None:
    """A wrong key is accepted, and a valid one is not counted."""
    wrong = await call("GET", f"{LIBRARY}/articles", key="sk_test_wrong")
    await call("GET", f"{LIBRARY}/articles")
    assert wrong.status == 200
    assert (await call("GET", "/tickets")).headers["X-RateLimit-Remaining"] == "999"


async def test_callers_are_counted_by_address(fake: FakeCStar, call: Caller) -> None:
    """All calls of an address share a window of 200, whatever the team."""
    await read(call, "/articles")
    here = await call("GET", "/api/library/unknown/articles", key=None)
    connector = aiohttp.TCPConnector(local_addr=("127.0.0.2", 0))
    async with aiohttp.ClientSession(connector=connector) as session, session.get(f"{fake.url}{LIBRARY}/articles") as there:
        assert (here.headers["X-RateLimit-Limit"], here.headers["X-RateLimit-Remaining"]) == ("200", "198")
        assert there.headers["X-RateLimit-Remaining"] == "199"
    assert [entry.address for entry in fake.requests] == ["127.0.0.1", "127.0.0.1", "127.0.0.2"]


async def test_used_up_address_is_refused_until_its_window_ends() -> None:
    """An address without calls left gets a 429 until its window ends."""
    async with calling(FakeCStar(rate_limit=1)) as call:
        assert [(await read(call, "/articles")).status for _ in range(2)] == [200, 429]
        call.fake.clock.advance(3_600)
        assert (await read(call, "/articles")).status == 200


async def test_library_of_the_fake_is_entered_like_its_client() -> None:
    """`fake.library()` is a client of the team's library with the clock of the fake."""
    async with FakeCStar(seed=5) as fake, fake.client() as cstar, fake.library() as library:
        [article] = await library.articles(limit=1)
        before = (await library.article(article.slug)).view_count
        await library.record_view(article.slug)
        await library.feedback(article.slug, rating=True)
        after = (await library.article(article.slug)).view_count
        assert (before, after) == (article.view_count, (article.view_count or 0) + 1)
        assert article.slug in [one.slug async for one in cstar.articles.list(is_public=True)]
        assert {found.slug for found in await library.search(article.title)} >= {article.slug}
        assert len(await library.categories()) == 3


async def test_library_waits_for_its_window() -> None:
    """A library whose window is used up sends nothing and says when to retry."""
    async with FakeCStar(rate_limit=1) as fake, fake.library() as library:
        await library.articles()
        with pytest.raises(RateLimitWaitError):
            await library.articles()
        assert len(fake.requests) == 1


async def test_library_of_an_unknown_team_is_an_error_of_the_client() -> None:
    """An unknown team raises the error of the status."""
    async with FakeCStar() as fake, fake.library(team="unknown") as library:
        with pytest.raises(NotFoundError):
            await library.articles()
