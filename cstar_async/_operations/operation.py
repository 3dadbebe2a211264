"""What the OpenAPI spec states about one operation, as values for the client and the fake server."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

import attrs

from cstar_async._protocol.credentials import Security
from cstar_async._types import JSON, UntypedJSON
from cstar_async.pagination import Paging
from cstar_async.pagination._paging import PAGES

Scope: TypeAlias = Literal["root", "team", "library"]
"""What a path is relative to: the host, the team of the key, or a public library."""

Shape: TypeAlias = Literal["object", "array", "page", "deleted", "value", "none", "text", "bytes", "items"]
"""What `data` is: an object, a whole list, a page of a list, a confirmation of deletion, or any other JSON value.

A result without JSON is nothing, a str, bytes or a stream of items.
"""

QueryStyle: TypeAlias = Literal["exploded", "space", "pipe", "deep", "fields", "pairs", "json"]
"""How a parameter of the query is sent that is no plain value and no list joined with commas.

A list is a parameter for each item, or joined with spaces or bars. An object is a parameter for each key, named `name[key]` or
`key`. Or it is one parameter: keys and values joined with commas, or JSON.
"""

FormStyle: TypeAlias = Literal["joined", "space", "pipe", "deep"]
"""How a field of a form is sent: a list joined with commas, spaces or bars, or an object as a field for each `name[key]`."""

Key: TypeAlias = Literal["any", "secret", "none"]
"""The kind of key that the server requires."""

Evidence: TypeAlias = Literal["documented", "inferred", "named", "observed"]
"""Whether cStar documents the operation, it is inferred, or only its name is known."""

_NOTHING: Final[Mapping[str, UntypedJSON]] = MappingProxyType({})


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Parameter:
    """A parameter of the path or the query, a header or a cookie."""

    name: str
    """Wire name, such as `pageSize`."""
    attribute: str
    """Python name, such as `page_size`."""
    location: Literal["path", "query", "header", "cookie"]
    required: bool = False
    positional: bool = False
    """Whether a query parameter is a positional argument."""
    schema: Mapping[str, JSON] = _NOTHING
    """JSON Schema, with references into the generated `schemas.json`."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Limit:
    """The limit of an array in the body."""

    field: str
    """Wire name of the array."""
    max_items: int
    condition: tuple[str, str] | None = None
    """Wire name and value of the field for which the limit applies. None: it always applies."""
    alternative: str | None = None
    """The method without the limit, such as `bulk.run_batched`, or None."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Operation:
    """What the spec states about one operation, without its models."""

    id: str
    """The operationId and name of the generated function: `get_ticket`."""
    namespace: str
    """The namespace of the client: `tickets`, `tickets.messages`."""
    name: str
    """The method of the namespace: `get`."""
    method: Literal["GET", "POST", "PATCH", "PUT", "DELETE"]
    path: str
    """The path template: `/api/v1/teams/{teamId}/tickets/{ticketId}`."""
    scope: Scope
    segments: tuple[str, ...]
    """The template under its scope, split at the ids: `("/tickets/", "")`."""
    shape: Shape
    success_status: int
    """The documented status of a success."""
    result: str | None
    """The schema of `data`, or of its items. None: any JSON."""
    nullable: bool = False
    """Whether `data` may be null."""
    may_be_empty: bool = False
    """Whether a success may have no body, which means an object without fields, or None for any other value."""
    request: str | None = None
    """The schema of the body. None: no body."""
    required_key: Key = "any"
    security: Security | None = None
    """The credentials that the client of another API sends. None: all that it has."""
    sends_idempotency_key: bool = False
    evidence: Evidence
    text: str | None = None
    """The content type of a success that is not JSON. None: a success is always JSON."""
    has_envelope: bool = True
    """Whether a success has its value in `data`. False: the whole body is the value."""
    body_format: Literal["json", "form", "multipart", "file"] = "json"
    file_fields: frozenset[str] = frozenset()
    """The fields of a multipart body that are files, by wire name."""
    body_types: Mapping[str, str] = _NOTHING
    """The content types of fields of a multipart body, by wire name, or that of a body that is one file, under an empty name."""
    form_styles: Mapping[str, FormStyle] = _NOTHING
    """The fields of a form, by wire name, that have a style of their own."""
    nullable_body: bool = False
    """Whether None as the body is sent as null."""
    json_type: str | None = None
    """The content type of a JSON body that is not `application/json`."""
    optional_body: bool = False
    """Whether a body without any field is not sent."""
    query_styles: Mapping[str, QueryStyle] = _NOTHING
    """The parameters of the query, by wire name, that have a style of their own."""
    limits: tuple[Limit, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    paging: Paging = PAGES
    """How the list is divided into pages, if the shape is a page."""
    known_values: Mapping[str, frozenset[str]] = _NOTHING
    """The known values of each query parameter that is an enum or a list of them, by wire name."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class BatchPlan:
    """How to split the array of an operation and to merge the results. Fields are Python names."""

    operation: Operation
    split: str
    """The array in the body."""
    size: int
    """Items per call."""
    add: tuple[str, ...]
    """Numbers of the result to add."""
    join: tuple[str, ...]
    """Lists of the result to concatenate."""
    shift: str | None = None
    """The field of those items that is a position in the array, or None."""
