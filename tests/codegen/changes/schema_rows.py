"""Schemas: types, formats, null, enums, containers, and the other keywords of JSON Schema and of OpenAPI 3.0."""

from __future__ import annotations

from functools import partial
from typing import Any

from codegen.spec.document import Node
from tests.codegen.changes.rows import Change, value_row
from tests.codegen.packages import ref

_row = partial(value_row, "Schema")
_old = partial(value_row, "Schema 3.0", version="3.0.3")

STRING = {"type": "string"}
INTEGER = {"type": "integer"}
LABEL = {"type": "object", "properties": {"text": STRING}}
LABELS = {"{C}Label": LABEL}
_LABEL = {"text": "t"}

TYPES = (
    _row("string", STRING, "str | None", "", "a", "ü\n"),
    _row("required string", STRING, "str", "a", required=True),
    _row("integer", INTEGER, "int | None", 0, -1, 2**60),
    _row("required integer", INTEGER, "int", 3, required=True),
    _row("number", {"type": "number"}, "float | None", 0.5, 1, -1e30),
    _row("boolean", {"type": "boolean"}, "bool | None", True, False),
    _row("null", {"type": "null"}, "JSON", None),
    _row("object alone", {"type": "object"}, "dict[str, JSON] | None", {}, {"a": [1, {"b": None}]}),
    _row("array alone", {"type": "array"}, "list[JSON] | None", [], [1, "a", None, {"b": 1}]),
    _row("no type", {}, "JSON", 1, "a", [1], {"a": 1}, None),
    _row("true", True, "JSON", 1, "a", None, notes=("a schema that is a boolean",)),
    _row("types in a list of one", {"type": ["string"]}, "str | None", "a"),
    _row("two types", {"type": ["string", "integer"]}, "str | int | None", "a", 1),
    _row("type and null", {"type": ["string", "null"]}, "str | None", "a", None),
    _row("null first", {"type": ["null", "integer"]}, "int | None", 1, None),
    _row("required and nullable", {"type": ["string", "null"]}, "str | None", "a", None, required=True),
    _row("three types and null", {"type": ["string", "number", "boolean", "null"]}, "str | float | bool | None", "a", 1.5, True, None),
    _row("array or null", {"type": ["array", "null"], "items": STRING}, "list[str] | None", ["a"], [], None),
    _row("object or null", {"type": ["object", "null"], "properties": {"a": INTEGER}}, "{C}Value | None", {"a": 1}, None),
    _row("all types", {"type": ["string", "number", "integer", "boolean", "array", "object", "null"]},
         "str | float | int | bool | list[JSON] | dict[str, JSON] | None", "a", 1, [1], {"a": 1}, None),
)  # fmt: skip

FORMATS = (
    _row("date-time", {**STRING, "format": "date-time"}, "datetime | None", "2026-03-01T10:00:00Z", "2026-03-01T10:00:00.125Z"),
    _row("required date-time", {**STRING, "format": "date-time"}, "datetime", "2026-03-01T10:00:00Z", required=True),
    _row("nullable date-time", {"type": ["string", "null"], "format": "date-time"}, "datetime | None", "2026-03-01T10:00:00Z", None),
    _row("date", {**STRING, "format": "date"}, "Date | None", "2026-03-01"),
    _row("list of dates", {"type": "array", "items": {**STRING, "format": "date"}}, "list[Date] | None", ["2026-03-01", "2026-03-02"]),
    _row("map of date-times", {"type": "object", "additionalProperties": {**STRING, "format": "date-time"}},
         "dict[str, datetime] | None", {"a": "2026-03-01T10:00:00Z"}),
    *(
        _row(f"format {name}", {**STRING, "format": name}, "str | None", text)
        for name, text in {
            "time": "10:00:00Z", "duration": "P1D", "email": "a@example.com", "idn-email": "ä@example.com", "hostname": "example.com",
            "ipv4": "127.0.0.1", "ipv6": "::1", "uri": "https://example.com/a?b", "uri-reference": "/a", "iri": "https://ä.example",
            "uuid": "0b0f2c4e-7a1d-4f6e-9a35-1c1b2d3e4f50", "uri-template": "/{a}", "json-pointer": "/a", "regex": "^a$",
            "password": "s", "byte": "aGk=", "x-vendor": "v",
        }.items()
    ),
    *(_row(f"format {name}", {**INTEGER, "format": name}, "int | None", 1, 2**40) for name in ("int32", "int64", "uint8", "unix-time")),
    *(_row(f"format {name}", {"type": "number", "format": name}, "float | None", 1.5, 2) for name in ("float", "double", "decimal")),
)  # fmt: skip

LIMITS = (
    _row("default of a string", {**STRING, "default": "a b"}, "str | None", "c", doc=("The server's default is `'a b'`.",)),
    _row("default of an integer", {**INTEGER, "default": 3}, "int | None", 4, doc=("The server's default is `3`.",)),
    _row("default of a boolean", {"type": "boolean", "default": True}, "bool | None", False, doc=("The server's default is `True`.",)),
    _row("default null", {"type": ["string", "null"], "default": None}, "str | None", "a", None),
    _row("default of a list", {"type": "array", "items": STRING, "default": []}, "list[str] | None", ["a"]),
    _row("minimum", {**INTEGER, "minimum": 3}, "int | None", 4, doc=("3",)),
    _row("maximum", {**INTEGER, "maximum": 17}, "int | None", 4, doc=("17",)),
    _row("exclusive minimum", {"type": "number", "exclusiveMinimum": 2.5}, "float | None", 3.5, doc=("2.5",)),
    _row("exclusive maximum", {"type": "number", "exclusiveMaximum": 97}, "float | None", 3.5, doc=("97",)),
    _row("multipleOf", {**INTEGER, "multipleOf": 13}, "int | None", 13, doc=("13",)),
    _row("minLength", {**STRING, "minLength": 19}, "str | None", "a" * 19, doc=("19",)),
    _row("maxLength", {**STRING, "maxLength": 21}, "str | None", "a", doc=("21",)),
    _row("pattern", {**STRING, "pattern": "^[a-z]+$"}, "str | None", "a", doc=("^[a-z]+$",)),
    _row("pattern with a backslash", {**STRING, "pattern": r"^\d{3}$"}, "str | None", "123", doc=(r"^\d{3}$",)),
    _row("minItems", {"type": "array", "items": STRING, "minItems": 11}, "list[str] | None", ["a"], doc=("11",)),
    _row("maxItems", {"type": "array", "items": STRING, "maxItems": 12}, "list[str] | None", ["a"], doc=("12",)),
    _row("uniqueItems", {"type": "array", "items": STRING, "uniqueItems": True}, "list[str] | None", ["a"]),
    _row("minProperties", {"type": "object", "minProperties": 14}, "dict[str, JSON] | None", {"a": 1}),
    _row("maxProperties", {"type": "object", "maxProperties": 15}, "dict[str, JSON] | None", {"a": 1}),
    _row("description", {**STRING, "description": "The `value` of a null."}, "str | None", "a", doc=("The `value` of a None.",)),
    _row("title", {**STRING, "title": "A title"}, "str | None", "a"),
    _row("examples", {**STRING, "examples": ["green"]}, "str | None", "a"),
    _row("example that looks like a schema", {"type": "object", "example": {"properties": 5, "items": [1]}}, "dict[str, JSON] | None", {"a": 1}),
    _row("comment", {**STRING, "$comment": "for maintainers"}, "str | None", "a", notes=("`$comment`",)),
    _row("external docs", {**STRING, "externalDocs": {"url": "https://example.com/doc"}}, "str | None", "a"),
)  # fmt: skip

ENUMS = (
    _row("enum", {**STRING, "enum": ["open", "closed"]}, "{C}Value | None", "open", "new one"),
    _row("enum without a type", {"enum": ["open", "closed"]}, "{C}Value | None", "open"),
    _row("enum of one", {**STRING, "enum": ["only"]}, "{C}Value | None", "only"),
    _row("enum with an empty text", {**STRING, "enum": ["", "a"]}, "{C}Value | None", "", "a"),
    _row("enum whose names clash", {**STRING, "enum": ["NoReply", "no_reply", "NO-REPLY"]}, "{C}Value | None", "NoReply", "no_reply"),
    _row("enum of digits", {**STRING, "enum": ["1", "2"]}, "{C}Value | None", "1"),
    _row("enum of signs", {**STRING, "enum": ["+", "-", "*"]}, "{C}Value | None", "+", "-"),
    _row("enum of keywords", {**STRING, "enum": ["None", "class", "mro"]}, "{C}Value | None", "None", "class", "mro"),
    _row("enum of other letters", {**STRING, "enum": ["größe", "数"]}, "{C}Value | None", "größe", "数"),
    _row("enum twice the same", {**STRING, "enum": ["a", "a", "b"]}, "{C}Value | None", "a"),
    _row("enum with null", {"type": ["string", "null"], "enum": ["a", None]}, "{C}Value | None", "a", None),
    _row("enum with names", {**STRING, "enum": ["a", "b"], "x-enum-varnames": ["FIRST", "SECOND"]}, "{C}Value | None", "a"),
    _row("enum with descriptions", {**STRING, "enum": ["a"], "x-enum-descriptions": {"a": "The first letter."}},
         "{C}Value | None", "a"),
    _row("enum of integers", {**INTEGER, "enum": [1, 2]}, "int | None", 1, 3, doc=("1", "2")),
    _row("enum of integers with names", {**INTEGER, "enum": [1, 2], "x-enum-varnames": ["LOW", "TOP"]}, "int | None", 1,
         doc=("One of `1` (LOW), `2` (TOP).",)),
    _row("enum with a list of descriptions", {**STRING, "enum": ["a", "b"], "x-enum-descriptions": ["First.", "Second."]},
         "{C}Value | None", "a"),
    _row("deprecated enum", ref("{C}Mood"), "{C}Mood | None", "good", schemas={"{C}Mood": {**STRING, "enum": ["good"], "deprecated": True}}),
    _row("enum of booleans", {"type": "boolean", "enum": [True]}, "bool | None", True),
    _row("enum of numbers", {"type": "number", "enum": [0.5, 1]}, "float | None", 0.5),
    _row("enum of several types", {"enum": ["a", 1, None]}, "JSON", "a", 1, None),
    _row("const text", {"const": "fixed"}, "str | None", "fixed"),
    _row("const with a type", {**STRING, "const": "fixed"}, "str | None", "fixed"),
    _row("const integer", {"const": 7}, "int | None", 7, doc=("Always `7`.",)),
    _row("const false", {"const": False}, "bool | None", False),
    _row("const null", {"const": None}, "JSON", None),
    _row("list of enums", {"type": "array", "items": {**STRING, "enum": ["a", "b"]}}, "list[{C}ValueItem] | None", ["a", "z"]),
    _row("map of enums", {"type": "object", "additionalProperties": {**STRING, "enum": ["a"]}}, "dict[str, {C}ValueValue] | None",
         {"k": "a"}),
    _row("enum component", ref("{C}Mood"), "{C}Mood | None", "good", schemas={"{C}Mood": {**STRING, "enum": ["good", "bad"]}}),
    _row("enum default", {**STRING, "enum": ["a", "b"], "default": "b"}, "{C}Value | None", "a", doc=("The server's default is `'b'`.",)),
)  # fmt: skip

CONTAINERS = (
    _row("inline object", LABEL, "{C}Value | None", _LABEL, {}),
    _row("inline object in an object", {"type": "object", "properties": {"a": {"type": "object", "properties": {"b": LABEL}}}},
         "{C}Value | None", {"a": {"b": _LABEL}}),
    _row("object without a type", {"properties": {"a": INTEGER}}, "{C}Value | None", {"a": 1}),
    _row("closed object", {**LABEL, "additionalProperties": False}, "{C}Value | None", _LABEL),
    _row("open object", {**LABEL, "additionalProperties": True}, "{C}Value | None", {"text": "t", "more": 1}),
    _row("object with typed others", {**LABEL, "additionalProperties": INTEGER}, "{C}Value | None", {"text": "t", "more": 1}),
    _row("closed object without fields", {"additionalProperties": False}, "dict[str, JSON] | None", {}),
    _row("list of texts", {"type": "array", "items": STRING}, "list[str] | None", ["a", "b"], []),
    _row("list of inline objects", {"type": "array", "items": LABEL}, "list[{C}ValueItem] | None", [_LABEL, {}]),
    _row("list of lists", {"type": "array", "items": {"type": "array", "items": INTEGER}}, "list[list[int]] | None", [[1], []]),
    _row("list of lists of models", {"type": "array", "items": {"type": "array", "items": ref("{C}Label")}},
         "list[list[{C}Label]] | None", [[_LABEL], []], schemas=LABELS),
    _row("list of nullable texts", {"type": "array", "items": {"type": ["string", "null"]}}, "list[str | None] | None", ["a", None]),
    _row("list of nullable models", {"type": "array", "items": {"oneOf": [ref("{C}Label"), {"type": "null"}]}},
         "list[{C}Label | None] | None", [_LABEL, None], schemas=LABELS),
    _row("list of maps", {"type": "array", "items": {"type": "object", "additionalProperties": ref("{C}Label")}},
         "list[dict[str, {C}Label]] | None", [{"a": _LABEL}], schemas=LABELS),
    _row("items true", {"type": "array", "items": True}, "list[JSON] | None", [1, "a"], notes=("a schema that is a boolean",)),
    _row("items empty", {"type": "array", "items": {}}, "list[JSON] | None", [1, "a"]),
    _row("items without a type", {"items": INTEGER}, "list[int] | None", [1]),
    _row("map of integers", {"type": "object", "additionalProperties": INTEGER}, "dict[str, int] | None", {"a": 1}, {}),
    _row("map of anything", {"type": "object", "additionalProperties": {}}, "dict[str, JSON] | None", {"a": [1]}),
    _row("map without a type", {"additionalProperties": STRING}, "dict[str, str] | None", {"a": "b"}),
    _row("map of lists of models", {"type": "object", "additionalProperties": {"type": "array", "items": ref("{C}Label")}},
         "dict[str, list[{C}Label]] | None", {"a": [_LABEL]}, schemas=LABELS),
    _row("map of maps", {"type": "object", "additionalProperties": {"type": "object", "additionalProperties": INTEGER}},
         "dict[str, dict[str, int]] | None", {"a": {"b": 1}}),
    _row("map of nullable values", {"type": "object", "additionalProperties": {"type": ["integer", "null"]}},
         "dict[str, int | None] | None", {"a": 1, "b": None}),
    _row("map with names", {"type": "object", "additionalProperties": INTEGER, "propertyNames": {"pattern": "^a"}},
         "dict[str, int] | None", {"a": 1}),
    _row("model", ref("{C}Label"), "{C}Label | None", _LABEL, schemas=LABELS),
    _row("model or null", {"anyOf": [ref("{C}Label"), {"type": "null"}]}, "{C}Label | None", _LABEL, None, schemas=LABELS),
    _row("model that contains itself", ref("{C}Node"), "{C}Node | None", {"next": {"next": {}}},
         schemas={"{C}Node": {"type": "object", "properties": {"next": ref("{C}Node")}}}),
    _row("models that contain each other", ref("{C}A"), "{C}A | None", {"b": {"as": [{"b": {}}]}}, schemas={
        "{C}A": {"type": "object", "properties": {"b": ref("{C}B")}},
        "{C}B": {"type": "object", "properties": {"as": {"type": "array", "items": ref("{C}A")}}},
    }),
    _row("alias of a string", ref("{C}Id"), "str | None", "a", schemas={"{C}Id": STRING}),
    _row("alias of a list", ref("{C}Ids"), "list[str] | None", ["a"], schemas={"{C}Ids": {"type": "array", "items": STRING}}),
    _row("alias of an alias", ref("{C}B"), "{C}Label | None", _LABEL, schemas={"{C}B": ref("{C}C"), "{C}C": ref("{C}Label"), **LABELS}),
    _row("reference with a description", {**ref("{C}Label"), "description": "The tag of it."}, "{C}Label | None", _LABEL,
         schemas=LABELS, doc=("The tag of it.",)),
    _row("reference to a property", {"$ref": "#/components/schemas/{C}Label/properties/text"}, "str | None", "a", schemas=LABELS),
    _row("deep nesting", {"type": "object", "properties": {"a": {"type": "array", "items": {"type": "object", "properties": {
        "b": {"type": "array", "items": {"type": "object", "properties": {"c": STRING}}}}}}}}, "{C}Value | None",
        {"a": [{"b": [{"c": "x"}]}]}),
)  # fmt: skip

OLD = (
    _old("nullable text", {**STRING, "nullable": True}, "str | None", "a", None),
    _old("nullable without a type", {"nullable": True}, "JSON", 1, None),
    _old("not nullable", {**STRING, "nullable": False}, "str | None", "a"),
    _old("nullable enum", {**STRING, "nullable": True, "enum": ["a", None]}, "{C}Value | None", "a", None),
    _old("nullable enum without null", {**STRING, "nullable": True, "enum": ["a"]}, "{C}Value | None", "a", None),
    _old("nullable list", {"type": "array", "nullable": True, "items": STRING}, "list[str] | None", ["a"], None),
    _old("nullable item", {"type": "array", "items": {**STRING, "nullable": True}}, "list[str | None] | None", ["a", None]),
    _old("nullable object", {**LABEL, "nullable": True}, "{C}Value | None", _LABEL, None),
    _old("nullable map value", {"type": "object", "additionalProperties": {**INTEGER, "nullable": True}},
         "dict[str, int | None] | None", {"a": None}),
    _old("nullable reference", {"allOf": [ref("{C}Label")], "nullable": True}, "{C}Label | None", _LABEL, None, schemas=LABELS),
    _old("nullable oneOf", {"oneOf": [ref("{C}Label")], "nullable": True}, "{C}Label | None", _LABEL, None, schemas=LABELS),
    _old("reference to a nullable", ref("{C}Label"), "{C}Label | None", _LABEL, None, schemas={"{C}Label": {**LABEL, "nullable": True}}),
    _old("required nullable", {**STRING, "nullable": True}, "str | None", "a", None, required=True),
    _old("example", {**STRING, "example": "green"}, "str | None", "a"),
    _old("exclusive minimum", {**INTEGER, "minimum": 41, "exclusiveMinimum": True}, "int | None", 42, doc=("41",)),
    _old("exclusive maximum", {**INTEGER, "maximum": 43, "exclusiveMaximum": True}, "int | None", 42, doc=("43",)),
    _old("file", {**STRING, "format": "binary"}, "str | None", "a"),
    _old("list of types", {"type": ["string", "null"]}, "str | None", "a", None),
    _old("const", {"const": "a"}, "str | None", "a"),
)  # fmt: skip

_REQUIRED: dict[str, tuple[Node, str, Any]] = {
    "number": ({"type": "number"}, "float", 1.5),
    "boolean": ({"type": "boolean"}, "bool", True),
    "date": ({**STRING, "format": "date"}, "Date", "2026-03-01"),
    "enum": ({**STRING, "enum": ["a", "b"]}, "{C}Value", "a"),
    "list": ({"type": "array", "items": STRING}, "list[str]", ["a"]),
    "list of models": ({"type": "array", "items": LABEL}, "list[{C}ValueItem]", [_LABEL]),
    "map": ({"type": "object", "additionalProperties": INTEGER}, "dict[str, int]", {"a": 1}),
    "free object": ({"type": "object"}, "dict[str, JSON]", {"a": 1}),
    "inline object": (LABEL, "{C}Value", _LABEL),
    "anything": ({}, "JSON", [1]),
    "one of two types": ({"type": ["string", "integer"]}, "str | int", 1),
    "nullable date-time": ({"type": ["string", "null"], "format": "date-time"}, "datetime | None", "2026-03-01T10:00:00Z"),
    "nullable list": ({"type": ["array", "null"], "items": STRING}, "list[str] | None", ["a"]),
    "nullable enum": ({"type": ["string", "null"], "enum": ["a", None]}, "{C}Value | None", "a"),
    "nullable object": ({**LABEL, "type": ["object", "null"]}, "{C}Value | None", _LABEL),
    "nullable union": ({"oneOf": [STRING, LABEL, {"type": "null"}]}, "str | {C}ValueOption2 | None", _LABEL),
}
REQUIRED = tuple(
    _row(f"required: {name}", schema, annotation, wire, required=True) for name, (schema, annotation, wire) in _REQUIRED.items()
)

ROWS: tuple[Change, ...] = (*REQUIRED, *TYPES, *FORMATS, *LIMITS, *ENUMS, *CONTAINERS, *OLD)
