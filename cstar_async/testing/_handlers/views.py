"""What a saved view finds."""

from __future__ import annotations

from collections.abc import Mapping

from cstar_async._types import Unchecked
from cstar_async.testing._handlers.query import chosen, one_page, ordered
from cstar_async.testing._handlers.request import Call
from cstar_async.testing._http.responses import Outcome


def list_view_tickets(call: Call) -> Outcome:
    """The tickets that pass the filters of a view, in its order. A view of other objects finds none (inferred)."""
    view = call.world.table("views").get(call.path["viewId"])
    rows = list(call.table) if view["entityType"] == call.collection else []
    filters: Mapping[str, Unchecked] = view["filters"]
    rows = chosen(rows, call.world.document.operation_on(call.collection, "list"), filters)
    if view["sortField"]:
        rows = ordered(rows, [f"-{view['sortField']}" if view["sortDirection"] == "desc" else view["sortField"]])
    rows, position = one_page(rows, call.operation, call.query)
    return Outcome(call.world.shown(call.collection, rows), position)
