"""Execution of operations: build a call, send it through the pipeline, decode its response."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar, Unpack, cast, get_args

from cstar_async._client.call import Call, CallTarget, TransferCall
from cstar_async._client.lists import paginate_operation
from cstar_async._client.pipeline import RequestPipeline
from cstar_async._client.request_builder import build_operation_call
from cstar_async._model.codec import decode_item, decode_items
from cstar_async._operations.executor import CallArguments, ResultDecoder
from cstar_async._operations.operation import Operation, Shape
from cstar_async._protocol.envelope import (
    decode_text,
    find_request_id,
    parse_body,
    parse_envelope,
    request_id_of,
    timestamp_of,
)
from cstar_async._protocol.headers import parameter_headers, parse_rate_limit
from cstar_async._protocol.messages import RawResponse, StreamingResponse
from cstar_async._types import (
    Priority,
    RequestOptions,
    Response,
    UntypedJSON,
    is_str,
    json_type_name,
)
from cstar_async.errors import ConfigurationError, DecodeError, InvalidArgumentError, PaginationError
from cstar_async.pagination import Paginator

if TYPE_CHECKING:
    from cstar_async.files import Download, Stream  # most programs transfer no files

T = TypeVar("T")

RESPONSE_CAPTURE: Final[ContextVar[list[Response[Any]] | None]] = ContextVar("cstar_async_response_capture", default=None)
"""Where `with_response` gets the last response of a call. A context variable, so that concurrent calls have one each."""
_WITHOUT_JSON: Final = frozenset({"none", "text", "bytes"})
DATA_TYPES: Final[dict[str, type | None]] = {"object": dict, "deleted": dict, "array": list, "page": list, "value": None}
"""What `data` is in Python, by the shape of an operation."""


class ClientExecutor(RequestPipeline):
    """Execute the operations of one view of a client; implements `OperationExecutor`."""

    __slots__ = ()

    def __reduce__(self) -> NoReturn:
        # Everything that a client hands out leads here: its namespaces, methods, paginators and streams.
        raise TypeError(
            "what belongs to a client cannot be copied or pickled, because the client has open connections and perhaps a key; "
            "make a client where one is needed"
        )

    async def execute(
        self,
        operation: Operation,
        result: ResultDecoder[T],
        /,
        *path: str,
        query: Mapping[str, object] | None = None,
        headers: Mapping[str, object] | None = None,
        cookies: Mapping[str, object] | None = None,
        body: object = None,
        idempotency_key: str | None = None,
        options: RequestOptions | None = None,
    ) -> T:
        """Call an operation; see `OperationExecutor.execute`."""
        added = parameter_headers(headers, cookies) if headers or cookies else None
        call = build_operation_call(self.context, self.settings, operation, path, query, body, idempotency_key, options, added)
        await self.send_with_retries(call)
        shape = operation.shape
        if shape in _WITHOUT_JSON:
            return self.finish(call, {}, cast("T", _read_without_json(shape, call.response)))
        if operation.text is not None:
            text = decode_text(call.response, operation.text)
            if text is not None:
                return self.finish(call, {}, cast("T", text))
        if shape == "deleted" and not call.response.body.strip():
            envelope: dict[str, UntypedJSON] = {"data": {"deleted": True, "id": path[-1] if path else None}}
        elif operation.may_be_empty and not call.response.body.strip():
            envelope = {"data": None if shape == "value" else {}}
        else:
            envelope = self.parse_envelope(call, operation)
        data: UntypedJSON = envelope["data"]
        if data is None:
            return self.finish(call, envelope, cast("T", None))
        if shape == "array":
            return self.finish(call, envelope, cast("T", decode_items(get_args(result)[0], data)))
        decode: UntypedJSON = result
        if decode.__class__ is dict:
            decode = decode.get(call.response.status) or decode.get(0) or _as_it_is
        decoded: T = decode(data) if shape == "value" else decode_item(decode, data)
        if self.context.team_path.value is None and operation.id == "whoami":
            self._keep_team(decoded)
        return self.finish(call, envelope, decoded)

    def paginate(
        self,
        operation: Operation,
        item: type[T],
        /,
        *path: str,
        query: Mapping[str, object] | None = None,
        headers: Mapping[str, object] | None = None,
        cookies: Mapping[str, object] | None = None,
        options: RequestOptions | None = None,
    ) -> Paginator[T]:
        """Return a paginator; see `OperationExecutor.paginate`."""
        added = parameter_headers(headers, cookies) if headers or cookies else None
        return paginate_operation(self, operation, item, path, query, added, options)

    def download(self, operation: Operation, /, *path: str, **arguments: Unpack[CallArguments]) -> Download:
        """Return a download; see `OperationExecutor.download`."""
        from cstar_async._client.transfers import download_operation  # most programs transfer no files

        return download_operation(self, operation, path, arguments)

    def stream(
        self, operation: Operation, convert: Callable[[UntypedJSON], T] | None, /, *path: str, **arguments: Unpack[CallArguments]
    ) -> Stream[T]:
        """Return a stream; see `OperationExecutor.stream`."""
        from cstar_async._client.transfers import stream_operation

        return stream_operation(self, operation, convert, path, arguments)

    async def open_stream(self, target: CallTarget, path: str, headers: Mapping[str, str]) -> StreamingResponse:
        """Open a stream under the team, with the limits, retries and errors of every call."""
        if self.context.is_publishable:
            raise ConfigurationError("a publishable key cannot receive events; use a secret key (sk_live_… or sk_test_…)")
        started = self.context.clock.monotonic()
        call = TransferCall(target, "GET", path, "", headers, None, True, None, self.settings, started, None, stream=True)
        return self.finish(call, {}, await self.send_for_stream(call))

    async def send_for_stream(self, call: TransferCall) -> StreamingResponse:
        """Send a call, and return its response, which is still arriving."""
        await self.send_with_retries(call)
        response = call.response
        if isinstance(response, StreamingResponse):
            return response
        error = DecodeError("the response is not a stream", status=response.status)
        self.fail_decoding(call, error)
        raise error

    async def _resolve_team_path(self, call: Call) -> str:
        """Return the path prefix of the key's team; concurrent calls share one request."""
        # Another call may have more time for the rate limit than this one.
        max_wait = call.settings.max_wait + call.settings.timeout
        try:
            async with asyncio.timeout(call.time_left(self.context.clock.monotonic())):
                return await self.context.team_path.get(self._find_team_path, max_wait)
        except TimeoutError:
            raise call.expired_before("the team of the key was found") from None

    async def _find_team_path(self) -> str:
        from cstar_async._generated.operations.auth import WHOAMI
        from cstar_async.models import Whoami

        token = RESPONSE_CAPTURE.set(None)
        try:
            # Interactive, because calls of both priorities wait for it.
            team_id = (await self.execute(WHOAMI, Whoami, options=RequestOptions(priority=Priority.INTERACTIVE))).team_id
        finally:
            RESPONSE_CAPTURE.reset(token)
        if not is_str(team_id) or not team_id:
            raise ConfigurationError("whoami returned no team for this key; pass team_id=")
        return self.context.path_of_team(team_id)

    def _keep_team(self, me: object) -> None:
        """Keep the team that a caller requested, so that it is not requested again."""
        team_id = getattr(me, "team_id", None)
        if self.context.scope == "team" and is_str(team_id) and team_id:
            with suppress(InvalidArgumentError):
                self.context.team_path.value = self.context.path_of_team(team_id)

    def parse_envelope(self, call: Call, operation: Operation) -> dict[str, UntypedJSON]:
        """Parse the envelope of a success, and check the JSON type of `data`."""
        response = call.response
        expected = DATA_TYPES[operation.shape]
        try:
            envelope = parse_envelope(response) if operation.has_envelope else {"data": parse_body(response)}
            data = envelope["data"]
            if expected is not None and data.__class__ is not expected and not (data is None and operation.nullable):
                raise DecodeError(
                    f"{'data' if operation.has_envelope else 'the response'} must be "
                    f"{'an object' if expected is dict else 'an array'}, got {json_type_name(data)}",
                    where="$.data" if operation.has_envelope else "$",
                    status=response.status,
                    request_id=request_id_of(envelope),
                )
        except DecodeError as error:
            self.fail_decoding(call, error)
            raise
        if self.context.hooks.has_drift_hooks:
            self.report_drift(call, operation, data)
        return envelope

    def report_drift(self, call: Call, operation: Operation, data: UntypedJSON) -> None:
        """Notify hooks of what differs from the spec, once for each response."""
        from cstar_async.hooks._drift import find_drift, load_schemas  # most clients have no such hook

        if operation.result is not None and data is not None and not call.response.is_shared:
            for drift in find_drift(operation.id, operation.result, data, load_schemas(self.context.package)):
                self.context.hooks.emit(drift)

    def fail_decoding(self, call: Call, error: DecodeError | PaginationError) -> None:
        """Set the call's data on an error of its response; the call ends with it."""
        call.annotate(error)
        error.request_id = error.request_id or find_request_id({}, call.response.headers)
        self.record_failure(call, error)

    def finish(self, call: Call, envelope: dict[str, UntypedJSON], data: T) -> T:
        """Return the data, after capturing the response and notifying hooks where wanted."""
        capture = RESPONSE_CAPTURE.get()
        if capture is not None:
            capture[:] = [self.make_response(call, envelope, data)]
        if call.hooks_notified:
            context = self.context
            context.hooks.on_call_end(call, find_request_id(envelope, call.response.headers), context.limiter.state)
        return data

    def make_response(self, call: Call, envelope: dict[str, UntypedJSON], data: T) -> Response[T]:
        """Return the response of a call with its data."""
        response = call.response
        return Response(
            data=data,
            status=response.status,
            headers=response.headers,
            request_id=find_request_id(envelope, call.response.headers),
            timestamp=timestamp_of(envelope),
            rate_limit=parse_rate_limit(response.headers),
            attempts=call.attempts,
            idempotency_key=call.idempotency_key,
            elapsed=self.context.clock.monotonic() - call.started,
        )


def _as_it_is(value: UntypedJSON) -> UntypedJSON:
    return value


def _read_without_json(shape: Shape, response: RawResponse) -> object:
    """Return the body of a result that is not JSON."""
    if shape == "none":
        return None
    return response.body.decode("utf-8-sig", "replace") if shape == "text" else response.body
