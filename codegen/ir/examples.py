"""An example call for each operation, with the values that the document gives as examples."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from codegen import naming as names
from codegen.ir.docstrings import INDENT, LINE_LENGTH
from codegen.spec.document import Document, Node, Operation, Parameter, entries, is_list, is_object, items
from codegen.spec.queries import (
    BODY,
    FILE_MARK,
    JSON_TYPE,
    alternatives,
    argument_names,
    body_name,
    call_kind,
    caller_parameters,
    result_name,
    scope_of,
    types_of,
)

_WIDTH = LINE_LENGTH - 2 * len(INDENT)
_MAX_DEPTH = 4
"""The deepest nesting of a value."""
_STRINGS = {"email": "jane@example.com", "uri": "https://example.com/cstar", "date-time": "2026-03-01T00:00:00Z"}
"""The values of strings of a format that have no example of their own."""


class _Code(str):
    """Python code in place of a JSON value."""

    __slots__ = ()


def example_of(document: Document, operation: Operation, method: str) -> tuple[str, ...]:
    """Return the lines of a call.

    Args:
        document: The document of the operation.
        operation: What is called.
        method: The name of the method, which may be the batched one.
    """
    arguments = list(_arguments(document, operation))
    receiver = "library" if scope_of(document, operation)[0] == "library" else f"client.{operation.namespace}"
    kind = call_kind(operation)
    name = _variable(document, operation)
    if kind in ("page", "whole"):
        return (*_call(f"async for {name} in {receiver}.{method}", arguments, ":"), f"    print({name})")
    if kind == "items":
        with_ = _call(f"async with {receiver}.{method}", arguments, " as stream:")
        return (*with_, "    async for item in stream:", "        print(item)")
    target = {"deleted": "", "none": "", "array": f"{name}s = "}.get(kind, f"{name} = ")
    return tuple(_call(f"{target}await {receiver}.{method}", arguments))


def _variable(document: Document, operation: Operation) -> str:
    schema = result_name(operation)
    if schema is None:
        return "result"
    return "data" if "properties" not in document.schemas[schema] else names.function_stem(schema)


def _arguments(document: Document, operation: Operation) -> Iterator[tuple[str, str]]:
    """Yield the arguments of the call: their names (empty: by position) and their values as code."""
    given = entries(operation.node, "x-cstar-example")
    arguments = argument_names(document, operation)
    for parameter in caller_parameters(operation):
        if parameter.location == "path" or parameter.is_positional:
            value = given.get(parameter.name, _positional_value(document, parameter))
            yield "", arguments[parameter.location, parameter.name] if value is None else _literal(value)
    body = given or _example_of_body(document, operation)
    for parameter in _named_parameters(document, operation, given):
        value = given.get(parameter.name, _value(document, parameter.node["schema"]))
        yield arguments[parameter.location, parameter.name], _literal(value)
    name = body_name(operation)
    for wire in entries(document.schemas[name], "properties") if name else ():
        if wire in body:
            yield arguments[BODY, wire], _literal(body[wire])
    if operation.body and not name:
        yield arguments[BODY, ""], _literal(_value(document, operation.body.schema))


def _named_parameters(document: Document, operation: Operation, given: Node) -> list[Parameter]:
    """Return the other parameters of the example: those given, else the required ones, else the first with known values."""
    query = [one for one in caller_parameters(operation) if one.location != "path" and not one.is_positional]
    if given:
        return [one for one in query if one.name in given]
    known = [one for one in query if "enum" in document.follow(one.node["schema"], "")[0]]
    return [one for one in query if one.node.get("required")] or known[:1]


def _positional_value(document: Document, parameter: Parameter) -> Any:
    """Return an example value; None where the name of the argument is the better example."""
    has_value = parameter.location == "query" or "examples" in parameter.node["schema"]
    return _value(document, parameter.node["schema"]) if has_value else None


def _example_of_body(document: Document, operation: Operation) -> Node:
    name = body_name(operation)
    if name is None or operation.body is None:
        return {}
    body = operation.body.node
    media = body["content"][JSON_TYPE]
    schema = document.schemas[name]
    named = [one.get("value") for one in entries(media, "examples").values() if is_object(one)]
    examples = [media["example"]] if "example" in media else [*named, *items(schema, "examples")]
    if examples and is_object(examples[0]):
        return dict(examples[0])
    properties = entries(schema, "properties")
    chosen = items(schema, "required") or ([] if body.get("required") is False else list(properties)[:1])
    return {wire: _value(document, properties[wire]) for wire in chosen}


def _value(document: Document, schema: Node, depth: int = 0) -> Any:
    """Return a value of a schema."""
    schema, _ = document.follow(schema, "")
    if FILE_MARK in schema:
        return _Code('Path("file.bin")')
    for found in ([schema["const"]] if "const" in schema else [], items(schema, "examples"), items(schema, "enum")):
        if found:
            return found[0]
    options, _ = alternatives(schema)
    if options:
        return _value(document, options[0], depth + 1)
    types = types_of(schema) or ["string"]
    if "array" in types:
        return [_value(document, entries(schema, "items"), depth + 1)] if depth < _MAX_DEPTH else []
    if "object" in types:
        properties = entries(schema, "properties")
        required = items(schema, "required") if depth < _MAX_DEPTH else []
        return {wire: _value(document, properties[wire], depth + 1) for wire in required if wire in properties}
    plain: dict[str, Any] = {"integer": schema.get("minimum", 1), "number": 1.5, "boolean": True}
    return plain.get(types[0], _STRINGS.get(str(schema.get("format")), "…"))


def _call(function: str, arguments: list[tuple[str, str]], end: str = "") -> list[str]:
    arguments_code = [f"{name}={value}" if name else value for name, value in arguments]
    line = f"{function}({', '.join(arguments_code)}){end}"
    if len(line) <= _WIDTH:
        return [line]
    inner = f"{INDENT}{', '.join(arguments_code)}"
    lines = [inner] if len(inner) <= _WIDTH else [f"{INDENT}{one}," for one in arguments_code]
    return [f"{function}(", *lines, f"){end}"]


def _literal(value: Any) -> str:
    """Return a JSON value as Python code, in double quotes."""
    if is_object(value):
        return f"{{{', '.join(f'{_literal(key)}: {_literal(inner)}' for key, inner in value.items())}}}"
    if is_list(value):
        return f"[{', '.join(map(_literal, value))}]"
    if isinstance(value, _Code):
        return value
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
