"""Look up facts about operations and schemas that both lint and the generator need."""

from __future__ import annotations

from codegen import naming as names
from codegen.spec.document import Document, Node, Operation, Parameter, entries, is_object, items, schema_named
from codegen.spec.vocabulary import TOKEN

TEAM_SCOPE = "/api/v1/teams/{teamId}"
LIBRARY_SCOPE = "/api/library/{team}"
IDEMPOTENCY_KEY = "Idempotency-Key"
BODY = "body"
JSON_TYPE = "application/json"
FILE_MARK = "x-cstar-file"
"""Marks the schema of a file in a body, in the form that the parser gives to schemas."""
BATCHING = "x-cstar-batching"
CONDITIONAL_LIMIT = "x-cstar-max-items-when"
SHORTHAND = "x-cstar-string-shorthand"
READ_AS = "x-cstar-read-as"
"""The schema of results that has the same fields as one of bodies. The parser sets it."""
OLD_NAME = "x-cstar-old-name"
"""The earlier Python name of a parameter, a property or a schema, which works for a release; the generator sets it."""
OLD_CONSTANTS = "x-cstar-old-constants"
"""The values of an enum by the earlier names of their constants."""
UNION_RULES = "x-cstar-union-rules"
"""How the members of a union without a tag are distinguished. The parser sets it."""
DEPRECATED_VALUES = "x-cstar-deprecated-values"
"""The values of an enum that are deprecated. The parser sets it."""
OLD_FUNCTION = "x-cstar-old-function"
"""The name of a function that another module has now; its operation has an id of its own."""
NEW_NAME = "x-cstar-new-name"
"""What an operation that is kept under its old name is called now: `tickets.get`."""
_ENVELOPES = ("Envelope", "ListEnvelope")
_NULL = {"type": "null"}


def path_scope(path: str) -> tuple[str, str]:
    """Return what a path is relative to (`team`, `library` or `root`), and the prefix that all paths of that scope have."""
    for scope, prefix in (("team", TEAM_SCOPE), ("library", LIBRARY_SCOPE)):
        if path.startswith(f"{prefix}/"):
            return scope, prefix
    return "root", ""


def scope_of(document: Document, operation: Operation) -> tuple[str, str]:
    """Return what the path of an operation is relative to, and the prefix; the API itself in a package of its own."""
    return path_scope(operation.path) if document.is_sdk else ("root", "")


def namespace_ancestors(namespace: str) -> list[str]:
    """Return a namespace and those above it, the highest first: `tickets`, `tickets.messages`."""
    parts = namespace.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts) + 1)]


def caller_parameters(operation: Operation) -> list[Parameter]:
    """Return the parameters that a caller gives: those of the path in its order, then the others in the document's."""
    given = [parameter for parameter in operation.parameters if not parameter.is_supplied_by_client]
    path = sorted((one for one in given if one.location == "path"), key=lambda one: operation.placeholders.index(one.name))
    return path + [one for one in given if one.location != "path"]


def function_name(operation: Operation) -> str:
    """Return the name of the function of an operation in its module."""
    return str(operation.node.get(OLD_FUNCTION, operation.id))


def sends_idempotency_key(operation: Operation) -> bool:
    """Return whether the operation takes an `Idempotency-Key`."""
    return any(parameter.name == IDEMPOTENCY_KEY for parameter in operation.parameters)


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


def envelope_name(operation: Operation) -> str | None:
    """Return the component that is the envelope of a result: `TicketResponse`; None without one, or if it has no name."""
    schema = entries(entries(entries(operation.result.node, "content"), JSON_TYPE), "schema")
    return schema_named(schema["$ref"]) if operation.result.has_envelope and "$ref" in schema else None


def is_nullable(data: Node) -> bool:
    """Return whether `data` is one component or null."""
    return list(data) == ["oneOf"] and len(data["oneOf"]) == 2 and _NULL in data["oneOf"]


def referenced_schema(data: Node) -> Node:
    """Return the part of `data` that names a component: its items, the alternative to null, or itself."""
    if data.get("type") == "array":
        return entries(data, "items")
    return next((option for option in items(data, "oneOf") if option != _NULL), data) if is_nullable(data) else data


def result_name(operation: Operation) -> str | None:
    """Return the component that the result is, or that its items are; None for any other value."""
    schema = operation.result.schema
    schema = entries(schema, "items") if operation.result.shape in ("array", "page") else schema
    return schema_named(schema["$ref"]) if operation.result.shape != "value" and "$ref" in schema else None


def call_kind(operation: Operation) -> str:
    """Return the shape of the result, or `whole`: a GET of a list that is not paged, which returns a `Paginator` of one page."""
    is_whole = operation.result.shape == "array" and operation.method == "get" and not operation.result.is_part
    return "whole" if is_whole else operation.result.shape


def body_name(operation: Operation) -> str | None:
    """Return the component whose fields are arguments; None without one."""
    body = operation.body
    return schema_named(body.schema["$ref"]) if body and body.has_fields else None


def attribute_names(schema: Node) -> dict[str, str]:
    """Return the attribute of each field of a model: that of the parser, if the rule does not give it."""
    return {wire: node.get("x-cstar-name") or names.attribute(wire) for wire, node in entries(schema, "properties").items()}


def argument_names(document: Document, operation: Operation) -> dict[tuple[str, str], str]:
    """Return the argument for each parameter, by its location and name, and for each field of the body, under `body`.

    A name that is taken gets an underscore: that of a field that is called like a parameter. Parameters of the path come first.
    """
    name = body_name(operation)
    places = {
        (one.location, one.name): one.node.get("x-cstar-name") or names.attribute(one.name) for one in caller_parameters(operation)
    }
    places |= {(BODY, wire): attribute for wire, attribute in (attribute_names(document.schemas[name]) if name else {}).items()}
    places |= {(BODY, ""): BODY} if operation.body and not name else {}
    found: dict[tuple[str, str], str] = {}
    for (location, wire), wanted in places.items():
        argument, number = names.argument_of(wanted), 2
        while argument in found.values():
            argument = f"{wanted}_" if f"{wanted}_" not in found.values() else f"{wanted}_{number}"
            number += 1
        found[location, wire] = argument
    return found


def alternatives(schema: Node) -> tuple[list[Node], bool]:
    """Return the schemas of which a value has one, without null, and whether it may be null."""
    options: list[Node] = items(schema, "oneOf") or items(schema, "anyOf")
    others = [option for option in options if option != _NULL]
    return others, len(others) < len(options) or "null" in items(schema, "type")


def kinds_of(document: Document, schema: Node) -> set[str]:
    """Return the JSON types that a parsed value can have, without null."""
    if "$ref" in schema:
        return kinds_of(document, document.schemas[schema_named(schema["$ref"])])
    if options := alternatives(schema)[0]:
        return {kind for option in options for kind in kinds_of(document, option)}
    return set(types_of(schema))


def types_of(schema: Node) -> list[str]:
    """Return the types of a schema, without null."""
    given = schema.get("type", [])
    types = [given] if isinstance(given, str) else items(schema, "type")
    return [one for one in types if one != "null"]


def deprecated_values(document: Document, schema: Node) -> list[object]:
    """Return the values of an enum that are deprecated, also where a value may be one of the enum, or a list of its values."""
    if "$ref" in schema:
        return deprecated_values(document, document.schemas[schema_named(schema["$ref"])])
    inner = [*alternatives(schema)[0], entries(schema, "items")]
    return [*items(schema, DEPRECATED_VALUES), *(value for one in inner if one for value in deprecated_values(document, one))]


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
    """Return whether a component is one of several objects, distinguished by their properties."""
    return "oneOf" in schema


def union_members(schema: Node) -> list[str]:
    """Return the components that a union is one of."""
    options = (option for option in items(schema, "oneOf") if is_object(option))
    return [schema_named(option["$ref"]) for option in options if "$ref" in option]


def union_tags(schema: Node) -> dict[str, str]:
    """Return the tags of a union, each with its component."""
    return {tag: schema_named(reference) for tag, reference in entries(entries(schema, "discriminator"), "mapping").items()}


def has_usable_key(scheme: Node) -> bool:
    """Return whether a security scheme is a key that a request can have: a parameter, or a header or cookie with a legal name."""
    location = scheme.get("in")
    is_named = location in ("header", "cookie") and TOKEN.fullmatch(str(scheme.get("name"))) is not None
    return scheme.get("type") == "apiKey" and (location == "query" or is_named)
