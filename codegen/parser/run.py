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
from codegen.parser.cleaning import cleaned
from codegen.parser.events import parse_events
from codegen.parser.operations import OperationParser
from codegen.parser.references import References
from codegen.parser.schemas import COMPONENTS, SchemaParser
from codegen.parser.sdk import check_client
from codegen.parser.validation import validate_openapi
from codegen.parser.words import check_words
from codegen.spec import batches
from codegen.spec.document import Body, Document, Node, Operation, entries, items, schema_named

_ANY_OBJECT: Node = {"type": "object", "additionalProperties": True}


def parse(raw: Node, notes: NoteCollector, *, is_sdk: bool = True, is_extended: bool = False) -> Document:
    """Parse a document. Raises `CodegenError` with all its problems.

    Args:
        raw: The document.
        notes: Collects what is passed over.
        is_sdk: Whether the code is that of `cstar_async`. False: it is a package of its own, which has no events.
        is_extended: Whether overlays of a user may have added operations whose results have no envelope.
    """
    raw = cleaned(raw, notes)
    validate_openapi(raw)
    problems = ProblemCollector()
    document = Document(raw, is_sdk=is_sdk)
    references = References(document, problems)
    check_words(document, references, problems, notes)
    if not problems:
        batches.inspect(document, problems)
    schemas = SchemaParser(document, references, problems, notes)
    schemas.parse_components()
    parser = OperationParser(document, schemas, references, problems, notes)
    operations, tags = parser.parse()
    if is_sdk:
        parsed = {**raw, "components": {**document.components, "schemas": schemas.components}}
        check_client(Document(parsed, operations), references, problems, notes, needs_envelope=not is_extended)
    events = tuple(parse_events(document, schemas, notes)) if is_sdk else ()
    if not is_sdk and entries(raw, "webhooks"):
        notes.add("#/webhooks", "webhooks are passed over; a package of its own has no events.")
    problems.raise_if_any()
    parsed = {**raw, "tags": tags, "components": {**document.components, "schemas": schemas.components}}
    document = Document(parsed, operations, events, is_sdk=is_sdk, places=schemas.places)
    return Document(parsed, _with_own_bodies(document), events, is_sdk=is_sdk, places=document.places)


def _with_own_bodies(document: Document) -> tuple[Operation, ...]:
    """Return the operations so that some bodies have a class of their own.

    A response has null and an absent field in common. A body that may be left out has no required field.
    """
    read = document.reachable_schemas([operation.result.schema for operation in document.operations])
    read |= document.reachable_schemas([event.data for event in document.events])
    class_names = names.ClassNames()
    class_names.add_all(document.schemas)
    own: dict[tuple[str, bool], str] = {}

    def with_own_body(operation: Operation) -> Operation:
        body, name = operation.body, _model_of(operation.body)
        may_be_left_out = body is not None and not body.is_required and bool(items(document.schemas.get(name, {}), "required"))
        if body is None or not name or (name not in read and not may_be_left_out):
            return operation
        writable = _writable(document.schemas[name], may_be_left_out=may_be_left_out)
        if not writable["properties"]:
            return replace(operation, body=replace(body, schema=_ANY_OBJECT, has_fields=False))
        key = (name, may_be_left_out)
        if key not in own:
            own[key] = class_names.add(f"{name}{'Optional' if may_be_left_out else ''}Input")
            document.schemas[own[key]] = writable
            document.places[own[key]] = document.place_of(name)
        schema = {**body.schema, "$ref": f"{COMPONENTS}/{own[key]}"}
        return replace(operation, body=replace(body, schema=schema, may_be_left_out=may_be_left_out))

    return tuple(map(with_own_body, document.operations))


def _model_of(body: Body | None) -> str:
    return schema_named(body.schema["$ref"]) if body and body.has_fields else ""


def _writable(schema: Node, *, may_be_left_out: bool) -> Node:
    """Return a model without the properties that only the server sets; without required ones if the body may be left out."""
    properties: dict[str, Any] = {
        wire: node for wire, node in entries(schema, "properties").items() if node.get("readOnly") is not True
    }
    required: Sequence[str] = [wire for wire in items(schema, "required") if wire in properties and not may_be_left_out]
    return {**schema, "properties": properties, "required": required}
