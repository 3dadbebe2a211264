"""Documents with one list, for tests of how its pages are recognised."""

from __future__ import annotations

from typing import Any

from codegen.errors import NoteCollector
from codegen.parser.run import parse
from codegen.spec.document import Node, Result
from tests.codegen.packages import document, ref, returns

THING: Node = {"type": "object", "properties": {"id": {"type": "string"}, "name": {"type": "string"}}}
INTEGER, STRING, BOOLEAN = {"type": "integer"}, {"type": "string"}, {"type": "boolean"}
THINGS: Node = {"type": "array", "items": ref("Thing")}


def query(name: str, schema: Node | None = None, **more: Any) -> Node:
    """Return a parameter of the query."""
    return {"name": name, "in": "query", "schema": STRING if schema is None else schema, **more}


def page_number(name: str = "page", **more: Any) -> Node:
    """Return an integer parameter."""
    return query(name, INTEGER | more)


def body(**properties: Any) -> Node:
    """Return an object; a field of a field is given as a dict of fields."""
    return {"type": "object", "properties": {name: _schema(value) for name, value in properties.items()}}


def _schema(value: Node) -> Node:
    is_schema = "type" in value and not isinstance(value["type"], dict)
    return value if is_schema or "$ref" in value else body(**value)


def listing(parameters: list[Node], schema: Node, *, headers: Node | None = None, **more: Any) -> Node:
    """Return an operation that lists things."""
    responses = returns(schema)
    if headers:
        responses["200"]["headers"] = headers
    return {"parameters": parameters, "responses": responses, **more}


def document_of(operations: dict[str, Node], **more: Any) -> Node:
    """Return a document with a GET for each path."""
    return document({path: {"get": one} for path, one in operations.items()}, {"Thing": THING}, **more)


def parsed_list(operation: Node) -> tuple[Result, list[str]]:
    """Return the result of the only operation, and the notes on it."""
    notes = NoteCollector()
    (found,) = parse(document_of({"/things": operation}), notes, is_sdk=False).operations
    return found.result, notes.lines
