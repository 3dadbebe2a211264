"""The schema of each collection: its fields, what the server fills in, and its relations.

Read from the extensions of the document (`x-cstar-collection`, `x-cstar-initial`, …), so a plain resource needs no code.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs

from cstar_async._types import JSON, UntypedJSON
from cstar_async.testing._data.spec import Document, FakeOperation, SchemaNode

_OBJECT_ACTIONS: Final = ("get", "create", "list", "update")
"""The actions whose result is the schema of a collection, the preferred one first."""


@attrs.frozen
class Parent:
    """The parent of the objects of a collection, such as the ticket of messages."""

    parameter: str
    collection: str
    field: str
    counter: str | None = None


@attrs.frozen
class OnDelete:
    """The new value of a field in another collection when the object that it references is deleted."""

    collection: str
    field: str
    value: JSON


@attrs.frozen(kw_only=True)
class CollectionSchema:
    """The schema of one collection."""

    collection: str
    schema: str
    properties: Mapping[str, SchemaNode]
    id_prefix: str = ""
    id_field: str = "id"
    """The field that identifies an object in a path."""
    order: tuple[str, ...] = ()
    """The fields that a list is sorted by; a leading `-` is descending. Empty: oldest first."""
    parent: Parent | None = None
    on_delete: tuple[OnDelete, ...] = ()
    is_singleton: bool = False
    """Whether there is exactly one object, without an id."""
    allows_extra_fields: bool = False
    """Whether objects can have fields that the document does not name."""

    @property
    def display_name(self) -> str:
        """The name of one object in a message: `Customer group`."""
        return "".join(f" {letter.lower()}" if letter.isupper() and index else letter for index, letter in enumerate(self.schema))

    @property
    def unique(self) -> tuple[str, ...]:
        """The fields whose values are unique."""
        names = tuple(name for name, node in self.properties.items() if node.get("x-cstar-unique"))
        return names if self.id_field == "id" or self.id_field in names else (self.id_field, *names)

    @property
    def counted(self) -> Mapping[str, Mapping[str, str]]:
        """The computed counts: the *collection* whose rows are counted, and its *field* that references this one."""
        return {name: node["x-cstar-computed-count"] for name, node in self.properties.items() if "x-cstar-computed-count" in node}

    @property
    def secrets(self) -> frozenset[str]:
        """The fields that only the response of the create shows."""
        return frozenset(name for name, node in self.properties.items() if "x-cstar-secret" in node)

    @property
    def slugs(self) -> Mapping[str, str]:
        """The slug fields, each with the field that it is derived from."""
        return {name: node["x-cstar-slug-of"] for name, node in self.properties.items() if "x-cstar-slug-of" in node}


def load_collections(document: Document) -> dict[str, CollectionSchema]:
    """Return the collections that the operations of a document use, by name."""
    by_collection: dict[str, list[FakeOperation]] = {}
    for operation in document.operations.values():
        collection = operation.extensions.get("collection")
        if isinstance(collection, str):
            by_collection.setdefault(collection, []).append(operation)
    found = {name: _read_schema(name, operations, document) for name, operations in by_collection.items()}
    return {name: schema for name, schema in found.items() if schema is not None}


def item_parameter(operation: FakeOperation) -> str | None:
    """Return the path parameter of one object: the last one, unless that is the parent's."""
    names = [parameter.name for parameter in operation.parameters if parameter.location == "path"]
    parent: UntypedJSON = operation.extensions.get("parent") or {}
    return names[-1] if names and names[-1] != parent.get("parameter") else None


def _read_schema(collection: str, operations: list[FakeOperation], document: Document) -> CollectionSchema | None:
    by_action: dict[UntypedJSON, FakeOperation] = {operation.extensions.get("action"): operation for operation in operations}
    preferred = next((by_action[action] for action in _OBJECT_ACTIONS if action in by_action), None)
    if preferred is None or preferred.result is None:
        return None
    schema = document.resolved(document.components[preferred.result])
    merged: dict[str, UntypedJSON] = {key: value for operation in operations for key, value in operation.extensions.items()}
    parent: dict[str, UntypedJSON] = {}
    for operation in operations:
        extension: UntypedJSON = operation.extensions.get("parent") or {}
        parent.update(extension)
    return CollectionSchema(
        collection=collection,
        schema=preferred.result,
        properties=document.properties(preferred.result),
        id_prefix=schema.get("x-cstar-id-prefix", ""),
        id_field=schema.get("x-cstar-identity", "id"),
        order=tuple(merged.get("order", ())),
        parent=Parent(**parent) if parent else None,
        on_delete=tuple(OnDelete(entry["collection"], entry["field"], entry.get("set")) for entry in merged.get("on-delete", ())),
        is_singleton=schema.get("x-cstar-singleton", False),
        allows_extra_fields=schema.get("x-cstar-additional-fields", False),
    )
