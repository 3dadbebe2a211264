"""From an operation to a call, and from its answer to what a method returns; `_runtime` does what lies between."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Final, Generic, TypeVar, cast

import attrs

from cstar_async._client.body_limits import check_item_limits
from cstar_async._client.call import Call, CallTarget, RawTarget, StreamCall
from cstar_async._client.drift import find_drift
from cstar_async._client.pipeline import RequestPipeline
from cstar_async._client.response_capture import RESPONSE_CAPTURE
from cstar_async._client.settings import check_request_options, check_total_timeout
from cstar_async._model.codec import encode_body, read_row, read_rows
from cstar_async._model.model import Model
from cstar_async._operations.operation import Operation
from cstar_async._protocol import headers as _headers
from cstar_async._protocol.envelope import decode_text, parse_body, parse_envelope, parse_page_info, request_id_of, timestamp_of
from cstar_async._protocol.headers import parse_rate_limit
from cstar_async._protocol.idempotency import new_key, validate_key
from cstar_async._protocol.messages import StreamingResponse
from cstar_async._protocol.retry import SAFE_METHODS
from cstar_async._protocol.urls import encode_raw_path, page_query, path_segment, query_string, validate_query
from cstar_async._redaction import redact
from cstar_async._types import (
    JSON,
    UNSET,
    JSONObject,
    RequestOptions,
    Response,
    UntypedJSON,
    is_array,
    is_int,
    is_object,
    is_str,
    json_type_name,
)
from cstar_async.errors import ConfigurationError, DecodeError, InvalidArgumentError
from cstar_async.hooks import DriftInfo
from cstar_async.pagination import Page, Paginator
from cstar_async.pagination._checkpoint import ListKey
from cstar_async.pagination._page import linked_page

T = TypeVar("T")

_JSON_BODY: Final = {_headers.CONTENT_TYPE: "application/json"}


@attrs.define
class ListRequest(Generic[T]):
    """What is asked of a list, the same for each of its pages."""

    operation: Operation
    item: type[T]
    path: tuple[str, ...]
    filters: str
    """As a query, without page and size."""
    options: RequestOptions | None


class ClientExecutor(RequestPipeline):
    """Carries out the operations of one view of a client; the implementation of `OperationExecutor`."""

    __slots__ = ()

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
        call = self._build_operation_call(operation, path, query, body, idempotency_key, options)
        await self.send_with_retries(call)
        if operation.shape == "deleted" and (not call.response.body.strip() or call.response.status == 404):
            # The answer is known without a body: the object is gone.
            envelope: dict[str, UntypedJSON] = {"data": {"deleted": True, "id": path[-1]}}
        elif operation.may_be_empty and not call.response.body.strip():
            envelope = {"data": {}}
        else:
            envelope = self._parse_envelope(call, operation, dict)
        return self._finish(call, envelope, read_row(result, envelope["data"]))

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
        call = self._build_operation_call(operation, path, query, body, idempotency_key, options)
        await self.send_with_retries(call)
        text = decode_text(call.response, operation.text)
        if text is not None:
            return self._finish(call, {}, text)
        envelope = self._parse_envelope(call, operation, dict)
        return self._finish(call, envelope, read_row(result, envelope["data"]))

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
        call = self._build_operation_call(operation, path, query, body, idempotency_key, options)
        await self.send_with_retries(call)
        envelope = self._parse_envelope(call, operation, dict)
        data: UntypedJSON = envelope["data"]
        return self._finish(call, envelope, None if data is None else read_row(result, data))

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
        call = self._build_operation_call(operation, path, query, None, None, options)
        await self.send_with_retries(call)
        envelope = self._parse_envelope(call, operation, list)
        return self._finish(call, envelope, read_rows(item, envelope["data"]))

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
        check_request_options(options)
        if options is not None and options.extra_query:
            filters.update(validate_query(options.extra_query, "extra_query"))
        is_paged = operation.shape == "page"
        first, size = (filters.pop("page", None), filters.pop("pageSize", None)) if is_paged else (None, None)
        asked = query_string(filters) if filters else ""
        context, priority = self.context, self.settings.priority
        if options is not None and options.priority is not None:
            priority = options.priority

        def read_quota() -> tuple[int, datetime | None]:
            state = context.limiter.state
            return context.limiter.remaining(priority, context.clock), None if state is None else state.reset_at

        return Paginator(
            partial(self._fetch_page, ListRequest(operation, item, path, asked, options)),
            first_page=_count_or_none(first, "page"),
            page_size=_count_or_none(size, "page_size"),
            list_key=ListKey(operation.id, f"{'/'.join(path)}?{asked}"),
            read_quota=read_quota,
            is_paged=is_paged,
        )

    async def _fetch_page(self, listing: ListRequest[T], number: int | None, size: int | None) -> Page[T]:
        call = self._build_operation_call(listing.operation, listing.path, None, None, None, listing.options)
        is_paged = listing.operation.shape == "page"
        call.query = page_query(listing.filters, number, size) if is_paged else listing.filters
        await self.send_with_retries(call)
        envelope = self._parse_envelope(call, listing.operation, list)
        rows = read_rows(listing.item, envelope["data"])
        if not is_paged:
            return self._finish(call, envelope, Page(rows))
        fetch = partial(self._fetch_page, listing)
        return self._finish(call, envelope, linked_page(fetch, rows, parse_page_info(envelope, len(rows)), number, size))

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
        verb = method.upper() if is_str(method) else method
        if verb not in {"GET", "POST", "PATCH", "PUT", "DELETE"}:
            raise InvalidArgumentError(f"method must be GET, POST, PATCH, PUT or DELETE, not {method!r}")
        written = encode_raw_path(path)
        # Ids stand in such a path, and some are addresses of people.
        target = RawTarget("request", verb, redact(path))
        self._check_can_write(target)
        # The library takes no idempotency keys.
        is_keyed = verb not in SAFE_METHODS and self.context.scope == "team"
        call = self._build_call(
            target,
            written,
            None if params is None else validate_query(params, "params"),
            json,
            idempotency_key,
            options,
            not written.startswith("/api/"),
            is_keyed,
        )
        await self.send_with_retries(call)
        response = self._free_response(call)
        recorder = RESPONSE_CAPTURE.get()
        if recorder is not None:
            recorder.response = response
        if call.hooks_notified:
            self.notify_call_end(call, response.request_id)
        return response

    async def open_stream(self, target: CallTarget, path: str, headers: Mapping[str, str]) -> StreamingResponse:
        """Open a stream of the team's, with the limits, retries and errors of every call.

        Args:
            target: What it is named after.
            path: Under the team.
            headers: What this request adds to the client's own headers.

        Raises:
            ConfigurationError: The key is publishable.
            CStarError: As for every call.
        """
        if self.context.is_publishable:
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
            self.context.clock.monotonic(),
            None,
        )
        await self.send_with_retries(call)
        response = call.response
        if not isinstance(response, StreamingResponse):
            error = DecodeError("the answer is not a stream", status=response.status)
            self._fail_decoding(call, error)
            raise error
        if call.hooks_notified:
            self.notify_call_end(call, response.headers.get(_headers.REQUEST_ID))
        return response

    def _free_response(self, call: Call) -> Response[JSON]:
        """The answer to a free request: `data` where there is an envelope, else the whole body.

        It is None for an empty body, and where a thing to be deleted was found gone.
        """
        response = call.response
        if not response.body.strip() or response.status == 404:
            return self._make_response(call, {}, cast("JSON", None))
        try:
            parsed = parse_body(response.body, status=response.status)
        except DecodeError as error:
            self._fail_decoding(call, error)
            raise
        envelope: dict[str, UntypedJSON] = parsed if is_object(parsed) and "data" in parsed else {"data": parsed}
        return self._make_response(call, envelope, cast("JSON", envelope["data"]))

    def _build_operation_call(
        self,
        operation: Operation,
        path: tuple[str, ...],
        query: Mapping[str, object] | None,
        body: Model | JSONObject | None,
        idempotency_key: str | None,
        options: RequestOptions | None,
    ) -> Call:
        """Build a call of the document's."""
        if self.context.is_publishable:
            self._check_can_write(operation)
        if operation.scope != self.context.scope:
            self._check_scope(operation)
        if operation.limits:
            check_item_limits(operation, body)
        segments = operation.segments
        relative = segments[0]
        for index, value in enumerate(path):
            relative += path_segment(value) + segments[index + 1]
        return self._build_call(
            operation,
            relative,
            query,
            body,
            idempotency_key,
            options,
            operation.scope != "root",
            operation.sends_idempotency_key,
        )

    def _build_call(
        self,
        target: CallTarget,
        path: str,
        query: Mapping[str, object] | None,
        body: object,
        idempotency_key: str | None,
        options: RequestOptions | None,
        is_under_team: bool,
        is_keyed: bool,
    ) -> Call:
        """Build a call. Whatever is wrong with it is found here, before anything is sent."""
        if options is not None:
            check_request_options(options)
        started, deadline, settings = self.context.clock.monotonic(), None, self.settings
        text = query_string(query) if query else ""
        content: bytes | None = None
        headers: Mapping[str, str] | None = None
        extra = None if options is None else options.extra_body
        if body is not None or extra:
            content, headers = encode_body({} if body is None else body, extra), _JSON_BODY
        if is_keyed:
            idempotency_key = new_key() if idempotency_key is None else validate_key(idempotency_key)
            headers = {**(headers or {}), _headers.IDEMPOTENCY_KEY: idempotency_key}
        elif idempotency_key is not None:
            raise InvalidArgumentError("this call takes no idempotency key; reads and DELETE can be repeated without one")
        if options is not None:
            settings = settings.replace(
                timeout=options.timeout, max_retries=options.max_retries, max_wait=options.max_wait, priority=options.priority
            )
            if options.total_timeout is not None:
                check_total_timeout(options.total_timeout)
                deadline = started + options.total_timeout
            if options.extra_query:
                text = query_string(query, validate_query(options.extra_query, "extra_query"))
            if options.headers:
                headers = {**(headers or {}), **_headers.validate_headers(options.headers)}
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
            deadline,
        )

    def _check_can_write(self, target: CallTarget) -> None:
        if self.context.is_publishable and target.method != "GET":
            error = ConfigurationError("a publishable key can only read; use a secret key (sk_live_… or sk_test_…) for writes")
            error.operation = target.id
            raise error

    def _check_scope(self, operation: Operation) -> None:
        """Refuse an operation that is none of this client's; whoever has a key may also call what stands outside its team."""
        if operation.scope == "root" and self.context.scope == "team":
            return
        right = "CStarLibrary" if operation.scope == "library" else "CStarClient"
        error = ConfigurationError(f"{operation.id} is an operation of {right}; call it there")
        error.operation = operation.id
        raise error

    async def _find_team_path(self) -> str:
        from cstar_async.api.auth import whoami

        token = RESPONSE_CAPTURE.set(None)
        try:
            found = (await whoami(_ExecutorHolder(self))).team_id
        finally:
            RESPONSE_CAPTURE.reset(token)
        if not is_str(found) or not found:
            raise ConfigurationError("the key's team could not be found: whoami names none; pass team_id=")
        return self.context.path_of_team(found)

    def _parse_envelope(
        self, call: Call, operation: Operation, promised: type[dict[str, UntypedJSON] | list[UntypedJSON]]
    ) -> dict[str, UntypedJSON]:
        """Open the envelope of a good answer, and see that `data` is of the promised kind."""
        response = call.response
        try:
            envelope = parse_envelope(response.body, status=response.status)
            data = envelope["data"]
            if data.__class__ is not promised and not (data is None and operation.nullable):
                raise DecodeError(
                    f"data is {json_type_name(data)} instead of {'an object' if promised is dict else 'an array'}",
                    where="$.data",
                    status=response.status,
                    request_id=request_id_of(envelope),
                )
        except DecodeError as error:
            self._fail_decoding(call, error)
            raise
        if self.context.hooks.has_drift_hooks and operation.result is not None and data is not None:
            self._report_drift(operation, operation.result, data)
        return envelope

    def _fail_decoding(self, call: Call, error: DecodeError) -> None:
        """Write on an error which call it ended, and by which request if the body did not say so; the call is over."""
        call.annotate(error)
        error.request_id = error.request_id or call.response.headers.get(_headers.REQUEST_ID)
        self.record_failure(call, error)

    def _report_drift(self, operation: Operation, schema: str, data: UntypedJSON) -> None:
        where = "$.data[]" if is_array(data) else "$.data"
        rows: list[UntypedJSON] = data if is_array(data) else [data]
        differences = dict.fromkeys(drift for row in rows for drift in find_drift(schema, row, self.context.schemas, where))
        for drift in differences:
            self.context.hooks.emit(
                DriftInfo(operation=operation.id, where=drift.where, kind=drift.kind, expected=drift.expected, actual=drift.found)
            )

    def _finish(self, call: Call, envelope: dict[str, UntypedJSON], data: T) -> T:
        """Hand out the data; where somebody asked for the whole response, keep that for them."""
        recorder = RESPONSE_CAPTURE.get()
        if recorder is not None:
            recorder.response = self._make_response(call, envelope, data)
        if call.hooks_notified:
            self.notify_call_end(call, _request_id(call, envelope))
        return data

    def _make_response(self, call: Call, envelope: dict[str, UntypedJSON], data: T) -> Response[T]:
        response = call.response
        return Response(
            data=data,
            status=response.status,
            headers=response.headers,
            request_id=_request_id(call, envelope),
            timestamp=timestamp_of(envelope),
            rate_limit=parse_rate_limit(response.headers),
            attempts=call.attempts,
            idempotency_key=call.idempotency_key,
            elapsed=self.context.clock.monotonic() - call.started,
        )


def _request_id(call: Call, envelope: dict[str, UntypedJSON]) -> str | None:
    """The id of the request as its answer names it, in the body or else in a header."""
    return request_id_of(envelope) or call.response.headers.get(_headers.REQUEST_ID)


@attrs.frozen
class _ExecutorHolder:
    """Lets the runtime call a generated function itself."""

    sender: ClientExecutor


def _count_or_none(value: object, name: str) -> int | None:
    """A page number or size of the caller's; None where none was given."""
    if value is None:
        return None
    if not is_int(value) or value < 1:
        raise InvalidArgumentError(f"{name} is a whole number from 1, not {value!r}")
    return value
