"""What users of an inbox get when its store fails: an error of this package, whose cause is that of the store."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from cstar_async import CStarError
from cstar_async.webhooks import MemoryStore, SqliteStore, WebhookEvent, WebhookInbox
from tests.client.inboxes import BrokenStore, body_of, deliver, inbox_of

CALLS: dict[str, Callable[[WebhookInbox], Awaitable[object]]] = {
    "start": lambda inbox: inbox.start(),
    "dead_letters": lambda inbox: inbox.dead_letters(),
    "retry_dead_letter": lambda inbox: inbox.retry_dead_letter("evt_1"),
}


class NoStore(MemoryStore):
    """A store of a user, none of whose methods works."""

    def __getattribute__(self, name: str) -> Any:
        """Return a method that fails."""
        if name in {"claim_pending", "dead_letters", "requeue_dead_letter", "last_event_id", "add"}:
            return self._fail
        return super().__getattribute__(name)

    async def _fail(self, *_: object) -> Any:
        raise LookupError("Jane Doe")


@pytest.mark.parametrize("call", ["dead_letters", "retry_dead_letter"])
async def test_error_of_sqlite_is_the_cause(call: str, tmp_path: Path) -> None:
    """It has its text."""
    store = SqliteStore(tmp_path / "events.db")
    async with inbox_of(store=store) as inbox:
        assert store._connection is not None
        store._connection.execute("DROP TABLE events")
        with pytest.raises(CStarError, match=r"^the file of the event store cannot be used: no such table: events$") as caught:
            await CALLS[call](inbox)
    assert isinstance(caught.value.__cause__, sqlite3.Error)


@pytest.mark.parametrize("call", CALLS)
async def test_error_of_a_custom_store_is_the_cause(call: str) -> None:
    """Its text is left out, because it may contain an event."""
    inbox = inbox_of(store=NoStore())
    with pytest.raises(CStarError, match=r"^the event store failed: LookupError$") as caught:
        await CALLS[call](inbox)
    assert isinstance(caught.value.__cause__, LookupError)
    await inbox.aclose()


async def test_file_that_is_damaged_while_it_is_used_is_logged_with_its_reason(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The delivery is requested again."""
    store = SqliteStore(tmp_path / "events.db")
    async with inbox_of(store=store) as inbox:
        assert store._connection is not None
        store._connection.execute("DROP TABLE events")
        assert await deliver(inbox, body_of(1)) == [503]
    assert "the event store failed to add evt_1: OperationalError: no such table: events" in caplog.text


async def test_store_that_fails_to_close_hides_no_event(caplog: pytest.LogCaptureFixture) -> None:
    """What is not handled is logged and returned, and so is the failure."""

    class UnclosableStore(BrokenStore):
        """A store whose `aclose` fails."""

        async def aclose(self) -> None:
            """Fail."""
            raise OSError("Jane Doe")

    inbox = inbox_of(store=UnclosableStore(), shutdown_timeout=0)

    @inbox.on("*")
    async def handle(event: WebhookEvent) -> None:
        await asyncio.Event().wait()

    await deliver(inbox, body_of(1))
    assert await inbox.aclose() == ("evt_1",)
    assert "evt_1: not handled before the inbox closed" in caplog.text
    assert "the event store failed to close: OSError" in caplog.text
