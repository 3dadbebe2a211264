"""Requests of paths given by the caller."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from cstar_async._client.executor import ClientExecutor
from cstar_async._client.request_builder import build_raw_call
from cstar_async._model.structuring import StructureError, structure_as
from cstar_async._protocol.envelope import parse_body, request_id_of
from cstar_async._protocol.messages import RawResponse
from cstar_async._types import RequestOptions, Response, UntypedJSON, is_object
from cstar_async._values.validation import check_instance
from cstar_async.errors import DecodeError

T = TypeVar("T")


async def request_path(
    executor: ClientExecutor,
    method: str,
    path: str,
    *,
    params: Mapping[str, object] | None,
    json: object,
    files: Mapping[str, object] | None,
    model: type[Any] | None,
    stream: bool,
    idempotency_key: str | None,
    options: RequestOptions | None,
) -> Response[Any]:
    """Request a path given by the caller.

    `data` is that of the envelope, the body without one, or None for an empty body. With *model*, it is one of those. With
    *stream*, it is a `Stream` that is open.
    """
    check_instance("stream", stream, bool, "True or False")
    structure = None if model is None else structure_as(model)
    call = build_raw_call(executor.context, executor.settings, method, path, params, json, idempotency_key, options, files)
    if stream:
        from cstar_async._client.transfers import stream_path  # most programs transfer no files

        return await stream_path(executor, call, structure)
    await executor.send_with_retries(call)
    try:
        envelope = _parse_envelope(call.response)
        data = envelope["data"] if structure is None else _structured(structure, envelope, call.response.status)
    except DecodeError as error:
        executor.fail_decoding(call, error)
        raise
    return executor.finish(call, envelope, executor.make_response(call, envelope, data))


def _parse_envelope(response: RawResponse) -> dict[str, UntypedJSON]:
    """Return the envelope of a success, or one around a body that has none."""
    if not response.body.strip():
        return {"data": None}
    parsed = parse_body(response)
    return parsed if is_object(parsed) and "data" in parsed else {"data": parsed}


def _structured(structure: Callable[[UntypedJSON], T], envelope: dict[str, UntypedJSON], status: int) -> T:
    """Return the data as the class that the caller named."""
    try:
        return structure(envelope["data"])
    except StructureError as failure:
        error = DecodeError(
            f"the response does not have the form of the model{str(failure) and f', at data{failure}'}",
            where=f"$.data{failure}",
            status=status,
            request_id=request_id_of(envelope),
        )
    raise error
