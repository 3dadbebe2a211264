"""Compare two documents: operations, parameters, bodies, results and schemas, whatever the client makes of them.

What a request may have can become more, and what a response has can become less, without breaking a caller.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from typing import TypeVar

from codegen.diff.changes import Change, Kind
from codegen.diff.limits import limit_changes
from codegen.diff.matching import match
from codegen.diff.side import Direction, Side
from codegen.diff.types import AnyOf, Type, takes
from codegen.ir.client import base_url
from codegen.parser.sdk import api_version
from codegen.spec.document import (
    Document,
    Node,
    Operation,
    Parameter,
    Result,
    child_pointer,
    entries,
    is_object,
    items,
    schema_named,
)
from codegen.spec.queries import alternatives, body_name, is_free_object, is_union, types_of, union_members

_Key = TypeVar("_Key", bound=Hashable)
_PROSE = ("name", "description", "title", "example", "examples", "default", "x-evidence", "x-source")
_PLAIN = {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}


def api_changes(old: Side, new: Side) -> list[Change]:
    """Return the changes from one document to another."""
    return list(dict.fromkeys(_Comparison(old, new).all()))


def _change(kind: Kind, name: str, place: str, message: str, *, breaks: bool) -> Change:
    return Change(surface="api", kind=kind, is_breaking=breaks, name=name, place=place, message=message)


class _Comparison:
    def __init__(self, old: Side, new: Side) -> None:
        self._old, self._new = old, new
        self._classes = match(old.surface, new.surface).classes
        self._old_names = {new_name: name for name, new_name in self._classes.items()}

    def all(self) -> Iterator[Change]:
        yield from self._service()
        yield from self._operations()
        yield from self._schemas()
        yield from self._webhooks()

    def _service(self) -> Iterator[Change]:
        old, new = self._old.document, self._new.document
        if base_url(old) != base_url(new):
            message = f"the URL is `{base_url(new)}`, was `{base_url(old)}`"
            yield _change("changed", "base_url", "#/servers/0/url", message, breaks=True)
        if new.is_sdk and api_version(old) != api_version(new):
            message = f"the version is `{api_version(new)}`, was `{api_version(old)}`"
            yield _change("changed", "api_version", "#/info/version", message, breaks=False)
        before, after = (entries(one.components, "securitySchemes") for one in (old, new))
        for name in before | after:
            kinds = [_credential(schemes.get(name)) for schemes in (before, after)]
            if kinds[0] != kinds[1]:
                message = f"requests are authenticated by {kinds[1]}, was {kinds[0]}"
                place = child_pointer("#/components/securitySchemes", name)
                yield _change("changed", name, place, message, breaks=name in before)

    def _operations(self) -> Iterator[Change]:
        old, new = self._old.operations, self._new.operations
        moved = {one.id: one for key, one in new.items() if key not in old}
        matched: set[str] = set()
        for key, one in old.items():
            other = new.get(key) or moved.get(one.id)
            method = self._old.methods.get(one.pointer, one.id)
            label = _label(one)
            if other is None:
                yield _change("removed", method, one.pointer, f"{label} is gone", breaks=True)
                continue
            matched.add(other.pointer)
            if key not in new:
                yield _change("moved", method, other.pointer, f"{label} is now {_label(other)}", breaks=True)
            yield from self._operation(one, other)
        for one in new.values():
            if one.pointer not in matched:
                name = self._new.methods.get(one.pointer, one.id)
                yield _change("added", name, one.pointer, f"{_label(one)} is new", breaks=False)

    def _operation(self, one: Operation, other: Operation) -> Iterator[Change]:
        name, label = self._new.methods.get(other.pointer, other.id), _label(other)
        keys = one.node["x-cstar-key"], other.node["x-cstar-key"]
        if keys[0] != keys[1]:
            strict = ("none", "any", "secret")
            stricter = strict.index(keys[1]) > strict.index(keys[0]) if set(keys) <= set(strict) else True
            message = f"{label} takes the key `{keys[1]}`, was `{keys[0]}`"
            yield _change("narrowed" if stricter else "widened", name, other.pointer, message, breaks=stricter)
        yield from self._deprecation(name, label, one.node, other.node, other.pointer)
        yield from self._parameters(one, other)
        yield from self._body(one, other, name)
        yield from self._result(one, other, name)

    def _parameters(self, one: Operation, other: Operation) -> Iterator[Change]:
        old, new = _by_place(one), _by_place(other)
        renamed = _renamed({place: one.node for place, one in old.items()}, {place: one.node for place, one in new.items()})
        for place, parameter in old.items():
            what = f"{_label(one)}: the {parameter.location} parameter `{parameter.name}`"
            if place in renamed:
                changed = new[renamed[place]]
                message = f"{what} is now `{changed.name}`"
                yield _change("renamed", self._old.argument_name(one, parameter), changed.pointer, message, breaks=True)
                continue
            if place not in new:
                name = self._old.argument_name(one, parameter)
                yield _change("removed", name, parameter.pointer, f"{what} is gone", breaks=True)
                continue
            changed = new[place]
            name = self._new.argument_name(other, changed)
            is_required, was_required = (node.get("required") is True for node in (changed.node, parameter.node))
            if is_required != was_required:
                kind: Kind = "narrowed" if is_required else "widened"
                message = f"{what} is now {'required' if is_required else 'optional'}"
                yield _change(kind, name, changed.pointer, message, breaks=is_required)
            for key in ("style", "explode"):
                if parameter.node.get(key) != changed.node.get(key):
                    message = f"{what} has `{key}: {changed.node.get(key)}`, was `{parameter.node.get(key)}`"
                    yield _change("changed", name, changed.pointer, message, breaks=True)
            yield from self._deprecation(name, what, parameter.node, changed.node, changed.pointer)
            yield from self._value(name, what, parameter.node["schema"], changed.node["schema"], changed.pointer, "request")
        for place, parameter in new.items():
            if place not in old and place not in renamed.values():
                is_required = parameter.node.get("required") is True
                what = f"{_label(other)}: a new {'required ' if is_required else ''}{parameter.location} parameter"
                name = self._new.argument_name(other, parameter)
                yield _change("added", name, parameter.pointer, f"{what}, `{parameter.name}`", breaks=is_required)

    def _body(self, one: Operation, other: Operation, name: str) -> Iterator[Change]:
        old, new, label = one.body, other.body, _label(other)
        if old is None or new is None:
            if old or new:
                message = f"{label} takes {'no body any more' if old else 'a body'}"
                is_breaking = old is not None or (new is not None and new.is_required)
                yield _change("removed" if old else "added", name, other.pointer, message, breaks=is_breaking)
            return
        if old.media != new.media:
            yield _change("changed", name, other.pointer, f"{label} takes a {new.media} body, was {old.media}", breaks=True)
        if old.is_required != new.is_required:
            kind: Kind = "narrowed" if new.is_required else "widened"
            message = f"the body of {label} is now {'required' if new.is_required else 'optional'}"
            yield _change(kind, name, other.pointer, message, breaks=new.is_required)
        was, is_ = body_name(one), body_name(other)
        if not was or not is_:
            yield from self._value(name, f"the body of {label}", old.schema, new.schema, other.pointer, "request")
        elif was != is_:
            schemas = self._old.document.schemas[was], self._new.document.schemas[is_]
            yield from self._model(is_, *schemas, self._new.document.place_of(is_), "request")

    def _result(self, one: Operation, other: Operation, name: str) -> Iterator[Change]:
        old, new, label = one.result, other.result, _label(other)
        if (old.shape, old.text, old.has_envelope) != (new.shape, new.text, new.has_envelope):
            message = f"{label} returns {_shape(new)}, was {_shape(old)}"
            yield _change("changed", name, other.pointer, message, breaks=old.shape != "none")
        elif new.is_nullable != old.is_nullable:
            message = f"the result of {label} may {'now' if new.is_nullable else 'no more'} be null"
            kind: Kind = "widened" if new.is_nullable else "narrowed"
            yield _change(kind, name, other.pointer, message, breaks=new.is_nullable)
        else:
            yield from self._value(name, f"the result of {label}", old.schema, new.schema, other.pointer, "response")

    def _value(self, name: str, what: str, old: Node, new: Node, place: str, direction: Direction) -> Iterator[Change]:
        """Compare two schemas, without what they refer to."""
        before, after = self._type(old, self._old.document, self._classes), self._type(new, self._new.document, {})
        strings = _strings(self._new.document) | {type_.name for type_ in before | after if type_.name.startswith("string")}
        if before != after:
            widens, narrows = takes(after, before, strings), takes(before, after, strings)
            kind: Kind = "changed" if widens == narrows else "widened" if widens else "narrowed"
            breaks = (direction != "response" and not widens) or (direction != "request" and not narrows)
            message = f"{what} is {_text(new)}, was {_text(old)}"
            yield _change(kind, name, place, message, breaks=breaks)
        for kind, message in limit_changes(old, new):
            yield _change(kind, name, place, f"{what} {message}", breaks=kind == "narrowed" and direction != "response")

    def _deprecation(self, name: str, what: str, old: Node, new: Node, place: str) -> Iterator[Change]:
        if new.get("deprecated") is True and old.get("deprecated") is not True:
            yield _change("changed", name, place, f"{what} is now deprecated", breaks=False)

    def _type(self, node: Node, document: Document, renamed: Mapping[str, str]) -> AnyOf:
        if "$ref" in node:
            name = schema_named(node["$ref"])
            if is_free_object(document.schemas[name]):
                return frozenset({Type("Mapping", (frozenset({Type("object")}),))})
            return frozenset({Type(renamed.get(name, name))})
        options, is_nullable = alternatives(node)
        null = {Type("None")} if is_nullable else set[Type]()
        if options:
            return frozenset(null.union(*(self._type(option, document, renamed) for option in options)))
        found = {self._plain(kind, node, document, renamed) for kind in types_of(node)}
        return frozenset(null | (found or {Type("object")}))

    def _plain(self, kind: str, node: Node, document: Document, renamed: Mapping[str, str]) -> Type:
        if kind == "array":
            return Type("Sequence", (self._type(entries(node, "items"), document, renamed),))
        if kind == "object":
            values = node.get("additionalProperties")
            inner = self._type(values, document, renamed) if is_object(values) else frozenset({Type("object")})
            return Type("Mapping", (inner,))
        return Type(f"string {node['format']}") if kind == "string" and node.get("format") else Type(_PLAIN.get(kind, kind))

    def _schemas(self) -> Iterator[Change]:
        old, new = self._old.document.schemas, self._new.document.schemas
        for name in self._old.directions:
            other = self._classes.get(name, name)
            place = self._new.document.place_of(other)
            if other not in self._new.directions:
                message = f"no operation uses the schema `{name}` any more"
                yield _change("removed", f"models.{name}", self._old.document.place_of(name), message, breaks=False)
                continue
            before = self._old.directions[name]
            direction: Direction = before
            if "enum" in old[name] and "enum" in new[other]:
                yield from self._enum(other, old[name], new[other], place, direction)
            elif is_union(old[name]) and is_union(new[other]):
                yield from self._union(other, old[name], new[other], place, direction)
            else:
                yield from self._model(other, old[name], new[other], place, direction)
        for name in self._new.directions:
            if name not in self._old.directions and name not in self._classes.values():
                message = f"a new schema, `{name}`"
                yield _change("added", f"models.{name}", self._new.document.place_of(name), message, breaks=False)

    def _enum(self, name: str, old: Node, new: Node, place: str, direction: Direction) -> Iterator[Change]:
        for value in old["enum"]:
            if value not in new["enum"]:
                yield _change("removed", f"models.{name}", place, f"the value `{value}` is gone", breaks=direction != "response")
        for value in new["enum"]:
            if value not in old["enum"]:
                yield _change("added", f"models.{name}", place, f"a new value, `{value}`", breaks=False)

    def _union(self, name: str, old: Node, new: Node, place: str, direction: Direction) -> Iterator[Change]:
        before = [self._classes.get(one, one) for one in union_members(old)]
        for member in before:
            if member not in union_members(new):
                yield _change("removed", f"models.{name}", place, f"it is no `{member}` any more", breaks=direction != "response")
        for member in union_members(new):
            if member not in before:
                yield _change("added", f"models.{name}", place, f"it may be a `{member}`", breaks=direction != "request")

    def _model(self, schema: str, old: Node, new: Node, place: str, direction: Direction) -> Iterator[Change]:
        before, after = entries(old, "properties"), entries(new, "properties")
        renamed = _renamed(before, after)
        for wire, node in before.items():
            pointer = child_pointer(place, "properties", renamed.get(wire, wire))
            if wire not in after and wire not in renamed:
                name = self._old.field_name(schema, wire)
                yield _change("removed", name, child_pointer(place, "properties", wire), f"the field `{wire}` is gone", breaks=True)
                continue
            name, what = self._new.field_name(schema, renamed.get(wire, wire)), f"the field `{renamed.get(wire, wire)}`"
            if wire in renamed:
                old_name = self._old.field_name(self._old_names.get(schema, schema), wire)
                yield _change("renamed", old_name, pointer, f"the field `{wire}` is now `{renamed[wire]}`", breaks=True)
            was, is_ = wire in items(old, "required"), renamed.get(wire, wire) in items(new, "required")
            if was != is_:
                breaks = (is_ and direction != "response") or (was and direction != "request")
                kind: Kind = "changed" if direction == "both" else "narrowed" if is_ else "widened"
                yield _change(kind, name, pointer, f"{what} is now {'required' if is_ else 'optional'}", breaks=breaks)
            yield from self._deprecation(name, what, node, after[renamed.get(wire, wire)], pointer)
            yield from self._value(name, what, node, after[renamed.get(wire, wire)], pointer, direction)
        for wire in after:
            if wire not in before and wire not in renamed.values():
                is_required = wire in items(new, "required")
                message = f"a new {'required ' if is_required else ''}field, `{wire}`"
                pointer = child_pointer(place, "properties", wire)
                breaks = is_required and direction != "response"
                yield _change("added", self._new.field_name(schema, wire), pointer, message, breaks=breaks)

    def _webhooks(self) -> Iterator[Change]:
        old, new = (entries(side.document.raw, "webhooks") for side in (self._old, self._new))
        for type_ in old:
            if type_ not in new:
                yield _change("removed", type_, child_pointer("#/webhooks", type_), f"the event `{type_}` is gone", breaks=True)
        for type_ in new:
            if type_ not in old:
                yield _change("added", type_, child_pointer("#/webhooks", type_), f"a new event, `{type_}`", breaks=False)
        events = {event.type: event for event in self._old.document.events}
        for event in self._new.document.events:
            if event.type in events:
                what = f"`data` of the event `{event.type}`"
                yield from self._value(event.type, what, events[event.type].data, event.data, event.pointer, "response")


def _label(operation: Operation) -> str:
    return f"`{operation.method.upper()} {operation.path}`"


def _credential(scheme: object) -> str:
    if not is_object(scheme):
        return "nothing"
    words = [str(scheme[key]) for key in ("type", "scheme", "in", "name") if key in scheme]
    return f"`{' '.join(words)}`"


def _by_place(operation: Operation) -> dict[tuple[str, str], Parameter]:
    """Return the parameters by location and name; those of the path by position."""
    found = {(one.location, one.name): one for one in operation.parameters if one.location != "path"}
    path = {("path", str(operation.placeholders.index(one.name))): one for one in operation.parameters if one.location == "path"}
    return path | found


def _shape(result: Result) -> str:
    return f"`{result.shape}`{' in an envelope' if result.has_envelope else ''}"


def _text(node: Node) -> str:
    return f"`{_type_text(node)}`"


def _type_text(node: Node) -> str:
    if "$ref" in node:
        return schema_named(node["$ref"])
    options, is_nullable = alternatives(node)
    texts = [_type_text(option) for option in options] or [_plain_text(kind, node) for kind in types_of(node)]
    return " or ".join([*texts, *(["null"] if is_nullable else [])]) or "any JSON"


def _plain_text(kind: str, node: Node) -> str:
    values = node.get("additionalProperties")
    if kind == "array":
        return f"array of {_type_text(entries(node, 'items'))}"
    if kind == "object" and is_object(values):
        return f"map of {_type_text(values)}"
    return f"{kind} ({node['format']})" if node.get("format") else kind


def _strings(document: Document) -> frozenset[str]:
    return frozenset(name for name, node in document.schemas.items() if "enum" in node)


def _renamed(old: Mapping[_Key, Node], new: Mapping[_Key, Node]) -> dict[_Key, _Key]:
    """Return the properties or parameters with a new name: the only one that went, and the only one that came, of one schema."""
    lost = {wire: _bare(node) for wire, node in old.items() if wire not in new}
    came = {wire: _bare(node) for wire, node in new.items() if wire not in old}
    found: dict[_Key, _Key] = {}
    for wire, node in lost.items():
        same = [other for other, candidate in came.items() if candidate == node]
        candidates = [other for other, candidate in lost.items() if candidate == node]
        if len(same) == len(candidates) == 1:
            found[wire] = same[0]
    return found


def _bare(node: Node) -> Node:
    return {key: value for key, value in node.items() if key not in _PROSE}
