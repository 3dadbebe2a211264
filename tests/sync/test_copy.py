"""What a local copy returns: rows as models, what changed and was deleted; and what its file may be."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest

from cstar_async import ConfigurationError, CStarClient, CStarError, InvalidArgumentError, PayloadError, from_dict
from cstar_async.models import Article, Customer, ExportResult, Message, Tag, Ticket
from cstar_async.sync import LocalCopy
from cstar_async.sync._plan import complete_tables, id_notations
from cstar_async.testing import FakeCStar
from cstar_async.webhooks import TicketCreated, WebhookEvent
from tests.sync.conftest import assert_equal_to_server, until

REFUSED = {"operation": "run_export", "status": 403}


@pytest.fixture
async def fake() -> AsyncIterator[FakeCStar]:
    """A cStar with sample data."""
    async with FakeCStar(seed=3, limits=False) as running:
        yield running


@pytest.fixture
async def cstar(fake: FakeCStar) -> AsyncIterator[CStarClient]:
    """A client of it."""
    async with fake.client() as client:
        yield client


async def test_rows_of_an_export_and_of_lists_are_the_same(fake: FakeCStar, cstar: CStarClient, path: Path) -> None:
    """A copy that was exported is unchanged when it is listed: the way of reading is no change."""
    copy = LocalCopy(path)
    await copy.refresh(cstar)
    fake.faults.add(**REFUSED)
    report = await copy.refresh(cstar)
    assert ({}, {}) == (report.changed, report.deleted)
    await assert_equal_to_server(copy, cstar)


@pytest.mark.parametrize("name", [":memory:", "file:copy?mode=memory", "copy"])
async def test_a_copy_is_a_file_of_any_name(cstar: CStarClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Also of one that SQLite takes for a database in memory, which would lose the rows without an error."""
    monkeypatch.chdir(tmp_path)
    await LocalCopy(name).refresh(cstar)
    assert (tmp_path / name).is_file()
    await assert_equal_to_server(LocalCopy(name), cstar)


async def test_a_row_that_an_export_does_not_have_is_deleted_with_its_messages(cstar: CStarClient, path: Path) -> None:
    """Its id is listed as deleted, and nothing else of it is in the file."""
    copy = LocalCopy(path)
    await copy.refresh(cstar)
    ticket = next(ticket for ticket in copy.rows(Ticket) if ticket.message_count)
    await cstar.tickets.delete(ticket.id)
    report = await copy.refresh(cstar)
    assert {"tickets": 1, "messages": ticket.message_count} == report.deleted
    assert [ticket.id] == copy.deleted(Ticket, changed_since=report.since)
    assert (None, []) == (copy.row(Ticket, ticket.id), copy.messages(ticket.id))
    await assert_equal_to_server(copy, cstar)


async def test_a_row_that_a_list_does_not_have_is_deleted_when_the_next_does_not_either(
    fake: FakeCStar, cstar: CStarClient, path: Path
) -> None:
    """A list can miss a row that moved from one page to another, so one miss is no proof."""
    fake.faults.add(**REFUSED, max_triggers=None)
    copy = LocalCopy(path)
    await copy.refresh(cstar)
    ticket = next(copy.rows(Ticket))
    await cstar.tickets.delete(ticket.id)
    assert "tickets" not in (await copy.refresh(cstar)).deleted
    assert 1 == (await copy.refresh(cstar)).deleted["tickets"]
    await assert_equal_to_server(copy, cstar)


async def test_rows_that_move_between_pages_are_all_in_the_copy(fake: FakeCStar, path: Path) -> None:
    """Tickets that are created and deleted while the list is read move the others; each that stays is read."""
    fake.faults.add(**REFUSED, max_triggers=None)
    async with fake.client() as writer:
        await writer.imports.run_batched(resource="tickets", records=[{"title": f"{number}"} for number in range(350)])
        before = [ticket.id async for ticket in writer.tickets.list()]
        # Deleting what was read first moves later rows onto pages that were read.
        fake.faults.add(operation="list_tickets", match=lambda request: request.query.get("page") == "3", status=503)
        async with fake.client(max_retries=0) as cstar:
            copy = LocalCopy(path)
            with pytest.raises(CStarError):
                await copy.refresh(cstar)
            for ticket_id in before[:5]:
                await writer.tickets.delete(ticket_id)
            created = [(await writer.tickets.create(title="new")).id for _ in range(3)]
            assert (await copy.refresh(cstar)).is_complete
    assert {*before[5:], *created} <= {ticket.id for ticket in copy.rows(Ticket)}


async def test_no_depth_of_a_value_stops_a_refresh(fake: FakeCStar, cstar: CStarClient, path: Path) -> None:
    """A row that orjson cannot write is stored, too: it would stop each refresh."""
    row = b'{"id": "tkt_1", "title": "A", "new": ' + b"[" * 300 + b"]" * 300 + b"}"
    fake.faults.add(**REFUSED)
    fake.faults.add(operation="list_tickets", body=b'{"data": [' + row + b'], "pagination": {"hasMore": false}}')
    copy = LocalCopy(path)
    assert (await copy.refresh(cstar, models=[Ticket])).is_complete
    assert [from_dict(Ticket, orjson.loads(row))] == list(copy.rows(Ticket))
    with closing(sqlite3.connect(path)) as database:
        assert [("A",)] == database.execute("SELECT title FROM tickets").fetchall()


async def test_events_keep_a_copy_current_for_a_call_each(fake: FakeCStar, cstar: CStarClient, path: Path) -> None:
    """A changed row is read, a deleted one takes no call, and an event about nothing in the copy changes nothing."""
    copy = LocalCopy(path)
    await copy.refresh(cstar)
    gone, kept = list(copy.rows(Ticket))[:2]
    async with cstar.events() as stream:
        await cstar.tickets.delete(gone.id)
        await cstar.tickets.messages.create(kept.id, content="On it.", sender="agent")
        await cstar.customers.create(name="Ada", email="ada@new.example")
        await cstar.tags.create(name="unrelated")
        before, types = len(fake.requests), set[str]()
        while not {"ticket.deleted", "ticket.message_added", "customer.created"} <= types:
            event = await anext(aiter(stream))
            types.add(event.type)
            assert await copy.apply(cstar, event)
    assert event.id == copy.last_event_id
    assert len(types) - 1 == len(fake.requests) - before
    assert "On it." == copy.messages(kept.id)[-1].content
    assert copy.row(Ticket, gone.id) is None
    # The number of tickets of a customer changes without an event; a refresh reads it.
    assert {"customers": 1} == (await copy.refresh(cstar)).changed
    await assert_equal_to_server(copy, cstar)
    unrelated = from_dict(WebhookEvent, {"id": "evt_1", "type": "boss.spawned", "data": {}})
    assert not await copy.apply(cstar, unrelated)


async def test_an_event_without_an_id_is_an_error(cstar: CStarClient, path: Path) -> None:
    """It is not dropped in silence: an inbox keeps it as a dead letter."""
    with pytest.raises(PayloadError, match="must have the id of its ticket"):
        await LocalCopy(path).apply(cstar, from_dict(TicketCreated, {"id": "evt_1", "type": "ticket.created", "data": {}}))


async def test_an_older_reading_replaces_nothing(fake: FakeCStar, cstar: CStarClient, path: Path) -> None:
    """An export that was sent before an event was applied, and stored after it, does not bring the old row back."""
    copy = LocalCopy(path)
    await copy.refresh(cstar)
    gone, changed = list(copy.rows(Ticket))[:2]
    fault = fake.faults.add(operation="run_export", delay=3600, after=True)
    running = asyncio.create_task(copy.refresh(cstar))
    await until(lambda: fault.trigger_count > 0)
    await cstar.tickets.delete(gone.id)
    await cstar.tickets.update(changed.id, title="New title")
    for kind, ticket in (("deleted", gone), ("updated", changed)):
        event = {"id": "evt_1", "type": f"ticket.{kind}", "data": {"ticket": {"id": ticket.id}}}
        await copy.apply(cstar, from_dict(WebhookEvent, event))
    fake.clock.advance(3600)
    await running
    assert copy.row(Ticket, gone.id) is None
    assert "New title" == from_row(copy.row(Ticket, changed.id)).title


def from_row(ticket: Ticket | None) -> Ticket:
    """Return a ticket that must be there."""
    assert ticket is not None
    return ticket


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([{"id": "tkt_1", "createdAt": "2026-01-01T00:00:00Z", "messageCount": 0}], True),
        ([{"id": "tkt_1", "title": "Sample"}], False),
        ([{"id": "tkt_1", "createdAt": "2026-01-01T00:00:00Z"}], False),
        (["tkt_1"], False),
        ({}, False),
        (None, False),
        ([], True),
        ([{"id": "tkt_1", "createdAt": "2026-01-01T00:00:00Z", "messageCount": 0}] * 10_000, False),
    ],
)
def test_an_export_is_used_only_if_it_is_complete(rows: object, expected: bool) -> None:
    """Rows with too few fields, as in the documented sample, or as many as the server returns at most: the table is listed."""
    export = from_dict(ExportResult, {"format": "json", "totalRows": 1, "resources": {"tickets": rows}})
    assert expected == ("tickets" in complete_tables(export, ["tickets"]))


def test_an_id_has_several_notations() -> None:
    """Events can have the bare UUID of a row."""
    uuid, hexadecimal = "3f2b8c1e-6d4a-4e0b-9a77-5c1d2e3f4a5b", "3f2b8c1e6d4a4e0b9a775c1d2e3f4a5b"
    assert {uuid, f"tkt_{hexadecimal}"} == set(id_notations("tickets", uuid))
    assert f"cus_{hexadecimal}" == id_notations("customers", f"cus_{hexadecimal}")[0]
    assert ["tkt_1"] == id_notations("tickets", "tkt_1")


async def test_sql_reads_the_views(cstar: CStarClient, path: Path) -> None:
    """Each model has a view with a column for each field."""
    copy = LocalCopy(path)
    await copy.refresh(cstar)
    with closing(sqlite3.connect(path)) as database:
        for model, name in ((Ticket, "tickets"), (Customer, "customers"), (Article, "articles"), (Message, "messages")):
            rows = database.execute(f"SELECT * FROM {name}")
            assert list(model.__wire_names__) == [column[0] for column in rows.description]
            assert len(list(copy.rows(model))) == len(rows.fetchall())


@pytest.mark.parametrize("content", [b"no database, but a str of some length " * 100, None])
async def test_an_unusable_file_is_our_error(cstar: CStarClient, path: Path, content: bytes | None) -> None:
    """A file that is no database, or a folder that does not exist."""
    target = path if content is not None else path / "missing" / "copy.sqlite"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigurationError, match="path must be a SQLite file"):
        await LocalCopy(target).refresh(cstar)


@pytest.mark.parametrize(
    ("pragma", "error", "message"),
    [
        ("max_page_count = 12", CStarError, "the file of the copy cannot be used: database or disk is full"),
        ("query_only = 1", ConfigurationError, "both writable, got an error: attempt to write a readonly database"),
    ],
)
async def test_a_full_disk_or_a_read_only_file_is_our_error_and_loses_nothing(
    cstar: CStarClient, path: Path, monkeypatch: pytest.MonkeyPatch, pragma: str, error: type[CStarError], message: str
) -> None:
    """The transaction is undone; when the file can be written again, the next refresh completes the copy."""
    connect = sqlite3.connect

    def limited(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection = connect(*arguments, **options)
        connection.execute(f"PRAGMA {pragma}")
        return connection

    copy = LocalCopy(path)
    with monkeypatch.context() as patch:
        patch.setattr(sqlite3, "connect", limited)
        with pytest.raises(error, match=message):
            await copy.refresh(cstar)
    assert (await copy.refresh(cstar)).is_complete
    await assert_equal_to_server(copy, cstar)


@pytest.mark.parametrize(
    "value",
    [
        "[1]",
        '{"read": 1}',
        '{"read": "1", "tables": ["tickets"], "checkpoint": null}',
        '{"read": 0, "tables": ["tickets", "things"], "checkpoint": null}',
        '{"read": 0, "tables": 5, "checkpoint": null}',
        '{"read": 0, "tables": [[]], "checkpoint": null}',
        '{"read": 0, "tables": ["tickets"], "checkpoint": {"version": 99}}',
    ],
)
async def test_a_position_of_another_version_begins_a_new_pass(cstar: CStarClient, path: Path, value: str) -> None:
    """It cannot be continued, and must not stop each refresh."""
    copy = LocalCopy(path)
    await copy.refresh(cstar)
    await cstar.tickets.create(title="New")
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("INSERT OR REPLACE INTO cstar_state VALUES ('unfinished', ?)", (value,))
    assert (await copy.refresh(cstar)).is_complete
    await assert_equal_to_server(copy, cstar)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE cstar_state SET value = 'x' WHERE name = 'version'",
        """UPDATE cstar_state SET value = '"x"' WHERE name = 'version'""",
        "INSERT OR REPLACE INTO cstar_state VALUES ('unfinished', '{')",
        "DROP TABLE cstar_rows",
        "DROP VIEW tickets; CREATE TABLE tickets (id)",
    ],
)
async def test_a_damaged_copy_is_our_error(cstar: CStarClient, path: Path, damage: str) -> None:
    """Only errors of the package leave it."""
    copy = LocalCopy(path)
    await copy.refresh(cstar, models=[Ticket])
    with closing(sqlite3.connect(path)) as database:
        database.executescript(damage)
    with pytest.raises(CStarError, match="copy"):
        await copy.refresh(cstar)


async def test_a_damaged_row_is_our_error_until_it_is_read_again(cstar: CStarClient, path: Path) -> None:
    """A refresh replaces it."""
    copy = LocalCopy(path)
    await copy.refresh(cstar)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE cstar_rows SET data = '{'")
    for read in (lambda: list(copy.rows(Ticket)), lambda: list(copy.rows(Message))):
        with pytest.raises(CStarError, match="damaged"):
            read()
    await copy.refresh(cstar, models=[Ticket])
    assert list(copy.rows(Ticket))


async def test_another_database_is_left_alone(cstar: CStarClient, path: Path) -> None:
    """A file with tables of other programs, such as an export, is refused."""
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE tickets (id)")
    with pytest.raises(ConfigurationError, match="another database"):
        await LocalCopy(path).refresh(cstar)


async def test_a_copy_has_rows_of_one_team(fake: FakeCStar, cstar: CStarClient, path: Path) -> None:
    """A client of another team raises, and the copy stays."""
    copy = LocalCopy(path)
    await copy.refresh(cstar)
    key = fake.add_key(team="other")
    async with CStarClient(api_key=key, base_url=fake.url) as other:
        with pytest.raises(ConfigurationError, match="copy of the client's team"):
            await copy.refresh(other)
    await assert_equal_to_server(copy, cstar)


def test_wrong_models_and_missing_libraries_are_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model without a table, a file that is not there, pandas and pyarrow that are not installed."""
    copy = LocalCopy(path)
    with pytest.raises(InvalidArgumentError, match="Ticket, Customer, Article or Message"):
        copy.rows(Tag)
    with pytest.raises(ConfigurationError, match="that refresh"):
        list(copy.rows(Ticket))
    monkeypatch.setitem(sys.modules, "pandas", None)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(CStarError, match=r"cstar-async\[pandas\]"):
        copy.to_pandas(Ticket)
    with pytest.raises(CStarError, match=r"cstar-async\[arrow\]"):
        copy.to_arrow(Ticket)
