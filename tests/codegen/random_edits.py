"""Edits of the small document for comparisons, made at random."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from typing import Any

from codegen.spec.document import Node
from tests.codegen.packages import ref

TYPES: list[Node] = [
    {"type": "string"},
    {"type": "integer"},
    {"type": "number"},
    {"type": "boolean"},
    {"type": ["string", "null"]},
    {"type": ["integer", "null"]},
    {"type": "string", "format": "date-time"},
    {"type": "string", "format": "date"},
    {"type": "array", "items": {"type": "string"}},
    {"type": "array", "items": {"type": "integer"}},
    {"type": "object", "additionalProperties": {"type": "integer"}},
    {"type": "object", "additionalProperties": True},
    {"oneOf": [{"type": "string"}, {"type": "integer"}]},
    {"type": "string", "enum": ["new", "old"]},
    {},
    ref("Pet"),
    ref("PetStatus"),
    {"oneOf": [ref("Pet"), {"type": "null"}]},
    {"type": "array", "items": ref("Pet")},
    {"type": "array", "items": ref("PetStatus")},
]


def edit_at_random(raw: Node, seed: int) -> None:
    """Make one to three edits."""
    rng = random.Random(seed)
    for _ in range(rng.choice((1, 1, 2, 3))):
        rng.choice(_EDITS)(raw, rng)


def _operations(raw: Node) -> list[Node]:
    return [operation for item in raw["paths"].values() for operation in item.values()]


def _with_query(raw: Node) -> list[Node]:
    return [operation for operation in _operations(raw) if any(one["in"] == "query" for one in operation["parameters"])]


def _query(raw: Node, rng: random.Random) -> Node:
    operation = rng.choice(_with_query(raw) or [{"parameters": [{"in": "query"}]}])
    found: Node = rng.choice([one for one in operation["parameters"] if one["in"] == "query"])
    return found


def _type(rng: random.Random) -> Node:
    return copy.deepcopy(rng.choice(TYPES))


def _plain(rng: random.Random) -> Node:
    return copy.deepcopy(rng.choice(TYPES[:10]))


def _model(raw: Node, rng: random.Random) -> Node:
    found: Node = rng.choice([node for node in raw["components"]["schemas"].values() if "properties" in node])
    return found


def _add_operation(raw: Node, rng: random.Random) -> None:
    operation = copy.deepcopy(
        rng.choice([one for one in _operations(raw) if not any(p["in"] == "path" for p in one["parameters"])])
    )
    operation["operationId"] = f"call{rng.randrange(1000)}"
    raw["paths"][f"/more{rng.randrange(1000)}"] = {"get": operation}


def _remove_operation(raw: Node, rng: random.Random) -> None:
    path = rng.choice([path for path in raw["paths"] if path != "/pets"])
    item = raw["paths"][path]
    del item[rng.choice(list(item))]
    if not item:
        del raw["paths"][path]


def _rename_operation(raw: Node, rng: random.Random) -> None:
    rng.choice(_operations(raw))["operationId"] = f"call{rng.randrange(1000)}"


def _move_operation(raw: Node, rng: random.Random) -> None:
    rng.choice(_operations(raw))["tags"] = [rng.choice(["pets", "owners", "shops"])]


def _add_query(raw: Node, rng: random.Random) -> None:
    schema = _plain(rng)
    parameter = {"name": f"more{rng.randrange(1000)}", "in": "query", "required": rng.random() < 0.3, "schema": schema}
    rng.choice(_operations(raw))["parameters"].append(parameter)


def _remove_query(raw: Node, rng: random.Random) -> None:
    if operations := _with_query(raw):
        operation = rng.choice(operations)
        operation["parameters"] = [one for one in operation["parameters"] if one["in"] != "query"]


def _rename_parameter(raw: Node, rng: random.Random) -> None:
    _query(raw, rng)["name"] = f"other{rng.randrange(1000)}"


def _retype_parameter(raw: Node, rng: random.Random) -> None:
    _query(raw, rng)["schema"] = _plain(rng)


def _require_parameter(raw: Node, rng: random.Random) -> None:
    parameter = _query(raw, rng)
    parameter["required"] = not parameter.get("required")


def _add_field(raw: Node, rng: random.Random) -> None:
    model = _model(raw, rng)
    name = f"more{rng.randrange(1000)}"
    model["properties"][name] = _type(rng)
    if rng.random() < 0.3:
        model["required"].append(name)


def _remove_field(raw: Node, rng: random.Random) -> None:
    properties = _model(raw, rng)["properties"]
    if len(properties) > 1:
        del properties[rng.choice(list(properties))]


def _rename_field(raw: Node, rng: random.Random) -> None:
    model = _model(raw, rng)
    name = rng.choice(list(model["properties"]))
    model["properties"][f"other{rng.randrange(1000)}"] = model["properties"].pop(name)


def _retype_field(raw: Node, rng: random.Random) -> None:
    properties = _model(raw, rng)["properties"]
    properties[rng.choice(list(properties))] = _type(rng)


def _require_field(raw: Node, rng: random.Random) -> None:
    model = _model(raw, rng)
    name = rng.choice(list(model["properties"]))
    model["required"] = (
        [one for one in model["required"] if one != name] if name in model["required"] else [*model["required"], name]
    )


def _change_values(raw: Node, rng: random.Random) -> None:
    values = raw["components"]["schemas"]["PetStatus"]["enum"]
    if rng.random() < 0.5 and len(values) > 1:
        values.remove(rng.choice(values))
    else:
        values.append(f"more{rng.randrange(1000)}")


def _change_result(raw: Node, rng: random.Random) -> None:
    operation = rng.choice(_operations(raw))
    responses: Any = operation["responses"]
    responses[next(iter(responses))]["content"] = {"application/json": {"schema": _type(rng)}}


def _change_body(raw: Node, rng: random.Random) -> None:
    operation = rng.choice([one for one in _operations(raw) if "requestBody" in one] or [{"requestBody": {}}])
    if rng.random() < 0.5:
        operation["requestBody"]["required"] = not operation["requestBody"].get("required")
    else:
        operation["requestBody"]["content"] = {"application/json": {"schema": _type(rng)}}


_EDITS: list[Callable[[Node, random.Random], None]] = [
    *(_add_operation, _remove_operation, _rename_operation, _move_operation, _add_query, _remove_query, _rename_parameter),
    *(_retype_parameter, _require_parameter, _add_field, _remove_field, _rename_field, _retype_field, _require_field),
    *(_change_values, _change_result, _change_body),
]
