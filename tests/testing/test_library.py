"""The public library of the fake: what the public sees of a team, and how often one address may look."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from cstar_async import NotFoundError, RateLimitWaitError
from cstar_async.testing import FakeCStar

from .conftest import Caller, calling

LIBRARY = "/api/library/acme"


async def read(call: Caller, path: str, method: str = "GET", json: object = None) -> Any:
    """What the public gets, without a key."""
    return await call(method, f"{LIBRARY}{path}", json, key=None)


async def publish(call: Caller, title: str, **fields: object) -> Any:
    """An article that everybody may read."""
    return await call.make("/articles", **{"title": title, "status": "published", "isPublic": True, **fields})


async def test_only_published_public_articles_are_shown(call: Caller) -> None:
    """Drafts, archived articles and internal notes stay with the team."""
    await publish(call, "Reset")
    await publish(call, "Internal", isPublic=False)
    await publish(call, "Draft", status="draft")
    await publish(call, "Old", status="archived")
    assert [row["title"] for row in (await read(call, "/articles")).data] == ["Reset"]


@pytest.mark.parametrize("fields", [{"isPublic": False}, {"status": "draft"}])
async def test_hidden_article_is_not_found(call: Caller, fields: dict[str, object]) -> None:
    """Nobody learns that it is there: neither by reading nor by writing."""
    await publish(call, "Hidden", slug="hidden", **fields)
    statuses = [
        (await read(call, "/articles/hidden")).status,
        (await read(call, "/articles/hidden/view", "POST")).status,
        (await read(call, "/articles/hidden/feedback", "POST", {"rating": 1})).status,
    ]
    assert statuses == [404, 404, 404]


async def test_article_is_read_by_its_slug(call: Caller) -> None:
    """The text comes in Markdown, with the name of the category."""
    category = await call.make("/categories", name="Account", isPublic=True)
    await publish(call, "Reset your password", content="# Reset", categoryId=category["id"])
    article = (await read(call, "/articles/reset-your-password")).data
    assert (article["title"], article["content"], article["category"]) == ("Reset your password", "# Reset", "Account")


async def test_what_is_the_team_s_own_is_not_shown(call: Caller) -> None:
    """Notes, metadata and usage are fields of the team's article and none of the library's."""
    await publish(call, "Reset", notes="Ask Bob", metadata={"source": "crm"})
    assert not {"notes", "metadata", "useCount", "isPublic", "status"} & (await read(call, "/articles/reset")).data.keys()


async def test_name_of_a_private_category_is_not_shown(call: Caller) -> None:
    """A public article may stand on a private category."""
    category = await call.make("/categories", name="Secret plans", isPublic=False)
    await publish(call, "Reset", categoryId=category["id"])
    assert "category" not in (await read(call, "/articles/reset")).data


async def test_articles_of_one_category(call: Caller) -> None:
    """The slug of a category chooses; one that nobody has gives nothing."""
    category = await call.make("/categories", name="Account", isPublic=True)
    await publish(call, "Reset", categoryId=category["id"])
    await publish(call, "Invoices")
    assert [row["title"] for row in (await read(call, "/articles?categorySlug=account")).data] == ["Reset"]
    assert (await read(call, "/articles?categorySlug=nothing")).data == []


@pytest.mark.parametrize("path", ["/articles?limit=2", "/search?q=guide&limit=2"])
async def test_limit_cuts_a_list(call: Caller, path: str) -> None:
    """No more come than were asked for."""
    for number in range(3):
        await publish(call, f"Guide {number}")
    assert len((await read(call, path)).data) == 2


async def test_limit_begins_with_one(call: Caller) -> None:
    """None at all cannot be asked for."""
    assert (await read(call, "/articles?limit=0")).status == 400


async def test_public_categories_come_in_the_order_of_the_team(call: Caller) -> None:
    """By place, then by name; private ones are left out."""
    for name, place, public in (("Billing", 2, True), ("Zoo", 1, True), ("Account", 1, True), ("Plans", 0, False)):
        await call.make("/categories", name=name, sortOrder=place, isPublic=public)
    assert [row["name"] for row in (await read(call, "/categories")).data] == ["Account", "Zoo", "Billing"]


async def test_search_finds_all_words_in_any_case(call: Caller) -> None:
    """In the title or in the text, and with the place where the first was found."""
    await publish(call, "Reset", content="How to choose a new PASSWORD.")
    await publish(call, "Password rules", content="At least twelve letters.")
    [found] = (await read(call, "/search?q=password%20reset")).data
    assert found["title"] == "Reset"
    assert "PASSWORD" in found["snippet"]


async def test_search_needs_words(call: Caller) -> None:
    """Without the parameter it is refused, with an empty one it finds nothing."""
    await publish(call, "Reset")
    missing = await read(call, "/search")
    assert (missing.status, missing.code, missing.json["error"]["param"]) == (400, "parameter_missing", "q")
    assert (await read(call, "/search?q=")).data == []


async def test_view_is_counted(call: Caller) -> None:
    """The reader gets an acknowledgement, the team one view more."""
    made = await publish(call, "Reset")
    acknowledged = [await read(call, "/articles/reset/view", "POST") for _ in range(2)]
    assert [(reply.status, reply.data) for reply in acknowledged] == [(200, {}), (200, {})]
    assert (await call("GET", f"/articles/{made['id']}")).data["viewCount"] == 2


@pytest.mark.parametrize("rating", ["good", 4, 4.5, False])
async def test_feedback_is_acknowledged(call: Caller, rating: object) -> None:
    """Text, number and boolean are ratings, and unknown keys are no mistake."""
    await publish(call, "Reset")
    reply = await read(call, "/articles/reset/feedback", "POST", {"rating": rating, "comment": "Thanks"})
    assert (reply.status, reply.data) == (200, {})


@pytest.mark.parametrize(("body", "code"), [({}, "parameter_missing"), ({"rating": None}, "parameter_invalid")])
async def test_feedback_needs_a_rating(call: Caller, body: object, code: str) -> None:
    """The one field that is known is required."""
    await publish(call, "Reset")
    reply = await read(call, "/articles/reset/feedback", "POST", body)
    assert (reply.status, reply.code, reply.json["error"]["param"]) == (400, code, "rating")


async def test_team_is_named_by_slug_or_id(call: Caller, fake: FakeCStar) -> None:
    """Both lead to the same articles."""
    await publish(call, "Reset")
    by_id = await call("GET", f"/api/library/{fake.team_id}/articles", key=None)
    assert by_id.data == (await read(call, "/articles")).data != []


async def test_unknown_team_is_not_found(call: Caller) -> None:
    """There is no library of a team that nobody has."""
    reply = await call("GET", "/api/library/nobody/categories", key=None)
    assert (reply.status, reply.code) == (404, "resource_missing")


async def test_other_team_has_a_library_of_its_own(call: Caller, fake: FakeCStar) -> None:
    """Its articles are its own."""
    fake.add_key(team="other")
    await publish(call, "Reset")
    assert (await call("GET", "/api/library/other/articles", key=None)).data == []


async def test_key_is_not_looked_at(call: Caller) -> None:
    """Even one that is wrong does no harm where none is needed, and no call of a good one is used up."""
    wrong = await call("GET", f"{LIBRARY}/articles", key="sk_test_wrong")
    await call("GET", f"{LIBRARY}/articles")
    assert wrong.status == 200
    assert (await call("GET", "/tickets")).headers["X-RateLimit-Remaining"] == "999"


async def test_visitors_are_counted_by_address(fake: FakeCStar, call: Caller) -> None:
    """All calls of an address share a window of 200, whatever the team; another address has one of its own."""
    await read(call, "/articles")
    here = await call("GET", "/api/library/nobody/articles", key=None)
    connector = aiohttp.TCPConnector(local_addr=("127.0.0.2", 0))
    async with aiohttp.ClientSession(connector=connector) as session, session.get(f"{fake.url}{LIBRARY}/articles") as there:
        assert (here.headers["X-RateLimit-Limit"], here.headers["X-RateLimit-Remaining"]) == ("200", "198")
        assert there.headers["X-RateLimit-Remaining"] == "199"
    assert [entry.address for entry in fake.requests] == ["127.0.0.1", "127.0.0.1", "127.0.0.2"]


async def test_used_up_address_is_refused_until_its_window_ends() -> None:
    """A 429 like any other, and then the hour is over."""
    async with calling(FakeCStar(rate_limit=1)) as call:
        assert [(await read(call, "/articles")).status for _ in range(2)] == [200, 429]
        call.fake.clock.advance(3_600)
        assert (await read(call, "/articles")).status == 200


async def test_library_of_the_fake_is_entered_like_its_client() -> None:
    """`fake.library()` leads to the team's library and lives by the clock of the fake."""
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
    """A library that knows its window to be used up asks nobody and says when to come back."""
    async with FakeCStar(rate_limit=1) as fake, fake.library() as library:
        await library.articles()
        with pytest.raises(RateLimitWaitError):
            await library.articles()
        assert len(fake.requests) == 1


async def test_library_of_an_unknown_team_is_an_error_of_the_client() -> None:
    """The class is that of the status."""
    async with FakeCStar() as fake, fake.library(team="nobody") as library:
        with pytest.raises(NotFoundError):
            await library.articles()
