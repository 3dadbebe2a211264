"""Differences between an answer and the document."""

from __future__ import annotations

from typing import Any

import pytest

from cstar_async._client.drift import Drift, find_drift

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


@pytest.mark.parametrize(
    ("fields", "drift"),
    [
        ({"new": 1}, Drift("$.data.new", "unknown_field", "nothing", "integer")),
        ({"count": "1"}, Drift("$.data.count", "wrong_type", "number", "string")),
        ({"count": True}, Drift("$.data.count", "wrong_type", "number", "boolean")),
        ({"status": "snoozed"}, Drift("$.data.status", "unknown_value", "one of open, closed", "snoozed")),
        ({"kind": "post"}, Drift("$.data.kind", "unknown_value", "one of ticket", "post")),
        ({"owner": []}, Drift("$.data.owner", "wrong_type", "object", "array")),
        ({"owner": {"name": None}}, Drift("$.data.owner.name", "wrong_type", "string", "null")),
        ({"tags": [1, 2]}, Drift("$.data.tags[]", "wrong_type", "string", "integer")),
        ({"labels": {"a": 0.5, "b": 1.5}}, Drift("$.data.labels.*", "wrong_type", "string", "number")),
        ({"actions": [5]}, Drift("$.data.actions[]", "wrong_type", "object", "integer")),
        ({"actions": [{"type": "assign"}]}, Drift("$.data.actions[].to", "missing", "string", "nothing")),
        ({"actions": [{"type": "call", "who": 1}]}, Drift("$.data.actions[].type", "unknown_value", "one of assign", "call")),
        ({"actions": [{}]}, Drift("$.data.actions[].type", "missing", "string", "nothing")),
        ({"actions": [{"type": []}]}, Drift("$.data.actions[].type", "wrong_type", "string", "array")),
        ({"note": {}}, Drift("$.data.note", "wrong_type", "string or null", "object")),
    ],
)
def test_difference_is_told_once_with_its_place(fields: dict[str, Any], drift: Drift) -> None:
    """However many rows have it."""
    assert (drift,) == find_drift("Ticket", {"id": "x", **fields}, SCHEMAS)


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
def test_answer_that_keeps_the_promise_has_no_drift(fields: dict[str, Any]) -> None:
    """Whole numbers are numbers, free objects are free, aliases are known."""
    assert () == find_drift("Ticket", {"id": "x", **fields}, SCHEMAS)


def test_missing_field_is_told() -> None:
    """With what was promised there."""
    assert (Drift("$.data.id", "missing", "string", "nothing"),) == find_drift("Ticket", {}, SCHEMAS)
