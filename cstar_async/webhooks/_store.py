"""What an inbox remembers of events: which came before, and which are accepted and not yet handled."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol, TypeVar

import attrs

from cstar_async._clock import Clock, SystemClock
from cstar_async._types import UntypedJSON
from cstar_async.errors import ConfigurationError, InvalidArgumentError

T = TypeVar("T")

RETRY_HORIZON: Final = 31 * 3600 + 12 * 60 + 30
"""Seconds over which cStar repeats a delivery (the span is inferred from the documented schedule)."""


class EventStore(Protocol):
    """What an inbox needs of a store. Each method may raise whatever it likes: the delivery is then asked for again."""

    @property
    def lease_interval(self) -> float | None:
        """Seconds after which the inbox asks anew what is pending. None, for a store of one process: it asks at its start only.

        A store with a renewal is shared: others may handle what it accepts. By the renewal it knows which inboxes are alive. It
        finds out by itself what became of an `accept` that failed.
        """
        ...

    async def add(self, event_id: str, body: bytes) -> bool:
        """Keep an event until it is done.

        Returns:
            False if an event of this id was accepted before.
        """
        ...

    async def mark_done(self, event_id: str) -> None:
        """Note that an event was handled; its id is remembered, its body is not."""
        ...

    async def claim_pending(self) -> list[tuple[str, bytes]]:
        """The events that were accepted and not done when the process before this one ended, in the order of their arrival.

        Asked again, those that another process left since.
        """
        ...

    async def last_event_id(self) -> str | None:
        """The id of the event that was accepted last, done or not; the event stream begins after it. None: there was none."""
        ...

    async def aclose(self) -> None:
        """Give back what the store holds; may be called twice."""
        ...


class MemoryStore:
    """Remembers ids as long as the process lives.

    What is accepted and not yet handled is lost with the process; `SqliteStore` keeps it.

    Args:
        max_ids: Ids to remember, from 1; beyond it the oldest is forgotten. Default 100,000, which is about 20 MB.

    Raises:
        InvalidArgumentError: *max_ids* is less than 1.
    """

    def __init__(self, *, max_ids: int = 100_000) -> None:
        if max_ids < 1:
            raise InvalidArgumentError(f"a store remembers at least one id, not {max_ids}")
        self._max_ids = max_ids
        self._seen: OrderedDict[str, None] = OrderedDict()

    @property
    def lease_interval(self) -> None:
        """None: it serves one process."""
        return

    async def add(self, event_id: str, body: bytes) -> bool:  # noqa: ARG002 -- memory ends with the process, so there is nothing to keep
        """Remember an id; False: it was here before."""
        if event_id in self._seen:
            return False
        self._seen[event_id] = None
        if len(self._seen) > self._max_ids:
            self._seen.popitem(last=False)
        return True

    async def mark_done(self, event_id: str) -> None:
        """Nothing more to do: the id stays, and no body was kept."""

    async def claim_pending(self) -> list[tuple[str, bytes]]:
        """Nothing outlives a process."""
        return []

    async def last_event_id(self) -> str | None:
        """The id that was remembered last."""
        return next(reversed(self._seen), None)

    async def aclose(self) -> None:
        """Nothing is held."""


@attrs.define(eq=False)
class _Job:
    """Something to be done with the file, and what came of it."""

    run: Callable[[sqlite3.Connection], UntypedJSON]
    result: UntypedJSON = None
    error: Exception | None = None
    is_over: bool = False


class SqliteStore:
    """Keeps events in a file, so that one accepted with a 2xx is handled even if the process is killed before.

    It serves one process, and refuses a second one as long as the first has the file. An event whose handler ran when the process
    died is handled again by the next one, so handlers should repeat without harm: derive their idempotency keys with
    `idempotency_key("reply", event.id)`.

    Args:
        path: The file; it is made if it is not there. On a disk of this machine: a network may lose its locks.

    Raises:
        ConfigurationError: (by each method) Another process has the file, and did not let go of it within five seconds.
    """

    def __init__(self, path: str | Path, *, _clock: Clock | None = None) -> None:
        self._path = path
        self._clock: Clock = SystemClock() if _clock is None else _clock
        self._connection: sqlite3.Connection | None = None
        self._waiting: list[_Job] = []
        self._lock = asyncio.Lock()

    @property
    def lease_interval(self) -> None:
        """None: it serves one process."""
        return

    async def add(self, event_id: str, body: bytes) -> bool:
        """Write an event to the file; False: its id was there before."""
        now = self._clock.time()

        def write(connection: sqlite3.Connection) -> bool:
            connection.execute("DELETE FROM events WHERE body IS NULL AND at < ?", (now - RETRY_HORIZON,))
            done = connection.execute("INSERT OR IGNORE INTO events (id, body, at) VALUES (?, ?, ?)", (event_id, body, now))
            return done.rowcount == 1

        return await self._run_in_thread(write)

    async def mark_done(self, event_id: str) -> None:
        """Drop the body of an event and keep its id as long as cStar may repeat it."""
        now = self._clock.time()

        def write(connection: sqlite3.Connection) -> None:
            connection.execute("UPDATE events SET body = NULL, at = ? WHERE id = ?", (now, event_id))

        await self._run_in_thread(write)

    async def claim_pending(self) -> list[tuple[str, bytes]]:
        """The events of the file that are not done."""

        def read(connection: sqlite3.Connection) -> list[tuple[str, bytes]]:
            return connection.execute("SELECT id, body FROM events WHERE body IS NOT NULL ORDER BY number").fetchall()

        return await self._run_in_thread(read)

    async def last_event_id(self) -> str | None:
        """The id of the event that was written last, by this process or the one before."""

        def read(connection: sqlite3.Connection) -> str | None:
            row: tuple[str] | None = connection.execute("SELECT id FROM events ORDER BY number DESC LIMIT 1").fetchone()
            return None if row is None else row[0]

        return await self._run_in_thread(read)

    async def aclose(self) -> None:
        """Close the file."""
        async with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                await asyncio.to_thread(connection.close)

    async def _run_in_thread(self, run: Callable[[sqlite3.Connection], T]) -> T:
        """Work on the file in a thread. Whoever has the turn does all the work that waits, in one transaction.

        So a burst of events costs a few writes to the disk, not two for each of them. A thread that has begun is waited for.
        """
        work = _Job(run)
        self._waiting.append(work)
        try:
            async with self._lock:
                if not work.is_over:
                    batch, self._waiting = self._waiting, []
                    running = asyncio.ensure_future(asyncio.to_thread(self._in_transaction, batch))
                    try:
                        await asyncio.shield(running)
                    except asyncio.CancelledError:
                        await asyncio.wait([running])
                        raise
        except asyncio.CancelledError:
            if work in self._waiting:
                self._waiting.remove(work)
            raise
        if work.error is not None:
            raise work.error
        result: T = work.result
        return result

    def _in_transaction(self, batch: list[_Job]) -> None:
        """Do all of it or none of it."""
        results: list[UntypedJSON] = []
        failure: Exception | None = None
        try:
            if self._connection is None:
                self._connection = self._open_connection()
            with self._connection:
                results = [work.run(self._connection) for work in batch]
        except Exception as error:  # it is each caller's
            failure = error
        for place, work in enumerate(batch):
            work.error, work.result = failure, None if failure else results[place]
            work.is_over = True

    def _open_connection(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, check_same_thread=False)
        try:
            # Two processes would both take up what a third one left, and handle it twice. The lock goes with its process.
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(
                "CREATE TABLE IF NOT EXISTS events"
                " (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, body BLOB, at REAL NOT NULL)"
            )
            connection.execute("CREATE INDEX IF NOT EXISTS done ON events (at) WHERE body IS NULL")
        except BaseException as error:
            connection.close()
            if isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
                raise ConfigurationError(
                    "another process has the file of this store; give each process a file of its own"
                ) from error
            raise
        return connection
