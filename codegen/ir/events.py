"""Build the classes of events."""

from __future__ import annotations

from dataclasses import dataclass

from codegen import naming as names
from codegen.ir.docstrings import DEPRECATED, docstring, sentence, source_of, text_of
from codegen.spec.document import Document, Event, schema_named
from codegen.spec.queries import OLD_NAME, is_free_object


@dataclass(frozen=True, kw_only=True)
class EventSpec:
    """A type of event."""

    type: str
    name: str
    doc: str
    data: str
    """The type of `data`."""
    reading: str
    """The function that decodes `data`, or `None` for free JSON."""
    schemas: tuple[str, ...]
    """The schemas that its code uses."""
    old_type: str = ""
    """The type that it had before."""
    old_name: str = ""
    """The name that its class had before."""


def event_specs(document: Document) -> tuple[EventSpec, ...]:
    """Build all events, in the document's order."""
    return tuple(_event_spec(event, document) for event in document.events)


def _event_spec(event: Event, document: Document) -> EventSpec:
    schema = schema_named(event.data["$ref"])
    free = is_free_object(document.schemas[schema])
    texts = (text_of(event.node, "summary"), text_of(event.node, "description"))
    prose = [sentence(text) for text in texts if text]
    deprecated = [DEPRECATED] if event.node.get("deprecated") is True else []
    old_type = str(event.node.get(OLD_NAME, ""))
    return EventSpec(
        type=event.type,
        name=names.event_class(event.type),
        doc=docstring([*prose, f"The event `{event.type}`.", *deprecated, *source_of(event.node)], depth=1),
        data="JSON" if free else schema,
        reading="None" if free else names.decoder(schema),
        schemas=() if free else (schema,),
        old_type=old_type,
        old_name=names.event_class(old_type) if old_type else "",
    )
