"""Changes of a whole document: its texts, servers, security, references, names, tags, and forms of YAML and JSON."""

from __future__ import annotations

import copy
from typing import Any

from codegen.spec.document import Node
from tests.codegen.changes.rows import Edit, Exchange, WholeChange
from tests.codegen.packages import document, ref, returns, takes

STRING = {"type": "string"}
PET: Node = {
    "type": "object",
    "required": ["id"],
    "properties": {"id": STRING, "name": STRING, "mood": {**STRING, "enum": ["good", "bad"]}},
}


def pets() -> Node:
    """Return a small document."""
    path = {"name": "petId", "in": "path", "required": True, "schema": STRING}
    return document(
        {
            "/pets": {
                "get": {"operationId": "listPets", "tags": ["pets"], "responses": returns({"type": "array", "items": ref("Pet")})},
                "post": {
                    "operationId": "addPet",
                    "tags": ["pets"],
                    "requestBody": takes(ref("Pet")),
                    "responses": returns(ref("Pet"), "201"),
                },
            },
            "/pets/{petId}": {
                "parameters": [path],
                "get": {"operationId": "getPet", "tags": ["pets"], "summary": "Get a pet", "responses": returns(ref("Pet"))},
            },
        },
        {"Pet": copy.deepcopy(PET)},
        servers=[{"url": "https://api.example.com/v1"}],
    )


def at(*keys: Any) -> Any:
    """Return a function that finds a part of a document."""

    def find(raw: Node) -> Any:
        for key in keys:
            raw = raw[key]
        return raw

    return find


def put(*keys: Any, value: Any) -> Edit:
    """Return an edit that sets a value."""
    return lambda raw: at(*keys[:-1])(raw).__setitem__(keys[-1], value)


def drop(*keys: Any) -> Edit:
    """Return an edit that removes a key."""
    return lambda raw: at(*keys[:-1])(raw).pop(keys[-1])


GET = Exchange(positional=("a",), response={"id": "a"}, request="GET /v1/pets/a", type_name="Pet")
OPERATION = ("paths", "/pets/{petId}", "get")


def _info(name: str, edit: Edit, *check: tuple[str, Any], **more: Any) -> WholeChange:
    exchanges = (GET,) if more.pop("is_called", True) else ()
    return WholeChange(name=name, section="Document", edit=edit, exchanges=exchanges, check=check, **more)


_CLIENT = "[name for name in package.__all__]"
DOCUMENT = (
    _info("title", put("info", "title", value="Cat & Dog shop"), (_CLIENT, ["CatDogShopClient"])),
    _info("title ends with Client", put("info", "title", value="Shop client"), (_CLIENT, ["ShopClient"])),
    _info("title is a number", put("info", "title", value="24 hours"), ("package.__all__[0].isidentifier()", True)),
    _info("title in other letters", put("info", "title", value="Магазин"), ("package.__all__[0].isidentifier()", True)),
    _info("no title", drop("info", "title"), problem="title"),
    _info("version of the API", put("info", "version", value="2.1.0-beta+5")),
    _info("version is a number", put("info", "version", value=2)),
    _info("summary, contact, license", lambda raw: raw["info"].update(
        summary="S", contact={"name": "n", "url": "https://example.com", "email": "a@example.com"}, license={"name": "MIT", "identifier": "MIT"},
        termsOfService="https://example.com/terms")),
    _info("description with Markdown", put("info", "description", value="# Pets\n\n* one\n* two `x`\n")),
    _info("3.0.0", put("openapi", value="3.0.0")),
    _info("3.0.4", put("openapi", value="3.0.4")),
    _info("3.1.1", put("openapi", value="3.1.1")),
    _info("3.2", put("openapi", value="3.2.0"), notes=("is read as 3.1",)),
    _info("version as a number", put("openapi", value=3.1)),
    _info("4.0", put("openapi", value="4.0.0"), problem="the document must be OpenAPI 3.0 or 3.1, got 4.0.0."),
    _info("Swagger", lambda raw: (raw.pop("openapi"), raw.update(swagger="2.0")), problem="the document is Swagger 2.0; convert it to OpenAPI 3.0"),
    _info("no version", drop("openapi"), problem="the document has no `openapi`"),
    _info("dialect", put("jsonSchemaDialect", value="https://json-schema.org/draft/2020-12/schema")),
    _info("external docs", put("externalDocs", value={"url": "https://example.com/docs"})),
    _info("extension", put("x-origin", value=[{"format": "openapi"}]), notes=("`x-origin`",)),
    _info("unknown key", put("basePath", value="/v1"), notes=("`basePath`",)),
    _info("tags with descriptions", put("tags", value=[{"name": "pets", "description": "All the pets.", "externalDocs": {"url": "https://x.example"}}]),
          ("package.api.pets.PetsNamespace.__doc__", "All the pets.")),
    _info("tags that nothing uses", put("tags", value=[{"name": "ghosts"}])),
    _info("unused schema", put("components", "schemas", "Ghost", value={"type": "object", "properties": {"a": STRING}})),
    _info("webhooks", put("webhooks", value={"newPet": {"post": {"requestBody": takes(ref("Pet")), "responses": returns(None)}}}),
          notes=("webhooks are passed over",)),
    _info("webhooks that are empty", put("webhooks", value={})),
    _info("webhooks that are a list", put("webhooks", value=[]), problem="#/webhooks"),
    _info("callbacks", put(*OPERATION, "callbacks", value={"done": {"{$request.body#/url}": {"post": {"responses": returns(None)}}}}),
          notes=("`callbacks` of an operation",)),
    _info("path items as components", put("components", "pathItems", value={"P": {"get": {"responses": returns(None)}}})),
    _info("links as components", put("components", "links", value={"L": {"operationId": "getPet"}}), notes=("`links`",)),
    _info("examples as components", put("components", "examples", value={"E": {"value": {"id": "a"}}}), notes=("`examples`",)),
    _info("callbacks as components", put("components", "callbacks", value={"C": {}}), notes=("`callbacks`",)),
    _info("headers as components", put("components", "headers", value={"H": {"schema": STRING}})),
    _info("no components", lambda raw: (put("paths", "/pets", value={})(raw), put(*OPERATION, "responses", value=returns({"type": "object",
          "properties": {"id": STRING}}))(raw), drop("components")(raw)), ("package.models.GetPetResponse.__name__", "GetPetResponse"), is_called=False),
    _info("paths absent", drop("paths"), ("package.__all__", ["ZooClient"]), is_called=False),
    _info("path without a slash", lambda raw: raw["paths"].update({"cats": {"get": {"operationId": "cats", "responses": returns(None, "204")}}})),
    _info("extension among the paths", put("paths", "x-note", value="n"), notes=("x-note",)),
    _info("summary of a path item", put("paths", "/pets", "summary", value="All pets")),
    _info("servers of a path item", put("paths", "/pets", "servers", value=[{"url": "https://other.example"}]), notes=("`servers`",)),
    _info("servers of an operation", put(*OPERATION, "servers", value=[{"url": "https://other.example"}]), notes=("`servers`",)),
    _info("null for an absent key", put("info", "description", value=None), notes=("is null; it is passed over",)),
    _info("null as a property", put("components", "schemas", "Pet", "properties", "note", value=None), notes=("is passed over",)),
)  # fmt: skip


def _operation(name: str, edit: Edit, *check: tuple[str, Any], function: str = "getPet", **more: Any) -> WholeChange:
    return WholeChange(name=name, section="Operation", edit=edit, exchanges=(GET,), check=check, operation=function, **more)


_DOC = "package.api.get_pet.__doc__"
OPERATIONS = (
    _operation("operationId in snake case", put(*OPERATION, "operationId", value="get_pet")),
    _operation("operationId with dots", put(*OPERATION, "operationId", value="pets.get"), function="pets.get"),
    _operation("operationId with spaces", put(*OPERATION, "operationId", value="Get one pet"), function="Get one pet"),
    _operation("operationId is a keyword", put(*OPERATION, "operationId", value="import"), function="import"),
    _operation("operationId is a builtin", put(*OPERATION, "operationId", value="list"), function="list"),
    _operation("operationId is a type", put(*OPERATION, "operationId", value="str"), function="str"),
    _operation("operationId begins with a digit", put(*OPERATION, "operationId", value="2get"), function="2get"),
    _operation("operationId decode_pet", put(*OPERATION, "operationId", value="decode_pet"), function="decode_pet"),
    _operation("operationId run_all", put(*OPERATION, "operationId", value="run_all"), function="run_all"),
    _operation("operationId is the tag", put(*OPERATION, "operationId", value="pets"), ("callable(package.api.pets_2)", True), function="pets_2"),
    _operation("operationId of a helper", put(*OPERATION, "operationId", value="decode_list"), function="decode_list"),
    _operation("operationIds that become one name", put("paths", "/pets", "get", "operationId", value="get_pet"),
               ("hasattr(package.api, 'get_pet_2')", True), function="get_pet_2"),
    _operation("operationId twice", put("paths", "/pets", "get", "operationId", value="getPet"), problem="is not the only one of this name."),
    _operation("no operationId", drop(*OPERATION, "operationId"), function="get_pets_by_pet_id"),
    _operation("empty operationId", put(*OPERATION, "operationId", value=""), function="get_pets_by_pet_id"),
    _operation("no operationId at all", lambda raw: (drop(*OPERATION, "operationId")(raw), drop("paths", "/pets", "get", "operationId")(raw),
               drop("paths", "/pets", "post", "operationId")(raw)), ("hasattr(package.api, 'post_pets')", True), function="get_pets_by_pet_id"),
    _operation("operationId is a number", put(*OPERATION, "operationId", value=5), problem="operationId"),
    _operation("summary", put(*OPERATION, "summary", value="Fetch the pet"), (f"{_DOC}.splitlines()[0]", "Fetch the pet.")),
    _operation("no summary", drop(*OPERATION, "summary"), (f"{_DOC}.splitlines()[0]", "Get pet.")),
    _operation("description", put(*OPERATION, "description", value="It is \"the\" one.\n\nReally \\ so."), (f"'It is \"the\" one.' in {_DOC}", True),
               (f"'Really \\\\ so.' in {_DOC}", True)),
    _operation("description with a list", put(*OPERATION, "description", value="One of:\n\n* a\n* b\n"), (f"'* a\\n' in {_DOC}", True)),
    _operation("description with a table", put(*OPERATION, "description", value="Codes:\n\n| a | b |\n| - | - |\n| 1 | 2 |\n"),
               (f"'| 1 | 2 |' in {_DOC}", True)),
    _operation("description with code", put(*OPERATION, "description", value="Call:\n\n```\nGET /pets\n  x\n```\n"), (f"'GET /pets\\n' in {_DOC}", True)),
    _operation("description with quotes", put(*OPERATION, "description", value='Ends with """quotes"""'), (f"'quotes' in {_DOC}", True)),
    _operation("summary is the beginning of the description", put(*OPERATION, "description", value="Get a pet"), (f"{_DOC}.count('Get a pet')", 1)),
    _operation("external docs", put(*OPERATION, "externalDocs", value={"url": "https://example.com/get"})),
    _operation("extension", put(*OPERATION, "x-codegen", value=1), notes=("`x-codegen`",)),
    _operation("no tags", lambda raw: [operation.pop("tags") for item in raw["paths"].values() for operation in item.values() if isinstance(operation, dict)],
               ("hasattr(package.api.pets, 'PetsNamespace')", True)),
    _operation("two tags", put(*OPERATION, "tags", value=["pets", "animals"])),
    _operation("another tag", put(*OPERATION, "tags", value=["Animal Store"]), ("hasattr(package.api, 'animal_store')", True)),
    _operation("tag is a keyword", put(*OPERATION, "tags", value=["class"]), ("hasattr(package.api, 'class_')", True)),
    _operation("tag of a helper", put(*OPERATION, "tags", value=["models"]), ("hasattr(package.api, 'models_')", True)),
    _operation("tag in other letters", put(*OPERATION, "tags", value=["Tiere ü"])),
    _operation("empty tags", put(*OPERATION, "tags", value=[])),
    _operation("tag hides a method of the client", put(*OPERATION, "tags", value=["request"]), ("callable(getattr(package, package.__all__[0]).request)", True)),
    _operation("tags that differ in case", put(*OPERATION, "tags", value=["Pets"])),
    _operation("HEAD", put("paths", "/pets", "head", value={"operationId": "headPets", "responses": returns(None)}), notes=("left out: the client sends no HEAD",)),
    _operation("OPTIONS and TRACE", lambda raw: raw["paths"]["/pets"].update(options={"responses": returns(None)}, trace={"responses": returns(None)}),
               notes=("sends no OPTIONS", "sends no TRACE")),
    _operation("responses absent", drop("paths", "/pets", "get", "responses"), problem="responses"),
    _operation("parameters are an object", put(*OPERATION, "parameters", value={}), problem="parameters"),
    _operation("parameter without a name", put(*OPERATION, "parameters", value=[{"in": "query", "schema": STRING}]), problem="name"),
    _operation("parameter in the body", put(*OPERATION, "parameters", value=[{"name": "a", "in": "body", "schema": STRING}]), problem="#/paths"),
    _operation("parameter twice", put(*OPERATION, "parameters", value=[{"name": "a", "in": "query", "schema": STRING}] * 2), problem="is declared twice."),
)  # fmt: skip


def _schema(name: str, edit: Edit, *check: tuple[str, Any], **more: Any) -> WholeChange:
    return WholeChange(
        name=name, section="Components", edit=edit, exchanges=() if "problem" in more else (GET,), check=check, **more
    )


def _renamed(name: str) -> Edit:
    """Return an edit that gives the schema another name."""

    def edit(raw: Node) -> None:
        raw["components"]["schemas"][name] = raw["components"]["schemas"].pop("Pet")
        escaped = name.replace("~", "~0").replace("/", "~1")
        raw["paths"] = _replaced(raw["paths"], "#/components/schemas/Pet", f"#/components/schemas/{escaped}")

    return edit


def _replaced(node: Any, old: str, new: str) -> Any:
    if isinstance(node, dict):
        return {key: _replaced(inner, old, new) for key, inner in node.items()}
    return [_replaced(inner, old, new) for inner in node] if isinstance(node, list) else new if node == old else node


def _deep(levels: int) -> Node:
    return {"type": "object", "properties": {"a": _deep(levels - 1)}} if levels else STRING


_GET_RENAMED = Exchange(positional=("a",), response={"id": "a"}, result={"id": "a"})
_PROPERTIES = ("components", "schemas", "Pet", "properties")
_FIELDS = "[one.name for one in __import__('attrs').fields(package.models.Pet)]"
COMPONENTS = (
    *(
        WholeChange(name=f"schema named {name}", section="Components", edit=_renamed(name), exchanges=(_GET_RENAMED,))
        for name in ("pet", "pet-record", "Pet.Record", "pet_record", "2Pets", "Model", "List", "str", "Pet[Cat]", "None", "OpenEnum", "Größe",
                     "Unset", "Any", "Literal", "datetime", "Date", "DECODERS", "a~b", "Response", "Pets_Get_Response")
    ),
    WholeChange(name="schema name with a slash", section="Components", edit=_renamed("a/b"), exchanges=(_GET_RENAMED,)),
    _schema("a new field", put(*_PROPERTIES, "age", value={"type": "integer"}), (_FIELDS, ["id", "name", "mood", "age", "extra"])),
    _schema("a field removed", drop(*_PROPERTIES, "name"), (_FIELDS, ["id", "mood", "extra"])),
    _schema("a field renamed", lambda raw: (drop(*_PROPERTIES, "name")(raw), put(*_PROPERTIES, "fullName", value=STRING)(raw)),
            (_FIELDS, ["id", "mood", "full_name", "extra"])),
    _schema("a value of an enum", put(*_PROPERTIES, "mood", "enum", value=["good", "bad", "so-so"]), ("package.models.PetMood.SO_SO", "so-so")),
    _schema("a value removed", put(*_PROPERTIES, "mood", "enum", value=["good"]), ("hasattr(package.models.PetMood, 'BAD')", False)),
    _schema("an enum widened to any", put(*_PROPERTIES, "mood", value=STRING), ("hasattr(package.models, 'PetMood')", False)),
    _schema("inline enum becomes a component", lambda raw: (put("components", "schemas", "Mood", value={**STRING, "enum": ["good"]})(raw),
            put(*_PROPERTIES, "mood", value=ref("Mood"))(raw)), ("package.models.Mood.GOOD", "good")),
    _schema("a field becomes required", put("components", "schemas", "Pet", "required", value=["id", "name"]),
            ("str(__import__('inspect').signature(package.api.add_pet)).count('name: str,')", 0)),
    _schema("required names an unknown field", put("components", "schemas", "Pet", "required", value=["id", "ghost"])),
    _schema("required of the wrong type", put("components", "schemas", "Pet", "required", value=True), problem="#/components/schemas/Pet/required"),
    _schema("fields whose names clash", lambda raw: raw["components"]["schemas"]["Pet"]["properties"].update(_id=STRING, Id=STRING),
            (_FIELDS, ["id", "name", "mood", "id_2", "id_3", "extra"])),
    _schema("field named extra", put(*_PROPERTIES, "extra", value=STRING), (_FIELDS, ["id", "name", "mood", "extra_", "extra"])),
    _schema("field with a ligature", put(*_PROPERTIES, "\ufb01eld", value=STRING), (_FIELDS, ["id", "name", "mood", "field", "extra"])),
    _schema("field with an empty name", put(*_PROPERTIES, "", value=STRING), (_FIELDS, ["id", "name", "mood", "field", "extra"])),
    _schema("two hundred fields", lambda raw: raw["components"]["schemas"]["Pet"]["properties"].update({f"f{number}": STRING for number in range(200)})),
    _schema("reference to nothing", put(*_PROPERTIES, "name", value=ref("Nothing")), problem="properties/name: the $ref `#/components/schemas/Nothing` leads nowhere."),
    _schema("reference to a file", put(*_PROPERTIES, "name", value={"$ref": "other.yaml#/Pet"}), problem="leads out of the document; bundle it"),
    _schema("reference to a URL", put(*_PROPERTIES, "name", value={"$ref": "https://example.com/a.json"}), problem="leads out of the document; bundle it"),
    _schema("reference to itself", put("components", "schemas", "Loop", value=ref("Loop")), problem="leads back to itself."),
    _schema("references in a circle", lambda raw: raw["components"]["schemas"].update(A=ref("B"), B=ref("A")), problem="leads back to itself."),
    _schema("reference of another kind", put(*_PROPERTIES, "name", value={"$ref": "#/components/parameters/p"}), problem="properties/name: the $ref"),
    _schema("reference is a number", put(*_PROPERTIES, "name", value={"$ref": 5}), problem="properties/name"),
    _schema("reference with percent signs", put(*OPERATION, "responses", value=returns({"$ref": "#/components/schemas/%50et"}))),
    _schema("reference inside an example", put("components", "schemas", "Pet", "example", value={"$ref": "#/nowhere"})),
    _schema("reference inside a default", put(*_PROPERTIES, "name", "default", value={"$ref": "#/nowhere"})),
    _schema("response by reference to nothing", put(*OPERATION, "responses", "200", value={"$ref": "#/components/responses/No"}),
            problem="the $ref `#/components/responses/No` leads nowhere."),
    _schema("path item by reference", lambda raw: (put("components", "pathItems", value={"P": raw["paths"]["/pets/{petId}"]})(raw),
            put("paths", "/pets/{petId}", value={"$ref": "#/components/pathItems/P"})(raw))),
    _schema("response as a component", lambda raw: (put("components", "responses", value={"One": raw["paths"]["/pets/{petId}"]["get"]["responses"]["200"]})(raw),
            put(*OPERATION, "responses", "200", value={"$ref": "#/components/responses/One"})(raw))),
    _schema("properties are a list", put("components", "schemas", "Pet", "properties", value=[]), problem="#/components/schemas/Pet/properties"),
    _schema("type is unknown", put(*_PROPERTIES, "name", "type", value="text"), problem="#/components/schemas/Pet/properties/name/type"),
    _schema("enum is a string", put(*_PROPERTIES, "mood", "enum", value="good"), problem="#/components/schemas/Pet/properties/mood/enum"),
    _schema("empty enum", put(*_PROPERTIES, "mood", "enum", value=[]), notes=("an empty `enum` is passed over",)),
    _schema("a schema is a string", put("components", "schemas", "Bad", value="text"), problem="#/components/schemas/Bad"),
    _schema("deeply nested", put(*_PROPERTIES, "deep", value=_deep(60)), notes=("levels deep stays JSON",)),
)  # fmt: skip


ROWS: tuple[WholeChange, ...] = (*DOCUMENT, *OPERATIONS, *COMPONENTS)
