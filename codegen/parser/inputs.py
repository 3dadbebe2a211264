"""Give schemas of both bodies and results a class of their own for bodies.

In a response, null and an absent field have None in common. In a body they differ, and the fields that the server sets are missing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from codegen.naming import ClassNames
from codegen.parser.schemas import COMPONENTS, INPUT
from codegen.spec.document import Body, Document, Node, Operation, entries, is_list, is_object, items, schema_named
from codegen.spec.queries import READ_AS, UNION_RULES, alternatives, is_free_object, is_model, union_members

_ANY_OBJECT: Node = {"type": "object", "additionalProperties": True}


def separate_inputs(document: Document, class_names: ClassNames) -> None:
    """Add classes that only bodies have to a document, and let the bodies of its operations be of them."""
    document.operations = _Inputs(document, class_names).operations()


class _Inputs:
    def __init__(self, document: Document, class_names: ClassNames) -> None:
        self._document = document
        self._schemas = document.schemas
        self._class_names = class_names
        self._places = {name: place for place, name in class_names.chosen.items()}
        results = [operation.result.schema for operation in document.operations]
        read = document.reachable_schemas([*results, *(event.data for event in document.events)])
        self._read = {name: None for name in read if name in self._schemas}
        sent = document.reachable_schemas([operation.body.schema for operation in document.operations if operation.body])
        self._sent = [name for name in sent if name in self._schemas]
        self._own: dict[tuple[str, bool], str] = {}
        """The class for bodies of each schema, and whether it has no required field."""
        self._differing = self._find_differing()

    def operations(self) -> tuple[Operation, ...]:
        found = tuple(map(self._with_own_body, self._document.operations))
        for name in self._sent:
            if name not in self._read:
                self._schemas[name] = self._referring(self._schemas[name])
        for name in self._read:
            self._schemas[name] = _without(self._schemas[name], "writeOnly")
        for name in self._read:
            if self._has_member_without_class(self._schemas[name]):
                self._schemas[name] = _ANY_OBJECT
        for (name, _), own in self._own.items():
            if name in self._read and not is_free_object(self._schemas[name]):
                self._schemas[own] = {**self._schemas[own], READ_AS: name}
        return found

    def _has_member_without_class(self, schema: Node) -> bool:
        is_joined = bool({"discriminator", UNION_RULES} & schema.keys())
        return is_joined and any(is_free_object(self._schemas[member]) for member in union_members(schema))

    def _find_differing(self) -> set[str]:
        """Return the schemas of bodies and results that need two classes, and those that refer to one of them."""
        shared = [name for name in self._sent if name in self._read]
        found = {name for name in shared if _has_two_forms(self._schemas[name])}
        while more := [name for name in shared if name not in found and found & self._references(name)]:
            found |= set(more)
        return found

    def _references(self, name: str) -> set[str]:
        return set(_targets_in(self._schemas[name]))

    def _with_own_body(self, operation: Operation) -> Operation:
        body = operation.body
        if body is None:
            return operation
        name = schema_named(body.schema["$ref"]) if body.has_fields else ""
        may_be_left_out = not body.is_required and bool(items(self._schemas.get(name, {}), "required"))
        if not name or (name not in self._read and not may_be_left_out):
            return replace(operation, body=replace(body, schema=self._referring(body.schema)))
        if not entries(_without(self._schemas[name], "readOnly"), "properties"):
            return replace(operation, body=replace(body, schema=_ANY_OBJECT, has_fields=False))
        own = self._own_class(name, may_be_left_out=may_be_left_out)
        changed: Body = replace(body, schema={**body.schema, "$ref": f"{COMPONENTS}/{own}"}, may_be_left_out=may_be_left_out)
        return replace(operation, body=changed)

    def _own_class(self, name: str, *, may_be_left_out: bool = False) -> str:
        key = (name, may_be_left_out)
        if key not in self._own:
            kind = "Optional" if may_be_left_out else ""
            place = f"{self._places[name]}{INPUT}{kind}"
            own = self._own[key] = self._class_names.add(f"{name}{kind}Input", place)
            writable = _without(self._schemas[name], "readOnly")
            schema: Node = {**writable, "required": []} if may_be_left_out else writable
            self._document.places[own] = self._document.place_of(name)
            self._schemas[own] = schema  # before its properties, which may refer to it
            self._schemas[own] = self._referring(schema)
        return self._own[key]

    def _referring(self, node: Any) -> Any:
        """Return a part of a schema that refers to the classes for bodies."""
        if is_list(node):
            return [self._referring(item) for item in node]
        if not is_object(node):
            return node
        target = schema_named(str(node.get("$ref", "")))
        if target in self._differing:
            return {**node, "$ref": f"{COMPONENTS}/{self._own_class(target)}"}
        found = {key: self._referring(value) if key in _SCHEMAS else value for key, value in node.items()}
        if "properties" in node:
            found["properties"] = {wire: self._referring(inner) for wire, inner in entries(node, "properties").items()}
        if mapping := entries(entries(node, "discriminator"), "mapping"):
            mapped = {tag: self._referring({"$ref": reference})["$ref"] for tag, reference in mapping.items()}
            found["discriminator"] = {**node["discriminator"], "mapping": mapped}
        return _ANY_OBJECT if self._has_member_without_class(found) else found


_SCHEMAS = frozenset({"items", "additionalProperties", "oneOf", "anyOf"})


def _has_two_forms(schema: Node) -> bool:
    if not is_model(schema):
        return False
    required = items(schema, "required")
    return any(
        node.get("readOnly") is True or node.get("writeOnly") is True or (wire not in required and alternatives(node)[1])
        for wire, node in entries(schema, "properties").items()
    )


def _without(schema: Node, word: str) -> Node:
    """Return a model without the properties that have a word: those that only the server or only the client sets."""
    if not is_model(schema):
        return schema
    properties = {wire: node for wire, node in entries(schema, "properties").items() if node.get(word) is not True}
    if len(properties) == len(entries(schema, "properties")):
        return schema
    if not properties:
        return {**_ANY_OBJECT, **{key: value for key, value in schema.items() if key == "description"}}
    return {**schema, "properties": properties, "required": [wire for wire in items(schema, "required") if wire in properties]}


def _targets_in(schema: Node) -> Iterable[str]:
    for key, value in schema.items():
        if key == "properties":
            for node in value.values():
                yield from _targets_in(node)
        elif key == "$ref":
            yield schema_named(value)
        elif key in _SCHEMAS:
            for node in value if is_list(value) else [value]:
                if is_object(node):
                    yield from _targets_in(node)
