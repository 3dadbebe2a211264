"""Find the result of an operation, and whether the document puts results into an envelope."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from codegen import naming as names
from codegen.errors import NoteCollector
from codegen.parser.left_out import LeftOutError
from codegen.parser.media import EVENT_STREAM, essence, is_items, is_json, is_text
from codegen.parser.pagination import PaginationFinder
from codegen.parser.references import References, nested
from codegen.parser.schemas import SchemaParser
from codegen.spec.document import Document, Node, Operation, Result, Shape, entries, is_object, schema_named
from codegen.spec.queries import alternatives, types_of

_ALTERNATIVES = frozenset({"text/csv", "text/plain"})
"""The content types that a server may send instead of JSON, because a parameter asks for it."""
ENVELOPE_FIELDS = frozenset({"success", "data", "meta", "pagination"})
"""The fields of the envelope that the client can read."""
_PAGINATION_PATHS = frozenset(
    (*parent, name)
    for parent in (("pagination",), ("meta", "pagination"))
    for name in ("page", "pageSize", "total", "totalPages", "hasMore")
)
"""What the client reads of the envelope in any case."""
_CSTAR_PAGES = {"parameter": "page", "size_parameter": "pageSize", "first": 1, "size": 100, "min_size": 1, "max_size": 100}
"""The defaults of `cstar_async.pagination.Paging`."""


@dataclass(frozen=True, kw_only=True)
class _Response:
    """The content of a successful response."""

    status: int
    node: Node
    pointer: str
    media: str
    """Its JSON type, or else its first type; empty without content."""
    text: str | None
    """The text type beside JSON."""


class ResponseParser:
    """Parses responses."""

    def __init__(self, document: Document, schemas: SchemaParser, references: References, notes: NoteCollector) -> None:
        self._document = document
        self._schemas = schemas
        self._references = references
        self._notes = notes
        self._has_envelope = False
        self._pagination = PaginationFinder(schemas, references)

    def recognise_envelope(self, operations: Sequence[Operation]) -> None:
        """Find out whether nine in ten of the JSON results of a document are in an envelope."""
        responses = [response for operation in operations for response in self._successes(operation) if is_json(response.media)]
        enveloped = [response for response in responses if self._data(response) is not None]
        self._has_envelope = bool(responses) and len(enveloped) >= 0.9 * len(responses)

    def parse(self, operation: Operation, owner: str) -> Result:
        """Parse the result of an operation.

        Args:
            operation: The operation, with its parameters.
            owner: The class that begins the names of inline schemas.
        """
        responses = self._successes(operation)
        if not responses and any(status[:1] == "3" for status in entries(operation.node, "responses")):
            raise LeftOutError("it redirects, and the client follows no redirect")
        if not responses:
            self._notes.add(operation.pointer, "an operation without a successful response returns any JSON.")
            return Result(status=200, shape="value", schema={}, node={}, is_nullable=True, may_be_empty=True)
        results = [self._result(response, operation, owner) for response in responses]
        first = next((result for result in results if result.shape != "none"), results[0])
        valued = [result for result in results if result.shape != "none"]
        are_alike = len({(result.has_envelope, result.shape in ("object", "array", "value")) for result in valued}) == 1
        if all((one.shape, one.schema) == (first.shape, first.schema) for one in valued):
            pass
        elif are_alike and first.shape in ("object", "array", "value"):
            options = list({json.dumps(one.schema): one.schema for one in valued}.values())
            first = replace(
                first,
                shape="value",
                schema={"anyOf": options},
                is_nullable=any(one.is_nullable for one in valued),
                by_status=tuple((one.status, one.schema) for one in valued),
            )
        else:
            self._notes.add(operation.pointer, "its successful responses differ; the first one is read.")
        if any(result.shape == "none" for result in results) and first.shape in ("object", "array", "page", "value"):
            return replace(first, shape="value", is_nullable=True, may_be_empty=True)
        return first

    def _successes(self, operation: Operation) -> list[_Response]:
        responses = entries(operation.node, "responses")
        good = [status for status in responses if status[:1] == "2"] or [status for status in responses if status == "default"]
        return [self._success(responses[status], status, nested(operation.pointer, "responses", status)) for status in good]

    def _success(self, given: object, status: str, pointer: str) -> _Response:
        node, place = self._references.follow(given, pointer) if is_object(given) else ({}, pointer)
        content = entries(node, "content")
        media = next(filter(is_json, content), "") or next(iter(content), "")
        others = [essence(one) for one in content if one != media and essence(one) in _ALTERNATIVES] if is_json(media) else []
        text = next(iter(others), None)
        text = str(node["x-cstar-text"]).lower() if "x-cstar-text" in node else text
        number = int(status) if status.isdecimal() else 0
        return _Response(status=number, node=node, pointer=place, media=media, text=text)

    def _schema(self, response: _Response) -> tuple[Node, str]:
        schema = entries(entries(response.node, "content"), response.media).get("schema", {})
        return (schema if is_object(schema) else {}), nested(response.pointer, "content", response.media, "schema")

    def _data(self, response: _Response) -> tuple[Node, str] | None:
        """Return the schema of `data` with its pointer; None for a response without an envelope."""
        node, place = self._references.resolve(*self._schema(response))
        flat = self._schemas.flat(node, place)
        properties = entries(flat, "properties")
        is_envelope = "data" in properties and ("data" in flat.get("required", ()) or len(properties) > 1)
        unknown = properties.keys() - ENVELOPE_FIELDS
        if not is_envelope or (unknown and (not self._document.is_sdk or len(properties) - len(unknown) < 2)):
            return None
        for name in sorted(unknown):
            self._notes.add(nested(place, "properties", name), f"the client does not read `{name}` of the envelope.")
        data = properties["data"]
        return (data if is_object(data) else {}), nested(place, "properties", "data")

    def _result(self, response: _Response, operation: Operation, owner: str) -> Result:
        if not response.media:
            return Result(status=response.status, shape="none", schema={}, node=response.node)
        if is_items(response.media):
            return self._items(response, owner)
        if not is_json(response.media):
            shape: Shape = "text" if is_text(response.media) else "bytes"
            return Result(status=response.status, shape=shape, schema={}, node=response.node, text=essence(response.media))
        data = self._data(response) if self._has_envelope else None
        is_read = operation.method == "get"
        if is_read and (page := self._page(response, operation, owner, has_envelope=data is not None)):
            return page
        node, pointer = data or self._schema(response)
        name = f"{owner}Response" if pointer.startswith("#/paths/") else names.class_of(pointer.split("/")[3])
        schema = self._schemas.value(node, pointer, name)
        options, is_nullable = alternatives(schema)
        inner = options[0] if len(options) == 1 and is_nullable else schema
        shape = self._shape(inner, has_envelope=data is not None)
        is_part = is_read and data is None and self._pagination.is_suspect(operation)
        if is_part and (shape == "array" or (shape == "object" and self._has_array(inner))):
            self._notes.add(
                operation.pointer, "the way to the other pages of this list is not known; the call returns the first one."
            )
        return Result(
            status=response.status,
            shape=shape,
            is_part=is_part,
            may_be_empty=response.node.get("x-cstar-may-be-empty") is True,
            schema=inner if self._schemas.is_object(inner) else schema,
            node=response.node,
            has_envelope=data is not None,
            is_nullable=is_nullable,
            text=None if is_read and shape == "array" else response.text,
        )

    def _items(self, response: _Response, owner: str) -> Result:
        """Parse a stream. Its schema is that of an item; events without one for their data stay events."""
        media: Node = entries(response.node, "content")[response.media]
        keyword = "itemSchema" if is_object(media.get("itemSchema")) else "schema"
        node, pointer = media.get(keyword, {}), nested(response.pointer, "content", response.media, keyword)
        target, place = self._references.resolve(node, pointer) if is_object(node) else ({}, pointer)
        flat = self._schemas.flat(target, place)
        is_event = essence(response.media) == EVENT_STREAM
        if keyword == "schema" and "array" in types_of(flat):
            node, pointer = flat.get("items", {}), nested(place, "items")
        elif is_event and keyword == "itemSchema" and "data" in entries(flat, "properties"):
            data = entries(flat, "properties")["data"]
            node = entries(data, "contentSchema") if is_object(data) else {}
            pointer = nested(place, "properties", "data", "contentSchema")
        elif types_of(flat) == ["string"]:
            node = {}
        schema = self._schemas.value(node, pointer, f"{owner}Item") if node else {}
        return Result(
            status=response.status,
            shape="items",
            schema=schema,
            node=response.node,
            text=essence(response.media),
            has_events=is_event and not schema,
        )

    def _page(self, response: _Response, operation: Operation, owner: str, *, has_envelope: bool) -> Result | None:
        """Return the result if it is a page of a list whose other pages the client can request."""
        body, pointer = self._schema(response)
        found = self._pagination.find(operation, body, pointer, entries(response.node, "headers"))
        if found is None:
            return None
        name = f"{owner}Response" if found.pointer.startswith("#/paths/") else names.class_of(found.pointer.split("/")[3])
        schema = self._schemas.value(found.items, found.pointer, name)
        options, _ = alternatives(entries(schema, "items"))
        schema = {**schema, "items": options[0]} if len(options) == 1 else schema
        if not self._schemas.is_object(entries(schema, "items")):
            self._notes.add(operation.pointer, "the pages of this list have items that are no objects of one kind.")
            return None
        arguments = found.arguments
        stated = found.read - {("data",)}
        if (
            has_envelope
            and (stated or self._document.is_sdk)
            and stated <= _PAGINATION_PATHS
            and arguments.get("kind", "page") == "page"
        ):
            arguments = {key: value for key, value in arguments.items() if not isinstance(value, tuple)}
        elif not has_envelope:
            for field in found.ignored:
                self._notes.add(found.pointer, f"the client does not read `{field}` of a page.")
        return Result(
            status=response.status,
            shape="page",
            schema=schema,
            node=response.node,
            has_envelope=has_envelope,
            paging={key: value for key, value in arguments.items() if key not in _CSTAR_PAGES or value != _CSTAR_PAGES[key]},
        )

    def _has_array(self, schema: Node) -> bool:
        target = self._schemas.components[schema_named(schema["$ref"])] if "$ref" in schema else schema
        return any(types_of(one) == ["array"] for one in entries(target, "properties").values())

    def _shape(self, schema: Node, *, has_envelope: bool) -> Shape:
        if self._schemas.is_object(schema):
            is_deleted = has_envelope and "$ref" in schema and schema_named(schema["$ref"]) == "Deleted"
            return "deleted" if is_deleted else "object"
        if types_of(schema) != ["array"] or not self._schemas.is_object(entries(schema, "items")):
            return "value"
        return "array"
