"""Search in everything that a team has, in the fields that the lists search."""

from __future__ import annotations

from typing import Final

from cstar_async.testing._data.spec import FakeOperation
from cstar_async.testing._data.store import Object
from cstar_async.testing._handlers.request import Call
from cstar_async.testing._http.responses import HandlerResult

SNIPPET_CONTEXT: Final = 40
"""Characters shown before and after the match."""
_DEFAULT_LIMIT: Final = 10


def search_all(call: Call) -> HandlerResult:
    """Return the objects that contain all words, with a snippet around the first, by type and age (the order is not documented)."""
    words: list[str] = call.query["q"].casefold().split()
    types: list[str] = call.query.get("types") or list(call.database.document.components["SearchType"]["enum"])
    found: list[Object] = []
    for collection in types if words else ():
        if call.database.has(collection):
            found += _found(call, collection, words)
    return HandlerResult(found[: call.query.get("limit", _DEFAULT_LIMIT)])


def _found(call: Call, collection: str, words: list[str]) -> list[Object]:
    table = call.database.table(collection)
    fields = _searched(call.database.document.operation_on(collection, "list"))
    results: list[Object] = []
    for row in table:
        text = " ".join(str(row.get(field) or "") for field in fields)
        position = text.casefold().find(words[0])
        if all(word in text.casefold() for word in words):
            start = max(0, position - SNIPPET_CONTEXT)
            results.append(
                {
                    "object": "search_result",
                    "type": row["object"],
                    "id": row["id"],
                    "title": row.get("title") or row.get("name"),
                    "snippet": text[start : position + len(words[0]) + SNIPPET_CONTEXT],
                }
            )
    return results


def _searched(operation: FakeOperation) -> list[str]:
    """Return the fields that the list of a collection searches."""
    for rule in operation.extensions.get("filter", {}).values():
        if rule.get("match") == "text":
            return list(rule["fields"])
    return []
