"""Things of a document that have a name which generated code uses itself."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path

import pytest

from codegen.__main__ import DONE, main
from codegen.naming import class_of
from codegen.render import TEMPLATES
from codegen.spec.document import Node
from tests.codegen.packages import document, generate_package, imported, ref, returns, takes

_IMPORT = re.compile(r"\s*from [\w. {}|]+ import ([^{]+)$", re.MULTILINE)
_IMPORTED = {
    name.split(" as ")[-1].strip()
    for path in TEMPLATES.iterdir()
    for found in _IMPORT.findall(path.read_text())
    for name in found.split(",")
}
USED = sorted(_IMPORTED | {"importlib", "warnings", "attrs", "List", "Map", "MapValues", "Values", "str", "type"})
"""The names that modules of generated code import or use."""
TEXT: Node = {"type": "string"}
PLAIN: Node = {"type": "object", "properties": {"text": TEXT, "count": {"type": "integer"}}}
RICH: Node = {
    "type": "object",
    "properties": {
        "at": {"type": "string", "format": "date-time"},
        "day": {"type": "string", "format": "date"},
        "list": {"type": "array", "items": ref("Plain")},
        "map": {"type": "object", "additionalProperties": ref("Plain")},
        "kinds": {"type": "array", "items": ref("Kind")},
        "counts": {"type": "object", "additionalProperties": ref("Kind")},
    },
}
SCHEMAS: Node = {"Plain": PLAIN, "Rich": RICH, "Kind": {"type": "string", "enum": ["a", "b"]}}
UPLOAD: Node = {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}}}
PATHS: Node = {
    "/rich": {
        "get": {"responses": returns({"type": "array", "items": ref("Rich")})},
        "post": {"requestBody": takes(ref("Rich")), "responses": returns({"type": "object", "additionalProperties": ref("Plain")})},
        "put": {"requestBody": takes(UPLOAD, "multipart/form-data"), "responses": returns(TEXT, media="image/png")},
        "delete": {"responses": returns({"type": "object", "additionalProperties": ref("Kind")})},
    }
}


def _with_schemas(schema: Node) -> Node:
    paths = {
        f"/x{number}": {
            "get": {"responses": returns(ref(name))},
            "post": {"requestBody": takes({"type": "object", "properties": {"one": ref(name)}}), "responses": returns(ref(name))},
        }
        for number, name in enumerate(USED)
    }
    return document({**PATHS, **paths}, {**SCHEMAS, **dict.fromkeys(USED, schema)})


def _with_operations(**more: str) -> Node:
    paths = {
        f"/x{number}": {"get": {"operationId": name, "tags": [more.get("tag", name)], "responses": returns(ref("Rich"))}}
        for number, name in enumerate(USED)
    }
    return document({**PATHS, **paths}, SCHEMAS)


DOCUMENTS = {
    "objects": _with_schemas(PLAIN),
    "enums": _with_schemas({"type": "string", "enum": ["a", "b"]}),
    "operations": _with_operations(tag="rich"),
    "tags": _with_operations(),
}


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_names_that_generated_code_uses_can_be_those_of_a_document(tmp_path: Path, kind: str) -> None:
    """Of schemas, operations and tags. Each module passes the type check, and offers what it says."""
    (tmp_path / "used.json").write_text(json.dumps(DOCUMENTS[kind]))

    assert DONE == main(["--document", str(tmp_path / "used.json"), "--output", str(tmp_path / "used")])
    with imported(tmp_path / "used") as package:
        for module in (importlib.import_module(f"{package.__name__}.{name}") for name in ("models", "api")):
            assert all(hasattr(module, name) for name in module.__all__)


def test_field_of_a_class_named_like_a_class_variable_is_a_field(tmp_path: Path) -> None:
    """The `attrs` package takes an annotation that begins with `ClassVar` for a class variable."""
    variants: Node = {"type": "object", "properties": {"first": ref("ClassVariant"), "text": TEXT}}
    schemas = {"Variants": variants, "ClassVariant": PLAIN}
    package = generate_package(tmp_path, "variants", document({"/v": {"get": {"responses": returns(ref("Variants"))}}}, schemas))

    with imported(package) as module:
        models = importlib.import_module(f"{module.__name__}.models")
        assert models.Variants(first=None, text="a") == models.Variants(text="a")


def test_class_of_an_inline_object_is_no_class_variable() -> None:
    """Such as that of the property `variant` of `Class`."""
    assert "ModelClassVariant" == class_of("ClassVariant")


def test_schema_can_be_named_like_a_namespace(tmp_path: Path) -> None:
    """The class of the namespace gets a number."""
    operation: Node = {"tags": ["pets"], "responses": returns({"type": "array", "items": ref("PetsNamespace")})}
    package = generate_package(tmp_path, "spaces", document({"/p": {"get": operation}}, {"PetsNamespace": PLAIN}))

    with imported(package) as module:
        assert "PetsNamespace2" in importlib.import_module(f"{module.__name__}.api.pets").__all__


def test_namespaces_that_differ_in_an_underscore_have_classes_of_their_own(tmp_path: Path) -> None:
    """Such as those of the tags `a 1` and `a1`."""
    paths = {f"/{name}": {"get": {"tags": [name], "responses": returns(TEXT)}} for name in ("a 1", "a1")}
    package = generate_package(tmp_path, "similar", document(paths))

    with imported(package) as module:
        client = getattr(module, module.__all__[0])(base_url="http://127.0.0.1")
        assert type(client.a_1) is not type(client.a1)


def test_enum_can_be_named_like_a_model_after_no(tmp_path: Path) -> None:
    """`NoPet` and `Pet` have tables of their own."""
    both = {"type": "object", "properties": {"pet": ref("Pet"), "none": ref("NoPet")}}
    schemas = {"Pet": PLAIN, "NoPet": {"type": "string", "enum": ["a"]}}
    package = generate_package(tmp_path, "absent", document({"/p": {"get": {"responses": returns(both)}}}, schemas))

    with imported(package) as module:
        models = importlib.import_module(f"{module.__name__}.models")
        table = importlib.import_module(models.Pet.__module__)._NO_PET
        assert table == {"a": "a"}


def test_long_tag_is_cut(tmp_path: Path) -> None:
    """Its name is that of a file, too."""
    paths = {f"/{number}": {"get": {"tags": ["é" * 300 + str(number)], "responses": returns(TEXT)}} for number in range(2)}

    assert (generate_package(tmp_path, "long", document(paths)) / "api" / ("é" * 75 + "_2.py")).is_file()


@pytest.mark.parametrize("title", ["Api", "api client", 'quotes """ and \\'])
def test_any_title_gives_a_client(tmp_path: Path, title: str) -> None:
    """Also one that is the name of the base class, and one that a docstring cannot contain as it is."""
    raw = {**document({"/p": {"get": {"responses": returns(TEXT)}}}), "info": {"title": title, "version": "1"}}

    with imported(generate_package(tmp_path, "titled", raw)) as module:
        assert module.__all__[0].endswith("Client")
        assert module.__all__ != ["ApiClient"]


def test_parameter_can_have_an_empty_name(tmp_path: Path) -> None:
    """It is legal, and has no other name in the query."""
    parameter = {"name": "", "in": "query", "schema": TEXT}
    package = generate_package(
        tmp_path, "nameless", document({"/p": {"get": {"parameters": [parameter], "responses": returns(TEXT)}}})
    )

    with imported(package) as module:
        operations = importlib.import_module(f"{module.__name__}._generated.all_operations").OPERATIONS
        assert [""] == [one.name for operation in operations.values() for one in operation.parameters]
