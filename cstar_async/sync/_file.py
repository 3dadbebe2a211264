"""The SQLite file of a copy. All functions block; `LocalCopy` calls those that write in a thread."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

import attrs
import orjson

from cstar_async._types import JSON, UntypedJSON
from cstar_async._values.validation import check_instance, check_str, invalid
from cstar_async.errors import ConfigurationError, CStarError
from cstar_async.sync._plan import TABLES, Pass, Rows

Value = str | int | float | None

BUSY_TIMEOUT: Final = 30.0
"""Seconds that a transaction waits for one of another process, each of which is short."""
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS cstar_rows (
    number INTEGER PRIMARY KEY,
    type TEXT NOT NULL,
    id TEXT NOT NULL,
    parent TEXT,                        -- the ticket of a message
    data TEXT,                          -- the row as JSON, or NULL if it was deleted
    read INTEGER NOT NULL,              -- the version at which the request was sent that returned it
    changed INTEGER NOT NULL,           -- the version at which data changed
    messages INTEGER NOT NULL DEFAULT 0, -- the number of messages for which those of a ticket were read
    UNIQUE (type, id)
);
CREATE INDEX IF NOT EXISTS cstar_rows_type ON cstar_rows (type, number);
CREATE INDEX IF NOT EXISTS cstar_rows_parent ON cstar_rows (parent) WHERE parent IS NOT NULL;
CREATE TABLE IF NOT EXISTS cstar_state (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
_UPSERT: Final = """
INSERT INTO cstar_rows (type, id, parent, data, read, changed) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (type, id) DO UPDATE SET
    changed = CASE WHEN data IS excluded.data THEN changed ELSE excluded.changed END,
    data = excluded.data, parent = excluded.parent, read = excluded.read
WHERE excluded.read >= read
"""
_DUE_MESSAGES: Final = """
SELECT id, json_extract(data, '$.messageCount') AS count FROM cstar_rows
WHERE type = 'tickets' AND data IS NOT NULL AND COALESCE(count, 0) <> messages ORDER BY number
"""


class CopyFile:
    """The SQLite file of a copy.

    Each method is one transaction. A row is never replaced by an older reading of it, so any number of processes can write.

    Raises:
        InvalidArgumentError: *path* is neither a str nor a `Path` of a file.
        ConfigurationError: (by each method) *path* is no file of this kind, or cannot be opened.
        CStarError: (by each method) SQLite cannot read or write it.
    """

    def __init__(self, path: str | Path) -> None:
        check_instance("path", path, (str, Path), "a str or a Path")
        check_str("path", str(path))
        if not str(path) or "\0" in str(path):
            raise invalid("path", "the path of a file", str(path))
        self.path = Path(path)

    @property
    def exists(self) -> bool:
        """Whether there is a file. A copy gets one with its first rows."""
        return self.path.exists()

    @contextmanager
    def exclusive(self) -> Generator[None, None, None]:
        """Keep other processes from refreshing the copy. The lock ends with the process.

        Raises:
            ConfigurationError: It is being refreshed already, or is a directory.
        """
        if self.path.is_dir():
            raise ConfigurationError(f"path must be a SQLite file, got the directory {str(self.path)!r}")
        lock = self.path.absolute().with_name(f"{self.path.name}-lock")
        is_new = not os.path.lexists(lock)  # the method of Path raises for a name that is too long
        with _own_errors(), closing(sqlite3.connect(lock, timeout=0, isolation_level=None, check_same_thread=False)) as connection:
            try:
                connection.execute("PRAGMA journal_mode = OFF")  # else a kill leaves a second file
                connection.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    raise
                raise ConfigurationError(
                    "path must be a copy that nothing else is refreshing, got one in use; try again later"
                ) from None
            try:
                yield
            except BaseException:
                if is_new:
                    with suppress(OSError):  # Windows keeps a file that is open
                        lock.unlink()
                raise

    @contextmanager
    def writing(self) -> Generator[Transaction, None, None]:
        """Run a block in a transaction, which an error rolls back."""
        path = self.path.absolute()  # not `:memory:`, which loses all rows, and no URI
        with _own_errors(), closing(sqlite3.connect(path, timeout=BUSY_TIMEOUT, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            with connection:
                names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
                if names and "cstar_state" not in names:
                    raise ConfigurationError(f"path must be a new file or a copy, got another database: {str(self.path)!r}")
                for statement in () if names else _SCHEMA.split(";"):
                    connection.execute(statement)
                transaction = Transaction(connection)
                if not names:
                    transaction.create_views()
                yield transaction

    def select(self, query: str, values: Sequence[Value] = ()) -> list[tuple[UntypedJSON, ...]]:
        """Return the rows of a query. Without a file, raise a `ConfigurationError`."""
        if not self.path.is_file():
            raise ConfigurationError(f"path must be a file that refresh() has written, got {str(self.path)!r}")
        # Not read-only: a reader rolls back what a process that was killed has left.
        uri = f"{self.path.absolute().as_uri()}?mode=rw"
        with _own_errors(), closing(sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT)) as connection:
            return connection.execute(query, values).fetchall()


class Transaction:
    """A transaction that writes, with a version of its own."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        version = self.state("version")
        if not isinstance(version, int | None):
            raise ConfigurationError("path must be a copy, got one whose value version is damaged")
        self.version = (version or 0) + 1
        self.set_state("version", self.version)

    def state(self, name: str) -> UntypedJSON:
        """Return a value of the state; None: not set."""
        row = self._connection.execute("SELECT value FROM cstar_state WHERE name = ?", (name,)).fetchone()
        try:
            return None if row is None else orjson.loads(row[0])
        except orjson.JSONDecodeError:
            raise ConfigurationError(f"path must be a copy, got one whose value {name} is damaged") from None

    def set_state(self, name: str, value: object) -> None:
        """Set a value of the state."""
        values = (name, orjson.dumps(value).decode())
        self._connection.execute("INSERT OR REPLACE INTO cstar_state VALUES (?, ?)", values)

    @property
    def unfinished(self) -> Pass | None:
        """The pass that an earlier run has not finished."""
        return Pass.from_json(self.state("unfinished"))

    @unfinished.setter
    def unfinished(self, value: Pass | None) -> None:
        self.set_state("unfinished", None if value is None else attrs.asdict(value))

    def check_source(self, source: str) -> None:
        """Check that all rows come from one team, or raise a `ConfigurationError`."""
        if (self.state("source") or source) != source:
            raise ConfigurationError("path must be a copy of the client's team, got one of another team; use a file for each team")
        self.set_state("source", source)

    def store(self, table: str, rows: Rows, read: int, *, parent: str | None = None) -> None:
        """Insert or update rows, unless a later reading is there."""
        values = [(table, str(row["id"]), parent, _dump(row), read, self.version) for row in rows]
        self._connection.executemany(_UPSERT, values)

    def store_messages(self, ticket_id: str, messages: Rows, read: int, count: Value = None) -> None:
        """Replace the messages of a ticket that has *count* of them; None: as many as its row states."""
        self.store("messages", messages, read, parent=ticket_id)
        self._delete("type = 'messages' AND parent = ? AND read < ?", (ticket_id, read))
        update = (
            "UPDATE cstar_rows SET messages = COALESCE(?, json_extract(data, '$.messageCount'), 0)"
            " WHERE type = 'tickets' AND id = ? AND read <= ?"
        )
        self._connection.execute(update, (count, ticket_id, read))

    def finish_list(self, table: str, read: int) -> None:
        """Delete the rows that neither this list nor the one before had: a list can miss a row that moved."""
        self.delete_not_read_since(table, self.state(f"listed {table}") or 0)
        self.set_state(f"listed {table}", read)

    def delete_not_read_since(self, table: str, read: int) -> None:
        """Delete the rows that were last read before a version."""
        self._delete("type = ? AND read < ?", (table, read))
        self._delete_messages_without_ticket()

    def delete(self, table: str, ids: Sequence[str], read: int) -> None:
        """Delete a row of which several notations of the id are possible, unless a later reading is there."""
        marks = ", ".join("?" * len(ids))
        known = f"SELECT id FROM cstar_rows WHERE type = ? AND id IN ({marks})"  # noqa: S608 -- question marks
        found = [row[0] for row in self._connection.execute(known, (table, *ids))] or ids[:1]
        # The id is kept, so that an older reading does not bring the row back.
        self._connection.executemany(_UPSERT, [(table, row_id, None, None, read, self.version) for row_id in found])
        self._delete_messages_without_ticket()

    def _delete_messages_without_ticket(self) -> None:
        tickets = "SELECT id FROM cstar_rows WHERE type = 'tickets' AND data IS NOT NULL"
        self._delete(f"type = 'messages' AND parent NOT IN ({tickets})", ())
        self._connection.execute("UPDATE cstar_rows SET messages = 0 WHERE data IS NULL AND messages <> 0")

    def _delete(self, condition: str, values: Sequence[Value]) -> None:
        update = f"UPDATE cstar_rows SET data = NULL, changed = ? WHERE data IS NOT NULL AND {condition}"  # noqa: S608 -- constants
        self._connection.execute(update, (self.version, *values))

    def due_messages(self) -> list[tuple[str, Value]]:
        """Return the tickets whose messages must be read, each with their number."""
        return self._connection.execute(_DUE_MESSAGES).fetchall()

    def create_views(self) -> None:
        """Create a view with the columns of each model, unless it is there."""
        for model, table in TABLES.items():
            columns = ", ".join(f'json_extract(data, \'$."{wire}"\') AS "{name}"' for name, wire in model.__wire_names__.items())
            select = f"SELECT {columns} FROM cstar_rows WHERE type = '{table}' AND data IS NOT NULL"  # noqa: S608 -- names of models
            view = f"CREATE VIEW {table} AS {select}"
            found = self._connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", (table,)).fetchone()
            if found != (view,):
                self._connection.execute(f"DROP VIEW IF EXISTS {table}")
                self._connection.execute(view)

    def finish(self, since: int, *, is_complete: bool) -> tuple[dict[str, int], dict[str, int]]:
        """End a run. Return how many rows of each table changed and were deleted after a version."""
        if is_complete:
            self.unfinished = None
        query = "SELECT type, data IS NULL, COUNT(*) FROM cstar_rows WHERE changed > ? GROUP BY 1, 2"
        found = self._connection.execute(query, (since,)).fetchall()
        changed, deleted = ({table: n for table, is_null, n in found if is_null == state} for state in (0, 1))
        return changed, deleted


def _dump(row: Mapping[str, JSON]) -> str:
    try:
        return orjson.dumps(row, option=orjson.OPT_SORT_KEYS).decode()
    except orjson.JSONEncodeError:
        pass
    try:
        # orjson is faster, but limits how deeply a value is nested more than its parser does.
        return json.dumps(row, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    except (ValueError, TypeError, RecursionError) as error:
        raise CStarError(f"a row cannot be stored as JSON: {error}") from None


@contextmanager
def _own_errors() -> Generator[None, None, None]:
    """Raise errors of SQLite as ours."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM}:
            raise ConfigurationError(
                f"path must be a SQLite file in a directory that exists, both writable, got an error: {error}"
            ) from error
        raise CStarError(f"the file of the copy cannot be used: {error}") from error
