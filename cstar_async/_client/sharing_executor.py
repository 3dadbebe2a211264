"""The executor of a client with `coalesce` or `cache`. Other clients do not load it, so their calls do not get slower."""

from __future__ import annotations

from typing import Final

from cstar_async._client.call import Call
from cstar_async._client.executor import DATA_TYPES, ClientExecutor
from cstar_async._operations.operation import Operation
from cstar_async._protocol.envelope import parse_body, parse_envelope
from cstar_async._protocol.messages import RawResponse
from cstar_async._protocol.paging import parse_page
from cstar_async.errors import DecodeError, PaginationError

CHANGES_OTHERS: Final = frozenset({"bulk", "imports"})
"""Namespaces whose writes change the objects of others."""


class SharingExecutor(ClientExecutor):
    """An executor whose GETs share responses."""

    __slots__ = ()

    async def send_with_retries(self, call: Call) -> None:
        """Set `call.response`, sent for this call or shared; see `RequestPipeline`."""
        shared, target = self.context.shared_responses, call.target
        operation = target if isinstance(target, Operation) else None
        namespace = None if operation is None else operation.namespace.partition(".")[0]
        if shared is None:
            await super().send_with_retries(call)
            return
        if call.method != "GET":
            try:
                await super().send_with_retries(call)
            finally:
                # A write that failed may have changed something, too. Views and feedback of a library change only counters.
                if operation is None or operation.scope != "library":
                    shared.invalidate(None if namespace in CHANGES_OTHERS else namespace)
            return
        if call.stream or call.sink is not None:
            await super().send_with_retries(call)
            return
        self.context.loop_binding.bind()  # a call in flight cannot be awaited in another event loop
        lifetime = 0.0 if operation is None else shared.lifetimes.get(f"{operation.namespace}.{operation.name}", 0.0)
        headers = () if call.headers is None else tuple(call.headers.items())
        key = (call.path, call.query, headers)
        version = shared.version(namespace)
        response = shared.get(key, version, self.context.clock.monotonic()) if lifetime else None
        if response is not None and not self.context.waits.is_closed:
            call.response = response
            return
        if shared.coalesce and call.deadline is None:
            await shared.send((*key, version, call.settings), call, super().send_with_retries, self.record_failure)
        else:
            await super().send_with_retries(call)
        if lifetime and operation is not None and _is_whole(operation, call.response):
            shared.put(key, call.response, version, self.context.clock.monotonic() + lifetime)


def _is_whole(operation: Operation, response: RawResponse) -> bool:
    """Return whether a response can be decoded, and is no part of a list: pages of different times do not fit together."""
    if operation.shape not in DATA_TYPES:
        return False
    try:
        if operation.shape == "page":
            info = parse_page(operation.paging, response, None).info
            return not info.has_more and info.page in {None, operation.paging.first}
        envelope = parse_envelope(response) if operation.has_envelope else {"data": parse_body(response)}
    except (DecodeError, PaginationError):
        return False
    expected = DATA_TYPES[operation.shape]
    return expected is None or envelope["data"].__class__ is expected
