"""Turn one request into one response: the order of the checks.

The steps, each a module of its own that raises `APIFailure` to refuse:

1. count the call against the rate limit of its key;
2. find the route, authenticate the key and check its permission;
3. look up the idempotency key;
4. wait, where a fault delays the request;
5. validate query and body, and run the handler;
6. publish the events and write the audit log.

Nothing here uses a socket.
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
from cstar_async.testing._handlers.registry import handle
from cstar_async.testing._handlers.request import Call
from cstar_async.testing._http.auth import AnonymousCaller, APIKeys, Caller, Key, check_permission
from cstar_async.testing._http.faults import Fault, fault_response
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
    """A request that passed all checks of its key."""

    key: Key | None
    """None: an anonymous caller of the public library."""
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
        """Return the response of a request.

        Args:
            request: The request; `was_replayed` and `is_sample` are set on it.
            before_action: Awaited once, after the checks and before the handler.
        """
        request_id = self.new_request_id()
        caller = self._caller(request)
        try:
            authorized = self._authorize(request, caller)
        except APIFailure as failure:
            authorized = self._failed(failure, request_id)
        if isinstance(authorized, ServerResponse):
            await before_action()
            response = authorized
        else:
            response = await self._execute(authorized, request, request_id, before_action)
        return attrs.evolve(response, headers={**response.headers, **self._limit_headers(caller)})

    def operation_of(self, method: str, path: str) -> str | None:
        """Return the operation id of a request; None for an unknown path or method."""
        try:
            return self.routes.find(method, path).operation.id
        except APIFailure:
            return None

    def respond_with_fault(self, fault: Fault, request: ReceivedRequest, real: ServerResponse | None) -> ServerResponse:
        """Return the response of a fault, with the rate limit headers of this server."""
        response = fault_response(fault, real, request_id=self.new_request_id(), at=timestamp(self.now_s()))
        return attrs.evolve(response, headers={**response.headers, **self._limit_headers(self._caller(request))})

    def _caller(self, request: ReceivedRequest) -> Caller | None:
        """Return the owner of the key, or the anonymous caller of a public operation; None for an unknown key."""
        try:
            is_public = self.routes.find(request.method, request.path).operation.required_key == "none"
        except APIFailure:
            is_public = False
        return AnonymousCaller(text=request.address) if is_public else self.keys.find(request.headers.get("Authorization"))

    def _limit_headers(self, caller: Caller | None) -> dict[str, str]:
        return self.limits.state(caller, self.now_s()).headers()

    def _authorize(self, request: ReceivedRequest, caller: Caller | None) -> _Authorized | ServerResponse:
        """Return the authorized request, or the stored response of an idempotent repetition.

        Raises:
            APIFailure: The request is refused.
        """
        if caller is not None:
            self.limits.acquire(caller, self.now_s())
        route = self.routes.find(request.method, request.path)
        if isinstance(caller, AnonymousCaller):
            return _Authorized(key=None, route=route, idempotency_key=None)
        key = self.keys.authenticate(request.headers.get("Authorization"), now_s=self.now_s())
        check_permission(key, route.operation, route.team_id)
        key_text = request.idempotency_key if route.operation.sends_idempotency_key else None
        if key_text is None:
            return _Authorized(key=key, route=route, idempotency_key=None)
        self.validation.idempotency_key(key_text)
        same = fingerprint(request.method, f"{request.path}?{request.query_string}", request.body)
        stored = self.idempotency.begin(key.text, key_text, same, now_s=self.now_s())
        request.was_replayed = stored is not None
        return stored or _Authorized(key=key, route=route, idempotency_key=key_text)

    async def _execute(
        self, authorized: _Authorized, request: ReceivedRequest, request_id: str, before_action: Callable[[], Awaitable[None]]
    ) -> ServerResponse:
        response: ServerResponse | None = None
        try:
            await before_action()
            response = await self._run_handler(authorized, request, request_id)
            return response
        finally:
            # Also on cancellation: an entry must not stay open.
            if authorized.key is not None and authorized.idempotency_key is not None:
                self.idempotency.finish(authorized.key.text, authorized.idempotency_key, response)

    async def _run_handler(self, authorized: _Authorized, request: ReceivedRequest, request_id: str) -> ServerResponse:
        operation, key, path = authorized.route.operation, authorized.key, authorized.route.values
        at = timestamp(self.now_s())
        known = {parameter.name for parameter in operation.parameters if parameter.location == "query"}
        request.unknown_parameters = tuple(name for name in request.query if name not in known)
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
                outcome = handle(call)
            finally:
                # Also after a failure: some rows of a batch may have changed.
                self.publisher.publish_changes(call.database, request_id)
            if isinstance(outcome, Awaitable):
                outcome = await outcome
            if not operation.has_envelope:
                outcome = attrs.evolve(outcome, has_envelope=False)
            log_write(call, outcome)
            request.is_sample = operation.extensions.get("action", "fake-response") == "fake-response"
            return self.envelopes.success(operation.success_status, outcome, request_id=request_id, at=at)
        except APIFailure as failure:
            return self._failed(failure, request_id)
        except Exception:
            # An error in the fake must not look like an error of the client.
            _logger.exception("The fake server failed in %s", operation.id)
            return self._failed(APIFailure(500, "fake_failed", "The fake server failed; see its log."), request_id)

    def _failed(self, failure: APIFailure, request_id: str) -> ServerResponse:
        return self.envelopes.error(failure, request_id=request_id, at=timestamp(self.now_s()))
