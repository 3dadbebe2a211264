"""What the document says of each collection: which schema its objects have, what the server fills in, what hangs together.

Read from the extensions of the document (`x-cstar-collection`, `x-cstar-initial`, …), so a plain resource needs no code of its own.
Pure reading: schemas describe, `database` and `verbs` act.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs

from cstar_async._types import JSON, UntypedJSON
from cstar_async.testing._data.spec import Document, FakeOperation, SchemaNode

_OBJECT_ACTIONS: Final = ("get", "create", "list", "update")
"""The actions whose result is the schema of a collection, most telling first."""


@attrs.frozen
class Parent:
    """What the objects of a collection belong to, such as messages to their ticket."""

    parameter: str
    collection: str
    field: str
    counter: str | None = None


@attrs.frozen
class OnDelete:
    """What becomes of a field in another collection when the object it names goes."""

    collection: str
    field: str
    value: JSON


@attrs.frozen(kw_only=True)
class CollectionSchema:
    """One collection."""

    collection: str
    schema: str
    properties: Mapping[str, SchemaNode]
    id_prefix: str = ""
    identity: str = "id"
    """The field that is the key of an object in paths."""
    order: tuple[str, ...] = ()
    """Fields that a list is sorted by; a leading `-` turns one round. None: by age, oldest first."""
    parent: Parent | None = None
    on_delete: tuple[OnDelete, ...] = ()
    is_singleton: bool = False
    """Whether there is one object, which needs no id."""
    allows_extra_fields: bool = False
    """Whether objects have fields that the document does not name."""

    @property
    def display_name(self) -> str:
        """What one object is called in a message: `Customer group`."""
        return "".join(f" {letter.lower()}" if letter.isupper() and place else letter for place, letter in enumerate(self.schema))

    @property
    def unique(self) -> tuple[str, ...]:
        """Fields that no two objects share."""
        marked = tuple(name for name, node in self.properties.items() if node.get("x-cstar-unique"))
        return marked if self.identity == "id" or self.identity in marked else (self.identity, *marked)

    @property
    def counted(self) -> Mapping[str, Mapping[str, str]]:
        """Fields that are worked out: the *collection* whose rows are counted, the *field* there that names an object of this."""
        return {name: node["x-cstar-computed-count"] for name, node in self.properties.items() if "x-cstar-computed-count" in node}

    @property
    def secrets(self) -> frozenset[str]:
        """Fields that are shown once."""
        return frozenset(name for name, node in self.properties.items() if "x-cstar-secret" in node)

    @property
    def slugs(self) -> Mapping[str, str]:
        """Fields that are made from another one, and which."""
        return {name: node["x-cstar-slug-of"] for name, node in self.properties.items() if "x-cstar-slug-of" in node}


def load_collections(document: Document) -> dict[str, CollectionSchema]:
    """The collections that the operations of a document work on, by name."""
    by_collection: dict[str, list[FakeOperation]] = {}
    for operation in document.operations.values():
        collection = operation.extensions.get("collection")
        if isinstance(collection, str):
            by_collection.setdefault(collection, []).append(operation)
    found = {name: _read_schema(name, operations, document) for name, operations in by_collection.items()}
    return {name: schema for name, schema in found.items() if schema is not None}


def item_parameter(operation: FakeOperation) -> str | None:
    """The path parameter that names one object: the last one, unless that names the parent."""
    names = [parameter.name for parameter in operation.parameters if parameter.location == "path"]
    parent: UntypedJSON = operation.extensions.get("parent") or {}
    return names[-1] if names and names[-1] != parent.get("parameter") else None


def _read_schema(collection: str, operations: list[FakeOperation], document: Document) -> CollectionSchema | None:
    by_action: dict[UntypedJSON, FakeOperation] = {operation.extensions.get("action"): operation for operation in operations}
    telling = next((by_action[action] for action in _OBJECT_ACTIONS if action in by_action), None)
    if telling is None or telling.result is None:
        return None
    schema = document.resolved(document.components[telling.result])
    merged: dict[str, UntypedJSON] = {word: value for operation in operations for word, value in operation.extensions.items()}
    parent: dict[str, UntypedJSON] = {}
    for operation in operations:
        told: UntypedJSON = operation.extensions.get("parent") or {}
        parent.update(told)
    return CollectionSchema(
        collection=collection,
        schema=telling.result,
        properties=document.properties(telling.result),
        id_prefix=schema.get("x-cstar-id-prefix", ""),
        identity=schema.get("x-cstar-identity", "id"),
        order=tuple(merged.get("order", ())),
        parent=Parent(**parent) if parent else None,
        on_delete=tuple(OnDelete(entry["collection"], entry["field"], entry.get("set")) for entry in merged.get("on-delete", ())),
        is_singleton=schema.get("x-cstar-singleton", False),
        allows_extra_fields=schema.get("x-cstar-additional-fields", False),
    )
