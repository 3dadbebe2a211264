"""Names stay when a document grows, and the document can give them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen.errors import CodegenError, NoteCollector
from codegen.ir.build import build_ir
from codegen.output import NAMES
from codegen.parser.run import parse
from codegen.spec.document import Document, Node
from codegen.spec.queries import attribute_names
from tests.codegen.packages import document, generate_package, ref, returns, takes

WORDS = [
    "id",
    "_id",
    "Id",
    "ID",
    "foo_bar",
    "fooBar",
    "FooBar",
    "foo-bar",
    "list",
    "list_",
    "self",
    "+1",
    "-1",
    "1",
    "ﬁ",
    "fi",
    "日",
]
CLASSES = ["pet", "Pet", "PET", "Pet2", "pet_owner", "PetOwner", "PetLike", "PetInput", "Model", "2fa", "PetOwnerItem"]


@st.composite
def _documents(draw: st.DrawFn) -> tuple[Node, Node]:
    """Draw a document, and the same with more schemas, fields, values and operations at any places."""
    wholes = {
        name: draw(st.lists(st.sampled_from(WORDS), unique=True, max_size=6))
        for name in draw(st.lists(st.sampled_from(CLASSES), unique=True, min_size=1, max_size=5))
    }
    paths = draw(st.lists(st.sampled_from(WORDS), unique=True, min_size=1, max_size=6))
    enum = draw(st.lists(st.sampled_from(WORDS), unique=True, min_size=1, max_size=6))
    chosen = draw(st.sets(st.sampled_from([*wholes, *paths, *enum, *(word for words in wholes.values() for word in words)])))
    chosen |= {next(iter(wholes)), paths[-1], enum[-1]}

    def made(kept: set[str]) -> Node:
        inline = {"type": "object", "properties": {"owner": {"type": "string", "enum": [one for one in enum if one in kept]}}}
        schemas = {
            name: {"type": "object", "properties": {one: inline for one in words if one in kept} | {"same": inline}}
            for name, words in wholes.items()
            if name in kept
        }
        get = {
            f"/{path}": {"get": {"operationId": path, "tags": [path], "responses": returns(ref(name))},
                         "put": {"tags": ["all"], "requestBody": takes(ref(name)), "responses": returns(ref(name))}}
            for path in paths
            if path in kept
            for name in list(schemas)[:1]
        }  # fmt: skip
        get |= {f"/x/{name}": {"get": {"operationId": name, "tags": ["x"], "responses": returns(ref(name))}} for name in schemas}
        return document(get, schemas)

    everything = {*wholes, *paths, *enum, *(word for words in wholes.values() for word in words)}
    return made(chosen), made(everything)


def _parsed(raw: Node, kept: Any = None) -> Document:
    return parse(raw, NoteCollector(), is_sdk=False, kept=kept)


def _names(found: Document) -> dict[str, str]:
    """Return all names: of classes, functions and methods by their places, of fields and constants by their classes."""
    names = dict(found.names["classes"])
    for operation in found.operations:
        names[operation.pointer] = f"{operation.namespace}.{operation.name} {operation.id}"
    for name, schema in found.schemas.items():
        names |= {f"{name}.{wire}": attribute for wire, attribute in attribute_names(schema).items()}
        names |= {f"{name}={value}": constant for value, constant in found.names.get(name, {}).items() if "enum" in schema}
    return names


@settings(max_examples=60, deadline=None)
@given(_documents())
@pytest.mark.no_cover
def test_nothing_is_renamed_when_a_document_grows(documents: tuple[Node, Node]) -> None:
    """Every name of the smaller document is that of the larger one, which also has code."""
    small, large = documents
    before = _parsed(small)
    names = build_ir(before).names

    after = _parsed(large, json.loads(json.dumps(names)))

    build_ir(after)
    old, new = _names(before), _names(after)
    assert {} == {key: (name, new.get(key)) for key, name in old.items() if key in new and new[key] != name}
    assert [] == [key for key in old.keys() - new.keys() if not key.startswith("#")]


def _pet(**properties: Node) -> Node:
    get = {"operationId": "getPet", "tags": ["pets"], "responses": returns(ref("Pet"))}
    return document({"/pet": {"get": get}}, {"Pet": {"type": "object", "properties": properties}})


def test_next_run_reads_the_names_of_the_last_one(tmp_path: Path) -> None:
    """A field that comes before another of the same name does not take its name."""
    package = generate_package(tmp_path, "kept_names", _pet(createdAt={"type": "string"}))
    generate_package(tmp_path, "kept_names", _pet(created_at={"type": "string"}, createdAt={"type": "string"}))

    code = (package / "models" / "pets.py").read_text("utf-8")
    assert '__wire_names__: ClassVar[Mapping[str, str]] = {"created_at_2": "created_at", "created_at": "createdAt"}' in code


@pytest.mark.parametrize("text", ["{", "[]", '{"Pet": 1}', '{"Pet": {"a": "not a name"}, "classes": {"#": 1}}'])
def test_unreadable_names_are_passed_over(tmp_path: Path, text: str) -> None:
    """The run derives all names then."""
    package = generate_package(tmp_path, "broken_names", _pet(a={"type": "string"}))
    (package / NAMES).write_text(text, encoding="utf-8")

    generate_package(tmp_path, "broken_names", _pet(a={"type": "string"}))

    assert '"a": "a"' in (package / "models" / "pets.py").read_text("utf-8")


def _renamed() -> Node:
    raw = _pet(
        kind={"type": "string", "enum": ["a", "b"], "x-enum-varnames": ["FIRST", "second one"], "x-cstar-class": "Kind"},
        list={"type": "string", "x-cstar-name": "names"},
        owner={"type": "object", "properties": {"x": {"type": "string"}}, "x-cstar-class": "Person", "x-cstar-name": "person"},
    )
    raw["components"]["schemas"]["Pet"]["x-cstar-class"] = "Animal"
    query = {"name": "from", "in": "query", "schema": {"type": "string"}, "x-cstar-name": "since"}
    raw["paths"]["/pet"]["get"] |= {"x-cstar-name": "find_animal", "parameters": [query]}
    return raw


def test_document_gives_names() -> None:
    """Of classes, fields, constants, arguments, functions and methods."""
    code = build_ir(_parsed(_renamed()))

    models = {model.name: [field.attribute for field in model.fields] for one in code.model_modules for model in one.models}
    assert {"Animal": ["kind", "names", "person"], "Person": ["x"]} == models
    assert {"Kind": "{'FIRST': 'a', 'SECOND_ONE': 'b'}"} == {one.name: one.known for m in code.model_modules for one in m.enums}
    function = code.api_modules[0].functions[0]
    assert ("find_animal", True) == (function.name, "since: str | Unset = UNSET" in function.parameters)
    assert "find_animal" == code.api_modules[0].namespaces.root.methods[0].name


_PET = ("components", "schemas", "Pet")


@pytest.mark.parametrize(
    ("place", "word", "sentence"),
    [
        (("components", "schemas", "Pet"), {"x-cstar-class": "pet"}, "must be a free name of a class in CamelCase, got `pet`."),
        (("components", "schemas", "Pet"), {"x-cstar-class": "Model"}, "must be a free name of a class in CamelCase, got `Model`."),
        (("components", "schemas", "Pet"), {"x-cstar-class": 1}, "`x-cstar-class` must be a string, got 1."),
        (
            ("components", "schemas", "Pet", "properties", "kind"),
            {"x-cstar-name": "list"},
            "must be a free Python name in snake_case",
        ),
        (
            ("components", "schemas", "Pet", "properties", "kind"),
            {"x-cstar-name": "names"},
            "must be a free Python name in snake_ca",
        ),
        (("paths", "/pet", "get"), {"x-cstar-name": "pets"}, "must be a free Python name in snake_case, got `pets`."),
    ],
)
def test_name_that_cannot_be_used_is_refused(place: tuple[str, ...], word: Node, sentence: str) -> None:
    """It is taken, reserved, or of another form."""
    raw = _renamed()
    node: Any = raw
    for key in place:
        node = node[key]
    node |= word

    with pytest.raises(CodegenError) as caught:
        build_ir(_parsed(raw))

    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("word", "note"),
    [
        ({"x-cstar-clas": "A"}, "a schema has no extension `x-cstar-clas`; is it misspelt for `x-cstar-class`?"),
        ({"x-cstar-class": "A"}, "`x-cstar-class` has no effect: the schema has no class."),
    ],
)
def test_name_without_effect_is_noted(word: Node, note: str) -> None:
    """It is misspelt, or the schema becomes no class."""
    notes = NoteCollector()
    parse(_pet(a={"type": "string", **word}), notes, is_sdk=False)

    assert f"note: #/components/schemas/Pet/properties/a: {note}" in notes.lines


@pytest.mark.parametrize(("given", "tag"), [("shops.photos", "shops"), ("shops", "Shops"), ("shops.photos.tags", "SHOPS")])
def test_tag_of_a_given_namespace_is_that_namespace(given: str, tag: str) -> None:
    """Operations with the tag of a namespace that an extension names, or of one below it, are in it without a number."""
    one = {"operationId": "getPhoto", "x-cstar-namespace": given, "responses": returns()}
    other = {"operationId": "getShop", "tags": [tag], "responses": returns()}
    parsed = parse(document({"/photo": {"get": one}, "/shop": {"get": other}}), NoteCollector(), is_sdk=False)

    assert {given, "shops"} == {operation.namespace for operation in parsed.operations}
