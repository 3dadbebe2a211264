"""The database of a team, also with a document that lacks a collection."""

from __future__ import annotations

import pytest

from cstar_async import InvalidArgumentError
from cstar_async.testing import FakeCStar
from cstar_async.testing._data.collections import load_collections
from cstar_async.testing._data.ids import seeded_random
from cstar_async.testing._data.spec import Document, generated_document
from cstar_async.testing._data.store import Database, Team
from cstar_async.testing._handlers.crud import apply_update, insert_object
from cstar_async.testing._seed import add_members, add_seed_data

COLLECTIONS = sorted(load_collections(generated_document()))
AT = "2026-03-01T00:00:00.000Z"


def database_without(collection: str) -> Database:
    """Return a full database of a document without one collection."""
    real = generated_document()
    left = {name: operation for name, operation in real.operations.items() if operation.extensions.get("collection") != collection}
    document = Document(left, real.components)
    database = Database(Team("team", "Team", "team"), document, load_collections(document), seeded_random("team"))
    add_members(database, now_s=1_790_000_000.0)
    add_seed_data(database, now_s=1_790_000_000.0)
    return database


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_database_works_without_any_collection(collection: str) -> None:
    """Without one namespace, the objects of all others can be created, shown and removed."""
    database = database_without(collection)
    if database.has("tickets"):
        body = {"title": "A", "tags": ["a"], "customerId": "unknown", "initialMessage": "Hello."}
        ticket = insert_object(database, "tickets", body, at=AT)
        apply_update(database, "tickets", ticket, {"assignedTo": "mem_1"}, at=AT)
    for table in list(database.tables):
        name = table.schema.collection
        assert len(list(table)) == len(database.serialize(name, list(table)))
        for row in list(table):
            database.remove(name, row)
    assert not database.has(collection)


def test_collection_that_the_document_lacks_is_empty() -> None:
    """A look-up in an unknown collection finds nothing."""
    table = database_without("tags").table("tags")
    assert ([], None) == (list(table), table.find("bug"))


@pytest.mark.parametrize("rows", [0, 1, 200])
async def test_rows_are_customers_and_tickets(rows: int) -> None:
    """`rows` is the number of customers and of tickets, and all tickets are of the last 30 days."""
    async with FakeCStar(seed=1, rows=rows) as fake, fake.client() as cstar:
        tickets, customers = await cstar.tickets.list().collect(), await cstar.customers.list().collect()
        assert (len(tickets), len(customers)) == (rows, rows)
        assert all(0 <= (fake.clock.now() - ticket.created_at).days <= 30 for ticket in tickets)


def test_rows_need_a_seed() -> None:
    """Rows without a seed are refused."""
    with pytest.raises(InvalidArgumentError, match="seed=1"):
        FakeCStar(rows=3)
