"""Operations on many objects at once: bulk runs and imports.

Each row is done as the operation on a single object would do it, and a row that is refused does not stop the others (inferred); it
is told in `errors` with its id or position, and with the code and the message of the failure.
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
"""The merge strategy that changes nothing that is there. Other words are not documented; here they all mean to change it."""


def run_bulk(call: Call) -> HandlerResult:
    """The same change, or the end, of many objects."""
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
    counted = {"total": len(ids), "succeeded": len(ids) - len(errors), "failed": len(errors)}
    return HandlerResult({"object": "bulk_result", "action": action, "resource": collection, **counted, "errors": errors})


def _run_one(call: Call, action: str, collection: str, identity: str, data: Object) -> None:
    operation = call.database.document.operation_on(collection, action)
    if operation.request is not None:
        call.validation.fields(operation.request, data)
    one = attrs.evolve(call, operation=operation, path={**call.path, item_parameter(operation) or "": identity}, body=data)
    if action == "delete":
        delete_object(one)
    else:
        update_object(one)


def run_import(call: Call) -> HandlerResult:
    """Many new objects. One is there already when it shares a value that must be unique, such as an e-mail address."""
    collection = str(call.body["resource"])
    records: list[Object] = call.body["records"]
    counted = {"created": 0, "updated": 0, "skipped": 0}
    errors: list[Object] = []
    for index, record in enumerate(records):
        try:
            counted[_import_one(call, collection, record)] += 1
        except APIFailure as failure:
            errors.append({"index": index, "code": failure.code, "message": failure.message})
    return HandlerResult({"object": "import_result", "resource": collection, "total": len(records), **counted, "errors": errors})


def _import_one(call: Call, collection: str, record: Object) -> str:
    """What became of a record: `created`, `updated` or `skipped`."""
    database, request = call.database, call.database.document.operation_on(collection, "create").request
    if request is not None:
        call.validation.fields(request, record)
    there = database.find_conflict(database.table(collection), record, None)
    if there is None:
        insert_object(database, collection, record, at=call.at)
        return "created"
    if call.body.get("mergeStrategy", _SKIP) == _SKIP:
        return "skipped"
    known = database.document.create_request(collection).keys() & database.table(collection).schema.properties.keys()
    apply_update(database, collection, there[1], {name: value for name, value in record.items() if name in known}, at=call.at)
    return "updated"
