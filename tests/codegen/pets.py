"""A small document for comparisons, and edits of it that change one public name or type."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from codegen.diff.changes import Change
from codegen.diff.run import compare, side
from codegen.spec.document import Node
from tests.codegen.packages import document, ref, returns, takes

Edit = Callable[[Node], object]


def pets() -> Node:
    """Return the document."""
    pet = {"id": {"type": "string"}, "name": {"type": "string"}, "age": {"type": "integer"}, "status": ref("PetStatus")}
    owner = {"email": {"type": "string"}, "names": {"type": "array", "items": {"type": "string"}}}
    paths: Node = {
        "/pets": {
            "get": _operation("listPets", returns({"type": "array", "items": ref("Pet")}), [_query("status", ref("PetStatus"))]),
            "post": _operation("createPet", returns(ref("Pet"), "201"), body=takes(ref("PetCreate"))),
        },
        "/pets/{petId}": {
            "get": _operation("getPet", returns(ref("Pet")), [_path("petId")]),
            "delete": _operation("deletePet", returns(None, "204"), [_path("petId"), _query("reason", {"type": "string"})]),
        },
        "/owners/{ownerId}": {"get": _operation("getOwner", returns(ref("Owner")), [_path("ownerId")], tag="owners")},
        "/owners": {"put": _operation("setOwner", returns(ref("Owner")), body=takes(ref("Owner")), tag="owners")},
    }
    schemas: Node = {
        "Pet": _model(pet, ["id", "name"]),
        "PetCreate": _model({"name": {"type": "string"}, "age": {"type": "integer"}}, ["name"]),
        "Owner": _model(owner, ["email"]),
        "PetStatus": {"type": "string", "enum": ["free", "sold"]},
    }
    data = {"type": "object", "properties": {"data": ref("Pet")}}
    event = {"post": {"requestBody": takes(data), "responses": returns()}}
    return copy.deepcopy(document(paths, schemas, webhooks={"pet.sold": event}, servers=[{"url": "https://api.example.com"}]))


def _operation(
    operation_id: str, responses: Node, parameters: list[Node] | None = None, *, tag: str = "pets", body: Any = None
) -> Node:
    given: Node = {"operationId": operation_id, "tags": [tag], "responses": responses, "parameters": parameters or []}
    return given | ({"requestBody": body} if body else {})


def _query(name: str, schema: Node, *, required: bool = False) -> Node:
    return {"name": name, "in": "query", "schema": schema, "required": required}


def _path(name: str) -> Node:
    return {"name": name, "in": "path", "schema": {"type": "string"}, "required": True}


def _model(properties: Node, required: list[str]) -> Node:
    return {"type": "object", "properties": properties, "required": required}


def changes(*edits: Edit) -> list[Change]:
    """Return the changes that edits of the document make."""
    return changes_between(pets(), edited(*edits))


def edited(*edits: Edit) -> Node:
    """Return the document with edits."""
    raw = pets()
    for edit in edits:
        edit(raw)
    return raw


def changes_between(old: Node, new: Node) -> list[Change]:
    """Return the changes between two documents of other APIs."""
    return compare(side(old, is_sdk=False), side(new, is_sdk=False))


def schema(raw: Node, name: str) -> Node:
    """Return a schema."""
    found: Node = raw["components"]["schemas"][name]
    return found


def add_operation(raw: Node) -> None:
    """Add an operation to a namespace."""
    raw["paths"]["/pets/{petId}"]["put"] = _operation("feedPet", returns(ref("Pet")), [_path("petId")])


def add_namespace(raw: Node) -> None:
    """Add an operation in a namespace of its own."""
    raw["paths"]["/shops"] = {"get": _operation("listShops", returns({"type": "array", "items": ref("Pet")}), tag="shops")}


def add_parameter(raw: Node) -> None:
    """Add an optional parameter."""
    raw["paths"]["/pets"]["get"]["parameters"].append(_query("color", {"type": "boolean"}))


def add_required_parameter(raw: Node) -> None:
    """Add a required parameter."""
    raw["paths"]["/pets"]["get"]["parameters"].append(_query("color", {"type": "boolean"}, required=True))


def add_field(raw: Node) -> None:
    """Add a field to what a caller gets."""
    schema(raw, "Pet")["properties"]["color"] = {"type": "boolean"}


def add_sent_field(raw: Node) -> None:
    """Add a field to a body."""
    schema(raw, "PetCreate")["properties"]["color"] = {"type": "boolean"}


def add_class(raw: Node) -> None:
    """Add a class, by a field that has it."""
    raw["components"]["schemas"]["Food"] = _model({"brand": {"type": "string"}}, [])
    schema(raw, "Pet")["properties"]["food"] = ref("Food")


def add_value(raw: Node) -> None:
    """Add a value to an enum."""
    schema(raw, "PetStatus")["enum"].append("lost")


def add_enum(raw: Node) -> None:
    """Add an enum, by a parameter that has it."""
    raw["components"]["schemas"]["PetOrder"] = {"type": "string", "enum": ["age", "name"]}
    raw["paths"]["/pets"]["get"]["parameters"].append(_query("order", ref("PetOrder")))


def add_event(raw: Node) -> None:
    """Add an event."""
    raw["webhooks"]["pet.lost"] = copy.deepcopy(raw["webhooks"]["pet.sold"])
