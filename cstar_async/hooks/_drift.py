"""Differences between a response and the OpenAPI spec, for `on_drift` hooks.

Models accept a response that differs from the spec, so the JSON itself is compared here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Final, Literal, TypeAlias, cast

import attrs

from cstar_async._types import UntypedJSON, is_array, is_object, json_type
from cstar_async._values.redaction import printable_line
from cstar_async.hooks._drift_correction import Path, add_field, add_type, add_value, make_optional
from cstar_async.hooks._values import DriftInfo

Schema: TypeAlias = Mapping[str, UntypedJSON]
Schemas: TypeAlias = Mapping[str, Schema]
"""Component schemas by name."""

_PREFIX: Final = "#/components/schemas/"


@cache
def load_schemas(package: str) -> Schemas:
    """Return the component schemas of the OpenAPI spec from which a package was generated."""
    from importlib import resources  # slow to import

    text = resources.files(f"{package}._generated").joinpath("schemas.json").read_bytes()
    return cast("Schemas", json.loads(text)["components"]["schemas"])


def find_drift(operation: str, schema: str, data: UntypedJSON, schemas: Schemas) -> tuple[DriftInfo, ...]:
    """Compare the data of a response, or each item of an array, with a component schema. Each difference is returned once."""
    comparison = _Comparison(operation, schemas)
    reference = {"$ref": _PREFIX + schema}
    items, where = (data, "$.data[]") if is_array(data) else ([data], "$.data")
    return tuple(dict.fromkeys(drift for item in items for drift in comparison.compare(reference, item, where, ())))


@attrs.frozen
class _Comparison:
    operation: str
    schemas: Schemas

    def compare(self, given: Schema, value: UntypedJSON, where: str, place: Path) -> Iterator[DriftInfo]:
        """Compare a value with a schema; *place* is where the document has it, and empty for the result itself."""
        schema, path = self._resolve(given, value, place)
        if "discriminator" in schema and is_object(value):
            yield from self._compare_tagged(schema, value, where)
            return
        if "x-cstar-string-shorthand" in schema and isinstance(value, str):
            return
        expected, actual = _types_of(schema), json_type(value)
        if expected and actual not in expected and not (actual == "integer" and "number" in expected):
            correction = add_type(place, given, value) if place else ""
            yield self._drift(where, "wrong_type", " or ".join(expected), actual, correction)
        elif is_object(value):
            yield from self._compare_object(schema, value, where, path)
        elif is_array(value):
            for item in value:
                yield from self.compare(schema.get("items", {}), item, f"{where}[]", (*path, "items"))
        elif isinstance(value, str):
            known = [schema["const"]] if "const" in schema else schema.get("enum")
            if known is not None and value not in known:
                correction = add_value(path, value) if "enum" in schema else ""
                yield self._drift(where, "unknown_value", "one of " + ", ".join(map(str, known)), value, correction)

    def _compare_tagged(self, union: Schema, value: dict[str, UntypedJSON], where: str) -> Iterator[DriftInfo]:
        """Compare with the member that the tag selects. For an unknown tag, only the tag is reported."""
        name: str = union["discriminator"]["propertyName"]
        members: Mapping[str, str] = union["discriminator"]["mapping"]
        tag = value.get(name)
        if isinstance(tag, str) and tag not in members:
            yield self._drift(f"{where}.{name}", "unknown_value", "one of " + ", ".join(members), tag)
        elif isinstance(tag, str):
            yield from self.compare({"$ref": members[tag]}, value, where, ())
        elif "x-cstar-unknown" in union:
            yield from self.compare({"$ref": _PREFIX + union["x-cstar-unknown"]}, value, where, ())
        else:
            yield self._drift(f"{where}.{name}", "missing" if tag is None else "wrong_type", "string", json_type(tag))

    def _compare_object(self, schema: Schema, value: dict[str, UntypedJSON], where: str, path: Path) -> Iterator[DriftInfo]:
        properties: Mapping[str, Schema] = schema.get("properties", {})
        rest: UntypedJSON = schema.get("additionalProperties", not properties)
        for name in schema.get("required", ()):
            if name not in value:
                expected = " or ".join(_types_of(self._resolve(properties[name], None, ())[0]))
                yield self._drift(f"{where}.{name}", "missing", expected, "nothing", make_optional(path, name))
        aliases = {alias for known in properties.values() for alias in known.get("x-cstar-aliases", ())}
        for name, item in value.items():
            if name in properties:
                yield from self.compare(properties[name], item, f"{where}.{name}", (*path, "properties", name))
            elif isinstance(rest, Mapping):
                yield from self.compare(cast("Schema", rest), item, f"{where}.*", (*path, "additionalProperties"))
            elif not rest and name not in aliases:
                correction = add_field(path, name, item, self.operation)
                yield self._drift(f"{where}.{name}", "unknown_field", "nothing", json_type(item), correction)

    def _resolve(self, schema: Schema, value: UntypedJSON, path: Path) -> tuple[Schema, Path]:
        """Follow references, and select the alternative that is not null, or null for a null value.

        A union of objects stays as it is, with the type `object`. Where there are several alternatives, nothing is compared.
        """
        while "$ref" in schema:
            name = schema["$ref"].removeprefix(_PREFIX)
            schema, path = self.schemas[name], ("components", "schemas", name)
        if "discriminator" in schema:
            return {**schema, "type": "object"}, path
        if "x-cstar-union-rules" in schema:
            return {"type": "object"}, path
        alternatives: list[Schema] | None = schema.get("oneOf")
        if alternatives is None:
            return schema, path
        if value is None and any(other.get("type") == "null" for other in alternatives):
            return {"type": "null"}, path
        others = [index for index, other in enumerate(alternatives) if other.get("type") != "null"]
        return self._resolve(alternatives[others[0]], value, (*path, "oneOf", others[0])) if len(others) == 1 else ({}, path)

    def _drift(
        self,
        where: str,
        kind: Literal["unknown_field", "unknown_value", "wrong_type", "missing"],
        expected: str,
        actual: str,
        correction: str = "",
    ) -> DriftInfo:
        return DriftInfo(
            operation=self.operation,
            where=printable_line(where),
            kind=kind,
            expected=expected,
            actual=printable_line(actual),
            correction=correction,
        )


def _types_of(schema: Schema) -> list[str]:
    types: UntypedJSON = schema.get("type", [])
    return [types] if isinstance(types, str) else list(types)
