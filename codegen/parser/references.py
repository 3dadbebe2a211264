"""Follow the references of a document, and report those that cannot be followed."""

from __future__ import annotations

from urllib.parse import unquote

from codegen.errors import ProblemCollector
from codegen.spec.document import Document, Node, child_pointer, is_object


class References:
    """The references of a document."""

    def __init__(self, document: Document, problems: ProblemCollector) -> None:
        self._document = document
        self._problems = problems

    def follow(self, node: Node, pointer: str) -> tuple[Node, str]:
        """Return the target of a node and its pointer, or both as they are. Keys beside a `$ref` override those of its target."""
        target, place = self.resolve(node, pointer)
        return (target if target is node else {**target, **{key: node[key] for key in node if key != "$ref"}}), place

    def resolve(self, node: object, pointer: str) -> tuple[Node, str]:
        """Return the target of a node and its pointer, or both as they are, without the keys beside a `$ref`.

        A reference that cannot be followed is a problem, and gives an empty object.
        """
        seen: list[str] = []
        while is_object(node) and isinstance(node.get("$ref"), str):
            seen.append(node["$ref"])
            node, place = self._target(node["$ref"], pointer)
            if place in seen[:-1]:
                self._problems.add(pointer, f"the $ref `{place}` leads back to itself.")
                return {}, pointer
            pointer = place
        return (node, pointer) if is_object(node) else ({}, pointer)

    def _target(self, reference: str, pointer: str) -> tuple[object, str]:
        if not reference.startswith("#/"):
            message = "leads out of the document; bundle it into one file first."
            self._problems.add(pointer, f"the $ref `{reference}` {message}")
            return {}, pointer
        target: object = self._document.at(reference)
        if target is None:
            self._problems.add(pointer, f"the $ref `{reference}` leads nowhere.")
        elif not is_object(target):
            self._problems.add(pointer, f"the $ref `{reference}` leads to something that is not an object.")
        return target, reference


def owner_of(pointer: str) -> str:
    """Return the name of the component that a pointer leads to; empty if it leads to something else."""
    prefix, _, name = pointer.rpartition("/")
    return unescaped(name) if prefix == "#/components/schemas" else ""


def unescaped(part: str) -> str:
    """Return a part of a pointer as a key."""
    return unquote(part).replace("~1", "/").replace("~0", "~")


def nested(pointer: str, *keys: str | int) -> str:
    """Extend a pointer by keys and indexes."""
    return child_pointer(pointer, *map(str, keys))
