"""Values that every layer shares: JSON and its guards, `UNSET`, options, the state of a rate limit, page info, responses."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Generic, Literal, TypeAlias, TypeGuard, TypeVar

import attrs

T = TypeVar("T")

JSON: TypeAlias = dict[str, "JSON"] | list["JSON"] | str | int | float | bool | None
"""Any JSON value, as the package hands it out."""

JSONObject: TypeAlias = Mapping[str, object]
"""A JSON object, as callers may write it: any mapping. What JSON cannot hold is refused when the body is built."""

UntypedJSON: TypeAlias = Any
"""A value as it came over the wire. The document's types are promises of the server and are passed on, never enforced."""


def is_str(value: object) -> TypeGuard[str]:
    """Whether a value is a text, whatever its annotation promises: callers need not use a type checker, and servers do not."""
    return isinstance(value, str)


def is_int(value: object) -> TypeGuard[int]:
    """Whether a value is a whole number. JSON and callers mean no number by true and false, though Python counts them as such."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_object(value: object) -> TypeGuard[dict[str, UntypedJSON]]:
    """Whether a parsed value is a JSON object."""
    return isinstance(value, dict)


def is_array(value: object) -> TypeGuard[list[UntypedJSON]]:
    """Whether a parsed value is a JSON array."""
    return isinstance(value, list)


def is_mapping(value: object) -> TypeGuard[Mapping[object, object]]:
    """Whether a value of the caller's can become a JSON object."""
    return isinstance(value, Mapping)


class Unset(enum.Enum):
    """The type of `UNSET`: an enum with one member, so that `is UNSET` narrows a type and copies and pickles stay identical."""

    UNSET = "UNSET"

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = Unset.UNSET
"""The default of every optional argument: the field is not sent at all."""


class Priority(enum.IntEnum):
    """Who goes first when the hour's calls run short. Lower goes first."""

    INTERACTIVE = 0
    """A person is waiting: may use the whole budget."""
    BACKGROUND = 1
    """An export, a sync, a report: leaves a reserve of the budget to interactive calls."""


@attrs.frozen(kw_only=True)
class RequestOptions:
    """Settings for one call, over those of the client. What is None is taken from the client."""

    timeout: float | None = None
    """Seconds for one attempt, without the wait for a free connection."""
    max_retries: int | None = None
    """Attempts after the first; 0 turns retries off."""
    max_wait: float | None = None
    """Seconds: the longest single wait for a rate limit or a back-off."""
    total_timeout: float | None = None
    """Seconds from the call, waits and retries included. None: no end but the other limits."""
    priority: Priority | None = None
    """Who goes first when calls run short."""
    headers: Mapping[str, str] | None = attrs.field(default=None, repr=False)
    """Headers for this call, over the usual ones. `Authorization` and `Idempotency-Key` have arguments of their own."""
    extra_query: Mapping[str, object] | None = attrs.field(default=None, repr=False)
    """Query parameters that the document does not know, by wire name."""
    extra_body: JSONObject | None = attrs.field(default=None, repr=False)
    """Body fields that the document does not know, by wire name."""


@attrs.frozen
class RateLimitState:
    """What the server last said of the rate limit of this key."""

    limit: int
    """Calls allowed in a window."""
    remaining: int
    """Calls left in this window, as of the last answer."""
    reset_at: datetime | None
    """When the next window begins, in UTC; None if the server did not say."""
    window: float | None
    """Seconds of a window; None if the server did not say."""


@attrs.frozen(kw_only=True)
class PageInfo:
    """Where a page stands in its list, as the server said; both documented forms read alike."""

    total: int | None = None
    """Rows in the whole list."""
    page: int | None = None
    """The number of this page, from 1."""
    page_size: int | None = None
    """Rows that a full page has."""
    has_more: bool = False
    """Whether there is a page after this one; worked out from the numbers where it is not stated."""
    total_pages: int | None = None
    """Pages in the whole list; older answers only."""


@attrs.frozen(kw_only=True)
class Response(Generic[T]):
    """The answer to one call, with its circumstances."""

    data: T = attrs.field(repr=False)
    """What the method itself would have returned."""
    status: int
    headers: Mapping[str, str] = attrs.field(repr=False)
    """Of the last answer; names are matched without regard to case."""
    request_id: str | None
    """The id under which cStar's support finds the request."""
    timestamp: datetime | None
    """When the server answered, by its own clock."""
    rate_limit: RateLimitState | None
    """The rate limit as this answer stated it."""
    attempts: int
    """How often the request was sent."""
    idempotency_key: str | None
    """The key under which the call can be repeated; None where none was sent."""
    elapsed: float
    """Seconds from the call to its answer, waits and retries included."""


def json_type_name(value: UntypedJSON) -> str:
    """What a JSON value is, in words."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "an array"
    if isinstance(value, str):
        return "a text"
    if value is None:
        return "null"
    return "a boolean" if isinstance(value, bool) else "a number"
