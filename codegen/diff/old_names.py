"""Mark what a new document has under another name with its old one, which then works as well."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from codegen.diff.matching import Matching, argument_pairs, match, renamed_events
from codegen.diff.surface import Argument, Function, PythonSurface, surface_of
from codegen.ir.build import build_ir
from codegen.spec.document import Document, Node, Operation, Parameter, entries, is_list, is_object
from codegen.spec.queries import BODY, OLD_CONSTANTS, OLD_NAME


def with_old_names(new: Document, old: Document) -> tuple[Document, dict[str, str]]:
    """Return a document with the old names of arguments, fields, classes, constants and events, and the new names of classes.

    Parameters that only the old document has are added, as optional and deprecated ones.
    """
    before, after = (surface_of(one, build_ir(one)) for one in (old, new))
    matching = match(before, after)
    marks = _Marks(new, before, after, matching)
    operations = _operations(new, old, matching)
    raw = {**new.raw, "components": {**new.components, "schemas": marks.schemas}}
    old_types = {other: type_ for type_, other in renamed_events(before, after).items()}
    events = tuple(
        replace(event, node={**event.node, OLD_NAME: old_types[event.type]}) if event.type in old_types else event
        for event in new.events
    )
    return Document(raw, operations, events, is_sdk=new.is_sdk, places=new.places), matching.classes


class _Marks:
    """Writes old names into the schemas of a document."""

    def __init__(self, new: Document, before: PythonSurface, after: PythonSurface, matching: Matching) -> None:
        self.schemas = dict(new.schemas)
        for name, other in matching.classes.items():
            self._mark(other, {OLD_NAME: name})
        models = {one.name: one for one in after.models}
        enums = {one.name: one for one in after.enums}
        for model in before.models:
            if other_model := models.get(matching.classes.get(model.name, model.name)):
                self._fields(other_model.name, _renamed(model.fields, other_model.fields, matching.classes))
        for enum in before.enums:
            if other_enum := enums.get(matching.classes.get(enum.name, enum.name)):
                known = other_enum.constants
                self._constants(
                    other_enum.name,
                    {name: value for name, value in enum.constants.items() if name not in known and value in known.values()},
                )
        for function, other_function in matching.functions:
            pairs = _renamed(function.arguments, other_function.arguments, matching.classes)
            for body in _body_schemas(new, other_function):
                self._fields(body, {wire.removeprefix(f"{BODY} "): name for wire, name in pairs.items() if wire.startswith(BODY)})

    def _mark(self, schema: str, words: Node) -> None:
        self.schemas[schema] = {**self.schemas[schema], **words}

    def _fields(self, schema: str, renamed: Mapping[str, str]) -> None:
        properties = entries(self.schemas[schema], "properties")
        marked = {wire: {**properties[wire], OLD_NAME: name} for wire, name in renamed.items() if wire in properties}
        if marked:
            self._mark(schema, {"properties": properties | marked})

    def _constants(self, schema: str, renamed: Mapping[str, str]) -> None:
        if renamed:
            self._mark(schema, {OLD_CONSTANTS: dict(renamed)})


def _renamed(old: Sequence[Argument], new: Sequence[Argument], classes: Mapping[str, str]) -> dict[str, str]:
    """Return the old names, by where the arguments are on the wire."""
    names = {one.name for one in new}
    return {
        other.wire: one.name for one, other in argument_pairs(old, new, classes) if one.name != other.name and one.name not in names
    }


def _body_schemas(document: Document, function: Function) -> Iterator[str]:
    for operation in document.operations:
        if operation.pointer == function.place and operation.body and operation.body.has_fields:
            yield operation.body.schema["$ref"].rpartition("/")[2]


def _operations(new: Document, old: Document, matching: Matching) -> tuple[Operation, ...]:
    """Return the operations with the old names of their parameters, and with the parameters that only the old ones have."""
    known = {one.pointer: one for one in old.operations}
    pairs = {other.place: (one, other) for one, other in reversed(matching.functions)}
    found: list[Operation] = []
    for operation in new.operations:
        if operation.pointer in pairs:
            one, other = pairs[operation.pointer]
            renamed = _renamed(one.arguments, other.arguments, matching.classes)
            kept = [_marked(parameter, renamed) for parameter in operation.parameters]
            lost = _lost(known[one.place], one, other, matching.classes)
            found.append(replace(operation, parameters=(*kept, *lost)))
        else:
            found.append(operation)
    return tuple(found)


def _marked(parameter: Parameter, renamed: Mapping[str, str]) -> Parameter:
    name = renamed.get(f"{parameter.location} {parameter.name}")
    return replace(parameter, node={**parameter.node, OLD_NAME: name}) if name else parameter


def _lost(operation: Operation, one: Function, other: Function, classes: Mapping[str, str]) -> Iterator[Parameter]:
    matched = {first.wire for first, _ in argument_pairs(one.arguments, other.arguments, classes)}
    taken = {argument.name for argument in other.arguments}
    lost = {argument.wire for argument in one.arguments if argument.wire not in matched and argument.name not in taken}
    for parameter in operation.parameters:
        if parameter.location != "path" and f"{parameter.location} {parameter.name}" in lost:
            node = {**parameter.node, "required": False, "deprecated": True}
            yield replace(parameter, node=with_classes(node, classes))


def with_classes(node: Any, classes: Mapping[str, str]) -> Any:
    """Return a part of the old document that refers to classes by their new names."""
    if is_list(node):
        return [with_classes(one, classes) for one in node]
    if not is_object(node):
        return node
    found = {key: with_classes(value, classes) for key, value in node.items()}
    owner, _, name = str(node.get("$ref", "")).rpartition("/")
    return {**found, "$ref": f"{owner}/{classes[name]}"} if name in classes else found
