"""The behaviour of the fake server as data: its extensions of the operations and of the schemas."""

from __future__ import annotations

from typing import Any

from codegen.spec.document import Document, Node, is_object
from codegen.spec.vocabulary import FAKE_EXTENSIONS


def fake_behaviour(document: Document) -> dict[str, Any]:
    """The extensions of each operation, without their prefix, and of each schema, at the place that they have in it."""
    schemas = {name: _extensions_in(schema) for name, schema in document.schemas.items()}
    return {
        "operations": {operation.id: _extensions_of(operation.node) for operation in document.operations},
        "schemas": {name: found for name, found in schemas.items() if found},
    }


def _extensions_of(node: Node) -> Node:
    return {key.removeprefix("x-cstar-"): value for key, value in node.items() if key in FAKE_EXTENSIONS}


def _extensions_in(node: Node) -> Node:
    """The part of a schema that consists of the fake's extensions."""
    found = {key: value for key, value in node.items() if key in FAKE_EXTENSIONS}
    inner = {key: _extensions_in(value) for key, value in node.items() if key not in FAKE_EXTENSIONS and is_object(value)}
    return found | {key: value for key, value in inner.items() if value}
