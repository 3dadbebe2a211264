"""List the keys that each kind of object in the document may have. Any other key stops the run.

A key is listed when the generator reads it, or when it is prose for readers. `FAKE_KEYS` lists the extensions that only the overlay
of the fake server may use.
"""

from __future__ import annotations

import re

EVIDENCE = ("documented", "inferred", "named", "observed")
"""The values of `x-evidence`."""

_EVIDENCE = {"x-evidence", "x-source"}
_RANGES = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "pattern"}
_SIZES = {"minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties"}


def _extensions(*names: str) -> set[str]:
    return {f"x-cstar-{name}" for name in names}


_ON_SCHEMAS = _extensions("class", "envelope", "identity", "module", "unknown", "string-shorthand", "additional-fields")
_ON_PROPERTIES = _extensions("name", "aliases", "max-items-when", "models")
_ON_OPERATIONS = _extensions("name", "namespace", "method", "key", "pagination", "batching", "example")
_ON_PARAMETERS = _extensions("name", "client-parameter", "positional")
_FAKE_PROPERTIES = _extensions("initial", "unique", "slug-of", "computed-count", "merge", "creates", "secret")

ALLOWED_KEYS: dict[str, frozenset[str]] = {
    "document": frozenset({"openapi", "info", "servers", "tags", "paths", "components", "security", "externalDocs", "webhooks"}),
    "info": frozenset({"title", "version", "summary", "description", "license", "contact", "termsOfService"}),
    "server": frozenset({"url", "description", "variables"}),
    "tag": frozenset({"name", "description", "externalDocs", *_EVIDENCE}),
    "components": frozenset({"schemas", "parameters", "responses", "requestBodies", "headers", "securitySchemes"}),
    "path item": frozenset({"get", "put", "post", "patch", "delete", "parameters", "summary", "description"}),
    "operation": frozenset(
        {"operationId", "tags", "summary", "description", "parameters", "requestBody", "responses", "security", *_EVIDENCE}
        | _ON_OPERATIONS
    ),
    "event": frozenset({"operationId", "summary", "description", "requestBody", "responses", *_EVIDENCE}),
    "parameter": frozenset({"name", "in", "description", "required", "schema", "style", "explode", *_EVIDENCE} | _ON_PARAMETERS),
    "request body": frozenset({"description", "required", "content", *_EVIDENCE}),
    "response": frozenset({"description", "headers", "content", "x-cstar-text", *_EVIDENCE} | _extensions("may-be-empty")),
    "header": frozenset({"description", "required", "schema", *_EVIDENCE}),
    "media type": frozenset({"schema", "example", "examples"}),
    "reference": frozenset({"$ref", "summary", "description", "default", *_EVIDENCE, *_ON_PROPERTIES}),
    "schema": frozenset(
        {"type", "format", "enum", "const", "items", "properties", "required", "additionalProperties", "allOf", "oneOf"}
        | {"discriminator", "not", "description", "default", "examples", "x-enum-descriptions"}
        | _EVIDENCE
        | _RANGES
        | _SIZES
        | _ON_SCHEMAS
        | _ON_PROPERTIES
    ),
}
"""The keys that an object of each kind may have."""

_READ = {
    "document": {"jsonSchemaDialect", "$schema", "$self"},
    "components": {"pathItems"},
    "path item": {"$ref", "options", "head", "trace"},
    "operation": {"deprecated"},
    "event": {"deprecated", "tags"},
    "media type": {"encoding", "itemSchema"},
    "parameter": {"content", "example", "examples", "deprecated"},
    "reference": {"nullable", "deprecated", "readOnly", "writeOnly", "title", "example", "examples"},
    "schema": {"anyOf", "nullable", "readOnly", "writeOnly", "deprecated", "x-enum-varnames", "title", "example"},
}
FAKE_KEYS: dict[str, frozenset[str]] = {
    "operation": frozenset(
        _extensions("collection", "action", "parent", "includes", "order", "delete-unless", "on-delete", "fake-response")
        | _extensions("filter", "expand", "sort")
    ),
    "schema": frozenset(_extensions("id-prefix", "singleton") | _FAKE_PROPERTIES),
    "reference": frozenset(_FAKE_PROPERTIES),
}
"""The keys that the overlay of the fake server may add to an object of each kind."""

READ_KEYS = {kind: keys | _READ.get(kind, set()) | FAKE_KEYS.get(kind, frozenset()) for kind, keys in ALLOWED_KEYS.items()}
"""The keys that the generator reads, also those that the document of this package does not need."""

FAKE_EXTENSIONS = frozenset[str]().union(*FAKE_KEYS.values())

EXTENSION_TYPES: dict[str, type] = {
    **dict.fromkeys(_extensions("name", "class", "namespace", "method", "key", "collection", "action", "module"), str),
    **dict.fromkeys(
        _extensions("id-prefix", "identity", "slug-of", "delete-unless", "unknown", "text", "string-shorthand", "secret"), str
    ),
    **dict.fromkeys(_extensions("envelope", "unique", "merge", "client-parameter"), bool),
    **dict.fromkeys(_extensions("additional-fields", "singleton", "positional", "may-be-empty"), bool),
    **dict.fromkeys(_extensions("parent", "includes", "filter", "expand", "sort", "computed-count", "creates"), dict),
    **dict.fromkeys(_extensions("batching", "max-items-when", "example"), dict),
    **dict.fromkeys(_extensions("aliases", "order", "on-delete", "models"), list),
    **dict.fromkeys(("x-evidence", "x-source", "description", "summary"), str),
    "x-enum-descriptions": dict,
}
"""The types of extensions. Any other extension may have any value."""

PAGINATION = "x-cstar-pagination"
PAGINATION_KINDS = ("page", "offset", "cursor", "link", "none")
"""The values of `x-cstar-pagination` that name a kind of pages."""
PAGINATION_PATHS = ("items", "next", "last_item", "has_more", "total", "total_pages", "page", "page_size")
PAGINATION_KEYS = ("kind", "parameter", "size_parameter", "first", "size", "min_size", "max_size", *PAGINATION_PATHS)
"""The keys of `x-cstar-pagination`: the arguments of `cstar_async.pagination.Paging`, and those that are paths."""

ACTIONS = ("list", "create", "get", "update", "delete", "fake-response", "special")
"""The values of `x-cstar-action`."""

FORMATS = frozenset({"date-time", "email", "uri", "uuid", "hostname", "int32", "int64", "float", "double"})
"""The supported formats. All but `date-time` leave the type of the value as it is."""

RESERVED_CLIENT_NAMES = frozenset(
    {"aclose", "events", "from_env", "paginate", "rate_limit", "request", "with_options", "with_response"}
)
"""The attributes of `CStarClient`, which are no names for namespaces."""

TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""The names that HTTP allows for headers and cookies."""
