"""The actions of every collection: list, create, get, update, delete."""

from __future__ import annotations

import pytest

from cstar_async.testing import FakeCStar
from cstar_async.testing._data.collections import load_collections
from cstar_async.testing._data.ids import seeded_random
from cstar_async.testing._data.spec import generated_document
from cstar_async.testing._data.store import Database, Table, Team
from cstar_async.testing._handlers.crud import insert_object

from .conftest import Caller, calling

COLLECTIONS = {
    "/tickets": {"title": "One"},
    "/customers": {"name": "One", "email": "one@a.example"},
    "/articles": {"title": "One"},
    "/categories": {"name": "One"},
}


@pytest.mark.parametrize("path", COLLECTIONS)
async def test_created_object_can_be_read(call: Caller, path: str) -> None:
    """Create, read and list return the same object."""
    created = await call.make(path, **COLLECTIONS[path])
    read = (await call("GET", f"{path}/{created['id']}")).data
    assert {name: read[name] for name in created} == created
    assert (await call("GET", path)).data == [created]


@pytest.mark.parametrize("path", COLLECTIONS)
async def test_deleted_object_is_gone(call: Caller, path: str) -> None:
    """A delete returns the id; the next read is a 404."""
    created = await call.make(path, **COLLECTIONS[path])
    reply = await call("DELETE", f"{path}/{created['id']}")
    assert (reply.status, reply.data) == (200, {"deleted": True, "id": created["id"]})
    for method in ("GET", "DELETE"):
        assert (await call(method, f"{path}/{created['id']}")).status == 404
    assert (await call("PATCH", f"{path}/{created['id']}", {})).status == 404


@pytest.mark.parametrize(("path", "noun"), [("/tickets", "Ticket"), ("/customers", "Customer"), ("/members", "Member")])
async def test_unknown_id_is_missing(call: Caller, path: str, noun: str) -> None:
    """A 404 names the type that was not found."""
    error = (await call("GET", f"{path}/none")).json["error"]
    assert (error["code"], error["message"]) == ("resource_missing", f"{noun} not found")


async def test_new_object_has_what_the_server_fills_in(call: Caller) -> None:
    """Type tag, defaults, empty values and dates come from the document."""
    ticket = await call.make("/tickets", title="a")
    expected = {"object": "ticket", "status": "new", "priority": "normal", "tags": [], "metadata": {}, "assignedTo": None}
    assert {name: ticket[name] for name in expected} == expected
    assert ticket["createdAt"] == ticket["updatedAt"]


async def test_new_objects_share_nothing(call: Caller) -> None:
    """Two objects do not share an empty default value."""
    first, second = await call.make("/tickets", title="a"), await call.make("/tickets", title="b")
    await call("PATCH", f"/tickets/{first['id']}", {"metadata": {"a": 1}})
    assert (await call("GET", f"/tickets/{second['id']}")).data["metadata"] == {}


@pytest.mark.parametrize(
    ("path", "prefix"), [("/tickets", "tkt_"), ("/customers", "cus_"), ("/articles", "art_"), ("/categories", "")]
)
async def test_id_has_the_prefix_of_its_type(call: Caller, path: str, prefix: str) -> None:
    """Ids are a prefix and 32 hex digits, or a bare UUID."""
    created = await call.make(path, **COLLECTIONS[path])
    assert created["id"].startswith(prefix)
    assert len(created["id"].removeprefix(prefix)) == (32 if prefix else 36)


@pytest.mark.parametrize("path", COLLECTIONS)
async def test_object_is_found_by_its_bare_uuid(call: Caller, path: str) -> None:
    """The prefixed id and its UUID, with or without hyphens, find the same object; the response has the prefixed id."""
    created = await call.make(path, **COLLECTIONS[path])
    digits = created["id"].split("_")[-1].replace("-", "")
    hyphened = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
    for form in (digits, hyphened, hyphened.upper()):
        assert (await call("GET", f"{path}/{form}")).data["id"] == created["id"]


async def test_prefix_of_another_type_is_not_accepted(call: Caller) -> None:
    """A `cus_` id is no ticket, even with the digits of one."""
    ticket = await call.make("/tickets", title="a")
    assert (await call("GET", f"/tickets/{ticket['id'].replace('tkt_', 'cus_')}")).status == 404


async def test_unknown_field_is_ignored(call: Caller) -> None:
    """Fields that the request does not have, such as those that only the server sets, are ignored."""
    ticket = await call.make("/tickets", title="a", colour="red", messageCount=9, id="mine")
    assert ("colour" in ticket, ticket["messageCount"], ticket["id"] == "mine") == (False, 0, False)
    changed = (await call("PATCH", f"/tickets/{ticket['id']}", {"messageCount": 9})).data
    assert changed == ticket


async def test_update_changes_only_what_is_sent(call: Caller, fake: FakeCStar) -> None:
    """All other fields stay, but for `updatedAt`."""
    ticket = await call.make("/tickets", title="a", priority="high", notes="n")
    fake.clock.advance(5)
    changed = (await call("PATCH", f"/tickets/{ticket['id']}", {"notes": None})).data
    assert changed["updatedAt"] > ticket["updatedAt"]
    assert changed == ticket | {"notes": None, "updatedAt": changed["updatedAt"]}


async def test_update_of_nothing_changes_nothing(call: Caller, fake: FakeCStar) -> None:
    """An update with `{}` succeeds and changes nothing, `updatedAt` included."""
    ticket = await call.make("/tickets", title="a")
    fake.clock.advance(5)
    assert (await call("PATCH", f"/tickets/{ticket['id']}", {})).data == ticket


async def test_tags_are_replaced(call: Caller) -> None:
    """A list in an update replaces the old one."""
    ticket = await call.make("/tickets", title="a", tags=["x", "y"])
    assert (await call("PATCH", f"/tickets/{ticket['id']}", {"tags": ["z"]})).data["tags"] == ["z"]


async def test_metadata_is_merged_by_key(call: Caller) -> None:
    """New keys are added, null removes keys, all others stay."""
    ticket = await call.make("/tickets", title="a", metadata={"keep": 1, "drop": 2, "never": None})
    assert ticket["metadata"] == {"keep": 1, "drop": 2}
    changed = (await call("PATCH", f"/tickets/{ticket['id']}", {"metadata": {"drop": None, "new": {"x": None}}})).data
    assert changed["metadata"] == {"keep": 1, "new": {"x": None}}


async def test_duplicate_email_address_is_a_conflict(call: Caller) -> None:
    """E-mail addresses of customers are unique, regardless of case."""
    await call.make("/customers", name="A", email="a@b.example")
    reply = await call("POST", "/customers", {"name": "B", "email": "A@b.example"})
    error = reply.json["error"]
    assert (reply.status, error["code"], error["param"]) == (409, "resource_conflict", "email")
    assert error["message"] == "A customer with this email already exists."


async def test_own_email_address_is_no_conflict(call: Caller) -> None:
    """A customer can be updated with its own address, but not with that of another one."""
    first = await call.make("/customers", name="A", email="a@b.example")
    second = await call.make("/customers", name="B", email="b@b.example")
    assert (await call("PATCH", f"/customers/{first['id']}", {"email": "a@b.example"})).status == 200
    assert (await call("PATCH", f"/customers/{second['id']}", {"email": "a@b.example"})).status == 409


async def test_released_email_address_can_be_used(call: Caller) -> None:
    """A replaced address and that of a deleted customer can be used again."""
    first = await call.make("/customers", name="A", email="a@b.example")
    await call("PATCH", f"/customers/{first['id']}", {"email": "b@b.example"})
    assert (await call("POST", "/customers", {"name": "B", "email": "a@b.example"})).status == 201
    await call("DELETE", f"/customers/{first['id']}")
    assert (await call("POST", "/customers", {"name": "C", "email": "b@b.example"})).status == 201


@pytest.mark.parametrize(
    ("collection", "body"), [("customers", {"name": "A", "email": "a@b.example"}), ("articles", {"title": "A"})]
)
def test_new_object_costs_the_same_however_many_there_are(
    monkeypatch: pytest.MonkeyPatch, collection: str, body: dict[str, str]
) -> None:
    """Unique values and slugs are looked up in an index, not by scanning rows."""
    document = generated_document()
    database = Database(Team("team", "Team", "team"), document, load_collections(document), seeded_random("team"))
    scanned: list[str] = []
    monkeypatch.setattr(Table, "__iter__", lambda table: scanned.append(table.schema.collection) or iter(()))
    insert_object(database, collection, body, at="2026-03-01T00:00:00.000Z")
    assert [] == scanned


async def test_slug_is_made_from_the_name(call: Caller) -> None:
    """Slugs are lower case, ASCII and unique."""
    slugs = [(await call.make("/categories", name=name))["slug"] for name in ("Éclairs & more!", "eclairs more", "...")]
    assert slugs == ["eclairs-more", "eclairs-more-2", "category"]


async def test_given_slug_stays(call: Caller) -> None:
    """A given slug is kept; a duplicate gets a number, and a new title does not change it."""
    first = await call.make("/articles", title="a", slug="mine")
    second = await call.make("/articles", title="b", slug="mine")
    assert (first["slug"], second["slug"]) == ("mine", "mine-2")
    assert (await call("PATCH", f"/articles/{first['id']}", {"title": "c"})).data["slug"] == "mine"
    assert (await call("PATCH", f"/articles/{first['id']}", {"slug": "mine-2"})).data["slug"] == "mine-2-2"


async def test_ids_are_the_same_in_every_run() -> None:
    """Two fakes return the same ids for the same calls, whatever was read in between."""
    ids = []
    for reads in (0, 3):
        async with calling(FakeCStar()) as call:
            for _ in range(reads):
                await call("GET", "/tickets/none")
            ids.append((await call.make("/tickets", title="a"))["id"])
    assert ids[0] == ids[1]
