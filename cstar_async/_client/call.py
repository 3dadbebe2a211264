"""One call of an operation: its request, settings and outcome."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias, TypedDict

import attrs

from cstar_async._client.settings import CallSettings
from cstar_async._operations.operation import Operation
from cstar_async._protocol.credentials import Security
from cstar_async._protocol.idempotency import new_key
from cstar_async._protocol.messages import RawResponse, Request, SharedResponse, Sink, Upload
from cstar_async.errors import CStarError, RequestTimeoutError

TRANSFER_EXPIRED: Final = "total_timeout expired during the transfer"


@attrs.frozen(eq=False, repr=False)
class RawTarget:
    """A path given by the caller."""

    id: str
    method: str
    path: str
    security: Security | None = None


CallTarget: TypeAlias = Operation | RawTarget
"""What a call is named after in errors, hooks and logs."""


class CallIdentity(TypedDict):
    """The fields that all hook values of a call have."""

    call_id: str
    operation: str
    method: str
    path: str


@attrs.define(eq=False, repr=False, weakref_slot=False)
class Call(Request):
    """One call of an operation: its request, settings and outcome."""

    # Pass all arguments by position: keywords would double the time to make a call.
    target: CallTarget
    method: str
    path: str
    query: str
    headers: Mapping[str, str] | None
    body: bytes | None
    is_team_scoped: bool
    idempotency_key: str | None
    settings: CallSettings
    started: float
    deadline: float | None
    attempts: int = attrs.field(default=0, init=False)
    hooks_notified: bool = attrs.field(default=False, init=False)
    response: RawResponse = attrs.field(init=False)
    """Set when the call succeeded."""
    _id: str = attrs.field(default="", init=False)

    @property
    def identity(self) -> CallIdentity:
        """The common fields of hook values. The id is made on first use: most calls have no hooks."""
        self._id = self._id or new_key()
        target = self.target
        return {"call_id": self._id, "operation": target.id, "method": target.method, "path": target.path}

    def copy_outcome(self, sent: Call, *, is_first: bool) -> None:
        """Take over the response of an identical call, and the notification of its end if that is still due.

        *is_first* is whether no other caller has got that response yet.
        """
        response, kind = sent.response, RawResponse if is_first else SharedResponse
        self.response, self.attempts = kind(response.status, response.headers, response.body), sent.attempts
        if sent.hooks_notified:
            self._id, self.started, self.hooks_notified, sent.hooks_notified = sent._id, sent.started, True, False

    def time_left(self, now: float) -> float | None:
        """Return the seconds until the deadline, negative after it; None without a deadline."""
        return None if self.deadline is None else self.deadline - now

    def annotate(self, error: CStarError) -> None:
        """Set the call's data on an error."""
        error.operation = self.target.id
        error.attempts = self.attempts
        error.idempotency_key = self.idempotency_key

    def expired_before(self, event: str) -> RequestTimeoutError:
        """Return the error for a deadline that has passed before an event."""
        error = RequestTimeoutError(f"total_timeout expired before {event}", request_sent=False)
        self.annotate(error)
        return error

    def expired_unsent(self) -> RequestTimeoutError:
        """Return the error for a deadline that has passed before an attempt was sent, which does not count."""
        self.attempts -= 1
        return self.expired_before("the request was sent")


@attrs.define(eq=False, repr=False, weakref_slot=False)
class TransferCall(Call):
    """A call with files, or with a response that is not read into memory."""

    upload: Upload | None = None
    sink: Sink | None = None
    stream: bool = False

    @classmethod
    def of(cls, call: Call, *, upload: Upload | None = None, sink: Sink | None = None, stream: bool = False) -> TransferCall:
        """Return a call as one that transfers files."""
        fields = {field.name: getattr(call, field.name) for field in attrs.fields(Call) if field.init}
        return cls(**fields, upload=upload or call.upload, sink=sink, stream=stream)
