"""Filter, sort, paginate and expand lists."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from cstar_async.testing import FakeCStar
from cstar_async.testing._handlers.query import sort_rows

from .conftest import Caller, calling


@pytest.fixture
async def seeded() -> AsyncIterator[Caller]:
    """Return a caller of a fake with data."""
    async with calling(FakeCStar(seed=1)) as caller:
        yield caller


async def test_pages_hold_everything_once(seeded: Caller) -> None:
    """Thirty tickets with a page size of seven are five pages without gap or repetition."""
    ids: list[str] = []
    for page in range(1, 6):
        reply = await seeded("GET", f"/tickets?page={page}&pageSize=7")
        ids += [row["id"] for row in reply.data]
        assert reply.json["pagination"] == {"total": 30, "page": page, "pageSize": 7, "hasMore": page < 5}
    assert len(set(ids)) == len(ids) == 30


async def test_page_has_the_documented_size(seeded: Caller) -> None:
    """The default page size is twenty."""
    assert len((await seeded("GET", "/tickets")).data) == 20


@pytest.mark.parametrize("page", [9, 10**30])
async def test_page_after_the_last_is_empty(seeded: Caller, page: int) -> None:
    """A page after the last is empty and no error."""
    reply = await seeded("GET", f"/tickets?page={page}")
    assert (reply.data, reply.json["pagination"]["hasMore"]) == ([], False)


@pytest.mark.parametrize(
    ("query", "field", "value"),
    [("status=open", "status", "open"), ("priority=high", "priority", "high")],
)
async def test_filter_by_value(seeded: Caller, query: str, field: str, value: str) -> None:
    """A filter returns all objects with the value, and no others."""
    everything = (await seeded("GET", "/tickets?pageSize=100")).data
    found = (await seeded("GET", f"/tickets?pageSize=100&{query}")).data
    assert found == [row for row in everything if row[field] == value] != []


async def test_filters_must_all_match(seeded: Caller) -> None:
    """Two filters together return fewer objects."""
    found = (await seeded("GET", "/tickets?pageSize=100&status=open&priority=normal")).data
    assert {(row["status"], row["priority"]) for row in found} == {("open", "normal")}


async def test_customer_filter_takes_both_forms_of_an_id(call: Caller) -> None:
    """`customerId` can be the prefixed id or the UUID."""
    customer = await call.make("/customers", name="A", email="a@b.example")
    await call.make("/tickets", title="theirs", customerId=customer["id"])
    await call.make("/tickets", title="other")
    for form in (customer["id"], customer["id"].removeprefix("cus_")):
        assert [row["title"] for row in (await call("GET", f"/tickets?customerId={form}")).data] == ["theirs"]


async def test_search_finds_text_in_any_case(call: Caller) -> None:
    """`search` looks into every field that the document names, ignoring case."""
    await call.make("/tickets", title="Cannot LOG in")
    await call.make("/tickets", title="other", customerName="Logan")
    await call.make("/tickets", title="third")
    assert len((await call("GET", "/tickets?search=log")).data) == 2


SEARCHED = {
    "/tickets": ({"title": "Needle"}, {"title": "a", "customerName": "needles"}),
    "/customers": ({"name": "Needle", "email": "a@b.example"}, {"name": "B", "email": "needle@b.example"}),
    "/customer-groups": ({"name": "Needle works"},),
    "/articles": ({"title": "Needle"}, {"title": "a", "content": "A needle."}),
}
NOT_SEARCHED = {
    "/tickets": {"title": "b", "notes": "needle", "tags": ["needle"]},
    "/customers": {"name": "C", "email": "c@b.example", "notes": "needle", "tags": ["needle"]},
    "/customer-groups": {"name": "Other", "slug": "needle", "description": "needle"},
    "/articles": {"title": "b", "tags": ["needle"]},
}


@pytest.mark.parametrize("path", SEARCHED)
async def test_search_looks_into_the_documented_fields_only(call: Caller, path: str) -> None:
    """Name or email of customers, the name of groups, title or content of articles, title or customer name of tickets."""
    made = [await call.make(path, **fields) for fields in SEARCHED[path]]
    await call.make(path, **NOT_SEARCHED[path])
    found = (await call("GET", f"{path}?search=needle")).data
    assert {row["id"] for row in found} == {row["id"] for row in made}


@pytest.mark.parametrize(("path", "fields"), [("/customers", {"name": "A", "email": "a@b.example"}), ("/articles", {"title": "A"})])
@pytest.mark.parametrize("tag", ["vi", "vips", "VIP", "vip%20"])
async def test_tag_filter_is_exact(call: Caller, path: str, fields: dict[str, str], tag: str) -> None:
    """A part of a tag, a longer one, and other capitals match nothing."""
    await call.make(path, **fields, tags=["vip"])
    assert (await call("GET", f"{path}?tag={tag}")).data == []
    assert len((await call("GET", f"{path}?tag=vip")).data) == 1


async def test_tag_filter_finds_one_among_many(call: Caller) -> None:
    """`tag` matches customers with that tag among others."""
    await call.make("/customers", name="A", email="a@b.example", tags=["x", "y"])
    await call.make("/customers", name="B", email="b@b.example")
    assert [row["name"] for row in (await call("GET", "/customers?tag=y")).data] == ["A"]


async def test_boolean_filter_accepts_both(call: Caller) -> None:
    """`isPublic` can be true, false or left out."""
    await call.make("/articles", title="a", isPublic=True)
    await call.make("/articles", title="b")
    counts = [len((await call("GET", f"/articles{query}")).data) for query in ("?isPublic=true", "?isPublic=false", "")]
    assert counts == [1, 1, 2]


async def test_category_filter_takes_the_id_only(call: Caller) -> None:
    """A slug gives an empty list without an error, as documented."""
    category = await call.make("/categories", name="Billing")
    await call.make("/articles", title="a", categoryId=category["id"])
    assert len((await call("GET", f"/articles?category={category['id']}")).data) == 1
    assert (await call("GET", "/articles?category=billing")).data == []


async def test_role_filter(call: Caller) -> None:
    """Members are filtered by role."""
    assert [row["role"] for row in (await call("GET", "/members?role=agent")).data] == ["agent", "agent"]


async def test_expand_adds_the_customer(call: Caller) -> None:
    """`expand=customer` adds a summary to each row; null for an unknown customer."""
    customer = await call.make("/customers", name="A", email="a@b.example")
    await call.make("/tickets", title="a", customerId=customer["id"])
    await call.make("/tickets", title="b", customerName="Nobody")
    rows = (await call("GET", "/tickets?expand=customer")).data
    assert [row["customer"] for row in rows] == [{"id": customer["id"], "name": "A", "email": "a@b.example"}, None]


async def test_nothing_is_expanded_by_default(call: Caller) -> None:
    """Rows have no summary without `expand`."""
    await call.make("/tickets", title="a")
    assert "customer" not in (await call("GET", "/tickets")).data[0]


async def test_empty_expand_is_refused(call: Caller) -> None:
    """An empty `expand` is refused."""
    assert 400 == (await call("GET", "/tickets?expand=")).status


async def test_categories_come_in_their_order(call: Caller) -> None:
    """Categories are sorted by sortOrder, then by name."""
    for name, position in (("c", 1), ("b", 0), ("a", 1)):
        await call.make("/categories", name=name, sortOrder=position)
    assert [row["name"] for row in (await call("GET", "/categories")).data] == ["b", "a", "c"]


async def test_categories_are_unpaginated_by_default(call: Caller) -> None:
    """Without page and size the list has all rows, and its page size is the total."""
    for number in range(25):
        await call.make("/categories", name=f"c{number}")
    reply = await call("GET", "/categories")
    assert len(reply.data) == 25
    assert reply.json["pagination"] == {"total": 25, "page": 1, "pageSize": 25, "hasMore": False}


async def test_empty_list_of_categories_has_a_page_size_of_0(call: Caller) -> None:
    """An empty unpaginated list has a page size of 0."""
    assert (await call("GET", "/categories")).json["pagination"] == {"total": 0, "page": 1, "pageSize": 0, "hasMore": False}


@pytest.mark.parametrize(("query", "count"), [("page=1", 20), ("pageSize=10", 10), ("page=2&pageSize=20", 5)])
async def test_categories_are_paginated_on_request(call: Caller, query: str, count: int) -> None:
    """With a page or a size the list is paginated as any other."""
    for number in range(25):
        await call.make("/categories", name=f"c{number}")
    assert len((await call("GET", f"/categories?{query}")).data) == count


def test_descending_order_puts_the_newest_first() -> None:
    """A leading `-` reverses a field, ties by age included; missing values come last in ascending order."""
    rows = [{"n": 1, "at": "a"}, {"n": 2, "at": "b"}, {"n": 3, "at": "b"}]
    assert [row["n"] for row in sort_rows(rows, ["-at"])] == [3, 2, 1]
    assert [row["n"] for row in sort_rows([{"n": 1}, {"n": 2, "at": "a"}], ["at"])] == [2, 1]
