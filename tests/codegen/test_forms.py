"""The forms in which OpenAPI says the same, and what is passed over or refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from codegen import naming as names
from codegen.errors import CodegenError, NoteCollector
from codegen.ir.build import build_ir
from codegen.ir.model_specs import ModelSpec
from codegen.parser.run import parse
from codegen.spec.document import Node
from tests.codegen.packages import document, ref, returns, takes


def _built(raw: Node) -> tuple[dict[str, ModelSpec], list[str]]:
    notes = NoteCollector()
    code = build_ir(parse(raw, notes, is_sdk=False))
    return {model.name: model for module in code.model_modules for model in module.models}, notes.lines


def _problems(raw: Node) -> list[str]:
    with pytest.raises(CodegenError) as caught:
        _built(raw)
    return [str(problem) for problem in caught.value.problems]


def _with_field(schema: Node, version: str = "3.1.0", **schemas: Node) -> Node:
    """Return a document whose model `Pet` has one field."""
    pet = {"type": "object", "properties": {"field": schema}}
    return document({"/pets": {"get": {"responses": returns(ref("Pet"))}}}, {"Pet": pet, **schemas}, version=version)


_LABEL = {"type": "object", "properties": {"text": {"type": "string"}}}
FIELDS: dict[str, tuple[Node, str]] = {
    "nullable": ({"type": "string", "nullable": True}, "str | None"),
    "a list of types": ({"type": ["string", "null"]}, "str | None"),
    "anyOf with null": ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "int | None"),
    "an enum with null": ({"type": "string", "nullable": True, "enum": ["a", None]}, "PetField | None"),
    "a reference in allOf": ({"allOf": [ref("Label")], "nullable": True, "description": "It."}, "Label | None"),
    "an alias": (ref("Alias"), "Label | None"),
    "an alias of a list": (ref("Labels"), "list[Label] | None"),
    "a part of a schema": ({"$ref": "#/components/schemas/Label/properties/text"}, "str | None"),
    "an escaped reference": ({"$ref": "#/components/schemas/%4Cabel"}, "Label | None"),
    "an inline object": (_LABEL, "PetField | None"),
    "inline objects in a list": ({"type": "array", "items": _LABEL}, "list[PetFieldItem] | None"),
    "no type": ({"properties": {"text": {"type": "string"}}}, "PetField | None"),
    "a map of lists": (
        {"type": "object", "additionalProperties": {"type": "array", "items": ref("Label")}},
        "dict[str, list[Label]] | None",
    ),
    "an object alone": ({"type": "object"}, "dict[str, JSON] | None"),
    "a closed object": ({"additionalProperties": False}, "dict[str, JSON] | None"),
    "an integer enum": ({"type": "integer", "enum": [1, 2]}, "int | None"),
    "a boolean enum": ({"enum": [True]}, "bool | None"),
    "an unknown format": ({"type": "string", "format": "uri-reference"}, "str | None"),
    "a date": ({"type": "string", "format": "date"}, "Date | None"),
    "properties beside options": ({**_LABEL, "oneOf": [{"required": ["text"]}]}, "PetField | None"),
    "a value that contains itself": (ref("Deep"), "list[JSON] | None"),
    "a boolean schema": (True, "JSON"),  # type: ignore[dict-item]
}


@pytest.mark.parametrize("name", FIELDS)
def test_form_has_its_type(name: str) -> None:
    """Whatever the form, the annotation says what the value is."""
    schema, annotation = FIELDS[name]
    others = {
        "Label": _LABEL,
        "Alias": ref("Label"),
        "Labels": {"type": "array", "items": ref("Label")},
        "Deep": {"type": "array", "items": ref("Deep")},
    }

    models, _ = _built(_with_field(schema, "3.0.3" if "nullable" in str(schema) else "3.1.0", **others))

    assert f"field: {annotation} = None" == models["Pet"].fields[0].declaration


def test_inherited_inline_object_has_one_class() -> None:
    """It is named after the schema that has it, and a cycle through `allOf` ends."""
    owner = {"type": "object", "properties": {"pet": {"allOf": [ref("Pet"), {"type": "object"}]}}}
    models, _ = _built(_with_field(owner, Dog={"allOf": [ref("Pet"), _LABEL]}))

    assert {"Pet", "PetField", "PetFieldPet"} == set(models)
    assert "field: PetField | None = None" == models["PetFieldPet"].fields[0].declaration


def test_body_and_response_of_one_schema_are_two_classes() -> None:
    """In a body null clears a field, and the server sets those that are read-only."""
    pet = {"type": "object", "properties": {"id": {"type": "string", "readOnly": True}, "name": {"type": ["string", "null"]}}}
    put = {"operationId": "put", "requestBody": takes(ref("Pet")), "responses": returns(ref("Pet"))}

    models, _ = _built(document({"/pets": {"put": put}}, {"Pet": pet}))

    assert ["id", "name"] == [field.attribute for field in models["Pet"].fields]
    assert ["name: str | None | Unset = UNSET"] == [field.declaration for field in models["PetInput"].fields]


def test_deprecated_operation_says_so() -> None:
    """Its docstring does, below the request."""
    get = {"operationId": "old", "summary": "Do it", "deprecated": True, "responses": returns()}
    code = build_ir(parse(document({"/old": {"get": get}}), NoteCollector(), is_sdk=False))

    assert "`GET /old` (no key)\n\n    Deprecated: the API may remove it.\n" in code.api_modules[0].functions[0].doc


NOTES: dict[str, tuple[Callable[[Node], object], str]] = {
    "a vendor's extension": (
        lambda raw: raw["info"].update({"x-logo": 1}),
        "note: #/info: `x-logo` of an info is passed over.",
    ),
    "a misspelt extension": (
        lambda raw: raw["paths"]["/pets"]["get"].update({"x-cstar-namspace": "a"}),
        "note: #/paths/~1pets/get: an operation has no extension `x-cstar-namspace`; is it misspelt for `x-cstar-namespace`?",
    ),
    "null": (
        lambda raw: raw["info"].update(description=None),
        "note: #/info/description: `description` is null; it is passed over.",
    ),
    "a later version": (lambda raw: raw.update(openapi="3.2.0"), "note: #/openapi: the version 3.2.0 is read as 3.1."),
    "callbacks": (
        lambda raw: raw["paths"]["/pets"]["get"].update(callbacks={}),
        "note: #/paths/~1pets/get: `callbacks` of an operation is passed over.",
    ),
    "another method": (
        lambda raw: raw["paths"]["/pets"].update(trace=raw["paths"]["/pets"]["get"]),
        "note: #/paths/~1pets/trace: left out: the client sends no TRACE.",
    ),
    "a parameter that is not declared": (
        lambda raw: raw["paths"].update({"/pets/{id}": raw["paths"].pop("/pets")}),
        "note: #/paths/~1pets~1{id}/get: a parameter of the path is not declared; it is a string.",
    ),
}


@pytest.mark.parametrize("name", NOTES)
def test_what_is_passed_over_is_noted(name: str) -> None:
    """The run goes on, and one line names the first place."""
    change, note = NOTES[name]
    raw = _with_field({"type": "string"})
    change(raw)

    assert note in _built(raw)[1]


def test_note_is_printed_once_with_the_number_of_places() -> None:
    """A word that is everywhere does not hide the other notes."""
    raw = _with_field({"type": "string", "xml": {}})
    raw["components"]["schemas"]["Pet"]["xml"] = {}

    assert ["note: #/components/schemas/Pet (and 1 more): `xml` of a schema is passed over."] == _built(raw)[1]


_FIELD = "#/components/schemas/Pet/properties/field"
PROBLEMS: dict[str, tuple[Node, str]] = {
    "a reference to nothing": (_with_field(ref("Nothing")), f"{_FIELD}: the $ref `#/components/schemas/Nothing` leads nowhere."),
    "a reference to another file": (
        _with_field({"$ref": "pet.yaml#/Pet"}),
        f"{_FIELD}: the $ref `pet.yaml#/Pet` leads out of the document; bundle it into one file first.",
    ),
    "a reference to itself": (_with_field(ref("Loop"), Loop=ref("Loop")), "leads back to itself."),
    "a reference to another kind": (
        {**_with_field({"$ref": "#/components/parameters/p"}), "components": {
            "schemas": {"Pet": {"properties": {"field": {"$ref": "#/components/parameters/p"}}}},
            "parameters": {"p": {"name": "p", "in": "query", "schema": {}}},
        }},
        f"{_FIELD}: the $ref `#/components/parameters/p` must lead to one of the schemas, got one of the parameters.",
    ),
    "Swagger 2.0": (
        {"swagger": "2.0", "paths": {}},
        "#/swagger: the document is Swagger 2.0; convert it to OpenAPI 3.0 or 3.1 first.",
    ),
    "no version": ({"info": {}}, "#: the document has no `openapi`; it must be OpenAPI 3.0 or 3.1, and say so."),
    "an extension of another type": (
        {**_with_field({}), "paths": {"/pets": {"get": {"x-cstar-namespace": 5, "responses": {}}}}},
        "#/paths/~1pets/get: `x-cstar-namespace` must be a string, got 5.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PROBLEMS)
def test_what_cannot_be_read_is_refused(name: str) -> None:
    """One sentence with the place that has to change."""
    raw, problem = PROBLEMS[name]

    assert any(found.endswith(problem) for found in _problems(raw))


def test_all_problems_come_in_one_run() -> None:
    """They are of different kinds: a reference, an operationId and an extension."""
    raw = _with_field(ref("Nothing"))
    same = {"operationId": "same", "responses": returns(ref("Pet"))}
    raw["paths"] = {"/a": {"get": same}, "/b": {"get": {**same, "x-cstar-method": 1}}}

    assert 4 == len(_problems(raw))


@pytest.mark.parametrize(
    ("wire", "attribute"),
    [
        ("externalIPs", "external_ips"),
        ("URLs", "urls"),
        ("HTTPServer", "http_server"),
        ("customerId", "customer_id"),
        ("\ufb01eld", "field"),
        ("2fa", "field_2fa"),
        ("class", "class_"),
        ("list", "list_"),
        ("X-Foo.bar", "x_foo_bar"),
        ("$", "dollar"),
        ("+1", "plus_1"),
        ("-1", "minus_1"),
        (">=", "greater_equal"),
        ("HTTPSUrl", "https_url"),
        ("userID2", "user_id2"),
        ("run-all", "run_all"),
        ("extra", "extra_"),
        ("日本", "日本"),
    ],
)
def test_wire_name_has_a_python_name(wire: str, attribute: str) -> None:
    """Acronyms are one word, and every name is an identifier."""
    assert attribute == names.attribute(wire)


def test_argument_that_is_taken_gets_an_underscore() -> None:
    """The parameter of the path keeps its name."""
    body = {"type": "object", "properties": {"id": {"type": "string"}, "options": {"type": "string"}}}
    path = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    put = {"parameters": [path], "requestBody": takes(body), "responses": returns(), "operationId": "put"}
    code = build_ir(parse(document({"/pets/{id}": {"put": put}}), NoteCollector(), is_sdk=False))

    signature = code.api_modules[0].functions[0].parameters

    assert "/, id: str, *, id_: str | Unset = UNSET, options_: str | Unset = UNSET" in signature


@pytest.mark.parametrize("word", ["readOnly", "writeOnly"])
def test_class_whose_fields_go_in_one_direction_only_is_in_that_direction(word: str) -> None:
    """In the other one it is any object, also as a member of a union that goes both ways."""
    part = {"type": "object", "properties": {"text": {"type": "string", word: True}}}
    sale = {"type": "object", "properties": {"kind": {"const": "sale"}}}
    gift = {"type": "object", "properties": {"kind": {"const": "gift", word: True}}}
    offer = {"oneOf": [ref("Sale"), ref("Gift")], "discriminator": {"propertyName": "kind"}}
    body = {"type": "object", "properties": {"name": {"type": "string"}, "part": ref("Part"), "offer": ref("Offer")}}
    operation = {"requestBody": takes(ref("Body")), "responses": returns(ref("Body"))}
    models, _ = _built(
        document({"/things": {"post": operation}}, {"Part": part, "Sale": sale, "Gift": gift, "Offer": offer, "Body": body})
    )

    read, written = models["Body"], models["BodyInput"]
    (with_class, without) = (read, written) if word == "readOnly" else (written, read)
    parts = [next(one.declaration for one in model.fields if one.wire == "part") for model in (with_class, without)]
    assert ("Part" in parts[0], "Part" in parts[1]) == (True, False)
