"""Files that `export` writes, one page after the other.

A page and the checkpoint after it are kept together: the checkpoint of a text file has the length of the file, and a database has
both in one transaction. So an export that was killed at any time continues without a row missing or repeated.
"""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO, Final, Literal, Protocol, Self, TypeAlias

import attrs
import orjson

from cstar_async import JSON
from cstar_async.cli._errors import UsageError
from cstar_async.cli._files import parse_json, read_object

Format: TypeAlias = Literal["jsonl", "csv", "sqlite", "parquet"]

EXTRA: Final = "extra"
"""The column of the fields that have no column of their own."""


_MAX_BITS: Final = 63
"""Bits of the largest integer that SQLite and Parquet can store."""
_STATE_TABLE: Final = "cstar_export"


@attrs.frozen
class State:
    """How far an export is."""

    format: Format
    source: str | None = None
    """The team whose rows it has; None: it has none."""
    rows: int = 0
    size: int = 0
    """Bytes of a text file."""
    checkpoint: dict[str, JSON] | None = None
    """The position in the list; None: its beginning."""


class Writer(Protocol):
    """Writes the rows of an export to a file. Entering it creates or replaces the file; leaving it keeps what was written."""

    state: State

    def __enter__(self) -> Self: ...
    def __exit__(self, *error: object) -> None: ...
    def write(self, rows: Sequence[JSON], checkpoint: dict[str, JSON]) -> None:
        """Write a page and the checkpoint after it."""
        ...

    def finish(self) -> None:
        """Complete the file and remove the checkpoint."""
        ...


def open_writer(output: Path, file_format: Format, table: str, columns: Sequence[str], *, resume: bool, overwrite: bool) -> Writer:
    """Return the writer of a file, which is not touched before the writer is entered. With *resume*, a part is not overwritten."""
    if file_format == "parquet" and find_spec("pyarrow") is None:
        raise UsageError("the format parquet requires pyarrow, which is not installed: pip install pyarrow")
    kept = [path for path in (_with_suffix(output, ".checkpoint"), _with_suffix(output, ".part")) if path.exists()]
    is_partial = bool(kept) or (file_format == "sqlite" and _is_partial_database(output))
    replaced: Sequence[Path] = ()
    if overwrite and not (resume and is_partial):
        replaced = (output, *kept)
    elif is_partial and not resume:
        raise UsageError(f"the export to {output} is not complete; --resume continues it, --overwrite starts again")
    elif output.exists() and not is_partial:
        raise UsageError(f"{output} exists; choose another file, or replace it with --overwrite")
    state = State(file_format) if replaced else _read_state(output) or State(file_format)
    if state.format != file_format:
        raise UsageError(f"the export to {output} has the format {state.format}; continue it with --format {state.format}")
    if file_format == "sqlite":
        return _DatabaseWriter(output, table, columns, replaced, state)
    if file_format == "csv":
        return _TextWriter(output, output, lambda rows: _csv_lines(columns, rows), replaced, state, _csv_bytes([[*columns, EXTRA]]))
    if file_format == "parquet":
        return _ParquetWriter(output, columns, replaced, state)
    return _TextWriter(output, output, _json_lines, replaced, state)


@contextmanager
def writing_alone(output: Path) -> Generator[None]:
    """Keep other exports from a file. The lock ends with the process.

    Raises:
        UsageError: Another export is writing it, or it is no file.
        OSError: The folder does not exist, or cannot be written.
    """
    if output.exists() and not output.is_file():
        raise UsageError(f"{output} must be a file")
    lock = _with_suffix(output, ".lock")
    lock.touch()  # a folder that cannot be written costs no call
    with closing(sqlite3.connect(lock.absolute(), timeout=0, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            raise UsageError(f"another export is writing {output}; wait for its end") from None
        try:
            yield
        finally:
            with suppress(OSError):  # Windows deletes no file that is open
                lock.unlink()


def _delete(paths: Sequence[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _with_suffix(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


class _TextWriter:
    """Writes lines to *path*; the checkpoint is beside *output*, the file that the user wants. *replaced* are files to delete."""

    def __init__(
        self,
        output: Path,
        path: Path,
        encode: Callable[[Sequence[JSON]], bytes],
        replaced: Sequence[Path],
        state: State,
        header: bytes = b"",
    ) -> None:
        self._state_path = _with_suffix(output, ".checkpoint")
        self._path = path
        self._encode = encode
        self._replaced = replaced
        self._header = header
        self.state = state

    def __enter__(self) -> Self:
        _delete(self._replaced)
        is_new = self.state.checkpoint is None
        if not is_new and self._path.stat().st_size < self.state.size:
            raise UsageError(f"{self._path} is shorter than its checkpoint says; start again with --overwrite")
        self._save_state()  # first, so that a file without a checkpoint is always complete
        self._file: BinaryIO = self._path.open("wb" if is_new else "r+b")
        if is_new:
            self._file.write(self._header)
        else:
            self._file.truncate(self.state.size)
            self._file.seek(self.state.size)
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def write(self, rows: Sequence[JSON], checkpoint: dict[str, JSON]) -> None:
        self._file.write(self._encode(rows))
        self._file.flush()
        self.state = attrs.evolve(self.state, rows=self.state.rows + len(rows), size=self._file.tell(), checkpoint=checkpoint)
        self._save_state()

    def _save_state(self) -> None:
        temporary = _with_suffix(self._state_path, ".new")
        try:
            temporary.write_bytes(orjson.dumps(attrs.asdict(self.state)))
        except OSError:
            _delete([temporary])
            raise
        temporary.replace(self._state_path)

    def finish(self) -> None:
        self._file.flush()
        self._state_path.unlink(missing_ok=True)


class _ParquetWriter(_TextWriter):
    """Collects lines of JSON, and converts them at the end: a Parquet file cannot be continued."""

    def __init__(self, output: Path, columns: Sequence[str], replaced: Sequence[Path], state: State) -> None:
        # The file that is to be replaced is complete: it is kept until the new one is.
        super().__init__(output, _with_suffix(output, ".part"), _json_lines, [path for path in replaced if path != output], state)
        self._output = output
        self._columns = columns

    def finish(self) -> None:
        from importlib import import_module

        arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
        self._file.flush()
        with self._path.open("rb") as lines:
            rows = [_flat_row(self._columns, orjson.loads(line)) for line in lines]
        fields = {name: [row[index] for row in rows] for index, name in enumerate([*self._columns, EXTRA])}
        table = arrow.table({name: _same_types(values) for name, values in fields.items()})
        written = _with_suffix(self._output, ".new")
        try:
            parquet.write_table(table, str(written))
        except OSError:
            _delete([written])
            raise
        written.replace(self._output)
        self._path.unlink()
        super().finish()


class _DatabaseWriter:
    """Writes rows to a table of SQLite, with the ID as primary key where there is one."""

    def __init__(self, output: Path, table: str, columns: Sequence[str], replaced: Sequence[Path], state: State) -> None:
        self._output = output
        self._table = table.replace(".", "_")
        self._columns = columns
        self._replaced = replaced
        self.state = state

    def __enter__(self) -> Self:
        _delete(self._replaced)
        self._database = sqlite3.connect(self._output.absolute())  # not `:memory:`, and no URI
        columns = ", ".join(f'"{name}"{" PRIMARY KEY" if name == "id" else ""}' for name in [*self._columns, EXTRA])
        with self._database as database:
            database.execute(f"CREATE TABLE IF NOT EXISTS {_STATE_TABLE} (id INTEGER PRIMARY KEY, state TEXT)")
            database.execute(f'CREATE TABLE IF NOT EXISTS "{self._table}" ({columns})')
        return self

    def __exit__(self, *error: object) -> None:
        self._database.close()

    def write(self, rows: Sequence[JSON], checkpoint: dict[str, JSON]) -> None:
        state = attrs.evolve(self.state, rows=self.state.rows + len(rows), checkpoint=checkpoint)
        marks = ", ".join("?" * (len(self._columns) + 1))
        with self._database as database:
            insert = f'INSERT OR REPLACE INTO "{self._table}" VALUES ({marks})'  # noqa: S608  # names of the generated models
            database.executemany(insert, [_flat_row(self._columns, row) for row in rows])
            text = orjson.dumps(attrs.asdict(state)).decode()
            database.execute(f"INSERT OR REPLACE INTO {_STATE_TABLE} VALUES (1, ?)", [text])  # noqa: S608  # a constant
        self.state = state

    def finish(self) -> None:
        with self._database as database:
            database.execute(f"DROP TABLE {_STATE_TABLE}")


def _is_partial_database(path: Path) -> bool:
    """Return whether a file is a database of an export that is not complete."""
    if not path.exists():
        return False
    try:
        with closing(sqlite3.connect(path.absolute())) as database:
            found = database.execute("SELECT count(*) FROM sqlite_master WHERE name = ?", [_STATE_TABLE]).fetchone()
    except sqlite3.Error:
        return False
    return bool(found[0])


def _read_state(output: Path) -> State | None:
    """Return how far an export is that has stopped; None: none has, or it has no rows."""
    path = _with_suffix(output, ".checkpoint")
    if path.exists():
        return _state_of(read_object(str(path)), path)
    if not _is_partial_database(output):
        return None
    with closing(sqlite3.connect(output.absolute())) as database:
        row = database.execute(f"SELECT state FROM {_STATE_TABLE}").fetchone()  # noqa: S608  # a constant
    return None if row is None else _state_of(parse_json(str(row[0]), str(output)), output)


def _state_of(value: JSON, path: Path) -> State:
    match value:
        case {
            "format": "jsonl" | "csv" | "sqlite" | "parquet" as file_format,
            "source": str() | None as source,
            "rows": int(rows),
            "size": int(size),
            "checkpoint": dict() | None as checkpoint,
        } if rows >= 0 and size >= 0:
            return State(file_format, source, rows, size, checkpoint)
        case _:
            raise UsageError(f"{path} is damaged; start again with --overwrite")


def _flat_row(columns: Sequence[str], row: JSON) -> list[str | int | float | None]:
    """Return the values of the columns, and those of all other fields as JSON. Objects and lists become JSON.

    An item that is no object has no columns, and is JSON as a whole.
    """
    if not isinstance(row, dict):
        return [*(None for _ in columns), _dumps(row).decode()]
    others = {name: value for name, value in row.items() if name not in columns}
    return [*(_flat(row.get(name)) for name in columns), _flat(others or None)]


def _flat(value: JSON) -> str | int | float | None:
    if isinstance(value, (dict, list)):
        return _dumps(value).decode()
    return str(value) if isinstance(value, int) and value.bit_length() > _MAX_BITS else value


def _same_types(values: Sequence[str | int | float | None]) -> Sequence[str | int | float | None]:
    """Return the values as strings if they are of several types, which a column of Parquet cannot have."""
    types = {type(value) for value in values if value is not None}
    return values if len(types) <= 1 else [None if value is None else str(value) for value in values]


def _json_lines(rows: Sequence[JSON]) -> bytes:
    return b"".join(_dumps(row) + b"\n" for row in rows)


def _dumps(value: object) -> bytes:
    """Return JSON. orjson is faster, but limits how deeply a value is nested more than its parser does."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _csv_lines(columns: Sequence[str], rows: Sequence[JSON]) -> bytes:
    return _csv_bytes(
        [["true" if one is True else "false" if one is False else one for one in _flat_row(columns, row)] for row in rows]
    )


def _csv_bytes(rows: Sequence[Sequence[object]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
