"""Accept what is not quite legal, but clear: null for an absent keyword, schemas that are booleans, numbers as versions."""

from __future__ import annotations

from typing import Any

from codegen.errors import CodegenError, NoteCollector, Problem
from codegen.parser.references import nested
from codegen.spec.document import Node, entries, is_list, is_object

_VALUES = frozenset({"default", "const", "enum", "example", "examples"})
"""The keywords for values of the API, which stay as they are."""
_NAMED = frozenset(
    {"properties", "patternProperties", "$defs", "schemas", "paths", "webhooks", "responses", "parameters", "headers", "content"}
    | {"requestBodies", "securitySchemes", "pathItems", "variables", "mapping", "callbacks", "links", "scopes"}
)
"""The keywords for objects whose keys are names."""
_EXTENSIBLE = frozenset({"paths", "responses"})
"""Those of them that may have extensions among the names."""
_SCHEMAS = frozenset({"properties", "schemas"})
_SCHEMA = frozenset({"items", "schema", "not"})
_OPTIONS = frozenset({"allOf", "oneOf", "anyOf"})
_STRUCTURE = _OPTIONS | {"properties", "additionalProperties", "items", "enum"}
"""The keywords that make a schema another one than that of the `$ref` beside them. In OpenAPI 3.0, they are passed over."""


def cleaned(raw: Node, notes: NoteCollector) -> Node:
    """Return a document without such things. Raises `CodegenError` if it is not OpenAPI 3."""
    if "swagger" in raw:
        raise CodegenError([Problem("#/swagger", "the document is Swagger 2.0; convert it to OpenAPI 3.0 or 3.1 first.")])
    if raw.get("openapi") is None:
        raise CodegenError([Problem("#", "the document has no `openapi`; it must be OpenAPI 3.0 or 3.1, and say so.")])
    version = str(raw["openapi"])
    if not version.startswith("3."):
        raise CodegenError([Problem("#/openapi", f"the document must be OpenAPI 3.0 or 3.1, got {version}.")])
    if not version.startswith(("3.0", "3.1")):
        notes.add("#/openapi", f"the version {version} is read as 3.1.")
        version = "3.1.0"
    cleaner = _Cleaner(notes, extends_references=not version.startswith("3.0"))
    result: Node = cleaner.value({**raw, "openapi": version if version.count(".") > 1 else f"{version}.0"}, "#", "")
    info = entries(result, "info")
    if is_object(info) and isinstance(info.get("version"), int | float):
        info["version"] = str(info["version"])
    return result


class _Cleaner:
    def __init__(self, notes: NoteCollector, *, extends_references: bool) -> None:
        self._notes = notes
        self._extends_references = extends_references

    def value(self, value: Any, pointer: str, keyword: str) -> Any:
        """Return a value of the document; *keyword* is its key, or empty for the value of a name."""
        if is_object(value):
            return self._named(value, pointer, keyword) if keyword in _NAMED else self._object(value, pointer)
        if not is_list(value):
            return value
        found = [self.value(inner, nested(pointer, index), "") for index, inner in enumerate(value)]
        return [self._schema(inner, pointer) for inner in found] if keyword in _OPTIONS else found

    def _object(self, node: Node, pointer: str) -> Node:
        found: Node = {}
        for key, inner in node.items():
            if key == "enum" and inner == []:
                self._notes.add(pointer, "an empty `enum` is passed over.")
            elif key in _VALUES or key.startswith("x-"):
                found[key] = inner
            elif key == "type" and is_list(inner) and inner and all(isinstance(one, str) for one in inner):
                types = list(dict.fromkeys(inner))  # overlays append to the list
                found[key] = types if len(types) > 1 else types[0]
            elif inner is None:
                self._notes.add(nested(pointer, key), f"`{key}` is null; it is passed over.")
            else:
                cleaned_value = self.value(inner, nested(pointer, key), key)
                found[key] = self._schema(cleaned_value, nested(pointer, key)) if key in _SCHEMA else cleaned_value
        if is_list(texts := found.get("x-enum-descriptions")) and is_list(found.get("enum")):
            found["x-enum-descriptions"] = dict(zip(map(str, found["enum"]), texts, strict=False))  # as others write it
        if self._extends_references and isinstance(found.get("$ref"), str) and _STRUCTURE & found.keys():
            options = found.get("allOf")
            found["allOf"] = [*(options if is_list(options) else []), {"$ref": found.pop("$ref")}]
        return found

    def _named(self, node: Node, pointer: str, keyword: str) -> Node:
        found: Node = {}
        for name, inner in node.items():
            if inner is None or (keyword in _EXTENSIBLE and name.startswith("x-")):
                self._notes.add(nested(pointer, name), f"`{name}` is passed over; it has no content that the generator reads.")
                continue
            cleaned_value = self.value(inner, nested(pointer, name), "")
            found[name] = self._schema(cleaned_value, nested(pointer, name)) if keyword in _SCHEMAS else cleaned_value
        return found

    def _schema(self, value: Any, pointer: str) -> Any:
        if isinstance(value, bool):
            self._notes.add(pointer, "a schema that is a boolean is read as any JSON.")
            return {}
        return value
