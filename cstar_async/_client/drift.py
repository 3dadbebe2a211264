"""Differences between a response and the OpenAPI spec, for `on_drift` hooks.

Models accept a response that differs from the spec, so the JSON itself is compared here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, Literal, TypeAlias, cast

import attrs

from cstar_async._redaction import printable_line
from cstar_async._types import UntypedJSON, is_array, is_object
from cstar_async.hooks import DriftInfo

Schema: TypeAlias = Mapping[str, UntypedJSON]
Schemas: TypeAlias = Mapping[str, Schema]
"""Component schemas by name."""

_PREFIX: Final = "#/components/schemas/"
_JSON_SCHEMA_TYPES: Final = (
    (bool, "boolean"),
    (str, "string"),
    (int, "integer"),
    (float, "number"),
    (dict, "object"),
    (list, "array"),
)


def find_drift(operation: str, schema: str, data: UntypedJSON, schemas: Schemas) -> tuple[DriftInfo, ...]:
    """Compare data, or each item of an array, with a component schema. Each difference is returned once.

    Args:
        operation: The operationId.
        schema: The name of the component schema.
        data: The `data` of a response.
        schemas: All component schemas.
    """
    comparison = _Comparison(operation, schemas)
    reference = {"$ref": _PREFIX + schema}
    if is_array(data):
        found = (drift for item in data for drift in comparison.compare(reference, item, "$.data[]"))
    else:
        found = (drift for drift in comparison.compare(reference, data, "$.data"))
    return tuple(dict.fromkeys(found))


@attrs.frozen
class _Comparison:
    operation: str
    schemas: Schemas

    def compare(self, schema: Schema, value: UntypedJSON, where: str) -> Iterator[DriftInfo]:
        """Compare a value with a schema."""
        schema = self._resolve(schema, value)
        if "discriminator" in schema and is_object(value):
            yield from self._compare_tagged(schema, value, where)
            return
        if "x-cstar-string-shorthand" in schema and isinstance(value, str):
            return
        expected, actual = _types_of(schema), _type_of(value)
        if expected and actual not in expected and not (actual == "integer" and "number" in expected):
            yield self._drift(where, "wrong_type", " or ".join(expected), actual)
        elif is_object(value):
            yield from self._compare_object(schema, value, where)
        elif is_array(value):
            for item in value:
                yield from self.compare(schema.get("items", {}), item, f"{where}[]")
        elif isinstance(value, str):
            known = [schema["const"]] if "const" in schema else schema.get("enum")
            if known is not None and value not in known:
                yield self._drift(where, "unknown_value", "one of " + ", ".join(map(str, known)), value)

    def _compare_tagged(self, union: Schema, value: dict[str, UntypedJSON], where: str) -> Iterator[DriftInfo]:
        """Compare with the member that the tag selects. For an unknown tag, only the tag is reported."""
        name: str = union["discriminator"]["propertyName"]
        members: Mapping[str, str] = union["discriminator"]["mapping"]
        tag = value.get(name)
        if isinstance(tag, str) and tag not in members:
            yield self._drift(f"{where}.{name}", "unknown_value", "one of " + ", ".join(members), tag)
            return
        member = members.get(tag) if isinstance(tag, str) else _PREFIX + union["x-cstar-unknown"]
        yield from self.compare({"$ref": member}, value, where)

    def _compare_object(self, schema: Schema, value: dict[str, UntypedJSON], where: str) -> Iterator[DriftInfo]:
        properties: Mapping[str, Schema] = schema.get("properties", {})
        rest: UntypedJSON = schema.get("additionalProperties", not properties)
        for name in schema.get("required", ()):
            if name not in value:
                expected = " or ".join(_types_of(self._resolve(properties[name], None)))
                yield self._drift(f"{where}.{name}", "missing", expected, "nothing")
        aliases = {alias for known in properties.values() for alias in known.get("x-cstar-aliases", ())}
        for name, item in value.items():
            if name in properties:
                yield from self.compare(properties[name], item, f"{where}.{name}")
            elif isinstance(rest, Mapping):
                yield from self.compare(cast("Schema", rest), item, f"{where}.*")
            elif not rest and name not in aliases:
                yield self._drift(f"{where}.{name}", "unknown_field", "nothing", _type_of(item))

    def _resolve(self, schema: Schema, value: UntypedJSON) -> Schema:
        """Follow references, and select the alternative that is not null, or null for a null value.

        A union of objects stays as it is, with the type `object`.
        """
        while "$ref" in schema:
            schema = self.schemas[schema["$ref"].removeprefix(_PREFIX)]
        if "discriminator" in schema:
            return {**schema, "type": "object"}
        alternatives: list[Schema] | None = schema.get("oneOf")
        if alternatives is None:
            return schema
        if value is None and any(other.get("type") == "null" for other in alternatives):
            return {"type": "null"}
        return self._resolve(next(other for other in alternatives if other.get("type") != "null"), value)

    def _drift(
        self, where: str, kind: Literal["unknown_field", "unknown_value", "wrong_type", "missing"], expected: str, actual: str
    ) -> DriftInfo:
        return DriftInfo(
            operation=self.operation,
            where=printable_line(where),
            kind=kind,
            expected=expected,
            actual=printable_line(actual),
        )


def _types_of(schema: Schema) -> list[str]:
    types: UntypedJSON = schema.get("type", [])
    return [types] if isinstance(types, str) else list(types)


def _type_of(value: UntypedJSON) -> str:
    return next((name for python, name in _JSON_SCHEMA_TYPES if isinstance(value, python)), "null")
