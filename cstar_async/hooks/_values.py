"""The values that hooks get, and the base class of hooks."""

from __future__ import annotations

from typing import ClassVar, Literal

import attrs

from cstar_async._types import Priority, RateLimitState


@attrs.frozen(kw_only=True)
class HookInfo:
    """What the hook values of a call have in common."""

    hook: ClassVar[str]
    """The method of `Hooks` that handles the value."""
    call_id: str
    """Unique for each call."""
    operation: str
    """The operationId, such as `create_ticket`; `request` for `CStarClient.request`."""
    method: str
    path: str
    """The path template, without ids. For `CStarClient.request`, the path as given."""


@attrs.frozen(kw_only=True)
class CallStartInfo(HookInfo):
    """A call starts. A `CallEndInfo` always follows."""

    hook: ClassVar[str] = "on_call_start"
    host: str
    """Host name or IP address of the server."""
    port: int


@attrs.frozen(kw_only=True)
class RequestInfo(HookInfo):
    """A request is about to be sent."""

    hook: ClassVar[str] = "on_request"
    attempt: int
    """From 1."""
    idempotency_key: str | None


@attrs.frozen(kw_only=True)
class ResponseInfo(HookInfo):
    """A response was received, whatever its status."""

    hook: ClassVar[str] = "on_response"
    attempt: int
    """From 1."""
    status: int
    elapsed: float
    """Seconds from sending the request to the end of the response."""
    rate_limit: RateLimitState | None
    """The rate limit stated by this response."""
    request_id: str | None
    """The request id stated by the body or a header; cStar's support finds the request with it."""


@attrs.frozen(kw_only=True)
class RetryInfo(HookInfo):
    """An attempt failed and will be repeated."""

    hook: ClassVar[str] = "on_retry"
    attempt: int
    """The attempt that failed, from 1."""
    status: int | None
    """Its status; None without a response."""
    error: str
    """The class of the error that would be raised without the retry."""
    wait: float
    """Seconds until the next attempt."""


@attrs.frozen(kw_only=True)
class WaitInfo(HookInfo):
    """A call waits before it sends a request."""

    hook: ClassVar[str] = "on_wait"
    reason: Literal["rate_limit", "back_off"]
    """`rate_limit` for the limit of the client or the server, `back_off` before a retry."""
    wait: float
    """Expected seconds."""
    priority: Priority


@attrs.frozen(kw_only=True)
class CallEndInfo(HookInfo):
    """A call ended: it returned, raised, or was cancelled."""

    hook: ClassVar[str] = "on_call_end"
    attempts: int
    """Requests sent; 0 if none was."""
    status: int | None
    """Status of the last response; None without one."""
    request_id: str | None
    """The request id; cStar's support finds the request with it."""
    error: str | None
    """The class of the exception, `CancelledError` included; None if the call returned."""
    elapsed: float
    """Seconds, waits and retries included."""
    rate_limit: RateLimitState | None
    """The last known rate limit."""


@attrs.frozen(kw_only=True)
class DriftInfo:
    """A response differs from the OpenAPI spec. The call succeeds, and the value is returned as received."""

    hook: ClassVar[str] = "on_drift"
    operation: str
    """The operationId."""
    where: str
    """The JSON path without indexes: `$.data.status`, `$.data[].tags[]`."""
    kind: Literal["unknown_field", "unknown_value", "wrong_type", "missing"]
    """An unknown field or enum value, another type than specified, or a required field that is absent."""
    expected: str
    """What the spec says."""
    actual: str
    """What was received: the JSON type, or the unknown enum value."""
    correction: str = attrs.field(default="", eq=False)
    """Actions of an OpenAPI overlay that correct the spec, as JSON, without values of the response; empty if there are none."""


class Hooks:
    """Base class of hooks: override any of the methods, which do nothing here."""

    def on_call_start(self, info: CallStartInfo, /) -> None:
        """Handle the start of a call."""

    def on_request(self, info: RequestInfo, /) -> None:
        """Handle a request that is about to be sent."""

    def on_response(self, info: ResponseInfo, /) -> None:
        """Handle a response."""

    def on_retry(self, info: RetryInfo, /) -> None:
        """Handle an attempt that failed and will be repeated."""

    def on_wait(self, info: WaitInfo, /) -> None:
        """Handle a wait for a rate limit or before a retry."""

    def on_drift(self, info: DriftInfo, /) -> None:
        """Handle a difference between a response and the OpenAPI spec."""

    def on_call_end(self, info: CallEndInfo, /) -> None:
        """Handle the end of a call."""
