"""Bring a document into the form that the generator builds code from.

In that form, components are models, enums, unions with a tag, and free objects. Each operation has its names, its parameters, one
result, and at most one body. `openapi/cstar.yaml` has that form already.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from codegen import naming as names
from codegen.errors import NoteCollector, ProblemCollector
from codegen.parser.events import parse_events
from codegen.parser.operations import OperationParser
from codegen.parser.references import References
from codegen.parser.schemas import COMPONENTS, SchemaParser
from codegen.parser.validation import validate_openapi
from codegen.spec.document import Body, Document, Node, Operation, entries, items, schema_named


def parse(raw: Node, notes: NoteCollector) -> Document:
    """Parse a document. Raises `CodegenError` with all its problems."""
    validate_openapi(raw)
    problems = ProblemCollector()
    document = Document(raw)
    references = References(document, problems)
    schemas = SchemaParser(document, references, problems, notes)
    schemas.parse_components()
    parser = OperationParser(document, schemas, references, problems, notes)
    operations, tags = parser.parse()
    events = tuple(parse_events(document, schemas, notes))
    problems.raise_if_any()
    parsed = {**raw, "tags": tags, "components": {**document.components, "schemas": schemas.components}}
    return Document(parsed, _with_own_bodies(Document(parsed, operations, events)), events)


def _with_own_bodies(document: Document) -> tuple[Operation, ...]:
    """Return the operations so that no body has the class of a response, where null and an absent field are the same."""
    read = document.reachable_schemas([operation.result.schema for operation in document.operations])
    read |= document.reachable_schemas([event.data for event in document.events])
    class_names = names.ClassNames()
    class_names.add_all(document.schemas)
    own: dict[str, str] = {}
    for operation in document.operations:
        name = _model_of(operation.body)
        if name in read and name not in own:
            own[name] = class_names.add(f"{name}Input")
            document.schemas[own[name]] = _writable(document.schemas[name])
    return tuple(replace(operation, body=_renamed(operation.body, own)) for operation in document.operations)


def _model_of(body: Body | None) -> str:
    return schema_named(body.schema["$ref"]) if body and body.has_fields else ""


def _renamed(body: Body | None, own: dict[str, str]) -> Body | None:
    name = own.get(_model_of(body))
    return replace(body, schema={**body.schema, "$ref": f"{COMPONENTS}/{name}"}) if body and name else body


def _writable(schema: Node) -> Node:
    """Return a model without the properties that only the server sets."""
    properties: dict[str, Any] = {
        wire: node for wire, node in entries(schema, "properties").items() if node.get("readOnly") is not True
    }
    required: Sequence[str] = [wire for wire in items(schema, "required") if wire in properties]
    return {**schema, "properties": properties, "required": required}
