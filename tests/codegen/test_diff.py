"""The comparison of two documents: each kind of change is seen, and what breaks a caller is separated from what does not."""

from __future__ import annotations

import pytest

from codegen.diff.changes import Change
from codegen.diff.run import compare, side
from codegen.spec.document import Node
from tests.codegen import pets as made
from tests.codegen.documents import small
from tests.codegen.pets import Edit, changes, changes_between, edited, pets, schema

ADDITIONS: dict[str, tuple[Edit, str]] = {
    "operation": (made.add_operation, "pets.feed_pet"),
    "namespace": (made.add_namespace, "shops"),
    "parameter": (made.add_parameter, "pets.list_pets(color=)"),
    "field": (made.add_field, "Pet.color"),
    "sent field": (made.add_sent_field, "PetCreate.color"),
    "class": (made.add_class, "models.Food"),
    "enum": (made.add_enum, "models.PetOrder"),
    "value": (made.add_value, "PetStatus.LOST"),
}


def _shown(found: list[Change], surface: str = "python") -> set[tuple[str, str, bool]]:
    return {(one.kind, one.name, one.is_breaking) for one in found if one.surface == surface}


def test_same_document_has_no_changes() -> None:
    """A document compared with itself differs in nothing."""
    assert [] == changes()


@pytest.mark.parametrize("name", ADDITIONS)
def test_addition_is_compatible(name: str) -> None:
    """What is new is shown under the name that a caller uses, and breaks nothing."""
    edit, shown = ADDITIONS[name]
    found = changes(edit)

    assert ("added", shown, False) in _shown(found)
    assert [] == [one for one in found if one.is_breaking]


@pytest.mark.parametrize("name", ADDITIONS)
def test_removal_breaks(name: str) -> None:
    """What is gone is shown under the name that a caller used."""
    edit, shown = ADDITIONS[name]
    found = changes_between(edited(edit), pets())

    assert ("removed", shown, True) in _shown(found)


def _rename_operation(raw: Node) -> None:
    raw["paths"]["/pets/{petId}"]["get"]["operationId"] = "readPet"


def _rename_parameter(raw: Node) -> None:
    raw["paths"]["/pets"]["get"]["parameters"][0]["name"] = "state"


def _rename_path_parameter(raw: Node) -> None:
    item = raw["paths"].pop("/pets/{petId}")
    for operation in item.values():
        operation["parameters"][0]["name"] = "animalId"
    raw["paths"]["/pets/{animalId}"] = item


def _rename_field(raw: Node) -> None:
    properties = schema(raw, "Pet")["properties"]
    properties["years"] = properties.pop("age")


def _rename_sent_field(raw: Node) -> None:
    properties = schema(raw, "PetCreate")["properties"]
    properties["years"] = properties.pop("age")


def _rename_class(raw: Node) -> None:
    schemas = raw["components"]["schemas"]
    schemas["Animal"] = schemas.pop("Pet")
    _replace(raw, "#/components/schemas/Pet", "#/components/schemas/Animal")


def _rename_enum(raw: Node) -> None:
    schemas = raw["components"]["schemas"]
    schemas["PetState"] = schemas.pop("PetStatus")
    _replace(raw, "#/components/schemas/PetStatus", "#/components/schemas/PetState")


def _rename_constant(raw: Node) -> None:
    schema(raw, "PetStatus")["x-enum-varnames"] = ["FREE", "GONE"]


def _rename_namespace(raw: Node) -> None:
    for path in ("/owners", "/owners/{ownerId}"):
        for operation in raw["paths"][path].values():
            operation["tags"] = ["holders"]


def _replace(node: object, old: str, new: str) -> None:
    values = list(node.items()) if isinstance(node, dict) else list(enumerate(node)) if isinstance(node, list) else []
    for key, value in values:
        if value == old:
            node[key] = new  # type: ignore[index]
        _replace(value, old, new)


RENAMINGS: dict[str, tuple[Edit, str, str]] = {
    "operation": (_rename_operation, "pets.get_pet", "pets.read_pet"),
    "function": (_rename_operation, "api.get_pet", "api.read_pet"),
    "parameter": (_rename_parameter, "pets.list_pets(status=)", "state"),
    "path parameter": (_rename_path_parameter, "pets.get_pet(pet_id=)", "animal_id"),
    "field": (_rename_field, "Pet.age", "years"),
    "sent field": (_rename_sent_field, "pets.create_pet(age=)", "years"),
    "class": (_rename_class, "models.Pet", "Animal"),
    "enum": (_rename_enum, "models.PetStatus", "PetState"),
    "constant": (_rename_constant, "PetStatus.SOLD", "GONE"),
    "namespace": (_rename_namespace, "owners", "holders"),
}


@pytest.mark.parametrize("name", RENAMINGS)
def test_renaming_breaks_and_names_both(name: str) -> None:
    """A new name of the same thing is one change, which names the old and the new name."""
    edit, old, new = RENAMINGS[name]
    found = changes(edit)

    (renamed,) = [one for one in found if one.surface == "python" and one.name == old]
    assert ("renamed", True) == (renamed.kind, renamed.is_breaking)
    assert f"`{new}`" in renamed.message
    assert not {one.kind for one in found} & {"added", "removed"}


def _require(name: str, *fields: str) -> Edit:
    return lambda raw: schema(raw, name).update(required=list(fields))


def _field(name: str, wire: str, node: Node) -> Edit:
    return lambda raw: schema(raw, name)["properties"].update({wire: node})


def _query(node: Node, *, required: bool = False) -> Edit:
    return lambda raw: raw["paths"]["/pets"]["get"]["parameters"][0].update(schema=node, required=required)


def _result(node: Node) -> Edit:
    content = {"application/json": {"schema": node}}
    return lambda raw: raw["paths"]["/pets/{petId}"]["get"]["responses"]["200"].update(content=content)


PET = {"$ref": "#/components/schemas/Pet"}
STATUS = {"$ref": "#/components/schemas/PetStatus"}
NARROWINGS: dict[str, tuple[Edit, str]] = {
    "argument becomes required": (_query(STATUS, required=True), "pets.list_pets(status=)"),
    "argument loses null": (_field("PetCreate", "age", {"type": "integer"}), "pets.create_pet(age=)"),
    "argument takes fewer types": (_query({"type": "integer"}), "pets.list_pets(status=)"),
    "body field becomes required": (_require("PetCreate", "name", "age"), "pets.create_pet(age=)"),
    "result may be null": (_result({"oneOf": [PET, {"type": "null"}]}), "pets.get_pet()"),
    "result is another": (_result({"$ref": "#/components/schemas/Owner"}), "pets.get_pet()"),
    "result is gone": (_result({}), "pets.get_pet()"),
    "field may be absent": (_require("Pet", "id"), "Pet.name"),
    "field has another type": (_field("Pet", "name", {"type": "integer"}), "Pet.name"),
    "field is wider": (_field("Pet", "age", {"type": "number"}), "Pet.age"),
    "field of both directions is narrower": (_field("Owner", "email", {"type": "string", "format": "date"}), "Owner.email"),
    "items are others": (_field("Owner", "names", {"type": "array", "items": {"type": "integer"}}), "Owner.names"),
}


@pytest.mark.parametrize("name", NARROWINGS)
def test_narrowing_breaks(name: str) -> None:
    """A caller passes what is not accepted any more, or gets what it does not expect."""
    edit, shown = NARROWINGS[name]
    old = edited(_field("PetCreate", "age", {"type": ["integer", "null"]})) if "null" in name and "argument" in name else pets()
    new = edited(edit)

    assert shown in {one.name for one in changes_between(old, new) if one.is_breaking and one.surface == "python"}


def _deleted_pet(raw: Node) -> None:
    raw["paths"]["/pets/{petId}"]["delete"]["responses"]["204"]["content"] = {"application/json": {"schema": PET}}


WIDENINGS: dict[str, tuple[Edit, str]] = {
    "argument takes null": (_field("PetCreate", "age", {"type": ["integer", "null"]}), "pets.create_pet(age=)"),
    "argument takes more types": (_field("PetCreate", "age", {"type": "number"}), "pets.create_pet(age=)"),
    "argument becomes optional": (_require("PetCreate"), "pets.create_pet(name=)"),
    "result was none": (_deleted_pet, "pets.delete_pet()"),
    "result has fewer types": (_require("Pet", "id", "name", "age"), "Pet.age"),
}


@pytest.mark.parametrize("name", WIDENINGS)
def test_widening_is_compatible(name: str) -> None:
    """A caller may pass more than before, or gets less than it expects."""
    edit, shown = WIDENINGS[name]
    found = changes(edit)

    assert shown in {one.name for one in found if one.surface == "python"}
    assert [] == [one for one in found if one.is_breaking]


def test_required_parameter_breaks() -> None:
    """A caller does not pass it."""
    assert ("added", "pets.list_pets(color=)", True) in _shown(changes(made.add_required_parameter))


def _deprecate_operation(raw: Node) -> None:
    raw["paths"]["/pets"]["get"]["deprecated"] = True


def _deprecate_parameter(raw: Node) -> None:
    raw["paths"]["/pets"]["get"]["parameters"][0]["deprecated"] = True


DEPRECATIONS: dict[str, tuple[Edit, set[str]]] = {
    "operation": (_deprecate_operation, {"pets.list_pets"}),
    "parameter": (_deprecate_parameter, {"pets.list_pets(status=)"}),
    "field": (_field("Pet", "age", {"type": "integer", "deprecated": True}), {"Pet.age"}),
    "sent field": (
        _field("PetCreate", "age", {"type": "integer", "deprecated": True}),
        {"PetCreate.age", "pets.create_pet(age=)"},
    ),
    "field of both directions": (
        _field("Owner", "email", {"type": "string", "deprecated": True}),
        {"Owner.email", "OwnerInput.email", "owners.set_owner(email=)"},
    ),
}


@pytest.mark.parametrize("name", DEPRECATIONS)
def test_deprecation_is_shown_and_compatible(name: str) -> None:
    """A caller gets a warning, and goes on working; the way back is no change."""
    edit, shown = DEPRECATIONS[name]
    found = changes(edit)

    assert {("changed", one, False) for one in shown} == _shown(found)
    assert {False} == {one.is_breaking for one in found if one.surface == "api"}
    assert [] == changes_between(edited(edit), pets())


def test_document_and_client_are_separate() -> None:
    """A path that moves changes the API alone, and another operationId the client alone."""

    def move(raw: Node) -> None:
        raw["paths"]["/holders"] = raw["paths"].pop("/owners")

    assert ({("moved", "owners.set_owner", True)}, set()) == (_shown(found := changes(move), "api"), _shown(found))
    assert (set(), 2) == (_shown(found := changes(_rename_operation), "api"), len(_shown(found)))


def test_limits_of_requests_are_part_of_the_api() -> None:
    """A lower maximum breaks what was sent, a higher one does not."""
    limited = edited(_field("PetCreate", "age", {"type": "integer", "maximum": 30}))

    assert {("narrowed", "PetCreate.age", True)} == _shown(changes_between(pets(), limited), "api")
    assert {("widened", "PetCreate.age", False)} == _shown(changes_between(limited, pets()), "api")


def test_change_has_its_place_in_the_document() -> None:
    """The place is that of the new document, and of the old one for what is gone."""
    (added,) = [one for one in changes(made.add_field) if one.surface == "python"]
    (removed,) = [one for one in changes_between(edited(made.add_field), pets()) if one.surface == "python"]

    assert "#/components/schemas/Pet/properties/color" == added.place == removed.place


def test_events_are_compared() -> None:
    """Removing or renaming an event of cStar breaks its class; adding one does not."""
    old, new = small(), small()
    renamed = new["webhooks"].pop("ticket.updated")
    new["webhooks"]["ticket.edited"] = renamed
    gone = new["webhooks"].pop("ticket.closed")
    found = compare(side(old, is_sdk=True), side(new, is_sdk=True))
    back = compare(side(new, is_sdk=True), side(old, is_sdk=True))

    assert gone is not None
    assert {"webhooks.TicketClosed", "webhooks.TicketUpdated"} <= {one.name for one in found if one.is_breaking}
    assert ("added", "webhooks.TicketClosed", False) in _shown(back)


def test_event_of_another_api_is_compared() -> None:
    """The API has it, although a package of its own has no class for it."""
    assert {("added", "pet.lost", False)} == _shown(changes(made.add_event), "api")
    assert {("removed", "pet.lost", True)} == _shown(changes_between(edited(made.add_event), pets()), "api")
