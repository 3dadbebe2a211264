"""Faults: what goes wrong on purpose, and which requests are affected.

How it works. A fault selects requests by operation, method, path, predicate, probability and number of times. It does one of these:

- respond instead of the server: a status, a body of any type, or both;
- break the connection: close it, reset it, or truncate the response;
- add: a delay, or headers on the real response.

A fault acts *before* the server handles the request, unless `after` is set; a truncation is always after. A request meets at most
one fault that responds or breaks (the first one added that matches) and every fault that only adds. A fault that was passed over is
not counted. A response of a fault before the server acts counts against no rate limit and stores nothing.

This module decides and counts. It opens no socket and reads no clock; randomness comes from an injected `Random`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Final, Generic, Literal, Protocol, TypeAlias, TypeVar

import attrs

from cstar_async._model.codec import encode_body
from cstar_async._protocol.headers import validate_headers
from cstar_async._types import JSONObject, is_str
from cstar_async._values.repr import short_repr
from cstar_async._values.validation import (
    check_choice,
    check_instance,
    check_str,
    invalid,
    is_number,
    validate_count,
    validate_seconds,
)
from cstar_async.errors import InvalidArgumentError
from cstar_async.testing._errors import APIFailure
from cstar_async.testing._http.request_log import ReceivedRequest
from cstar_async.testing._http.responses import Envelopes, ServerResponse

FaultTiming: TypeAlias = Literal["before", "after"]
"""Before or after the server handles the request."""

RequestPredicate: TypeAlias = Callable[[ReceivedRequest], bool]

_OWN_HEADERS: Final = frozenset({"content-type", "content-length"})


@attrs.define(kw_only=True, eq=False)
class Fault:
    """One fault, as `FaultRegistry.add()` describes it."""

    operation: str | None = None
    method: str | None = None
    path: str | None = None
    match: RequestPredicate | None = None
    max_triggers: int | None = 1
    """How often it can still trigger; None: without limit."""
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
    """How often it has triggered."""

    @property
    def responds(self) -> bool:
        """Whether it responds instead of the server."""
        return self.status is not None or self.body is not None

    @property
    def breaks(self) -> bool:
        """Whether it breaks the connection."""
        return self.drop is not None or self.reset or self.truncate_after is not None

    @property
    def closes_without_response(self) -> bool:
        """Whether the connection ends without a response."""
        return self.drop is not None or self.reset

    @property
    def timing(self) -> FaultTiming:
        """When it triggers."""
        return (
            "after" if self.after or self.drop == "after" or (self.truncate_after is not None and not self.responds) else "before"
        )


def _matches(fault: Fault, request: ReceivedRequest) -> bool:
    """Return whether a fault can trigger for a request, probability aside."""
    return (
        fault.max_triggers != 0
        and fault.operation in (None, request.operation)
        and fault.method in (None, request.method)
        and (fault.path is None or fault.path in request.path)
        and (fault.match is None or fault.match(request))
    )


def check_triggers(max_triggers: object, probability: object) -> None:
    """Check the arguments that say how often a fault triggers."""
    if max_triggers is not None:
        validate_count("max_triggers", max_triggers, 1)
    if not is_number(probability) or not 0 < probability <= 1:
        raise invalid("probability", "a number above 0, at most 1", probability)


def _check(fault: Fault) -> None:
    """Check that the values of a fault are in range and make sense together."""
    for name in ("operation", "method", "path", "content_type", "code", "message"):
        if getattr(fault, name) is not None:
            check_str(name, getattr(fault, name))
    if fault.match is not None and not callable(fault.match):
        raise invalid("match", "a function", fault.match)
    check_triggers(fault.max_triggers, fault.probability)
    check_choice("drop", fault.drop, (None, "before", "after"))
    validate_seconds("delay", fault.delay)
    if fault.truncate_after is not None:
        validate_count("truncate_after", fault.truncate_after, 0)
    if fault.status is not None and not 200 <= validate_count("status", fault.status, 200) <= 599:
        raise invalid("status", "an int from 200 to 599", fault.status)
    if not (fault.responds or fault.breaks or fault.delay or fault.headers):
        raise InvalidArgumentError(
            "a fault must have at least one of status, body, headers, retry_after, delay, drop, reset and truncate_after, got none"
        )
    if fault.closes_without_response and (fault.responds or fault.truncate_after is not None):
        name, value = ("drop", fault.drop) if fault.drop else ("reset", fault.reset)
        expected = "left out beside status, body and truncate_after"
        raise InvalidArgumentError(f"{name} must be {expected}, got {short_repr(value)}; it sends no response")
    if fault.drop == "before" and fault.after:
        raise InvalidArgumentError("drop must be 'after' or None with after=True, got 'before'")


def fault_response(fault: Fault, real: ServerResponse | None, *, request_id: str, at: str) -> ServerResponse:
    """Return the response of a fault; *real* where it only breaks the connection.

    Args:
        fault: The fault.
        real: The response of the server; None when the server did not handle the request.
        request_id: The request id in the error envelope.
        at: The timestamp in the error envelope.
    """
    if real is not None and not fault.responds:
        return real
    if fault.body is not None:
        status = fault.status or (real.status if real is not None else 200)
        return ServerResponse(status=status, body=fault.body, content_type=fault.content_type)
    status = fault.status or 500
    if status < 400:
        return ServerResponse(status=status)
    message = fault.message or f"A fault of the fake: status {status}."
    return Envelopes().error(APIFailure(status, fault.code, message), request_id=request_id, at=at)


@attrs.frozen(kw_only=True)
class FaultPlan:
    """The faults that one request meets."""

    delay_before: float = 0.0
    delay_after: float = 0.0
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str])
    before: Fault | None = None
    after: Fault | None = None


class CountedFault(Protocol):
    """A fault that triggers with a probability and a limited number of times."""

    max_triggers: int | None
    trigger_count: int
    probability: float


F = TypeVar("F", bound=CountedFault)


class FaultList(Generic[F]):
    """Faults in the order in which they were added.

    Args:
        random: Decides about faults with a probability.
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        self._faults: list[F] = []

    def __iter__(self) -> Iterator[F]:
        return iter(self._faults)

    def __len__(self) -> int:
        return len(self._faults)

    def remove(self, fault: F) -> None:
        """Remove a fault; does nothing when it is not registered."""
        if fault in self._faults:
            self._faults.remove(fault)

    def clear(self) -> None:
        """Remove all faults."""
        self._faults.clear()

    def _is_triggered(self, fault: F) -> bool:
        """Decide by probability, and count the fault if it triggers."""
        if fault.probability < 1.0 and self._random.random() >= fault.probability:
            return False
        fault.trigger_count += 1
        fault.max_triggers = None if fault.max_triggers is None else fault.max_triggers - 1
        return True


class FaultRegistry(FaultList[Fault]):
    """The faults of requests."""

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
        """Add a fault. It applies to requests that match every given selector.

        A fault with only a delay or headers lets the server respond.

        Args:
            operation: Only this operation, by id, such as `create_ticket`.
            method: Only this HTTP method.
            path: Only paths that contain this str, as sent.
            match: Only requests for which this function returns True.
            max_triggers: How often it triggers; default once, None: without limit.
            probability: The probability for a matching request, above 0 to 1; default 1. Drawn from the fake's seeded random
                source.
            status: Respond with this status, 200 to 599. Without *body*: from 400 an error in the usual envelope, below an empty
                body.
            body: Respond with this body: bytes and str as given, a mapping as JSON.
            content_type: The content type of *body*; default `application/json`.
            code: The `error.code` in the usual envelope; default that of the status.
            message: The `error.message` in the usual envelope.
            headers: Headers of the response; they override the usual ones.
            retry_after: The header `Retry-After`, in seconds or as an HTTP date.
            delay: Seconds, by the fake's clock, before the server handles the request; with *after*, before it responds.
            drop: Close the connection without a response, `"before"` or `"after"` the server handles the request.
            reset: Reset the connection (RST) without a response.
            truncate_after: Close the connection after this many bytes of the body, although `Content-Length` is larger. Applies to
                the server's own response, or to the one that *status* and *body* describe.
            after: Trigger after the server has handled the request; default before.

        Returns:
            The fault; its `trigger_count` says how often it has triggered.

        Raises:
            InvalidArgumentError: There is nothing to do, two arguments exclude each other, or a value is out of range.
        """
        merged = {} if headers is None else validate_headers(headers, _OWN_HEADERS, "set by content_type and body")
        if retry_after is not None:
            text = retry_after if isinstance(retry_after, str) else f"{validate_seconds('retry_after', retry_after):g}"
            merged |= validate_headers({"Retry-After": text})
        fault = Fault(
            operation=operation,
            method=method.upper() if is_str(method) else method,
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
        _check(fault)
        self._faults.append(fault)
        return fault

    def plan(self, request: ReceivedRequest) -> FaultPlan:
        """Return the faults that a request meets, and count them as triggered."""
        triggered: list[Fault] = []
        ending: Fault | None = None
        for fault in self._faults:
            ends = fault.responds or fault.breaks
            if (ends and ending is not None) or not (_matches(fault, request) and self._is_triggered(fault)):
                continue
            triggered.append(fault)
            ending = fault if ends else ending
        return FaultPlan(
            delay_before=sum(fault.delay for fault in triggered if not fault.after),
            delay_after=sum(fault.delay for fault in triggered if fault.after),
            headers={name: value for fault in triggered for name, value in fault.headers.items()},
            before=ending if ending is not None and ending.timing == "before" else None,
            after=ending if ending is not None and ending.timing == "after" else None,
        )


def _as_bytes(body: bytes | str | JSONObject | None) -> bytes | None:
    if body is None or isinstance(body, bytes):
        return body
    if isinstance(body, str):
        check_str("body", body)
        return body.encode()
    check_instance("body", body, Mapping, "bytes, a str or a mapping", is_private=True)
    return encode_body(body, None)
