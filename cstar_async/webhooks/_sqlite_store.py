"""The event store in a SQLite file."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar

import attrs

from cstar_async._event_loop.clock import Clock, SystemClock
from cstar_async._model.stored_event import StoredEvent
from cstar_async._types import UntypedJSON
from cstar_async._values.validation import check_instance, check_str, invalid, validate_count
from cstar_async.errors import ConfigurationError, CStarError
from cstar_async.webhooks._store import BODY_HASH_PREFIX, DEAD_LETTER_RETENTION, RETRY_HORIZON, EventStore

T = TypeVar("T")

CLEANUP_INTERVAL: Final = 60.0
"""Seconds between two deletions of ids that cStar repeats no longer."""
_ADDED_COLUMNS: Final = {"attempts": "INTEGER NOT NULL DEFAULT 0", "error": "TEXT"}
"""Columns that files of earlier versions do not have. An event with an error is dead; one without a body is done."""


@attrs.define(eq=False)
class _Job:
    """A function to call with the connection, and its result."""

    run: Callable[[sqlite3.Connection], UntypedJSON]
    is_durable: bool
    written: asyncio.Future[None]
    result: UntypedJSON = None
    error: Exception | None = None


class SqliteStore(EventStore):
    """Keep events in a file, so that accepted events are handled even if the process is killed.

    An event is handled again if the process ends after its handler and before the file is written. Handlers must repeat without
    harm: derive their idempotency keys with `idempotency_key("reply", event.id)`.

    Args:
        path: The file, created if it is missing. Use a local disk: network file systems may lose locks. One process at a time can
            use it.

    Raises:
        InvalidArgumentError: *path* is neither a str nor a `Path`, or is empty.
        ConfigurationError: (by each method) Another process uses the file and did not release it within five seconds, or the file
            cannot be opened.
        CStarError: (by each method) SQLite cannot read or write the file, such as on a full disk. The error of SQLite is its cause.
    """

    def __init__(self, path: str | Path, *, _clock: Clock | None = None) -> None:
        check_instance("path", path, (str, Path), "a str or a Path")
        check_str("path", str(path))
        if not str(path):
            raise invalid("path", "the path of a file", path)
        self._path = Path(path)
        self._clock: Clock = SystemClock() if _clock is None else _clock
        self._connection: sqlite3.Connection | None = None
        self._is_flushed: bool | None = None
        self._next_cleanup = 0.0
        self._jobs: list[_Job] = []
        self._writing: asyncio.Task[None] | None = None
        # A thread of its own: handlers may occupy all threads of `asyncio.to_thread`.
        self._executor: ThreadPoolExecutor | None = None

    async def add(self, event_id: str, body: bytes) -> bool:
        """Write an event. Return False if its id was there already."""
        check_str("event_id", event_id)
        check_instance("body", body, bytes, "bytes", is_private=True)
        now = self._clock.time()

        def write(file: sqlite3.Connection) -> bool:
            if now >= self._next_cleanup:
                self._next_cleanup = now + CLEANUP_INTERVAL
                file.execute("DELETE FROM events WHERE body IS NULL AND at < ?", (now - RETRY_HORIZON,))
            inserted = file.execute("INSERT OR IGNORE INTO events (id, body, at) VALUES (?, ?, ?)", (event_id, body, now))
            return inserted.rowcount == 1

        return await self._run_in_thread(write)

    async def record_attempts(self, event_id: str, attempts: int) -> bool:
        """Set the number of attempts. A crash of the machine may undo that, but not one of the process: so it costs no flush."""
        check_str("event_id", event_id)
        validate_count("attempts", attempts, 0)
        update = "UPDATE events SET attempts = ? WHERE id = ? AND body IS NOT NULL AND error IS NULL"
        values = (attempts, event_id)
        return await self._run_in_thread(lambda file: file.execute(update, values).rowcount == 1, is_durable=False)

    async def mark_done(self, event_id: str) -> None:
        """Delete the body of an event. Its id is kept as long as cStar may repeat the delivery."""
        check_str("event_id", event_id)
        values = (self._clock.time(), event_id)
        await self._run_in_thread(
            lambda file: file.execute("UPDATE events SET body = NULL, error = NULL, at = ? WHERE id = ?", values)
        )

    async def mark_dead(self, event_id: str, error: str) -> None:
        """Keep an event as a dead letter. Delete those that are too old."""
        check_str("event_id", event_id)
        check_str("error", error)
        now = self._clock.time()

        def write(file: sqlite3.Connection) -> None:
            file.execute("DELETE FROM events WHERE error IS NOT NULL AND at < ?", (now - DEAD_LETTER_RETENTION,))
            update = "UPDATE events SET error = ?, at = ? WHERE id = ? AND body IS NOT NULL AND error IS NULL"
            file.execute(update, (error, now, event_id))

        await self._run_in_thread(write)

    async def claim_pending(self) -> list[StoredEvent]:
        """Return the events that are neither done nor dead."""
        return await self._select("body IS NOT NULL AND error IS NULL ORDER BY number")

    async def dead_letters(self) -> list[StoredEvent]:
        """Return the events that were given up."""
        return await self._select("error IS NOT NULL ORDER BY at, number")

    async def requeue_dead_letter(self, event_id: str) -> StoredEvent | None:
        """Make a dead letter a pending event."""
        check_str("event_id", event_id)
        now = self._clock.time()

        def write(file: sqlite3.Connection) -> tuple[bytes] | None:
            select = "SELECT body FROM events WHERE id = ? AND error IS NOT NULL"
            row: tuple[bytes] | None = file.execute(select, (event_id,)).fetchone()
            if row is not None:
                file.execute("UPDATE events SET error = NULL, attempts = 0, at = ? WHERE id = ?", (now, event_id))
            return row

        row = await self._run_in_thread(write)
        return None if row is None else StoredEvent(id=event_id, body=row[0], attempts=0, since=_utc(now))

    async def last_event_id(self) -> str | None:
        """Return the id of the event that was added last, by this process or an earlier one."""
        query = "SELECT id FROM events WHERE id NOT GLOB ? ORDER BY number DESC LIMIT 1"
        pattern = (f"{BODY_HASH_PREFIX}*",)
        row: tuple[str] | None = await self._run_in_thread(lambda file: file.execute(query, pattern).fetchone())
        return None if row is None else row[0]

    async def aclose(self) -> None:
        """Close the file and end its thread."""
        while self._writing is not None:
            await asyncio.wait([self._writing])
        connection, self._connection = self._connection, None
        executor, self._executor = self._executor, None
        if executor is not None:
            try:
                if connection is not None:
                    await asyncio.get_running_loop().run_in_executor(executor, connection.close)
            except sqlite3.Error as error:
                raise _failure(error) from error
            finally:
                executor.shutdown(wait=False)

    async def _select(self, condition: str) -> list[StoredEvent]:
        query = f"SELECT id, body, attempts, at, error FROM events WHERE {condition}"  # noqa: S608 -- a constant
        rows: list[tuple[str, bytes, int, float, str | None]]
        rows = await self._run_in_thread(lambda file: file.execute(query).fetchall())
        return [
            StoredEvent(id=event_id, body=body, attempts=attempts, since=_utc(at), error=error)
            for event_id, body, attempts, at, error in rows
        ]

    async def _run_in_thread(self, run: Callable[[sqlite3.Connection], T], *, is_durable: bool = True) -> T:
        """Call a function in the thread of the file. Those that wait at the same time share a transaction and its disk write."""
        loop = asyncio.get_running_loop()
        job = _Job(run, is_durable, loop.create_future())
        self._jobs.append(job)
        if self._writing is None:
            self._writing = loop.create_task(self._write())
        await job.written
        if isinstance(job.error, sqlite3.Error):
            raise _failure(job.error) from job.error
        if job.error is not None:
            raise job.error
        result: T = job.result
        return result

    async def _write(self) -> None:
        """Run all jobs that wait, then those that came meanwhile, until none is left."""
        batch: list[_Job] = []
        try:
            while self._jobs:
                batch, self._jobs = [job for job in self._jobs if not job.written.done()], []
                if self._executor is None:
                    self._executor = ThreadPoolExecutor(1, "cstar_async event store")
                running = asyncio.get_running_loop().run_in_executor(self._executor, self._run_transaction, batch)
                try:
                    await asyncio.shield(running)
                except asyncio.CancelledError:
                    await asyncio.wait([running])  # a thread cannot be cancelled
                    raise
                for job in batch:
                    if not job.written.done():
                        job.written.set_result(None)
                await asyncio.sleep(0)  # so that the next jobs of all these callers are in one batch
        finally:
            self._writing = None
            for job in (*batch, *self._jobs):
                job.written.cancel()
            self._jobs = []

    def _run_transaction(self, batch: list[_Job]) -> None:
        """Run all jobs or none of them."""
        try:
            if self._connection is None:
                self._connection = self._open_connection()
                self._is_flushed = None
            # Both levels keep the file consistent; FULL also waits until the disk has the transaction.
            is_flushed = any(job.is_durable for job in batch)
            if is_flushed != self._is_flushed:
                self._connection.execute(f"PRAGMA synchronous = {'FULL' if is_flushed else 'NORMAL'}")
                self._is_flushed = is_flushed
            with self._connection:
                for job in batch:
                    job.result = job.run(self._connection)
        except Exception as error:  # each caller raises it
            for job in batch:
                job.error = error

    def _open_connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = None
        got = repr(str(self._path))
        try:
            # Not `:memory:`, which loses all events.
            connection = sqlite3.connect(self._path.absolute(), check_same_thread=False)
            # Two processes would both claim the events of an earlier one. The lock ends with its process.
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(
                "CREATE TABLE IF NOT EXISTS events"
                " (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, body BLOB, at REAL NOT NULL)"
            )
            columns = {column[1] for column in connection.execute("PRAGMA table_info(events)")}
            for name in _ADDED_COLUMNS.keys() - columns:
                connection.execute(f"ALTER TABLE events ADD COLUMN {name} {_ADDED_COLUMNS[name]}")
            connection.execute("CREATE INDEX IF NOT EXISTS done ON events (at) WHERE body IS NULL")
            connection.execute("CREATE INDEX IF NOT EXISTS dead ON events (at) WHERE error IS NOT NULL")
        except ValueError:
            raise invalid("path", "a path that the system can open", str(self._path)) from None
        except OSError as error:  # there is no current directory any more
            raise ConfigurationError(
                f"path must be a SQLite file in a directory that exists, got {got}: {error.strerror}"
            ) from None
        except sqlite3.Error as error:
            if connection is not None:
                connection.close()
            if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
                message = f"path must be a file that no other process uses, got {got}; give each process a file of its own"
            else:
                message = f"path must be a SQLite file in a directory that exists, both writable, got {got}: {error}"
            raise ConfigurationError(message) from error
        return connection


def _failure(error: sqlite3.Error) -> CStarError:
    return CStarError(f"the file of the event store cannot be used: {error}")


def _utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
