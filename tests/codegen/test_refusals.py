"""Every way in which a document would lose something stops the run, with one sentence that names the place."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import NamedTuple

import pytest

from codegen.spec.document import Node
from tests.codegen.documents import (
    LIBRARY,
    TICKET,
    TICKETS,
    inside,
    model,
    operation,
    parameter,
    problems_with,
    real,
    said,
    schema,
    small,
)

SCHEMAS = "#/components/schemas"
LIST = "#/paths/~1api~1v1~1teams~1{teamId}~1tickets/get"
CREATE = "#/paths/~1api~1v1~1teams~1{teamId}~1tickets/post"
GET = "#/paths/~1api~1v1~1teams~1{teamId}~1tickets~1{ticketId}/get"
UPDATE = "#/paths/~1api~1v1~1teams~1{teamId}~1tickets~1{ticketId}/patch"
STATUS = f"{LIST}/parameters/2"
SEARCHED_FOR = "#/paths/~1api~1library~1{team}~1search/get/parameters/0"
EXPAND = f"{LIST}/parameters/7"
ANSWER = "responses"


class Case(NamedTuple):
    """One stroke of the pen, and what must come of it."""

    change: Callable[[Node], object]
    place: str
    sentence: str


def _set(*keys: str | int, to: object) -> Callable[[Node], object]:
    """Write a value into the document."""
    return lambda raw: inside(raw, *keys[:-1]).__setitem__(keys[-1], to)


def _drop(*keys: str | int) -> Callable[[Node], object]:
    """Take a value out of the document."""
    return lambda raw: inside(raw, *keys[:-1]).pop(keys[-1])


def _field(name: str, **more: object) -> Callable[[Node], object]:
    """Give tickets another field."""
    return _set("components", "schemas", "Ticket", "properties", name, to=said("A field.", **more))


def _parameter(**more: object) -> Callable[[Node], object]:
    """Give the list of tickets another parameter."""
    return lambda raw: operation(raw, TICKETS, "get")["parameters"].append(said("A parameter.", **more))


def _schema(name: str, node: Node) -> Callable[[Node], object]:
    """Add a component that tickets refer to."""

    def change(raw: Node) -> None:
        raw["components"]["schemas"][name] = node
        schema(raw, "Ticket")["properties"]["more"] = said("More.", **{"$ref": f"#/components/schemas/{name}"})

    return change


def _both(*changes: Callable[[Node], object]) -> Callable[[Node], object]:
    return lambda raw: [change(raw) for change in changes]


def _of_status(**more: object) -> Callable[[Node], object]:
    """Change the query parameter `status`."""
    return lambda raw: parameter(raw, "status").update(more)


_TICKET = ("components", "schemas", "Ticket")
_STATUS = ("components", "schemas", "TicketStatus")
_GET = ("paths", TICKET, "get")
_LIST = ("paths", TICKETS, "get")
_CREATE = ("paths", TICKETS, "post")
_UPDATE = ("paths", TICKET, "patch")
_GET_DATA = (*_GET, "responses", "200", "content", "application/json", "schema", "allOf", 1, "properties", "data")

FRAME = {
    "another version": Case(_set("openapi", to="3.0.3"), "#/openapi", "the document must be OpenAPI 3.1, not 3.0.3."),
    "a $ref that leads nowhere": Case(
        _set(*_TICKET, "properties", "status", "$ref", to="#/components/schemas/Nothing"),
        f"{SCHEMAS}/Ticket/properties/status",
        "the $ref `#/components/schemas/Nothing` leads nowhere.",
    ),
    "a $ref to another document": Case(
        _set(*_TICKET, "properties", "status", "$ref", to="other.yaml#/Status"),
        f"{SCHEMAS}/Ticket/properties/status",
        "the $ref `other.yaml#/Status` does not lead to a component of this document.",
    ),
    "a $ref to a $ref": Case(
        _both(
            _set("components", "parameters", "Other", to={"$ref": "#/components/parameters/Page"}),
            _set(*_LIST, "parameters", 0, to={"$ref": "#/components/parameters/Other"}),
        ),
        f"{LIST}/parameters/0",
        "the $ref `#/components/parameters/Other` leads to another $ref; refer to the thing itself.",
    ),
    "a path item by $ref": Case(
        _set("paths", TICKETS, to={"$ref": "#/components/pathItems/Tickets"}),
        "#/paths/~1api~1v1~1teams~1{teamId}~1tickets",
        "a path item given by $ref loses all its operations; write them here.",
    ),
    "an event that is no post": Case(
        lambda raw: raw["webhooks"]["ticket.created"].update(get=raw["webhooks"]["ticket.created"].pop("post")),
        "#/webhooks/ticket.created",
        "an event is described by `post` and nothing else.",
    ),
    "an unknown extension": Case(
        _set(*_GET, "x-cstar-namspace", to="tickets"),
        GET,
        "no operation has the extension `x-cstar-namspace`; is it misspelt?",
    ),
    "an extension in the wrong place": Case(
        _set(*_TICKET, "x-cstar-key", to="any"),
        f"{SCHEMAS}/Ticket",
        "no schema has the extension `x-cstar-key`; is it misspelt?",
    ),
    "an extension of the wrong form": Case(_set(*_LIST, "x-cstar-method", to=5), LIST, "`x-cstar-method` must be a string."),
    "an unknown evidence": Case(
        _set(*_TICKET, "x-evidence", to="guessed"),
        f"{SCHEMAS}/Ticket",
        "x-evidence is `guessed`; it must be one of documented, inferred, named.",
    ),
    "an empty description": Case(_set(*_TICKET, "description", to=" "), f"{SCHEMAS}/Ticket", "`description` must not be empty."),
    "a deprecated operation": Case(
        _set(*_GET, "deprecated", to=True), GET, "the generator would ignore `deprecated` of this operation."
    ),
    "a null for a keyword": Case(
        _set(*_GET, "parameters", to=None), f"{GET}/parameters", "a value must not be null; leave the key out."
    ),
    "a shape that is none": Case(
        _set(*_TICKET, "properties", to=[]), f"{SCHEMAS}/Ticket/properties", "Input should be a valid dictionary."
    ),
    "no paths": Case(_set("paths", to={}), "#/paths", "the document has no operations."),
    "a tag without description": Case(_drop("tags", 1, "description"), "#/tags/1", "the tag `tickets` has no description."),
    "a tag that stands twice": Case(
        lambda raw: raw["tags"].insert(2, dict(raw["tags"][1])), "#/tags/2", "the tag `tickets` is declared twice."
    ),
}
KEYWORDS: dict[str, object] = {
    "$defs": {},
    "anyOf": [],
    "example": {},
    "if": {},
    "nullable": True,
    "patternProperties": {},
    "prefixItems": [],
    "readOnly": True,
    "title": "Ticket",
}
for keyword, value in KEYWORDS.items():
    FRAME[f"the keyword {keyword}"] = Case(
        _set(*_TICKET, keyword, to=value), f"{SCHEMAS}/Ticket", f"the generator would ignore `{keyword}` of this schema."
    )

SHAPES = {
    "a component of another kind": Case(
        _schema("More", said("Texts.", type="array", items={"type": "string"})),
        f"{SCHEMAS}/More",
        "a component must be an object with properties, an object with `additionalProperties: true`, an enum of strings, or"
        " a union of objects.",
    ),
    "an enum of numbers": Case(
        _set(*_STATUS, "enum", to=[1, 2]), f"{SCHEMAS}/TicketStatus", "an enum must be of `type: string` and list strings only."
    ),
    "an enum that lists a value twice": Case(
        lambda raw: schema(raw, "TicketStatus")["enum"].append("open"), f"{SCHEMAS}/TicketStatus", "the enum lists `open` twice."
    ),
    "an enum without descriptions": Case(
        _drop(*_STATUS, "x-enum-descriptions"), f"{SCHEMAS}/TicketStatus", "the enum has no `x-enum-descriptions`."
    ),
    "an enum value without description": Case(
        _drop(*_STATUS, "x-enum-descriptions", "open"),
        f"{SCHEMAS}/TicketStatus",
        "`x-enum-descriptions` has no description of `open`.",
    ),
    "a description of no value": Case(
        _set(*_STATUS, "x-enum-descriptions", "opened", to="Open."),
        f"{SCHEMAS}/TicketStatus",
        "`x-enum-descriptions` describes `opened`, which the enum does not list.",
    ),
    "an inline enum": Case(
        _field("mood", type="string", enum=["good"]),
        f"{SCHEMAS}/Ticket/properties/mood",
        "an enum must be a component of its own; refer to it with $ref.",
    ),
    "an inline object": Case(
        _field("more", type="object", properties={"id": {"type": "string"}}),
        f"{SCHEMAS}/Ticket/properties/more",
        "an object with properties must be a component of its own; refer to it with $ref.",
    ),
    "an inline object in a list": Case(
        _field("more", type="array", items={"type": "object", "properties": {}}),
        f"{SCHEMAS}/Ticket/properties/more/items",
        "an object with properties must be a component of its own; refer to it with $ref.",
    ),
    "an object of nobody knows what": Case(
        _field("more", type="object"),
        f"{SCHEMAS}/Ticket/properties/more",
        "the object has no `additionalProperties`; write `additionalProperties: true` for any content.",
    ),
    "additionalProperties of a text": Case(
        _field("more", type="string", additionalProperties=True),
        f"{SCHEMAS}/Ticket/properties/more",
        "`additionalProperties` has no meaning without `type: object`.",
    ),
    "a model closed against more fields": Case(
        _set(*_TICKET, "additionalProperties", to=False),
        f"{SCHEMAS}/Ticket",
        "a model keeps unknown fields in `extra` anyway; leave `additionalProperties` out.",
    ),
    "properties of another model": Case(
        _set(*_TICKET, "allOf", to=[{"type": "object", "properties": {"more": {"type": "string"}}}]),
        f"{SCHEMAS}/Ticket",
        "the generator reads the `properties` of a model alone; write those of `allOf` there.",
    ),
    "a required name without property": Case(
        lambda raw: schema(raw, "Ticket")["required"].append("colour"),
        f"{SCHEMAS}/Ticket",
        "`required` names `colour`, which is not a property.",
    ),
    "an identity without property": Case(
        _set(*_TICKET, "x-cstar-identity", to="number"),
        f"{SCHEMAS}/Ticket",
        "`x-cstar-identity` names `number`, which is not a property.",
    ),
    "an alias that is a property": Case(
        _field("label", type="string", **{"x-cstar-aliases": ["title"]}),
        f"{SCHEMAS}/Ticket/properties/label",
        "`x-cstar-aliases` must list wire names that are not properties themselves.",
    ),
    "a list without items": Case(
        _field("more", type=["array", "null"]),
        f"{SCHEMAS}/Ticket/properties/more",
        "the array has no `items`.",
    ),
    "items without list": Case(
        _field("more", type="string", items={}),
        f"{SCHEMAS}/Ticket/properties/more",
        "`items` has no meaning without `type: array`.",
    ),
    "an unknown format": Case(
        _field("more", type="string", format="datetime"),
        f"{SCHEMAS}/Ticket/properties/more",
        "the generator does not support the format `datetime`.",
    ),
    "a format of two types": Case(
        _field("more", type=["string", "integer"], format="date-time"),
        f"{SCHEMAS}/Ticket/properties/more",
        "`format` needs exactly one type beside null.",
    ),
    "a list or a text": Case(
        _field("more", type=["string", "array"], items={"type": "string"}),
        f"{SCHEMAS}/Ticket/properties/more",
        "arrays and objects cannot share a place with other types.",
    ),
    "nothing but null": Case(
        _field("more", type="null"), f"{SCHEMAS}/Ticket/properties/more", "a value must have a type other than null."
    ),
    "a const that is no text": Case(
        _field("more", type="boolean", const=True),
        f"{SCHEMAS}/Ticket/properties/more",
        "`const` is supported for strings only.",
    ),
    "a choice of objects": Case(
        _field("more", oneOf=[{"$ref": f"{SCHEMAS}/Message"}, {"$ref": f"{SCHEMAS}/Customer"}]),
        f"{SCHEMAS}/Ticket/properties/more",
        "`oneOf` is supported as `[{$ref: …}, {type: 'null'}]` only.",
    ),
    "allOf in a field": Case(
        _field("more", allOf=[{"$ref": f"{SCHEMAS}/Message"}]),
        f"{SCHEMAS}/Ticket/properties/more",
        "`allOf` is for responses in their envelope; write `$ref` with the description beside it.",
    ),
    "a part of the envelope in a model": Case(
        _field("more", **{"$ref": f"{SCHEMAS}/Meta"}),
        f"{SCHEMAS}/Ticket/properties/more",
        "`Meta` is part of the envelope, which callers never see.",
    ),
    "a $ref to what is no schema": Case(
        _field("more", **{"$ref": "#/components/parameters/Page"}),
        f"{SCHEMAS}/Ticket/properties/more",
        "the $ref `#/components/parameters/Page` does not lead to a schema.",
    ),
    "a default that is no value": Case(
        _field("more", **{"$ref": f"{SCHEMAS}/TicketStatus", "default": "lost"}),
        f"{SCHEMAS}/Ticket/properties/more",
        "the default `lost` is not a value of `TicketStatus`.",
    ),
    "a default of another type": Case(
        _field("more", type=["integer", "null"], default=True),
        f"{SCHEMAS}/Ticket/properties/more",
        "the default True is of another type.",
    ),
    "a list of lists of objects": Case(
        _field("more", type="array", items={"type": "array", "items": {"$ref": f"{SCHEMAS}/Message"}}),
        f"{SCHEMAS}/Ticket/properties/more",
        "the generator cannot express a list of lists of objects.",
    ),
    "a map of enums": Case(
        _field("more", type="object", additionalProperties={"$ref": f"{SCHEMAS}/TicketStatus"}),
        f"{SCHEMAS}/Ticket/properties/more",
        "the generator cannot express a map of anything but objects and plain values.",
    ),
}
for key in ("description", "x-evidence", "x-source"):
    SHAPES[f"a schema without {key}"] = Case(_drop(*_TICKET, key), f"{SCHEMAS}/Ticket", f"the schema has no `{key}`.")
    SHAPES[f"an enum without {key}"] = Case(_drop(*_STATUS, key), f"{SCHEMAS}/TicketStatus", f"the schema has no `{key}`.")
    SHAPES[f"a property without {key}"] = Case(
        _drop(*_TICKET, "properties", "status", key), f"{SCHEMAS}/Ticket/properties/status", f"the property has no `{key}`."
    )
    SHAPES[f"a parameter without {key}"] = Case(
        lambda raw, key=key: parameter(raw, "status").pop(key), STATUS, f"the parameter `status` has no `{key}`."
    )

OPERATIONS = {
    "an unknown key kind": Case(
        _set(*_GET, "x-cstar-key", to="public"), GET, "x-cstar-key is `public`; it must be one of any, secret, none."
    ),
    "a tag that is not the namespace": Case(
        _set(*_GET, "tags", to=["customers"]), GET, "the one tag of the operation must be its namespace, `tickets`."
    ),
    "a namespace without tag": Case(
        _both(_set(*_GET, "tags", to=["tickets.notes"]), _set(*_GET, "x-cstar-namespace", to="tickets.notes")),
        GET,
        "the namespace `tickets.notes` has no tag of that name at the top of the document to describe it.",
    ),
    "a path that is none": Case(
        lambda raw: raw["paths"].update(tickets=raw["paths"].pop("/api/v1/auth/whoami")),
        "#/paths/tickets",
        "a path must begin with a slash.",
    ),
    "a path with a query": Case(
        lambda raw: raw["paths"].__setitem__(f"{TICKETS}?all=1", raw["paths"].pop(TICKETS)),
        "#/paths/~1api~1v1~1teams~1{teamId}~1tickets?all=1",
        "a path must be segments between slashes, without a query, an empty segment or a slash at the end.",
    ),
    "a path under other names": Case(
        lambda raw: raw["paths"].__setitem__(TICKET.replace("ticketId", "id"), raw["paths"][TICKET]),
        "#/paths/~1api~1v1~1teams~1{teamId}~1tickets~1{id}",
        f"this is the path `{TICKET}` under other names.",
    ),
    "a key that nobody asks for": Case(
        _set(*_LIST, "security", to=[]),
        LIST,
        "`security: []` goes with `x-cstar-key: none`; all other operations need a key.",
    ),
    "a key of an unknown kind": Case(
        _set(*_LIST, "security", to=[{"badge": []}]), f"{LIST}/security", "the document has no security scheme `badge`."
    ),
    "an undeclared path parameter": Case(
        _drop("paths", TICKET, "parameters", 1), GET, "the path names `{ticketId}`, but no parameter declares it."
    ),
    "a path parameter that is not in the path": Case(
        lambda raw: operation(raw, TICKETS, "get")["parameters"].append({"$ref": "#/components/parameters/TicketId"}),
        LIST,
        "the path parameter `ticketId` is not in the path.",
    ),
    "a path parameter that stands twice": Case(
        lambda raw: raw["paths"].update({f"{TICKET}/of/{{ticketId}}": raw["paths"].pop(TICKET)}),
        "#/paths/~1api~1v1~1teams~1{teamId}~1tickets~1{ticketId}~1of~1{ticketId}/get",
        "the path names a parameter twice.",
    ),
    "a path parameter that the client cannot supply": Case(
        _set("components", "parameters", "TicketId", "x-cstar-client-parameter", to=True),
        "#/components/parameters/TicketId",
        "the path parameter `ticketId` must be supplied by the caller.",
    ),
    "a team that the caller would have to supply": Case(
        _drop("components", "parameters", "TeamId", "x-cstar-client-parameter"),
        "#/components/parameters/TeamId",
        "the path parameter `teamId` must be supplied by the client.",
    ),
    "an optional path parameter": Case(
        _set("components", "parameters", "TicketId", "required", to=False),
        "#/components/parameters/TicketId",
        "the path parameter `ticketId` must be `required: true`.",
    ),
    "a number in the path": Case(
        _set("components", "parameters", "TicketId", "schema", to={"type": "integer"}),
        "#/components/parameters/TicketId",
        "the path parameter `ticketId` must be a plain string.",
    ),
    "a parameter declared twice": Case(
        lambda raw: operation(raw, TICKETS, "get")["parameters"].append(copy.deepcopy(parameter(raw, "status"))),
        LIST,
        "the query parameter `status` is declared twice.",
    ),
    "a parameter without schema": Case(
        lambda raw: parameter(raw, "status").pop("schema"), STATUS, "the parameter `status` must have a `schema`, and no `content`."
    ),
    "a cookie": Case(
        _parameter(**{"name": "session", "in": "cookie", "schema": {"type": "string"}}),
        f"{LIST}/parameters/8",
        "the cookie parameter `session` is not supported.",
    ),
    "a header of the caller's": Case(
        _parameter(**{"name": "X-Mood", "in": "header", "schema": {"type": "string"}}),
        f"{LIST}/parameters/8",
        "the header parameter `X-Mood` is not supported.",
    ),
    "an object in the query": Case(
        _of_status(schema={"type": "object", "additionalProperties": True}),
        STATUS,
        "the query parameter `status` must be a plain value or an array of such.",
    ),
    "a null in the query": Case(
        _of_status(schema={"type": ["string", "null"]}),
        STATUS,
        "the query parameter `status` must be a plain value or an array of such.",
    ),
    "an array that explodes": Case(
        lambda raw: parameter(raw, "expand").update(explode=True),
        EXPAND,
        "the array `expand` must be `style: form, explode: false` (joined by commas).",
    ),
    "an array that explodes by default": Case(
        lambda raw: parameter(raw, "expand").pop("explode"),
        EXPAND,
        "the array `expand` must be `style: form, explode: false` (joined by commas).",
    ),
    "another style": Case(_of_status(style="pipeDelimited"), STATUS, "the style `pipeDelimited` of `status` is not supported."),
    "a write without idempotency key": Case(
        _set(*_CREATE, "parameters", to=[]), CREATE, "a POST or PATCH under a team takes the parameter IdempotencyKey."
    ),
    "a read with idempotency key": Case(
        _set(*_GET, "parameters", to=[{"$ref": "#/components/parameters/IdempotencyKey"}]),
        GET,
        "only a POST or PATCH under a team takes the parameter IdempotencyKey.",
    ),
    "a read with a body": Case(
        lambda raw: operation(raw, TICKETS, "get").update(requestBody=operation(raw, TICKETS, "post")["requestBody"]),
        f"{LIST}/requestBody",
        "only POST, PUT and PATCH have a body.",
    ),
    "a body of two kinds": Case(
        _set(*_CREATE, "requestBody", "content", "text/csv", to={"schema": {"type": "string"}}),
        f"{CREATE}/requestBody",
        "there must be exactly one content type, application/json, not application/json, text/csv.",
    ),
    "a body without schema": Case(
        _drop(*_CREATE, "requestBody", "content", "application/json", "schema"),
        f"{CREATE}/requestBody",
        "the content has no schema.",
    ),
    "a body written in place": Case(
        _set(*_CREATE, "requestBody", "content", "application/json", "schema", to={"type": "object"}),
        f"{CREATE}/requestBody",
        "the body must be a $ref to an object component with properties.",
    ),
    "a free body": Case(
        _set(*_CREATE, "requestBody", "content", "application/json", "schema", to={"$ref": f"{SCHEMAS}/FreeObject"}),
        f"{CREATE}/requestBody",
        "the body must be a $ref to an object component with properties.",
    ),
    "a body that is an answer too": Case(
        _set(*_GET_DATA, to={"$ref": f"{SCHEMAS}/TicketCreate"}),
        CREATE,
        "the body `TicketCreate` is also part of a response; bodies need a schema of their own.",
    ),
    "an answer of two kinds": Case(
        _set(*_GET, ANSWER, "200", "content", "text/csv", to={"schema": {"type": "string"}}),
        f"{GET}/responses/200",
        "there must be exactly one content type, application/json, not application/json, text/csv.",
    ),
    "an answer that is an event stream": Case(
        _set(*_GET, ANSWER, "200", "content", to={"text/event-stream": {"schema": {"type": "string"}}}),
        f"{GET}/responses/200",
        "there must be exactly one content type, application/json, not text/event-stream.",
    ),
    "an answer without content": Case(
        _drop(*_GET, ANSWER, "200", "content"),
        f"{GET}/responses/200",
        "there must be exactly one content type, application/json, not none.",
    ),
    "an error that is no JSON": Case(
        _set("components", "responses", "NotFound", "content", to={"text/html": {"schema": {"type": "string"}}}),
        "#/components/responses/NotFound",
        "there must be exactly one content type, application/json, not text/html.",
    ),
    "an answer outside the envelope": Case(
        _set(*_GET, ANSWER, "200", "content", "application/json", "schema", to={"$ref": f"{SCHEMAS}/Ticket"}),
        f"{GET}/responses/200",
        "a successful response must be of the form"
        " `allOf: [{$ref: Envelope or ListEnvelope}, {type: object, required: [data], properties: {data: …}}]`.",
    ),
    "data of two kinds": Case(
        _set(*_GET_DATA, to={"oneOf": [{"$ref": f"{SCHEMAS}/Ticket"}, {"$ref": f"{SCHEMAS}/Member"}]}),
        f"{GET}/responses/200",
        "the `data` of a successful response must be a $ref to an object component, an array of such, or one of it and null.",
    ),
    "data that is an enum or null": Case(
        _set(*_GET_DATA, to={"oneOf": [{"$ref": f"{SCHEMAS}/TicketStatus"}, {"type": "null"}]}),
        f"{GET}/responses/200",
        "the `data` of a successful response must be a $ref to an object component, an array of such, or one of it and null.",
    ),
    "an empty answer that must have fields": Case(
        _set(*_GET, ANSWER, "200", "x-cstar-may-be-empty", to=True),
        f"{GET}/responses/200",
        "a response that may be empty must be an object without required fields, not text.",
    ),
    "an empty error": Case(
        _set("components", "responses", "NotFound", "x-cstar-may-be-empty", to=True),
        "#/components/responses/NotFound",
        "`x-cstar-may-be-empty` is for successful responses only.",
    ),
    "an open object that forbids more": Case(
        _drop("components", "schemas", "Settings", "additionalProperties"),
        f"{SCHEMAS}/Settings",
        "what is `x-cstar-additional-fields` must be an object with `additionalProperties: true`.",
    ),
    "a positional parameter that may be left out": Case(
        lambda raw: operation(raw, f"{LIBRARY}/search", "get")["parameters"][0].pop("required"),
        SEARCHED_FOR,
        "the positional parameter `q` must be `required: true`.",
    ),
    "an id that is said to be positional": Case(
        _set("components", "parameters", "TicketId", "x-cstar-positional", to=True),
        "#/components/parameters/TicketId",
        "`x-cstar-positional` is for query parameters; those of the path are positional.",
    ),
    "a method of the library that its class needs": Case(
        _set("paths", f"{LIBRARY}/search", "get", "x-cstar-method", to="request"),
        SEARCHED_FOR.removesuffix("/parameters/0"),
        "a method of the library cannot be called `request`; `CStarLibrary` needs that name.",
    ),
    "no good answer": Case(
        _drop(*_GET, ANSWER, "200"), f"{GET}/responses", "there must be exactly one successful response, got 0."
    ),
    "two good answers": Case(
        lambda raw: operation(raw, TICKET, "get")["responses"].update({"201": operation(raw, TICKET, "get")["responses"]["200"]}),
        f"{GET}/responses",
        "there must be exactly one successful response, got 2.",
    ),
    "a redirect": Case(
        _set(*_GET, ANSWER, "302", to={"description": "Elsewhere."}),
        f"{GET}/responses",
        "`302` is not a supported status.",
    ),
    "another kind of pages": Case(
        _set(*_LIST, "x-cstar-pagination", to="cursor"),
        LIST,
        "x-cstar-pagination is `cursor`; the only kind that is supported is `page`.",
    ),
    "pages without page size": Case(_drop(*_LIST, "parameters", 1), LIST, "a paged list needs the query parameter `pageSize`."),
    "pages of one object": Case(
        _set(*_GET, "x-cstar-pagination", to="page"), GET, "a paged list needs a response of a ListEnvelope and an array."
    ),
}
for key in (*("operationId", "summary", "x-cstar-namespace", "x-cstar-method", "x-cstar-key", "x-evidence", "x-source"),):
    OPERATIONS[f"an operation without {key}"] = Case(_drop(*_GET, key), GET, f"the operation has no `{key}`.")
OPERATIONS["an example of an unknown argument"] = Case(
    _set(*_GET, "x-cstar-example", to={"ticket": "tkt_123"}),
    GET,
    "`x-cstar-example` names `ticket`, which is neither a parameter nor a field of the body.",
)

_TITLE = said("A title.", type="string")
NAMES = {
    "a schema that would be renamed": Case(
        _schema("more", model("More.", id=_TITLE)),
        f"{SCHEMAS}/more",
        "the schema `more` would become the class `More`; call it that.",
    ),
    "a schema called like an import": Case(
        _schema("Model", model("More.", id=_TITLE)),
        f"{SCHEMAS}/Model",
        "a schema cannot be called `Model`; generated code uses that name.",
    ),
    "a schema called like an argument's type": Case(
        _schema("TicketStatusLike", model("More.", id=_TITLE)),
        f"{SCHEMAS}/TicketStatusLike",
        "`TicketStatusLike` is the name of the type that arguments for the enum `TicketStatus` have.",
    ),
    "two schemas with one decoder": Case(
        _both(_schema("TICKET", model("More.", id=_TITLE))),
        f"{SCHEMAS}/TICKET",
        "the schemas `Ticket` and `TICKET` would both be `ticket` in Python.",
    ),
    "two attributes with one name": Case(
        _field("created_at", type="string"),
        f"{SCHEMAS}/Ticket/properties/created_at",
        "the properties `createdAt` and `created_at` would both be `created_at` in Python.",
    ),
    "an attribute without a name": Case(
        _field("1st", type="string"),
        f"{SCHEMAS}/Ticket/properties/1st",
        "the property `1st` cannot become the name of an attribute.",
    ),
    "an attribute that models have": Case(
        _field("extra", type="string"),
        f"{SCHEMAS}/Ticket/properties/extra",
        "an attribute cannot be called `extra`; models need that name.",
    ),
    "two constants with one name": Case(
        _both(
            lambda raw: schema(raw, "TicketStatus")["enum"].append("Open"),
            _set(*_STATUS, "x-enum-descriptions", "Open", to="Open."),
        ),
        f"{SCHEMAS}/TicketStatus",
        "the values `open` and `Open` would both be `OPEN` in Python.",
    ),
    "a constant without a name": Case(
        _both(lambda raw: schema(raw, "TicketStatus")["enum"].append("-"), _set(*_STATUS, "x-enum-descriptions", "-", to="None.")),
        f"{SCHEMAS}/TicketStatus",
        "the value `-` cannot become the name of a constant.",
    ),
    "an empty constant": Case(
        _both(lambda raw: schema(raw, "TicketStatus")["enum"].append(""), _set(*_STATUS, "x-enum-descriptions", "", to="None.")),
        f"{SCHEMAS}/TicketStatus",
        "the value `` cannot become the name of a constant.",
    ),
    "one operationId twice": Case(
        _set(*_GET, "operationId", to="list_tickets"),
        GET,
        "the operationIds `list_tickets` and `list_tickets` would both be `list_tickets` in Python.",
    ),
    "two operationIds with one name": Case(
        _set(*_GET, "operationId", to="listTickets"),
        GET,
        "the operationIds `list_tickets` and `listTickets` would both be `list_tickets` in Python.",
    ),
    "an operationId in camel case": Case(
        _set(*_GET, "operationId", to="getTicket"),
        GET,
        "the operationId `getTicket` must be in snake_case, such as `get_ticket`.",
    ),
    "an operationId that is a namespace": Case(
        _set(*_GET, "operationId", to="customers"), GET, "an operation cannot be called `customers`; that name is taken."
    ),
    "an operationId that is a builtin": Case(
        _set(*_GET, "operationId", to="list"), GET, "an operation cannot be called `list`; that name is taken."
    ),
    "one method twice": Case(
        _set(*_GET, "x-cstar-method", to="list"), GET, "`tickets.list` is the method of `list_tickets` and of `get_ticket`."
    ),
    "a method that is a namespace": Case(
        _set(*_GET, "x-cstar-method", to="messages"), GET, "`tickets.messages` is a method and a namespace."
    ),
    "a method that is no name": Case(
        _set(*_GET, "x-cstar-method", to="get-one"), GET, "`tickets.get-one` must be snake_case names joined by dots."
    ),
    "a method called like another operation": Case(
        _set(*_GET, "x-cstar-method", to="list_tickets"),
        GET,
        "the method `tickets.list_tickets` has the name of another operation.",
    ),
    "two namespaces with one class": Case(
        _both(
            lambda raw: raw["tags"].append({"name": "tickets_messages", "description": "More."}),
            _set(*_GET, "tags", to=["tickets_messages"]),
            _set(*_GET, "x-cstar-namespace", to="tickets_messages"),
        ),
        "#/tags",
        "the namespaces `tickets.messages` and `tickets_messages` would both be `TicketsMessagesNamespace` in Python.",
    ),
    "a namespace that the client needs itself": Case(
        _both(
            lambda raw: raw["tags"].append({"name": "request", "description": "More."}),
            _set(*_GET, "tags", to=["request"]),
            _set(*_GET, "x-cstar-namespace", to="request"),
        ),
        GET,
        "a namespace cannot be called `request`; that name is taken.",
    ),
    "an id and a body field with one name": Case(
        _set("components", "schemas", "TicketUpdate", "properties", "ticket_id", to=_TITLE),
        UPDATE,
        "the arguments of `update_ticket` `ticketId` and `ticket_id` would both be `ticket_id` in Python.",
    ),
    "two query parameters with one name": Case(
        _parameter(**{"name": "customer_id", "in": "query", "schema": {"type": "string"}}),
        LIST,
        "the arguments of `list_tickets` `customerId` and `customer_id` would both be `customer_id` in Python.",
    ),
    "an argument without a name": Case(
        _parameter(**{"name": "1st", "in": "query", "schema": {"type": "string"}}),
        f"{LIST}/parameters/8",
        "`1st` cannot become the name of an argument.",
    ),
    "a module that does not exist": Case(
        _set(*_TICKET, "x-cstar-module", to="nowhere"), f"{SCHEMAS}/Ticket", "the module `nowhere` is not a root namespace."
    ),
    "modules in a circle": Case(
        _both(
            _set("components", "schemas", "TicketCustomer", "x-cstar-module", to="customers"),
            _set("components", "schemas", "Customer", "properties", "last", to=said("X.", **{"$ref": f"{SCHEMAS}/TicketStatus"})),
        ),
        SCHEMAS,
        "modules of models would import each other in a circle: customers -> tickets -> customers; set `x-cstar-module`.",
    ),
}


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=name) for table in (FRAME, SHAPES, OPERATIONS, NAMES) for name, case in table.items()]
)
def test_lossy_document_is_refused(case: Case) -> None:
    """What the generator would lose or bend stops the run, with the place and one sentence."""
    raw = small("categories", "members", "settings")
    case.change(raw)

    assert (case.place, case.sentence) in [(problem.place, problem.message) for problem in problems_with(raw)]


def test_real_document_is_accepted() -> None:
    """The real document has none of these faults."""
    assert [] == problems_with(real())


def test_several_problems_of_a_stage_are_listed_together() -> None:
    """One run tells everything that a stage can see."""
    raw = small()
    del schema(raw, "Ticket")["x-source"]
    del operation(raw, TICKETS, "get")["summary"]

    assert 2 == len(problems_with(raw))
