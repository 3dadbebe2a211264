"""Find the types of events among the webhooks of a document."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from codegen import naming as names
from codegen.errors import NoteCollector
from codegen.parser.references import nested
from codegen.parser.schemas import SchemaParser
from codegen.spec.document import Document, Event, entries


def parse_events(document: Document, schemas: SchemaParser, notes: NoteCollector) -> Iterator[Event]:
    """Yield the events whose body is what all events share, and an object as `data`; the others are passed over."""
    posts = {event.pointer for event in document.events}
    for name in entries(document.raw, "webhooks"):
        if nested("#/webhooks", name, "post") not in posts:
            notes.add(nested("#/webhooks", name), "a webhook that is not a POST is passed over.")
    for event in document.events:
        pointer = nested(event.pointer, "data")
        data = schemas.value(event.data, pointer, names.event_class(event.type)) if event.data else {}
        if "$ref" in data and schemas.is_object(data):
            yield replace(event, body={"allOf": [{}, {"properties": {"data": data}}]})
        else:
            notes.add(event.pointer, "a webhook whose body has no object as `data` is passed over.")
