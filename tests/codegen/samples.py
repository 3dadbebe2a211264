"""Values for the schemas of a document, and the requests that its parameters describe."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from codegen.spec.document import Document, Node

_TEXTS = {
    "date-time": "2026-03-01T10:00:00Z",
    "date": "2026-03-01",
    "time": "10:00:00Z",
    "uuid": "0b0f2c4e-7a1d-4f6e-9a35-1c1b2d3e4f50",
    "uri": "https://example.com/a?b=c",
    "url": "https://example.com/a?b=c",
    "email": "a@example.com",
    "ipv4": "127.0.0.1",
    "byte": "aGk=",
}
_MAX_DEPTH = 4


class Samples:
    """Makes a value of each schema, straight from the document: the first of all choices, with all fields near the surface."""

    def __init__(self, raw: Node) -> None:
        self._document = Document(raw)

    def resolved(self, node: Any) -> Node:
        """Return the target of a node."""
        for _ in range(20):
            if not isinstance(node, dict) or "$ref" not in node:
                break
            beside = {key: value for key, value in node.items() if key != "$ref" and value != {}}
            node = {**(self._document.at(node["$ref"]) or {}), **beside}
        return node if isinstance(node, dict) else {}

    def of(self, given: Any, depth: int = 0, tag: tuple[str, str] | None = None) -> Any:
        """Return a value of a schema; *tag* is the discriminator that it must have."""
        schema = self.resolved(given)
        parts = [self.of(part, depth, tag) for part in schema.get("allOf", ())]
        if parts and not all(isinstance(part, dict) for part in parts):
            whole = [
                part for part, node in zip(parts, schema["allOf"], strict=True) if self.resolved(node).keys() - {"description"}
            ]
            return whole[0] if whole else parts[0]
        merged = {key: value for part in parts for key, value in part.items()}
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return next((value for value in schema["enum"] if value is not None), None)
        for keyword in ("oneOf", "anyOf"):
            options = [option for option in schema.get(keyword, ()) if self.resolved(option).get("type") != "null"]
            if options:
                return self._option(schema, keyword, options[0], merged, depth)
        types = schema.get("type", [])
        kinds = [kind for kind in ([types] if isinstance(types, str) else types) if kind != "null"]
        kind = kinds[0] if kinds else self._implied(schema)
        if kind == "object" or parts:
            return {**merged, **self._object(schema, depth), **({tag[0]: tag[1]} if tag else {})}
        if kind == "array":
            return [self.of(schema.get("items", {}), depth + 1)] if depth < _MAX_DEPTH else []
        plain: dict[str, Any] = {"integer": 3, "number": 1.5, "boolean": True, "null": None}
        return plain[kind] if kind in plain else _TEXTS.get(str(schema.get("format")), "a b/c?é")

    def _implied(self, schema: Node) -> str:
        return (
            "object"
            if schema.get("properties") or schema.get("additionalProperties")
            else "array"
            if "items" in schema
            else "string"
        )

    def _option(self, schema: Node, keyword: str, option: Any, merged: Node, depth: int) -> Any:
        discriminator, name = schema.get("discriminator"), str(option.get("$ref", "")).rpartition("/")[2]
        tag = None
        if isinstance(discriminator, dict) and name:
            mapping = {target.rpartition("/")[2]: text for text, target in discriminator.get("mapping", {}).items()}
            tag = (str(discriminator["propertyName"]), mapping.get(name, name))
        value = self.of(option, depth + 1, tag)
        return {**merged, **self._object(schema, depth), **value} if isinstance(value, dict) else value

    def _object(self, schema: Node, depth: int) -> Node:
        required = schema.get("required", ())
        found: Node = {}
        for name, node in schema.get("properties", {}).items():
            inner = self.resolved(node)
            if inner.get("writeOnly") is True or inner.get("readOnly") is True:
                continue
            if depth < 2 or (name in required and depth < _MAX_DEPTH):
                found[name] = self.of(node, depth + 1)
        others = schema.get("additionalProperties")
        if isinstance(others, dict) and others and not found and depth < _MAX_DEPTH:
            found["a key"] = self.of(others, depth + 1)
        return found


def path_of(template: str, values: dict[str, Any]) -> str:
    """Return a path with values in place of its parameters."""
    for name, value in values.items():
        text = {True: "true", False: "false"}.get(value, value) if isinstance(value, bool) else value
        text = ",".join(map(str, text)) if isinstance(text, list) else text
        template = template.replace(f"{{{name}}}", quote(str(text), safe=""))
    return template


def query_of(parameter: Node, value: Any) -> list[tuple[str, str]]:
    """Return the pairs of a parameter of the query, not encoded; what OpenAPI leaves open gives an empty list."""
    name, style = parameter["name"], parameter.get("style", "form")
    explode = parameter.get("explode", style == "form")
    if isinstance(value, list):
        if explode:
            return [(name, _text(item)) for item in value]
        separator = {"form": ",", "spaceDelimited": " ", "pipeDelimited": "|"}[style]
        return [(name, separator.join(map(_text, value)))]
    if isinstance(value, dict):
        if style == "deepObject":
            return [(f"{name}[{key}]", _text(item)) for key, item in value.items()]
        return [(key, _text(item)) for key, item in value.items()] if explode else []
    return [(name, _text(value))]


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
