"""Compare the document with the known facts about the API.

`tests/samples/reference.json` holds the facts as they were collected: every operation with its parameters, and every schema with
its fields, each with its evidence. The document may have more, with evidence of its own. What it loses or changes is changed in
that file, too. Where the document differs on purpose, `DIFFERENT_OPERATIONS` and its like say why.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

from codegen.errors import NoteCollector
from codegen.parser.run import parse
from codegen.spec import loader as source
from codegen.spec.document import Document, Operation, Parameter
from cstar_async import models
from cstar_async._client import settings as config

REFERENCE: Final[dict[str, Any]] = json.loads((Path(__file__).parents[1] / "samples" / "reference.json").read_text())
OPERATIONS: Final[dict[str, Any]] = REFERENCE["operations"]
SCHEMAS: Final[dict[str, Any]] = REFERENCE["schemas"]
DOCUMENT: Final = Document(source.read(Path(__file__).parents[2] / "openapi" / "cstar.yaml"))
COMPONENTS: Final[dict[str, Any]] = DOCUMENT.schemas
SHAPES: Final = {operation.pointer: operation.result.shape for operation in parse(DOCUMENT.raw, NoteCollector()).operations}

OVERLAY: Final[dict[str, Any]] = source.read(Path(__file__).parents[2] / "openapi" / "fake.yaml")
FAKE: Final[dict[str, Any]] = {
    action["target"].partition("operationId=='")[2].removesuffix("']"): action["update"]
    for action in OVERLAY["actions"]
    if "operationId==" in action["target"]
}
"""What the fake does for each operation, by operationId."""

NOT_IN_THE_FAKE: Final[dict[str, set[str]]] = {"tickets.list": {"content"}}
"""Searched fields that the fake leaves out: the content of a ticket is in its messages."""

DIFFERENT_OPERATIONS: Final[dict[str, str]] = {
    "webhooks.listen": "a stream is not a request with one response",
}
"""Operations that are not described like the others, and why."""

DIFFERENT_FIELDS: Final[dict[tuple[str, str], str]] = {
    ("Webhook", "signingSecret"): "another name of `secret`, and so an alias of it",
    ("NotificationUpdate", "read"): "required in the list of schemas, but with a default in the list of operations",
    ("AutomationAction", "type"): "each class of the union has the tag",
}
"""Fields that are not described as they are listed, and why."""

NO_SCHEMAS: Final[dict[str, str]] = {
    "RateLimitHeaders": "these are headers",
    "ChatIdentity": "fields that are signed; no body of this API",
    **dict.fromkeys(
        ("WebhookEvent", "TicketEventData", "EventTicket", "EventCustomer", "EventMessage", "EventData", "FieldChange"),
        "webhooks send it, no operation returns it",
    ),
}
"""Schemas that are no components, and why."""


def _calls() -> dict[str, Operation]:
    return {f"{operation.namespace}.{operation.node['x-cstar-method']}": operation for operation in DOCUMENT.operations}


def _resolved(node: dict[str, Any]) -> dict[str, Any]:
    """Return a schema merged with the component that it refers to."""
    name = str(node.get("$ref", "")).rpartition("/")[2]
    return {**COMPONENTS[name], **node} if name else node


def _values(parameter: Parameter) -> list[str] | None:
    schema = _resolved(parameter.node["schema"])
    return _resolved(schema.get("items", schema)).get("enum")


def _body(operation: Operation) -> dict[str, Any]:
    content = operation.node.get("requestBody", {}).get("content", {})
    return _resolved(content["application/json"]["schema"]) if content else {}


def _facts(operation: Operation) -> dict[str, Any]:
    """Return the facts of an operation in the format of the reference."""
    node = operation.node
    queries = [one for one in operation.parameters if one.location == "query"]
    body = _body(operation)
    names = {one.name for one in queries}
    return {
        "method": operation.method.upper(),
        "path": operation.path,
        "key": node["x-cstar-key"],
        "idempotent": any(one.name == "Idempotency-Key" for one in operation.parameters),
        "paged": node.get("x-cstar-pagination") or ("limit" if "limit" in names else "no"),
        "query": {one.name: bool(one.node.get("required")) for one in queries},
        "body": {name: name in body.get("required", []) for name in body.get("properties", {})},
        "status": int(operation.successes[0]),
        "array": SHAPES[operation.pointer] in ("array", "page"),
        "evidence": node["x-evidence"],
    }


def _expected(call: str) -> dict[str, Any]:
    facts = dict(OPERATIONS[call])
    for part in ("query", "body"):
        facts[part] = {name: bool(one.get("required")) for name, one in facts[part].items()}
    del facts["schema"]
    return facts


def _as_listed(name: str, fields: dict[str, Any]) -> dict[str, Any]:
    return {wire: fact for wire, fact in fields.items() if (name, wire) not in DIFFERENT_FIELDS}


def test_document_has_the_known_operations() -> None:
    """The document lacks none."""
    assert set() == set(OPERATIONS) - set(DIFFERENT_OPERATIONS) - set(_calls())


@pytest.mark.parametrize("call", sorted(set(OPERATIONS) - set(DIFFERENT_OPERATIONS)))
def test_operation_matches_the_reference(call: str) -> None:
    """Method, path, key, parameters, body, status and evidence of an operation are those of the reference."""
    expected, facts = _expected(call), _facts(_calls()[call])
    for part in ("query", "body"):
        facts[part] = {name: fact for name, fact in facts[part].items() if name in expected[part] or fact}
    assert expected == facts


@pytest.mark.parametrize("call", sorted(set(OPERATIONS) - set(DIFFERENT_OPERATIONS)))
def test_query_parameters_have_the_known_values(call: str) -> None:
    """The enums of query parameters have all known values, so that editors offer them."""
    known = {name: one["values"] for name, one in OPERATIONS[call]["query"].items() if "values" in one}
    described = {one.name: _values(one) or [] for one in _calls()[call].parameters if one.name in known}
    assert known == {name: [value for value in values if value in known[name]] for name, values in described.items()}


@pytest.mark.parametrize("call", sorted(call for call, one in OPERATIONS.items() if "fields" in one["query"].get("search", {})))
def test_search_has_the_known_fields(call: str) -> None:
    """The description names each field that a search looks into, and the fake searches no other."""
    fields: set[str] = set(OPERATIONS[call]["query"]["search"]["fields"])
    (search,) = (one for one in _calls()[call].parameters if one.name == "search")
    named = {"customerName": "customer name"}
    assert [] == [field for field in fields if named.get(field, field) not in search.node["description"]]
    searched = FAKE[_calls()[call].id]["x-cstar-filter"]["search"]["fields"]
    assert fields - NOT_IN_THE_FAKE.get(call, set()) == set(searched)


@pytest.mark.parametrize(("name", "field"), [("WebhookCreate", "events"), ("WebhookUpdate", "events")])
def test_array_may_be_as_short_as_known(name: str, field: str) -> None:
    """An array that cStar accepts without items has no `minItems`."""
    assert SCHEMAS[name][field]["min_items"] == COMPONENTS[name]["properties"][field].get("minItems", 0)


@pytest.mark.parametrize("name", sorted(set(SCHEMAS) - set(NO_SCHEMAS)))
def test_schema_has_the_known_fields(name: str) -> None:
    """The evidence of the known fields, and which are required, are those of the reference."""
    component = COMPONENTS[name]
    fields: dict[str, Any] = component.get("properties", {})
    described = {wire: (wire in component.get("required", []), node.get("x-evidence")) for wire, node in fields.items()}
    known = {wire: (bool(fact.get("required")), fact["evidence"]) for wire, fact in SCHEMAS[name].items()}
    assert _as_listed(name, known) == {wire: described.get(wire) for wire in _as_listed(name, known)}


@pytest.mark.parametrize("name", sorted((set(SCHEMAS) & set(models.__all__)) - {"AutomationAction"}))
def test_attributes_have_the_known_names(name: str) -> None:
    """Attributes are the wire names in snake case."""
    attributes = {wire: attribute for attribute, wire in getattr(models, name).__wire_names__.items()}
    known = {wire: fact["attribute"] for wire, fact in SCHEMAS[name].items()}
    assert _as_listed(name, known) == {wire: attributes.get(wire) for wire in _as_listed(name, known)}


def test_document_names_the_server_and_version_of_the_client() -> None:
    """The default URL and version of the client are those of the document."""
    assert config.BASE_URL == DOCUMENT.raw["servers"][0]["url"]
    assert [config.API_VERSION] == DOCUMENT.raw["components"]["parameters"]["ApiVersion"]["schema"]["examples"]
