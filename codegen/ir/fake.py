"""Build the data of the fake server: the extensions of operations and schemas."""

from __future__ import annotations

from typing import Any

from codegen.spec.document import Document, Node, is_object
from codegen.spec.vocabulary import FAKE_EXTENSIONS


def fake_behaviour(document: Document) -> dict[str, Any]:
    """Return the extensions of each operation, without their prefix, and those of each schema, nested as in the schema."""
    schemas = {name: _extensions_in(schema) for name, schema in document.schemas.items()}
    return {
        "operations": {operation.id: _extensions_of(operation.node) for operation in document.operations},
        "schemas": {name: found for name, found in schemas.items() if found},
    }


def _extensions_of(node: Node) -> Node:
    return {key.removeprefix("x-cstar-"): value for key, value in node.items() if key in FAKE_EXTENSIONS}


def _extensions_in(node: Node) -> Node:
    """Return the extensions of a schema and of its parts."""
    found = {key: value for key, value in node.items() if key in FAKE_EXTENSIONS}
    inner = {key: _extensions_in(value) for key, value in node.items() if key not in FAKE_EXTENSIONS and is_object(value)}
    return found | {key: value for key, value in inner.items() if value}
