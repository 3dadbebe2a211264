"""Test an automation: evaluate its conditions on a stored object. Its actions do not run."""

from __future__ import annotations

from cstar_async._types import UntypedJSON, is_array
from cstar_async.testing._data.collections import item_parameter
from cstar_async.testing._data.store import Object
from cstar_async.testing._errors import APIFailure
from cstar_async.testing._handlers.request import Call
from cstar_async.testing._http.responses import HandlerResult


def test_automation(call: Call) -> HandlerResult:
    """Return whether the conditions of a rule hold for an object, and its actions if they do."""
    rule = call.table.get(call.path[item_parameter(call.operation) or ""])
    fields = _object_of(call, str(call.body["resourceType"]), str(call.body["resourceId"]))
    conditions: Object = rule.get("conditions") or {}
    every: list[Object] = conditions.get("all") or []
    some: list[Object] = conditions.get("any") or []
    matches = all(_is_met(one, fields) for one in every) and (not some or any(_is_met(one, fields) for one in some))
    return HandlerResult({"wouldMatch": matches, "actionsWouldExecute": (rule.get("actions") or []) if matches else []})


def _object_of(call: Call, resource_type: str, identity: str) -> Object:
    """Return the stored object of a type.

    Raises:
        APIFailure: 404: there is none.
    """
    for table in call.database.tables:
        if table.schema.properties.get("object", {}).get("const") == resource_type:
            return call.database.serialize(table.schema.collection, [table.get(identity)])[0]
    raise APIFailure(404, "resource_missing", f"There is no object type '{resource_type}'.")


def _is_met(condition: Object, fields: Object) -> bool:
    """Return whether a condition holds. An undocumented operator never does (inferred)."""
    value, expected = fields.get(condition["field"]), condition["value"]
    if condition["operator"] == "equals":
        return bool(value == expected)
    return condition["operator"] == "contains" and _contains(value, expected)


def _contains(value: UntypedJSON, expected: UntypedJSON) -> bool:
    """Return whether a list has an item, or a str contains another, ignoring case (inferred)."""
    if is_array(value):
        return expected in value
    return isinstance(value, str) and isinstance(expected, str) and expected.casefold() in value.casefold()
