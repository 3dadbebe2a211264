"""One request in, one answer out: the order in which a request is looked at.

Count the call of a known key; find path and method; admit the key; see what it may do; look the idempotency key up; (think;) check
query and body; act; tell of it. Each step is a room of its own and refuses with a `Refusal`; this room only knows who comes after
whom. It knows no socket: a request is an entry of the journal, thinking is something to await.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import attrs

from cstar_async._operations.operation import Operation
from cstar_async.testing._data.collections import Blueprint, read_blueprints
from cstar_async.testing._data.spec import Document, generated_document
from cstar_async.testing._data.store import World
from cstar_async.testing._events.publisher import Newsroom
from cstar_async.testing._handlers.audit_log import note_write
from cstar_async.testing._handlers.crud import VERBS
from cstar_async.testing._handlers.registry import SPECIAL
from cstar_async.testing._handlers.request import Call
from cstar_async.testing._http.auth import Caller, Key, KeyRing, Visitor, check_permission
from cstar_async.testing._http.faults import Fault
from cstar_async.testing._http.idempotency import IdempotencyLedger, fingerprint
from cstar_async.testing._http.rate_limits import RateLimits
from cstar_async.testing._http.request_log import ReceivedRequest
from cstar_async.testing._http.responses import Answer, Envelopes, Outcome, Refusal, timestamp
from cstar_async.testing._http.routing import Route, Routes
from cstar_async.testing._http.validation import Validation

_logger: Final = logging.getLogger("cstar_async.testing")


@attrs.frozen(kw_only=True)
class _Admitted:
    """A request that may act."""

    key: Key | None
    """None: a visitor of a public library."""
    route: Route
    idempotency_key: str | None


@attrs.frozen(kw_only=True)
class Exchange:
    """The server without its socket."""

    routes: Routes
    keys: KeyRing
    limits: RateLimits
    ledger: IdempotencyLedger
    validation: Validation
    envelopes: Envelopes
    newsroom: Newsroom
    world_of: Callable[[Key], World]
    library_of: Callable[[str], World]
    new_request_id: Callable[[], str]
    now_s: Callable[[], float]

    async def answer(self, request: ReceivedRequest, think: Callable[[], Awaitable[None]]) -> Answer:
        """Answer a request.

        Args:
            request: The request; `replayed` is noted in it.
            think: Awaited once, after the request was admitted or refused and before anything is done.
        """
        request_id = self.new_request_id()
        caller = self._caller(request)
        try:
            admission = self._admission(request, caller)
        except Refusal as refusal:
            admission = self._refused(refusal, request_id)
        if isinstance(admission, Answer):
            await think()
            answer = admission
        else:
            answer = await self._acted(admission, request, request_id, think)
        return attrs.evolve(answer, headers={**answer.headers, **self._limit_headers(caller)})

    def operation_of(self, method: str, path: str) -> str | None:
        """The id of the operation that a request calls; None for none."""
        try:
            return self.routes.find(method, path).operation.id
        except Refusal:
            return None

    def answer_of_fault(self, fault: Fault, request: ReceivedRequest, real: Answer | None) -> Answer:
        """What a fault answers, in the envelope and with the headers of this server."""
        answer = fault.answer(real, request_id=self.new_request_id(), at=timestamp(self.now_s()))
        return attrs.evolve(answer, headers={**answer.headers, **self._limit_headers(self._caller(request))})

    def _caller(self, request: ReceivedRequest) -> Caller | None:
        """Who calls: the owner of a key, or a visitor of a library. None: nobody that is known."""
        try:
            is_public = self.routes.find(request.method, request.path).operation.key == "none"
        except Refusal:
            is_public = False
        return Visitor(text=request.address) if is_public else self.keys.find(request.headers.get("Authorization"))

    def _limit_headers(self, caller: Caller | None) -> dict[str, str]:
        """The headers that tell where a caller stands."""
        return self.limits.state(caller, self.now_s()).headers()

    def _admission(self, request: ReceivedRequest, caller: Caller | None) -> _Admitted | Answer:
        """The request as admitted, or the stored answer if it is a repetition.

        Raises:
            Refusal: The request may not act.
        """
        if caller is not None:
            self.limits.take(caller, self.now_s())
        route = self.routes.find(request.method, request.path)
        if isinstance(caller, Visitor):
            return _Admitted(key=None, route=route, idempotency_key=None)
        key = self.keys.admitted(request.headers.get("Authorization"), now_s=self.now_s())
        check_permission(key, route.operation, route.team_id)
        text = request.idempotency_key if route.operation.idempotent else None
        if text is None:
            return _Admitted(key=key, route=route, idempotency_key=None)
        self.validation.idempotency_key(text)
        same = fingerprint(request.method, f"{request.path}?{request.query_string}", request.body)
        stored = self.ledger.begin(key.text, text, same, now_s=self.now_s())
        request.replayed = stored is not None
        return stored or _Admitted(key=key, route=route, idempotency_key=text)

    async def _acted(
        self, admitted: _Admitted, request: ReceivedRequest, request_id: str, think: Callable[[], Awaitable[None]]
    ) -> Answer:
        answer: Answer | None = None
        try:
            await think()
            answer = await self._carried_out(admitted, request, request_id)
            return answer
        finally:
            # Also when the wait was cancelled: an entry must not stay open for ever.
            if admitted.key is not None and admitted.idempotency_key is not None:
                self.ledger.finish(admitted.key.text, admitted.idempotency_key, answer)

    async def _carried_out(self, admitted: _Admitted, request: ReceivedRequest, request_id: str) -> Answer:
        operation, key, path = admitted.route.operation, admitted.key, admitted.route.values
        at = timestamp(self.now_s())
        try:
            call = Call(
                operation=operation,
                caller=key,
                world=self.library_of(path["team"]) if key is None else self.world_of(key),
                path=path,
                query=self.validation.query(operation, request.query_string),
                headers=request.headers,
                body=self.validation.body(operation, request.headers.get("Content-Type"), request.body),
                at=at,
                validation=self.validation,
                newsroom=self.newsroom,
                request_id=request_id,
            )
            try:
                outcome = _carrier(operation)(call)
            finally:
                # Also of what a refusal came after: some rows of a batch may have changed.
                self.newsroom.tell(call.world, request_id)
            if isinstance(outcome, Awaitable):
                outcome = await outcome
            note_write(call, outcome)
            request.is_sample = operation.extensions.get("action") == "sample"
            return self.envelopes.good(operation.success, outcome, request_id=request_id, at=at)
        except Refusal as refusal:
            return self._refused(refusal, request_id)
        except Exception:
            # A mistake of the fake must not look like one of the client, nor hang it.
            _logger.exception("The fake could not carry out %s", operation.id)
            return self._refused(Refusal(500, "fake_failed", "The fake itself failed; its log says why."), request_id)

    def _refused(self, refusal: Refusal, request_id: str) -> Answer:
        return self.envelopes.bad(refusal, request_id=request_id, at=timestamp(self.now_s()))


def unanswerable_operations(document: Document | None = None) -> list[str]:
    """The operations of the document that the fake has no way to answer, by id; a test expects none.

    Args:
        document: What to look through; default the document that the package was generated from.
    """
    document = document or generated_document()
    blueprints = read_blueprints(document)
    return [operation.id for operation in document.operations.values() if not _is_answerable(operation, blueprints)]


def _is_answerable(operation: Operation, blueprints: Mapping[str, Blueprint]) -> bool:
    if operation.id in SPECIAL:
        return True
    if operation.extensions.get("action") == "sample":
        return "sample" in operation.extensions
    collection = operation.extensions.get("collection")
    return operation.extensions.get("action") in VERBS and isinstance(collection, str) and collection in blueprints


def _carrier(operation: Operation) -> Callable[[Call], Outcome | Awaitable[Outcome]]:
    return SPECIAL.get(operation.id) or VERBS[str(operation.extensions["action"])]
