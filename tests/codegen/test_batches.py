"""Limits of bodies, batched operations, and responses that are text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from codegen.ir.functions import FunctionSpec
from codegen.spec.document import Node
from tests.codegen.documents import code_of, entry, inside, problems_with, real, small
from tests.codegen.edits import drop, put

SCHEMAS = "#/components/schemas"
BULK = "/api/v1/teams/{teamId}/bulk"
EXPORT = "/api/v1/teams/{teamId}/export"
BULK_AT = "#/paths/~1api~1v1~1teams~1{teamId}~1bulk/post"
EXPORT_AT = "#/paths/~1api~1v1~1teams~1{teamId}~1export/post/responses/200"
BATCHING = ("paths", BULK, "post", "x-cstar-batching")
RESPONSE = ("paths", EXPORT, "post", "responses", "200")


def _functions() -> dict[str, FunctionSpec]:
    return {one.name: one for module in code_of(small("automations", "bulk", "exports")).api_modules for one in module.functions}


def test_operation_that_can_be_split_is_two_functions() -> None:
    """The second has the same arguments and the same result."""
    single, whole = _functions()["run_bulk"], _functions()["run_bulk_batched"]
    assert (single.parameters, single.returns) == (whole.parameters, whole.returns)
    call = "return await run_in_batches(client.__executor__, operations.RUN_BULK_BATCHES, BulkResult, body=body, "
    assert call in whole.statement


def test_both_functions_are_methods() -> None:
    """In the same namespace."""
    methods = [one for module in code_of(small("automations", "bulk", "exports")).client_namespaces for one in module.root.methods]
    assert [(one.name, one.function) for one in methods if "bulk" in one.function] == [
        ("run", "run_bulk"),
        ("run_batched", "run_bulk_batched"),
    ]


def test_limit_is_listed_among_the_errors() -> None:
    """Of the function that has it, not of the batched one."""
    functions = _functions()
    assert "`ids` has more than 100 items" in functions["run_bulk"].doc
    assert "more than 100 items" not in functions["run_bulk_batched"].doc
    assert "`resources` has more than 1 item while `format` is `csv`" in functions["run_export"].doc


def test_response_that_may_be_a_str_has_that_type() -> None:
    """The result is annotated with it."""
    assert _functions()["run_export"].returns == "ExportResult | str"


def test_free_objects_can_be_given_as_the_models_that_describe_them() -> None:
    """The models of `x-cstar-models` are part of the argument's type, as items of a list too."""
    functions = {one.name: one for module in code_of(real()).api_modules for one in module.functions}
    assert "data: TicketUpdate | CustomerUpdate | ArticleUpdate | JSONObject | None | Unset" in functions["run_bulk"].parameters
    assert "records: Sequence[TicketCreate | CustomerCreate | ArticleCreate | JSONObject]" in functions["run_import"].parameters


def _schema(*keys: str | int) -> tuple[str | int, ...]:
    return ("components", "schemas", *keys)


def _second_text(raw: Node) -> None:
    inside(raw, *RESPONSE)["content"]["text/plain"] = {"schema": {"type": "string"}}


def _duplicate(raw: Node) -> None:
    one = inside(raw, "paths", EXPORT, "post")
    one |= {"operationId": "run_bulk_batched", "x-cstar-namespace": "bulk", "x-cstar-method": "run_batched", "tags": ["bulk"]}


_WHEN = _schema("ExportRun", "properties", "resources", "x-cstar-max-items-when")
_WHEN_AT = f"{SCHEMAS}/ExportRun/properties/resources"
_RULE = {"field": "status", "value": "open", "maxItems": 1}
_FORM = "`x-cstar-max-items-when` must be of the form `{field: …, value: …, maxItems: <a number>}`."
CASES: dict[str, tuple[Callable[[Node], object], str, str]] = {
    "a second content type without x-cstar-text": (
        drop(*RESPONSE, "x-cstar-text"),
        EXPORT_AT,
        "there must be exactly one content type, application/json, got application/json, text/csv.",
    ),
    "a third content type": (
        _second_text,
        EXPORT_AT,
        ("there must be exactly one content type, application/json, then text/csv, got application/json, text/csv, text/plain."),
    ),
    "text content with another schema": (
        put(*RESPONSE, "content", "text/csv", "schema", to={"type": "object"}),
        EXPORT_AT,
        "the content `text/csv` must have the schema `{type: string}`.",
    ),
    "text content beside a list": (
        put(
            *(*RESPONSE, "content", "application/json", "schema", "allOf", 1, "properties", "data"),
            to={"type": "array", "items": {"$ref": f"{SCHEMAS}/ExportResult"}},
        ),
        EXPORT_AT,
        "`x-cstar-text` needs a response of one object.",
    ),
    "text content beside a nullable object": (
        put(
            *(*RESPONSE, "content", "application/json", "schema", "allOf", 1, "properties", "data"),
            to={"oneOf": [{"$ref": f"{SCHEMAS}/ExportResult"}, {"type": "null"}]},
        ),
        EXPORT_AT,
        "`x-cstar-text` needs a response of one object.",
    ),
    "text content that may be empty": (
        put(*RESPONSE, "x-cstar-may-be-empty", to=True),
        EXPORT_AT,
        "a response that may be empty must be an object without required fields, not text.",
    ),
    "text content of an error": (
        put("components", "responses", "NotFound", "x-cstar-text", to="text/csv"),
        "#/components/responses/NotFound",
        "`x-cstar-text` is for successful responses only.",
    ),
    "a shorthand without property": (
        put(*_schema("BatchError", "x-cstar-string-shorthand"), to="text"),
        f"{SCHEMAS}/BatchError",
        "`x-cstar-string-shorthand` names `text`, which is not a property of type string.",
    ),
    "a shorthand for a number": (
        put(*_schema("BatchError", "x-cstar-string-shorthand"), to="index"),
        f"{SCHEMAS}/BatchError",
        "`x-cstar-string-shorthand` names `index`, which is not a property of type string.",
    ),
    "a shorthand as the data": (
        lambda raw: inside(raw, *_schema("BulkResult")).update(
            {"x-cstar-string-shorthand": "note", "properties": {"note": entry("X.", type="string")}}
        ),
        f"{BULK_AT}/responses/200",
        "`data` is never a string; `x-cstar-string-shorthand` is for objects inside it.",
    ),
    "models of a free object that are none": (
        put(*_schema("BulkRun", "properties", "data", "x-cstar-models"), to=["BulkAction"]),
        f"{SCHEMAS}/BulkRun/properties/data",
        "`x-cstar-models` names `BulkAction`, which is not an object with properties.",
    ),
    "a limit of the wrong form": (put(*_WHEN, to={"field": "format"}), _WHEN_AT, _FORM),
    "a limit by an unknown property": (
        put(*_WHEN, "field", to="shape"),
        _WHEN_AT,
        "`x-cstar-max-items-when` names `shape`, which is not a property beside it.",
    ),
    "a limit of a string": (
        put(*_schema("TicketCreate", "properties", "title", "x-cstar-max-items-when"), to=_RULE),
        f"{SCHEMAS}/TicketCreate/properties/title",
        "`x-cstar-max-items-when` has no meaning without `type: array`.",
    ),
    "a limit of a response": (
        put(*_schema("Ticket", "properties", "tags", "x-cstar-max-items-when"), to=_RULE),
        f"{SCHEMAS}/Ticket/properties/tags",
        "`x-cstar-max-items-when` is for the fields of a body.",
    ),
    "batching of the wrong form": (
        drop(*BATCHING, "add"),
        BULK_AT,
        "`x-cstar-batching` must be of the form `{split: …, add: […], join: […], shift: …}`.",
    ),
    "batching of an array without limit": (
        drop(*_schema("BulkRun", "properties", "ids", "maxItems")),
        BULK_AT,
        "`x-cstar-batching` splits `ids`, which is not an array of the body with `maxItems`.",
    ),
    "a sum of strings": (
        put(*BATCHING, "add", to=["action"]),
        BULK_AT,
        "`x-cstar-batching` names `action`, which is no integer of the result.",
    ),
    "a join of numbers": (
        put(*BATCHING, "join", to=["total"]),
        BULK_AT,
        "`x-cstar-batching` names `total`, which is no array of the result.",
    ),
    "a shift of an unknown field": (
        put(*BATCHING, "shift", to="position"),
        BULK_AT,
        "`x-cstar-batching` shifts `position`, which the items of `errors` do not have.",
    ),
    "batching of an operation with a query": (
        lambda raw: inside(raw, "paths", BULK, "post", "parameters").append(
            entry("X.", **{"name": "dry", "in": "query", "schema": {"type": "boolean"}})
        ),
        BULK_AT,
        "`x-cstar-batching` is for operations that take nothing but a body.",
    ),
    "batching with a response of a list": (
        put("paths", "/api/v1/teams/{teamId}/tickets", "get", "x-cstar-batching", to={"split": "x", "add": [], "join": []}),
        "#/paths/~1api~1v1~1teams~1{teamId}~1tickets/get",
        "`x-cstar-batching` needs a response of one object with properties.",
    ),
    "a name of a batched method": (
        _duplicate,
        BULK_AT,
        "`bulk.run_batched` is the method of `run_bulk_batched` and of `x-cstar-batching`.",
    ),
    "a default of an array that is not empty": (
        put(*_schema("AutomationConditions", "properties", "all", "default"), to=[1]),
        f"{SCHEMAS}/AutomationConditions/properties/all",
        "the default of an array can only be the empty one.",
    ),
}


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in CASES.items()])
def test_unsupported_batching_is_refused(case: tuple[Callable[[Node], Any], str, str]) -> None:
    """The problem is reported with its pointer."""
    change, pointer, message = case
    raw = small("automations", "bulk", "exports")
    change(raw)
    assert (pointer, message) in [(problem.location, problem.message) for problem in problems_with(raw)]
