"""Check the webhooks section: one entry for each type of event that the server sends.

An event is a POST. Its body combines the fields that all events share (id, type, team, time) with a schema of its own for `data`.
Anything else that OpenAPI allows here is rejected.
"""

from __future__ import annotations

import re

from codegen import naming as names
from codegen.errors import ProblemCollector
from codegen.spec.document import Document, Event, Node, child_pointer

REQUIRED_EVENT_KEYS = ("summary", "x-evidence", "x-source")


def inspect(document: Document, problems: ProblemCollector) -> None:
    """Check all events."""
    seen: dict[str, str] = {}
    for event in document.events:
        _inspect_name(event, seen, document, problems)
        for key in REQUIRED_EVENT_KEYS:
            if not event.node.get(key):
                problems.add(event.pointer, f"the event has no `{key}`.")
        _inspect_body(event, document, problems)


def _inspect_name(event: Event, seen: dict[str, str], document: Document, problems: ProblemCollector) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*", event.type):
        problems.add(event.pointer, "an event type must be two lower-case words with a dot between them, such as `ticket.created`.")
        return
    name = names.event_class(event.type)
    if name in seen:
        problems.add(event.pointer, f"its class would be `{name}`, which is that of `{seen[name]}`.")
    elif name in document.schemas or name in names.RESERVED_EVENT_CLASSES:
        problems.add(event.pointer, f"its class would be `{name}`, which is already in use.")
    seen[name] = event.type


def _inspect_body(event: Event, document: Document, problems: ProblemCollector) -> None:
    schema = event.body
    parts = schema.get("allOf", [])
    if len(parts) != 2 or not _is_event_base(parts[0], document) or list(parts[1].get("properties", {})) != ["data"]:
        message = "its body must be `allOf` the base of all events (an envelope) and an object with the property `data` alone."
        problems.add(event.pointer, message)
    elif "$ref" not in parts[1]["properties"]["data"]:
        problems.add(event.pointer, "`data` must be a component of its own; refer to it with $ref.")


def _is_event_base(node: Node, document: Document) -> bool:
    return "$ref" in node and document.at(node["$ref"]).get("x-cstar-envelope") is True


def has_only_post(item: Node) -> bool:
    """Return whether an entry of the section has a POST and nothing else."""
    return list(item) == ["post"]


def inspect_items(document: Document, problems: ProblemCollector) -> None:
    """Check that all entries are events, which the other checks rely on."""
    for name, item in document.raw.get("webhooks", {}).items():
        if not has_only_post(item):
            problems.add(child_pointer("#/webhooks", name), "an event is described by `post` and nothing else.")
