"""List the objects of a document, with their kinds in OpenAPI. Examples and other values of the API are not listed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from codegen.spec.document import METHODS, Document, Node, child_pointer, entries, is_object, items


class Part(NamedTuple):
    """An object of the document, with its kind in OpenAPI."""

    kind: str
    pointer: str
    node: Node
    target: str = ""
    """For a reference: the kind of component that it must lead to, such as `schemas`."""


def parts_of(document: Document) -> Iterator[Part]:
    """Yield each object of the document whose keys are checked."""
    raw = document.raw
    yield Part("document", "#", raw)
    yield Part("info", "#/info", entries(raw, "info"))
    for kind in ("servers", "tags"):
        for index, node in enumerate(items(raw, kind)):
            yield Part(kind.removesuffix("s"), child_pointer("#", kind, str(index)), node)
    for path, item in entries(raw, "paths").items():
        yield from _in_path_item(item, child_pointer("#/paths", path))
    for name, item in entries(raw, "webhooks").items():
        yield from _in_path_item(item, child_pointer("#/webhooks", name), kind="event")
    yield Part("components", "#/components", document.components)
    for kind, parts_in in _COMPONENTS.items():
        for name, node in entries(document.components, kind).items():
            yield from _in(kind, node, child_pointer("#/components", kind, name), parts_in)


def _in(target: str, node: Any, pointer: str, parts_in: Callable[[Any, str], Iterator[Part]] | None = None) -> Iterator[Part]:
    """Yield the parts of an object, or the reference to it."""
    if not is_object(node):
        return
    if "$ref" in node:
        yield Part("reference", pointer, node, target)
    else:
        yield from (parts_in or _COMPONENTS[target])(node, pointer)


def _in_path_item(item: Node, pointer: str, kind: str = "operation") -> Iterator[Part]:
    if not is_object(item):
        return
    yield Part("path item", pointer, item)
    for index, parameter in enumerate(items(item, "parameters")):
        yield from _in("parameters", parameter, child_pointer(pointer, "parameters", str(index)))
    for method in (key for key in item if key in METHODS and is_object(item[key])):
        yield from _in_operation(item[method], child_pointer(pointer, method), kind)


def _in_operation(operation: Node, pointer: str, kind: str) -> Iterator[Part]:
    yield Part(kind, pointer, operation)
    for index, parameter in enumerate(items(operation, "parameters")):
        yield from _in("parameters", parameter, child_pointer(pointer, "parameters", str(index)))
    yield from _in("requestBodies", operation.get("requestBody"), child_pointer(pointer, "requestBody"))
    for status, response in entries(operation, "responses").items():
        yield from _in("responses", response, child_pointer(pointer, "responses", status))


def _in_parameter(parameter: Node, pointer: str) -> Iterator[Part]:
    yield Part("parameter", pointer, parameter)
    yield from _in("schemas", parameter.get("schema"), child_pointer(pointer, "schema"))
    yield from _in_content(parameter, pointer)


def _in_request_body(body: Node, pointer: str) -> Iterator[Part]:
    yield Part("request body", pointer, body)
    yield from _in_content(body, pointer)


def _in_response(response: Node, pointer: str) -> Iterator[Part]:
    yield Part("response", pointer, response)
    yield from _in_content(response, pointer)
    for name, header in entries(response, "headers").items():
        yield from _in("headers", header, child_pointer(pointer, "headers", name))


def _in_header(header: Node, pointer: str) -> Iterator[Part]:
    yield Part("header", pointer, header)
    yield from _in("schemas", header.get("schema"), child_pointer(pointer, "schema"))


def _in_nothing(node: Any, pointer: str) -> Iterator[Part]:  # noqa: ARG001  # as the functions beside it
    """Yield nothing: the keys of such an object are not checked."""
    return iter(())


def _in_content(owner: Node, pointer: str) -> Iterator[Part]:
    for content_type, media in entries(owner, "content").items():
        place = child_pointer(pointer, "content", content_type)
        yield Part("media type", place, media)
        yield from _in("schemas", media.get("schema"), child_pointer(place, "schema"))


def _in_schema(schema: Node, pointer: str) -> Iterator[Part]:
    yield Part("schema", pointer, schema)
    for name, node in entries(schema, "properties").items():
        yield from _in("schemas", node, child_pointer(pointer, "properties", name))
    for key in ("items", "additionalProperties"):
        yield from _in("schemas", schema.get(key), child_pointer(pointer, key))
    for key in ("allOf", "oneOf", "anyOf"):
        for index, node in enumerate(items(schema, key)):
            yield from _in("schemas", node, child_pointer(pointer, key, str(index)))


_COMPONENTS: dict[str, Callable[[Any, str], Iterator[Part]]] = {
    "schemas": _in_schema,
    "parameters": _in_parameter,
    "responses": _in_response,
    "requestBodies": _in_request_body,
    "headers": _in_header,
    "securitySchemes": _in_nothing,
}
