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

from collections.abc import Iterator, Mapping
from random import Random

import orjson

from cstar_async._types import JSONObject
from cstar_async.testing._http.faults import Fault, FaultPlan, FaultTiming, RequestPredicate
from cstar_async.testing._http.request_log import ReceivedRequest


class FaultRegistry:
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
        match: RequestPredicate | None = None,
        max_triggers: int | None = 1,
        probability: float = 1.0,
        status: int | None = None,
        body: bytes | str | JSONObject | None = None,
        content_type: str | None = None,
        code: str | None = None,
        message: str | None = None,
        headers: Mapping[str, str] | None = None,
        retry_after: float | str | None = None,
        delay: float = 0.0,
        drop: FaultTiming | None = None,
        reset: bool = False,
        truncate_after: int | None = None,
        after: bool = False,
    ) -> Fault:
        """Let something go wrong from now on.

        Which requests: all that every given selector chooses. A fault that only delays or only has headers lets the server answer.

        Args:
            operation: Only this operation, by id, such as `create_ticket`.
            method: Only this HTTP method.
            path: Only paths that contain this text, as they were sent.
            match: Only requests for which this returns true.
            max_triggers: How often; default once, None: for ever.
            probability: How likely a chosen request meets it, above 0 to 1, default 1; drawn from the fake's seeded chance.
            status: Answer with this status, 200 to 599; without *body* with an error in the usual envelope, below 400 with nothing.
            body: Answer with this body: bytes and text as given, a mapping as JSON.
            content_type: Of *body*; default `application/json`.
            code: The `error.code` of an error in the usual envelope; default the usual one of the status.
            message: The `error.message` of the same.
            headers: Headers of the answer, over the usual ones.
            retry_after: The header `Retry-After`, in seconds or as a date in text.
            delay: Seconds, on the fake's clock, that the server thinks before it acts; with *after*, before it answers.
            drop: Close the connection without an answer, `"before"` or `"after"` the server has acted.
            reset: Reset the connection (RST) without an answer.
            truncate_after: Close the connection after this many bytes of the body, when `Content-Length` promises more; strikes after the
                server has acted, or cuts the answer that *status* and *body* describe.
            after: Strike after the server has acted; default before.

        Returns:
            The fault; `trigger_count` says how often it was met.

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
            match=match,
            max_triggers=max_triggers,
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
            truncate_after=truncate_after,
            after=after,
        )
        fault.check()
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
            if (ends and ending is not None) or not self._triggers(fault, request):
                continue
            fault.trigger_count += 1
            fault.max_triggers = None if fault.max_triggers is None else fault.max_triggers - 1
            met.append(fault)
            ending = fault if ends else ending
        return FaultPlan(
            delay_before=sum(fault.delay for fault in met if not fault.after),
            delay_after=sum(fault.delay for fault in met if fault.after),
            headers={name: value for fault in met for name, value in fault.headers.items()},
            before=ending if ending is not None and ending.moment == "before" else None,
            after=ending if ending is not None and ending.moment == "after" else None,
        )

    def _triggers(self, fault: Fault, request: ReceivedRequest) -> bool:
        if fault.max_triggers == 0 or not fault.matches(request):
            return False
        return fault.probability >= 1.0 or self._random.random() < fault.probability


def _as_bytes(body: bytes | str | JSONObject | None) -> bytes | None:
    if body is None or isinstance(body, bytes):
        return body
    return body.encode() if isinstance(body, str) else orjson.dumps(dict(body))
