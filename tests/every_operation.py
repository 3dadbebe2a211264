"""Calls for every operation of the document, with every parameter and every body field: made from the document itself.

A value comes from the schema: the first word of an enum, an example, or the plainest value of its type. So an operation or a field
that is added to the document is called by the tests at once.
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

INSTANT = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


UNKNOWN = {"keyThatNobodyKnows": {"of": ["any", "kind"]}}
"""What is sent beside the fields of an open body."""


@cache
def schemas() -> Mapping[str, Any]:
    """The component schemas of the document."""
    text = resources.files("cstar_async._generated").joinpath("schemas.json").read_text(encoding="utf-8")
    return dict(json.loads(text)["components"]["schemas"])


@attrs.frozen
class SampleCall:
    """One operation with values for everything that it takes."""

    operation: Operation
    arguments: Mapping[str, object]
    """Keyword arguments of the method."""
    query: Mapping[str, str]
    """What must arrive in the query."""
    body: Mapping[str, object] | None
    """What must arrive as the body."""
    positional: tuple[object, ...] = ()
    """What the method takes by position after the ids."""

    async def make(self, client: CStarClient | CStarLibrary, *path: str) -> object:
        """Make the call through the client's namespaces, or through the library itself."""
        target: Any = client
        for name in self.operation.namespace.split(".") if isinstance(client, CStarClient) else ():
            target = getattr(target, name)
        return await getattr(target, self.operation.name)(*path, *self.positional, **self.arguments)


def sample_call(operation: Operation) -> SampleCall:
    """A call of an operation with everything that the document lets it take."""
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
            query[parameter.name] = _query_text(value)
    body = None if operation.request is None else sample_body(operation.request)
    if operation.request is not None and body is not None:
        arguments |= {names.argument(wire): body[wire] for wire in getattr(models, operation.request).__wire_names__.values()}
        if schemas()[operation.request].get("x-cstar-additional-fields"):
            arguments["options"] = RequestOptions(extra_body=UNKNOWN)
            body |= UNKNOWN
    return SampleCall(operation, arguments, query, body, tuple(positional))


def sample_calls() -> list[SampleCall]:
    """One call for every operation of the document."""
    return [sample_call(operation) for operation in OPERATIONS.values()]


def sample_body(schema: str) -> dict[str, object]:
    """A request body with every field."""
    return {name: sample(field, name) for name, field in schemas()[schema].get("properties", {}).items()}


def sample(schema: Mapping[str, Any], name: str) -> Any:
    """A plain valid value of a schema."""
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
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next(one for one in kind if one != "null")
    if kind == "string":
        return _sample_text(schema, name)
    if kind == "array":
        return [sample(schema["items"], name)]
    if kind == "object":
        return {"plan": "enterprise", "seats": 12}
    return {"integer": schema.get("minimum", 1), "number": 1.5, "boolean": True}[str(kind)]


def _sample_text(schema: Mapping[str, Any], name: str) -> str:
    if schema.get("format") == "email":
        return "jane@example.com"
    if schema.get("format") == "date-time":
        return INSTANT.isoformat()
    if schema.get("format") == "uri":
        return "https://example.com/hooks/cstar?from=tests"
    if name == "event":
        return "ticket.created"  # any text by the document, but a server makes up events of its own types only
    return f"A {name} with spaces, äöü & more"


def _query_text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
