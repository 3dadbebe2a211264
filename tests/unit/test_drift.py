"""Differences between a response and the OpenAPI spec."""

from __future__ import annotations

from typing import Any

import pytest

from cstar_async.hooks._drift import find_drift
from cstar_async.hooks._values import DriftInfo

SCHEMAS: dict[str, dict[str, Any]] = {
    "Ticket": {
        "type": "object",
        "required": ["id"],
        "properties": {
            "id": {"type": "string"},
            "count": {"type": "number"},
            "status": {"$ref": "#/components/schemas/Status"},
            "kind": {"type": "string", "const": "ticket"},
            "owner": {"oneOf": [{"$ref": "#/components/schemas/Owner"}, {"type": "null"}]},
            "tags": {"type": "array", "items": {"type": "string"}},
            "labels": {"type": "object", "additionalProperties": {"type": "string"}},
            "free": {"type": "object"},
            "note": {"type": ["string", "null"]},
            "actions": {"type": "array", "items": {"$ref": "#/components/schemas/Action"}},
            "secret": {"type": "string", "x-cstar-aliases": ["signingSecret"]},
        },
    },
    "Action": {
        "oneOf": [{"$ref": "#/components/schemas/Assign"}, {"$ref": "#/components/schemas/Unknown"}],
        "discriminator": {"propertyName": "type", "mapping": {"assign": "#/components/schemas/Assign"}},
        "x-cstar-unknown": "Unknown",
    },
    "Assign": {
        "type": "object",
        "required": ["type", "to"],
        "properties": {"type": {"type": "string", "const": "assign"}, "to": {"type": "string"}},
    },
    "Unknown": {
        "type": "object",
        "required": ["type"],
        "properties": {"type": {"type": "string", "not": {"enum": ["assign"]}}},
    },
    "Status": {"type": "string", "enum": ["open", "closed"]},
    "Owner": {"type": "object", "properties": {"name": {"type": "string"}}},
}


def drift(where: str, kind: Any, expected: str, actual: str) -> DriftInfo:
    """Return a difference in a response of `get_ticket`."""
    return DriftInfo(operation="get_ticket", where=where, kind=kind, expected=expected, actual=actual)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"new": 1}, drift("$.data.new", "unknown_field", "nothing", "integer")),
        ({"count": "1"}, drift("$.data.count", "wrong_type", "number", "string")),
        ({"count": True}, drift("$.data.count", "wrong_type", "number", "boolean")),
        ({"status": "snoozed"}, drift("$.data.status", "unknown_value", "one of open, closed", "snoozed")),
        ({"kind": "post"}, drift("$.data.kind", "unknown_value", "one of ticket", "post")),
        ({"owner": []}, drift("$.data.owner", "wrong_type", "object", "array")),
        ({"owner": {"name": None}}, drift("$.data.owner.name", "wrong_type", "string", "null")),
        ({"tags": [1, 2]}, drift("$.data.tags[]", "wrong_type", "string", "integer")),
        ({"labels": {"a": 0.5, "b": 1.5}}, drift("$.data.labels.*", "wrong_type", "string", "number")),
        ({"actions": [5]}, drift("$.data.actions[]", "wrong_type", "object", "integer")),
        ({"actions": [{"type": "assign"}]}, drift("$.data.actions[].to", "missing", "string", "nothing")),
        ({"actions": [{"type": "call", "who": 1}]}, drift("$.data.actions[].type", "unknown_value", "one of assign", "call")),
        ({"actions": [{}]}, drift("$.data.actions[].type", "missing", "string", "nothing")),
        ({"actions": [{"type": []}]}, drift("$.data.actions[].type", "wrong_type", "string", "array")),
        ({"note": {}}, drift("$.data.note", "wrong_type", "string or null", "object")),
    ],
)
def test_a_difference_is_reported_once_with_its_path(fields: dict[str, Any], expected: DriftInfo) -> None:
    """Even if several items have it."""
    assert (expected,) == find_drift("get_ticket", "Ticket", {"id": "x", **fields}, SCHEMAS)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"count": 1},
        {"count": 0.5},
        {"owner": None},
        {"tags": []},
        {"actions": [{"type": "assign", "to": "me"}]},
        {"free": {"any": 1}},
        {"note": None},
        {"signingSecret": "s"},
    ],
)
def test_a_response_that_follows_the_spec_has_no_drift(fields: dict[str, Any]) -> None:
    """An int is a number, a free object may have any field, and an alias is known."""
    assert () == find_drift("get_ticket", "Ticket", {"id": "x", **fields}, SCHEMAS)


def test_a_missing_field_is_reported() -> None:
    """With the type that the spec states."""
    assert (drift("$.data.id", "missing", "string", "nothing"),) == find_drift("get_ticket", "Ticket", {}, SCHEMAS)
