"""`EventStream`: events over server-sent events from `/webhooks/listen`, with reconnection.

Documented are the path, that messages are server-sent events with the payload of webhooks, and that `Last-Event-ID` returns missed
events (Webhook reference, Event stream). Inferred are that the type and id of a message are those of its event, and that a server
sends something from time to time. Only this module depends on that.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from http import HTTPStatus
from typing import Final, Self

import orjson

from cstar_async._client.call import RawTarget
from cstar_async._client.executor import ClientExecutor
from cstar_async._event_loop.clock import sleep_by_both_clocks
from cstar_async._model.event import WebhookEvent
from cstar_async._protocol.json_parser import parse_json
from cstar_async._protocol.messages import StreamingResponse
from cstar_async._protocol.retry import backoff_seconds
from cstar_async._protocol.sse import ServerSentEvent, SSEParser
from cstar_async._types import UntypedJSON, is_object, is_str
from cstar_async._values.redaction import printable_line
from cstar_async._values.repr import PublicDir
from cstar_async._values.validation import invalid, validate_count, validate_seconds
from cstar_async.errors import (
    APIError,
    ConnectionFailedError,
    CStarError,
    DecodeError,
    PayloadError,
    RateLimitError,
    RateLimitWaitError,
    ServerError,
    TransportError,
)
from cstar_async.webhooks._arguments import matches, validate_types
from cstar_async.webhooks._bounded_set import BoundedSet
from cstar_async.webhooks._failures import describe, log_event, outage_wait
from cstar_async.webhooks._parsing import event_from_dict, find_event_id, id_of

LOGGER: Final = logging.getLogger("cstar_async.events")

PATH: Final = "/webhooks/listen"
INITIAL_BACKOFF: Final = 1.0
MAX_BACKOFF: Final = 60.0
STABLE_AFTER: Final = 60.0
"""Seconds after which a connection counts as stable, so that the back-off starts again from its initial value."""
_TEMPORARY_STATUSES: Final = frozenset({408, 421, 425})
MAX_SEEN_IDS: Final = 10_000
"""Number of ids that are kept to drop repeated events."""


class EventStream(PublicDir):
    """Iterate over the events of a team as they happen; made by `cstar.events(…)`.

    `async with` connects, and raises what a call would raise. After that, a connection that breaks or is idle for too long is
    replaced; each connection costs one call of the rate limit. Repeated events are dropped. The iteration ends when the stream is
    closed. It raises `CStarError` when the client is closed, and an error that a new connection cannot repair, such as a revoked
    key.

    The arguments are those of `CStarClient.events`.
    """

    def __init__(
        self,
        executor: ClientExecutor,
        types: tuple[str | type[WebhookEvent], ...],
        *,
        idle_timeout: float | None,
        start_after: str | None,
        max_event_size: int,
    ) -> None:
        wanted = validate_types(types)
        if idle_timeout is not None:
            validate_seconds("idle_timeout", idle_timeout, above_zero=True, infinite=True)
        if start_after is not None and not (is_str(start_after) and start_after.isascii() and start_after.isprintable()):
            raise invalid("start_after", "the id of an event, in printable ASCII", start_after)
        self._executor = executor
        self._types = wanted or ("*",)
        self._idle_timeout = idle_timeout
        self._max_event_size = validate_count("max_event_size", max_event_size, 1)
        self._ready: deque[tuple[WebhookEvent, bytes]] = deque()
        self._seen: BoundedSet[str] = BoundedSet(MAX_SEEN_IDS)
        self._parser = self._new_parser(start_after or "")
        self._response: StreamingResponse | None = None
        self._connected_at = 0.0
        self._was_connected = False
        self._failures = 0
        self._closed = asyncio.Event()
        self.last_event_id = start_after
        """The id of the last event that was returned. Pass it as `start_after` to continue later."""
        self.last_body = b""
        """The JSON text of the last event that was returned, as a webhook would deliver it."""

    def resume_after(self, event_id: str) -> None:
        """Start after an event. Do nothing if the stream has a start already, or if no header can carry the id."""
        if self.last_event_id is None and not self._was_connected and _is_valid_header_value(event_id):
            self.last_event_id = event_id
            self._parser = self._new_parser(event_id)

    async def __aenter__(self) -> Self:
        await self._connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> WebhookEvent:
        while not self._ready:
            if self._closed.is_set():
                raise StopAsyncIteration
            await self._read_or_reconnect()
        event, self.last_body = self._ready.popleft()
        self.last_event_id = id_of(event) or self.last_event_id
        return event

    async def aclose(self) -> None:
        """Close the connection and end the iteration. May be called twice."""
        self._closed.set()
        self._ready.clear()
        self._close_response()

    def _new_parser(self, last_event_id: str, retry: float | None = None) -> SSEParser:
        return SSEParser(last_event_id, retry, max_size=self._max_event_size)

    async def _read_or_reconnect(self) -> None:
        try:
            if self._response is None:
                await self._connect()
            else:
                await self._read(self._response)
        except CStarError as error:
            if not _is_temporary(error):
                raise
            if self._response is not None and self._executor.context.clock.monotonic() - self._connected_at >= STABLE_AFTER:
                self._failures = 0
            self._close_response()
            if self._closed.is_set():
                return
            if not self._was_connected:
                raise
            await self._backoff(error)

    async def _connect(self) -> None:
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
        if _is_valid_header_value(self._parser.last_event_id):
            headers["Last-Event-ID"] = self._parser.last_event_id
        response = await self._executor.open_stream(RawTarget("listen_to_events", "GET", PATH), PATH, headers)
        content_type = response.headers.get("Content-Type", "")
        if content_type.partition(";")[0].strip().lower() != "text/event-stream":
            response.close()
            raise DecodeError(
                "the response must be text/event-stream; check base_url", status=response.status, operation="listen_to_events"
            )
        if self._closed.is_set():
            response.close()
            return
        self._response = response
        self._parser = self._new_parser(self._parser.last_event_id, self._parser.retry)
        LOGGER.info("event stream connected")
        self._connected_at, self._was_connected = self._executor.context.clock.monotonic(), True

    async def _read(self, response: StreamingResponse) -> None:
        await asyncio.sleep(0)  # compressed data can be ready for minutes, and reading it would not let other tasks run
        async with self._executor.context.waits.enter():
            chunk = await response.read(self._idle_timeout)
        if self._closed.is_set():
            return
        if not chunk:
            raise ConnectionFailedError("the server closed the event stream")
        for message in self._parser.feed(chunk):
            received = _parse_message(message)
            if received is not None and ((event_id := id_of(received[0])) == "" or self._seen.add(event_id)):
                self._failures = 0
                if (shared := self._executor.context.shared_responses) is not None:
                    shared.on_event(received[0].type)
                if matches(received[0], self._types):
                    self._ready.append(received)

    async def _backoff(self, error: Exception) -> None:
        """Wait before the next connection: longer each time, until one is stable or returns a new event."""
        context = self._executor.context
        initial = INITIAL_BACKOFF if self._parser.retry is None else max(self._parser.retry, 0.1)
        self._failures += 1
        wait = backoff_seconds(self._failures, initial=initial, maximum=MAX_BACKOFF) * (0.5 + context.random() / 2)
        wait = max(wait, outage_wait(error) or 0.0)
        fields = {"error": printable_line(describe(error)), "wait": wait}
        LOGGER.info("event stream interrupted (%(error)s), reconnecting in %(wait).1f s", fields, extra=fields)
        sleeping = asyncio.ensure_future(sleep_by_both_clocks(context.clock, wait))
        closing = asyncio.ensure_future(self._closed.wait())
        try:
            async with context.waits.enter():
                await asyncio.wait((sleeping, closing), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            closing.cancel()

    def _close_response(self) -> None:
        response, self._response = self._response, None
        if response is not None:
            response.close()


def _is_temporary(error: CStarError) -> bool:
    """Return whether a later connection may succeed. A redirect and a page of HTML are often those of a maintenance."""
    if isinstance(error, DecodeError):
        return error.status == HTTPStatus.OK
    if type(error) is APIError:
        return error.status in _TEMPORARY_STATUSES or 300 <= error.status <= 399
    return isinstance(error, (TransportError, ServerError, RateLimitError, RateLimitWaitError))


def _parse_message(message: ServerSentEvent) -> tuple[WebhookEvent, bytes] | None:
    """Return the event of a message and its body, or None. The type and id of the message are used if the payload has none."""
    body = message.data.encode()
    if message.is_too_large:
        log_event(
            logging.ERROR, "event dropped, it is larger than max_event_size", message.id or find_event_id(body), logger=LOGGER
        )
        return None
    try:
        wire: UntypedJSON = parse_json(body)
        if is_object(wire):
            own = {"type": message.event, "id": message.id}
            missing = {name: value for name, value in own.items() if value and name not in wire}
            if missing:
                # The payload is not written again: it may be nested more deeply than JSON can be written.
                body = orjson.dumps(missing)[:-1] + (b"," if wire else b"") + body.lstrip()[1:]
                wire |= missing
        return event_from_dict(wire), body
    except (ValueError, PayloadError) as error:
        text, event_id = "message dropped, it is not an event: %(error)s", message.id or find_event_id(body)
        log_event(logging.WARNING, text, event_id, logger=LOGGER, error=str(error))
        return None


def _is_valid_header_value(event_id: str) -> bool:
    return event_id != "" and event_id.isascii() and event_id.isprintable()
