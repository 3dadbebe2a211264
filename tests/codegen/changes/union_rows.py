"""Schemas made of others: allOf, oneOf, anyOf, discriminators, and the keywords that a client cannot check."""

from __future__ import annotations

from functools import partial
from typing import Any

from codegen.spec.document import Node
from tests.codegen.changes.rows import Change, value_row
from tests.codegen.changes.schema_rows import INTEGER, LABEL, LABELS, STRING
from tests.codegen.packages import ref

_row = partial(value_row, "Composition")


def _member(tag: Any, name: str, property_name: str = "kind", **more: Node) -> Node:
    tag = tag if isinstance(tag, dict) else {"const": tag}
    return {"type": "object", "required": [property_name], "properties": {property_name: tag, name: INTEGER, **more}}


_SHAPES = {"{C}Circle": _member("circle", "r"), "{C}Square": _member("square", "a")}
_PLAIN = {"{C}Circle": _member(STRING, "r"), "{C}Square": _member(STRING, "a")}
_BOTH = [ref("{C}Circle"), ref("{C}Square")]
_UNION = "{C}Value | None"
_SHAPE_VALUES = ({"kind": "circle", "r": 1}, {"kind": "square", "a": 2}, {"kind": "star"})
_MAPPING = {"round": "#/components/schemas/{C}Circle", "square": "{C}Square"}

ALL_OF = (
    _row("allOf of one reference", {"allOf": [ref("{C}Label")]}, "{C}Label | None", {"text": "t"}, schemas=LABELS),
    _row("allOf with a description", {"allOf": [ref("{C}Label")], "description": "Its tag."}, "{C}Label | None", {"text": "t"},
         schemas=LABELS, doc=("Its tag.",)),
    _row("allOf of two models", {"allOf": [ref("{C}Label"), {"type": "object", "properties": {"n": INTEGER}}]},
         "{C}Value | None", {"text": "t", "n": 1}, schemas=LABELS),
    _row("allOf beside properties", {"allOf": [ref("{C}Label")], "properties": {"n": INTEGER}}, "{C}Value | None",
         {"text": "t", "n": 1}, schemas=LABELS),
    _row("allOf component", ref("{C}Dog"), "{C}Dog | None", {"text": "t", "barks": True}, schemas={**LABELS, "{C}Dog": {
        "allOf": [ref("{C}Label"), {"properties": {"barks": {"type": "boolean"}}}]}}),
    _row("allOf of allOf", ref("{C}C"), "{C}C | None", {"text": "t", "b": 1, "c": 2}, schemas={**LABELS,
        "{C}B": {"allOf": [ref("{C}Label"), {"properties": {"b": INTEGER}}]},
        "{C}C": {"allOf": [ref("{C}B"), {"properties": {"c": INTEGER}}]}}),
    _row("allOf narrows a field", ref("{C}B"), "{C}B | None", {"text": "a"}, schemas={**LABELS,
        "{C}B": {"allOf": [ref("{C}Label"), {"properties": {"text": {"enum": ["a", "b"]}}}]}}),
    _row("allOf with required alone", {"allOf": [ref("{C}Label"), {"required": ["text"]}]}, "{C}Value | None", {"text": "t"},
         schemas=LABELS),
    _row("allOf of limits", {"allOf": [STRING, {"minLength": 31}]}, "str | None", "a", doc=("31",)),
    _row("allOf of a string", {"allOf": [ref("{C}Id")]}, "str | None", "a", schemas={"{C}Id": STRING}),
    _row("allOf of an enum", {"allOf": [ref("{C}Mood")], "default": "good"}, "{C}Mood | None", "good",
         schemas={"{C}Mood": {**STRING, "enum": ["good", "bad"]}}, doc=("The server's default is `'good'`.",)),
    _row("allOf empty part", {"allOf": [ref("{C}Label"), {}]}, "{C}Value | None", {"text": "t"}, schemas=LABELS),
    _row("allOf of itself", ref("{C}A"), "{C}A | None", {"n": 1}, notes=("contains itself",),
         schemas={"{C}A": {"allOf": [ref("{C}A"), {"type": "object", "properties": {"n": INTEGER}}]}}),
    _row("allOf with null", {"anyOf": [{"allOf": [ref("{C}Label")]}, {"type": "null"}]}, "{C}Label | None", {"text": "t"}, None,
         schemas=LABELS),
)  # fmt: skip

UNIONS = (
    _row("oneOf of plain types", {"oneOf": [STRING, INTEGER]}, "str | int | None", "a", 1),
    _row("anyOf of plain types", {"anyOf": [STRING, INTEGER]}, "str | int | None", "a", 1),
    _row("anyOf with null", {"anyOf": [STRING, {"type": "null"}]}, "str | None", "a", None),
    _row("anyOf with const null", {"anyOf": [STRING, {"const": None}]}, "str | None", "a", None),
    _row("text or model", {"oneOf": [STRING, ref("{C}Label")]}, "str | {C}Label | None", "a", {"text": "t"}, schemas=LABELS),
    _row("text or list of texts", {"oneOf": [STRING, {"type": "array", "items": STRING}]}, "str | list[str] | None", "a", ["b"]),
    _row("model or list of models", {"oneOf": [ref("{C}Label"), {"type": "array", "items": ref("{C}Label")}]},
         "{C}Label | list[JSON] | None", {"text": "t"}, [{"text": "t"}], schemas=LABELS),
    _row("model or map", {"anyOf": [ref("{C}Label"), {"type": "object", "additionalProperties": INTEGER}]},
         "dict[str, JSON] | dict[str, int] | None", {"text": "t"}, {"a": 1}, schemas=LABELS),
    _row("union of one", {"oneOf": [ref("{C}Label")]}, "{C}Label | None", {"text": "t"}, schemas=LABELS),
    _row("text or date", {"anyOf": [{**STRING, "format": "date"}, INTEGER]}, "str | int | None", "2026-03-01", 3),
    _row("enum or text", {"anyOf": [{**STRING, "enum": ["a"]}, STRING]}, _UNION, "a", "b"),
    _row("consts or text", {"anyOf": [STRING, {"const": "a"}, {"const": "b"}, {"type": "null"}]}, _UNION, "a", "c", None),
    _row("oneOf of consts", {"oneOf": [{"const": "a", "title": "A"}, {"const": "b", "title": "B"}]}, _UNION, "a", "b"),
    _row("oneOf of described consts", ref("{C}Mood"), "{C}Mood | None", "good", "odd", schemas={"{C}Mood": {**STRING, "oneOf": [
        {"const": "good", "description": "It smiles."}, {"const": "bad", "title": "Grim", "deprecated": True}]}}),
    _row("oneOf of integers", {"oneOf": [{"const": 1, "title": "Low"}, {"const": 2, "description": "High one."}, {"type": "null"}]},
         "int | None", 1, 3, None, doc=("One of `1` (Low), `2` (High one).",)),
    _row("text or another enum", {"anyOf": [{**STRING, "maxLength": 5}, {"enum": ["a"]}]}, "str | None", "a", "b"),
    _row("properties beside oneOf of required", {**LABEL, "oneOf": [{"required": ["text"]}, {"required": ["n"]}],
         "properties": {"text": STRING, "n": INTEGER}}, "{C}Value | None", {"text": "t"}, {"n": 1}),
    _row("properties beside options", {"type": "object", "properties": {"text": STRING}, "anyOf": [
        {"properties": {"n": INTEGER}}, {"properties": {"m": STRING}}]}, "{C}Value | None", {"text": "t", "n": 1, "m": "x"}),
    _row("tags of consts", {"oneOf": _BOTH}, _UNION, *_SHAPE_VALUES, schemas=_SHAPES),
    _row("tags of enums", {"oneOf": _BOTH}, _UNION, *_SHAPE_VALUES, schemas={
        "{C}Circle": _member({"enum": ["circle", "disc"]}, "r"), "{C}Square": _member({"enum": ["square"]}, "a")}),
    _row("tags under anyOf", {"anyOf": _BOTH}, _UNION, *_SHAPE_VALUES, schemas=_SHAPES),
    _row("nullable union with tags", {"oneOf": [*_BOTH, {"type": "null"}]}, _UNION, *_SHAPE_VALUES, None, schemas=_SHAPES),
    _row("list of unions", {"type": "array", "items": {"oneOf": _BOTH}}, "list[{C}ValueItem] | None", [*_SHAPE_VALUES], schemas=_SHAPES),
    _row("map of unions", {"type": "object", "additionalProperties": {"oneOf": _BOTH}}, "dict[str, {C}ValueValue] | None",
         {"a": _SHAPE_VALUES[0]}, schemas=_SHAPES),
    _row("union component", ref("{C}Shape"), "{C}Shape | None", *_SHAPE_VALUES, schemas={**_SHAPES, "{C}Shape": {"oneOf": _BOTH}}),
    _row("inline members", {"oneOf": [_member("a", "x"), _member("b", "y")]}, _UNION, {"kind": "a", "x": 1}, {"kind": "b", "y": 1}),
    _row("members without a tag", {"oneOf": [ref("{C}A"), ref("{C}B")]}, "dict[str, JSON] | None", {"x": 1},
         notes=("the objects of this union have no common tag",),
         schemas={"{C}A": {"type": "object", "properties": {"x": INTEGER}}, "{C}B": {"type": "object", "properties": {"y": INTEGER}}}),
)  # fmt: skip

DISCRIMINATORS = (
    _row("discriminator of consts", {"oneOf": _BOTH, "discriminator": {"propertyName": "kind"}}, _UNION, *_SHAPE_VALUES,
         schemas=_SHAPES),
    _row("discriminator with a mapping", {"oneOf": _BOTH, "discriminator": {"propertyName": "kind", "mapping": _MAPPING}}, _UNION,
         {"kind": "round", "r": 1}, {"kind": "square", "a": 1}, {"kind": "star"}, schemas=_PLAIN),
    _row("discriminator by the name of the schema", {"oneOf": _BOTH, "discriminator": {"propertyName": "kind"}}, _UNION,
         {"kind": "{C}Circle", "r": 1}, schemas=_PLAIN),
    _row("discriminator with a part of the mapping", {"oneOf": _BOTH, "discriminator": {"propertyName": "kind", "mapping": {
        "round": "{C}Circle"}}}, _UNION, {"kind": "round", "r": 1}, schemas=_PLAIN),
    _row("discriminator of another name", {"oneOf": [ref("{C}A"), ref("{C}B")], "discriminator": {"propertyName": "@type"}},
         _UNION, {"@type": "a", "x": 1}, {"@type": "b", "y": 2},
         schemas={"{C}A": _member("a", "x", "@type"), "{C}B": _member("b", "y", "@type")}),
    _row("discriminator without options", ref("{C}Base"), "{C}Base | None", {"kind": "a"}, schemas={"{C}Base": {
        "type": "object", "properties": {"kind": STRING}, "discriminator": {"propertyName": "kind"}}}),
    _row("discriminator of a parent", {"oneOf": [ref("{C}Cat"), ref("{C}Dog")], "discriminator": {"propertyName": "kind",
         "mapping": {"cat": "{C}Cat", "dog": "{C}Dog"}}}, _UNION, {"kind": "cat", "lives": 9}, {"kind": "dog", "barks": 1},
         schemas={"{C}Pet": {"type": "object", "required": ["kind"], "properties": {"kind": STRING}},
                  "{C}Cat": {"allOf": [ref("{C}Pet"), {"properties": {"lives": INTEGER}}]},
                  "{C}Dog": {"allOf": [ref("{C}Pet"), {"properties": {"barks": INTEGER}}]}}),
)  # fmt: skip

_UNCHECKED: dict[str, tuple[Node, str, Any]] = {
    "not": ({**STRING, "not": {"enum": ["a"]}}, "str | None", "b"),
    "if then else": (
        {**LABEL, "if": {"required": ["text"]}, "then": {"required": ["n"]}, "else": {}},
        "{C}Value | None",
        {"text": "t"},
    ),
    "dependentRequired": ({**LABEL, "dependentRequired": {"text": ["n"]}}, "{C}Value | None", {"text": "t"}),
    "dependentSchemas": ({**LABEL, "dependentSchemas": {"text": {"required": ["n"]}}}, "{C}Value | None", {"text": "t"}),
    "patternProperties": ({"type": "object", "patternProperties": {"^x-": INTEGER}}, "dict[str, JSON] | None", {"x-a": 1}),
    "patternProperties beside others": (
        {"type": "object", "patternProperties": {"^x-": STRING}, "additionalProperties": INTEGER},
        "dict[str, JSON] | None",
        {"x-a": "b", "c": 1},
    ),
    "unevaluatedProperties": ({**LABEL, "unevaluatedProperties": False}, "{C}Value | None", {"text": "t"}),
    "contains": ({"type": "array", "items": INTEGER, "contains": {"const": 1}}, "list[int] | None", [1]),
    "minContains": ({"type": "array", "items": INTEGER, "contains": {"const": 1}, "minContains": 2}, "list[int] | None", [1, 1]),
    "unevaluatedItems": ({"type": "array", "items": INTEGER, "unevaluatedItems": False}, "list[int] | None", [1]),
    "prefixItems": ({"type": "array", "prefixItems": [STRING, INTEGER]}, "list[JSON] | None", ["a", 1]),
    "prefixItems and items": ({"type": "array", "prefixItems": [STRING], "items": INTEGER}, "list[JSON] | None", ["a", 1]),
    "contentEncoding": ({**STRING, "contentEncoding": "base64"}, "str | None", "aGk="),
    "contentMediaType": ({**STRING, "contentMediaType": "application/json"}, "str | None", "{}"),
    "contentSchema": ({**STRING, "contentMediaType": "application/json", "contentSchema": INTEGER}, "str | None", "1"),
    "xml": ({**STRING, "xml": {"name": "v", "attribute": True}}, "str | None", "a"),
    "an extension": ({**STRING, "x-order": 3}, "str | None", "a"),
    "an anchor": ({**STRING, "$anchor": "here"}, "str | None", "a"),
    "definitions": ({**LABEL, "$defs": {"unused": STRING}}, "{C}Value | None", {"text": "t"}),
}
_SILENT = frozenset({"not", "an extension", "an anchor", "definitions", "xml", "if then else"})
UNCHECKED = tuple(
    _row(name, schema, annotation, value, notes=() if name in _SILENT else (f"`{name.partition(' ')[0]}`",))
    for name, (schema, annotation, value) in _UNCHECKED.items()
)

ROWS: tuple[Change, ...] = (*ALL_OF, *UNIONS, *DISCRIMINATORS, *UNCHECKED)
