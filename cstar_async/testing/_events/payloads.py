"""The data of events: snake_case names, the fields of the event's schema, and example values.

Everything follows the schemas of the document, so no field is named here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from random import Random
from typing import Final

from cstar_async._types import UntypedJSON, is_array, is_object
from cstar_async.testing._data.ids import new_id
from cstar_async.testing._data.spec import Document, SchemaNode

_WORD_BOUNDARY: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def snake_case(name: str) -> str:
    """Return a wire name of the API in snake_case: `customerId` becomes `customer_id`."""
    return _WORD_BOUNDARY.sub("_", name).lower()


def in_snake_case(value: UntypedJSON, node: SchemaNode, document: Document) -> UntypedJSON:
    """Return a value with the names of its schema in snake_case. Other names are the user's and stay."""
    schema = document.resolved(node)
    if is_array(value):
        return [in_snake_case(item, schema.get("items", {}), document) for item in value]
    properties: Mapping[str, SchemaNode] = schema.get("properties", {})
    if not is_object(value) or not properties:
        return value
    return {
        snake_case(name) if name in properties else name: in_snake_case(inner, properties.get(name, {}), document)
        for name, inner in value.items()
    }


def project_to_schema(value: UntypedJSON, node: SchemaNode, document: Document) -> UntypedJSON:
    """Return only the fields of a schema; a missing one that may be null is null. A schema without properties keeps all."""
    schema = document.resolved(node)
    properties: Mapping[str, SchemaNode] = schema.get("properties", {})
    if not is_object(value) or not properties:
        return value
    result: dict[str, UntypedJSON] = {}
    for name, inner in properties.items():
        if name in value:
            result[name] = project_to_schema(value[name], inner, document)
        elif _may_be_null(inner):
            result[name] = None
    return result


def example_value(name: str, node: SchemaNode, document: Document, random: Random, *, at: str) -> UntypedJSON:
    """Return an example of a schema.

    Args:
        name: The field name, which an example str contains.
        node: The schema.
        document: The components that the schema refers to.
        random: The source of ids.
        at: The timestamp of the event.
    """
    schema = document.resolved(node)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    if "properties" in schema:
        properties: Mapping[str, SchemaNode] = schema["properties"]
        return {field: example_value(field, inner, document, random, at=at) for field, inner in properties.items()}
    json_type: UntypedJSON = schema.get("type", "null")
    first = str(json_type[0]) if is_array(json_type) else str(json_type)
    if first == "string":
        return _example_text(name, schema, random, at)
    examples: dict[str, UntypedJSON] = {"integer": 1, "number": 1, "boolean": False, "array": [], "object": {}}
    return examples.get(first)


def _example_text(name: str, schema: SchemaNode, random: Random, at: str) -> str:
    if schema.get("format") == "date-time":
        return at
    if schema.get("format") == "email" or name == "email":
        return "test@example.com"
    if name == "id" or name.lower().endswith("_id"):
        return new_id("", random)
    return f"Test {snake_case(name).replace('_', ' ')}"


def _may_be_null(node: SchemaNode) -> bool:
    types: UntypedJSON = node.get("type", ())
    return "null" in types or any(choice.get("type") == "null" for choice in node.get("oneOf", ()))
