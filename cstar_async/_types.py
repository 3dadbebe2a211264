"""Values that all layers share: JSON types and guards, `UNSET`, request options, rate limit state, page info, responses."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from types import NoneType
from typing import Any, Final, Generic, Literal, TypeAlias, TypeGuard, TypeVar

import attrs

from cstar_async._values.repr import FieldRepr

T = TypeVar("T")

JSON: TypeAlias = dict[str, "JSON"] | list["JSON"] | str | int | float | bool | None
"""A JSON value that the package returns."""

JSONObject: TypeAlias = Mapping[str, object]
"""A JSON object that a caller passes: any mapping. Values that JSON cannot represent are refused when the body is built."""

UntypedJSON: TypeAlias = Any
"""A value as received. The types of the OpenAPI spec are not enforced."""


def is_str(value: object) -> TypeGuard[str]:
    """Return whether a value is a str, whatever its annotation says: neither callers nor servers need follow it."""
    return isinstance(value, str)


def is_int(value: object) -> TypeGuard[int]:
    """Return whether a value is an int, and not a bool."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_object(value: object) -> TypeGuard[dict[str, UntypedJSON]]:
    """Return whether a parsed value is a JSON object."""
    return isinstance(value, dict)


def is_array(value: object) -> TypeGuard[list[UntypedJSON]]:
    """Return whether a parsed value is a JSON array."""
    return isinstance(value, list)


def is_mapping(value: object) -> TypeGuard[Mapping[object, object]]:
    """Return whether a value can become a JSON object."""
    return isinstance(value, Mapping)


class Unset(enum.Enum):
    """The type of `UNSET`: an enum of one member, so that `is UNSET` narrows types and a copy is the same object."""

    UNSET = "UNSET"

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = Unset.UNSET
"""The default of optional arguments: the field is not sent."""


class Priority(enum.IntEnum):
    """The order in which calls are sent when the rate limit is short. Lower values go first."""

    INTERACTIVE = 0
    """A person is waiting. Such calls may use the whole limit."""
    BACKGROUND = 1
    """An export, a sync or a report. Such calls leave a reserve to interactive ones."""


class _AttrsRepr(FieldRepr):
    """Show the fields without `repr=False` in `repr()`, and all fields in rich, pprint and IPython."""

    __slots__ = ()

    def _all_fields(self) -> Iterable[tuple[str, object]]:
        kind: UntypedJSON = type(self)
        return ((field.name, getattr(self, field.name)) for field in attrs.fields(kind))

    def _loggable_fields(self) -> Iterable[tuple[str, object]]:
        kind: UntypedJSON = type(self)
        return ((field.name, getattr(self, field.name)) for field in attrs.fields(kind) if field.repr)


@attrs.frozen(kw_only=True, repr=False)
class RequestOptions(_AttrsRepr):
    """Options of one call, which replace those of the client. None keeps the client's.

    Attributes:
        timeout: Seconds for one attempt.
        max_retries: Attempts after the first.
        max_wait: Seconds of the longest single wait for a rate limit or a back-off.
        total_timeout: Seconds for the whole call, waits and retries included.
        priority: Priority of the call.
        headers: Headers in addition to the client's, or in their place.
        extra_query: Query parameters that the method does not have, by wire name.
        extra_body: Body fields that the method does not have, by wire name.
    """

    timeout: float | None = None
    """Seconds for one attempt, above 0, without the wait for a free connection."""
    max_retries: int | None = None
    """Attempts after the first, from 0."""
    max_wait: float | None = None
    """Seconds, from 0: the longest single wait for a rate limit or a back-off."""
    total_timeout: float | None = None
    """Seconds for the whole call, above 0, waits and retries included. None: unlimited."""
    priority: Priority | None = None
    """Priority of the call."""
    headers: Mapping[str, str] | None = attrs.field(default=None, repr=False)
    """Headers in addition to the client's, or in their place. `Authorization` and `Idempotency-Key` are refused."""
    extra_query: Mapping[str, object] | None = attrs.field(default=None, repr=False)
    """Query parameters that the method does not have, by wire name."""
    extra_body: JSONObject | None = attrs.field(default=None, repr=False)
    """Body fields that the method does not have, by wire name."""


@attrs.frozen
class RateLimitState:
    """The rate limit of a key, as last stated by the server."""

    limit: int
    """Calls per window."""
    remaining: int
    """Calls left in the window."""
    reset_at: datetime | None
    """When the next window begins, in UTC; None if not stated."""
    window: float | None
    """Seconds of a window; None if not stated."""


@attrs.frozen(kw_only=True)
class PageInfo:
    """The position of a page in its list, from either documented form."""

    total: int | None = None
    """Items in the list."""
    page: int | None = None
    """Number of the page, from 1."""
    page_size: int | None = None
    """Items of a full page."""
    has_more: bool = False
    """Whether another page follows; computed if not stated."""
    total_pages: int | None = None
    """Pages in the list; only in the older form."""
    next_cursor: str | None = attrs.field(default=None, repr=False)
    """Where the next page begins, in a list with cursors: a part of its query, encoded. None: it is the last, or has no cursors."""


@attrs.frozen(kw_only=True, repr=False)
class Response(_AttrsRepr, Generic[T]):
    """The response to a call, returned by `with_response()` and `request()`."""

    data: T = attrs.field(repr=False)
    """What the method returns."""
    status: int
    headers: Mapping[str, str] = attrs.field(repr=False)
    """Case-insensitive."""
    request_id: str | None
    """The request id; cStar's support finds the request with it."""
    timestamp: datetime | None
    """The server's time of the response."""
    rate_limit: RateLimitState | None
    """The rate limit stated by this response."""
    attempts: int
    """How many requests were sent."""
    idempotency_key: str | None = attrs.field(repr=False)
    """The key that makes repeating the call safe; None if none was sent."""
    elapsed: float
    """Seconds from the start of the call, waits and retries included."""

    def _loggable_fields(self) -> Iterable[tuple[str, object]]:
        if isinstance(self.data, FieldRepr):
            yield "data", self.data
        yield from super()._loggable_fields()

    def __reduce__(self) -> tuple[partial[Response[T]], tuple[()]]:
        from multidict import CIMultiDict  # loaded with aiohttp

        fields: dict[str, UntypedJSON] = {**dict(self._all_fields()), "headers": CIMultiDict(self.headers)}
        return partial(type(self), **fields), ()  # aiohttp's view of the headers cannot be pickled


_JSON_TYPES: Final[Mapping[type, str]] = {
    bool: "boolean",
    str: "string",
    int: "integer",
    float: "number",
    dict: "object",
    list: "array",
    NoneType: "null",
}


def json_type(value: UntypedJSON) -> str:
    """Return the JSON type of a parsed value."""
    return _JSON_TYPES[type(value)]


def json_type_name(value: UntypedJSON) -> str:
    """Return the JSON type of a parsed value for an error message."""
    kind = json_type(value)
    return {"array": "an array", "object": "an object", "null": "null", "integer": "a number"}.get(kind, f"a {kind}")
