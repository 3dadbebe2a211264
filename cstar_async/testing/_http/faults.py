"""One thing that goes wrong on purpose, as a value, and what a request is going to meet of such things.

How they are chosen and in which order they strike is told in `fault_board`. Nothing is broken here: no socket, no clock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Literal, TypeAlias

import attrs

from cstar_async.testing._http.request_log import ReceivedRequest
from cstar_async.testing._http.responses import APIFailure, Envelopes, ServerResponse

FaultTiming: TypeAlias = Literal["before", "after"]
"""Before the server acts on a request, or after."""

RequestPredicate: TypeAlias = Callable[[ReceivedRequest], bool]

_OWN_HEADERS: Final = frozenset({"content-type", "content-length"})


@attrs.define(kw_only=True, eq=False)
class Fault:
    """One thing that goes wrong, as `FaultRegistry.add()` describes it."""

    operation: str | None = None
    method: str | None = None
    path: str | None = None
    match: RequestPredicate | None = None
    max_triggers: int | None = 1
    """How often it may still be met; None: for ever."""
    probability: float = 1.0
    status: int | None = None
    body: bytes | None = None
    content_type: str = "application/json"
    code: str | None = None
    message: str | None = None
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str])
    delay: float = 0.0
    drop: FaultTiming | None = None
    reset: bool = False
    truncate_after: int | None = None
    after: bool = False
    trigger_count: int = 0
    """How often it was met."""

    @property
    def answers(self) -> bool:
        """Whether it answers in the place of the server."""
        return self.status is not None or self.body is not None

    @property
    def breaks(self) -> bool:
        """Whether it breaks the connection."""
        return self.drop is not None or self.reset or self.truncate_after is not None

    @property
    def closes_without_response(self) -> bool:
        """Whether the connection ends without an answer."""
        return self.drop is not None or self.reset

    @property
    def moment(self) -> FaultTiming:
        """When it strikes."""
        return "after" if self.after or self.drop == "after" or (self.truncate_after is not None and not self.answers) else "before"

    def matches(self, request: ReceivedRequest) -> bool:
        """Whether it chooses a request, chance and count aside."""
        return (
            self.operation in (None, request.operation)
            and self.method in (None, request.method)
            and (self.path is None or self.path in request.path)
            and (self.match is None or self.match(request))
        )

    def check(self) -> None:
        """See that it makes sense.

        Raises:
            ValueError: It does not.
        """
        if not (self.answers or self.breaks or self.delay or self.headers):
            raise ValueError("a fault needs something to do: status, body, headers, retry_after, delay, drop, reset or cut")
        if self.closes_without_response and (self.answers or self.truncate_after is not None):
            raise ValueError("a dropped or reset connection carries no answer: leave out status, body and cut")
        if self.drop == "before" and self.after:
            raise ValueError("drop='before' and after=True exclude each other")
        if self.status is not None and not 200 <= self.status <= 599:
            raise ValueError(f"a status is a number from 200 to 599, not {self.status}")
        if not 0 < self.probability <= 1:
            raise ValueError(f"a probability is above 0 and at most 1, not {self.probability}")
        if (
            (self.max_triggers is not None and self.max_triggers < 1)
            or self.delay < 0
            or (self.truncate_after is not None and self.truncate_after < 0)
        ):
            raise ValueError("times is at least 1, delay and cut at least 0")
        if {name.lower() for name in self.headers} & _OWN_HEADERS:
            raise ValueError("Content-Type has an argument of its own (content_type), and Content-Length follows from the body")

    def answer(self, real: ServerResponse | None, *, request_id: str, at: str) -> ServerResponse:
        """What is answered in the place of the server; the real answer when the fault only breaks it.

        Args:
            real: What the server has answered; None when it was not asked.
            request_id: For the error envelope.
            at: The timestamp of the error envelope.
        """
        if real is not None and not self.answers:
            return real
        if self.body is not None:
            status = self.status or (real.status if real is not None else 200)
            return ServerResponse(status=status, body=self.body, content_type=self.content_type)
        status = self.status or 500
        if status < 400:
            return ServerResponse(status=status)
        message = self.message or f"A fault of the fake: status {status}."
        return Envelopes().error(APIFailure(status, self.code, message), request_id=request_id, at=at)


@attrs.frozen(kw_only=True)
class FaultPlan:
    """What a request is going to meet."""

    delay_before: float = 0.0
    delay_after: float = 0.0
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str])
    before: Fault | None = None
    after: Fault | None = None
