"""The API document: the generated operations and the JSON Schemas, with the extensions of the fake.

Look-ups only. `collections` interprets the extensions, `_http.validation` the schemas.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from importlib import import_module, resources
from importlib.resources.abc import Traversable
from typing import Final, TypeAlias

import attrs
import orjson

from cstar_async._operations.operation import Operation
from cstar_async._types import UntypedJSON
from cstar_async._values.validation import invalid

SchemaNode: TypeAlias = Mapping[str, UntypedJSON]
"""A JSON Schema, or a part of one."""

_COMPONENTS: Final = "#/components/schemas/"


@attrs.frozen(kw_only=True)
class FakeOperation(Operation):
    """An operation with the extensions of the fake."""

    extensions: Mapping[str, UntypedJSON] = attrs.field(factory=dict[str, UntypedJSON])
    """Its extensions in `openapi/fake.yaml` (`collection`, `action`, `parent` …), without `x-cstar-`."""


@attrs.frozen(eq=False)
class Document:
    """Operations by id, the schema components, and the schemas of events."""

    operations: Mapping[str, FakeOperation]
    components: Mapping[str, SchemaNode]
    events: Mapping[str, SchemaNode] = attrs.field(factory=dict[str, SchemaNode])
    """The schema of `data` by event type."""
    _properties: dict[str, dict[str, SchemaNode]] = attrs.field(factory=dict[str, dict[str, SchemaNode]], init=False, repr=False)

    def resolved(self, node: SchemaNode) -> SchemaNode:
        """Return a schema with `$ref`, `allOf` and a nullable `oneOf` replaced by their content, on the top level only.

        A keyword beside a reference overrides the one behind it.
        """
        merged: dict[str, UntypedJSON] = {}
        reference: str | None = node.get("$ref")
        if reference is not None:
            merged.update(self.resolved(self.components[reference.removeprefix(_COMPONENTS)]))
        for part in [*node.get("allOf", ()), *_without_null(node.get("oneOf", ())), *_without_null(node.get("anyOf", ()))]:
            merged.update(self.resolved(part))
        merged.update({key: value for key, value in node.items() if key != "$ref"})
        return merged

    def create_request(self, collection: str) -> Mapping[str, SchemaNode]:
        """Return the properties of a collection's create request; empty without such an operation."""
        for operation in self._operations_on(collection, "create"):
            if operation.request is not None:
                return self.properties(operation.request)
        return {}

    def operation_on(self, collection: str, action: str) -> FakeOperation:
        """Return the operation of an action on a collection.

        Raises:
            LookupError: There is none.
        """
        for operation in self._operations_on(collection, action):
            return operation
        raise LookupError(f"no operation can {action} {collection}")

    def _operations_on(self, collection: str, action: str) -> Iterator[FakeOperation]:
        for operation in self.operations.values():
            if (operation.extensions.get("collection"), operation.extensions.get("action")) == (collection, action):
                yield operation

    def properties(self, schema: str) -> Mapping[str, SchemaNode]:
        """Return the resolved properties of a component by wire name, in the order of the document."""
        if schema not in self._properties:
            found: Mapping[str, SchemaNode] = self.resolved(self.components[schema]).get("properties", {})
            self._properties[schema] = {name: self.resolved(node) for name, node in found.items()}
        return self._properties[schema]


@functools.cache
def generated_document(package: str = "cstar_async") -> Document:
    """Return the document that a package was generated from, with the extensions of the fake.

    Raises:
        InvalidArgumentError: There is no such package, or it is not one that extends `cstar_async`.
    """
    try:
        files = resources.files(f"{package}._generated")
        described, hooks = _read(files, "schemas.json"), _read(files, "fake.json")
    except (ImportError, TypeError, ValueError, OSError):
        raise invalid("package", "the name of a package that extends cstar_async", package) from None
    all_operations: Mapping[str, Operation] = import_module(f"{package}._generated.all_operations").OPERATIONS
    operations = {
        name: FakeOperation(**attrs.asdict(operation, recurse=False), extensions=hooks["operations"].get(name, {}))
        for name, operation in all_operations.items()
    }
    return Document(operations, _merge(described["components"]["schemas"], hooks["schemas"]), described["events"])


def _read(files: Traversable, name: str) -> UntypedJSON:
    return orjson.loads(files.joinpath(name).read_bytes())


def _merge(node: UntypedJSON, extensions: Mapping[str, UntypedJSON]) -> UntypedJSON:
    """Return a schema, or schemas by name, with the extensions at the same keys."""
    inner = {key: _merge(node[key], value) if key in node else value for key, value in extensions.items()}
    return {**node, **inner}


def _without_null(choices: list[SchemaNode] | tuple[()]) -> list[SchemaNode]:
    """Return the only schema of a choice between a schema and null; empty for any other choice."""
    real = [choice for choice in choices if choice.get("type") != "null"]
    return real if len(real) == 1 else []
