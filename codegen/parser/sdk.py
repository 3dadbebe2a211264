"""Check that the hand-written client can read a document of cStar: what it sends, and what it reads of every response.

A difference would be a fault at run time. A package of its own needs none of this.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from codegen.errors import NoteCollector, ProblemCollector
from codegen.parser.references import References, nested
from codegen.spec.document import Document, Node, Operation, child_pointer, entries, is_object, items
from codegen.spec.queries import IDEMPOTENCY_KEY, result_name

VERSION_HEADER = "CStar-Version"
ERROR_FIELDS = frozenset({"type", "code", "message", "param", "field", "doc_url", "request_id", "retryAfter"})
LIMIT_HEADERS = frozenset(f"x-ratelimit-{name}" for name in ("limit", "remaining", "reset", "window"))
_CLIENT = "the client of cstar_async"


def check_client(
    document: Document, references: References, problems: ProblemCollector, notes: NoteCollector, *, needs_envelope: bool = True
) -> None:
    """Report what the client would send or read in another way than the document says."""
    for pointer, message in _Differences(document, references, notes, needs_envelope=needs_envelope).all():
        problems.add(pointer, message)


class _Differences:
    def __init__(self, document: Document, references: References, notes: NoteCollector, *, needs_envelope: bool) -> None:
        self._needs_envelope = needs_envelope
        self._notes = notes
        self._document = document
        self._references = references

    def all(self) -> Iterator[tuple[str, str]]:
        """Yield the places of all differences, with what to change."""
        yield from self._security()
        yield from self._whoami()
        for operation in self._document.operations:
            yield from self._envelope(operation)
            yield from self._headers(operation)
            yield from self._responses(operation)
        schemas = self._document.schemas
        if "Error" in schemas:
            yield from self._fields("Error", schemas["Error"], ERROR_FIELDS, {"code", "message"})

    def _security(self) -> Iterator[tuple[str, str]]:
        for name, given in entries(self._document.components, "securitySchemes").items():
            pointer = child_pointer("#/components/securitySchemes", name)
            scheme, _ = self._references.resolve(given, pointer)
            if (scheme.get("type"), str(scheme.get("scheme")).lower()) != ("http", "bearer"):
                yield pointer, f"{_CLIENT} sends its key as a bearer token, got `{scheme.get('type')}`."

    def _whoami(self) -> Iterator[tuple[str, str]]:
        found = next((one for one in self._document.operations if (one.namespace, one.id) == ("auth", "whoami")), None)
        name = result_name(found) if found else None
        if found is None or name != "Whoami" or "teamId" not in entries(self._document.schemas["Whoami"], "properties"):
            pointer = found.pointer if found else "#/paths"
            yield pointer, f"{_CLIENT} finds its team by `auth.whoami`, which must return a `Whoami` with `teamId`."

    def _envelope(self, operation: Operation) -> Iterator[tuple[str, str]]:
        is_bare = operation.result.shape in ("object", "array", "page", "value", "deleted") and not operation.result.has_envelope
        if is_bare and self._needs_envelope:
            yield operation.pointer, f"{_CLIENT} reads a result from `data`, beside `success`, `meta` and `pagination` alone."

    def _headers(self, operation: Operation) -> Iterator[tuple[str, str]]:
        for parameter in operation.parameters:
            known = (VERSION_HEADER, IDEMPOTENCY_KEY)
            if parameter.location == "header" and parameter.is_supplied_by_client and parameter.name not in known:
                yield parameter.pointer, f"{_CLIENT} sends no header `{parameter.name}`; it sends {' and '.join(known)}."

    def _responses(self, operation: Operation) -> Iterator[tuple[str, str]]:
        for status, given in entries(operation.node, "responses").items():
            response, place = self._references.resolve(given, nested(operation.pointer, "responses", status))
            for name in entries(response, "headers"):
                if re.search(r"rate-?limit", name.lower()) and name.lower() not in LIMIT_HEADERS:
                    yield (
                        nested(place, "headers", name),
                        f"{_CLIENT} reads the limit from X-RateLimit-* headers, not from `{name}`.",
                    )

    def _fields(self, name: str, schema: Node, known: frozenset[str], needed: set[str]) -> Iterator[tuple[str, str]]:
        """Check the fields of a schema that the client reads itself; a schema of another kind has none."""
        pointer = child_pointer("#/components/schemas", name)
        properties = entries(schema, "properties") if is_object(schema) and schema.get("x-cstar-envelope") else {}
        for missing in sorted(needed - properties.keys()) if properties else ():
            yield pointer, f"{_CLIENT} reads `{missing}` of a `{name}`, which the schema does not have."
        for unknown in sorted(properties.keys() - known):
            self._notes.add(child_pointer(pointer, "properties", unknown), f"{_CLIENT} does not read `{unknown}` of a `{name}`.")


def api_version(document: Document) -> str:
    """Return the version that the client sends: that of the header's parameter, or else of the document."""
    for operation in document.operations:
        for parameter in operation.parameters:
            if parameter.location == "header" and parameter.name == VERSION_HEADER:
                schema = parameter.node["schema"]
                values = [schema.get("const"), schema.get("default"), *items(schema, "examples")]
                if given := next((value for value in values if isinstance(value, str) and value), None):
                    return given
    return str(entries(document.raw, "info").get("version") or "")
