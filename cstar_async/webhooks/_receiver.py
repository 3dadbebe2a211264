"""`WebhookInbox`: accept deliveries, drop repeats, and call handlers in the background.

Responses: 200 means that cStar must not deliver the event again: it is stored, was stored before, or cannot be parsed. After
401 (wrong signature), 413 (too large) and 503 (inbox full or closing, or store failed), cStar delivers again.

Order: events of one ticket are handled in the order of arrival, those of different tickets concurrently. Stored events come first.

Repeats: each event is handled at least once. It is handled again if the process ends, or the store fails, after the handler and
before `mark_done`. It is never handled twice at the same time, unless two processes share a store for one process.

Failures: a handler that raises is called again after a back-off, up to `max_attempts` times. Then the event is a dead letter, which
the store keeps, and its repeats are dropped. The store counts an attempt before the handler is called. So a handler that ends the
process is not called for ever.

Outages: a handler that raises an error about a rate limit or an outage is called again when that can succeed, at most an hour
later. This costs no attempt, and neither does the close of the inbox. After 31 hours of such errors, the event is a dead letter.
"""

from __future__ import annotations

import asyncio
import logging
import math
import re
from collections.abc import Sequence
from functools import partial
from types import NoneType
from typing import TYPE_CHECKING, Final, Self

from cstar_async._client.base_client import BaseClient
from cstar_async._client.executor import ClientExecutor
from cstar_async._event_loop.clock import Clock, SystemClock
from cstar_async._event_loop.loop_binding import LoopBinding
from cstar_async._model.event import WebhookEvent
from cstar_async._values.repr import PublicDir
from cstar_async._values.validation import check_instance, check_str, validate_count, validate_seconds
from cstar_async.errors import CStarError, PayloadError, WebhookError
from cstar_async.webhooks._acceptor import EventAcceptor, dedup_key
from cstar_async.webhooks._adapters import ASGIApp, Headers, find_headers, handle_aiohttp
from cstar_async.webhooks._failures import describe_with_line, log_event
from cstar_async.webhooks._handlers import EventHandlers
from cstar_async.webhooks._memory_store import MemoryStore
from cstar_async.webhooks._parsing import find_event_id, parse_event
from cstar_async.webhooks._progress import EventLostError, ProgressRecorder, QueuedEvent, log_store_error, run_store_operation
from cstar_async.webhooks._signature import check_signature, keyed_digests, validate_body
from cstar_async.webhooks._stats import InboxStats
from cstar_async.webhooks._store import BODY_HASH_PREFIX, DeadLetter, EventStore
from cstar_async.webhooks._stream import EventStream

if TYPE_CHECKING:
    from aiohttp import web

    from cstar_async.client import CStarClient

OVERSIZED_ERROR_INTERVAL: Final = 60.0
"""Seconds without another record at ERROR for deliveries that are too large."""
_LOGGED_ID: Final = re.compile(r"[\w.:-]{1,200}", re.ASCII)


class WebhookInbox(PublicDir, EventHandlers):
    """Receive events from webhooks or the event stream and call a handler for each.

    Use it with `async with`, or call `aclose` at the end. Events wait until the first handler is registered; register all handlers
    before the first `await`.

    Args:
        secret: The signing secret of the webhook, or several while one replaces another. `()`: the inbox is only for event streams.
        store: Where events are stored until they are handled. Default: a `MemoryStore`; `SqliteStore` survives a crash.
        tolerance: The maximum distance between the timestamp of a signature and now, in seconds. Default 300. None: not checked.
        allow_legacy: Whether to accept the legacy signature without a timestamp. Default False.
        concurrency: The maximum number of handlers that run at the same time, from 1. Default 16.
        max_pending: The maximum number of events that are accepted and not handled, from 1. Default 10,000.
        max_attempts: The maximum number of calls of a handler with one event, from 1. Default 5, after 0.5, 1, 2, 4 … 30 seconds.
            A call that met a rate limit or an outage of cStar does not count; one that ended with its process does.
        handler_timeout: The maximum duration of one call of a handler, in seconds, from 0. Default 300.
        shutdown_timeout: The time that `aclose` waits for pending events, in seconds, from 0. Default 10.
        max_event_size: The maximum size of the body of a delivery, in bytes, from 1. Default 8 MiB. Larger ones are rejected, and
            logged with their ids, once a minute at ERROR. Anyone can send so much to a public URL: a signature is checked when its
            body is complete.
        client: A client with `cache` or `coalesce`. Each event ends what it has kept of the same namespace, before the handler is
            called. Default: none.

    Raises:
        InvalidArgumentError: A number is out of range, *store* is no event store, or *client* is no client. Or *secret* is not a
            str, is empty or has an empty item.

    Source: Webhook reference, Delivery and Signature (documented).
    """

    def __init__(
        self,
        secret: str | Sequence[str],
        *,
        store: EventStore | None = None,
        tolerance: float | None = 300.0,
        allow_legacy: bool = False,
        concurrency: int = 16,
        max_pending: int = 10_000,
        max_attempts: int = 5,
        handler_timeout: float = 300.0,
        shutdown_timeout: float = 10.0,
        max_event_size: int = 8 * 1024 * 1024,
        client: CStarClient | None = None,
        _clock: Clock | None = None,
    ) -> None:
        for name, seconds in (("handler_timeout", handler_timeout), ("shutdown_timeout", shutdown_timeout)):
            validate_seconds(name, seconds, infinite=True)
        if tolerance is not None:
            validate_seconds("tolerance", tolerance)
        check_instance("store", store, (EventStore, NoneType), "an event store, such as SqliteStore(path)")
        check_instance("client", client, (BaseClient, NoneType), "a CStarClient")
        executor = None if client is None else client.__executor__
        shared = executor.context.shared_responses if isinstance(executor, ClientExecutor) else None
        clock = SystemClock() if _clock is None else _clock
        self._store: EventStore = MemoryStore(_clock=clock) if store is None else store
        progress = ProgressRecorder(self._store, clock)
        super().__init__(progress, clock, concurrency=concurrency, max_attempts=max_attempts, timeout=handler_timeout)
        self._acceptor = EventAcceptor(self._store, progress, self._counts, clock, self._handle, shared)
        self._check = partial(check_signature, digests=keyed_digests(secret), tolerance=tolerance, allow_legacy=allow_legacy)
        self._max_pending = validate_count("max_pending", max_pending, 1)
        self._shutdown_timeout = shutdown_timeout
        self._max_event_size = validate_count("max_event_size", max_event_size, 1)
        self._streams: set[EventStream] = set()
        self._loop_binding = LoopBinding("inbox")
        self._closing = False
        self._next_oversized_error = -math.inf
        self.asgi_app: Final = ASGIApp(self.receive, max_event_size, on_startup=self.start, on_shutdown=self.aclose)
        """The inbox as an ASGI 3 application, for a route or a mount of Starlette, FastAPI and other frameworks.

        A server that runs it alone starts and closes the inbox. In a route or a mount, the program does that.
        """

    def __repr__(self) -> str:
        return f"WebhookInbox(pending={self.pending})"

    @property
    def pending(self) -> int:
        """The number of events that are accepted and not handled."""
        return len(self._acceptor.queue)

    async def receive(self, body: bytes, headers: Headers) -> int:
        """Receive a delivery, from any web framework.

        Args:
            body: The raw body of the request.
            headers: The headers of the request: a mapping or another object with `items()`, or pairs of name and value. Names are
                not case-sensitive. Names and values can be bytes.

        Returns:
            The status of the response. No delivery raises an exception.

        Raises:
            CStarError: The inbox was first used in another event loop.
            InvalidArgumentError: *headers* is none of these.
        """
        signature, event_id = find_headers(headers)
        try:
            body = validate_body(body)
            if len(body) > self._max_event_size:
                self._log_oversized(_logged_id(event_id, body))
                return 413
            self._check(body, signature, now=self._clock.time())
        except WebhookError as error:
            log_event(logging.WARNING, "delivery rejected: %(error)s", _logged_id(event_id, body), error=str(error))
            return 401
        try:
            event = parse_event(body)
        except PayloadError as error:
            log_event(logging.ERROR, "signed delivery dropped: %(error)s", _logged_id(event_id, body), error=str(error))
            return 200
        self._loop_binding.bind()
        if self._closing or self.pending + len(self._acceptor.adding) >= self._max_pending:
            reason = "closed" if self._closing else "full"
            key = dedup_key(event, body)
            log_event(logging.WARNING, "delivery rejected, this inbox is %(reason)s", key, event_type=event.type, reason=reason)
            return 503
        try:
            # If the store is slow, cStar is asked to deliver again. The event is still handled once the store has it.
            with self._progress.store_timeout:
                return 200 if await self._acceptor.accept(event, body) else 503
        except Exception as error:  # a store may raise any exception
            log_store_error(f"add {dedup_key(event, body)}", error)
            return 503

    async def aiohttp_handler(self, request: web.Request) -> web.Response:
        """Handle a request of aiohttp: `app.router.add_post("/hooks/cstar", inbox.aiohttp_handler)`."""
        return await handle_aiohttp(self.receive, request, self._max_event_size)

    async def start(self) -> None:
        """Load the events that an earlier process stored and did not handle. The first delivery calls this, too.

        Raises:
            CStarError: The store failed, and the next call tries again; or the inbox was first used in another event loop.
        """
        self._loop_binding.bind()
        await self._acceptor.start()

    async def run(self, stream: EventStream) -> None:
        """Handle the events of a stream until it or the inbox is closed: `await inbox.run(cstar.events("ticket.*"))`.

        A stream without `start_after` continues after the last event in the store, as far back as cStar keeps events. If the inbox
        is full, the stream waits. Do not use webhooks and a stream with one inbox: the last event of one is not that of the other.

        Raises:
            CStarError: The error that ends the stream; the store failed on its first use; or the inbox was first used in another
                event loop.
        """
        check_instance("stream", stream, EventStream, "a value of client.events()")
        await self.start()
        last = await run_store_operation(self._store.last_event_id())
        if last is not None and not last.startswith(BODY_HASH_PREFIX):
            stream.resume_after(last)
        self._streams.add(stream)
        try:
            async with stream:
                async for event in stream:
                    body = stream.last_body
                    await self._acceptor.queue.wait_below(self._max_pending)
                    if not await self._accept_with_retries(event, body):
                        return
        finally:
            self._streams.discard(stream)

    async def wait_until_idle(self) -> None:
        """Wait until every accepted event is handled."""
        while self._acceptor.adding:
            await asyncio.wait(self._acceptor.adding)
        await self._acceptor.queue.wait_below(1)

    def stats(self) -> InboxStats:
        """Return the number of events that are pending, handled, failed and dead, for each event type and in total."""
        return self._counts.stats(self._acceptor.queued.values())

    async def dead_letters(self) -> list[DeadLetter]:
        """Return the events that were given up, of this process and earlier ones, the oldest failure first.

        A store keeps them for 30 days.

        Raises:
            CStarError: The store failed, or the inbox was first used in another event loop.
        """
        self._loop_binding.bind()
        version = self._counts.dead_version
        letters = await run_store_operation(self._store.dead_letters())
        if version == self._counts.dead_version:  # else the list may be older than a change
            self._counts.set_dead(letters)
        return [
            DeadLetter(id=stored.id, body=stored.body, attempts=stored.attempts, error=stored.error or "", failed_at=stored.since)
            for stored in letters
        ]

    async def retry_dead_letter(self, event_id: str) -> bool:
        """Try an event again that was given up: call all its handlers, after the other pending events of its ticket.

        Args:
            event_id: The `id` of the dead letter.

        Returns:
            True if the event is pending now; False if the store has no such dead letter, perhaps because it was tried again before.

        Raises:
            InvalidArgumentError: *event_id* is not a str.
            CStarError: The store failed, or the inbox is closed or was first used in another event loop.
        """
        check_str("event_id", event_id)
        self._loop_binding.bind()
        is_pending = None if self._closing else await self._acceptor.requeue(event_id)
        if is_pending is None:
            raise CStarError("this inbox is closed")
        return is_pending

    async def aclose(self) -> tuple[str, ...]:
        """Reject new deliveries, wait for pending events, then cancel handlers that still run. May be called twice.

        Returns:
            The ids of the events that are not handled. A store with a file or a server keeps them for the next process.

        Raises:
            CStarError: A handler of this inbox calls it, and would wait for its own end.
        """
        if self._acceptor.queue.is_current():
            raise CStarError("a handler cannot close its own inbox; start a task that does, or set an event of the program")
        self._closing = True
        try:
            for stream in list(self._streams):
                await stream.aclose()
            async with asyncio.timeout(self._shutdown_timeout):
                await self.wait_until_idle()
                await self._progress.write_all()
        except TimeoutError:
            pass  # what is not handled is logged and returned
        finally:
            remaining = await self._acceptor.stop()
            for key in remaining:
                log_event(logging.WARNING, "not handled before the inbox closed", key)
            await self._progress.aclose()
            self._handler_timeout.close()
            try:
                await run_store_operation(self._store.aclose())
            except CStarError as error:
                log_store_error("close", error)
        return tuple(remaining)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _accept_with_retries(self, event: WebhookEvent, body: bytes) -> bool:
        """Accept an event of a stream, which is not delivered again. Return False if the inbox closes first."""
        attempt = 0
        while not self._closing:
            try:
                return await self._acceptor.accept(event, body)
            except Exception as error:  # a store may raise any exception
                log_store_error(f"add {dedup_key(event, body)}", error)
                attempt += 1
                await self._back_off(attempt)
        return False

    def _log_oversized(self, event_id: str) -> None:
        """Log an error at most once a minute, and otherwise a warning: its signature was not verified, so anyone can send it."""
        now, size = self._clock.monotonic(), self._max_event_size
        level = logging.ERROR if now >= self._next_oversized_error else logging.WARNING
        if level == logging.ERROR:
            self._next_oversized_error = now + OVERSIZED_ERROR_INTERVAL
        log_event(level, "delivery rejected, it is larger than max_event_size, %(max_size)d bytes", event_id, max_size=size)

    async def _handle(self, queued: QueuedEvent) -> None:
        try:
            failures = await self._call_handlers(queued)
        except EventLostError:
            message = "not handled here, another inbox has it or it is no longer in the store"
            log_event(logging.WARNING, message, queued.key, event_type=queued.event.type)
            self._acceptor.discard(queued)
            return
        await self._progress.record_outcome(queued.key, describe_with_line(failures[-1]) if failures else None)
        # Before the error handlers, because one of them may try the event again.
        self._acceptor.discard(queued)
        if failures:
            self._counts.add_dead(queued.key, queued.event.type)
        else:
            self._counts.add("handled", queued.event.type)
        for failure in failures:
            await self._report_failure(queued, failure)


def _logged_id(event_id: str, body: object) -> str:
    """Return the id of an event that was not parsed: that of its header, or one found in its body."""
    return event_id if _LOGGED_ID.fullmatch(event_id) else find_event_id(body if isinstance(body, bytes) else b"")
