"""`LocalCopy`: the rows of a team in a SQLite file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import attrs
import orjson

from cstar_async._model.codec import decode_item
from cstar_async._model.model import Model
from cstar_async._types import JSON, UntypedJSON, is_array
from cstar_async._values.repr import PublicDir
from cstar_async._values.validation import check_instance, check_str, invalid, validate_count
from cstar_async.client import CStarClient
from cstar_async.errors import CStarError, NotFoundError
from cstar_async.models import Article, Customer, Message, Ticket
from cstar_async.sync._call_budget import CallBudgetSpentError, with_budget
from cstar_async.sync._file import CopyFile, Transaction
from cstar_async.sync._plan import Rows, has_id, id_notations, rows_of, table_of, target_of
from cstar_async.sync._refresh import Refresh, check_source, write
from cstar_async.webhooks import WebhookEvent

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

M = TypeVar("M", bound=Model)

_CHUNK: Final = 500
"""Rows that are read from the file at once."""


@attrs.frozen(kw_only=True)
class SyncReport:
    """What one `LocalCopy.refresh()` did."""

    calls: int
    """Requests that were sent, retries included."""
    is_complete: bool
    """Whether all rows were read. False: the budget ended before; the next `refresh()` continues."""
    changed: Mapping[str, int]
    """Rows that are new or changed, by table."""
    deleted: Mapping[str, int]
    """Rows that are no longer there, by table."""
    since: int
    """The version of the copy before. `rows(…, changed_since=report.since)` are the rows that changed."""


class LocalCopy(PublicDir):
    """A copy of the tickets, customers, articles and messages of a team in a SQLite file.

    `refresh()` reads all rows in as few calls as possible, and `apply()` the row that an event is about. Any number of processes
    can read the file meanwhile, with this class or with any tool: it has the views `tickets`, `customers`, `articles`, `messages`.

    Args:
        path: The file. `refresh()` creates it with the first rows, and beside it a file that ends with `-lock`.

    Raises:
        InvalidArgumentError: *path* is neither a str nor a `Path`.
        ConfigurationError: (by each method) The file cannot be opened, is none of this class, or is one of another team.
        CStarError: (by each method) SQLite cannot read or write the file, such as on a full disk. The error of SQLite is its cause.
    """

    def __init__(self, path: str | Path) -> None:
        self._file = CopyFile(path)

    async def refresh(
        self,
        client: CStarClient,
        *,
        models: Sequence[type[Model]] = (Ticket, Customer, Article, Message),
        max_calls: int | None = None,
    ) -> SyncReport:
        """Bring the copy up to date.

        One export returns up to 10,000 rows of each type. What it does not return is listed, 100 rows a call: a longer type, or all
        of them if the key may not export. Messages are read for tickets whose number of messages changed, one call each.

        A row that an export does not have is deleted. A row that two lists in sequence do not have is deleted. One list is not
        enough, because it can miss a row that moved.

        Whatever ends it, also a kill, the next call continues: rows are stored with the position in their list. It finishes that
        pass, so call it again for what changed meanwhile.

        Before it reads messages that take more calls than are left in the window, it logs a warning with both numbers.

        Args:
            client: The client. Its rate limiter, retries and priority apply.
            models: What to read: of `Ticket`, `Customer`, `Article` and `Message`. Messages need tickets.
            max_calls: The most requests to send, retries included; at least 2, because a list continues with a page that it read.
                None: as many as it takes.

        Raises:
            InvalidArgumentError: An argument is none of these.
            ConfigurationError: The copy is being refreshed already, or as for the class.
            CStarError: A call failed. What was read before is stored.
        """
        check_instance("client", client, CStarClient, "a CStarClient")
        tables = _tables_of(models)
        if max_calls is not None:
            validate_count("max_calls", max_calls, 2)
        view, budget = with_budget(client, max_calls)
        with self._file.exclusive():
            since, unfinished = 0, None
            if self._file.exists:
                since, unfinished = await write(self._file, lambda file: (file.version, file.unfinished))
            refresh = Refresh(self._file, view, max_calls)
            try:
                await refresh.read_rows(unfinished, [table for table in tables if table != "messages"])
                is_complete = "messages" not in tables or await refresh.read_messages()
            except CallBudgetSpentError:
                is_complete = False
            changed, deleted = await write(self._file, lambda file: file.finish(since, is_complete=is_complete))
        return SyncReport(calls=budget.spent, is_complete=is_complete, changed=changed, deleted=deleted, since=since)

    async def apply(self, client: CStarClient, event: WebhookEvent) -> bool:
        """Read the row that an event is about, in one call; none for one that was deleted.

        The payload of an event is not stored, because it has fewer fields than the row. Call it from a handler of `WebhookInbox`,
        which repeats it if it fails, or for each event of `CStarClient.events()`.

        Args:
            client: The client.
            event: The event.

        Returns:
            Whether the event is about a row of the copy. Other events change nothing.

        Raises:
            InvalidArgumentError: An argument is none of these.
            PayloadError: The event has no id of a ticket, customer or article.
            CStarError: The call failed, or as for the class.
        """
        check_instance("client", client, CStarClient, "a CStarClient")
        check_instance("event", event, WebhookEvent, "a WebhookEvent", is_private=True)
        target = target_of(event)
        if target is None:
            return False
        read = await write(self._file, lambda file: file.version)
        rows: Rows = []
        if not target.is_deleted:
            with suppress(NotFoundError):
                rows = rows_of([await getattr(client, target.table).get(target.id)])

        def store(file: Transaction) -> None:
            check_source(file, client)
            if rows:
                _store_object(file, target.table, dict(rows[0]), read)
            else:
                file.delete(target.table, id_notations(target.table, target.id), read)
            file.set_state("last_event_id", event.id)

        await write(self._file, store)
        return True

    @property
    def last_event_id(self) -> str | None:
        """The id of the event that was applied last, for `CStarClient.events(start_after=…)`. None: there was none."""
        found = self._file.select("SELECT value FROM cstar_state WHERE name = 'last_event_id'")
        return _parse(found[0][0]) if found else None

    def rows(self, model: type[M], *, changed_since: int = 0) -> Iterator[M]:
        """Iterate over the rows of a model, in the order in which they were first read.

        Args:
            model: `Ticket`, `Customer`, `Article` or `Message`.
            changed_since: Only the rows that changed after this version, such as `SyncReport.since`.

        Raises:
            InvalidArgumentError: An argument is none of these.
        """
        table = table_of(model)
        return self._rows(model, table, validate_count("changed_since", changed_since, 0))

    def _rows(self, model: type[M], table: str, changed_since: int) -> Iterator[M]:
        number = -1
        query = (
            "SELECT number, data FROM cstar_rows WHERE type = ? AND number > ? AND changed > ? AND data IS NOT NULL"
            " ORDER BY number LIMIT ?"
        )
        # A chunk at a time, so that a slow reader does not keep a process from writing.
        while chunk := self._file.select(query, (table, number, changed_since, _CHUNK)):
            for _, data in chunk:
                yield _decode(model, data)
            number = chunk[-1][0]

    def row(self, model: type[M], row_id: str) -> M | None:
        """Return one row; None: the copy does not have it.

        Raises:
            InvalidArgumentError: *model* is none of the four, or *row_id* is no str.
        """
        table = table_of(model)
        check_str("row_id", row_id)
        query = "SELECT data FROM cstar_rows WHERE type = ? AND id = ? AND data IS NOT NULL"
        found = self._file.select(query, (table, row_id))
        return _decode(model, found[0][0]) if found else None

    def messages(self, ticket_id: str) -> list[Message]:
        """Return the messages of a ticket, oldest first.

        Raises:
            InvalidArgumentError: *ticket_id* is no str.
        """
        check_str("ticket_id", ticket_id)
        query = "SELECT data FROM cstar_rows WHERE type = 'messages' AND parent = ? AND data IS NOT NULL ORDER BY number"
        return [_decode(Message, data) for (data,) in self._file.select(query, (ticket_id,))]

    def deleted(self, model: type[Model], *, changed_since: int = 0) -> list[str]:
        """Return the ids of the rows that were deleted; of them nothing else is kept.

        Args:
            model: `Ticket`, `Customer`, `Article` or `Message`.
            changed_since: Only those deleted after this version, such as `SyncReport.since`.

        Raises:
            InvalidArgumentError: An argument is none of these.
        """
        table = table_of(model)
        validate_count("changed_since", changed_since, 0)
        query = "SELECT id FROM cstar_rows WHERE type = ? AND changed > ? AND data IS NULL ORDER BY number"
        return [row_id for (row_id,) in self._file.select(query, (table, changed_since))]

    def to_pandas(self, model: type[Model], *, changed_since: int = 0) -> pd.DataFrame:
        """Return the rows of a model as a DataFrame with a column for each field. Requires pandas (extra `pandas`).

        The arguments are those of `rows()`.

        Raises:
            CStarError: pandas is not installed.
        """
        from cstar_async.sync._frames import to_pandas

        return to_pandas(model, self.rows(model, changed_since=changed_since))

    def to_arrow(self, model: type[Model], *, changed_since: int = 0) -> pa.Table:
        """Return the rows of a model as a table of Arrow. Requires pyarrow (extra `arrow`).

        The type of a column is that of its field; values that are objects are JSON. The arguments are those of `rows()`.

        Raises:
            CStarError: pyarrow is not installed.
        """
        from cstar_async.sync._frames import to_arrow

        return to_arrow(model, self.rows(model, changed_since=changed_since))


def _decode(model: type[M], data: str) -> M:
    return decode_item(model, _parse(data))


def _parse(data: str) -> UntypedJSON:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        raise CStarError("the file of the copy is damaged: a value is no JSON; delete the file, and refresh again") from None


def _store_object(file: Transaction, table: str, row: dict[str, JSON], read: int) -> None:
    """Store a single object. That of a ticket has its messages."""
    messages = row.pop("messages", None)
    file.store(table, [row], read)
    if table == "tickets" and is_array(messages):
        file.store_messages(str(row["id"]), [message for message in messages if has_id(message)], read)


def _tables_of(models: Sequence[type[Model]]) -> list[str]:
    check_instance("models", models, (list, tuple), "a list of models")
    tables = [table_of(model) for model in models]
    if "messages" in tables and "tickets" not in tables:
        raise invalid("models", "a list with Ticket, if it has Message", [model.__name__ for model in models])
    return tables
