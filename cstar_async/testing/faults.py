"""What goes wrong on purpose: faults as values, and which of them a request meets.

Theory. A fault chooses requests (operation, method, path, predicate, chance, number of times) and does one of these to them:

- answers in the place of the server: a status, a body of any kind, or both;
- breaks the connection: drops it, resets it, or cuts the answer short;
- adds: a delay, or headers on the real answer.

Answering, dropping and resetting happen *before* the server acts, unless *after* says otherwise; a cut is always after. A request
meets at most one fault that answers or breaks, the first added that chooses it, and all those that only add; a fault that stood
behind is not used up. What befalls a request before the server acts befalls it at the door: nothing is counted or stored.

This room decides and counts. It breaks nothing itself and knows no socket and no clock; chance is an injected `Random`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Final, Literal, TypeAlias

import attrs
import orjson

from cstar_async._json import JSONObject
from cstar_async.testing.answers import Answer, Envelopes, Refusal
from cstar_async.testing.journal import ReceivedRequest

Moment: TypeAlias = Literal["before", "after"]
"""Before the server acts on a request, or after."""

Chooser: TypeAlias = Callable[[ReceivedRequest], bool]

_OWN_HEADERS: Final = frozenset({"content-type", "content-length"})


@attrs.define(kw_only=True, eq=False)
class Fault:
    """One thing that goes wrong, as `FaultBoard.add()` describes it."""

    operation: str | None = None
    method: str | None = None
    path: str | None = None
    when: Chooser | None = None
    times: int | None = 1
    """How often it may still be met; None: for ever."""
    probability: float = 1.0
    status: int | None = None
    body: bytes | None = None
    content_type: str = "application/json"
    code: str | None = None
    message: str | None = None
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str])
    delay: float = 0.0
    drop: Moment | None = None
    reset: bool = False
    cut: int | None = None
    after: bool = False
    fired: int = 0
    """How often it was met."""

    @property
    def answers(self) -> bool:
        """Whether it answers in the place of the server."""
        return self.status is not None or self.body is not None

    @property
    def breaks(self) -> bool:
        """Whether it breaks the connection."""
        return self.drop is not None or self.reset or self.cut is not None

    @property
    def is_silent(self) -> bool:
        """Whether the connection ends without an answer."""
        return self.drop is not None or self.reset

    @property
    def moment(self) -> Moment:
        """When it strikes."""
        return "after" if self.after or self.drop == "after" or (self.cut is not None and not self.answers) else "before"

    def concerns(self, request: ReceivedRequest) -> bool:
        """Whether it chooses a request, chance and count aside."""
        return (
            self.operation in (None, request.operation)
            and self.method in (None, request.method)
            and (self.path is None or self.path in request.path)
            and (self.when is None or self.when(request))
        )

    def answer(self, real: Answer | None, *, request_id: str, at: str) -> Answer:
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
            return Answer(status=status, body=self.body, content_type=self.content_type)
        status = self.status or 500
        message = self.message or f"A fault of the fake: status {status}."
        return Envelopes().bad(Refusal(status, self.code, message), request_id=request_id, at=at)


@attrs.frozen(kw_only=True)
class FaultPlan:
    """What a request is going to meet."""

    delay_before: float = 0.0
    delay_after: float = 0.0
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str])
    before: Fault | None = None
    after: Fault | None = None


class FaultBoard:
    """The faults of a fake.

    Args:
        random: The chance of faults with a probability.
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        self._faults: list[Fault] = []

    def __iter__(self) -> Iterator[Fault]:
        return iter(self._faults)

    def __len__(self) -> int:
        return len(self._faults)

    def add(
        self,
        *,
        operation: str | None = None,
        method: str | None = None,
        path: str | None = None,
        when: Chooser | None = None,
        times: int | None = 1,
        probability: float = 1.0,
        status: int | None = None,
        body: bytes | str | JSONObject | None = None,
        content_type: str | None = None,
        code: str | None = None,
        message: str | None = None,
        headers: Mapping[str, str] | None = None,
        retry_after: float | str | None = None,
        delay: float = 0.0,
        drop: Moment | None = None,
        reset: bool = False,
        cut: int | None = None,
        after: bool = False,
    ) -> Fault:
        """Let something go wrong from now on.

        Which requests: all that every given selector chooses. A fault that only delays or only has headers lets the server answer.

        Args:
            operation: Only this operation, by id, such as `create_ticket`.
            method: Only this HTTP method.
            path: Only paths that contain this text, as they were sent.
            when: Only requests for which this returns true.
            times: How often; default once, None: for ever.
            probability: How likely a chosen request meets it, above 0 to 1, default 1; drawn from the fake's seeded chance.
            status: Answer with this status, 200 to 599; without *body* with an error in the usual envelope.
            body: Answer with this body: bytes and text as given, a mapping as JSON.
            content_type: Of *body*; default `application/json`.
            code: The `error.code` of an error in the usual envelope; default the usual one of the status.
            message: The `error.message` of the same.
            headers: Headers of the answer, over the usual ones.
            retry_after: The header `Retry-After`, in seconds or as a date in text.
            delay: Seconds, on the fake's clock, that the server thinks before it acts; with *after*, before it answers.
            drop: Close the connection without an answer, `"before"` or `"after"` the server has acted.
            reset: Reset the connection (RST) without an answer.
            cut: Close the connection after this many bytes of the body, when `Content-Length` promises more; strikes after the
                server has acted, or cuts the answer that *status* and *body* describe.
            after: Strike after the server has acted; default before.

        Returns:
            The fault; `fired` says how often it was met.

        Raises:
            ValueError: There is nothing to do, two things exclude each other, or a value is out of its range.
        """
        merged = dict(headers or {})
        if retry_after is not None:
            merged["Retry-After"] = retry_after if isinstance(retry_after, str) else f"{retry_after:g}"
        fault = Fault(
            operation=operation,
            method=method.upper() if method else None,
            path=path,
            when=when,
            times=times,
            probability=probability,
            status=status,
            body=_as_bytes(body),
            content_type=content_type or "application/json",
            code=code,
            message=message,
            headers=merged,
            delay=delay,
            drop=drop,
            reset=reset,
            cut=cut,
            after=after,
        )
        _check(fault)
        self._faults.append(fault)
        return fault

    def remove(self, fault: Fault) -> None:
        """Take a fault away; one that is not there is no error."""
        if fault in self._faults:
            self._faults.remove(fault)

    def clear(self) -> None:
        """Take all faults away."""
        self._faults.clear()

    def plan(self, request: ReceivedRequest) -> FaultPlan:
        """What a request meets; counts the faults that it meets as fired."""
        met: list[Fault] = []
        ending: Fault | None = None
        for fault in self._faults:
            ends = fault.answers or fault.breaks
            if (ends and ending is not None) or not self._strikes(fault, request):
                continue
            fault.fired += 1
            fault.times = None if fault.times is None else fault.times - 1
            met.append(fault)
            ending = fault if ends else ending
        return FaultPlan(
            delay_before=sum(fault.delay for fault in met if not fault.after),
            delay_after=sum(fault.delay for fault in met if fault.after),
            headers={name: value for fault in met for name, value in fault.headers.items()},
            before=ending if ending is not None and ending.moment == "before" else None,
            after=ending if ending is not None and ending.moment == "after" else None,
        )

    def _strikes(self, fault: Fault, request: ReceivedRequest) -> bool:
        if fault.times == 0 or not fault.concerns(request):
            return False
        return fault.probability >= 1.0 or self._random.random() < fault.probability


def _as_bytes(body: bytes | str | JSONObject | None) -> bytes | None:
    if body is None or isinstance(body, bytes):
        return body
    return body.encode() if isinstance(body, str) else orjson.dumps(dict(body))


def _check(fault: Fault) -> None:
    """See that a fault makes sense.

    Raises:
        ValueError: It does not.
    """
    if not (fault.answers or fault.breaks or fault.delay or fault.headers):
        raise ValueError("a fault needs something to do: status, body, headers, retry_after, delay, drop, reset or cut")
    if fault.is_silent and (fault.answers or fault.cut is not None):
        raise ValueError("a dropped or reset connection carries no answer: leave out status, body and cut")
    if fault.drop == "before" and fault.after:
        raise ValueError("drop='before' and after=True exclude each other")
    if fault.status is not None and not 200 <= fault.status <= 599:
        raise ValueError(f"a status is a number from 200 to 599, not {fault.status}")
    if not 0 < fault.probability <= 1:
        raise ValueError(f"a probability is above 0 and at most 1, not {fault.probability}")
    if (fault.times is not None and fault.times < 1) or fault.delay < 0 or (fault.cut is not None and fault.cut < 0):
        raise ValueError("times is at least 1, delay and cut at least 0")
    if {name.lower() for name in fault.headers} & _OWN_HEADERS:
        raise ValueError("Content-Type has an argument of its own (content_type), and Content-Length follows from the body")
