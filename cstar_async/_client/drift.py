"""What an answer has that the document does not promise: found by comparing the two, value by value.

Models never complain (they are made to survive a wrong document), so whoever wants to know compares here. It runs only for clients
with an `on_drift` hook. Places are written without indexes, and each difference is told once per answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, Literal, TypeAlias, cast

import attrs

from cstar_async._types import JSON, UntypedJSON, is_array

Schemas: TypeAlias = Mapping[str, Mapping[str, UntypedJSON]]
"""Component schemas of the document, by name."""

_PREFIX: Final = "#/components/schemas/"


@attrs.frozen
class Drift:
    """One difference between an answer and the document."""

    where: str
    kind: Literal["unknown_field", "unknown_value", "wrong_type", "missing"]
    expected: str
    found: str


def find_drift(schema: str, value: JSON, schemas: Schemas, where: str = "$.data") -> tuple[Drift, ...]:
    """Compare a value with a component schema.

    Args:
        schema: The name of the component.
        value: What came, as parsed JSON.
        schemas: All components.
        where: The place of *value* in the answer.

    Returns:
        Each difference once, in the order of the answer.
    """
    return tuple(dict.fromkeys(_compare({"$ref": _PREFIX + schema}, value, schemas, where)))


def _compare(schema: Mapping[str, UntypedJSON], value: UntypedJSON, schemas: Schemas, where: str) -> Iterator[Drift]:
    schema = _resolved(schema, value, schemas)
    if "discriminator" in schema and isinstance(value, dict):
        yield from _compare_tagged(schema, cast("dict[str, UntypedJSON]", value), schemas, where)
        return
    if "x-cstar-string-shorthand" in schema and isinstance(value, str):
        return
    promised = _promised(schema)
    found = _kind(value)
    if promised and found not in promised and not (found == "integer" and "number" in promised):
        yield Drift(where, "wrong_type", " or ".join(promised), found)
        return
    if isinstance(value, dict):
        yield from _compare_object(schema, cast("dict[str, UntypedJSON]", value), schemas, where)
    elif is_array(value):
        for item in value:
            yield from _compare(schema.get("items", {}), item, schemas, f"{where}[]")
    elif isinstance(value, str):
        known = [schema["const"]] if "const" in schema else schema.get("enum")
        if known is not None and value not in known:
            yield Drift(where, "unknown_value", "one of " + ", ".join(map(str, known)), value)


def _compare_tagged(
    union: Mapping[str, UntypedJSON], value: dict[str, UntypedJSON], schemas: Schemas, where: str
) -> Iterator[Drift]:
    """Compare with the member that the tag asks for. Of an object with an unknown tag, the tag is all that can be told."""
    name: str = union["discriminator"]["propertyName"]
    members: Mapping[str, str] = union["discriminator"]["mapping"]
    tag = value.get(name)
    if isinstance(tag, str) and tag not in members:
        yield Drift(f"{where}.{name}", "unknown_value", "one of " + ", ".join(members), tag)
        return
    member = members.get(tag) if isinstance(tag, str) else _PREFIX + union["x-cstar-unknown"]
    yield from _compare({"$ref": member}, value, schemas, where)


def _compare_object(
    schema: Mapping[str, UntypedJSON], value: dict[str, UntypedJSON], schemas: Schemas, where: str
) -> Iterator[Drift]:
    properties: Mapping[str, Mapping[str, UntypedJSON]] = schema.get("properties", {})
    rest: UntypedJSON = schema.get("additionalProperties", not properties)
    for name in schema.get("required", ()):
        if name not in value:
            yield Drift(f"{where}.{name}", "missing", " or ".join(_promised(_resolved(properties[name], None, schemas))), "nothing")
    aliases = {alias for known in properties.values() for alias in known.get("x-cstar-aliases", ())}
    for name, item in value.items():
        if name in properties:
            yield from _compare(properties[name], item, schemas, f"{where}.{name}")
        elif isinstance(rest, Mapping):
            yield from _compare(cast("Mapping[str, UntypedJSON]", rest), item, schemas, f"{where}.*")
        elif not rest and name not in aliases:
            yield Drift(f"{where}.{name}", "unknown_field", "nothing", _kind(item))


def _resolved(schema: Mapping[str, UntypedJSON], value: UntypedJSON, schemas: Schemas) -> Mapping[str, UntypedJSON]:
    """A schema without references; of alternatives the one that is not null, widened by null where null is one of them.

    A union of objects stays as it is, except that it promises an object.
    """
    while "$ref" in schema:
        schema = schemas[schema["$ref"].removeprefix(_PREFIX)]
    if "discriminator" in schema:
        return {**schema, "type": "object"}
    alternatives: list[Mapping[str, UntypedJSON]] | None = schema.get("oneOf")
    if alternatives is None:
        return schema
    if value is None and any(other.get("type") == "null" for other in alternatives):
        return {"type": "null"}
    return _resolved(next(other for other in alternatives if other.get("type") != "null"), value, schemas)


def _promised(schema: Mapping[str, UntypedJSON]) -> list[str]:
    kinds: UntypedJSON = schema.get("type", [])
    return [kinds] if isinstance(kinds, str) else list(kinds)


def _kind(value: UntypedJSON) -> str:
    """The name that JSON Schema has for what a value is."""
    for kind, name in ((bool, "boolean"), (str, "string"), (int, "integer"), (float, "number"), (dict, "object"), (list, "array")):
        if isinstance(value, kind):
            return name
    return "null"
