"""Make a sample call for every operation of the document, with every parameter and every body field.

Values come from the schemas: the first value of an enum, or a plain value of the type. So operations and fields that are added to
the document are tested, too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import Any

import attrs

from codegen import naming as names
from cstar_async import CStarClient, CStarLibrary, RequestOptions, models
from cstar_async._generated.all_operations import OPERATIONS
from cstar_async._operations.operation import Operation

DATETIME = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


UNKNOWN_FIELD = {"unknownField": {"of": ["any", "type"]}}
"""Sent with the fields of an open body."""


@cache
def schemas() -> Mapping[str, Any]:
    """Return the component schemas of the document."""
    text = resources.files("cstar_async._generated").joinpath("schemas.json").read_text(encoding="utf-8")
    return dict(json.loads(text)["components"]["schemas"])


@attrs.frozen
class SampleCall:
    """An operation with a value for everything that it takes."""

    operation: Operation
    arguments: Mapping[str, object]
    """The keyword arguments of the method."""
    query: Mapping[str, str]
    """The query that the server must receive."""
    body: Mapping[str, object] | None
    """The body that the server must receive."""
    positional: tuple[object, ...] = ()
    """The positional arguments of the method after the ids."""

    async def make(self, client: CStarClient | CStarLibrary, *path: str) -> object:
        """Make the call with the namespaces of the client, or with the library."""
        target: Any = client
        for name in self.operation.namespace.split(".") if isinstance(client, CStarClient) else ():
            target = getattr(target, name)
        return await getattr(target, self.operation.name)(*path, *self.positional, **self.arguments)


def sample_call(operation: Operation) -> SampleCall:
    """Make a sample call of an operation."""
    arguments: dict[str, object] = {}
    query: dict[str, str] = {}
    positional: list[object] = []
    for parameter in operation.parameters:
        if parameter.location == "query":
            value = sample(parameter.schema, parameter.name)
            if parameter.positional:
                positional.append(value)
            else:
                arguments[parameter.attribute] = value
            query[parameter.name] = _query_value(value)
    body = None if operation.request is None else sample_body(operation.request)
    if operation.request is not None and body is not None:
        wire_names = getattr(models, operation.request).__wire_names__
        arguments |= {names.argument_of(attribute): body[wire] for attribute, wire in wire_names.items()}
        if schemas()[operation.request].get("x-cstar-additional-fields"):
            arguments["options"] = RequestOptions(extra_body=UNKNOWN_FIELD)
            body |= UNKNOWN_FIELD
    return SampleCall(operation, arguments, query, body, tuple(positional))


def sample_calls() -> list[SampleCall]:
    """Make a sample call of every operation."""
    return [sample_call(operation) for operation in OPERATIONS.values()]


def sample_body(schema: str) -> dict[str, object]:
    """Make a request body with every field."""
    return {name: sample(field, name) for name, field in schemas()[schema].get("properties", {}).items()}


def sample(schema: Mapping[str, Any], name: str) -> Any:
    """Make a plain valid value of a schema."""
    if "oneOf" in schema:
        return sample(next(other for other in schema["oneOf"] if other.get("type") != "null"), name)
    if "$ref" in schema:
        return sample(schemas()[schema["$ref"].rpartition("/")[2]], name)
    if "enum" in schema:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    if "properties" in schema:
        return {inner: sample(field, inner) for inner, field in schema["properties"].items()}
    if not {"type", "oneOf", "$ref"} & set(schema):
        return f"Any {name}"
    type_ = schema.get("type")
    if isinstance(type_, list):
        type_ = next(one for one in type_ if one != "null")
    if type_ == "string":
        return _sample_str(schema, name)
    if type_ == "array":
        return [sample(schema["items"], name)]
    if type_ == "object":
        return {"plan": "enterprise", "seats": 12}
    return {"integer": schema.get("minimum", 1), "number": 1.5, "boolean": True}[str(type_)]


def _sample_str(schema: Mapping[str, Any], name: str) -> str:
    if schema.get("format") == "email":
        return "jane@example.com"
    if schema.get("format") == "date-time":
        return DATETIME.isoformat()
    if schema.get("format") == "uri":
        return "https://example.com/hooks/cstar?from=tests"
    if name == "event":
        return "ticket.created"  # any str by the document, but a server makes events of its own types only
    return f"A {name} with spaces, äöü & more"


def _query_value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
