"""Exports: stored rows as JSON or CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Final

import orjson

from cstar_async._types import UntypedJSON
from cstar_async.testing._data.store import Database, Object
from cstar_async.testing._errors import APIFailure
from cstar_async.testing._handlers.query import match_values
from cstar_async.testing._handlers.request import Call
from cstar_async.testing._http.responses import HandlerResult

MAX_ROWS: Final = 10_000
"""Rows of one type in one export (documented)."""


def run_export(call: Call) -> HandlerResult:
    """Return the rows of each selection, or of the only one as CSV."""
    selections: list[Object] = call.body["resources"]
    if call.body.get("format") == "csv":
        if len(selections) != 1:
            message = f"resources must have exactly one entry for CSV, got {len(selections)}."
            raise APIFailure(400, "parameter_invalid", message, param="resources")
        fields = call.database.table(selections[0]["type"]).schema.properties
        return HandlerResult(_as_csv(fields, _rows(call.database, selections[0])), text_type="text/csv; charset=utf-8")
    found: dict[str, list[Object]] = {}
    for selection in selections:
        found[selection["type"]] = _rows(call.database, selection)
    total = sum(map(len, found.values()))
    return HandlerResult({"object": "export", "format": "json", "totalRows": total, "resources": found})


def _rows(database: Database, selection: Object) -> list[Object]:
    """Return the rows of a selection, as lists show them."""
    collection: str = selection["type"]
    return database.serialize(collection, match_values(database.table(collection), selection.get("filters") or {}))[:MAX_ROWS]


def _as_csv(fields: Iterable[str], rows: list[Object]) -> str:
    """Return CSV with a header of wire names."""
    text = io.StringIO()
    writer = csv.writer(text)
    names = list(fields)
    writer.writerow(names)
    writer.writerows([_cell(row, name) for name in names] for row in rows)
    return text.getvalue()


def _cell(row: Mapping[str, UntypedJSON], name: str) -> str:
    """Return a CSV value: a str as it is, empty for null, otherwise JSON."""
    value = row.get(name)
    return "" if value is None else value if isinstance(value, str) else orjson.dumps(value).decode()
