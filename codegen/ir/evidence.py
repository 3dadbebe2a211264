"""Build the documentation page that lists the evidence for each operation and event."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from codegen import naming as names
from codegen.ir.docstrings import sentence, text_of
from codegen.spec.document import Document, Event, Node, Operation, items, schema_named
from codegen.spec.queries import BODY, argument_names, body_name, caller_parameters, is_free_object, scope_of
from codegen.spec.vocabulary import EVIDENCE

_MEANINGS = {
    "documented": "cStar's own pages describe it. Parts of it may be inferred; the docstrings mark them.",
    "inferred": "It was deduced from the source. Try it before you rely on it.",
    "named": "Only the path is documented. The method returns the JSON of the response unchanged.",
    "observed": "The server sends it, and no page describes it.",
}


@dataclass(frozen=True, kw_only=True)
class EvidenceCount:
    """One degree of evidence."""

    name: str
    count: int
    meaning: str


@dataclass(frozen=True, kw_only=True)
class OperationRow:
    """One operation."""

    call: str
    request: str
    evidence: str
    source: str


@dataclass(frozen=True, kw_only=True)
class EventRow:
    """One type of event."""

    name: str
    type: str
    data: str
    """The class of `data`; empty where it is free JSON."""
    evidence: str
    source: str


@dataclass(frozen=True, kw_only=True)
class EvidenceSection:
    """The operations of one namespace."""

    title: str
    description: str
    rows: tuple[OperationRow, ...]


@dataclass(frozen=True, kw_only=True)
class EvidencePage:
    """The whole page."""

    kinds: tuple[EvidenceCount, ...]
    sections: tuple[EvidenceSection, ...]
    events: tuple[EventRow, ...]

    @property
    def total(self) -> int:
        """The number of operations."""
        return sum(kind.count for kind in self.kinds)


def evidence_page(document: Document) -> EvidencePage:
    """Build the page, its namespaces in the order of the tags."""
    given = [_evidence(operation.node) for operation in document.operations]
    sections = (_section(document, tag["name"], tag["description"]) for tag in document.raw["tags"])
    return EvidencePage(
        kinds=tuple(
            EvidenceCount(name=name, count=given.count(name), meaning=_MEANINGS[name]) for name in EVIDENCE if name in given
        ),
        sections=tuple(section for section in sections if section.rows),
        events=tuple(_event_row(document, event) for event in document.events),
    )


def _event_row(document: Document, event: Event) -> EventRow:
    schema = schema_named(event.data["$ref"])
    return EventRow(
        name=names.event_class(event.type),
        type=event.type,
        data="" if is_free_object(document.schemas[schema]) else schema,
        evidence=_evidence(event.node),
        source=_source(event.node),
    )


def _section(document: Document, namespace: str, description: str) -> EvidenceSection:
    rows = tuple(_row(document, operation) for operation in document.operations if operation.namespace == namespace)
    return EvidenceSection(title=namespace, description=sentence(description), rows=rows)


def _row(document: Document, operation: Operation) -> OperationRow:
    scope, prefix = scope_of(document, operation)
    owner = "library" if scope == "library" else f"cstar.{operation.namespace}"
    return OperationRow(
        call=f"{owner}.{operation.name}({', '.join(_needed(document, operation))})",
        request=f"{operation.method.upper()} {operation.path.removeprefix(prefix)}",
        evidence=_evidence(operation.node),
        source=_source(operation.node),
    )


def _source(node: Node) -> str:
    """Return the source without the evidence, which has its own column."""
    return _in_a_cell(text_of(node, "x-source").removeprefix(f"{_evidence(node)}:"))


def _evidence(node: Node) -> str:
    return text_of(node, "x-evidence") or "documented"


def _needed(document: Document, operation: Operation) -> Iterator[str]:
    """Yield the required arguments: the positional ones, then the others by name."""
    given = argument_names(document, operation)
    for one in caller_parameters(operation):
        name = given[one.location, one.name]
        if one.location == "path" or one.is_positional:
            yield name
        elif one.node.get("required"):
            yield f"{name}=…"
    body = body_name(operation)
    for wire in items(document.schemas[body], "required") if body else ():
        yield f"{given[BODY, wire]}=…"


def _in_a_cell(text: str) -> str:
    """Return the content of a cell of a Markdown table."""
    text = " ".join(text.split()).rstrip(".").replace("|", "\\|")
    return text[:1].upper() + text[1:]
