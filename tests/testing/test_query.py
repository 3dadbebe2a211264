"""Which objects a list shows."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from cstar_async.testing import FakeCStar
from cstar_async.testing._handlers.query import sort_rows

from .conftest import Caller, calling


@pytest.fixture
async def seeded() -> AsyncIterator[Caller]:
    """A caller of a fake with data."""
    async with calling(FakeCStar(seed=1)) as caller:
        yield caller


async def test_pages_hold_everything_once(seeded: Caller) -> None:
    """Thirty tickets by seven are five pages without a gap or a repetition."""
    ids: list[str] = []
    for page in range(1, 6):
        reply = await seeded("GET", f"/tickets?page={page}&pageSize=7")
        ids += [row["id"] for row in reply.data]
        assert reply.json["pagination"] == {"total": 30, "page": page, "pageSize": 7, "hasMore": page < 5}
    assert len(set(ids)) == len(ids) == 30


async def test_page_has_the_documented_size(seeded: Caller) -> None:
    """Twenty, unless told otherwise."""
    assert len((await seeded("GET", "/tickets")).data) == 20


@pytest.mark.parametrize("page", [9, 10**30])
async def test_page_behind_the_last_is_empty(seeded: Caller, page: int) -> None:
    """No objects, no more pages, no error."""
    reply = await seeded("GET", f"/tickets?page={page}")
    assert (reply.data, reply.json["pagination"]["hasMore"]) == ([], False)


@pytest.mark.parametrize(
    ("query", "field", "value"),
    [("status=open", "status", "open"), ("priority=high", "priority", "high")],
)
async def test_filter_by_value(seeded: Caller, query: str, field: str, value: str) -> None:
    """A filter lets those through that have the value, and all of them."""
    everything = (await seeded("GET", "/tickets?pageSize=100")).data
    found = (await seeded("GET", f"/tickets?pageSize=100&{query}")).data
    assert found == [row for row in everything if row[field] == value] != []


async def test_filters_must_all_hold(seeded: Caller) -> None:
    """Two filters together let fewer through."""
    found = (await seeded("GET", "/tickets?pageSize=100&status=open&priority=normal")).data
    assert {(row["status"], row["priority"]) for row in found} == {("open", "normal")}


async def test_customer_filter_takes_both_forms_of_an_id(call: Caller) -> None:
    """`customerId` may be the prefixed id or the UUID."""
    customer = await call.make("/customers", name="A", email="a@b.example")
    await call.make("/tickets", title="theirs", customerId=customer["id"])
    await call.make("/tickets", title="other")
    for form in (customer["id"], customer["id"].removeprefix("cus_")):
        assert [row["title"] for row in (await call("GET", f"/tickets?customerId={form}")).data] == ["theirs"]


async def test_search_finds_text_in_any_case(call: Caller) -> None:
    """`search` looks into every field the document names."""
    await call.make("/tickets", title="Cannot LOG in")
    await call.make("/tickets", title="other", customerName="Logan")
    await call.make("/tickets", title="third")
    assert len((await call("GET", "/tickets?search=log")).data) == 2


async def test_tag_filter_finds_one_among_many(call: Caller) -> None:
    """`tag` lets customers through that have it among theirs."""
    await call.make("/customers", name="A", email="a@b.example", tags=["x", "y"])
    await call.make("/customers", name="B", email="b@b.example")
    assert [row["name"] for row in (await call("GET", "/customers?tag=y")).data] == ["A"]


async def test_truth_filter_takes_both(call: Caller) -> None:
    """`isPublic` may be true, false, or left out."""
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
    """Members are chosen by role."""
    assert [row["role"] for row in (await call("GET", "/members?role=agent")).data] == ["agent", "agent"]


async def test_expand_adds_the_customer(call: Caller) -> None:
    """`expand=customer` puts a summary into each row; null where there is no customer on record."""
    customer = await call.make("/customers", name="A", email="a@b.example")
    await call.make("/tickets", title="a", customerId=customer["id"])
    await call.make("/tickets", title="b", customerName="Nobody")
    rows = (await call("GET", "/tickets?expand=customer")).data
    assert [row["customer"] for row in rows] == [{"id": customer["id"], "name": "A", "email": "a@b.example"}, None]


async def test_nothing_is_expanded_unasked(call: Caller) -> None:
    """Rows stay as they are."""
    await call.make("/tickets", title="a")
    assert "customer" not in (await call("GET", "/tickets")).data[0]


async def test_empty_word_is_nothing_to_expand(call: Caller) -> None:
    """It may be a list without words or one without letters, and neither is allowed."""
    assert 400 == (await call("GET", "/tickets?expand=")).status


async def test_categories_come_in_their_order(call: Caller) -> None:
    """By sortOrder, then by name."""
    for name, place in (("c", 1), ("b", 0), ("a", 1)):
        await call.make("/categories", name=name, sortOrder=place)
    assert [row["name"] for row in (await call("GET", "/categories")).data] == ["b", "a", "c"]


async def test_categories_come_whole(call: Caller) -> None:
    """Without a page the list is whole, and its page size is the total."""
    for number in range(25):
        await call.make("/categories", name=f"c{number}")
    reply = await call("GET", "/categories")
    assert len(reply.data) == 25
    assert reply.json["pagination"] == {"total": 25, "page": 1, "pageSize": 25, "hasMore": False}


async def test_no_categories_are_a_whole_list_too(call: Caller) -> None:
    """An empty whole list has a page size of 0."""
    assert (await call("GET", "/categories")).json["pagination"] == {"total": 0, "page": 1, "pageSize": 0, "hasMore": False}


@pytest.mark.parametrize(("query", "count"), [("page=1", 20), ("pageSize=10", 10), ("page=2&pageSize=20", 5)])
async def test_categories_come_by_pages_when_asked(call: Caller, query: str, count: int) -> None:
    """With a page or a size they come as any other list."""
    for number in range(25):
        await call.make("/categories", name=f"c{number}")
    assert len((await call("GET", f"/categories?{query}")).data) == count


def test_descending_order_puts_the_newest_first() -> None:
    """A leading `-` turns a field round, ties by age included; what is missing comes last when it goes up."""
    rows = [{"n": 1, "at": "a"}, {"n": 2, "at": "b"}, {"n": 3, "at": "b"}]
    assert [row["n"] for row in sort_rows(rows, ["-at"])] == [3, 2, 1]
    assert [row["n"] for row in sort_rows([{"n": 1}, {"n": 2, "at": "a"}], ["at"])] == [2, 1]
