"""Look up facts about operations and schemas that both lint and the generator need."""

from __future__ import annotations

from codegen.spec.document import Document, Node, Operation, Parameter, entries, is_object, items, schema_named

TEAM_SCOPE = "/api/v1/teams/{teamId}"
LIBRARY_SCOPE = "/api/library/{team}"
IDEMPOTENCY_KEY = "Idempotency-Key"
JSON_TYPE = "application/json"
BATCHING = "x-cstar-batching"
CONDITIONAL_LIMIT = "x-cstar-max-items-when"
SHORTHAND = "x-cstar-string-shorthand"
_ENVELOPES = ("Envelope", "ListEnvelope")
_NULL = {"type": "null"}


def path_scope(path: str) -> tuple[str, str]:
    """Return what a path is relative to (`team`, `library` or `root`), and the prefix that all paths of that scope have."""
    for scope, prefix in (("team", TEAM_SCOPE), ("library", LIBRARY_SCOPE)):
        if path.startswith(f"{prefix}/"):
            return scope, prefix
    return "root", ""


def namespace_ancestors(namespace: str) -> list[str]:
    """Return a namespace and those above it, the highest first: `tickets`, `tickets.messages`."""
    parts = namespace.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts) + 1)]


def caller_parameters(operation: Operation) -> list[Parameter]:
    """Return the parameters that a caller gives: those of the path in its order, then the others in the document's."""
    given = [parameter for parameter in operation.parameters if not parameter.is_supplied_by_client]
    path = sorted((one for one in given if one.location == "path"), key=lambda one: operation.placeholders.index(one.name))
    return path + [one for one in given if one.location != "path"]


def sends_idempotency_key(operation: Operation) -> bool:
    """Return whether the operation takes an `Idempotency-Key`."""
    return any(parameter.name == IDEMPOTENCY_KEY for parameter in operation.parameters)


def success_response(document: Document, operation: Operation) -> Node:
    """Return the successful response of an operation."""
    response, _ = document.follow(operation.node["responses"][operation.successes[0]], "")
    return response


def data_schema(document: Document, operation: Operation) -> Node:
    """Return the schema of `data` in the successful response."""
    return enveloped_data(success_response(document, operation)["content"][JSON_TYPE]["schema"]) or {}


def enveloped_data(schema: Node) -> Node | None:
    """Return the schema of `data` in a response schema; None for a schema that is not of the one supported form."""
    parts: list[Node] = items(schema, "allOf")
    if len(parts) != 2 or len(schema) != 1:
        return None
    envelope, wrapped = parts
    data: object = entries(wrapped, "properties").get("data")
    is_supported = wrapped == {"type": "object", "required": ["data"], "properties": {"data": data}}
    is_enveloped = list(envelope) == ["$ref"] and schema_named(envelope["$ref"]) in _ENVELOPES
    return data if is_supported and is_enveloped and is_object(data) else None


def is_nullable(data: Node) -> bool:
    """Return whether `data` is one component or null."""
    return list(data) == ["oneOf"] and len(data["oneOf"]) == 2 and _NULL in data["oneOf"]


def referenced_schema(data: Node) -> Node:
    """Return the part of `data` that names a component: its items, the alternative to null, or itself."""
    if data.get("type") == "array":
        return entries(data, "items")
    return next((option for option in items(data, "oneOf") if option != _NULL), data) if is_nullable(data) else data


def result_name(document: Document, operation: Operation) -> str:
    """Return the component that `data` is, or that its items are."""
    return schema_named(referenced_schema(data_schema(document, operation))["$ref"])


def response_shape(document: Document, operation: Operation) -> str:
    """Return the shape of `data`: `page`, `array`, `deleted` or `object`."""
    if operation.node.get("x-cstar-pagination") == "page":
        return "page"
    if data_schema(document, operation).get("type") == "array":
        return "array"
    return "deleted" if result_name(document, operation) == "Deleted" else "object"


def call_kind(document: Document, operation: Operation) -> str:
    """Return the shape of the response, or `whole`: a GET of a list that is not paged, which returns a `Paginator` of one page."""
    shape = response_shape(document, operation)
    return "whole" if shape == "array" and operation.method == "get" else shape


def text_content_type(document: Document, operation: Operation) -> str | None:
    """Return the content type of the text that the server may send instead of JSON; None if it never does."""
    text: str | None = success_response(document, operation).get("x-cstar-text")
    return text


def body_schema(document: Document, operation: Operation) -> Node | None:
    """Return the schema of the request body; None without a body."""
    if "requestBody" not in operation.node:
        return None
    body, _ = document.follow(operation.node["requestBody"], "")
    schema: Node = body["content"][JSON_TYPE]["schema"]
    return schema


def body_name(document: Document, operation: Operation) -> str | None:
    """Return the component that the request body is; None without a body."""
    schema = body_schema(document, operation)
    return schema_named(schema["$ref"]) if schema else None


def types_of(schema: Node) -> list[str]:
    """Return the types of a schema, without null."""
    given = schema.get("type", [])
    types = [given] if isinstance(given, str) else items(schema, "type")
    return [one for one in types if one != "null"]


def is_open(schema: Node) -> bool:
    """Return whether a component has more fields than the document lists."""
    return schema.get("x-cstar-additional-fields") is True


def is_free_object(schema: Node) -> bool:
    """Return whether a schema is an object without any listed field."""
    has_fields = bool(schema.get("properties")) or is_open(schema)
    return types_of(schema) == ["object"] and not has_fields and schema.get("additionalProperties") is True


def is_model(schema: Node) -> bool:
    """Return whether a component becomes a class; an open one may have no fields of its own."""
    return types_of(schema) == ["object"] and (bool(schema.get("properties")) or is_open(schema))


def is_union(schema: Node) -> bool:
    """Return whether a component is one of several objects, distinguished by a property."""
    return "oneOf" in schema


def union_members(schema: Node) -> list[str]:
    """Return the components that a union is one of."""
    options = (option for option in items(schema, "oneOf") if is_object(option))
    return [schema_named(option["$ref"]) for option in options if "$ref" in option]


def union_tags(schema: Node) -> dict[str, str]:
    """Return the tags of a union, each with its component."""
    return {tag: schema_named(reference) for tag, reference in entries(entries(schema, "discriminator"), "mapping").items()}
