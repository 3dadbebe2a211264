"""Carry over what only the present document says: names, evidence, texts, and every other extension."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from codegen.adopt.paths import Location, location_of, update, value_at
from codegen.spec.document import METHODS, Document, Node, Operation, entries, is_list, is_object, items

_TEXTS = ("summary", "description", "examples")
"""Keys for readers, which are carried over if the new document has none."""
_MAPS = frozenset({"properties", "responses", "content", "headers", "parameters", "schemas", "requestBodies", "securitySchemes"})
"""Keys of objects whose keys are names, not words."""
_BY_INDEX = ("allOf", "oneOf", "anyOf")


class Carrier:
    """Compares the nodes of two documents, and collects the actions of an overlay for the new one.

    Args:
        present: The present document.
        new: The new one.
        classes: The names of schemas in the new one, where they differ.
        keeps_texts: Whether the present summaries and descriptions replace those of the new one.
    """

    def __init__(self, present: Node, new: Node, classes: Mapping[str, str], *, keeps_texts: bool) -> None:
        self._present, self._new = Document(present), Document(new)
        self._classes = classes
        self._keeps_texts = keeps_texts
        self.differing_texts = 0
        self.actions: list[Node] = []
        self._seen: set[Location] = set()

    def tags(self) -> None:
        """Put the namespaces, which are the tags of the present document, in the place of all tags."""
        if any("tags" in operation.node for operation in self._new.operations):
            self.actions.append({"target": "$.paths[*][*].tags", "remove": True})
        if "tags" in self._new.raw:
            self.actions.append({"target": "$.tags", "remove": True})
        self.actions.append(update((), {"tags": items(self._present.raw, "tags")}))

    def operation(self, one: Operation, other: Operation) -> None:
        """Carry over the words of an operation, and those of its path."""
        location: Location = ("paths", other.path, other.method)
        found: Node = {"tags": one.node["tags"]} if "tags" in one.node else {}
        found |= {"operationId": one.id} if one.id != other.id else {}
        self._add(location, found | self._node(one.node, other.node, location))
        old_item, new_item = (entries(entries(document.raw, "paths"), path) for document, path in self._paths(one, other))
        shared = {key: value for key, value in old_item.items() if key not in METHODS}
        self._visit(shared, {key: value for key, value in new_item.items() if key not in METHODS}, ("paths", other.path))

    def _paths(self, one: Operation, other: Operation) -> tuple[tuple[Document, str], tuple[Document, str]]:
        return (self._present, one.path), (self._new, other.path)

    def components(self) -> None:
        """Carry over the words of all components that both documents have."""
        for kind, nodes in self._present.components.items():
            for name, node in nodes.items():
                location: Location = ("components", kind, self._classes.get(name, name) if kind == "schemas" else name)
                if is_object(known := value_at(self._new.raw, location)):
                    self._visit(node, known, location)

    def webhooks(self) -> None:
        """Carry over the words of events."""
        for name, node in entries(self._present.raw, "webhooks").items():
            if is_object(known := value_at(self._new.raw, ("webhooks", name))):
                self._visit(node, known, ("webhooks", name))

    def _visit(self, one: Node, other: Node, location: Location) -> None:
        if location not in self._seen:
            self._seen.add(location)
            self._add(location, self._node(one, other, location))

    def _add(self, location: Location, found: Node) -> None:
        if found:
            self.actions.append(update(location, found))

    def _node(self, one: Node, other: Node, location: Location) -> Node:
        """Return what a node lacks. What is inside lists, or behind references, becomes actions."""
        if "$ref" in other and "$ref" not in one:
            target = location_of(other["$ref"])
            if is_object(node := value_at(self._new.raw, target)) and value_at(self._present.raw, target) is None:
                self._visit(one, node, target)
            return {}
        if "$ref" in one and "$ref" not in other:
            one, _ = self._present.follow(one, "")
        found = {key: value for key, value in one.items() if _is_word(key) and key not in other}
        texts = {key: text for key, text in one.items() if key in ("summary", "description") and isinstance(text, str)}
        differing = {key: text for key, text in texts.items() if key in other and text != other[key]}
        self.differing_texts += len(differing)
        found |= differing if self._keeps_texts else {}
        if "x-enum-descriptions" in found and is_list(other.get("enum")):
            found["x-enum-descriptions"] = {
                value: text for value, text in found["x-enum-descriptions"].items() if value in other["enum"]
            }
        for key, value in one.items():
            place = (*location, key)
            if is_object(value) and is_object(other.get(key)) and not key.startswith("x-"):
                inner = self._map(value, other[key], place) if key in _MAPS else self._node(value, other[key], place)
                found |= {key: inner} if inner else {}
            elif is_list(value) and is_list(other.get(key)):
                self._list(key, value, other[key], place)
        return found

    def _map(self, one: Node, other: Node, location: Location) -> Node:
        found = {
            name: self._node(value, other[name], (*location, name))
            for name, value in one.items()
            if is_object(value) and is_object(other.get(name))
        }
        return {name: inner for name, inner in found.items() if inner}

    def _list(self, key: str, one: Sequence[Any], other: Sequence[Any], location: Location) -> None:
        if key == "parameters":
            for node, known, place in self._parameters(one, other, location):
                self._visit(node, known, place)
        elif key in _BY_INDEX and len(one) == len(other):
            for index, (node, known) in enumerate(zip(one, other, strict=True)):
                if is_object(node) and is_object(known):
                    self._add((*location, index), self._node(node, known, (*location, index)))

    def _parameters(self, one: Sequence[Any], other: Sequence[Any], location: Location) -> Iterator[tuple[Node, Node, Location]]:
        """Yield the parameters that both have, and where the new document has them."""
        present = [self._present.follow(node, "")[0] for node in one if is_object(node)]
        known = {(node.get("in"), node.get("name")): node for node in present}
        for index, given in enumerate(other):
            node, _ = self._new.follow(given, "")
            match = known.get((node.get("in"), node.get("name")))
            if match is not None:
                yield match, node, location_of(given["$ref"]) if "$ref" in given else (*location, index)


def _is_word(key: str) -> bool:
    return key.startswith("x-") or key in _TEXTS


def missing_components(document: Node, present: Node) -> list[Node]:
    """Return the actions that add the components to which a document refers, and which only the present one has."""
    actions: list[Node] = []
    waiting: list[Any] = [document]
    seen: set[str] = set()
    while waiting:
        node = waiting.pop()
        if is_object(node):
            reference = node.get("$ref")
            if isinstance(reference, str) and reference not in seen:
                seen.add(reference)
                location = location_of(reference)
                if value_at(document, location) is None and (known := value_at(present, location)) is not None:
                    actions.append(update(location[:-1], {location[-1]: known}))
                    waiting.append(known)
            waiting += node.values()
        elif is_list(node):
            waiting += node
    return actions
