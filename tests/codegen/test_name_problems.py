"""Names that cannot be Python names, and names that clash, are refused."""

from __future__ import annotations

from tests.codegen.documents import (
    entry,
    model,
)
from tests.codegen.edits import (
    GET,
    GET_KEYS,
    SCHEMAS,
    Case,
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
}


@parameters(CASES)
def test_wrong_name_is_refused(case: Case) -> None:
    """The problem is reported with its pointer."""
    assert_refused(case)
