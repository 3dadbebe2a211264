"""Find the files in bodies: fields of `multipart/form-data`, or whole bodies of other types."""

from __future__ import annotations

from typing import Any

from codegen.parser.media import essence, is_json, is_text
from codegen.parser.references import References, nested
from codegen.spec.document import Node, entries, is_object
from codegen.spec.queries import FILE_MARK, alternatives, types_of

FILE: Node = {"type": "string", "format": "binary", FILE_MARK: True}  # frozen
"""The schema of a file in the form that the parser gives to schemas."""
_DEPTH = 5


def with_files(node: object, pointer: str, references: References, encoding: Node, depth: int = 0) -> Node | None:
    """Return the schema of a field of a form if it is a file, a list of files, or may be a file; otherwise None."""
    target, place = references.resolve(node, pointer) if is_object(node) else ({}, pointer)
    prose = {
        key: value for key, value in {**target, **(node if is_object(node) else {})}.items() if key in ("description", "deprecated")
    }
    if _is_file(target, str(encoding.get("contentType") or "")):
        return {**FILE, **prose, **({"type": ["string", "null"]} if _allows_null(target) else {})}
    if depth < _DEPTH and "array" in types_of(target):
        items = with_files(target.get("items"), nested(place, "items"), references, encoding, depth + 1)
        return {**prose, "type": "array", "items": items} if items else None
    options, _ = alternatives(target)
    found = [with_files(option, place, references, encoding, depth + 1) for option in options] if depth < _DEPTH else []
    if not any(found):
        return None
    return {**prose, "anyOf": [file or option for file, option in zip(found, options, strict=True)]}


def is_file(schema: Node) -> bool:
    """Return whether a field takes nothing but files."""
    return FILE_MARK in (entries(schema, "items") or schema)


def _is_file(schema: Node, content_type: str) -> bool:
    types = types_of(schema)
    if schema.get("format") in ("binary", "file"):
        return True
    if types not in ([], ["string"]) or alternatives(schema)[0] or schema.keys() & {"enum", "const", "properties", "allOf"}:
        return False
    media = content_type or str(schema.get("contentMediaType") or "")
    if media:
        is_encoded = schema.get("contentEncoding", "binary") != "binary"
        return not is_encoded and not is_json(media) and not is_text(media.partition(",")[0])
    # A value of any type is `application/octet-stream`.
    return not schema.keys() - {"description", "title", "examples", "example", "nullable", "deprecated"} and not types


def _allows_null(schema: Node) -> bool:
    given: Any = schema.get("type")
    return schema.get("nullable") is True or (isinstance(given, list) and "null" in given)


def content_types(encodings: Node, properties: Node) -> dict[str, str]:
    """Return the content types that the document states for fields of a form."""
    stated = {wire: str(node["contentType"]) for wire, node in encodings.items() if is_object(node) and node.get("contentType")}
    return {wire: media for wire, media in stated.items() if wire in properties and essence(media)}
