"""One operation of the API, as a value: what the document says of it, in the form that the runtime and the fake server read."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, TypeAlias

import attrs

from cstar_async._types import JSON

Scope: TypeAlias = Literal["root", "team", "library"]
"""What a path is relative to: the host, the team of the key, or a public library."""

Shape: TypeAlias = Literal["object", "array", "page", "deleted"]
"""What stands in `data` of a good answer: one object, a whole list, one page of a list, or the note that a thing is gone."""

Key: TypeAlias = Literal["any", "secret", "none"]
"""Which kind of key the server asks for."""

Evidence: TypeAlias = Literal["documented", "inferred", "named"]
"""How sure the document is: stated by cStar, deduced, or known by name only."""

_NOTHING: Mapping[str, JSON] = MappingProxyType({})


@attrs.frozen(kw_only=True)
class Parameter:
    """A parameter of an operation, in its path, its query or its headers."""

    name: str
    """The name on the wire, such as `pageSize`."""
    attribute: str
    """The name in Python, such as `page_size`."""
    location: Literal["path", "query", "header"]
    required: bool = False
    positional: bool = False
    """Whether the method takes it by position although it is no part of the path."""
    schema: Mapping[str, JSON] = _NOTHING
    """Its JSON Schema; references point into the generated `schemas.json`."""


@attrs.frozen(kw_only=True)
class Limit:
    """How many items an array of a body may have."""

    field: str
    """The array, by its name on the wire."""
    max_items: int
    condition: tuple[str, str] | None = None
    """The field, by its name on the wire, and the text of it with which alone the limit holds; None: it always holds."""
    alternative: str | None = None
    """The method that takes any number, such as `bulk.run_batched`; None: there is none."""


@attrs.frozen(kw_only=True)
class Operation:
    """What the document says of one operation, models aside."""

    id: str
    """The operationId, which is also the name of the generated function: `get_ticket`."""
    namespace: str
    """Where the client has it: `tickets`, `tickets.messages`."""
    name: str
    """What the client calls it there: `get`."""
    method: Literal["GET", "POST", "PATCH", "PUT", "DELETE"]
    path: str
    """The template as the document writes it: `/api/v1/teams/{teamId}/tickets/{ticketId}`."""
    scope: Scope
    segments: tuple[str, ...]
    """The template under its scope, cut at the ids that a caller gives: `("/tickets/", "")`."""
    shape: Shape
    success_status: int
    """The status of a good answer."""
    result: str | None
    """The schema of `data`, or of its items; None: free JSON."""
    nullable: bool = False
    """Whether `data` may be null."""
    may_be_empty: bool = False
    """Whether a good answer may have no body, which stands for an object without fields."""
    request: str | None = None
    """The schema of the body; None: no body."""
    required_key: Key = "any"
    sends_idempotency_key: bool = False
    """Whether an `Idempotency-Key` goes with it."""
    evidence: Evidence
    text: str | None = None
    """The content type of the text that a good answer may be in the place of JSON; None: it never is."""
    limits: tuple[Limit, ...] = ()
    """How long the arrays of its body may be."""
    parameters: tuple[Parameter, ...] = ()


@attrs.frozen(kw_only=True)
class BatchPlan:
    """How an operation on an array of limited length becomes one on an array of any length. All fields by their Python names."""

    operation: Operation
    split: str
    """The array of the body that is split."""
    size: int
    """How many items of it go with a call."""
    add: tuple[str, ...]
    """The numbers of the result that are added up."""
    join: tuple[str, ...]
    """The lists of the result that are joined."""
    shift: str | None = None
    """The field of the joined items that says a position in the array; None: there is none."""
