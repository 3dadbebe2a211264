"""Bulk operations and imports.

Each item is processed like the operation on a single object. A refused item does not stop the others (inferred); `errors` has its
id or index, and the code and message of the failure.
"""

from __future__ import annotations

from typing import Final

import attrs

from cstar_async.testing._data.collections import item_parameter
from cstar_async.testing._data.store import Object
from cstar_async.testing._errors import APIFailure
from cstar_async.testing._handlers.crud import apply_update, delete_object, insert_object, update_object
from cstar_async.testing._handlers.request import Call
from cstar_async.testing._http.responses import HandlerResult

_SKIP: Final = "skip"
"""The merge strategy that keeps existing objects. Others are not documented; here they all update."""


def run_bulk(call: Call) -> HandlerResult:
    """Update or delete many objects."""
    action, collection = str(call.body["action"]), str(call.body["resource"])
    data = call.body.get("data")
    if action == "update" and data is None:
        raise APIFailure(400, "parameter_missing", "The 'data' field is required to update.", param="data")
    ids: list[str] = call.body["ids"]
    errors: list[Object] = []
    for index, identity in enumerate(ids):
        try:
            _run_one(call, action, collection, identity, data or {})
        except APIFailure as failure:
            errors.append({"id": identity, "index": index, "code": failure.code, "message": failure.message})
    counts = {"total": len(ids), "succeeded": len(ids) - len(errors), "failed": len(errors)}
    return HandlerResult({"object": "bulk_result", "action": action, "resource": collection, **counts, "errors": errors})


def _run_one(call: Call, action: str, collection: str, identity: str, data: Object) -> None:
    operation = call.database.document.operation_on(collection, action)
    if operation.request is not None:
        call.validation.fields(operation.request, data)
    single = attrs.evolve(call, operation=operation, path={**call.path, item_parameter(operation) or "": identity}, body=data)
    if action == "delete":
        delete_object(single)
    else:
        update_object(single)


def run_import(call: Call) -> HandlerResult:
    """Create many objects. A record that shares a unique value with an existing object is skipped or updates it."""
    collection = str(call.body["resource"])
    records: list[Object] = call.body["records"]
    counts = {"created": 0, "updated": 0, "skipped": 0}
    errors: list[Object] = []
    for index, record in enumerate(records):
        try:
            counts[_import_one(call, collection, record)] += 1
        except APIFailure as failure:
            errors.append({"index": index, "code": failure.code, "message": failure.message})
    return HandlerResult({"object": "import_result", "resource": collection, "total": len(records), **counts, "errors": errors})


def _import_one(call: Call, collection: str, record: Object) -> str:
    """Process a record; return `created`, `updated` or `skipped`."""
    database, request = call.database, call.database.document.operation_on(collection, "create").request
    if request is not None:
        call.validation.fields(request, record)
    conflict = database.find_conflict(database.table(collection), record, None)
    if conflict is None:
        insert_object(database, collection, record, at=call.at)
        return "created"
    if call.body.get("mergeStrategy", _SKIP) == _SKIP:
        return "skipped"
    fields = database.document.create_request(collection).keys() & database.table(collection).schema.properties.keys()
    apply_update(database, collection, conflict[1], {name: value for name, value in record.items() if name in fields}, at=call.at)
    return "updated"
