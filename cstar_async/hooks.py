"""Hooks: override methods of `Hooks` and pass instances as `hooks=` to a client.

A hook is a plain function that gets one frozen value and returns nothing. It runs on the event loop in the middle of a call, so it
must be fast. An exception in a hook is logged and dropped: it cannot break the call. The values hold no key, body or query.

A call is one use of a client method: one or more attempts and the waits between them. All values of a call have the same `call_id`,
and its hooks run in the `contextvars` context of the caller. An iteration over pages is one call a page.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import ClassVar, Literal

import attrs

from cstar_async._types import Priority, RateLimitState
from cstar_async._values.redaction import redact
from cstar_async._values.validation import check_choice, validate_count


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


class DriftCounter(Hooks):
    """Count differences between responses and the OpenAPI spec: `CStarClient(hooks=[drift := DriftCounter()])`.

    A difference counts once per response, however many items have it. Strings of the server are shortened and redacted. The
    comparison costs more than decoding: use it in tests, in a canary, or for a first week.

    Args:
        max_entries: Distinct differences that are kept, from 1. Further ones are only counted together.

    Raises:
        InvalidArgumentError: *max_entries* is below 1.
    """

    def __init__(self, *, max_entries: int = 1000) -> None:
        self._max_entries = validate_count("max_entries", max_entries, 1)
        self._counts: Counter[DriftInfo] = Counter()
        self._overflow_count = 0

    @property
    def counts(self) -> dict[DriftInfo, int]:
        """The number of responses with each difference, most frequent first."""
        return dict(self._counts.most_common())

    @property
    def overflow_count(self) -> int:
        """How many differences were found after *max_entries* was reached."""
        return self._overflow_count

    def on_drift(self, info: DriftInfo, /) -> None:
        """Count a difference."""
        redacted = attrs.evolve(info, where=redact(info.where), actual=redact(info.actual))
        if redacted in self._counts or len(self._counts) < self._max_entries:
            self._counts[redacted] += 1
        else:
            self._overflow_count += 1

    def report(self, format: Literal["text", "overlay"] = "text") -> str:
        """Return the differences, most frequent first; empty without any.

        Args:
            format: `text` (default): one line per difference. `overlay`: an OpenAPI overlay as JSON, a proposal
                for `cstar-async codegen --overlay`. It has the new names and types, and no values but those of enums.

        Raises:
            InvalidArgumentError: *format* is none of these.
        """
        check_choice("format", format, ("text", "overlay"))
        if format == "overlay":
            return self._overlay()
        lines = [f"{count:>6}  {info.operation}  {info.where}: {_describe(info)}" for info, count in self.counts.items()]
        return "\n".join([*lines, *([f"{self._overflow_count:>6}  others"] if self._overflow_count else [])])

    def _overlay(self) -> str:
        actions: dict[str, dict[str, object]] = {}
        for info, count in self.counts.items():
            description = f"{info.operation}, {info.where}: {_describe(info)}; in {count} responses."
            for action in json.loads(info.correction or "[]"):
                actions.setdefault(json.dumps(action), {**action, "description": description})
        if not actions:
            return ""
        overlay = {"overlay": "1.0.0", "info": {"title": "Observed differences", "version": "1"}, "actions": [*actions.values()]}
        return json.dumps(overlay, indent=2, ensure_ascii=False) + "\n"


def _describe(info: DriftInfo) -> str:
    if info.kind == "unknown_field":
        return f"unknown field ({info.actual})"
    if info.kind == "unknown_value":
        return f"unknown value {info.actual!r}"
    return f"{info.actual} instead of {info.expected}"
