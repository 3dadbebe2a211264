"""Live events: the messages of `/webhooks/listen` as typed events, over one connection after the other.

What is inferred of the wire stands in this file alone: that the type of a message is that of its event, its id the event's id, its
data the event as JSON, and that a server which is alive says something now and then. Documented are the path, that the messages are
server-sent events with the payload of webhooks, and that `Last-Event-ID` brings what was missed (Webhook reference, Event stream).
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict, deque
from types import TracebackType
from typing import Final, Self

import orjson

from cstar_async._client.call import RawTarget
from cstar_async._client.executor import ClientExecutor
from cstar_async._model.event import WebhookEvent
from cstar_async._protocol.messages import StreamingResponse
from cstar_async._types import UntypedJSON, is_object
from cstar_async.errors import (
    ConnectionFailedError,
    DecodeError,
    InvalidArgumentError,
    PayloadError,
    RateLimitError,
    RateLimitWaitError,
    ServerError,
    TransportError,
)
from cstar_async.webhooks._filters import is_event_filter, matches_filter
from cstar_async.webhooks._parsing import read_event
from cstar_async.webhooks._sse import ServerSentEvent, SSEParser

LOGGER: Final = logging.getLogger("cstar_async.events")

PATH: Final = "/webhooks/listen"
INITIAL_BACKOFF: Final = 1.0
MAX_BACKOFF: Final = 60.0
STABLE_AFTER: Final = 60.0
"""Seconds after which a connection has proved itself, so that the waits begin small again."""
MAX_SEEN_IDS: Final = 10_000
"""Ids by which repeats are dropped."""


class EventStream:
    """The events of a team as they happen; made by `cstar.events(…)`.

    Use it with `async with`, which connects and raises what a call would raise. From then on a connection that breaks, or falls
    silent, is replaced by another, for as long as it takes; each costs one call of the hour's budget. Events that the server sends
    twice come once. It ends when it is closed, and with the error of a call when the server will not have it any more, such as a
    key that was withdrawn.

    Args:
        executor: The executor of the client.
        types: The types of events that are wanted; none: all.
        idle_timeout: Seconds without a byte after which a connection counts as lost; None: it never does.
        start_after: The id of the last event that was handled, to begin after it.

    Raises:
        InvalidArgumentError: A kind is no type or class of events, or *idle_timeout* is not above 0.
    """

    def __init__(
        self,
        executor: ClientExecutor,
        types: tuple[str | type[WebhookEvent], ...],
        *,
        idle_timeout: float | None,
        start_after: str | None,
    ) -> None:
        if not all(is_event_filter(kind) for kind in types):
            raise InvalidArgumentError("events are asked for by type, such as 'ticket.created', 'ticket.*' or '*', or by class")
        if idle_timeout is not None and not idle_timeout > 0:
            raise InvalidArgumentError(f"silence is above 0 seconds, not {idle_timeout}")
        if start_after is not None and not (start_after.isascii() and start_after.isprintable()):
            raise InvalidArgumentError("the id of an event is printable ASCII")
        self._executor = executor
        self._types = types or ("*",)
        self._idle_timeout = idle_timeout
        self._ready: deque[WebhookEvent] = deque()
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._reader = SSEParser(start_after or "")
        self._response: StreamingResponse | None = None
        self._connected_at = 0.0
        self._was_connected = False
        self._failures = 0
        self._closed = asyncio.Event()
        self.last_event_id = start_after
        """The id of the last event that was given out; begin after it another time."""

    def resume_after(self, event_id: str) -> None:
        """Begin after an event, unless told before where to begin, or begun. An id that no header can carry changes nothing."""
        if self.last_event_id is None and not self._was_connected and _is_valid_header_value(event_id):
            self.last_event_id = event_id
            self._reader = SSEParser(event_id)

    async def __aenter__(self) -> Self:
        await self._connect()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> WebhookEvent:
        while not self._ready:
            if self._closed.is_set():
                raise StopAsyncIteration
            await self._read_or_reconnect()
        event = self._ready.popleft()
        self.last_event_id = event.id or self.last_event_id
        return event

    async def aclose(self) -> None:
        """Close the connection; the iteration ends. May be called twice."""
        self._closed.set()
        self._ready.clear()
        self._close_response()

    async def _read_or_reconnect(self) -> None:
        """Read on, or connect again."""
        try:
            if self._response is None:
                await self._connect()
            else:
                await self._read(self._response)
        except (TransportError, ServerError, RateLimitError, RateLimitWaitError) as error:
            if self._response is not None and self._executor.context.clock.monotonic() - self._connected_at >= STABLE_AFTER:
                self._failures = 0
            self._close_response()
            if self._closed.is_set():
                return
            if not self._was_connected:
                raise
            await self._backoff(error)

    async def _connect(self) -> None:
        clock = self._executor.context.clock
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
        if _is_valid_header_value(self._reader.last_event_id):
            headers["Last-Event-ID"] = self._reader.last_event_id
        response = await self._executor.open_stream(RawTarget("listen_to_events", "GET", PATH), PATH, headers)
        content_type = response.headers.get("Content-Type", "")
        if content_type.partition(";")[0].strip().lower() != "text/event-stream":
            response.close()
            raise DecodeError("the answer is not a stream of events", status=response.status, operation="listen_to_events")
        if self._closed.is_set():
            response.close()
            return
        self._response = response
        self._reader = SSEParser(self._reader.last_event_id, self._reader.retry)
        self._connected_at, self._was_connected = clock.monotonic(), True

    async def _read(self, response: StreamingResponse) -> None:
        try:
            async with asyncio.timeout(self._idle_timeout):
                chunk = await response.read()
        except TimeoutError:
            raise ConnectionFailedError("the stream fell silent") from None
        if self._closed.is_set():
            return
        if not chunk:
            raise ConnectionFailedError("the stream ended")
        for message in self._reader.feed(chunk):
            event = _event_of(message)
            if event is not None and self._is_new(event):
                self._failures = 0
                if matches_filter(event, self._types):
                    self._ready.append(event)

    def _is_new(self, event: WebhookEvent) -> bool:
        if not event.id:
            return True
        if event.id in self._seen:
            return False
        self._seen[event.id] = None
        if len(self._seen) > MAX_SEEN_IDS:
            self._seen.popitem(last=False)
        return True

    async def _backoff(self, error: Exception) -> None:
        """Wait before the next connection: longer each time, until one holds or brings something new."""
        context = self._executor.context
        first = INITIAL_BACKOFF if self._reader.retry is None else max(self._reader.retry, 0.1)
        wait = min(first * 2**self._failures, MAX_BACKOFF)
        wait *= 0.5 + context.random() / 2
        if isinstance(error, RateLimitWaitError):
            wait = max(wait, min(error.wait, 3600.0))
        elif isinstance(error, (RateLimitError, ServerError)) and error.retry_after is not None:
            wait = max(wait, min(error.retry_after, 3600.0))
        self._failures = min(self._failures + 1, 10)
        LOGGER.info("the event stream is interrupted (%s), connecting again in %.1f s", type(error).__name__, wait)
        sleeping = asyncio.ensure_future(context.clock.sleep(wait))
        closing = asyncio.ensure_future(self._closed.wait())
        try:
            await asyncio.wait((sleeping, closing), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            closing.cancel()

    def _close_response(self) -> None:
        response, self._response = self._response, None
        if response is not None:
            response.close()


def _event_of(message: ServerSentEvent) -> WebhookEvent | None:
    """The event of a message; None for one that has none. What the payload does not say itself is taken from the message."""
    try:
        wire: UntypedJSON = orjson.loads(message.data)
        if is_object(wire):
            wire.setdefault("type", message.event or None)
            if message.last_event_id:
                wire.setdefault("id", message.last_event_id)
        return read_event(wire)
    except (orjson.JSONDecodeError, PayloadError) as error:
        LOGGER.warning("a message of the event stream is no event: %s", type(error).__name__)
        return None


def _is_valid_header_value(event_id: str) -> bool:
    return event_id != "" and event_id.isascii() and event_id.isprintable()
