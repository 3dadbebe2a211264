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


def _schemas(raw: Node) -> Node:
    found: Node = raw["components"]["schemas"]
    return found


def _operations(raw: Node) -> list[Node]:
    return [operation for item in raw["paths"].values() for operation in item.values()]


def _with_query(raw: Node) -> list[Node]:
    return [operation for operation in _operations(raw) if any(one["in"] == "query" for one in operation["parameters"])]


def _query(raw: Node, rng: random.Random) -> Node:
    operation = rng.choice(_with_query(raw) or [{"parameters": [{"in": "query"}]}])
    found: Node = rng.choice([one for one in operation["parameters"] if one["in"] == "query"])
    return found


def _type(raw: Node, rng: random.Random) -> Node:
    """Return one of the types, with references to the schemas of the document."""
    node = copy.deepcopy(rng.choice(TYPES))
    enums = [name for name, one in _schemas(raw).items() if "enum" in one]
    models = [name for name, one in _schemas(raw).items() if "enum" not in one]
    for one in (node, node.get("items", {}), *node.get("oneOf", ())):
        if "$ref" in one:
            one.update(ref(rng.choice(enums if one["$ref"].endswith("Status") else models)))
    return node


def _plain(rng: random.Random) -> Node:
    return copy.deepcopy(rng.choice(TYPES[:10]))


def _model(raw: Node, rng: random.Random) -> Node:
    found: Node = rng.choice([node for node in _schemas(raw).values() if "properties" in node])
    return found


def _add_operation(raw: Node, rng: random.Random) -> None:
    operation = copy.deepcopy(
        rng.choice([one for one in _operations(raw) if not any(p["in"] == "path" for p in one["parameters"])])
    )
    operation["operationId"] = f"call{rng.randrange(1000)}"
    raw["paths"][f"/more{rng.randrange(1000)}"] = {"get": operation}


def _remove_operation(raw: Node, rng: random.Random) -> None:
    path = rng.choice([path for path in raw["paths"] if path not in {"/pets", "/shops"}])
    item = raw["paths"][path]
    del item[rng.choice(list(item))]
    if not item:
        del raw["paths"][path]


def _rename_operation(raw: Node, rng: random.Random) -> None:
    rng.choice(_operations(raw))["operationId"] = f"call{rng.randrange(1000)}"


def _move_operation(raw: Node, rng: random.Random) -> None:
    operation = rng.choice(_operations(raw))
    operation.pop("x-cstar-namespace", None)
    operation["tags"] = [rng.choice(["pets", "owners", "shops"])]


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
    model["properties"][name] = _type(raw, rng)
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
    properties[rng.choice(list(properties))] = _type(raw, rng)


def _require_field(raw: Node, rng: random.Random) -> None:
    model = _model(raw, rng)
    name = rng.choice(list(model["properties"]))
    model["required"] = (
        [one for one in model["required"] if one != name] if name in model["required"] else [*model["required"], name]
    )


def _change_values(raw: Node, rng: random.Random) -> None:
    values = rng.choice([one["enum"] for one in _schemas(raw).values() if "enum" in one])
    if rng.random() < 0.5 and len(values) > 1:
        values.remove(rng.choice(values))
    else:
        values.append(f"more{rng.randrange(1000)}")


def _change_result(raw: Node, rng: random.Random) -> None:
    operation = rng.choice(_operations(raw))
    responses: Any = operation["responses"]
    responses[next(iter(responses))]["content"] = {"application/json": {"schema": _type(raw, rng)}}


def _change_body(raw: Node, rng: random.Random) -> None:
    operation = rng.choice([one for one in _operations(raw) if "requestBody" in one] or [{"requestBody": {}}])
    if rng.random() < 0.5:
        operation["requestBody"]["required"] = not operation["requestBody"].get("required")
    else:
        operation["requestBody"]["content"] = {"application/json": {"schema": _type(raw, rng)}}


def _replace(node: Any, old: str, new: str) -> None:
    for key, value in list(node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()):
        if value == old:
            node[key] = new
        _replace(value, old, new)


def _rename_schema(raw: Node, rng: random.Random) -> None:
    name, new = rng.choice(list(_schemas(raw))), f"Other{rng.randrange(1000)}"
    _schemas(raw)[new] = _schemas(raw).pop(name)
    _replace(raw, ref(name)["$ref"], ref(new)["$ref"])


def _name_class(raw: Node, rng: random.Random) -> None:
    _schemas(raw)[rng.choice(list(_schemas(raw)))]["x-cstar-class"] = f"Named{rng.randrange(1000)}"


def _name_field(raw: Node, rng: random.Random) -> None:
    properties = _model(raw, rng)["properties"]
    wire = rng.choice(list(properties))
    if "$ref" not in properties[wire]:
        properties[wire]["x-cstar-name"] = f"named{rng.randrange(1000)}"


def _name_constants(raw: Node, rng: random.Random) -> None:
    enum = rng.choice([one for one in _schemas(raw).values() if "enum" in one])
    enum["x-enum-varnames"] = [f"NAMED_{index}" if rng.random() < 0.3 else f"VALUE_{index}" for index, _ in enumerate(enum["enum"])]


def _name_namespace(raw: Node, rng: random.Random) -> None:
    operations = _operations(raw)
    tag = rng.choice(operations)["tags"][0]
    for one in operations:
        if one["tags"][0] == tag:
            one["x-cstar-namespace"] = f"{one.get('x-cstar-namespace', tag)}_renamed"


def _name_method(raw: Node, rng: random.Random) -> None:
    rng.choice(_operations(raw))["x-cstar-name"] = f"named{rng.randrange(1000)}"


def _rename_path_parameter(raw: Node, rng: random.Random) -> None:
    path, item = rng.choice(list(raw["paths"].items()))
    names = [one["name"] for one in next(iter(item.values()))["parameters"] if one["in"] == "path"]
    if names:
        old, new = rng.choice(names), f"other{rng.randrange(1000)}"
        del raw["paths"][path]
        raw["paths"][path.replace(f"{{{old}}}", f"{{{new}}}")] = item
        _replace([one["parameters"] for one in item.values()], old, new)


def _move_path(raw: Node, rng: random.Random) -> None:
    path = rng.choice(list(raw["paths"]))
    raw["paths"][f"/v2{path}"] = raw["paths"].pop(path)


def _add_header(raw: Node, rng: random.Random) -> None:
    parameter = {
        "name": f"X-More-{rng.randrange(1000)}",
        "in": "header",
        "required": rng.random() < 0.3,
        "schema": {"type": "string"},
    }
    rng.choice(_operations(raw))["parameters"].append(parameter)


def _move_parameter(raw: Node, rng: random.Random) -> None:
    found = [one for operation in _operations(raw) for one in operation["parameters"] if one["in"] != "path"]
    if found:
        rng.choice(found)["in"] = rng.choice(["query", "header", "cookie"])


def _change_media(raw: Node, rng: random.Random) -> None:
    operation = rng.choice(_operations(raw))
    owner = (
        operation["requestBody"]
        if "requestBody" in operation and rng.random() < 0.5
        else next(iter(operation["responses"].values()))
    )
    if "content" in owner:
        media = rng.choice(["application/json", "multipart/form-data", "application/pdf", "application/x-ndjson", "text/plain"])
        owner["content"] = {media: next(iter(owner["content"].values()))}


def _change_union(raw: Node, rng: random.Random) -> None:
    models = [name for name, node in _schemas(raw).items() if "properties" in node]
    unions = [one for one in _schemas(raw).values() if "discriminator" in one]
    if not unions:
        _schemas(raw)["Any"] = {"oneOf": [ref(name) for name in rng.sample(models, 2)]}
        _model(raw, rng)["properties"]["any"] = ref("Any")
    elif rng.random() < 0.5:
        _schemas(raw)["Loan"] = {"type": "object", "properties": {"type": {"const": "loan"}}, "required": ["type"]}
        rng.choice(unions)["oneOf"].append(ref("Loan"))
    else:
        rng.choice(unions)["oneOf"].pop()


def _mark(raw: Node, rng: random.Random) -> None:
    properties = _model(raw, rng)["properties"]
    wire = rng.choice(list(properties))
    if "$ref" not in properties[wire]:
        properties[wire][rng.choice(["readOnly", "writeOnly", "deprecated"])] = True


def _remove_body(raw: Node, rng: random.Random) -> None:
    rng.choice(_operations(raw)).pop("requestBody", None)


def _change_key(raw: Node, rng: random.Random) -> None:
    raw["components"]["securitySchemes"] = {"key": {"type": rng.choice(["http", "oauth2"]), "scheme": "bearer", "flows": {}}}
    raw["security"] = [{"key": []}]


def _change_title(raw: Node, rng: random.Random) -> None:
    raw["info"]["title"] = f"Title {rng.randrange(1000)}"


_EDITS: list[Callable[[Node, random.Random], None]] = [
    *(_add_operation, _remove_operation, _rename_operation, _move_operation, _add_query, _remove_query, _rename_parameter),
    *(_retype_parameter, _require_parameter, _add_field, _remove_field, _rename_field, _retype_field, _require_field),
    *(_change_values, _change_result, _change_body, _rename_schema, _name_class, _name_field, _name_constants, _name_namespace),
    *(_name_method, _rename_path_parameter, _move_path, _add_header, _move_parameter, _change_media, _change_union, _mark),
    *(_remove_body, _change_key, _change_title),
]
