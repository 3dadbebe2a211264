"""What a pass reads and which row an event is about. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, TypeAlias
from uuid import UUID

import attrs

from cstar_async._model.codec import decode_items, to_dict
from cstar_async._model.model import Model
from cstar_async._types import JSON, UntypedJSON, is_array, is_mapping, is_object
from cstar_async._values.validation import invalid
from cstar_async.errors import PayloadError
from cstar_async.models import Article, Customer, ExportResult, Message, Ticket
from cstar_async.webhooks import WebhookEvent

TABLES: Final[Mapping[type[Model], str]] = MappingProxyType(
    {Ticket: "tickets", Customer: "customers", Article: "articles", Message: "messages"}
)
"""The table of each model. All but `messages` are also types of an export, and namespaces of the client."""
_LISTED: Final = frozenset(table for table in TABLES.values() if table != "messages")
"""The tables that a pass lists."""
MAX_EXPORT_ROWS: Final = 10_000
"""Rows of one type in one export (documented)."""
_REQUIRED: Final = ("id", "createdAt")
"""Fields that every complete row has (documented). A sample of an export has fewer."""

Rows: TypeAlias = Sequence[Mapping[str, JSON]]


def table_of(model: type[Model]) -> str:
    """Return the table of a model, or raise an `InvalidArgumentError` if it has none."""
    table = next((table for known, table in TABLES.items() if known is model), None)
    if table is None:
        raise invalid("model", "Ticket, Customer, Article or Message", model)
    return table


def complete_tables(export: ExportResult, tables: Iterable[str]) -> dict[str, Rows]:
    """Return the rows of each table of which the export has all rows, and each with its fields.

    The server cuts a type off at 10,000 rows. That `customers` and `articles` can be exported, and which fields a row has, is not
    documented.
    """
    found: UntypedJSON = export.resources
    exported = found if is_object(found) else {}
    models = {table: model for model, table in TABLES.items()}
    return {
        table: rows_of(decode_items(models[table], exported[table])) for table in tables if _is_complete(exported.get(table), table)
    }


def _is_complete(rows: UntypedJSON, table: str) -> bool:
    if not is_array(rows) or len(rows) >= MAX_EXPORT_ROWS:
        return False
    required = (*_REQUIRED, "messageCount") if table == "tickets" else _REQUIRED
    return all(is_object(row) and all(name in row for name in required) for row in rows)


def rows_of(items: Iterable[Model]) -> Rows:
    """Return the wire forms of models, which are the same whatever request returned them. A row without an id is left out."""
    models = (item for item in items if hasattr(item, "__wire_names__"))  # what is no object stays as it was received
    return [row for row in map(to_dict, models) if has_id(row)]


def has_id(row: UntypedJSON) -> bool:
    """Return whether a row can be stored."""
    return is_object(row) and isinstance(row.get("id"), str) and bool(row["id"])


_UUID: Final = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}")
_PREFIXES: Final[Mapping[str, str]] = MappingProxyType({"tickets": "tkt_", "customers": "cus_", "articles": "art_"})


def id_notations(table: str, row_id: str) -> list[str]:
    """Return the ids that can mean the same row, the given one first.

    Rows have prefixed ids; events can have the bare UUID (documented by samples).
    """
    bare = row_id.removeprefix(_PREFIXES[table])
    if not _UUID.fullmatch(bare):
        return [row_id]
    return list(dict.fromkeys([row_id, _PREFIXES[table] + bare.replace("-", ""), str(UUID(bare)), bare]))


@attrs.frozen
class Target:
    """The row that an event is about."""

    table: str
    id: str
    is_deleted: bool


def target_of(event: WebhookEvent) -> Target | None:
    """Return the row that an event is about; None if it is about none of a copy. Without an id of a row, raise a `PayloadError`."""
    kind, _, action = event.type.partition(".")
    table = f"{kind}s"
    if kind not in {"ticket", "customer", "article"}:
        return None
    found = _field(_field(event.data, kind), "id")
    if found is None and kind == "ticket":
        found = _field(_field(event.data, "message"), "ticket_id")
    if not isinstance(found, str) or not found:
        raise PayloadError(f"an event {event.type} must have the id of its {kind}; refresh() reads what changed")
    return Target(table, found, action == "deleted")


def _field(value: object, name: str) -> object:
    return value.get(name) if is_mapping(value) else getattr(value, name, None)


@attrs.frozen
class Pass:
    """One reading of all rows, in any number of runs."""

    read: int
    """The version at which it began."""
    tables: Sequence[str]
    """The tables that are left to list; the first is being read. Messages come last and need no position."""
    checkpoint: Mapping[str, JSON] | None = None
    """The position in the first list; None: its beginning."""

    @classmethod
    def from_json(cls, value: UntypedJSON) -> Pass | None:
        """Read it from JSON; None, and a new pass reads all rows, if it is damaged or of another version."""
        if not is_object(value):
            return None
        read, tables, checkpoint = value.get("read"), value.get("tables"), value.get("checkpoint")
        if not isinstance(read, int) or not is_array(tables) or not (checkpoint is None or is_object(checkpoint)):
            return None
        return cls(read, tuple(tables), checkpoint) if _LISTED.issuperset(map(str, tables)) else None
