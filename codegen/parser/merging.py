"""Resolve `allOf`, `nullable`, and properties beside a union."""

from __future__ import annotations

from codegen.errors import NoteCollector
from codegen.parser.references import References, nested
from codegen.spec.document import Node, entries, is_list, is_object, items
from codegen.spec.queries import DEPRECATED_VALUES

_STRUCTURE = frozenset({"properties", "required", "enum", "oneOf", "anyOf", "items", "additionalProperties"})
_NESTING = frozenset({"properties", "enum", "allOf", "oneOf", "anyOf", "items", "additionalProperties"})
"""The keywords of schemas that have others inside, or a class of their own."""
_PROSE = frozenset({"type", "title", "description", "example", "examples"})
_LISTED = _PROSE | {"const", "enum", "deprecated"}
"""The keys of an option of a union that is nothing but a value."""
_NOT_INHERITED = frozenset({"allOf", "nullable", "discriminator", "x-cstar-envelope", "title", "example", "examples"})
"""The keys of a part of `allOf` that say nothing about the whole."""


def merged(node: Node, pointer: str, references: References, notes: NoteCollector, above: tuple[str, ...] = ()) -> Node:
    """Return a schema without `allOf`: a reference, if it only describes another one, or all keywords in one object."""
    outer = {key: value for key, value in node.items() if key != "allOf"}
    options: list[Node] = [option for option in items(node, "allOf") if is_object(option)]
    if len(options) == 1 and "$ref" in options[0] and not _STRUCTURE & outer.keys():
        return {"$ref": options[0]["$ref"], **{key: value for key, value in outer.items() if key != "type"}}
    whole: Node = {}
    for index, option in enumerate(options):
        target, place = references.resolve(option, nested(pointer, "allOf", index))
        if place in above:
            notes.add(pointer, "an `allOf` that contains itself is read once.")
            continue
        flat = flattened(target, place, references, notes, (*above, place))
        while "$ref" in flat:
            target, place = references.resolve(flat, place)
            if place in above:
                break
            above = (*above, place)
            flat = flattened(target, place, references, notes, above)
        if is_null(flat) and len(options) > 1:
            notes.add(pointer, "nothing is null and something else; this is read as one of them.")
            outer.setdefault("nullable", True)
            continue
        inherited = {key: value for key, value in flat.items() if key not in _NOT_INHERITED}
        if "properties" in inherited:
            inherited["properties"] = _located(inherited["properties"], place)
        _add(whole, inherited)
    _add(whole, outer)
    return whole


def flattened(node: Node, pointer: str, references: References, notes: NoteCollector, above: tuple[str, ...] = ()) -> Node:
    """Return a schema without `allOf`, and without a union beside properties."""
    if "allOf" in node:
        node = merged(node, pointer, references, notes, above)
    node = _with_listed_values(node)
    if not node.get("properties"):
        return node
    for keyword in ("oneOf", "anyOf"):
        if keyword in node:
            node = _with_options(node, keyword, pointer, references, notes, above)
    return node


def _with_listed_values(node: Node) -> Node:
    """Return an enum for a union of values, each with its description, and perhaps of any other str."""
    for keyword in ("oneOf", "anyOf"):
        options: list[Node] = [option for option in items(node, keyword) if is_object(option)]
        listed = [one for one in options if one.keys() & {"const", "enum"} and not one.keys() - _LISTED and not is_null(one)]
        is_open = any(option.get("type") == "string" and not option.keys() - _PROSE for option in options)
        others = [option for option in options if option not in listed and not is_null(option)]
        if not listed or len(others) > is_open or ("enum" in node):
            continue
        values = [(one, option) for option in listed for one in ([option["const"]] if "const" in option else items(option, "enum"))]
        if not all(isinstance(value, str if is_open else (str, int, float)) or value is None for value, _ in values):
            continue
        texts = {str(value): text for value, option in values if (text := _text_of_value(value, option))}
        nulls = [None] if any(map(is_null, options)) else []
        rest = {key: value for key, value in node.items() if key not in (keyword, "discriminator")}
        described: Node = {"x-enum-descriptions": texts} if texts else {}
        if old := [value for value, option in values if option.get("deprecated") is True]:
            described[DEPRECATED_VALUES] = old
        return {**rest, "enum": list(dict.fromkeys([*(value for value, _ in values), *nulls])), **described}
    return node


def _text_of_value(value: object, option: Node) -> str:
    given = str(option.get("description") or option.get("title") or "")
    deprecated = "Deprecated." if option.get("deprecated") is True else ""
    text = "" if given == value else given.strip()
    return " ".join(one for one in (text and f"{text.rstrip('.')}.", deprecated) if one)


def _with_options(
    node: Node, keyword: str, pointer: str, references: References, notes: NoteCollector, above: tuple[str, ...]
) -> Node:
    """Return an object with the properties of all its options, which are optional."""
    properties: Node = {}
    for index, option in enumerate(items(node, keyword)):
        target, place = references.resolve(option, nested(pointer, keyword, index))
        if place not in above:
            flat = flattened(target, place, references, notes, (*above, place))
            properties |= _located(entries(flat, "properties"), place)
    rest = {key: value for key, value in node.items() if key not in (keyword, "discriminator")}
    return {**rest, "properties": properties | node["properties"]}


def _located(properties: Node, place: str) -> Node:
    """Return properties as references to where they are, so that an inline object has one class in all that inherit it."""
    found: Node = {}
    for name, node in properties.items():
        is_nested = is_object(node) and "$ref" not in node and bool(_NESTING & node.keys())
        prose = {key: node[key] for key in ("description", "default", "readOnly", "writeOnly") if is_nested and key in node}
        found[name] = {"$ref": nested(place, "properties", name), **prose} if is_nested else node
    return found


def _add(whole: Node, part: Node) -> None:
    for key, value in part.items():
        if key == "properties" and is_object(value):
            known = entries(whole, "properties")
            whole["properties"] = known | {name: _both(known.get(name), inner) for name, inner in value.items()}
        elif key == "required":
            if not is_list(value):
                continue
            whole["required"] = list(dict.fromkeys([*items(whole, "required"), *value]))
        else:
            whole[key] = value


def _both(inherited: object, own: object) -> object:
    """Return a property that two parts describe: the later one, with the description of the earlier."""
    if is_object(inherited) and is_object(own) and "$ref" not in own and "$ref" not in inherited:
        return {**inherited, **own}
    return own


def without_nullable(node: Node) -> tuple[Node, bool]:
    """Return a schema without the ways to allow null other than its type, and whether it allows null."""
    is_nullable = node.get("nullable") is True
    if "nullable" in node:
        node = {key: value for key, value in node.items() if key != "nullable"}
    if is_list(node.get("enum")) and None in node["enum"]:
        node, is_nullable = {**node, "enum": [value for value in node["enum"] if value is not None]}, True
    nulls = [option for option in (*items(node, "oneOf"), *items(node, "anyOf")) if is_null(option)]
    in_type = is_list(node.get("type")) and "null" in node["type"]
    return node, is_nullable or bool(nulls) or in_type


def is_null(option: object) -> bool:
    """Return whether an option of a union is null."""
    if not is_object(option) or "$ref" in option:
        return False
    return (
        option.get("type") in ("null", ["null"]) or option.get("enum") == [None] or ("const" in option and option["const"] is None)
    )
