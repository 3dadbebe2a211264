"""`MemoryStore` and `SqliteStore`."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Awaitable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cstar_async import ConfigurationError, CStarError, InvalidArgumentError
from cstar_async.testing.clock import FakeClock
from cstar_async.webhooks import EventStore, MemoryStore, SqliteStore
from tests.client.conftest import SkippingClock
from tests.client.inboxes import body_of, deliver, inbox_of


async def test_a_memory_store_drops_the_oldest_ids() -> None:
    """Its memory is limited. Ids of events that are not done are kept."""
    store = MemoryStore(max_ids=2)
    added: list[bool] = []
    for name in ("a", "b", "c", "b", "a"):
        added.append(await store.add(name, b""))
        await store.mark_done(name)
    assert added == [True, True, True, False, True]
    assert [await store.add(name, b"") for name in ("d", "e", "f", "d")] == [True, True, True, False]
    with pytest.raises(InvalidArgumentError):
        MemoryStore(max_ids=0)


async def test_a_sqlite_store_keeps_ids_as_long_as_cstar_retries(tmp_path: Path) -> None:
    """Then the row is deleted, so that the file does not grow without limit."""
    clock = FakeClock()
    store = SqliteStore(tmp_path / "events.db", _clock=clock)
    assert await store.add("evt_1", b"{}")
    await store.mark_done("evt_1")
    clock.advance(31 * 3600)
    assert not await store.add("evt_1", b"{}")
    clock.advance(3600)
    assert await store.add("evt_1", b"{}")
    await store.aclose()
    await store.aclose()


@pytest.mark.parametrize("name", [":memory:", "file:events?mode=memory", "events"])
async def test_a_sqlite_store_is_a_file_whatever_its_name_is(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite itself would keep the first two in memory, and lose accepted events with the process."""
    monkeypatch.chdir(tmp_path)
    store = SqliteStore(name)
    await store.add("evt_1", b"{}")
    await store.aclose()
    again = SqliteStore(tmp_path / name)
    assert [event.id for event in await again.claim_pending()] == ["evt_1"]
    await again.aclose()


def test_a_sqlite_store_without_a_name_is_refused() -> None:
    """SQLite would delete its file with the connection."""
    with pytest.raises(InvalidArgumentError, match="path must be the path of a file, got ''"):
        SqliteStore("")


async def test_a_sqlite_store_without_a_current_directory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path cannot be resolved, which is our error and not that of the system."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    store = SqliteStore("events.db")
    with pytest.raises(ConfigurationError, match="directory that exists"):
        await store.add("evt_1", b"{}")
    await store.aclose()


async def test_a_sqlite_store_keeps_pending_events_without_limit(tmp_path: Path) -> None:
    """This holds however long no process runs."""
    clock = FakeClock()
    store = SqliteStore(tmp_path / "events.db", _clock=clock)
    await store.add("evt_1", b"{}")
    clock.advance(10_000_000)
    await store.add("evt_2", b"[]")
    await store.aclose()
    store = SqliteStore(tmp_path / "events.db", _clock=clock)
    assert [(stored.id, stored.body) for stored in await store.claim_pending()] == [("evt_1", b"{}"), ("evt_2", b"[]")]
    await store.aclose()


async def test_a_store_returns_the_last_event_id(tmp_path: Path) -> None:
    """It counts whether the event is done or not, and after a restart."""
    path = tmp_path / "events.db"
    memory, file = MemoryStore(), SqliteStore(path)
    for store in (memory, file):
        assert await store.last_event_id() is None
        for name in ("evt_1", "evt_2", "evt_1"):
            await store.add(name, b"{}")
        await store.mark_done("evt_2")
        assert await store.last_event_id() == "evt_2"
        await store.aclose()
    again = SqliteStore(path)
    assert await again.last_event_id() == "evt_2"
    await again.aclose()


async def test_ids_that_are_hashes_of_a_body_are_no_last_event_id(tmp_path: Path) -> None:
    """The stream continues after the last event with an id."""
    for store in (MemoryStore(), SqliteStore(tmp_path / "events.db")):
        await store.add("sha256:00", b"{}")
        assert await store.last_event_id() is None
        for name in ("evt_1", "sha256:01", "sha256:02"):
            await store.add(name, b"{}")
        assert await store.last_event_id() == "evt_1"
        await store.aclose()


async def test_a_sqlite_file_serves_one_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second one gets an error until the first has closed the file."""
    connect = sqlite3.connect
    monkeypatch.setattr("sqlite3.connect", lambda path, **settings: connect(path, timeout=0.0, **settings))
    first, second = SqliteStore(tmp_path / "events.db"), SqliteStore(tmp_path / "events.db")
    assert await first.add("evt_1", body_of(1))
    with pytest.raises(ConfigurationError, match="path must be a file that no other process uses"):
        await second.claim_pending()
    assert await deliver(inbox_of(store=second), body_of(2)) == [503]
    await first.aclose()
    assert [stored.id for stored in await second.claim_pending()] == ["evt_1"]
    await second.aclose()


@pytest.mark.parametrize("name", ["missing/events.db", "corrupt.db", "."])
async def test_a_file_that_cannot_be_opened_is_a_configuration_error(name: str, tmp_path: Path) -> None:
    """The directory is missing, the file is no database, or it is a directory. The reason of SQLite is in the error."""
    (tmp_path / "corrupt.db").write_bytes(b"no database " * 100)
    store = SqliteStore(tmp_path / name)
    with pytest.raises(ConfigurationError, match=r"^path must be a SQLite file .*: (unable to open|file is not a) database"):
        await store.claim_pending()
    await store.aclose()


async def test_concurrent_events_are_written_in_few_transactions(tmp_path: Path) -> None:
    """They keep their order, and each call returns whether its event is new."""
    store = SqliteStore(tmp_path / "events.db")
    await store.add("evt_0", b"{}")
    statements: list[str] = []
    assert store._connection is not None
    store._connection.set_trace_callback(statements.append)
    names = [f"evt_{number}" for number in range(50)]
    results = await asyncio.gather(*(store.add(name, b"{}") for name in [*names, "evt_7"]))
    assert results == [False, *[True] * 49, False]
    assert statements.count("COMMIT") <= 3
    assert [stored.id for stored in await store.claim_pending()] == names
    await store.aclose()


async def test_attempts_are_written_without_a_flush_of_the_disk(tmp_path: Path) -> None:
    """The death of a process does not undo them. Everything else also survives that of the machine."""
    store = SqliteStore(tmp_path / "events.db")
    level = {1: "NORMAL", 2: "FULL"}

    async def level_of(change: Awaitable[object]) -> str:
        await change
        assert store._connection is not None
        return level[store._connection.execute("PRAGMA synchronous").fetchone()[0]]

    assert await level_of(store.add("evt_1", b"{}")) == "FULL"
    assert await level_of(store.record_attempts("evt_1", 1)) == "NORMAL"
    assert await level_of(store.mark_dead("evt_1", "KeyError")) == "FULL"
    assert await level_of(store.requeue_dead_letter("evt_1")) == "FULL"
    assert await level_of(store.record_attempts("evt_1", 1)) == "NORMAL"
    assert await level_of(store.mark_done("evt_1")) == "FULL"
    assert await level_of(asyncio.gather(store.record_attempts("evt_1", 1), store.add("evt_2", b"{}"))) == "FULL"
    await store.aclose()


@pytest.mark.parametrize("kind", ["memory", "file"])
async def test_a_store_changes_only_events_of_the_right_state(kind: str, tmp_path: Path) -> None:
    """A change that comes too late, or twice, does nothing."""
    store: EventStore = MemoryStore() if kind == "memory" else SqliteStore(tmp_path / "events.db")
    await store.add("done", b"{}")
    await store.mark_done("done")
    await store.add("dead", b"{}")
    for error in ("KeyError", "ValueError"):
        await store.mark_dead("dead", error)
    for event_id in ("done", "dead", "unknown"):
        assert await store.record_attempts(event_id, 1) is False
    for event_id in ("done", "unknown"):
        await store.mark_dead(event_id, "KeyError")
        assert await store.requeue_dead_letter(event_id) is None
    assert [(letter.id, letter.error) for letter in await store.dead_letters()] == [("dead", "KeyError")]
    assert await store.claim_pending() == []
    assert [await store.add(event_id, b"{}") for event_id in ("done", "dead", "unknown")] == [False, False, True]
    await store.aclose()


@pytest.mark.parametrize("wrong", [None, 5, b"evt_1", "\ud800", object()])
@pytest.mark.parametrize("kind", ["memory", "file"])
async def test_a_store_rejects_arguments_of_another_type(kind: str, wrong: Any, tmp_path: Path) -> None:
    """The error names the argument."""
    store: EventStore = MemoryStore() if kind == "memory" else SqliteStore(tmp_path / "events.db")
    for call in (store.record_attempts(wrong, 1), store.mark_dead(wrong, "KeyError"), store.requeue_dead_letter(wrong)):
        with pytest.raises(InvalidArgumentError, match=r"^event_id must be a str"):
            await call
    await store.aclose()


async def test_a_failed_transaction_raises_in_each_call(tmp_path: Path) -> None:
    """None of its events is written. The error of SQLite is the cause of one of this package."""
    clock = SkippingClock()
    times = iter([0.0, 1.0, Decimal(2), 3.0, 4.0])  # SQLite takes no Decimal
    clock.time = lambda: next(times)  # type: ignore[method-assign,assignment,return-value]
    store = SqliteStore(tmp_path / "events.db", _clock=clock)
    await store.add("evt_0", b"{}")
    results = await asyncio.gather(*(store.add(f"evt_{number}", b"{}") for number in (1, 2, 3)), return_exceptions=True)
    for result in results[1:]:
        assert isinstance(result, CStarError)
        assert isinstance(result.__cause__, sqlite3.Error)
    assert "evt_3" not in [stored.id for stored in await store.claim_pending()]
    assert await store.add("evt_3", b"{}")
    await store.aclose()


async def test_a_waiting_write_can_be_cancelled(tmp_path: Path) -> None:
    """It is not written."""
    store = SqliteStore(tmp_path / "events.db")
    first = asyncio.create_task(store.add("evt_1", b"{}"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    second = asyncio.create_task(store.add("evt_2", b"{}"))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.wait([first, second])
    third = await store.add("evt_3", b"{}")
    assert (first.result(), second.cancelled(), third) == (True, True, True)
    assert [stored.id for stored in await store.claim_pending()] == ["evt_1", "evt_3"]
    await store.aclose()


async def test_a_running_write_is_waited_for_when_cancelled(tmp_path: Path) -> None:
    """The file can be used afterwards."""
    store = SqliteStore(tmp_path / "events.db")
    writing = asyncio.create_task(store.add("evt_1", b"{}"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert await store.add("evt_2", b"{}")
    await store.aclose()


async def test_a_sqlite_store_needs_no_thread_of_the_loop(tmp_path: Path) -> None:
    """Handlers that block threads may use all of them. Its own thread ends with the store."""
    released, others = threading.Event(), set(threading.enumerate())
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(2))
    blocked = [loop.run_in_executor(None, released.wait) for _ in range(4)]
    store = SqliteStore(tmp_path / "events.db")
    try:
        async with asyncio.timeout(5):
            assert await store.add("evt_1", b"{}")
            await store.mark_done("evt_1")
            assert await store.claim_pending() == []
            await store.aclose()
    finally:
        released.set()
        await asyncio.gather(*blocked)
    for thread in set(threading.enumerate()) - others:
        if thread.name.startswith("cstar_async"):
            await asyncio.to_thread(thread.join, 5)
            assert not thread.is_alive()


async def test_a_closed_sqlite_store_can_be_used_again(tmp_path: Path) -> None:
    """It opens the file again."""
    store = SqliteStore(tmp_path / "events.db")
    for is_new in (True, False):
        assert await store.add("evt_1", b"{}") is is_new
        await store.aclose()
