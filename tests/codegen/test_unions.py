"""Unions of objects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from codegen.ir.model_specs import ModelSpec, UnionSpec
from codegen.spec.document import Node
from tests.codegen.documents import code_of, entry, inside, model, problems_with, schema, small
from tests.codegen.trees import Tree

SCHEMAS = "#/components/schemas"
STEP = f"{SCHEMAS}/Step"


def with_union(raw: Node) -> Node:
    """Return a document in which tickets have steps: calls, mails, and unknown ones."""
    text = entry("What it is.", type="string")
    raw["components"]["schemas"] |= {
        "Step": entry(
            "What is done.",
            oneOf=[{"$ref": f"{SCHEMAS}/{name}"} for name in ("StepCall", "StepMail", "StepOther")],
            discriminator={"propertyName": "kind", "mapping": {"call": f"{SCHEMAS}/StepCall", "mail": f"{SCHEMAS}/StepMail"}},
            **{"x-cstar-unknown": "StepOther"},
        ),
        "StepCall": model("A call.", kind=text | {"const": "call"}, number=text) | {"required": ["kind", "number"]},
        "StepMail": model("A mail.", kind=text | {"const": "mail"}) | {"required": ["kind"]},
        "StepOther": model("Anything else.", kind=text | {"not": {"enum": ["call", "mail"]}}) | {"required": ["kind"]},
    }
    steps = entry("What is done.", type="array", items={"$ref": STEP})
    schema(raw, "Ticket")["properties"]["steps"] = steps
    schema(raw, "Ticket")["properties"]["lastStep"] = entry("The last.", oneOf=[{"$ref": STEP}, {"type": "null"}])
    by_day = entry("The steps of a day.", type="object", additionalProperties={"$ref": STEP})
    schema(raw, "Ticket")["properties"]["byDay"] = by_day
    schema(raw, "TicketUpdate")["properties"]["steps"] = steps
    return raw


def _models() -> dict[str, ModelSpec | UnionSpec]:
    modules = code_of(with_union(small())).model_modules
    return {one.name: one for module in modules for one in (*module.models, *module.unions)}


def _declarations(name: str) -> dict[str, str]:
    view = _models()[name]
    assert isinstance(view, ModelSpec)
    return {field.attribute: field.declaration for field in view.fields}


def test_union_becomes_an_alias_of_its_members() -> None:
    """The fallback is one of them."""
    view = _models()["Step"]
    assert isinstance(view, UnionSpec)
    assert view.members == "StepCall | StepMail | StepOther"


def test_field_of_a_union_has_its_name() -> None:
    """Also in lists, maps and nullable fields."""
    declared = _declarations("Ticket")
    assert declared["steps"] == "steps: list[Step] | None = None"
    assert declared["last_step"] == "last_step: Step | None = None"
    assert declared["by_day"] == "by_day: dict[str, Step] | None = None"


def test_argument_takes_the_members_of_a_union_or_a_mapping() -> None:
    """As for a model."""
    assert _declarations("TicketUpdate")["steps"] == "steps: Sequence[Step | JSONObject] | Unset = UNSET"


def test_tag_is_the_default_of_its_class() -> None:
    """Each member but the fallback has its tag as the default."""
    assert _declarations("StepCall")["kind"] == "kind: str = 'call'"
    assert _declarations("StepOther")["kind"] == "kind: str"


def test_field_that_callers_set_takes_what_arguments_take() -> None:
    """A model that callers create takes strings for enums."""
    raw = with_union(small("automations"))
    status = entry("S.", **{"$ref": f"{SCHEMAS}/AutomationTestResourceType"})
    statuses = entry("S.", type="array", items={"$ref": f"{SCHEMAS}/AutomationTestResourceType"})
    schema(raw, "StepCall")["properties"] |= {"status": status, "statuses": statuses}
    models = {one.name: one for module in code_of(raw).model_modules for one in module.models}
    declared = {field.attribute: field.declaration for field in models["StepCall"].fields}
    assert declared["status"] == "status: AutomationTestResourceTypeLike | None = None"
    assert declared["statuses"] == "statuses: list[AutomationTestResourceTypeLike] | None = None"


def test_empty_default_is_a_new_list_for_each_object() -> None:
    """If the default of the document is the empty list."""
    raw = with_union(small())
    schema(raw, "StepMail")["properties"]["to"] = entry("T.", type="array", items={"type": "string"}, default=[])
    schema(raw, "StepMail")["required"].append("to")
    models = {one.name: one for module in code_of(raw).model_modules for one in module.models}
    assert models["StepMail"].fields[1].declaration == "to: list[str] = attrs.field(factory=empty_list)"


def test_generated_decoder_dispatches_on_the_tag(tree: Tree) -> None:
    """An unknown or missing tag gives the fallback with all its keys. A value that is no object stays as it is."""
    tree.write(with_union)
    assert tree.generate().returncode == 0
    found = tree.output_of("""
from cstar_async import from_dict, to_dict
from cstar_async.models import Ticket
steps = [{"kind": "call", "number": "1"}, {"kind": "mail"}, {"kind": "fax", "to": 7}, {"kind": ["call"]}, {"to": 1}, {}, 5, None]
ticket = from_dict(Ticket, {"steps": steps, "lastStep": steps[2], "byDay": {"mo": steps[0], "tu": 8}})
print([type(step).__name__ for step in ticket.steps])
print(type(ticket.last_step).__name__, ticket.last_step.kind, ticket.last_step.extra, type(ticket.by_day["mo"]).__name__)
wire = to_dict(ticket)
print(wire["steps"] == steps, wire["lastStep"] == steps[2], wire["byDay"] == {"mo": steps[0], "tu": 8})
""")
    assert found.splitlines() == [
        "['StepCall', 'StepMail', 'StepOther', 'StepOther', 'StepOther', 'StepOther', 'int', 'NoneType']",
        "StepOther fax {'to': 7} StepCall",
        "True True True",
    ]


def _set(*keys: str | int, to: object) -> Callable[[Node], object]:
    return lambda raw: inside(raw, "components", "schemas", *keys[:-1]).__setitem__(keys[-1], to)


def _drop(*keys: str | int) -> Callable[[Node], object]:
    return lambda raw: inside(raw, "components", "schemas", *keys[:-1]).pop(keys[-1])


_TAG = ("properties", "kind")
_BEYOND = "which is not a member with a tag of its own."
_ONLY = "`not` is for the tag of a union's fallback only."
CASES: dict[str, tuple[Callable[[Node], object], str, str]] = {
    "no discriminator": (
        _drop("Step", "discriminator"),
        STEP,
        "a union must have a `discriminator` of `propertyName` and `mapping`, that distinguishes its members.",
    ),
    "no mapping": (
        _drop("Step", "discriminator", "mapping"),
        STEP,
        "a union must have a `discriminator` of `propertyName` and `mapping`, that distinguishes its members.",
    ),
    "a mapping that lacks a member": (
        _drop("Step", "discriminator", "mapping", "mail"),
        STEP,
        "the mapping must have exactly one tag for `StepMail`, got 0.",
    ),
    "a mapping with two tags for a member": (
        _set("Step", "discriminator", "mapping", "letter", to=f"{SCHEMAS}/StepMail"),
        STEP,
        "the mapping must have exactly one tag for `StepMail`, got 2.",
    ),
    "a mapping that leads elsewhere": (
        _set("Step", "discriminator", "mapping", "letter", to=f"{SCHEMAS}/Ticket"),
        STEP,
        f"the mapping of `letter` leads to `Ticket`, {_BEYOND}",
    ),
    "a tag for the fallback": (
        _set("Step", "discriminator", "mapping", "letter", to=f"{SCHEMAS}/StepOther"),
        STEP,
        f"the mapping of `letter` leads to `StepOther`, {_BEYOND}",
    ),
    "a member without its tag": (
        _drop("StepMail", *_TAG, "const"),
        STEP,
        "the member `StepMail` must require the property `kind` with `const: mail`.",
    ),
    "a member whose tag may be absent": (
        _set("StepMail", "required", to=[]),
        STEP,
        "the member `StepMail` must require the property `kind` with `const: mail`.",
    ),
    "a member that is no object": (
        _set("StepMail", to=entry("Any.", type="object", additionalProperties=True)),
        STEP,
        "the member `StepMail` is not an object with properties.",
    ),
    "a member written in pointer": (
        _set("Step", "oneOf", 1, to=model("A mail.", kind=entry("It.", type="string"))),
        STEP,
        "each member of a union must be a $ref to a component.",
    ),
    "no fallback": (
        _drop("Step", "x-cstar-unknown"),
        STEP,
        "a union must name one of its members in `x-cstar-unknown`, for unknown tags.",
    ),
    "a fallback that is no member": (
        _set("Step", "x-cstar-unknown", to="Ticket"),
        STEP,
        "a union must name one of its members in `x-cstar-unknown`, for unknown tags.",
    ),
    "a fallback that takes known tags": (
        _drop("StepOther", *_TAG, "not"),
        STEP,
        "the fallback `StepOther` must have the property `kind` as a string, `not: {enum: [call, mail]}`.",
    ),
    "a keyword that a union has no use for": (
        _set("Step", "type", to="object"),
        STEP,
        "the generator would ignore `type` of a union.",
    ),
    "two unions of the same members": (
        lambda raw: (
            _set("Copy", to=dict(schema(raw, "Step")))(raw),
            _set("Ticket", "properties", "copy", to=entry("A copy.", **{"$ref": f"{SCHEMAS}/Copy"}))(raw),
        ),
        f"{SCHEMAS}/Copy",
        "`Step` has the same members, so the two cannot be distinguished.",
    ),
    "a discriminator of a plain object": (
        _set("Ticket", "discriminator", to={"propertyName": "object"}),
        f"{SCHEMAS}/Ticket",
        "`discriminator` has no meaning without `oneOf`.",
    ),
    "a discriminator within an object": (
        _set("Ticket", "properties", "lastStep", "discriminator", to={"propertyName": "kind"}),
        f"{SCHEMAS}/Ticket/properties/lastStep",
        "a union must be a component of its own; `discriminator` has no meaning here.",
    ),
    "a not elsewhere": (_set("Ticket", "properties", "title", "not", to={}), f"{SCHEMAS}/Ticket/properties/title", _ONLY),
    "a not of a component": (_set("Ticket", "not", to={}), f"{SCHEMAS}/Ticket", _ONLY),
    "a not inside an array": (
        _set("Ticket", "properties", "tags", "items", "not", to={}),
        f"{SCHEMAS}/Ticket/properties/tags/items",
        _ONLY,
    ),
}


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in CASES.items()])
def test_unsupported_union_is_refused(case: tuple[Callable[[Node], Any], str, str]) -> None:
    """The problem is reported with its pointer."""
    change, pointer, message = case
    raw = with_union(small())
    change(raw)
    assert (pointer, message) in [(problem.location, problem.message) for problem in problems_with(raw)]


def test_document_with_a_union_is_accepted() -> None:
    """It has no problems."""
    assert problems_with(with_union(small())) == []


def test_union_is_no_response_by_itself() -> None:
    """`data` is decoded by a class, and a union has none."""
    raw = with_union(small())
    data = inside(raw, "paths", "/api/v1/teams/{teamId}/tickets/{ticketId}", "get", "responses", "200", "content")
    data["application/json"]["schema"]["allOf"][1]["properties"]["data"] = {"$ref": STEP}
    message = "the `data` of a successful response must be a $ref to an object component, an array of such, or it and null."
    assert message in [problem.message for problem in problems_with(raw)]
