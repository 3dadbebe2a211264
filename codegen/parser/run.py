"""Bring a document into the form that the generator builds code from.

In that form, components are models, enums, unions with a tag, and free objects. Each operation has its names, its parameters, one
result, and at most one body. `openapi/cstar.yaml` has that form already.
"""

from __future__ import annotations

from collections.abc import Mapping

from codegen.errors import NoteCollector, ProblemCollector
from codegen.parser.cleaning import cleaned
from codegen.parser.events import parse_events
from codegen.parser.inputs import separate_inputs
from codegen.parser.names import CLASS, NameChooser
from codegen.parser.operations import OperationParser
from codegen.parser.references import References
from codegen.parser.schemas import CLASSES, SchemaParser
from codegen.parser.sdk import check_client
from codegen.parser.validation import validate_openapi
from codegen.parser.words import check_words
from codegen.spec import batches
from codegen.spec.document import Document, Node, entries
from codegen.spec.parts import parts_of


def parse(
    raw: Node,
    notes: NoteCollector,
    *,
    is_sdk: bool = True,
    is_extended: bool = False,
    kept: Mapping[str, Mapping[str, str]] | None = None,
) -> Document:
    """Parse a document. Raises `CodegenError` with all its problems.

    Args:
        raw: The document.
        notes: Collects what is passed over.
        is_sdk: Whether the code is that of `cstar_async`. False: it is a package of its own, which has no events.
        is_extended: Whether overlays of a user may have added operations whose results have no envelope.
        kept: The names of the last output.
    """
    raw = cleaned(raw, notes)
    validate_openapi(raw)
    problems = ProblemCollector()
    document = Document(raw, is_sdk=is_sdk)
    references = References(document, problems)
    check_words(document, references, problems, notes)
    if not problems:
        batches.inspect(document, problems)
    chooser = NameChooser(kept or {}, problems)
    schemas = SchemaParser(document, references, problems, notes, chooser)
    schemas.parse_components()
    parser = OperationParser(document, schemas, references, problems, notes, chooser)
    operations, tags = parser.parse()
    if is_sdk:
        parsed = {**raw, "components": {**document.components, "schemas": schemas.components}}
        check_client(Document(parsed, operations), references, problems, notes, needs_envelope=not is_extended)
    for part in parts_of(document):
        if CLASS in part.node and schemas.class_names.chosen.get(part.pointer) not in schemas.components:
            notes.add(part.pointer, f"`{CLASS}` has no effect: the schema has no class.")
    events = tuple(parse_events(document, schemas, notes)) if is_sdk else ()
    if not is_sdk and entries(raw, "webhooks"):
        notes.add("#/webhooks", "webhooks are passed over; a package of its own has no events.")
    problems.raise_if_any()
    parsed = {**raw, "tags": tags, "components": {**document.components, "schemas": schemas.components}}
    document = Document(
        parsed,
        operations,
        events,
        is_sdk=is_sdk,
        places=schemas.places,
        names={CLASSES: schemas.class_names.chosen, **chooser.chosen},
    )
    separate_inputs(document, schemas.class_names)
    return document
