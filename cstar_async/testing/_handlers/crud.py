"""The actions of every collection (list, create, get, update, delete), and fake responses for operations without one.

They follow the extensions of the document and call the resource hooks of the collection. A field of a body is stored when the
request schema and the schema of the object both have it. Other fields are accepted and ignored.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping

from cstar_async._types import UntypedJSON
from cstar_async.testing._data.collections import item_parameter
from cstar_async.testing._data.store import Change, Database, Object
from cstar_async.testing._errors import APIFailure
from cstar_async.testing._handlers.query import expand, filter_rows, order_of, paginate, sort_rows
from cstar_async.testing._handlers.request import Call
from cstar_async.testing._handlers.resource_hooks import WriteContext, hooks_for
from cstar_async.testing._http.responses import HandlerResult, PagePosition


def list_objects(call: Call) -> HandlerResult:
    """Return the objects of the parent in the path: filtered, sorted, and paginated where the document paginates."""
    schema = call.table.schema
    parent = _parent_of(call)
    rows = [row for row in call.table if parent is None or row.get(parent[0]) == parent[1]["id"]]
    rows = sort_rows(filter_rows(rows, call.operation, call.query), order_of(call.operation, call.query) or schema.order)
    hooks = hooks_for(call.collection)
    position: PagePosition | None = None
    if call.operation.shape == "page":
        if hooks.unpaginated_by_default and not {"page", "pageSize"} & call.query.keys():
            position = PagePosition(len(rows), 1, len(rows))
        else:
            rows, position = paginate(rows, call.operation, call.query)
    rows = expand(call.database.serialize(call.collection, rows), call.operation, call.query, call.database)
    return HandlerResult(rows, position)


def create_object(call: Call) -> HandlerResult:
    """Create an object from the body, the defaults of the request schema and what the server fills in."""
    parent = _parent_of(call)
    created = insert_object(call.database, call.collection, call.body, parent[1] if parent else None, at=call.at)
    return HandlerResult(call.database.serialize(call.collection, [created], is_new=True)[0])


def insert_object(
    database: Database, collection: str, body: Mapping[str, UntypedJSON], parent: Object | None = None, *, at: str
) -> Object:
    """Create an object in any collection, with all consequences.

    Args:
        database: The data of the team.
        collection: The collection.
        body: The body of a create request.
        parent: The parent of the object.
        at: The timestamp of the write.

    Returns:
        The stored object.

    Raises:
        APIFailure: 409: a unique value is in use.
    """
    fields = _insert(database, collection, body, parent, at=at)
    database.record_change(
        Change(collection=collection, action="created", fields=dict(fields), parent=parent and dict(parent), at=at)
    )
    return fields


def _insert(database: Database, collection: str, body: Mapping[str, UntypedJSON], parent: Object | None, *, at: str) -> Object:
    """Create an object without an event. A child created with its parent has no event of its own (inferred)."""
    schema, hooks = database.table(collection).schema, hooks_for(collection)
    properties = database.document.create_request(collection)
    values = {name: node["default"] for name, node in properties.items() if "default" in node} | dict(body)
    given = {name: _merge(node, None, values[name]) for name, node in properties.items() if name in values}
    if schema.parent is not None and parent is not None:
        given[schema.parent.field] = parent["id"]
    hooks.before_write(WriteContext(database, given, at, parent=parent))
    fields = database.insert(collection, given, at=at)
    if schema.parent is not None and parent is not None and schema.parent.counter is not None:
        parent[schema.parent.counter] = parent.get(schema.parent.counter, 0) + 1
    hooks.after_create(WriteContext(database, fields, at, parent=parent))
    for name, node in properties.items():
        child: UntypedJSON = node.get("x-cstar-creates")
        if child is not None and given.get(name) is not None and database.has(child["collection"]):
            _insert(database, child["collection"], {**hooks.first_child, child["field"]: given[name]}, fields, at=at)
    return fields


def get_object(call: Call) -> HandlerResult:
    """Return one object with its included objects; null for a nullable singleton that does not exist."""
    if call.operation.nullable and call.table.single is None:
        return HandlerResult(None)
    fields = _serialize(call, _item_of(call))
    includes: UntypedJSON = call.operation.extensions.get("includes") or {}
    for name, rule in includes.items():
        rows = [row for row in call.database.table(rule["collection"]) if row.get(rule["field"]) == fields["id"]]
        fields[name] = call.database.serialize(rule["collection"], sort_rows(rows, rule.get("order", ())))
    return HandlerResult(fields)


def update_object(call: Call) -> HandlerResult:
    """Update the fields of the body. An object that allows extra fields stores unknown ones, too."""
    fields, schema = _item_of(call), call.table.schema
    properties = call.database.document.properties(call.operation.request or "")
    accepted = properties.keys() & schema.properties.keys()
    if schema.allows_extra_fields:
        accepted |= call.body.keys() - schema.properties.keys()
    values = {name: node["default"] for name, node in properties.items() if "default" in node}
    values |= {name: value for name, value in call.body.items() if name in accepted}
    changes = {name: _merge(properties.get(name, {}), fields.get(name), value) for name, value in values.items()}
    apply_update(call.database, call.collection, fields, changes, at=call.at)
    return HandlerResult(_serialize(call, fields))


def apply_update(database: Database, collection: str, fields: Object, changes: Object, *, at: str) -> None:
    """Update fields of an object, with all consequences. Without changes nothing happens; `updatedAt` stays.

    Args:
        database: The data of the team.
        collection: The collection.
        fields: The stored object.
        changes: The new values.
        at: The timestamp of the write.

    Raises:
        APIFailure: 409: a unique value is in use.
    """
    table, hooks = database.table(collection), hooks_for(collection)
    database.check_unique(table, changes, fields)
    if not changes:
        return
    hooks.before_write(WriteContext(database, changes, at))
    before = dict(fields)
    if table.schema.slugs.keys() & changes.keys():
        changes |= database.make_slugs(table, {**fields, **changes}, fields)
    if "updatedAt" in table.schema.properties:
        changes["updatedAt"] = at
    table.update(fields, changes)
    hooks.after_write(WriteContext(database, fields, at, before=before))
    if {**fields, "updatedAt": None} != {**before, "updatedAt": None}:
        database.record_change(Change(collection=collection, action="updated", fields=dict(fields), before=before, at=at))


def delete_object(call: Call) -> HandlerResult:
    """Delete an object."""
    fields = _item_of(call)
    blocking_field = call.operation.extensions.get("delete-unless")
    if blocking_field is not None and _serialize(call, fields).get(str(blocking_field)):
        raise APIFailure(409, "resource_in_use", f"The {call.table.schema.display_name.lower()} is still in use.")
    call.database.remove(call.collection, fields)
    call.database.record_change(Change(collection=call.collection, action="deleted", fields=dict(fields), at=call.at))
    return HandlerResult({"deleted": True, "id": fields[call.table.schema.id_field]})


def return_sample(call: Call) -> HandlerResult:
    """Return the fake response of the document, which no call changes."""
    return HandlerResult(copy.deepcopy(call.operation.extensions["fake-response"]))


def _serialize(call: Call, fields: Object) -> Object:
    return call.database.serialize(call.collection, [fields])[0]


def _item_of(call: Call) -> Object:
    if call.table.schema.is_singleton:
        found = call.table.single
        return insert_object(call.database, call.collection, {}, at=call.at) if found is None else found
    return call.table.get(call.path[item_parameter(call.operation) or ""])


def _parent_of(call: Call) -> tuple[str, Object] | None:
    """Return the field of the parent, and the parent in the path; None for a collection without parents."""
    parent = call.table.schema.parent
    if parent is None:
        return None
    return parent.field, call.database.table(parent.collection).get(call.path[parent.parameter])


def _merge(node: Mapping[str, UntypedJSON], before: UntypedJSON, value: UntypedJSON) -> UntypedJSON:
    """Return the new value; merged by key where the document says so, where null removes a key."""
    if not node.get("x-cstar-merge"):
        return value
    both: Object = {**(before or {}), **value}
    return {key: entry for key, entry in both.items() if entry is not None}
