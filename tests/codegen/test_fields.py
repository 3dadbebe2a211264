"""Fields of models: their annotations, and how they are decoded."""

from __future__ import annotations

import functools
from collections import defaultdict
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from codegen.ir.model_specs import FieldSpec
from codegen.spec.document import Node
from cstar_async._model import decoding as _wire
from cstar_async._model.codec import from_dict
from cstar_async._types import UNSET
from cstar_async.models import tickets
from tests.codegen.documents import (
    entry,
    model,
    models_of,
    real,
    schema,
)

SCHEMAS = "#/components/schemas"


def _read(field: FieldSpec, **wire: Any) -> Any:
    """Decode a field as generated code does."""
    raw = SimpleNamespace(**{field.attribute: wire.get(field.wire)})
    inputs = {"decode_message_input": tickets.decode_message}  # messages are in no body of the committed code
    scope = {**vars(_wire), **vars(tickets), **inputs, "wire": wire, "fields": defaultdict(lambda: None, wire), "raw": raw}
    for lookup in field.lookups:
        setattr(raw, field.attribute, eval(lookup, scope))
    for one in field.decode_steps:
        if eval(one.condition, scope):
            try:
                setattr(raw, field.attribute, eval(one.quick_expression or one.expression, scope))
            except (TypeError, ValueError):
                setattr(raw, field.attribute, eval(one.expression, scope))
    return getattr(raw, field.attribute)


MESSAGE = {"$ref": f"{SCHEMAS}/Message"}
STATUS = {"$ref": f"{SCHEMAS}/TicketStatus"}
DATETIME = {"type": "string", "format": "date-time"}
NULL = {"type": "null"}


RESPONSE_FIELDS: list[tuple[Node, str]] = [
    ({"type": "string"}, "str"),
    ({"type": "string", "format": "uuid"}, "str"),
    ({"type": "string", "const": "x"}, "str"),
    ({"type": ["integer", "null"]}, "int"),
    ({"type": ["string", "number", "boolean"]}, "str | float | bool"),
    ({}, "JSON"),
    ({"type": "object", "additionalProperties": True}, "dict[str, JSON]"),
    ({"$ref": f"{SCHEMAS}/FreeObject"}, "dict[str, JSON]"),
    ({"type": "object", "additionalProperties": {"type": "integer"}}, "dict[str, int]"),
    ({"type": "object", "additionalProperties": MESSAGE}, "dict[str, Message]"),
    ({"type": "array", "items": {"type": ["string", "null"]}}, "list[str | None]"),
    ({"type": ["array", "null"], "items": MESSAGE}, "list[Message]"),
    ({"type": "array", "items": STATUS}, "list[TicketStatus]"),
    (STATUS, "TicketStatus"),
    ({"oneOf": [STATUS, NULL]}, "TicketStatus"),
    ({"oneOf": [MESSAGE, NULL]}, "Message"),
    (DATETIME, "datetime"),
]
BODY_FIELDS: list[tuple[Node, str]] = [
    ({"type": "string"}, "str"),
    ({"type": ["string", "null"]}, "str | None"),
    ({}, "JSON | JSONObject"),
    ({"type": "object", "additionalProperties": True}, "JSONObject"),
    (STATUS, "TicketStatusLike"),
    ({"type": "array", "items": {"type": "string"}}, "list[str] | tuple[str, ...]"),
    ({"type": "array", "items": MESSAGE}, "Sequence[MessageInput | Message | JSONObject]"),
    (MESSAGE, "MessageInput | Message | JSONObject"),
    ({"type": "object", "additionalProperties": {"type": "integer"}}, "Mapping[str, int]"),
    (DATETIME, "datetime"),
]
DECODED: list[tuple[Node, Any, Any]] = [
    ({"type": "string"}, 5, 5),
    (STATUS, "open", tickets.TicketStatus.OPEN),
    (STATUS, 5, 5),
    (DATETIME, "2026-03-01T12:00:00Z", datetime(2026, 3, 1, 12, tzinfo=UTC)),
    (DATETIME, "soon", "soon"),
    (MESSAGE, {"id": "msg_1"}, tickets.decode_message({"id": "msg_1"})),
    (MESSAGE, "msg_1", "msg_1"),
    ({"type": "array", "items": MESSAGE}, [{"id": "msg_1"}, 5], [tickets.decode_message({"id": "msg_1"}), 5]),
    ({"type": "array", "items": STATUS}, ["open", None], [tickets.TicketStatus.OPEN, None]),
    ({"type": "array", "items": DATETIME}, ["2026-03-01T12:00:00Z"], [datetime(2026, 3, 1, 12, tzinfo=UTC)]),
    (
        {"type": "object", "additionalProperties": MESSAGE},
        {"a": {"id": "msg_1"}, "b": 5},
        {"a": tickets.decode_message({"id": "msg_1"}), "b": 5},
    ),
]
ALIASED: Node = {**STATUS, "x-cstar-aliases": ["older", "oldest"]}
NODES: list[Node] = [*(row[0] for row in (*RESPONSE_FIELDS, *BODY_FIELDS, *DECODED)), ALIASED]


@functools.cache
def _fields() -> dict[str, list[FieldSpec]]:
    """Return all fields of this file, in a response and in a body, from one document."""
    raw = real()
    for name in ("Ticket", "TicketUpdate"):
        schema(raw, name)["properties"] |= {f"more{index}": entry("More.", **node) for index, node in enumerate(NODES)}
    models = models_of(raw)
    return {name: [field for field in models[name].fields if field.wire.startswith("more")] for name in ("Ticket", "TicketUpdate")}


def _field_of(schema_name: str, node: Node) -> FieldSpec:
    """Return a field of a schema."""
    return _fields()[schema_name][NODES.index(node)]


@pytest.mark.parametrize(
    ("node", "kind"),
    RESPONSE_FIELDS,
)
def test_field_of_a_response_may_be_none(node: Node, kind: str) -> None:
    """An optional field may be None; JSON includes None."""
    annotation = kind if kind == "JSON" else f"{kind} | None"
    assert f": {annotation} = None" == _field_of("Ticket", node).declaration.lstrip("more_0123456789")


@pytest.mark.parametrize(
    ("node", "kind"),
    BODY_FIELDS,
)
def test_field_of_a_body_may_be_left_out(node: Node, kind: str) -> None:
    """It is UNSET then. It takes enums as str and models as mappings."""
    assert f": {kind} | Unset = UNSET" == _field_of("TicketUpdate", node).declaration.lstrip("more_0123456789")


@pytest.mark.parametrize(
    ("node", "value", "expected"),
    DECODED,
)
@pytest.mark.parametrize("schema_name", ["Ticket", "TicketUpdate"])
def test_field_is_decoded_or_passed_through(schema_name: str, node: Node, value: Any, expected: Any) -> None:
    """A value of another type than documented stays as it is."""
    field = _field_of(schema_name, node)
    found = _read(field, **{field.wire: value})

    assert (expected, type(expected)) == (found, type(found))


def test_only_bodies_distinguish_absent_from_null() -> None:
    """In a response both are None; in a body an absent field is UNSET."""
    ticket, update = from_dict(tickets.Ticket, {}), from_dict(tickets.TicketUpdate, {})
    nulled = from_dict(tickets.TicketUpdate, {"assignedTo": None})

    assert (None, UNSET, None) == (ticket.assigned_to, update.assigned_to, nulled.assigned_to)


def test_alias_is_decoded_like_the_name() -> None:
    """A field is found under each of its names."""
    field = _field_of("Ticket", ALIASED)

    assert [tickets.TicketStatus.OPEN] * 3 == [_read(field, **{name: "open"}) for name in (field.wire, "older", "oldest")]


def test_null_gives_way_to_an_alias_only_in_responses() -> None:
    """In a body, null clears the field."""
    response, body = _field_of("Ticket", ALIASED), _field_of("TicketUpdate", ALIASED)

    assert tickets.TicketStatus.OPEN == _read(response, **{response.wire: None, "older": None, "oldest": "open"})
    assert _read(body, **{body.wire: None, "older": "open"}) is None


def test_field_called_as_a_keyword_gets_an_underscore() -> None:
    """`from` cannot be an attribute; its wire name stays."""
    raw = real()
    schema(raw, "Ticket")["properties"]["from"] = entry("The source.", type="string")

    view = models_of(raw)["Ticket"]

    assert "from_: str | None = None" in [field.declaration for field in view.fields]
    assert "'from_': 'from'" in view.wire_names


def test_required_field_that_may_be_null_has_no_default() -> None:
    """A required field may be nullable."""
    raw = real()
    schema(raw, "Ticket")["required"].append("notes")

    assert "notes: str | None" in [field.declaration for field in models_of(raw)["Ticket"].fields]


def test_aliases_are_known_names() -> None:
    """An alias is not an unknown field."""
    raw = real()
    schema(raw, "Ticket")["properties"]["title"]["x-cstar-aliases"] = ["subject"]

    assert "dict.fromkeys(keys_of_parser((*Ticket.__wire_names__.values(), 'subject')))" == models_of(raw)["Ticket"].absent_fields


def test_identity_is_the_attribute_of_its_property() -> None:
    """A tag has no id; its name identifies it."""
    assert ("'name'",) == models_of(real())["Tag"].identities


def test_model_may_refer_to_itself() -> None:
    """Its annotation has its own name."""
    raw = real()
    raw["components"]["schemas"]["Tree"] = model(
        "A tree.",
        below=entry("Branches.", type="array", items={"$ref": f"{SCHEMAS}/Tree"}),
        name=entry("Name.", type="string"),
    )
    schema(raw, "Ticket")["properties"]["tree"] = entry("A tree.", **{"$ref": f"{SCHEMAS}/Tree"})

    assert "below: list[Tree] | None = None" == models_of(raw)["Tree"].fields[0].declaration
