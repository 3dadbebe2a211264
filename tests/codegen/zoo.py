"""A document with what other APIs have and that of this package has not."""

from __future__ import annotations

from codegen.spec.document import Node
from tests.codegen.packages import document, ref, returns, takes

PET = {"type": "object", "required": ["id", "name"], "properties": {"id": {"type": "integer"}, "name": {"type": "string"}}}

SCHEMAS: Node = {
    "pet-record": {
        **PET,
        "properties": {
            **PET["properties"],
            "owner": {"type": "object", "properties": {"externalIPs": {"type": "array", "items": {"type": "string"}}}},
            "mood": {"type": "string", "enum": ["good", "very-bad", "1st"]},
            "born": {"type": "string", "format": "date"},
            "list": {"type": "array", "items": {"type": "integer"}},
            "self": {"type": "string"},
            "2fa": {"type": "boolean"},
            "_id": {"type": "string"},
            "level": {"type": "integer", "enum": [1, 2, 3]},
            "tags": {"type": "object", "additionalProperties": {"type": "array", "items": ref("Label")}},
            "friend": {"anyOf": [ref("pet-record"), {"type": "null"}]},
            "choice": {"oneOf": [{"type": "string"}, {"type": "integer"}, ref("Label")]},
            "grid": {"type": "array", "items": {"type": "array", "items": ref("Label")}},
            "label": ref("Shape"),
            "home": ref("Solid"),
        },
    },
    "Label": {"type": "object", "properties": {"text": {"type": "string"}}},
    "Labels": {"type": "array", "items": ref("Label")},
    "Alias": ref("Label"),
    "Dog": {"allOf": [ref("pet-record"), {"type": "object", "properties": {"barks": {"type": "boolean"}}}]},
    "Circle": {"type": "object", "required": ["kind"], "properties": {"kind": {"const": "circle"}, "r": {"type": "number"}}},
    "Square": {"type": "object", "required": ["kind"], "properties": {"kind": {"const": "square"}, "a": {"type": "number"}}},
    "Shape": {"oneOf": [ref("Circle"), ref("Square")], "discriminator": {"propertyName": "kind"}},
    "Sphere": {"type": "object", "required": ["kind"], "properties": {"kind": {"type": "string"}, "r": {"type": "number"}}},
    "Cube": {"type": "object", "required": ["kind"], "properties": {"kind": {"type": "string"}, "owner": ref("pet-record")}},
    "Solid": {"oneOf": [ref("Sphere"), ref("Cube")], "discriminator": {"propertyName": "kind"}},
    "Object": {"type": "object"},
}


def _parameter(name: str, location: str, schema: Node, **more: object) -> Node:
    return {"name": name, "in": location, "schema": schema, **({"required": True} if location == "path" else {}), **more}


_QUERY = [
    _parameter("exploded", "query", {"type": "array", "items": {"type": "string"}}),
    _parameter("joined", "query", {"type": "array", "items": {"type": "integer"}}, explode=False),
    _parameter("piped", "query", {"type": "array", "items": {"type": "string"}}, style="pipeDelimited", explode=False),
    _parameter("deep", "query", {"type": "object", "properties": {"from": {"type": "integer"}}}, style="deepObject", explode=True),
    {"name": "filter", "in": "query", "content": {"application/json": {"schema": {"type": "object"}}}},
    _parameter("since", "query", {"type": "string", "format": "date"}),
    _parameter("X-Trace", "header", {"type": "integer"}),
    _parameter("session", "cookie", {"type": "string"}),
]

PATHS: Node = {
    "/pets": {
        "get": {"operationId": "listPets", "tags": ["Pet Store"], "responses": returns({"type": "array", "items": ref("Dog")})},
        "post": {
            "operationId": "addPet",
            "tags": ["Pet Store"],
            "requestBody": takes(ref("pet-record")),
            "responses": returns(ref("pet-record"), "201"),
        },
        "put": {
            "operationId": "replacePets",
            "tags": ["Pet Store"],
            "requestBody": takes({"type": "array", "items": ref("pet-record")}),
            "responses": returns(None, "204"),
        },
        "delete": {"operationId": "clear", "tags": ["Pet Store"], "responses": returns(None, "202")},
    },
    "/pets/{petId}/{day}": {
        "parameters": [_parameter("petId", "path", {"type": "integer"}), _parameter("page", "query", {"type": "integer"})],
        "get": {
            "parameters": [_parameter("day", "path", {"type": "string", "format": "date"})],
            "responses": returns(ref("Shape")),
        },
    },
    "/search": {"get": {"operationId": "search", "parameters": _QUERY, "responses": returns(ref("Labels"))}},
    "/stock": {
        "get": {"operationId": "stock", "responses": returns({"type": "object", "additionalProperties": {"type": "integer"}})}
    },
    "/form": {
        "post": {
            "operationId": "sendForm",
            "requestBody": takes(
                {"type": "object", "required": ["to"], "properties": {"to": {"type": "string"}, "tags": ref("Labels")}},
                "application/x-www-form-urlencoded",
                required=False,
            ),
            "responses": {**returns(ref("Label")), **returns(None, "204")},
        }
    },
    "/text": {"get": {"operationId": "text", "responses": returns({"type": "string"}, media="Text/Plain; charset=utf-8")}},
    "/file": {"get": {"operationId": "file", "responses": returns({"type": "string"}, media="application/pdf")}},
    "/items": {
        "get": {
            "operationId": "listItems",
            "parameters": [_parameter("cursor", "query", {"type": "string"})],
            "responses": returns(ref("Labels")),
        }
    },
    "/upload": {
        "post": {"operationId": "upload", "requestBody": takes({}, "multipart/form-data"), "responses": returns(ref("Label"))}
    },
}

ZOO = document(
    PATHS,
    SCHEMAS,
    servers=[{"url": "https://{region}.example.com/v2", "variables": {"region": {"default": "eu"}}}],
    security=[{"token": []}],
    components={"securitySchemes": {"token": {"type": "apiKey", "in": "header", "name": "X-Token"}}},
)
