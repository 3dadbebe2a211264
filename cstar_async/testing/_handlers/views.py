"""The tickets of a saved view."""

from __future__ import annotations

from collections.abc import Mapping

from cstar_async._types import UntypedJSON
from cstar_async.testing._handlers.query import filter_rows, paginate, sort_rows
from cstar_async.testing._handlers.request import Call
from cstar_async.testing._http.responses import HandlerResult


def list_view_tickets(call: Call) -> HandlerResult:
    """Return the tickets that match the filters of a view, in its order. A view of other objects has none (inferred)."""
    view = call.database.table("views").get(call.path["viewId"])
    rows = list(call.table) if view["entityType"] == call.collection else []
    filters: Mapping[str, UntypedJSON] = view["filters"]
    rows = filter_rows(rows, call.database.document.operation_on(call.collection, "list"), filters)
    if view["sortField"]:
        rows = sort_rows(rows, [f"-{view['sortField']}" if view["sortDirection"] == "desc" else view["sortField"]])
    rows, position = paginate(rows, call.operation, call.query)
    return HandlerResult(call.database.serialize(call.collection, rows), position)
