"""Downloads and streams of operations, and of paths given by the caller."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

import attrs

from cstar_async._client.call import TRANSFER_EXPIRED, Call, TransferCall
from cstar_async._client.request_builder import build_operation_call
from cstar_async._model.structuring import StructureError
from cstar_async._operations.executor import CallArguments
from cstar_async._operations.operation import Operation
from cstar_async._protocol.headers import ACCEPT, parameter_headers
from cstar_async._protocol.messages import Sink, StreamingResponse
from cstar_async._types import Response, UntypedJSON
from cstar_async.errors import CStarError, DecodeError, RequestTimeoutError
from cstar_async.files import Download, Stream
from cstar_async.files._item_decoders import ITEM_TYPES, ItemDecoder, item_decoder

if TYPE_CHECKING:
    from cstar_async._client.executor import ClientExecutor

T = TypeVar("T")


def download_operation(executor: ClientExecutor, operation: Operation, path: tuple[str, ...], arguments: CallArguments) -> Download:
    """Return a download; see `OperationExecutor.download`."""
    build = partial(_build, executor, operation, path, arguments)

    async def save(sink: Sink) -> None:
        call = _transfer(build(), sink=sink)
        await executor.send_with_retries(call)
        executor.finish(call, {}, None)

    return Download(
        partial(executor.execute, operation, bytes, *path, **arguments),
        save,
        lambda: Stream(partial(_open, executor, build, _bytes)),
    )


def stream_operation(
    executor: ClientExecutor,
    operation: Operation,
    convert: Callable[[UntypedJSON], T] | None,
    path: tuple[str, ...],
    arguments: CallArguments,
) -> Stream[T]:
    """Return a stream; see `OperationExecutor.stream`."""
    return Stream(partial(_open, executor, partial(_build, executor, operation, path, arguments), _items(executor, convert)))


async def stream_path(executor: ClientExecutor, call: Call, structure: Callable[[UntypedJSON], Any] | None) -> Response[Any]:
    """Send a call and return its response, whose data is an open stream of bytes, or of what *structure* makes."""
    call.add_headers({ACCEPT: "*/*" if structure is None else ITEM_TYPES})
    choose: Callable[[Mapping[str, str]], ItemDecoder[Any]]
    choose = _bytes if structure is None else _items(executor, partial(_structured, structure))
    stream = await Stream(partial(_open, executor, lambda: call, choose)).__aenter__()
    response: Response[Any] = attrs.evolve(cast("UntypedJSON", stream.response), data=stream)
    return response


def _build(executor: ClientExecutor, operation: Operation, path: tuple[str, ...], arguments: CallArguments) -> Call:
    return build_operation_call(
        executor.context,
        executor.settings,
        operation,
        path,
        arguments.get("query"),
        arguments.get("body"),
        arguments.get("idempotency_key"),
        arguments.get("options"),
        parameter_headers(arguments.get("headers"), arguments.get("cookies")),
    )


def _transfer(call: Call, *, sink: Sink | None = None) -> TransferCall:
    """Return a call whose response is not compressed, so that its size is known, and no gateway holds back items."""
    call.add_headers({"Accept-Encoding": "identity"})
    return TransferCall.of(call, sink=sink, stream=sink is None)


async def _open(
    executor: ClientExecutor, build: Callable[[], Call], choose: Callable[[Mapping[str, str]], ItemDecoder[T]]
) -> tuple[_OpenStream, ItemDecoder[T]]:
    """Send a call and return its response, which is still arriving, with the decoder of its items."""
    call = _transfer(build())
    body = await executor.send_for_stream(call)
    try:
        decoder = choose(body.headers)
    except DecodeError as error:
        body.close()
        error.status = body.status
        executor.fail_decoding(call, error)
        raise
    response = executor.finish(call, {}, executor.make_response(call, {}, None))
    return _OpenStream(executor, call, body, response), decoder


def _bytes(_: Mapping[str, str]) -> ItemDecoder[bytes]:
    return ItemDecoder()


def _items(executor: ClientExecutor, convert: Callable[[UntypedJSON], T] | None) -> Callable[[Mapping[str, str]], ItemDecoder[T]]:
    return lambda headers: item_decoder(headers, convert, executor.context.max_response_size)


def _structured(structure: Callable[[UntypedJSON], T], value: UntypedJSON) -> T:
    """Return an item as the class that the caller named."""
    try:
        return structure(value)
    except StructureError as failure:
        error = DecodeError(f"an item does not have the form of the model{str(failure) and f', at {failure}'}", status=200)
    raise error


class _OpenStream:
    """Reads a response with the timeout of its call for each read, and ends when the client is closed."""

    def __init__(self, executor: ClientExecutor, call: Call, body: StreamingResponse, response: Response[None]) -> None:
        self.response = response
        self._waits, self._clock = executor.context.waits, executor.context.clock
        self._call = call
        self._body = body

    async def read(self) -> bytes:
        """Return the next bytes; empty at the end."""
        timeout, left = self._call.settings.timeout, self._call.time_left(self._clock.monotonic())
        is_last = left is not None and left < timeout
        try:
            if left is not None and left <= 0:
                raise RequestTimeoutError(TRANSFER_EXPIRED)  # reading data that is ready would not time out
            async with self._waits.enter():
                return await self._body.read(left if is_last else timeout)
        except RequestTimeoutError:
            if is_last:
                raise RequestTimeoutError(TRANSFER_EXPIRED) from None
            raise

    def annotate(self, error: CStarError) -> None:
        """Set the call's data on an error."""
        self._call.annotate(error)
        if isinstance(error, DecodeError):
            error.status = self.response.status
        error.request_id = error.request_id or self.response.request_id

    def close(self) -> None:
        """Close the connection; may be called twice."""
        self._body.close()
