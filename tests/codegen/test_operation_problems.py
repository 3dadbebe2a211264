"""Operations that the generator does not support are refused."""

from __future__ import annotations

import copy
from collections.abc import Sequence

from codegen.spec.document import Node
from tests.codegen.documents import (
    LIBRARY,
    TICKET,
    TICKETS,
    operation,
    parameter,
    problems_with,
    real,
    schema,
    small,
)
from tests.codegen.edits import (
    CREATE,
    CREATE_KEYS,
    EXPAND,
    GET,
    GET_DATA_KEYS,
    GET_KEYS,
    LIST,
    LIST_KEYS,
    RESPONSES,
    SCHEMAS,
    SEARCHED_FOR,
    STATUS,
    Case,
    add_parameter,
    all_of,
    assert_refused,
    drop,
    parameters,
    put,
    update_status,
)


def _name_envelope(raw: Node, keys: Sequence[str], data: Node, **fields: Node) -> None:
    """Put a schema of its own in the place of an envelope."""
    properties = {"data": data, "meta": {"$ref": f"{SCHEMAS}/Meta"}, **fields}
    named = {"type": "object", "required": ["data"], "x-cstar-envelope": True, "properties": properties}
    put("components", "schemas", "TicketResponse", to=named)(raw)
    put(*keys, RESPONSES, "200", "content", "application/json", "schema", to={"$ref": f"{SCHEMAS}/TicketResponse"})(raw)


CASES = {
    "an unknown key kind": Case(
        put(*GET_KEYS, "x-cstar-key", to="public"), GET, "`x-cstar-key` must be one of any, secret, none, got `public`."
    ),
    "a tag that is not the namespace": Case(
        put(*GET_KEYS, "tags", to=["customers"]), GET, "the one tag of the operation must be its namespace, `tickets`."
    ),
    "a namespace without tag": Case(
        all_of(put(*GET_KEYS, "tags", to=["tickets.notes"]), put(*GET_KEYS, "x-cstar-namespace", to="tickets.notes")),
        GET,
        "the namespace `tickets.notes` has no tag of that name at the top of the document to describe it.",
    ),
    "a relative path": Case(
        lambda raw: raw["paths"].update(tickets=raw["paths"].pop("/api/v1/auth/whoami")),
        "#/paths/tickets",
        "a path must begin with a slash.",
    ),
    "a path with a query": Case(
        lambda raw: raw["paths"].__setitem__(f"{TICKETS}?all=1", raw["paths"].pop(TICKETS)),
        "#/paths/~1api~1v1~1teams~1{teamId}~1tickets?all=1",
        "a path must be segments between slashes, without a query, an empty segment or a slash at the end.",
    ),
    "a path with other parameter names": Case(
        lambda raw: raw["paths"].__setitem__(TICKET.replace("ticketId", "id"), raw["paths"][TICKET]),
        "#/paths/~1api~1v1~1teams~1{teamId}~1tickets~1{id}",
        f"this is the path `{TICKET}` under other names.",
    ),
    "security without a key": Case(
        put(*LIST_KEYS, "security", to=[]),
        LIST,
        "`security: []` goes with `x-cstar-key: none`; all other operations need a key.",
    ),
    "an unknown security scheme": Case(
        put(*LIST_KEYS, "security", to=[{"badge": []}]), f"{LIST}/security", "the document has no security scheme `badge`."
    ),
    "an undeclared path parameter": Case(
        drop("paths", TICKET, "parameters", 1), GET, "the path names `{ticketId}`, but no parameter declares it."
    ),
    "a path parameter that is not in the path": Case(
        lambda raw: operation(raw, TICKETS, "get")["parameters"].append({"$ref": "#/components/parameters/TicketId"}),
        LIST,
        "the path parameter `ticketId` is not in the path.",
    ),
    "a repeated path parameter": Case(
        lambda raw: raw["paths"].update({f"{TICKET}/of/{{ticketId}}": raw["paths"].pop(TICKET)}),
        "#/paths/~1api~1v1~1teams~1{teamId}~1tickets~1{ticketId}~1of~1{ticketId}/get",
        "the path names a parameter twice.",
    ),
    "a path parameter that the client cannot supply": Case(
        put("components", "parameters", "TicketId", "x-cstar-client-parameter", to=True),
        "#/components/parameters/TicketId",
        "the path parameter `ticketId` must be supplied by the caller.",
    ),
    "a team that the caller would have to supply": Case(
        drop("components", "parameters", "TeamId", "x-cstar-client-parameter"),
        "#/components/parameters/TeamId",
        "the path parameter `teamId` must be supplied by the client.",
    ),
    "an optional path parameter": Case(
        put("components", "parameters", "TicketId", "required", to=False),
        "#/components/parameters/TicketId",
        "the path parameter `ticketId` must be `required: true`.",
    ),
    "a number in the path": Case(
        put("components", "parameters", "TicketId", "schema", to={"type": "integer"}),
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
        add_parameter(**{"name": "session", "in": "cookie", "schema": {"type": "string"}}),
        f"{LIST}/parameters/8",
        "the cookie parameter `session` is not supported.",
    ),
    "a header of the caller's": Case(
        add_parameter(**{"name": "X-Mood", "in": "header", "schema": {"type": "string"}}),
        f"{LIST}/parameters/8",
        "the header parameter `X-Mood` is not supported.",
    ),
    "an object in the query": Case(
        update_status(schema={"type": "object", "additionalProperties": True}),
        STATUS,
        "the query parameter `status` must be a plain value or an array of such.",
    ),
    "a null in the query": Case(
        update_status(schema={"type": ["string", "null"]}),
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
    "another style": Case(update_status(style="pipeDelimited"), STATUS, "the style `pipeDelimited` of `status` is not supported."),
    "a write without idempotency key": Case(
        put(*CREATE_KEYS, "parameters", to=[]), CREATE, "a POST or PATCH under a team takes the parameter IdempotencyKey."
    ),
    "a read with idempotency key": Case(
        put(*GET_KEYS, "parameters", to=[{"$ref": "#/components/parameters/IdempotencyKey"}]),
        GET,
        "only a POST or PATCH under a team takes the parameter IdempotencyKey.",
    ),
    "a read with a body": Case(
        lambda raw: operation(raw, TICKETS, "get").update(requestBody=operation(raw, TICKETS, "post")["requestBody"]),
        f"{LIST}/requestBody",
        "only POST, PUT and PATCH have a body.",
    ),
    "a body of two content types": Case(
        put(*CREATE_KEYS, "requestBody", "content", "text/csv", to={"schema": {"type": "string"}}),
        f"{CREATE}/requestBody",
        "there must be exactly one content type, application/json, got application/json, text/csv.",
    ),
    "a body without schema": Case(
        drop(*CREATE_KEYS, "requestBody", "content", "application/json", "schema"),
        f"{CREATE}/requestBody",
        "the content has no schema.",
    ),
    "an inline body": Case(
        put(*CREATE_KEYS, "requestBody", "content", "application/json", "schema", to={"type": "object"}),
        f"{CREATE}/requestBody",
        "the body must be a $ref to an object component with properties.",
    ),
    "a free body": Case(
        put(*CREATE_KEYS, "requestBody", "content", "application/json", "schema", to={"$ref": f"{SCHEMAS}/FreeObject"}),
        f"{CREATE}/requestBody",
        "the body must be a $ref to an object component with properties.",
    ),
    "a response of two content types": Case(
        put(*GET_KEYS, RESPONSES, "200", "content", "text/csv", to={"schema": {"type": "string"}}),
        f"{GET}/responses/200",
        "there must be exactly one content type, application/json, got application/json, text/csv.",
    ),
    "a response that is an event stream": Case(
        put(*GET_KEYS, RESPONSES, "200", "content", to={"text/event-stream": {"schema": {"type": "string"}}}),
        f"{GET}/responses/200",
        "there must be exactly one content type, application/json, got text/event-stream.",
    ),
    "a response without content": Case(
        drop(*GET_KEYS, RESPONSES, "200", "content"),
        f"{GET}/responses/200",
        "there must be exactly one content type, application/json, got none.",
    ),
    "an error that is not JSON": Case(
        put("components", "responses", "NotFound", "content", to={"text/html": {"schema": {"type": "string"}}}),
        "#/components/responses/NotFound",
        "there must be exactly one content type, application/json, got text/html.",
    ),
    "a response without envelope": Case(
        put(*GET_KEYS, RESPONSES, "200", "content", "application/json", "schema", to={"$ref": f"{SCHEMAS}/Ticket"}),
        f"{GET}/responses/200",
        "a successful response must be of the form"
        " `allOf: [{$ref: Envelope or ListEnvelope}, {type: object, required: [data], properties: {data: …}}]`,"
        " or a $ref to a schema with `x-cstar-envelope: true` that requires `data`.",
    ),
    "pages in an envelope without them": Case(
        lambda raw: _name_envelope(raw, LIST_KEYS, {"type": "array", "items": {"$ref": f"{SCHEMAS}/Ticket"}}),
        LIST,
        "a paged list needs a response of a ListEnvelope and an array.",
    ),
    "data of two types": Case(
        put(*GET_DATA_KEYS, to={"oneOf": [{"$ref": f"{SCHEMAS}/Ticket"}, {"$ref": f"{SCHEMAS}/Member"}]}),
        f"{GET}/responses/200",
        "the `data` of a successful response must be a $ref to an object component, an array of such, or it and null.",
    ),
    "data that is an enum or null": Case(
        put(*GET_DATA_KEYS, to={"oneOf": [{"$ref": f"{SCHEMAS}/TicketStatus"}, {"type": "null"}]}),
        f"{GET}/responses/200",
        "the `data` of a successful response must be a $ref to an object component, an array of such, or it and null.",
    ),
    "an empty response with required fields": Case(
        put(*GET_KEYS, RESPONSES, "200", "x-cstar-may-be-empty", to=True),
        f"{GET}/responses/200",
        "a response that may be empty must be an object without required fields, not text.",
    ),
    "an empty error": Case(
        put("components", "responses", "NotFound", "x-cstar-may-be-empty", to=True),
        "#/components/responses/NotFound",
        "`x-cstar-may-be-empty` is for successful responses only.",
    ),
    "an open object that forbids more": Case(
        drop("components", "schemas", "Settings", "additionalProperties"),
        f"{SCHEMAS}/Settings",
        "what is `x-cstar-additional-fields` must be an object with `additionalProperties: true`.",
    ),
    "an optional positional parameter": Case(
        lambda raw: operation(raw, f"{LIBRARY}/search", "get")["parameters"][0].pop("required"),
        SEARCHED_FOR,
        "the positional parameter `q` must be `required: true`.",
    ),
    "a positional id": Case(
        put("components", "parameters", "TicketId", "x-cstar-positional", to=True),
        "#/components/parameters/TicketId",
        "`x-cstar-positional` is for query parameters; those of the path are positional.",
    ),
    "a reserved method of the library": Case(
        put("paths", f"{LIBRARY}/search", "get", "x-cstar-method", to="request"),
        SEARCHED_FOR.removesuffix("/parameters/0"),
        "a method of the library cannot be called `request`; `CStarLibrary` needs that name.",
    ),
    "no successful response": Case(
        drop(*GET_KEYS, RESPONSES, "200"), f"{GET}/responses", "there must be exactly one successful response, got 0."
    ),
    "two successful responses": Case(
        lambda raw: operation(raw, TICKET, "get")["responses"].update({"201": operation(raw, TICKET, "get")["responses"]["200"]}),
        f"{GET}/responses",
        "there must be exactly one successful response, got 2.",
    ),
    "a redirect": Case(
        put(*GET_KEYS, RESPONSES, "302", to={"description": "Elsewhere."}),
        f"{GET}/responses",
        "`302` is not a supported status.",
    ),
    "another pagination": Case(
        put(*LIST_KEYS, "x-cstar-pagination", to="cursor"),
        LIST,
        "`x-cstar-pagination` must be `page`, got `cursor`.",
    ),
    "pages without page size": Case(drop(*LIST_KEYS, "parameters", 1), LIST, "a paged list needs the query parameter `pageSize`."),
    "pages of one object": Case(
        put(*GET_KEYS, "x-cstar-pagination", to="page"), GET, "a paged list needs a response of a ListEnvelope and an array."
    ),
}
for key in (*("operationId", "summary", "x-cstar-namespace", "x-cstar-method", "x-cstar-key", "x-evidence", "x-source"),):
    CASES[f"an operation without {key}"] = Case(drop(*GET_KEYS, key), GET, f"the operation has no `{key}`.")
CASES["an example of an unknown argument"] = Case(
    put(*GET_KEYS, "x-cstar-example", to={"ticket": "tkt_123"}),
    GET,
    "`x-cstar-example` names `ticket`, which is neither a parameter nor a field of the body.",
)


@parameters(CASES)
def test_unsupported_operation_is_refused(case: Case) -> None:
    """The problem is reported with its pointer."""
    assert_refused(case)


def test_real_document_is_accepted() -> None:
    """The real document has no problems."""
    assert [] == problems_with(real())


def test_problems_of_a_stage_are_reported_together() -> None:
    """One run reports all problems of a stage."""
    raw = small()
    del schema(raw, "Ticket")["x-source"]
    del operation(raw, TICKETS, "get")["summary"]

    assert 2 == len(problems_with(raw))


def test_envelopes_may_have_names() -> None:
    """A schema that a published document has for each result is an envelope, if it is marked as one."""
    raw = real()
    _name_envelope(raw, GET_KEYS, {"$ref": f"{SCHEMAS}/Ticket"})

    assert [] == problems_with(raw)


def test_paged_lists_may_have_envelopes_with_names() -> None:
    """They have `pagination` beside `data`."""
    raw = real()
    tickets = {"type": "array", "items": {"$ref": f"{SCHEMAS}/Ticket"}}
    _name_envelope(raw, LIST_KEYS, tickets, pagination={"$ref": f"{SCHEMAS}/Pagination"})

    assert [] == problems_with(raw)
