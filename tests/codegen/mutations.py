"""Random changes of a document, as data and as text."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from typing import Any

from codegen.spec.document import Node

VALUES: tuple[Any, ...] = (
    *(None, 5, -1, 1.5, 10**30, "x", "", "null", "object", "array", [], {}, True, False, [None], [[]], {"": 1}),
    *(
        {"$ref": "#/components/schemas/Label"},
        {"$ref": "#/nowhere"},
        {"$ref": "#"},
        {"$ref": 5},
        {"type": "object"},
        {"anyOf": [{}]},
    ),
    *({"type": ["string", "null"]}, {"allOf": []}, {"oneOf": []}, {"enum": []}, {"properties": {"a": {"type": "string"}}}),
)
KEYS: tuple[str, ...] = (
    *(
        "$ref",
        "type",
        "nullable",
        "allOf",
        "oneOf",
        "anyOf",
        "enum",
        "items",
        "properties",
        "required",
        "format",
        "default",
    ),
    *(
        "const",
        "additionalProperties",
        "discriminator",
        "x-cstar-batching",
        "x-foo",
        "deprecated",
        "example",
        "in",
        "name",
    ),
    *(
        "schema",
        "content",
        "2XX",
        "tags",
        "operationId",
        "x-enum-varnames",
        "parameters",
        "responses",
        "security",
    ),
    *(
        "servers",
        "get",
        "post",
        "requestBody",
        "encoding",
        "headers",
        "readOnly",
        "style",
        "explode",
        "webhooks",
    ),
    *(
        "text/event-stream",
        "multipart/form-data",
        "mapping",
    ),
)
Location = tuple[Any, ...]


def locations_of(value: Any, location: Location = ()) -> list[Location]:
    """Return the locations of all values of a document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [*([location] if location else []), *(found for key, one in inner for found in locations_of(one, (*location, key)))]


def mutate(raw: Node, locations: list[Location], chance: random.Random) -> None:
    """Change one location of a document; nothing, if an earlier change has removed it."""
    location = chance.choice(locations)
    try:
        owner = _at(raw, location[:-1])
        chance.choice(_KINDS)(raw, owner, location[-1], locations, chance)
    except (AttributeError, KeyError, IndexError, TypeError):
        return


def _at(value: Any, location: Location) -> Any:
    for key in location:
        value = value[key]
    return value


def _delete(raw: Node, owner: Any, key: Any, locations: list[Location], chance: random.Random) -> None:
    del owner[key]


def _replace(raw: Node, owner: Any, key: Any, locations: list[Location], chance: random.Random) -> None:
    owner[key] = copy.deepcopy(chance.choice(VALUES))


def _copy(raw: Node, owner: Any, key: Any, locations: list[Location], chance: random.Random) -> None:
    owner[key] = copy.deepcopy(_at(raw, chance.choice(locations)))


def _swap(raw: Node, owner: Any, key: Any, locations: list[Location], chance: random.Random) -> None:
    other = chance.choice(locations)
    owner[key], _at(raw, other[:-1])[other[-1]] = copy.deepcopy(_at(raw, other)), copy.deepcopy(owner[key])


def _rename(raw: Node, owner: Any, key: Any, locations: list[Location], chance: random.Random) -> None:
    owner[chance.choice([*KEYS, str(chance.choice(locations)[-1])])] = owner.pop(key)


def _add(raw: Node, owner: Any, key: Any, locations: list[Location], chance: random.Random) -> None:
    owner[key][chance.choice(KEYS)] = copy.deepcopy(chance.choice(VALUES))


def _refer(raw: Node, owner: Any, key: Any, locations: list[Location], chance: random.Random) -> None:
    path = (str(part).replace("~", "~0").replace("/", "~1") for part in chance.choice(locations))
    owner[key] = {"$ref": "#/" + "/".join(path)}


def _nest(raw: Node, owner: Any, key: Any, locations: list[Location], chance: random.Random) -> None:
    wrap: Callable[[Any], Any] = chance.choice(
        [
            lambda inner: {"type": "array", "items": inner},
            lambda inner: {"type": "object", "properties": {"a": inner}},
            lambda inner: {"allOf": [inner]},
            lambda inner: {"oneOf": [inner, {"type": "null"}]},
            lambda inner: {"additionalProperties": inner},
            lambda inner: [inner],
        ]
    )
    for _ in range(chance.choice([1, 2, 10, 60])):
        owner[key] = wrap(owner[key])


_KINDS = (_delete, _replace, _copy, _swap, _rename, _add, _refer, _nest)


def mutate_text(text: str, chance: random.Random) -> str:
    """Change a line of YAML: remove, repeat, move or indent it, or put an anchor, an alias, a merge key or noise there."""
    lines = text.split("\n")
    index = chance.randrange(len(lines))
    line = lines[index]
    margin = line[: len(line) - len(line.lstrip())]
    lines[index : index + 1] = chance.choice(
        [
            [],
            [line, line],
            [f"  {line}"],
            [line.removeprefix("  ")],
            [line, f"{margin}<<: *a"],
            [f"{margin}? {line.strip()}"],
            [line.replace(": ", ": &a ", 1)],
            [line.split(":")[0] + ": *a"],
            [line.split(":")[0] + ": &a {<<: *a}"],
            [line.split(":")[0] + ": !!set {a}"],
            [line.split(":")[0] + ": |", line],
            [line + chance.choice(["'", '"', "{", "[", "\t", "#", "\x00", "\ud800", "\u2028", "- ", ": "])],
            ["[" * 500],
            [margin + chance.choice(["true: 1", "1.5: x", "null: y", "'': z", "~: 1", "- a"])],
        ]
    )
    return "\n".join(lines)
