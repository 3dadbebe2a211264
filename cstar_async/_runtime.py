"""The one loop that every call goes through.

A call is built, gets a place and a permit, is sent, observed and, if that may help and can do no harm, sent again; then its answer
is decoded. No other module waits, retries or raises an error of the API. What is decided here is decided by the pure rooms below
(`_retry`, `_rate_limit`, `_error_table`, `_envelope`, `_codec`); what is done goes through the doors (`_transport`, `_clock`).
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Final, Generic, Protocol, TypeVar, cast

import attrs

from cstar_async import _headers
from cstar_async._clock import Clock
from cstar_async._codec import encode_body, read_row, read_rows
from cstar_async._drift import Schemas, find_drift
from cstar_async._envelope import (
    kind_of,
    open_envelope,
    parse_body,
    read_pagination,
    read_text,
    request_id_of,
    stated_request_id,
    timestamp_of,
)
from cstar_async._error_table import make_error, read_error
from cstar_async._gate import Gate
from cstar_async._headers import moment
from cstar_async._http import HttpRequest, HttpResponse, OpenResponse
from cstar_async._idempotency import checked_key, new_key
from cstar_async._json import JSON, JSONObject, Unchecked, is_array, is_object, is_text, is_whole
from cstar_async._limits import refuse_too_many
from cstar_async._model import Model
from cstar_async._observers import Observers
from cstar_async._operation import Operation, Scope
from cstar_async._options import RequestOptions
from cstar_async._place import Origin
from cstar_async._rate_limit import read_state
from cstar_async._rate_limiter import Limiter, Permit
from cstar_async._redaction import redact
from cstar_async._response import RECORDER, Response
from cstar_async._retry import SAFE_METHODS, Allowance, Failure, RetryBudget, Verdict, decide
from cstar_async._single_flight import SingleFlight
from cstar_async._transport import Transport
from cstar_async._unset import UNSET
from cstar_async._url import checked_query, free_path, page_query, path_segment, query_string
from cstar_async.config import CallSettings, check_deadline, refuse_strange_options
from cstar_async.errors import (
    APIError,
    ConfigurationError,
    CStarError,
    DecodeError,
    InvalidArgumentError,
    RateLimitWaitError,
    RequestTimeoutError,
    TransportError,
)
from cstar_async.hooks import CallInfo, DoneInfo, DriftInfo, RequestInfo, ResponseInfo, RetryInfo, WaitInfo
from cstar_async.pagination import Page, Paginator

T = TypeVar("T")

_JSON_BODY: Final = {_headers.CONTENT_TYPE: "application/json"}


class Target(Protocol):
    """What a call is named after in errors, hooks and logs."""

    @property
    def id(self) -> str: ...
    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...


@attrs.frozen
class FreeTarget:
    """A path of the caller's own, which the document does not describe."""

    id: str
    method: str
    path: str


@attrs.frozen
class Listing(Generic[T]):
    """What is asked of a list, the same for each of its pages."""

    operation: Operation
    item: type[T]
    path: tuple[str, ...]
    filters: str
    """As a query, without page and size."""
    options: RequestOptions | None


class Core:
    """What all views of one client share.

    Args:
        transport: The door to the network.
        clock: The door to time.
        random: Numbers from 0 to below 1, for back-off.
        limiter: The budget of the key.
        places: How many calls may be in flight at once.
        budget: Tokens for retries.
        observers: Hooks and log.
        host: Where calls go, for observers.
        port: Where on that host.
        prefix: What stands before every path: the path of the base URL.
        scope: Whether relative paths are under a team or under its public library.
        team_id: The team, if it is known.
        is_publishable: Whether the key may only read.
    """

    def __init__(
        self,
        *,
        transport: Transport,
        clock: Clock,
        random: Callable[[], float],
        limiter: Limiter,
        places: int,
        budget: RetryBudget,
        observers: Observers,
        host: str,
        port: int,
        prefix: str,
        scope: Scope = "team",
        team_id: str | None,
        is_publishable: bool,
    ) -> None:
        self.transport = transport
        self.clock = clock
        self.random = random
        self.limiter = limiter
        self.gate = Gate(places)
        self.budget = budget
        self.observers = observers
        self.host = host
        self.port = port
        self.prefix = prefix
        self.scope: Scope = scope
        self.is_publishable = is_publishable
        self.team_path = SingleFlight(None if team_id is None else self.path_of_team(team_id))
        self.is_closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._process: int | None = None
        self._schemas: Schemas | None = None

    def path_of_team(self, team_id: str) -> str:
        """What stands before a path that is relative to a team, or to its library."""
        place = "/api/library" if self.scope == "library" else "/api/v1/teams"
        return f"{self.prefix}{place}/{path_segment(team_id, 'team_id')}"

    def enter_loop(self) -> None:
        """Bind the client to the loop and process of its first call, and refuse to work in another or after the end."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            if self._loop is not None:
                raise CStarError("this client was first used in another event loop; make one client for each loop")
            self.limiter.enter_loop()
            self._loop, self._process = loop, os.getpid()
        elif self._process != os.getpid():
            # A forked child that goes on with its parent's loop has its parent's sockets, too: each would read the other's answers.
            raise CStarError("this client was first used in another process; make one client in each, after the fork")
        if self.is_closed:
            raise CStarError("this client is closed")

    @property
    def schemas(self) -> Schemas:
        """The component schemas of the document, read when drift is first looked for."""
        if self._schemas is None:
            from importlib import resources  # looked for rarely, and slower to import than most of this package

            text = resources.files("cstar_async._generated").joinpath("schemas.json").read_bytes()
            self._schemas = cast("Schemas", json.loads(text)["components"]["schemas"])
        return self._schemas

    async def aclose(self) -> None:
        """Give back what the client holds; may be called twice."""
        self.is_closed = True
        await self.transport.aclose()


class Call(HttpRequest):
    """One call on its way: what is sent, what it goes by, and in the end how it went."""

    __slots__ = (
        "_id", "attempts", "deadline_at", "idempotency_key", "is_told", "is_under_team",
        "response", "settings", "started", "target",
    )  # fmt: skip

    response: HttpResponse
    """The answer; there is one when the call was performed."""

    def __init__(
        self,
        target: Target,
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
        self.is_under_team = is_under_team
        self.idempotency_key = idempotency_key
        self.settings = settings
        self.started = started
        self.deadline_at = deadline_at
        self.attempts = 0
        self.is_told = False
        self._id = ""

    @property
    def id(self) -> str:
        """What observers know it by; made when first asked for, since mostly nobody asks."""
        self._id = self._id or new_key()
        return self._id

    def name(self, error: CStarError) -> None:
        """Write on an error which call it ended."""
        error.operation = self.target.id
        error.attempts = self.attempts
        error.idempotency_key = self.idempotency_key

    def name_undecodable(self, error: DecodeError) -> None:
        """Write on an error which call it ended, and by which request if the body did not say so."""
        self.name(error)
        error.request_id = error.request_id or self.response.headers.get(_headers.REQUEST_ID)


class StreamCall(Call):
    """A call whose answer has no end."""

    __slots__ = ()

    wants_stream = True


class ClientSender:
    """Carries out the operations of one view of a client; the implementation of `Sender`.

    Args:
        core: What this view shares with the others.
        settings: What its calls go by unless they say otherwise.
    """

    __slots__ = ("core", "settings")

    def __init__(self, core: Core, settings: CallSettings) -> None:
        self.core = core
        self.settings = settings

    async def call(
        self,
        operation: Operation,
        result: type[T],
        /,
        *path: str,
        query: Mapping[str, object] | None = None,
        body: Model | JSONObject | None = None,
        idempotency_key: str | None = None,
        options: RequestOptions | None = None,
    ) -> T:
        """One call that answers with one object; see `Sender.call`."""
        call = self._prepare(operation, path, query, body, idempotency_key, options)
        try:
            await self._perform(call)
            if operation.shape == "deleted" and (not call.response.body.strip() or call.response.status == 404):
                # The answer is known without a body: the object is gone.
                envelope: dict[str, Unchecked] = {"data": {"deleted": True, "id": path[-1]}}
            elif operation.may_be_empty and not call.response.body.strip():
                envelope = {"data": {}}
            else:
                envelope = self._open(call, operation, dict)
            return self._deliver(call, envelope, read_row(result, envelope["data"]))
        except BaseException as error:
            self._end(call, error)
            raise

    async def call_or_text(
        self,
        operation: Operation,
        result: type[T],
        /,
        *path: str,
        query: Mapping[str, object] | None = None,
        body: Model | JSONObject | None = None,
        idempotency_key: str | None = None,
        options: RequestOptions | None = None,
    ) -> T | str:
        """One call that answers with one object or with a text; see `Sender.call_or_text`."""
        call = self._prepare(operation, path, query, body, idempotency_key, options)
        try:
            await self._perform(call)
            text = read_text(call.response, operation.text)
            if text is not None:
                return self._deliver(call, {}, text)
            envelope = self._open(call, operation, dict)
            return self._deliver(call, envelope, read_row(result, envelope["data"]))
        except BaseException as error:
            self._end(call, error)
            raise

    async def call_or_none(
        self,
        operation: Operation,
        result: type[T],
        /,
        *path: str,
        query: Mapping[str, object] | None = None,
        body: Model | JSONObject | None = None,
        idempotency_key: str | None = None,
        options: RequestOptions | None = None,
    ) -> T | None:
        """One call that answers with one object or null; see `Sender.call_or_none`."""
        call = self._prepare(operation, path, query, body, idempotency_key, options)
        try:
            await self._perform(call)
            envelope = self._open(call, operation, dict)
            data: Unchecked = envelope["data"]
            return self._deliver(call, envelope, None if data is None else read_row(result, data))
        except BaseException as error:
            self._end(call, error)
            raise

    async def call_list(
        self,
        operation: Operation,
        item: type[T],
        /,
        *path: str,
        query: Mapping[str, object] | None = None,
        options: RequestOptions | None = None,
    ) -> list[T]:
        """One call that answers with a whole list; see `Sender.call_list`."""
        call = self._prepare(operation, path, query, None, None, options)
        try:
            await self._perform(call)
            envelope = self._open(call, operation, list)
            return self._deliver(call, envelope, read_rows(item, envelope["data"]))
        except BaseException as error:
            self._end(call, error)
            raise

    def paginate(
        self,
        operation: Operation,
        item: type[T],
        /,
        *path: str,
        query: Mapping[str, object] | None = None,
        options: RequestOptions | None = None,
    ) -> Paginator[T]:
        """A list that comes in pages; see `Sender.paginate`."""
        filters = {} if query is None else {name: value for name, value in query.items() if value is not UNSET}
        refuse_strange_options(options)
        if options is not None and options.extra_query:
            filters.update(checked_query(options.extra_query, "extra_query"))
        first, size = filters.pop("page", None), filters.pop("pageSize", None)
        asked = query_string(filters) if filters else ""
        core, priority = self.core, self.settings.priority
        if options is not None and options.priority is not None:
            priority = options.priority

        def window() -> tuple[int, datetime | None]:
            state = core.limiter.state
            return core.limiter.left(priority, core.clock), None if state is None else state.reset_at

        return Paginator(
            partial(self._fetch_page, Listing(operation, item, path, asked, options)),
            first=_count_or_none(first, "page"),
            size=_count_or_none(size, "page_size"),
            origin=Origin(operation.id, f"{'/'.join(path)}?{asked}"),
            window=window,
        )

    async def _fetch_page(self, listing: Listing[T], number: int | None, size: int | None) -> Page[T]:
        call = self._prepare(listing.operation, listing.path, None, None, None, listing.options)
        call.query = page_query(listing.filters, number, size)
        try:
            await self._perform(call)
            envelope = self._open(call, listing.operation, list)
            rows = read_rows(listing.item, envelope["data"])
            fetch = partial(self._fetch_page, listing)
            page = Page(rows, read_pagination(envelope, len(rows)), fetch=fetch, number=number, size=size)
            return self._deliver(call, envelope, page)
        except BaseException as error:
            self._end(call, error)
            raise

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, object] | None,
        json: object,
        idempotency_key: str | None,
        options: RequestOptions | None,
    ) -> Response[JSON]:
        """A call to a path that the document need not know."""
        verb = method.upper() if is_text(method) else method
        if verb not in {"GET", "POST", "PATCH", "PUT", "DELETE"}:
            raise InvalidArgumentError(f"method must be GET, POST, PATCH, PUT or DELETE, not {method!r}")
        written = free_path(path)
        # Ids stand in such a path, and some are addresses of people.
        target = FreeTarget("request", verb, redact(path))
        self._refuse_write(target)
        # The library takes no idempotency keys.
        is_keyed = verb not in SAFE_METHODS and self.core.scope == "team"
        call = self._call(
            target,
            written,
            None if params is None else checked_query(params, "params"),
            json,
            idempotency_key,
            options,
            is_under_team=not written.startswith("/api/"),
            is_keyed=is_keyed,
        )
        try:
            await self._perform(call)
            response = self._free_response(call)
        except BaseException as error:
            self._end(call, error)
            raise
        recorder = RECORDER.get()
        if recorder is not None:
            recorder.response = response
        if call.is_told:
            self._tell_done(call, response.request_id)
        return response

    async def open_stream(self, target: Target, path: str, headers: Mapping[str, str]) -> OpenResponse:
        """Open a stream of the team's, with the limits, retries and errors of every call.

        Args:
            target: What it is named after.
            path: Under the team.
            headers: What this request adds to the client's own headers.

        Raises:
            ConfigurationError: The key is publishable.
            CStarError: As for every call.
        """
        if self.core.is_publishable:
            raise ConfigurationError("a publishable key cannot listen to events; use a secret key (sk_live_… or sk_test_…)")
        call = StreamCall(
            target,
            path,
            "",
            headers,
            None,
            True,
            None,
            self.settings,
            self.core.clock.monotonic(),
            None,
        )
        try:
            await self._perform(call)
            response = call.response
            request_id = response.headers.get(_headers.REQUEST_ID)
            if not isinstance(response, OpenResponse):
                raise DecodeError(
                    "the answer is not a stream",
                    status=response.status,
                    operation=target.id,
                    attempts=call.attempts,
                    request_id=request_id,
                )
        except BaseException as error:
            self._end(call, error)
            raise
        if call.is_told:
            self._tell_done(call, request_id)
        return response

    def _free_response(self, call: Call) -> Response[JSON]:
        """The answer to a free request: `data` where there is an envelope, else the whole body.

        It is None for an empty body, and where a thing to be deleted was found gone.
        """
        response = call.response
        if not response.body.strip() or response.status == 404:
            return self._respond(call, {}, cast("JSON", None))
        try:
            parsed = parse_body(response.body, status=response.status)
        except DecodeError as error:
            call.name_undecodable(error)
            raise
        envelope: dict[str, Unchecked] = parsed if is_object(parsed) and "data" in parsed else {"data": parsed}
        return self._respond(call, envelope, cast("JSON", envelope["data"]))

    def _prepare(
        self,
        operation: Operation,
        path: tuple[str, ...],
        query: Mapping[str, object] | None,
        body: Model | JSONObject | None,
        idempotency_key: str | None,
        options: RequestOptions | None,
    ) -> Call:
        """Build a call of the document's."""
        if self.core.is_publishable:
            self._refuse_write(operation)
        if operation.scope != self.core.scope:
            self._refuse_stranger(operation)
        if operation.limits:
            refuse_too_many(operation, body)
        segments = operation.segments
        relative = segments[0]
        for index, value in enumerate(path):
            relative += path_segment(value) + segments[index + 1]
        return self._call(
            operation,
            relative,
            query,
            body,
            idempotency_key,
            options,
            is_under_team=operation.scope != "root",
            is_keyed=operation.idempotent,
        )

    def _call(
        self,
        target: Target,
        path: str,
        query: Mapping[str, object] | None,
        body: object,
        idempotency_key: str | None,
        options: RequestOptions | None,
        *,
        is_under_team: bool,
        is_keyed: bool,
    ) -> Call:
        """Build a call. Whatever is wrong with it is found here, before anything is sent."""
        if options is not None:
            refuse_strange_options(options)
        started, deadline_at, settings = self.core.clock.monotonic(), None, self.settings
        text = query_string(query) if query else ""
        content: bytes | None = None
        headers: Mapping[str, str] | None = None
        extra = None if options is None else options.extra_body
        if body is not None or extra:
            content, headers = encode_body({} if body is None else body, extra), _JSON_BODY
        if is_keyed:
            idempotency_key = new_key() if idempotency_key is None else checked_key(idempotency_key)
            headers = {**(headers or {}), _headers.IDEMPOTENCY_KEY: idempotency_key}
        elif idempotency_key is not None:
            raise InvalidArgumentError("this call takes no idempotency key; reads and DELETE can be repeated without one")
        if options is not None:
            settings = settings.overridden(
                timeout=options.timeout, max_retries=options.max_retries, max_wait=options.max_wait, priority=options.priority
            )
            if options.deadline is not None:
                check_deadline(options.deadline)
                deadline_at = started + options.deadline
            if options.extra_query:
                text = query_string(query, checked_query(options.extra_query, "extra_query"))
            if options.headers:
                headers = {**(headers or {}), **_headers.checked_headers(options.headers)}
        return Call(
            target,
            path,
            text,
            headers,
            content,
            is_under_team,
            idempotency_key,
            settings,
            started,
            deadline_at,
        )

    def _refuse_write(self, target: Target) -> None:
        if self.core.is_publishable and target.method != "GET":
            error = ConfigurationError("a publishable key can only read; use a secret key (sk_live_… or sk_test_…) for writes")
            error.operation = target.id
            raise error

    def _refuse_stranger(self, operation: Operation) -> None:
        """Refuse an operation that is none of this client's; whoever has a key may also call what stands outside its team."""
        if operation.scope == "root" and self.core.scope == "team":
            return
        right = "CStarLibrary" if operation.scope == "library" else "CStarClient"
        error = ConfigurationError(f"{operation.id} is an operation of {right}; call it there")
        error.operation = operation.id
        raise error

    async def _team_path(self, call: Call) -> str:
        """The path of the key's team, found with one call however many wait for it."""
        left = None if call.deadline_at is None else call.deadline_at - self.core.clock.monotonic()
        try:
            async with asyncio.timeout(left):
                return await self.core.team_path.get(self._find_team)
        except TimeoutError:
            error = RequestTimeoutError("the deadline was over before the team of the key was found", sent=False)
            call.name(error)
            raise error from None

    async def _find_team(self) -> str:
        from cstar_async._generated.api.auth import whoami

        token = RECORDER.set(None)
        try:
            found = (await whoami(_Door(self))).team_id
        finally:
            RECORDER.reset(token)
        if not is_text(found) or not found:
            raise ConfigurationError("the key's team could not be found: whoami names none; pass team_id=")
        return self.core.path_of_team(found)

    async def _perform(self, call: Call) -> None:
        """Send a call until it succeeds and has its response, or until its failure is to be raised."""
        core = self.core
        core.enter_loop()
        if core.observers.watch_spans:
            self._tell_begun(call)
        base = (core.team_path.value or await self._team_path(call)) if call.is_under_team else core.prefix
        call.path = base + call.path
        may_be_done = False
        while True:
            call.attempts += 1
            try:
                response = await self._attempt(call)
            except TransportError as error:
                call.name(error)
                failure, raised = Failure(sent=error.sent), cast("TransportError | APIError", error)
            else:
                if 200 <= response.status <= 299 or (response.status == 404 and may_be_done and call.method == "DELETE"):
                    core.budget.refill(after_retry=call.attempts > 1)
                    call.response = response
                    return
                facts = read_error(response, core.clock.time())
                failure = Failure(status=facts.status, code=facts.code, retry_after=facts.retry_after)
                raised = make_error(facts, operation=call.target.id, attempts=call.attempts, idempotency_key=call.idempotency_key)
            may_be_done = may_be_done or failure.may_have_acted
            await self._back_off(call, failure, raised)

    async def _attempt(self, call: Call) -> HttpResponse:
        """Send a request once, in its turn, and learn from its answer."""
        core, settings = self.core, call.settings
        limiter, clock, permit = core.limiter, core.clock, None
        if core.gate.try_enter():
            permit = limiter.try_acquire(settings.priority, clock)
            if permit is None:
                core.gate.leave()
        if permit is None:
            permit = await self._wait_for_turn(call)
        try:
            timeout = settings.timeout
            if call.deadline_at is not None:
                timeout = min(timeout, call.deadline_at - clock.monotonic())
                if timeout <= 0:
                    raise RequestTimeoutError("the deadline was over before the request could be sent", sent=False)
            if core.observers.watch_calls:
                response = await self._send_watched(call, timeout)
            else:
                response = await core.transport.send(call, timeout)
        except BaseException as error:
            limiter.give_back(permit, clock, sent=not isinstance(error, TransportError) or error.sent)
            raise
        else:
            limiter.settle(permit, response.status, response.headers, clock)
            return response
        finally:
            core.gate.leave()

    async def _wait_for_turn(self, call: Call) -> Permit:
        """Wait for a place at the gate and a permit of the limiter, and return with both.

        Whoever waits for a permit holds no place meanwhile: a hundred calls that wait for the next hour must not stand in the way
        of one that needs not wait.
        """
        core, clock, priority = self.core, self.core.clock, call.settings.priority
        await self._enter_gate(call)
        permit = core.limiter.try_acquire(priority, clock)
        if permit is not None:
            return permit
        core.gate.leave()
        longest = call.settings.max_wait
        if call.deadline_at is not None:
            longest = min(longest, call.deadline_at - clock.monotonic())
        try:
            permit = await core.limiter.acquire(
                priority, clock, longest=longest, announce=lambda wait: self._announce(call, "rate_limit", wait)
            )
        except RateLimitWaitError as error:
            call.attempts -= 1  # this one was never sent
            call.name(error)
            raise
        try:
            await self._enter_gate(call)
        except BaseException:
            core.limiter.give_back(permit, clock, sent=False)
            raise
        return permit

    async def _enter_gate(self, call: Call) -> None:
        gate = self.core.gate
        if gate.try_enter():
            return
        if call.deadline_at is None:
            await gate.enter(call.settings.priority)
            return
        try:
            async with asyncio.timeout(max(0.0, call.deadline_at - self.core.clock.monotonic())):
                await gate.enter(call.settings.priority)
        except TimeoutError:
            raise RequestTimeoutError("the deadline was over before the request could be sent", sent=False) from None

    async def _send_watched(self, call: Call, timeout: float) -> HttpResponse:
        """Send, and tell the observers before and after."""
        core, target = self.core, call.target
        core.observers.request(
            RequestInfo(
                call_id=call.id,
                operation=target.id,
                method=target.method,
                path=target.path,
                attempt=call.attempts,
                idempotency_key=call.idempotency_key,
            )
        )
        sent = core.clock.monotonic()
        response = await core.transport.send(call, timeout)
        core.observers.response(
            ResponseInfo(
                call_id=call.id,
                operation=target.id,
                method=target.method,
                path=target.path,
                attempt=call.attempts,
                status=response.status,
                elapsed=core.clock.monotonic() - sent,
                rate_limit=read_state(response.headers),
                request_id=stated_request_id(response),
            )
        )
        return response

    async def _back_off(self, call: Call, failure: Failure, raised: TransportError | APIError) -> None:
        """Wait before the next attempt, or raise what ended the last.

        Raises:
            RateLimitWaitError: A 429 asks for a longer wait than the call allows.
            CStarError: *raised*, because another attempt would not help, could do harm, or is not allowed any more.
        """
        core, settings, attempt = self.core, call.settings, call.attempts
        decision = decide(
            failure,
            method=call.method,
            idempotency_key=call.idempotency_key,
            attempt=attempt,
            allowance=Allowance(
                max_retries=settings.max_retries,
                max_wait=settings.max_wait,
                left=None if call.deadline_at is None else call.deadline_at - core.clock.monotonic(),
            ),
            random=core.random,
        )
        if decision.verdict is Verdict.REFUSE:
            raise self._wait_too_long(call, raised, decision.wait) from raised
        if decision.verdict is Verdict.RAISE or not core.budget.take():
            raise raised
        wait = decision.wait
        target = call.target
        core.observers.retry(
            RetryInfo(
                call_id=call.id,
                operation=target.id,
                method=target.method,
                path=target.path,
                attempt=attempt,
                status=failure.status,
                error=type(raised).__name__,
                wait=wait,
            )
        )
        self._announce(call, "rate_limit" if failure.status == 429 else "back_off", wait)
        await core.clock.sleep(wait)

    def _wait_too_long(self, call: Call, refused: CStarError, wait: float) -> RateLimitWaitError:
        retry_at = moment(self.core.clock.time() + wait)
        return RateLimitWaitError(
            f"the server asks to come back after {wait:.0f} s, longer than allowed",
            retry_at=retry_at,
            wait=wait,
            state=self.core.limiter.state,
            operation=call.target.id,
            attempts=refused.attempts,
            idempotency_key=call.idempotency_key,
            request_id=refused.request_id,
        )

    def _announce(self, call: Call, reason: Any, wait: float) -> None:
        target = call.target
        self.core.observers.wait(
            WaitInfo(
                call_id=call.id,
                operation=target.id,
                method=target.method,
                path=target.path,
                reason=reason,
                wait=wait,
                priority=call.settings.priority,
            )
        )

    def _tell_begun(self, call: Call) -> None:
        """Tell the observers that a call begins, which they will then hear the end of."""
        core, target = self.core, call.target
        call.is_told = True
        core.observers.call(
            CallInfo(
                call_id=call.id,
                operation=target.id,
                method=target.method,
                path=target.path,
                host=core.host,
                port=core.port,
            )
        )

    def _end(self, call: Call, error: BaseException) -> None:
        """Write the circumstances of a call on the error that it raises, and tell those who were told of its beginning."""
        core = self.core
        if isinstance(error, CStarError):
            error.at = moment(core.clock.time())
            error.elapsed = core.clock.monotonic() - call.started
            error.rate_limit = core.limiter.state
        if call.is_told:
            request_id = error.request_id if isinstance(error, CStarError) else None
            self._tell_done(call, request_id, status=_status_of(error), error=error)

    def _tell_done(
        self, call: Call, request_id: str | None, *, status: int | None = None, error: BaseException | None = None
    ) -> None:
        core, target = self.core, call.target
        call.is_told = False
        core.observers.done(
            DoneInfo(
                call_id=call.id,
                operation=target.id,
                method=target.method,
                path=target.path,
                attempts=call.attempts,
                status=call.response.status if error is None else status,
                request_id=request_id,
                error=None if error is None else type(error).__name__,
                elapsed=core.clock.monotonic() - call.started,
                rate_limit=core.limiter.state,
            )
        )

    def _open(
        self, call: Call, operation: Operation, promised: type[dict[str, Unchecked] | list[Unchecked]]
    ) -> dict[str, Unchecked]:
        """Open the envelope of a good answer, and see that `data` is of the promised kind."""
        response = call.response
        try:
            envelope = open_envelope(response.body, status=response.status)
            data = envelope["data"]
            if data.__class__ is not promised and not (data is None and operation.nullable):
                raise DecodeError(
                    f"data is {kind_of(data)} instead of {'an object' if promised is dict else 'an array'}",
                    where="$.data",
                    status=response.status,
                    request_id=request_id_of(envelope),
                )
        except DecodeError as error:
            call.name_undecodable(error)
            raise
        if self.core.observers.watch_drift and operation.result is not None and data is not None:
            self._report_drift(operation, operation.result, data)
        return envelope

    def _report_drift(self, operation: Operation, schema: str, data: Unchecked) -> None:
        where = "$.data[]" if is_array(data) else "$.data"
        rows: list[Unchecked] = data if is_array(data) else [data]
        differences = dict.fromkeys(drift for row in rows for drift in find_drift(schema, row, self.core.schemas, where))
        for drift in differences:
            self.core.observers.drift(
                DriftInfo(operation=operation.id, where=drift.where, kind=drift.kind, expected=drift.expected, found=drift.found)
            )

    def _deliver(self, call: Call, envelope: dict[str, Unchecked], data: T) -> T:
        """Hand out the data; where somebody asked for the whole response, keep that for them."""
        recorder = RECORDER.get()
        if recorder is not None:
            recorder.response = self._respond(call, envelope, data)
        if call.is_told:
            self._tell_done(call, _request_id(call, envelope))
        return data

    def _respond(self, call: Call, envelope: dict[str, Unchecked], data: T) -> Response[T]:
        response = call.response
        return Response(
            data=data,
            status=response.status,
            headers=response.headers,
            request_id=_request_id(call, envelope),
            timestamp=timestamp_of(envelope),
            rate_limit=read_state(response.headers),
            attempts=call.attempts,
            idempotency_key=call.idempotency_key,
            elapsed=self.core.clock.monotonic() - call.started,
        )


def _request_id(call: Call, envelope: dict[str, Unchecked]) -> str | None:
    """The id of the request as its answer names it, in the body or else in a header."""
    return request_id_of(envelope) or call.response.headers.get(_headers.REQUEST_ID)


def _status_of(error: BaseException | None) -> int | None:
    """The status of the answer that an error is about; None where there was none."""
    if isinstance(error, (APIError, DecodeError)):
        return error.status
    return _status_of(error.__cause__) if isinstance(error, RateLimitWaitError) else None


@attrs.frozen
class _Door:
    """Lets the runtime call a generated function itself."""

    sender: ClientSender


def _count_or_none(value: object, name: str) -> int | None:
    """A page number or size of the caller's; None where none was given."""
    if value is None:
        return None
    if not is_whole(value) or value < 1:
        raise InvalidArgumentError(f"{name} is a whole number from 1, not {value!r}")
    return value
