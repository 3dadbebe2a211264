"""Filter, sort, paginate and expand the rows of a list.

The rules are extensions of the query parameters, so no list needs code of its own.
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
"""The highest page number in a response: what every JSON reader can represent."""


def filter_rows(rows: Iterable[Object], operation: FakeOperation, query: Mapping[str, UntypedJSON]) -> list[Object]:
    """Return the objects that match all filters of a query."""
    matching = list(rows)
    for name, rule in operation.extensions.get("filter", {}).items():
        if name in query:
            fields = rule.get("fields") or [rule["field"]]
            matching = [row for row in matching if any(_matches(row.get(field), query[name], rule["match"]) for field in fields)]
    return matching


def order_of(operation: FakeOperation, query: Mapping[str, UntypedJSON]) -> Sequence[str]:
    """Return the order that a query asks for; empty if it does not."""
    for name, orders in operation.extensions.get("sort", {}).items():
        if query.get(name) in orders:
            return list(orders[query[name]])
    return ()


def match_values(rows: Iterable[Object], values: Mapping[str, UntypedJSON]) -> list[Object]:
    """Return the objects that have all these values, or, where a field is a list, contain them."""
    return [row for row in rows if all(_has(row.get(field), expected) for field, expected in values.items())]


def sort_rows(rows: Sequence[Object], order: Sequence[str]) -> list[Object]:
    """Return objects sorted by fields; a leading `-` is descending. Equal objects stay sorted by age."""
    result = list(reversed(rows)) if order and order[0].startswith("-") else list(rows)
    for field in reversed(order):
        result.sort(key=_sorted_by(field.removeprefix("-")), reverse=field.startswith("-"))
    return result


def paginate(
    rows: Sequence[Object], operation: FakeOperation, query: Mapping[str, UntypedJSON]
) -> tuple[list[Object], PagePosition]:
    """Return the page that a query asks for, with the documented defaults."""
    page = int(query.get("page", _default(operation, "page", 1)))
    page_size = int(query.get("pageSize", _default(operation, "pageSize", 20)))
    start = (page - 1) * page_size
    return list(rows[start : start + page_size]), PagePosition(len(rows), min(page, _MAX_PAGE), page_size)


def expand(rows: Sequence[Object], operation: FakeOperation, query: Mapping[str, UntypedJSON], database: Database) -> list[Object]:
    """Return copies of objects with the summaries that a query asks for."""
    result = [dict(row) for row in rows]
    for parameter, choices in operation.extensions.get("expand", {}).items():
        expected: UntypedJSON = query.get(parameter) or []
        for name in [name for name in choices if name in expected]:
            source = choices[name]
            for row in result:
                other = database.table(source["collection"]).find(row.get(source["from"]) or "")
                fields = database.document.properties(source["schema"])
                row[name] = None if other is None else {field: other[field] for field in fields if field in other}
    return result


def _has(value: UntypedJSON, expected: UntypedJSON) -> bool:
    return _matches(value, expected, "contains-any" if is_array(value) and not is_array(expected) else "equals")


def _matches(value: UntypedJSON, expected: UntypedJSON, match: str) -> bool:
    if match == "text":
        return isinstance(value, str) and expected.casefold() in value.casefold()
    if match == "contains-any":
        choices = expected if is_array(expected) else [expected]
        return any(choice in (value or ()) for choice in choices)
    if match == "lacks":
        return not (expected and value)
    if match in {"from", "until"}:
        earlier, later = (expected, value) if match == "from" else (value, expected)
        return datetime.fromisoformat(earlier) <= datetime.fromisoformat(later)
    if isinstance(value, str) and isinstance(expected, str):
        return normalize_id(value) == normalize_id(expected)
    return bool(value == expected)


def _sorted_by(field: str) -> Callable[[Object], UntypedJSON]:
    """Return a sort key: missing values last, and objects and lists by their JSON."""

    def key(row: Object) -> UntypedJSON:
        value = row.get(field)
        is_number = isinstance(value, (int, float))
        return value is None, not is_number, value if is_number or isinstance(value, str) else orjson.dumps(value).decode()

    return key


def _default(operation: FakeOperation, name: str, fallback: int) -> UntypedJSON:
    found = (parameter.schema.get("default") for parameter in operation.parameters if parameter.name == name)
    return next((value for value in found if value is not None), fallback)
