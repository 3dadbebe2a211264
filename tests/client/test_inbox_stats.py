"""`WebhookInbox.stats()`."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import attrs
import pytest

from cstar_async import ConnectionFailedError
from cstar_async.testing.clock import FakeClock
from cstar_async.webhooks import InboxStats, MemoryStore, SqliteStore, StoredEvent, WebhookEvent, WebhookInbox
from tests.client.inboxes import SECRET, body_of, deliver, inbox_of, pass_time


async def test_an_unused_inbox_has_counted_nothing() -> None:
    """Nothing is pending."""
    assert inbox_of().stats() == InboxStats(pending=0, oldest=None, handled=0, failed=0, dead=0, by_type={})


async def test_events_are_counted_by_their_type() -> None:
    """Handled and dead events, failed attempts without those of an outage, and what is pending."""
    clock, released, outages = FakeClock(autojump=True), asyncio.Event(), 0
    async with WebhookInbox(SECRET, tolerance=None, max_attempts=3, _clock=clock) as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            nonlocal outages
            if event.type == "customer.created":
                raise ValueError
            if event.id == "evt_4":
                outages += 1
                if outages < 5:
                    raise ConnectionFailedError("no connection")
            if event.id == "evt_5":
                await released.wait()

        await deliver(inbox, body_of(1), body_of(2, "customer.created"), body_of(3, "a.b"), body_of(4))
        await inbox.wait_until_idle()
        await deliver(inbox, body_of(5, "a.b"), body_of(5, "a.b"))
        stats = inbox.stats()
        assert (stats.pending, stats.handled, stats.failed, stats.dead) == (1, 3, 3, 1)
        assert list(stats.by_type) == ["a.b", "customer.created", "ticket.created"]
        now = datetime.fromtimestamp(clock.time(), UTC)
        assert stats.by_type["a.b"] == InboxStats(pending=1, oldest=now, handled=1, failed=0, dead=0, by_type={})
        assert stats.by_type["customer.created"] == InboxStats(pending=0, oldest=None, handled=0, failed=3, dead=1, by_type={})
        assert stats.by_type["ticket.created"].handled == 2
        released.set()
        await inbox.wait_until_idle()
        assert (stats.pending, inbox.stats().pending, inbox.stats().by_type["a.b"].handled) == (1, 0, 2)


async def test_the_oldest_event_is_the_one_that_waits_longest(tmp_path: Path) -> None:
    """It may be one of an earlier process."""
    clock = FakeClock(frozen=True)
    began = datetime.fromtimestamp(clock.time(), UTC)
    store = SqliteStore(tmp_path / "events.db", _clock=clock)
    await store.add("evt_1", body_of(1))
    await store.aclose()
    async with WebhookInbox(SECRET, store=store, tolerance=None, shutdown_timeout=0, _clock=clock) as inbox:
        await pass_time(clock, 60.0)
        await deliver(inbox, body_of(2, "customer.created"))
        stats = inbox.stats()
        assert (stats.pending, stats.oldest) == (2, began)
        newer = stats.by_type["customer.created"].oldest
        assert newer is not None
        assert (newer - began).total_seconds() == pytest.approx(60)


async def test_stats_cannot_be_changed() -> None:
    """They are a snapshot."""
    async with inbox_of() as inbox:
        inbox.on("*")(ignore)
        await deliver(inbox, body_of(1))
        await inbox.wait_until_idle()
        stats = inbox.stats()
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            stats.handled = 0  # type: ignore[misc]
        with pytest.raises(TypeError):
            stats.by_type["a.b"] = stats  # type: ignore[index]


async def ignore(event: WebhookEvent) -> None:
    """Do nothing."""


async def test_the_number_of_types_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Further types are counted together, so that their names do not fill the memory."""
    monkeypatch.setattr("cstar_async.webhooks._stats.MAX_TYPES", 2)
    async with inbox_of() as inbox:
        inbox.on("*")(ignore)
        await deliver(inbox, *(body_of(number, f"a.{number % 4}") for number in range(8)))
        await inbox.wait_until_idle()
        stats = inbox.stats()
    assert sum(one.handled for one in stats.by_type.values()) == stats.handled == 8
    assert (len(stats.by_type), stats.by_type["*"].handled) == (3, 4)


@pytest.fixture
async def store(tmp_path: Path) -> SqliteStore:
    """A store with two dead letters of an earlier process, of which one is no event."""
    store = SqliteStore(tmp_path / "events.db")
    for event_id, body in (("evt_1", body_of(1)), ("evt_2", b"[]")):
        await store.add(event_id, body)
        await store.mark_dead(event_id, "ValueError")
    return store


async def test_dead_letters_of_an_earlier_process_are_counted(store: SqliteStore) -> None:
    """An alert on them survives a restart, and ends when they are handled."""
    async with inbox_of(store=store) as inbox:
        inbox.on("*")(ignore)
        assert (inbox.stats().dead, inbox.stats().by_type["ticket.created"].dead, inbox.stats().by_type["*"].dead) == (2, 1, 1)
        await inbox.retry_dead_letter("evt_1")
        await inbox.wait_until_idle()
        assert (inbox.stats().dead, inbox.stats().by_type["ticket.created"].dead) == (1, 0)


async def test_listing_dead_letters_counts_them_again(store: SqliteStore) -> None:
    """What another process tried again is no longer counted."""
    async with inbox_of(store=store) as inbox:
        await store.requeue_dead_letter("evt_1")
        assert inbox.stats().dead == 2
        await inbox.dead_letters()
        assert inbox.stats().dead == 1


async def test_an_inbox_starts_if_its_store_cannot_list_dead_letters(caplog: pytest.LogCaptureFixture) -> None:
    """Events are handled all the same, and the failure is logged."""

    class Store(MemoryStore):
        async def dead_letters(self) -> list[StoredEvent]:
            raise OSError

    async with inbox_of(store=Store()) as inbox:
        inbox.on("*")(ignore)
        assert await deliver(inbox, body_of(1)) == [200]
        await inbox.wait_until_idle()
        assert inbox.stats().handled == 1
    assert "return dead letters" in caplog.text


async def test_the_number_of_counted_dead_letters_is_limited(monkeypatch: pytest.MonkeyPatch, store: SqliteStore) -> None:
    """Their ids do not fill the memory."""
    monkeypatch.setattr("cstar_async.webhooks._stats.MAX_DEAD_LETTERS", 1)
    async with inbox_of(store=store) as inbox:
        assert inbox.stats().dead == 1
