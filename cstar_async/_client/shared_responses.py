"""Responses that several calls of a client get: of one GET in flight, or kept for some seconds after it.

They are shared as bytes. Each call decodes its own copy, so no two callers get the same object.
"""

from __future__ import annotations

import asyncio
import copy
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeAlias

import attrs

from cstar_async._client.call import Call
from cstar_async._protocol.messages import RawResponse, SharedResponse
from cstar_async.errors import CStarError

MAX_KEPT: Final = 1000
"""The number of responses that are kept."""
MAX_KEPT_BYTES: Final = 16 * 1024 * 1024
"""The size of all their bodies, headers and keys."""
EVENT_NAMESPACES: Final = {
    "agent": "preferences",
    "article": "articles",
    "boss": "game",
    "community_post": "community",
    "customer": "customers",
    "customer_group": "customer_groups",
    "player": "game",
    "social": "game",
    "survey": "csat",
    "team": "preferences",
    "ticket": "tickets",
}
"""The namespace of what an event is about, by the first part of the event's type."""

_Key: TypeAlias = "tuple[object, ...]"
_Send: TypeAlias = "Callable[[Call], Awaitable[None]]"
_Fail: TypeAlias = "Callable[[Call, BaseException], None]"


@attrs.define(eq=False)
class _Flight:
    """A call in flight, and how many callers wait for it."""

    call: Call
    task: asyncio.Task[None]
    waiting: int = 0
    has_responded: bool = False
    """Whether a caller has got the response."""


@attrs.frozen
class _Entry:
    """A response, the version that its namespace had before it was requested, and when it expires."""

    response: RawResponse
    version: int
    expires_at: float


class SharedResponses:
    """What the calls of one client share.

    Each write of the client, and each event that it receives, gives the namespace another version. Later calls get no response that
    was requested before. *lifetimes* has the seconds for which responses are kept, by operation, such as `tags.list`.
    """

    def __init__(self, *, coalesce: bool, lifetimes: Mapping[str, float]) -> None:
        self.coalesce = coalesce
        self.lifetimes = lifetimes
        self._flights: dict[_Key, _Flight] = {}
        self._entries: OrderedDict[_Key, _Entry] = OrderedDict()
        self._size = 0
        self._latest_version = self._common_version = 0
        self._versions: dict[str, int] = {}

    def invalidate(self, namespace: str | None) -> None:
        """Keep later calls from responses requested so far. None: of all namespaces."""
        self._latest_version += 1
        if namespace is None:
            self._common_version = self._latest_version
        else:
            self._versions[namespace] = self._latest_version

    def on_event(self, event_type: str) -> None:
        """Invalidate the namespace of what an event is about; for an unknown type, all."""
        self.invalidate(EVENT_NAMESPACES.get(event_type.partition(".")[0]))

    def version(self, namespace: str | None) -> int:
        """Return the version of a namespace. None: of all."""
        if namespace is None:
            return self._latest_version
        return max(self._common_version, self._versions.get(namespace, 0))

    def get(self, key: _Key, version: int, now: float) -> RawResponse | None:
        """Return a response that is kept, or None."""
        entry = self._entries.get(key)
        if entry is None or entry.version != version or now >= entry.expires_at:
            return None
        self._entries.move_to_end(key)
        return _copy(entry.response)

    def put(self, key: _Key, response: RawResponse, version: int, expires_at: float) -> None:
        """Keep a response; evict those that were used least recently. One that is too large for all the space evicts none."""
        if key in self._entries:
            self._size -= _size(key, self._entries.pop(key).response)
        size = _size(key, response)
        if size > MAX_KEPT_BYTES:
            return
        self._entries[key] = _Entry(_copy(response), version, expires_at)
        self._size += size
        while self._size > MAX_KEPT_BYTES or len(self._entries) > MAX_KEPT:
            evicted, entry = self._entries.popitem(last=False)
            self._size -= _size(evicted, entry.response)

    async def send(self, key: _Key, call: Call, send: _Send, fail: _Fail) -> None:
        """Send a call, or wait for an identical one. Cancelling a caller cancels the call if no other waits for it.

        *fail* is called with a call that has ended, and the cancellation of its last caller that came before the response.
        """
        flight = self._flights.get(key)
        if flight is None:
            self._flights[key] = flight = _Flight(call, asyncio.ensure_future(send(call)))
            flight.task.add_done_callback(lambda task: task.cancelled() or task.exception())  # it may have no caller any more
        flight.waiting += 1
        try:
            await asyncio.wait([flight.task])
        except BaseException as cancelled:
            if flight.waiting == 1 and flight.task.done():
                fail(flight.call, cancelled)
            raise
        finally:
            flight.waiting -= 1
            if not flight.waiting or flight.task.done():
                if self._flights.get(key) is flight:
                    del self._flights[key]
                if flight.task.cancel():
                    await asyncio.wait([flight.task])
        error = flight.task.exception()
        if isinstance(error, CStarError):
            # A copy for each: one exception raised in several tasks has the traceback of the last, and the notes of all.
            raise copy.copy(error).with_traceback(error.__traceback__) from error.__cause__
        if error is not None:
            raise error
        is_first, flight.has_responded = not flight.has_responded, True
        if call is not flight.call:
            call.copy_outcome(flight.call, is_first=is_first)


def _size(key: _Key, response: RawResponse) -> int:
    return len(response.body) + len(str(key)) + sum(len(name) + len(value) for name, value in response.headers.items())


def _copy(response: RawResponse) -> SharedResponse:
    return SharedResponse(response.status, response.headers, response.body)  # without the parsed body, which is mutable
