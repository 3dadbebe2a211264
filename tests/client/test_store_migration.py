"""Files that earlier versions of `SqliteStore` have written."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cstar_async.testing.clock import FakeClock
from cstar_async.webhooks import SqliteStore, WebhookEvent
from tests.client.inboxes import body_of, deliver, inbox_of

ADDED_AT = 1_790_000_000.0
DONE_ONLY = 3


def write_first_version(path: Path) -> None:
    """Write a file as the first version did: three pending events, one done, and one without an id."""
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS events"
            " (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, body BLOB, at REAL NOT NULL)"
        )
        connection.execute("CREATE INDEX IF NOT EXISTS done ON events (at) WHERE body IS NULL")
        for number in range(1, 5):
            body = None if number == DONE_ONLY else body_of(number)
            connection.execute("INSERT INTO events (id, body, at) VALUES (?, ?, ?)", (f"evt_{number}", body, ADDED_AT + number))
        connection.execute("INSERT INTO events (id, body, at) VALUES (?, ?, ?)", ("sha256:00", b'{"type": "a.b"}', ADDED_AT))
    connection.close()


def add_column(path: Path, definition: str) -> None:
    """Stop between the two changes of the file."""
    with sqlite3.connect(path) as connection:
        connection.execute(f"ALTER TABLE events ADD COLUMN {definition}")
    connection.close()


@pytest.mark.parametrize("half", [None, "attempts INTEGER NOT NULL DEFAULT 0", "error TEXT"])
async def test_the_events_of_a_first_version_are_pending_without_attempts(half: str | None, tmp_path: Path) -> None:
    """In their order and with their times, even if the process was killed during an earlier upgrade of the file."""
    path = tmp_path / "events.db"
    write_first_version(path)
    if half is not None:
        add_column(path, half)
    for _ in range(2):
        store = SqliteStore(path)
        pending = await store.claim_pending()
        assert [stored.id for stored in pending] == ["evt_1", "evt_2", "evt_4", "sha256:00"]
        assert {stored.attempts for stored in pending} == {0}
        assert pending[0].since == datetime.fromtimestamp(ADDED_AT + 1, UTC)
        assert (await store.dead_letters(), await store.last_event_id()) == ([], "evt_4")
        await store.aclose()


async def test_the_events_of_a_first_version_are_handled_and_can_become_dead_letters(tmp_path: Path) -> None:
    """What was done stays done, and repeats are dropped."""
    path = tmp_path / "events.db"
    write_first_version(path)
    handled: list[str | None] = []
    async with inbox_of(store=SqliteStore(path, _clock=FakeClock(start=ADDED_AT + 60)), max_attempts=1) as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            if event.id == "evt_2":
                raise ValueError
            handled.append(event.id)

        assert await deliver(inbox, *(body_of(number) for number in range(1, 5))) == [200] * 4
        await inbox.wait_until_idle()
        assert [letter.id for letter in await inbox.dead_letters()] == ["evt_2"]
    assert [one for one in handled if one] == ["evt_1", "evt_4"]
    assert len(handled) == 3


async def test_a_first_version_can_still_write_to_an_upgraded_file(tmp_path: Path) -> None:
    """A rollback of the package loses no new event."""
    path = tmp_path / "events.db"
    store = SqliteStore(path)
    await store.add("evt_1", body_of(1))
    await store.aclose()
    write_first_version_event = "INSERT OR IGNORE INTO events (id, body, at) VALUES (?, ?, ?)"
    with sqlite3.connect(path) as connection:
        for number in (1, 2):
            connection.execute(write_first_version_event, (f"evt_{number}", body_of(number), ADDED_AT))
    connection.close()
    assert [stored.id for stored in await store.claim_pending()] == ["evt_1", "evt_2"]
    await store.aclose()
