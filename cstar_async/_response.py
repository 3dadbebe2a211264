"""What `with_response` gives: the data of one call, and everything that is known of how it went."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

import attrs

from cstar_async._rate_limit import RateLimitState

T = TypeVar("T")


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


class Recorder:
    """Keeps the response of the next call that is made in its context."""

    __slots__ = ("response",)

    def __init__(self) -> None:
        self.response: Response[Any] | None = None


RECORDER: Final[ContextVar[Recorder | None]] = ContextVar("cstar_async_recorder", default=None)
"""Who wants to know of the call made in this context. A context variable, so that concurrent calls cannot see each other's."""
