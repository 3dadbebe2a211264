"""Check the version of the document, its keys, its references and its tags."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from codegen.errors import ProblemCollector
from codegen.spec.document import METHODS, Document, Node, child_pointer, entries, is_object, items, references_in
from codegen.spec.vocabulary import ACTIONS, ALLOWED_KEYS, EVIDENCE, EXTENSION_TYPES, FAKE_KEYS

_TYPE_NAMES = {str: "a string", bool: "a boolean", dict: "a mapping", list: "a list"}
_CHOICES = {"x-evidence": EVIDENCE, "x-cstar-action": ACTIONS}


class Part(NamedTuple):
    """An object of the document, with its kind in OpenAPI."""

    kind: str
    pointer: str
    node: Node


def inspect(document: Document, problems: ProblemCollector) -> None:
    """Check what can be checked without following references."""
    _inspect_version(document, problems)
    for part in parts_of(document):
        _check_known_keys(part, ALLOWED_KEYS[part.kind], problems)
        _check_value_types(part, problems)
    _inspect_references(document, problems)
    _inspect_tags(document, problems)


def inspect_overlay(document: Document, overlaid: Document, problems: ProblemCollector) -> None:
    """Check that the overlay of the fake server adds only its extensions."""
    known = {part.pointer for part in parts_of(document)}
    for part in parts_of(overlaid):
        if part.pointer not in known:
            problems.add(part.pointer, "the overlay of the fake server extends something that the document does not have.")
            continue
        _check_known_keys(part, ALLOWED_KEYS[part.kind] | FAKE_KEYS.get(part.kind, frozenset()), problems)
        _check_value_types(part, problems)
    for operation in overlaid.operations:
        names = {parameter.name for parameter in operation.parameters}
        for key in ("x-cstar-filter", "x-cstar-expand", "x-cstar-sort"):
            for name in entries(operation.node, key).keys() - names:
                problems.add(operation.pointer, f"`{key}` names `{name}`, which is not a parameter.")


def _inspect_version(document: Document, problems: ProblemCollector) -> None:
    version = str(document.raw.get("openapi"))
    if not version.startswith("3.1."):
        problems.add("#/openapi", f"the document must be OpenAPI 3.1, got {version}.")


def _check_known_keys(part: Part, known: frozenset[str], problems: ProblemCollector) -> None:
    if part.kind == "path item" and "$ref" in part.node:
        problems.add(part.pointer, "a path item given by $ref loses all its operations; write them here.")
        return
    for key in part.node:
        if key in known:
            continue
        if key.startswith("x-"):
            problems.add(part.pointer, f"no {part.kind} has the extension `{key}`; is it misspelt?")
        else:
            problems.add(part.pointer, f"the generator would ignore `{key}` of this {part.kind}.")


def _check_value_types(part: Part, problems: ProblemCollector) -> None:
    for key, value in part.node.items():
        form = EXTENSION_TYPES.get(key)
        if form is not None and not isinstance(value, form):
            problems.add(part.pointer, f"`{key}` must be {_TYPE_NAMES[form]}, got {value!r}.")
        elif key in ("x-source", "description", "summary") and not value.strip():
            problems.add(part.pointer, f"`{key}` must not be empty.")
        elif key in _CHOICES and value not in _CHOICES[key]:
            problems.add(part.pointer, f"`{key}` must be one of {', '.join(_CHOICES[key])}, got `{value}`.")


def _inspect_references(document: Document, problems: ProblemCollector) -> None:
    for reference, pointer in references_in(document.raw, "#"):
        if not reference.startswith("#/components/"):
            problems.add(pointer, f"the $ref `{reference}` does not lead to a component of this document.")
        elif (target := document.at(reference)) is None:
            problems.add(pointer, f"the $ref `{reference}` leads nowhere.")
        elif is_object(target) and "$ref" in target:
            problems.add(pointer, f"the $ref `{reference}` leads to another $ref; refer to the thing itself.")


def _inspect_tags(document: Document, problems: ProblemCollector) -> None:
    names = [tag.get("name", "") for tag in items(document.raw, "tags")]
    for index, tag in enumerate(items(document.raw, "tags")):
        name, pointer = tag.get("name", ""), child_pointer("#/tags", str(index))
        if not tag.get("description"):
            problems.add(pointer, f"the tag `{name}` has no description.")
        if name in names[:index]:
            problems.add(pointer, f"the tag `{name}` is declared twice.")


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
        pointer = child_pointer("#/webhooks", name)
        yield Part("path item", pointer, item)
        if "post" in item:
            yield from _in_operation(item["post"], child_pointer(pointer, "post"), kind="event")
    yield Part("components", "#/components", document.components)
    for kind, parts_in in _COMPONENTS.items():
        for name, node in entries(document.components, kind).items():
            yield from _in(parts_in, node, child_pointer("#/components", kind, name))


def _in(parts_in: Callable[[Any, str], Iterator[Part]], node: Any, pointer: str) -> Iterator[Part]:
    """Yield the parts of an object, or the reference to it."""
    if not is_object(node):
        return
    if "$ref" in node:
        yield Part("reference", pointer, node)
    else:
        yield from parts_in(node, pointer)


def _in_path_item(item: Node, pointer: str) -> Iterator[Part]:
    yield Part("path item", pointer, item)
    for index, parameter in enumerate(items(item, "parameters")):
        yield from _in(_in_parameter, parameter, child_pointer(pointer, "parameters", str(index)))
    for method in (key for key in item if key in METHODS):
        yield from _in_operation(item[method], child_pointer(pointer, method))


def _in_operation(operation: Node, pointer: str, kind: str = "operation") -> Iterator[Part]:
    yield Part(kind, pointer, operation)
    for index, parameter in enumerate(items(operation, "parameters")):
        yield from _in(_in_parameter, parameter, child_pointer(pointer, "parameters", str(index)))
    yield from _in(_in_request_body, operation.get("requestBody"), child_pointer(pointer, "requestBody"))
    for status, response in entries(operation, "responses").items():
        yield from _in(_in_response, response, child_pointer(pointer, "responses", status))


def _in_parameter(parameter: Node, pointer: str) -> Iterator[Part]:
    yield Part("parameter", pointer, parameter)
    yield from _in(_in_schema, parameter.get("schema"), child_pointer(pointer, "schema"))


def _in_request_body(body: Node, pointer: str) -> Iterator[Part]:
    yield Part("request body", pointer, body)
    yield from _in_content(body, pointer)


def _in_response(response: Node, pointer: str) -> Iterator[Part]:
    yield Part("response", pointer, response)
    yield from _in_content(response, pointer)
    for name, header in entries(response, "headers").items():
        yield from _in(_in_header, header, child_pointer(pointer, "headers", name))


def _in_header(header: Node, pointer: str) -> Iterator[Part]:
    yield Part("header", pointer, header)
    yield from _in(_in_schema, header.get("schema"), child_pointer(pointer, "schema"))


def _in_content(owner: Node, pointer: str) -> Iterator[Part]:
    for content_type, media in entries(owner, "content").items():
        pointer = child_pointer(pointer, "content", content_type)
        yield Part("media type", pointer, media)
        yield from _in(_in_schema, media.get("schema"), child_pointer(pointer, "schema"))


def _in_schema(schema: Node, pointer: str) -> Iterator[Part]:
    yield Part("schema", pointer, schema)
    for name, node in entries(schema, "properties").items():
        yield from _in(_in_schema, node, child_pointer(pointer, "properties", name))
    for key in ("items", "additionalProperties"):
        yield from _in(_in_schema, schema.get(key), child_pointer(pointer, key))
    for key in ("allOf", "oneOf"):
        for index, node in enumerate(items(schema, key)):
            yield from _in(_in_schema, node, child_pointer(pointer, key, str(index)))


_COMPONENTS: dict[str, Callable[[Any, str], Iterator[Part]]] = {
    "schemas": _in_schema,
    "parameters": _in_parameter,
    "responses": _in_response,
    "requestBodies": _in_request_body,
    "headers": _in_header,
}
