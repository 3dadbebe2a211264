"""Schemas that the generator does not support are refused."""

from __future__ import annotations

from tests.codegen.documents import (
    entry,
    parameter,
    schema,
)
from tests.codegen.edits import (
    SCHEMAS,
    STATUS,
    STATUS_SCHEMA,
    TICKET_SCHEMA,
    Case,
    add_field,
    add_schema,
    assert_refused,
    drop,
    parameters,
    put,
)

CASES = {
    "a component of another kind": Case(
        add_schema("More", entry("Texts.", type="array", items={"type": "string"})),
        f"{SCHEMAS}/More",
        "a component must be an object with properties, an object with `additionalProperties: true`, an enum of strings, or"
        " a union of objects.",
    ),
    "an enum of numbers": Case(
        put(*STATUS_SCHEMA, "enum", to=[1, 2]),
        f"{SCHEMAS}/TicketStatus",
        "an enum must be of `type: string` and list strings only.",
    ),
    "an enum that lists a value twice": Case(
        lambda raw: schema(raw, "TicketStatus")["enum"].append("open"), f"{SCHEMAS}/TicketStatus", "the enum lists `open` twice."
    ),
    "an enum without descriptions": Case(
        drop(*STATUS_SCHEMA, "x-enum-descriptions"), f"{SCHEMAS}/TicketStatus", "the enum has no `x-enum-descriptions`."
    ),
    "an enum value without description": Case(
        drop(*STATUS_SCHEMA, "x-enum-descriptions", "open"),
        f"{SCHEMAS}/TicketStatus",
        "`x-enum-descriptions` has no description of `open`.",
    ),
    "a description of no value": Case(
        put(*STATUS_SCHEMA, "x-enum-descriptions", "opened", to="Open."),
        f"{SCHEMAS}/TicketStatus",
        "`x-enum-descriptions` describes `opened`, which the enum does not list.",
    ),
    "an inline enum": Case(
        add_field("mood", type="string", enum=["good"]),
        f"{SCHEMAS}/Ticket/properties/mood",
        "an enum must be a component of its own; refer to it with $ref.",
    ),
    "an inline object": Case(
        add_field("more", type="object", properties={"id": {"type": "string"}}),
        f"{SCHEMAS}/Ticket/properties/more",
        "an object with properties must be a component of its own; refer to it with $ref.",
    ),
    "an inline object in a list": Case(
        add_field("more", type="array", items={"type": "object", "properties": {}}),
        f"{SCHEMAS}/Ticket/properties/more/items",
        "an object with properties must be a component of its own; refer to it with $ref.",
    ),
    "an object without additionalProperties": Case(
        add_field("more", type="object"),
        f"{SCHEMAS}/Ticket/properties/more",
        "the object has no `additionalProperties`; write `additionalProperties: true` for any content.",
    ),
    "additionalProperties of a string": Case(
        add_field("more", type="string", additionalProperties=True),
        f"{SCHEMAS}/Ticket/properties/more",
        "`additionalProperties` has no meaning without `type: object`.",
    ),
    "a model closed against more fields": Case(
        put(*TICKET_SCHEMA, "additionalProperties", to=False),
        f"{SCHEMAS}/Ticket",
        "a model keeps unknown fields in `extra` anyway; leave `additionalProperties` out.",
    ),
    "properties of another model": Case(
        put(*TICKET_SCHEMA, "allOf", to=[{"type": "object", "properties": {"more": {"type": "string"}}}]),
        f"{SCHEMAS}/Ticket",
        "the generator reads the `properties` of a model alone; write those of `allOf` there.",
    ),
    "a required name without property": Case(
        lambda raw: schema(raw, "Ticket")["required"].append("colour"),
        f"{SCHEMAS}/Ticket",
        "`required` names `colour`, which is not a property.",
    ),
    "an identity without property": Case(
        put(*TICKET_SCHEMA, "x-cstar-identity", to="number"),
        f"{SCHEMAS}/Ticket",
        "`x-cstar-identity` names `number`, which is not a property.",
    ),
    "an alias that is a property": Case(
        add_field("label", type="string", **{"x-cstar-aliases": ["title"]}),
        f"{SCHEMAS}/Ticket/properties/label",
        "`x-cstar-aliases` must list wire names that are not properties themselves.",
    ),
    "a list without items": Case(
        add_field("more", type=["array", "null"]),
        f"{SCHEMAS}/Ticket/properties/more",
        "the array has no `items`.",
    ),
    "items without list": Case(
        add_field("more", type="string", items={}),
        f"{SCHEMAS}/Ticket/properties/more",
        "`items` has no meaning without `type: array`.",
    ),
    "an unknown format": Case(
        add_field("more", type="string", format="datetime"),
        f"{SCHEMAS}/Ticket/properties/more",
        "the generator does not support the format `datetime`.",
    ),
    "a format of two types": Case(
        add_field("more", type=["string", "integer"], format="date-time"),
        f"{SCHEMAS}/Ticket/properties/more",
        "`format` needs exactly one type beside null.",
    ),
    "a list or a string": Case(
        add_field("more", type=["string", "array"], items={"type": "string"}),
        f"{SCHEMAS}/Ticket/properties/more",
        "arrays and objects cannot share a place with other types.",
    ),
    "nothing but null": Case(
        add_field("more", type="null"), f"{SCHEMAS}/Ticket/properties/more", "a value must have a type other than null."
    ),
    "a const that is not a string": Case(
        add_field("more", type="boolean", const=True),
        f"{SCHEMAS}/Ticket/properties/more",
        "`const` is supported for strings only.",
    ),
    "oneOf two objects": Case(
        add_field("more", oneOf=[{"$ref": f"{SCHEMAS}/Message"}, {"$ref": f"{SCHEMAS}/Customer"}]),
        f"{SCHEMAS}/Ticket/properties/more",
        "`oneOf` is supported as `[{$ref: …}, {type: 'null'}]` only.",
    ),
    "allOf in a field": Case(
        add_field("more", allOf=[{"$ref": f"{SCHEMAS}/Message"}]),
        f"{SCHEMAS}/Ticket/properties/more",
        "`allOf` is for responses in their envelope; write `$ref` with the description beside it.",
    ),
    "a part of the envelope in a model": Case(
        add_field("more", **{"$ref": f"{SCHEMAS}/Meta"}),
        f"{SCHEMAS}/Ticket/properties/more",
        "`Meta` is part of the envelope, which callers never see.",
    ),
    "a $ref that is not a schema": Case(
        add_field("more", **{"$ref": "#/components/parameters/Page"}),
        f"{SCHEMAS}/Ticket/properties/more",
        "the $ref `#/components/parameters/Page` does not lead to a schema.",
    ),
    "a default that is not in the enum": Case(
        add_field("more", **{"$ref": f"{SCHEMAS}/TicketStatus", "default": "lost"}),
        f"{SCHEMAS}/Ticket/properties/more",
        "the default `lost` is not a value of `TicketStatus`.",
    ),
    "a default of another type": Case(
        add_field("more", type=["integer", "null"], default=True),
        f"{SCHEMAS}/Ticket/properties/more",
        "the default True is of another type.",
    ),
}
for key in ("description", "x-evidence", "x-source"):
    CASES[f"a schema without {key}"] = Case(drop(*TICKET_SCHEMA, key), f"{SCHEMAS}/Ticket", f"the schema has no `{key}`.")
    CASES[f"an enum without {key}"] = Case(drop(*STATUS_SCHEMA, key), f"{SCHEMAS}/TicketStatus", f"the schema has no `{key}`.")
    CASES[f"a property without {key}"] = Case(
        drop(*TICKET_SCHEMA, "properties", "status", key), f"{SCHEMAS}/Ticket/properties/status", f"the property has no `{key}`."
    )
    CASES[f"a parameter without {key}"] = Case(
        lambda raw, key=key: parameter(raw, "status").pop(key), STATUS, f"the parameter `status` has no `{key}`."
    )


@parameters(CASES)
def test_unsupported_schema_is_refused(case: Case) -> None:
    """The problem is reported with its pointer."""
    assert_refused(case)
