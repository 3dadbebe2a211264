"""Which objects a list shows: filters, order, pages, and what `expand` adds.

All of it is asked for by extensions of the operation, so no list needs code of its own. Pure: objects in, objects out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

import orjson

from cstar_async._types import UntypedJSON, is_array
from cstar_async.testing._data.ids import normalize_id
from cstar_async.testing._data.spec import FakeOperation
from cstar_async.testing._data.store import Database, Object
from cstar_async.testing._http.responses import PagePosition

_MAX_PAGE: Final = 2**53 - 1
"""The highest page number that is echoed: what every JSON reader can hold."""


def filter_rows(rows: Iterable[Object], operation: FakeOperation, query: Mapping[str, UntypedJSON]) -> list[Object]:
    """The objects that all filters of a query let through."""
    left = list(rows)
    for name, rule in operation.extensions.get("filter", {}).items():
        if name in query:
            fields = rule.get("fields") or [rule["field"]]
            left = [row for row in left if any(_matches(row.get(field), query[name], rule["match"]) for field in fields)]
    return left


def order_of(operation: FakeOperation, query: Mapping[str, UntypedJSON]) -> Sequence[str]:
    """The order that a query asks for; empty where it does not."""
    for name, orders in operation.extensions.get("sort", {}).items():
        if query.get(name) in orders:
            return list(orders[query[name]])
    return ()


def match_values(rows: Iterable[Object], values: Mapping[str, UntypedJSON]) -> list[Object]:
    """The objects that have all of these values; of a field that is a list, as one of its items."""
    return [row for row in rows if all(_has(row.get(field), wanted) for field, wanted in values.items())]


def sort_rows(rows: Sequence[Object], order: Sequence[str]) -> list[Object]:
    """Objects in the order of some fields; a leading `-` turns a field round. Equal ones stay in the order of their age."""
    result = list(reversed(rows)) if order and order[0].startswith("-") else list(rows)
    for field in reversed(order):
        result.sort(key=_sorted_by(field.removeprefix("-")), reverse=field.startswith("-"))
    return result


def paginate(
    rows: Sequence[Object], operation: FakeOperation, query: Mapping[str, UntypedJSON]
) -> tuple[list[Object], PagePosition]:
    """The page that a query asks for, by the documented defaults where it does not say."""
    page = int(query.get("page", _default(operation, "page", 1)))
    page_size = int(query.get("pageSize", _default(operation, "pageSize", 20)))
    start = (page - 1) * page_size
    return list(rows[start : start + page_size]), PagePosition(len(rows), min(page, _MAX_PAGE), page_size)


def expand(rows: Sequence[Object], operation: FakeOperation, query: Mapping[str, UntypedJSON], database: Database) -> list[Object]:
    """The same objects, with the summaries of other ones that a query wants in them."""
    result = [dict(row) for row in rows]
    for parameter, choices in operation.extensions.get("expand", {}).items():
        wanted: UntypedJSON = query.get(parameter) or []
        for name in [name for name in choices if name in wanted]:
            source = choices[name]
            for row in result:
                other = database.table(source["collection"]).find(row.get(source["from"]) or "")
                fields = database.document.properties(source["schema"])
                row[name] = None if other is None else {field: other[field] for field in fields if field in other}
    return result


def _has(value: UntypedJSON, wanted: UntypedJSON) -> bool:
    return _matches(value, wanted, "contains-any" if is_array(value) and not is_array(wanted) else "equals")


def _matches(value: UntypedJSON, wanted: UntypedJSON, match: str) -> bool:
    if match == "text":
        return isinstance(value, str) and wanted.casefold() in value.casefold()
    if match == "contains-any":
        choices = wanted if is_array(wanted) else [wanted]
        return any(choice in (value or ()) for choice in choices)
    if match == "lacks":
        return not (wanted and value)
    if match in {"from", "until"}:
        earlier, later = (wanted, value) if match == "from" else (value, wanted)
        return datetime.fromisoformat(earlier) <= datetime.fromisoformat(later)
    if isinstance(value, str) and isinstance(wanted, str):
        return normalize_id(value) == normalize_id(wanted)
    return bool(value == wanted)


def _sorted_by(field: str) -> Callable[[Object], UntypedJSON]:
    """A sort key that puts what is missing last, and what has no order of its own (objects, lists) by its JSON."""

    def key(row: Object) -> UntypedJSON:
        value = row.get(field)
        is_number = isinstance(value, (int, float))
        return value is None, not is_number, value if is_number or isinstance(value, str) else orjson.dumps(value).decode()

    return key


def _default(operation: FakeOperation, name: str, otherwise: int) -> UntypedJSON:
    found = (parameter.schema.get("default") for parameter in operation.parameters if parameter.name == name)
    return next((value for value in found if value is not None), otherwise)
