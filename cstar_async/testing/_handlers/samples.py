"""Results for operations of which the document says nothing but the schema: made from that, and from the request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import orjson

from cstar_async._types import UntypedJSON, is_array, is_object
from cstar_async.testing._data.spec import Document, SchemaNode
from cstar_async.testing._errors import APIFailure
from cstar_async.testing._handlers.request import Call
from cstar_async.testing._http.responses import HandlerResult, PagePosition

_MAX_DEPTH: Final = 6
_FRAMES: Final[Mapping[str, tuple[str, str]]] = {"text/event-stream": ("data: ", "\n\n"), "application/json-seq": ("\x1e", "\n")}
"""What is before and after an item of a stream. JSON lines only end with a line break."""
_FORMATS: Final[Mapping[str, str]] = {
    "date": "2026-03-01",
    "email": "sample@example.com",
    "uri": "https://example.com",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


def return_schema_sample(call: Call) -> HandlerResult:
    """Return a value of the result's schema. Fields of the body, and the id in the path, have the values of the request.

    Raises:
        APIFailure: 501: the result has no schema.
    """
    operation, document = call.operation, call.database.document
    if operation.shape == "none":
        return HandlerResult(None)
    if operation.shape in ("text", "bytes"):
        return HandlerResult("sample", text_type=operation.text or "text/plain")
    if operation.shape == "deleted":
        return HandlerResult({"deleted": True, "id": list(call.path.values())[-1]})
    if operation.shape == "value" or (operation.result is None and operation.shape != "object"):
        raise cannot_serve(call)
    item: UntypedJSON = {}
    if operation.result is not None:
        item = _Sampler(document, call.at).value({"$ref": f"#/components/schemas/{operation.result}"})
    if is_object(item):
        known = document.properties(operation.result).keys() if operation.result is not None else frozenset[str]()
        item |= {name: value for name, value in call.body.items() if name in known}
        if "id" in known and len(call.path) > 1:
            item["id"] = list(call.path.values())[-1]
    if operation.shape == "items":
        start, end = _FRAMES.get(operation.text or "", ("", "\n"))
        text = orjson.dumps(item).decode()
        return HandlerResult(f"{start}{text}{end}", text_type=operation.text)
    if operation.shape == "page":
        return HandlerResult([item], PagePosition(1, 1, 1))
    return HandlerResult([item] if operation.shape == "array" else item)


def cannot_serve(call: Call) -> APIFailure:
    """Return the failure of an operation that the fake has no code for."""
    return APIFailure(501, "not_in_fake", f"The fake server cannot serve {call.operation.id}; nothing describes its result.")


class _Sampler:
    def __init__(self, document: Document, at: str) -> None:
        self._document = document
        self._formats = {**_FORMATS, "date-time": at}

    def value(self, node: SchemaNode, depth: int = 0) -> UntypedJSON:
        """Return a value of a schema: one that it names, or the simplest."""
        schema = self._document.resolved(node)
        values: UntypedJSON = [*(schema.get("examples") or ()), *(schema.get("enum") or ())]
        for key in ("const", "default"):
            if key in schema:
                return schema[key]
        if "discriminator" in schema:
            mapping: Mapping[str, str] = schema["discriminator"]["mapping"]
            tag, member = next(iter(mapping.items()))
            return {**self.value({"$ref": member}, depth + 1), schema["discriminator"]["propertyName"]: tag}
        return values[0] if values else self._of_type(schema, depth)

    def _of_type(self, schema: SchemaNode, depth: int) -> UntypedJSON:
        types: UntypedJSON = schema.get("type")
        match next((one for one in types if one != "null"), None) if is_array(types) else types:
            case "object":
                nodes: Mapping[str, SchemaNode] = schema.get("properties", {})
                return {name: self.value(inner, depth + 1) for name, inner in nodes.items()} if depth < _MAX_DEPTH else {}
            case "array":
                return [self.value(schema.get("items", {}), depth + 1)] if depth < _MAX_DEPTH else []
            case "string":
                return self._formats.get(schema.get("format", ""), "sample")
            case "integer" | "number":
                return schema.get("minimum", 1)
            case "boolean":
                return True
            case _:
                return None
