"""Changes to the document, each with the problem that it must cause."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import pytest

from codegen.spec.document import Node
from tests.codegen.documents import TICKET, TICKETS, entry, inside, operation, parameter, problems_with, schema, small

SCHEMAS = "#/components/schemas"
LIST = "#/paths/~1api~1v1~1teams~1{teamId}~1tickets/get"
CREATE = "#/paths/~1api~1v1~1teams~1{teamId}~1tickets/post"
GET = "#/paths/~1api~1v1~1teams~1{teamId}~1tickets~1{ticketId}/get"
UPDATE = "#/paths/~1api~1v1~1teams~1{teamId}~1tickets~1{ticketId}/patch"
STATUS = f"{LIST}/parameters/2"
SEARCHED_FOR = "#/paths/~1api~1library~1{team}~1search/get/parameters/0"
EXPAND = f"{LIST}/parameters/7"
RESPONSES = "responses"


class Case(NamedTuple):
    """A change to the document, and the problem that it causes."""

    change: Callable[[Node], object]
    pointer: str
    message: str


def put(*keys: str | int, to: object) -> Callable[[Node], object]:
    """Return a change that sets a value."""
    return lambda raw: inside(raw, *keys[:-1]).__setitem__(keys[-1], to)


def drop(*keys: str | int) -> Callable[[Node], object]:
    """Return a change that removes a value."""
    return lambda raw: inside(raw, *keys[:-1]).pop(keys[-1])


def add_field(name: str, **more: object) -> Callable[[Node], object]:
    """Return a change that adds a field to tickets."""
    return put("components", "schemas", "Ticket", "properties", name, to=entry("A field.", **more))


def add_parameter(**more: object) -> Callable[[Node], object]:
    """Return a change that adds a parameter to the list of tickets."""
    return lambda raw: operation(raw, TICKETS, "get")["parameters"].append(entry("A parameter.", **more))


def add_schema(name: str, node: Node) -> Callable[[Node], object]:
    """Return a change that adds a component to which tickets refer."""

    def change(raw: Node) -> None:
        raw["components"]["schemas"][name] = node
        schema(raw, "Ticket")["properties"]["more"] = entry("More.", **{"$ref": f"#/components/schemas/{name}"})

    return change


def all_of(*changes: Callable[[Node], object]) -> Callable[[Node], object]:
    """Return several changes as one."""
    return lambda raw: [change(raw) for change in changes]


def update_status(**more: object) -> Callable[[Node], object]:
    """Return a change of the query parameter `status`."""
    return lambda raw: parameter(raw, "status").update(more)


TICKET_SCHEMA = ("components", "schemas", "Ticket")
STATUS_SCHEMA = ("components", "schemas", "TicketStatus")
GET_KEYS = ("paths", TICKET, "get")
LIST_KEYS = ("paths", TICKETS, "get")
CREATE_KEYS = ("paths", TICKETS, "post")
UPDATE_KEYS = ("paths", TICKET, "patch")
GET_DATA_KEYS = (*GET_KEYS, "responses", "200", "content", "application/json", "schema", "allOf", 1, "properties", "data")


def parameters(cases: Mapping[str, Case]) -> pytest.MarkDecorator:
    """Return the parametrization of a test over cases."""
    return pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in cases.items()])


def assert_refused(case: Case) -> None:
    """Assert that the changed document has the problem of the case."""
    raw = small("categories", "members", "settings")
    case.change(raw)

    assert (case.pointer, case.message) in [(problem.location, problem.message) for problem in problems_with(raw)]
