"""Names that cannot be Python names, and names that clash, are refused."""

from __future__ import annotations

from tests.codegen.documents import (
    entry,
    model,
    schema,
)
from tests.codegen.edits import (
    GET,
    GET_KEYS,
    LIST,
    SCHEMAS,
    STATUS_SCHEMA,
    TICKET_SCHEMA,
    UPDATE,
    Case,
    add_field,
    add_parameter,
    add_schema,
    all_of,
    assert_refused,
    parameters,
    put,
)

_TITLE = entry("A title.", type="string")
CASES = {
    "a schema that would be renamed": Case(
        add_schema("more", model("More.", id=_TITLE)),
        f"{SCHEMAS}/more",
        "the schema `more` would become the class `More`; call it that.",
    ),
    "a schema called like an import": Case(
        add_schema("Model", model("More.", id=_TITLE)),
        f"{SCHEMAS}/Model",
        "a schema cannot be called `Model`; generated code uses that name.",
    ),
    "a schema called like an argument's type": Case(
        add_schema("TicketStatusLike", model("More.", id=_TITLE)),
        f"{SCHEMAS}/TicketStatusLike",
        "`TicketStatusLike` is the name of the type that arguments for the enum `TicketStatus` have.",
    ),
    "two schemas with one decoder": Case(
        all_of(add_schema("TICKET", model("More.", id=_TITLE))),
        f"{SCHEMAS}/TICKET",
        "the schemas `Ticket` and `TICKET` would both be `ticket` in Python.",
    ),
    "two attributes with one name": Case(
        add_field("created_at", type="string"),
        f"{SCHEMAS}/Ticket/properties/created_at",
        "the properties `createdAt` and `created_at` would both be `created_at` in Python.",
    ),
    "an attribute without a name": Case(
        add_field("1st", type="string"),
        f"{SCHEMAS}/Ticket/properties/1st",
        "the property `1st` cannot become the name of an attribute.",
    ),
    "an attribute that models have": Case(
        add_field("extra", type="string"),
        f"{SCHEMAS}/Ticket/properties/extra",
        "an attribute cannot be called `extra`; models need that name.",
    ),
    "two constants with one name": Case(
        all_of(
            lambda raw: schema(raw, "TicketStatus")["enum"].append("Open"),
            put(*STATUS_SCHEMA, "x-enum-descriptions", "Open", to="Open."),
        ),
        f"{SCHEMAS}/TicketStatus",
        "the values `open` and `Open` would both be `OPEN` in Python.",
    ),
    "a constant without a name": Case(
        all_of(
            lambda raw: schema(raw, "TicketStatus")["enum"].append("-"), put(*STATUS_SCHEMA, "x-enum-descriptions", "-", to="None.")
        ),
        f"{SCHEMAS}/TicketStatus",
        "the value `-` cannot become the name of a constant.",
    ),
    "an empty constant": Case(
        all_of(
            lambda raw: schema(raw, "TicketStatus")["enum"].append(""), put(*STATUS_SCHEMA, "x-enum-descriptions", "", to="None.")
        ),
        f"{SCHEMAS}/TicketStatus",
        "the value `` cannot become the name of a constant.",
    ),
    "a repeated operationId": Case(
        put(*GET_KEYS, "operationId", to="list_tickets"),
        GET,
        "the operationIds `list_tickets` and `list_tickets` would both be `list_tickets` in Python.",
    ),
    "two operationIds with one name": Case(
        put(*GET_KEYS, "operationId", to="listTickets"),
        GET,
        "the operationIds `list_tickets` and `listTickets` would both be `list_tickets` in Python.",
    ),
    "an operationId in camel case": Case(
        put(*GET_KEYS, "operationId", to="getTicket"),
        GET,
        "the operationId `getTicket` must be in snake_case, such as `get_ticket`.",
    ),
    "an operationId that is a namespace": Case(
        put(*GET_KEYS, "operationId", to="customers"), GET, "an operation cannot be called `customers`; that name is taken."
    ),
    "an operationId that is a builtin": Case(
        put(*GET_KEYS, "operationId", to="list"), GET, "an operation cannot be called `list`; that name is taken."
    ),
    "a repeated method": Case(
        put(*GET_KEYS, "x-cstar-method", to="list"), GET, "`tickets.list` is the method of `list_tickets` and of `get_ticket`."
    ),
    "a method that is a namespace": Case(
        put(*GET_KEYS, "x-cstar-method", to="messages"), GET, "`tickets.messages` is a method and a namespace."
    ),
    "a method that is not a name": Case(
        put(*GET_KEYS, "x-cstar-method", to="get-one"), GET, "`tickets.get-one` must be snake_case names joined by dots."
    ),
    "a method called like another operation": Case(
        put(*GET_KEYS, "x-cstar-method", to="list_tickets"),
        GET,
        "the method `tickets.list_tickets` has the name of another operation.",
    ),
    "two namespaces with one class": Case(
        all_of(
            lambda raw: raw["tags"].append({"name": "tickets_messages", "description": "More."}),
            put(*GET_KEYS, "tags", to=["tickets_messages"]),
            put(*GET_KEYS, "x-cstar-namespace", to="tickets_messages"),
        ),
        "#/tags",
        "the namespaces `tickets.messages` and `tickets_messages` would both be `TicketsMessagesNamespace` in Python.",
    ),
    "a reserved namespace": Case(
        all_of(
            lambda raw: raw["tags"].append({"name": "request", "description": "More."}),
            put(*GET_KEYS, "tags", to=["request"]),
            put(*GET_KEYS, "x-cstar-namespace", to="request"),
        ),
        GET,
        "a namespace cannot be called `request`; that name is taken.",
    ),
    "an id and a body field with one name": Case(
        put("components", "schemas", "TicketUpdate", "properties", "ticket_id", to=_TITLE),
        UPDATE,
        "the arguments of `update_ticket` `ticketId` and `ticket_id` would both be `ticket_id` in Python.",
    ),
    "two query parameters with one name": Case(
        add_parameter(**{"name": "customer_id", "in": "query", "schema": {"type": "string"}}),
        LIST,
        "the arguments of `list_tickets` `customerId` and `customer_id` would both be `customer_id` in Python.",
    ),
    "an argument without a name": Case(
        add_parameter(**{"name": "1st", "in": "query", "schema": {"type": "string"}}),
        f"{LIST}/parameters/8",
        "`1st` cannot become the name of an argument.",
    ),
    "a module that does not exist": Case(
        put(*TICKET_SCHEMA, "x-cstar-module", to="nowhere"), f"{SCHEMAS}/Ticket", "the module `nowhere` is not a root namespace."
    ),
    "modules in a cycle": Case(
        all_of(
            put("components", "schemas", "TicketCustomer", "x-cstar-module", to="customers"),
            put(
                "components",
                "schemas",
                "Customer",
                "properties",
                "last",
                to=entry("X.", **{"$ref": f"{SCHEMAS}/TicketStatus"}),
            ),
        ),
        SCHEMAS,
        "modules of models would import each other in a circle: customers -> tickets -> customers; set `x-cstar-module`.",
    ),
}


@parameters(CASES)
def test_wrong_name_is_refused(case: Case) -> None:
    """The problem is reported with its pointer."""
    assert_refused(case)
