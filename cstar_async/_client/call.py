"""One call on its way through the client: what is sent, what it goes by, and how it went."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import attrs

from cstar_async._client.settings import CallSettings
from cstar_async._protocol.idempotency import new_key
from cstar_async._protocol.messages import RawResponse, Request
from cstar_async.errors import CStarError


class CallTarget(Protocol):
    """What a call is named after in errors, hooks and logs."""

    @property
    def id(self) -> str: ...
    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...


@attrs.frozen
class RawTarget:
    """A path of the caller's own, which the document does not describe."""

    id: str
    method: str
    path: str


class Call(Request):
    """One call on its way: what is sent, what it goes by, and in the end how it went."""

    __slots__ = (
        "_id",
        "attempts",
        "deadline_at",
        "hooks_notified",
        "idempotency_key",
        "is_team_scoped",
        "response",
        "settings",
        "started",
        "target",
    )  # fmt: skip

    response: RawResponse
    """The answer; there is one when the call was performed."""

    def __init__(
        self,
        target: CallTarget,
        path: str,
        query: str,
        headers: Mapping[str, str] | None,
        body: bytes | None,
        is_under_team: bool,
        idempotency_key: str | None,
        settings: CallSettings,
        started: float,
        deadline_at: float | None,
    ) -> None:
        # All by position: keywords would double the time that it takes to make one.
        self.target = target
        self.method = target.method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
        self.is_team_scoped = is_under_team
        self.idempotency_key = idempotency_key
        self.settings = settings
        self.started = started
        self.deadline_at = deadline_at
        self.attempts = 0
        self.hooks_notified = False
        self._id = ""

    @property
    def id(self) -> str:
        """What observers know it by; made when first asked for, since mostly nobody asks."""
        self._id = self._id or new_key()
        return self._id

    def annotate(self, error: CStarError) -> None:
        """Write on an error which call it ended."""
        error.operation = self.target.id
        error.attempts = self.attempts
        error.idempotency_key = self.idempotency_key


class StreamCall(Call):
    """A call whose answer has no end."""

    __slots__ = ()

    stream = True
