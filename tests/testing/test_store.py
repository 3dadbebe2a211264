"""The database of a team, also of one whose document lacks something."""

from __future__ import annotations

import pytest

from cstar_async.testing._data.collections import load_collections
from cstar_async.testing._data.ids import seeded_random
from cstar_async.testing._data.spec import Document, generated_document
from cstar_async.testing._data.store import Database, Team
from cstar_async.testing._handlers.crud import apply_update, insert_object
from cstar_async.testing._seed import add_members, add_seed_data

COLLECTIONS = sorted(load_collections(generated_document()))
AT = "2026-03-01T00:00:00.000Z"


def world_without(collection: str) -> Database:
    """A full database of a document from which a collection was dropped."""
    real = generated_document()
    left = {name: operation for name, operation in real.operations.items() if operation.extensions.get("collection") != collection}
    document = Document(left, real.components)
    database = Database(Team("team", "Team", "team"), document, load_collections(document), seeded_random("team"))
    add_members(database, now_s=1_790_000_000.0)
    add_seed_data(database, now_s=1_790_000_000.0)
    return database


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_world_gets_along_without_any_collection(collection: str) -> None:
    """Dropping a namespace from the document breaks nothing of the others: all of it can be made, shown and removed."""
    database = world_without(collection)
    if database.has("tickets"):
        told = {"title": "A", "tags": ["a"], "customerId": "nobody", "initialMessage": "Hello."}
        ticket = insert_object(database, "tickets", told, at=AT)
        apply_update(database, "tickets", ticket, {"assignedTo": "somebody"}, at=AT)
    for table in list(database.tables):
        name = table.schema.collection
        assert len(list(table)) == len(database.serialize(name, list(table)))
        for row in list(table):
            database.remove(name, row)
    assert not database.has(collection)


def test_collection_that_the_document_lacks_is_empty() -> None:
    """Whoever looks something up there finds nothing."""
    table = world_without("tags").table("tags")
    assert ([], None) == (list(table), table.find("bug"))
