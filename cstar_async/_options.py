"""What a caller may set for one call: values only, no behaviour."""

from __future__ import annotations

import enum
from collections.abc import Mapping

import attrs

from cstar_async._json import JSONObject


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
    deadline: float | None = None
    """Seconds from the call, waits and retries included. None: no end but the other limits."""
    priority: Priority | None = None
    """Who goes first when calls run short."""
    headers: Mapping[str, str] | None = attrs.field(default=None, repr=False)
    """Headers for this call, over the usual ones. `Authorization` and `Idempotency-Key` have arguments of their own."""
    extra_query: Mapping[str, object] | None = attrs.field(default=None, repr=False)
    """Query parameters that the document does not know, by wire name."""
    extra_body: JSONObject | None = attrs.field(default=None, repr=False)
    """Body fields that the document does not know, by wire name."""
