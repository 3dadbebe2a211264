"""Observers of what a client does: override what you want to hear of, and pass an instance as `hooks=`.

Hooks are plain functions that get one frozen value and return nothing. They run on the event loop between the steps of a call, so
they must be quick. What they raise is logged and dropped: watching a call cannot break it. The values hold no key, no body and no
query; `idempotency_key` is the one with which a call may be repeated, not a secret.

A call is what a method of the client does: one or several attempts, and the waits between them. All that is told of a call has the
same `call_id`, and runs in the context (`contextvars`) of whoever made the call. A walk over pages is one call a page.
"""

from __future__ import annotations

from collections import Counter
from typing import Literal

import attrs

from cstar_async._redaction import redact
from cstar_async._types import Priority, RateLimitState
from cstar_async.errors import InvalidArgumentError


@attrs.frozen(kw_only=True)
class CallInfo:
    """A call begins. Whatever becomes of it, `DoneInfo` follows."""

    call_id: str
    """The same in all that is told of a call, and no other's."""
    operation: str
    """The operationId, such as `create_ticket`; `request` for a path of the caller's own."""
    method: str
    path: str
    """The template of the path: ids are not filled in. With `request`, the path as the caller wrote it."""
    host: str
    """Where it goes: a name or an address."""
    port: int


@attrs.frozen(kw_only=True)
class DoneInfo:
    """A call ended: with a result, with an error, or because it was cancelled."""

    call_id: str
    operation: str
    method: str
    path: str
    attempts: int
    """How often the request was sent; 0 if it never was."""
    status: int | None
    """Of the last answer; None if none came."""
    request_id: str | None
    """The id under which cStar's support finds the request."""
    error: str | None
    """The class of what was raised, `CancelledError` among them; None: the call succeeded."""
    elapsed: float
    """Seconds from the call to its end, waits and retries included."""
    rate_limit: RateLimitState | None
    """The rate limit as last learned."""


@attrs.frozen(kw_only=True)
class RequestInfo:
    """An attempt is about to be sent."""

    call_id: str
    operation: str
    method: str
    path: str
    attempt: int
    """From 1."""
    idempotency_key: str | None


@attrs.frozen(kw_only=True)
class ResponseInfo:
    """An attempt was answered, whatever the status."""

    call_id: str
    operation: str
    method: str
    path: str
    attempt: int
    status: int
    elapsed: float
    """Seconds from sending to the whole answer."""
    rate_limit: RateLimitState | None
    """What this answer said of the rate limit."""
    request_id: str | None
    """The id under which cStar's support finds the request, as the answer states it in its body or a header."""


@attrs.frozen(kw_only=True)
class RetryInfo:
    """An attempt failed and another follows."""

    call_id: str
    operation: str
    method: str
    path: str
    attempt: int
    """The attempt that failed, from 1."""
    status: int | None
    """Its status; None if no answer came."""
    error: str
    """The class of the error that would be raised without the retry."""
    wait: float
    """Seconds until the next attempt."""


@attrs.frozen(kw_only=True)
class WaitInfo:
    """A call waits before it is sent."""

    call_id: str
    operation: str
    method: str
    path: str
    reason: Literal["rate_limit", "back_off"]
    """Whether it waits for a limit, its own or the server's, or before a retry."""
    wait: float
    """Seconds that the wait is expected to take."""
    priority: Priority


@attrs.frozen(kw_only=True)
class DriftInfo:
    """An answer differs from the document. The call succeeded, and the value came through as it is."""

    operation: str
    where: str
    """The place in the answer, as a JSON path without indexes: `$.data.status`, `$.data[].tags[]`."""
    kind: Literal["unknown_field", "unknown_value", "wrong_type", "missing"]
    """A field or enum value that the document does not know, a type it does not promise, or a promised field that is not there."""
    expected: str
    """What the document promises."""
    actual: str
    """What came: the kind of JSON value, or the unknown enum value."""


class Hooks:
    """Does nothing. Override any of the methods."""

    def on_call(self, info: CallInfo, /) -> None:
        """A call begins."""

    def on_request(self, info: RequestInfo, /) -> None:
        """An attempt is about to be sent."""

    def on_response(self, info: ResponseInfo, /) -> None:
        """An attempt was answered."""

    def on_retry(self, info: RetryInfo, /) -> None:
        """An attempt failed and another follows."""

    def on_wait(self, info: WaitInfo, /) -> None:
        """A call waits for a rate limit or before a retry."""

    def on_drift(self, info: DriftInfo, /) -> None:
        """An answer differs from the document."""

    def on_done(self, info: DoneInfo, /) -> None:
        """A call ended, one way or another."""


class DriftCounter(Hooks):
    """Counts what answers have that the document does not know: `CStarClient(hooks=[drift := DriftCounter()])`.

    A difference is counted once per answer, however many rows have it. Texts of the server are shortened, and keys and addresses
    in them made unreadable. Comparing answers with the document costs more than decoding them: meant for tests, a canary, or a
    first week.

    Args:
        max_entries: How many different differences are told apart, from 1. Those that are new after that are only counted together.

    Raises:
        InvalidArgumentError: *max_entries* is below 1.
    """

    def __init__(self, *, max_entries: int = 1000) -> None:
        if max_entries < 1:
            raise InvalidArgumentError(f"max_entries is a number from 1, not {max_entries!r}")
        self._max_entries = max_entries
        self._counts: Counter[DriftInfo] = Counter()
        self._overflow_count = 0

    @property
    def counts(self) -> dict[DriftInfo, int]:
        """In how many answers each difference was found, the most frequent first."""
        return dict(self._counts.most_common())

    @property
    def overflow_count(self) -> int:
        """How often a difference was found after there was no room for new ones."""
        return self._overflow_count

    def on_drift(self, info: DriftInfo, /) -> None:
        """Count it."""
        told = attrs.evolve(info, where=redact(info.where), actual=redact(info.actual))
        if told in self._counts or len(self._counts) < self._max_entries:
            self._counts[told] += 1
        else:
            self._overflow_count += 1

    def report(self) -> str:
        """A line for each difference, the most frequent first; empty if answers are as the document says."""
        lines = [f"{count:>6}  {info.operation}  {info.where}: {_described(info)}" for info, count in self.counts.items()]
        return "\n".join([*lines, *([f"{self._overflow_count:>6}  others"] if self._overflow_count else [])])


def _described(info: DriftInfo) -> str:
    if info.kind == "unknown_field":
        return f"unknown field ({info.actual})"
    if info.kind == "unknown_value":
        return f"unknown value {info.actual!r}"
    return f"{info.actual} instead of {info.expected}"
