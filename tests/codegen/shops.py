"""A document for comparisons with what `pets` has not: files, streams, forms, unions, pages, headers, nested namespaces."""

from __future__ import annotations

import json
from typing import Any

from codegen.spec.document import Node
from tests.codegen.packages import document, ref, returns, takes

STRING: Node = {"type": "string"}


def shops() -> Node:
    """Return the document."""
    paths: Node = {
        "/shops": {
            "get": _operation(
                "listShops",
                returns({"type": "object", "properties": {"data": {"type": "array", "items": ref("Shop")}, "next": STRING}}),
                [
                    _given("cursor", "query", STRING),
                    _given("limit", "query", {"type": "integer"}),
                    _given("kinds", "query", {"type": "array", "items": ref("ShopKind")}),
                    _given("X-Region", "header", STRING),
                ],
            ),
            "post": _operation("createShop", returns(ref("Shop"), "201"), body=takes(ref("ShopCreate"))),
        },
        "/shops/{shopId}": {
            "get": _operation("getShop", returns(ref("Shop")), [_path("shopId")]),
            "patch": _operation("updateShop", returns(ref("Shop")), [_path("shopId")], body=takes(ref("ShopUpdate"))),
        },
        "/shops/{shopId}/photos": {
            "post": _operation(
                "addPhoto",
                returns(ref("Photo"), "201"),
                [_path("shopId")],
                tag="photos",
                namespace="shops.photos",
                body=takes(ref("PhotoUpload"), "multipart/form-data"),
            )
        },
        "/shops/{shopId}/photos/{photoId}": {
            "get": _operation(
                "getPhoto",
                returns({"type": "string", "format": "binary"}, media="image/png"),
                [_path("shopId"), _path("photoId")],
                tag="photos",
                namespace="shops.photos",
            )
        },
        "/chat": {
            "post": _operation("ask", returns(ref("Answer"), media="text/event-stream"), tag="chat", body=takes(ref("Question")))
        },
        "/login": {
            "post": _operation(
                "login", returns(None, "204"), tag="session", body=takes(ref("Login"), "application/x-www-form-urlencoded")
            )
        },
        "/stock": {
            "get": _operation("getStock", returns({"type": "object", "additionalProperties": {"type": "integer"}}), tag="stock"),
            "put": _operation(
                "setStock",
                returns({"type": "array", "items": ref("Offer")}),
                tag="stock",
                body=takes({"type": "array", "items": ref("Offer")}),
            ),
        },
    }
    schemas: Node = {
        "Shop": _model(
            {
                "id": STRING,
                "kind": ref("ShopKind"),
                "address": ref("Address"),
                "former": {"oneOf": [ref("Address"), {"type": "null"}]},
                "offers": {"type": "array", "items": ref("Offer")},
                "hours": {"type": "object", "additionalProperties": STRING},
                "opened": {"type": "string", "format": "date"},
            },
            ["id", "kind"],
        ),
        "ShopCreate": _model(
            {"kind": ref("ShopKind"), "address": ref("AddressInput"), "tags": {"type": "array", "items": STRING}}, ["kind"]
        ),
        "ShopUpdate": _model({"kind": ref("ShopKind"), "closed": {"type": ["boolean", "null"]}}, []),
        "Address": _model({"street": STRING, "city": STRING}, ["city"]),
        "AddressInput": _model({"street": STRING, "city": STRING, "zip": STRING}, ["city"]),
        "ShopKind": {"type": "string", "enum": ["bakery", "toy-shop", "kiosk"]},
        "Photo": _model({"id": STRING, "size": {"type": "integer"}}, ["id"]),
        "PhotoUpload": _model({"file": {"type": "string", "format": "binary"}, "title": STRING}, ["file"]),
        "Answer": _model({"text": STRING}, ["text"]),
        "Question": _model({"text": STRING, "history": {"type": "array", "items": ref("Answer")}}, ["text"]),
        "Login": _model({"name": STRING, "secret": STRING}, ["name"]),
        "Sale": _model({"type": {"const": "sale"}, "percent": {"type": "number"}}, ["type"]),
        "Gift": _model({"type": {"const": "gift"}, "note": STRING}, ["type"]),
        "Offer": {"oneOf": [ref("Sale"), ref("Gift")], "discriminator": {"propertyName": "type"}},
    }
    made: Node = json.loads(json.dumps(document(paths, schemas, servers=[{"url": "https://shops.example.com"}])))
    return made


def _operation(
    operation_id: str,
    responses: Node,
    parameters: list[Node] | None = None,
    *,
    tag: str = "shops",
    namespace: str | None = None,
    body: Any = None,
) -> Node:
    given: Node = {"operationId": operation_id, "tags": [tag], "responses": responses, "parameters": parameters or []}
    if namespace:
        given["x-cstar-namespace"] = namespace
    return given | ({"requestBody": body} if body else {})


def _given(name: str, location: str, schema: Node) -> Node:
    return {"name": name, "in": location, "schema": schema, "required": False}


def _path(name: str) -> Node:
    return {"name": name, "in": "path", "schema": STRING, "required": True}


def _model(properties: Node, required: list[str]) -> Node:
    return {"type": "object", "properties": properties, "required": required}
