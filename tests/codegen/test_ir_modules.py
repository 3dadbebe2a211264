"""Modules of models, the data of schemas, and the check that nothing is lost."""

from __future__ import annotations

import pytest

from codegen.errors import CodegenError
from codegen.ir.build import build_ir
from codegen.ir.namespaces import namespace_modules
from codegen.ir.operations import strip_descriptions
from tests.codegen.documents import (
    code_of,
    entry,
    operation,
    parsed,
    real,
    schema,
)

SCHEMAS = "#/components/schemas"


@pytest.mark.parametrize(
    ("name", "module"),
    [("Ticket", "tickets"), ("Deleted", "shared"), ("Category", "categories"), ("TicketPriority", "tickets"), ("Whoami", "auth")],
)
def test_schema_is_in_the_module_of_its_users(name: str, module: str) -> None:
    """One user: its module. Several: that of the namespace that it is named after, else `shared`."""
    raw = real()
    tags = operation(raw, "/api/v1/teams/{teamId}/tags", "get")["responses"]["200"]["content"]["application/json"]["schema"]
    tags["allOf"][1]["properties"]["data"]["items"] = {"$ref": f"{SCHEMAS}/Ticket"}
    schema(raw, "Tag")["properties"]["category"] = entry("Its category.", **{"$ref": f"{SCHEMAS}/Category"})

    modules = {one: view.name for view in code_of(raw).model_modules for one in view.exports}

    assert module == modules[name]


def test_explicit_module_overrides_the_rules() -> None:
    """`x-cstar-module` sets the module of a schema."""
    raw = real()
    schema(raw, "Whoami")["x-cstar-module"] = "shared"

    assert "Whoami" in next(view.exports for view in code_of(raw).model_modules if view.name == "shared")


def test_prose_is_left_out_of_schemas_but_names_stay() -> None:
    """Properties named `description` and data stay."""
    node = {
        "description": "Prose.",
        "x-source": "A page",
        "x-cstar-initial": {"description": "data"},
        "default": {"examples": 1},
        "properties": {"description": {"type": "string", "description": "Prose.", "examples": ["x"]}},
        "allOf": [{"items": {"x-enum-descriptions": {}, "type": "string"}}],
    }

    assert {
        "x-cstar-initial": {"description": "data"},
        "default": {"examples": 1},
        "properties": {"description": {"type": "string"}},
        "allOf": [{"items": {"type": "string"}}],
    } == strip_descriptions(node)


def test_fake_has_the_schemas_of_events() -> None:
    """The schema of `data` of each type is beside the components."""
    schemas = code_of(real()).schemas

    assert {"$ref": f"{SCHEMAS}/TicketEventData"} == schemas["events"]["ticket.created"]
    assert {"$ref": f"{SCHEMAS}/EventData"} == schemas["events"]["survey.submitted"]
    assert "EventTicket" in schemas["components"]["schemas"]


def test_operation_without_a_method_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each operation must be in the code."""
    document = parsed(real())
    monkeypatch.setattr("codegen.ir.build.namespace_modules", lambda given: namespace_modules(given)[1:])

    with pytest.raises(CodegenError) as caught:
        build_ir(document)

    place = "#/paths/~1api~1v1~1auth~1whoami/get"
    assert [f"{place}: the operation `whoami` became a {what} 0 times." for what in ("function", "method")] == [
        str(problem) for problem in caught.value.problems
    ]


def test_modules_do_not_import_each_other_in_a_cycle() -> None:
    """What would close a cycle goes to `shared`, with all that it refers to."""
    raw = real()
    schema(raw, "TicketCustomer")["x-cstar-module"] = "customers"
    schema(raw, "Customer")["properties"]["last"] = entry("X.", **{"$ref": f"{SCHEMAS}/TicketStatus"})

    modules = {name: module.name for module in code_of(raw).model_modules for name in module.exports}

    assert ("shared", "shared", "tickets") == (modules["TicketCustomer"], modules["TicketStatus"], modules["Ticket"])


def test_module_that_does_not_exist_is_refused() -> None:
    """`x-cstar-module` names a root namespace or `shared`."""
    raw = real()
    schema(raw, "Whoami")["x-cstar-module"] = "nowhere"

    with pytest.raises(CodegenError, match="the module `nowhere` is not a root namespace"):
        code_of(raw)
