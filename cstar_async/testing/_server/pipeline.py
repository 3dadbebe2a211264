"""Turn one request into one response: the order of the checks.

How it works. The steps: count the call of a known key; find the route; authenticate the key; check its permission; look up the
idempotency key; wait (a fault may delay here); validate query and body; run the handler; publish the events. Each step is a module
of its own and raises `APIFailure` to refuse. Nothing here uses a socket.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Final

import attrs

from cstar_async.testing._data.store import Database
from cstar_async.testing._errors import APIFailure
from cstar_async.testing._events.publisher import EventPublisher
from cstar_async.testing._handlers.audit_log import log_write
from cstar_async.testing._handlers.registry import handler_for
from cstar_async.testing._handlers.request import Call
from cstar_async.testing._http.auth import AnonymousCaller, APIKeys, Caller, Key, check_permission
from cstar_async.testing._http.faults import Fault
from cstar_async.testing._http.idempotency import IdempotencyCache, fingerprint
from cstar_async.testing._http.rate_limits import RateLimits
from cstar_async.testing._http.request_log import ReceivedRequest
from cstar_async.testing._http.responses import Envelopes, ServerResponse
from cstar_async.testing._http.routing import Route, Routes
from cstar_async.testing._http.validation import Validation
from cstar_async.testing.clock import timestamp

_logger: Final = logging.getLogger("cstar_async.testing")


@attrs.frozen(kw_only=True)
class _Authorized:
    """A request that may act."""

    key: Key | None
    """None: a visitor of a public library."""
    route: Route
    idempotency_key: str | None


@attrs.frozen(kw_only=True)
class RequestPipeline:
    """The server without its socket."""

    routes: Routes
    keys: APIKeys
    limits: RateLimits
    idempotency: IdempotencyCache
    validation: Validation
    envelopes: Envelopes
    publisher: EventPublisher
    database_for: Callable[[Key], Database]
    library_for: Callable[[str], Database]
    new_request_id: Callable[[], str]
    now_s: Callable[[], float]

    async def handle(self, request: ReceivedRequest, before_action: Callable[[], Awaitable[None]]) -> ServerResponse:
        """Answer a request.

        Args:
            request: The request; `was_replayed` is noted in it.
            before_action: Awaited once, after the request was admitted or refused and before anything is done.
        """
        request_id = self.new_request_id()
        caller = self._caller(request)
        try:
            admission = self._authorize(request, caller)
        except APIFailure as failure:
            admission = self._failed(failure, request_id)
        if isinstance(admission, ServerResponse):
            await before_action()
            answer = admission
        else:
            answer = await self._execute(admission, request, request_id, before_action)
        return attrs.evolve(answer, headers={**answer.headers, **self._limit_headers(caller)})

    def operation_of(self, method: str, path: str) -> str | None:
        """The id of the operation that a request calls; None for none."""
        try:
            return self.routes.find(method, path).operation.id
        except APIFailure:
            return None

    def respond_with_fault(self, fault: Fault, request: ReceivedRequest, real: ServerResponse | None) -> ServerResponse:
        """What a fault answers, in the envelope and with the headers of this server."""
        answer = fault.answer(real, request_id=self.new_request_id(), at=timestamp(self.now_s()))
        return attrs.evolve(answer, headers={**answer.headers, **self._limit_headers(self._caller(request))})

    def _caller(self, request: ReceivedRequest) -> Caller | None:
        """Who calls: the owner of a key, or a visitor of a library. None: nobody that is known."""
        try:
            is_public = self.routes.find(request.method, request.path).operation.required_key == "none"
        except APIFailure:
            is_public = False
        return AnonymousCaller(text=request.address) if is_public else self.keys.find(request.headers.get("Authorization"))

    def _limit_headers(self, caller: Caller | None) -> dict[str, str]:
        """The headers that tell where a caller stands."""
        return self.limits.state(caller, self.now_s()).headers()

    def _authorize(self, request: ReceivedRequest, caller: Caller | None) -> _Authorized | ServerResponse:
        """The request as admitted, or the stored answer if it is a repetition.

        Raises:
            APIFailure: The request may not act.
        """
        if caller is not None:
            self.limits.take(caller, self.now_s())
        route = self.routes.find(request.method, request.path)
        if isinstance(caller, AnonymousCaller):
            return _Authorized(key=None, route=route, idempotency_key=None)
        key = self.keys.authenticate(request.headers.get("Authorization"), now_s=self.now_s())
        check_permission(key, route.operation, route.team_id)
        text = request.idempotency_key if route.operation.sends_idempotency_key else None
        if text is None:
            return _Authorized(key=key, route=route, idempotency_key=None)
        self.validation.idempotency_key(text)
        same = fingerprint(request.method, f"{request.path}?{request.query_string}", request.body)
        stored = self.idempotency.begin(key.text, text, same, now_s=self.now_s())
        request.was_replayed = stored is not None
        return stored or _Authorized(key=key, route=route, idempotency_key=text)

    async def _execute(
        self, admitted: _Authorized, request: ReceivedRequest, request_id: str, before_action: Callable[[], Awaitable[None]]
    ) -> ServerResponse:
        answer: ServerResponse | None = None
        try:
            await before_action()
            answer = await self._run_handler(admitted, request, request_id)
            return answer
        finally:
            # Also when the wait was cancelled: an entry must not stay open for ever.
            if admitted.key is not None and admitted.idempotency_key is not None:
                self.idempotency.finish(admitted.key.text, admitted.idempotency_key, answer)

    async def _run_handler(self, admitted: _Authorized, request: ReceivedRequest, request_id: str) -> ServerResponse:
        operation, key, path = admitted.route.operation, admitted.key, admitted.route.values
        at = timestamp(self.now_s())
        try:
            call = Call(
                operation=operation,
                caller=key,
                database=self.library_for(path["team"]) if key is None else self.database_for(key),
                path=path,
                query=self.validation.query(operation, request.query_string),
                headers=request.headers,
                body=self.validation.body(operation, request.headers.get("Content-Type"), request.body),
                at=at,
                validation=self.validation,
                publisher=self.publisher,
                request_id=request_id,
            )
            try:
                outcome = handler_for(operation)(call)
            finally:
                # Also of what a failure came after: some rows of a batch may have changed.
                self.publisher.publish_changes(call.database, request_id)
            if isinstance(outcome, Awaitable):
                outcome = await outcome
            log_write(call, outcome)
            request.is_sample = operation.extensions.get("action") == "fake-response"
            return self.envelopes.success(operation.success_status, outcome, request_id=request_id, at=at)
        except APIFailure as failure:
            return self._failed(failure, request_id)
        except Exception:
            # A mistake of the fake must not look like one of the client, nor hang it.
            _logger.exception("The fake could not carry out %s", operation.id)
            return self._failed(APIFailure(500, "fake_failed", "The fake itself failed; its log says why."), request_id)

    def _failed(self, failure: APIFailure, request_id: str) -> ServerResponse:
        return self.envelopes.error(failure, request_id=request_id, at=timestamp(self.now_s()))
