"""Keep for a release what a new document has removed or renamed: deprecated, and working as before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from codegen import naming as names
from codegen.diff.matching import operation_key
from codegen.diff.old_names import with_classes, with_old_names
from codegen.diff.python_changes import python_changes
from codegen.diff.surface import surface_of
from codegen.errors import NoteCollector
from codegen.ir.build import build_ir
from codegen.spec.document import Document, Event, Node, Operation, entries, items
from codegen.spec.queries import (
    DEPRECATED_VALUES,
    NEW_NAME,
    OLD_FUNCTION,
    OLD_NAME,
    attribute_names,
    is_model,
    namespace_ancestors,
)


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A document with what an old one had."""

    document: Document
    aliases: dict[str, str]
    """The operations that have an old name, too: their ids by the old ones."""


def with_deprecated(new: Document, old: Document, notes: NoteCollector) -> Kept:
    """Return a document with the methods, functions, arguments, fields, classes, values and events that only an old one has.

    What has a new name has both. An operation that is gone is still called under its old path. What cannot be kept, such as another
    type, is noted.
    """
    aliases: dict[str, str] = {}
    new, classes = with_old_names(new, old)
    old_names = {other: name for name, other in classes.items()}
    operations = [*new.operations, *_kept_operations(new, old, classes, aliases)]
    events = (*new.events, *_kept_events(new, old, classes))
    schemas = {
        name: _with_old_parts(node, with_classes(old.schemas.get(old_names.get(name, name), {}), classes))
        for name, node in new.schemas.items()
    }
    needed = Document({"components": {"schemas": old.schemas | schemas}})
    used = [*schemas.values(), *(part for operation in operations for part in _parts(operation)), *(one.body for one in events)]
    schemas |= {name: needed.schemas[name] for name in needed.reachable_schemas(used) if name not in schemas}
    known = {tag["name"] for tag in new.raw["tags"]}
    above = {name for operation in operations for name in namespace_ancestors(operation.namespace)}
    tags = [*new.raw["tags"], *(tag for tag in old.raw["tags"] if tag["name"] in above - known)]
    raw = {**new.raw, "tags": tags, "components": {**new.components, "schemas": schemas}}
    document = Document(raw, tuple(operations), events, is_sdk=new.is_sdk, places=old.places | new.places)
    before, after = (surface_of(one, build_ir(one)) for one in (old, document))
    for change in python_changes(before, after):
        if change.is_breaking:
            notes.add(change.place, f"`{change.name}` is not kept: {change.message}.")
    return Kept(document=document, aliases=aliases)


def _kept_operations(new: Document, old: Document, classes: Mapping[str, str], aliases: dict[str, str]) -> Iterator[Operation]:
    """Yield the operations under their old names, where these are free, and note which of the new ones they are."""
    known = {operation_key(f"{one.method} {one.path}"): one for one in new.operations}
    modules, methods = {one.id: one.root for one in new.operations}, {(one.namespace, one.name) for one in new.operations}
    for one in old.operations:
        other = known.get(operation_key(f"{one.method} {one.path}"))
        has_function, has_method = one.id in modules, (one.namespace, one.name) in methods
        if has_function and has_method:
            continue
        id_, name = f"{one.id}_{one.name}" if has_function else one.id, one.id if has_method else one.name
        named = {"operationId": id_, "x-cstar-namespace": one.namespace, "x-cstar-method": name, "deprecated": True}
        if has_function and modules[one.id] != one.root:
            named[OLD_FUNCTION] = one.id
        if other:
            aliases[id_] = other.id
            named[NEW_NAME] = f"{other.namespace}.{other.name}"
        source = other or _with_classes(one, classes)
        yield replace(source, node={**source.node, **named})


def _kept_events(new: Document, old: Document, classes: Mapping[str, str]) -> Iterator[Event]:
    """Yield the events that are gone. Those with a new name have it as their old one."""
    known = {one.type for one in new.events} | {one.node.get(OLD_NAME) for one in new.events}
    for one in old.events:
        if one.type not in known:
            yield replace(one, node={**one.node, "deprecated": True}, body=with_classes(one.body, classes))


def _with_classes(operation: Operation, classes: Mapping[str, str]) -> Operation:
    result, body = operation.result, operation.body
    return replace(
        operation,
        result=replace(result, schema=with_classes(result.schema, classes)),
        body=replace(body, schema=with_classes(body.schema, classes)) if body else None,
        parameters=tuple(replace(one, node=with_classes(one.node, classes)) for one in operation.parameters),
    )


def _with_old_parts(node: Node, old: Node) -> Node:
    """Return a schema with the fields or values that only the old one has."""
    if "enum" in node and "enum" in old:
        constants = _constants(old) | _constants(node)
        kept = [value for value in constants if value in items(node, DEPRECATED_VALUES) or value not in node["enum"]]
        return {**node, "enum": [*constants], "x-enum-varnames": [*constants.values()], DEPRECATED_VALUES: kept}
    if not is_model(node) or not is_model(old):
        return node
    fields, attributes = entries(node, "properties"), set(attribute_names(node).values())
    attributes |= {str(field[OLD_NAME]) for field in fields.values() if OLD_NAME in field}
    lost = {
        wire: {**field, "deprecated": True}
        for wire, field in entries(old, "properties").items()
        if wire not in fields and attribute_names(old)[wire] not in attributes
    }
    return {**node, "properties": fields | lost}


def _constants(enum: Node) -> dict[str, str]:
    """Return the constants of an enum by value."""
    return dict(zip(enum["enum"], enum.get("x-enum-varnames") or map(names.constant, enum["enum"]), strict=True))


def _parts(operation: Operation) -> Iterator[Any]:
    yield operation.result.schema
    yield [parameter.node for parameter in operation.parameters]
    if operation.body:
        yield operation.body.schema
