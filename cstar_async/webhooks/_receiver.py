"""`WebhookInbox`: accept deliveries, drop repeats, and call handlers in the background.

Responses: 200 means that cStar must not deliver the event again: it is stored, was stored before, or cannot be parsed. After
401 (wrong signature), 413 (too large) and 503 (inbox full or closing, or store failed), cStar delivers again.

Order: events of one ticket are handled in the order of arrival, those of different tickets concurrently. Stored events come first.

Repeats: each event is handled at least once. It is handled again if the process ends, or the store fails, after the handler and
before `mark_done`. It is never handled twice at the same time, unless two processes share a store for one process.

Failures: a handler that raises is called again after a back-off, up to `max_attempts` times. One that raises an error about a rate
limit or an outage is called again when that can succeed, at most an hour later. This is no attempt, and ends with the inbox.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final, Self

from cstar_async._clock import Clock, SystemClock
from cstar_async._loop_binding import LoopBinding
from cstar_async._model.event import WebhookEvent
from cstar_async._types import UntypedJSON, is_object, is_str
from cstar_async._validation import check_instance, validate_count, validate_seconds
from cstar_async.errors import CStarError, PayloadError, WebhookError
from cstar_async.webhooks._adapters import ASGIApp, handle_aiohttp
from cstar_async.webhooks._bounded_set import BoundedSet
from cstar_async.webhooks._progress import STORE_TIMEOUT, DoneMarker, log_store_error
from cstar_async.webhooks._handlers import LOGGER, EventHandlers
from cstar_async.webhooks._keyed_queue import KeyedQueue, is_being_cancelled
from cstar_async.webhooks._parsing import parse_event
from cstar_async.webhooks._signature import validate_body, validate_secrets, verify_signature
from cstar_async.webhooks._store import BODY_HASH_PREFIX, EventStore, MemoryStore
from cstar_async.webhooks._stream import EventStream

if TYPE_CHECKING:
    from aiohttp import web


MAX_UNCONFIRMED_IDS: Final = 10_000


class WebhookInbox(EventHandlers):
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
            A call that ends with a rate limit or an outage of cStar does not count.
        handler_timeout: The maximum duration of one call of a handler, in seconds, from 0. Default 300.
        shutdown_timeout: The time that `aclose` waits for pending events, in seconds, from 0. Default 10.
        max_event_size: The maximum size of the body of a delivery, in bytes, from 1. Default 1 MiB.

    Raises:
        InvalidArgumentError: A number is out of range, or *secret* is not a str, is empty or has an empty item.

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
        max_event_size: int = 1024 * 1024,
        _clock: Clock | None = None,
    ) -> None:
        for name, seconds in (("handler_timeout", handler_timeout), ("shutdown_timeout", shutdown_timeout)):
            validate_seconds(name, seconds, infinite=True)
        clock = SystemClock() if _clock is None else _clock
        super().__init__(concurrency, max_attempts, handler_timeout, clock)
        self._verify = partial(verify_signature, secret=validate_secrets(secret), tolerance=tolerance, allow_legacy=allow_legacy)
        self._store: EventStore = MemoryStore() if store is None else store
        self._max_pending = validate_count("max_pending", max_pending, 1)
        self._shutdown_timeout = shutdown_timeout
        self._max_event_size = validate_count("max_event_size", max_event_size, 1)
        self._queue: KeyedQueue[tuple[str, WebhookEvent]] = KeyedQueue(self._handle)
        self._accepting: set[asyncio.Task[Exception | None]] = set()
        # Ids of events whose `add` raised: the store may have them all the same.
        self._unconfirmed_ids: BoundedSet[str] = BoundedSet(MAX_UNCONFIRMED_IDS)
        self._queued_ids: set[str] = set()
        self._marker = DoneMarker(self._store, clock)
        self._streams: set[EventStream] = set()
        self._starting: asyncio.Task[None] | None = None
        self._renewing: asyncio.Task[None] | None = None
        self._loop_binding = LoopBinding("inbox")
        self._closing = False
        self.asgi_app: Final = ASGIApp(self.receive, max_event_size, on_startup=self.start, on_shutdown=self.aclose)
        """The inbox as an ASGI 3 application, for a route or a mount of Starlette, FastAPI and other frameworks.

        A server that runs it alone starts and closes the inbox. In a route or a mount, the program does that.
        """

    def __repr__(self) -> str:
        return f"WebhookInbox(pending={self.pending})"

    @property
    def pending(self) -> int:
        """The number of events that are accepted and not handled."""
        return len(self._queue)

    async def receive(self, body: bytes, headers: Mapping[str, str]) -> int:
        """Receive a delivery, from any web framework.

        Args:
            body: The raw body of the request.
            headers: The headers of the request. Their names are not case-sensitive.

        Returns:
            The status of the response. No delivery raises an exception.

        Raises:
            CStarError: The inbox was first used in another event loop.
        """
        check_instance("headers", headers, Mapping, "a mapping of names to values")
        header = next((value for name, value in headers.items() if is_str(name) and name.lower() == "x-signature"), "")
        try:
            if len(validate_body(body)) > self._max_event_size:
                LOGGER.warning("delivery rejected: its body is larger than max_event_size, %d bytes", self._max_event_size)
                return 413
            self._verify(body, header, now=self._clock.time())
        except WebhookError as error:
            LOGGER.warning("delivery rejected: %s", error)
            return 401
        try:
            event = parse_event(body)
        except PayloadError as error:
            LOGGER.error("signed delivery dropped: %s", error)
            return 200
        self._loop_binding.bind()
        if self._closing or self.pending + len(self._accepting) >= self._max_pending:
            return 503
        key = _dedup_key(event, body)
        try:
            # If the store is slow, cStar is asked to deliver again. The event is still handled once the store has it.
            async with asyncio.timeout(STORE_TIMEOUT):
                return 200 if await self._accept(key, event, body) else 503
        except Exception as error:  # a store may raise any exception
            log_store_error(f"add {key}", error)
            return 503

    async def aiohttp_handler(self, request: web.Request) -> web.Response:
        """Handle a request of aiohttp: `app.router.add_post("/hooks/cstar", inbox.aiohttp_handler)`."""
        return await handle_aiohttp(self.receive, request, self._max_event_size)

    async def start(self) -> None:
        """Load the events that an earlier process stored and did not handle. The first delivery calls this, too.

        Raises:
            CStarError: The inbox was first used in another event loop.
            Exception: The exception of the store; the next call tries again.
        """
        self._loop_binding.bind()
        starting = self._starting
        if starting is None or (starting.done() and not starting.cancelled() and starting.exception()):
            starting = self._starting = asyncio.get_running_loop().create_task(self._resume())
        await asyncio.shield(starting)

    async def run(self, stream: EventStream) -> None:
        """Handle the events of a stream until it or the inbox is closed: `await inbox.run(cstar.events("ticket.*"))`.

        A stream without `start_after` continues after the last event in the store, as far back as cStar keeps events. If the inbox
        is full, the stream waits. Do not use webhooks and a stream with one inbox: the last event of one is not that of the other.

        Raises:
            CStarError: The exception that ends the stream, or the inbox was first used in another event loop.
            Exception: The exception of the store on its first use.
        """
        check_instance("stream", stream, EventStream, "a value of client.events()")
        await self.start()
        last = await self._store.last_event_id()
        if last is not None and not last.startswith(BODY_HASH_PREFIX):
            stream.resume_after(last)
        self._streams.add(stream)
        try:
            async with stream:
                async for event in stream:
                    body = stream.last_body
                    await self._queue.wait_below(self._max_pending)
                    if not await self._accept_with_retries(event, body):
                        return
        finally:
            self._streams.discard(stream)

    async def wait_until_idle(self) -> None:
        """Wait until every accepted event is handled."""
        while self._accepting:
            await asyncio.wait(self._accepting)
        await self._queue.wait_below(1)

    async def aclose(self) -> tuple[str, ...]:
        """Reject new deliveries, wait for pending events, then cancel handlers that still run. May be called twice.

        Returns:
            The ids of the events that are not handled. A store with a file or a server keeps them for the next process.

        Raises:
            CStarError: A handler of this inbox calls it, and would wait for its own end.
        """
        if self._queue.is_current():
            raise CStarError("a handler cannot close its own inbox; start a task that does, or set an event of the program")
        self._closing = True
        try:
            for stream in list(self._streams):
                await stream.aclose()
            async with asyncio.timeout(self._shutdown_timeout):
                await self.wait_until_idle()
                await self._marker.mark_all()
        except TimeoutError:
            pass  # what is not handled is logged and returned
        finally:
            tasks = [*self._accepting, *(task for task in (self._starting, self._renewing) if task)]
            await asyncio.gather(*[task for task in tasks if task.cancel()], return_exceptions=True)
            remaining = await self._queue.stop()
            await self._marker.aclose()
            await self._store.aclose()
            for key, _ in remaining:
                LOGGER.warning("%s: not handled before the inbox closed", key)
        return tuple(key for key, _ in remaining)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _accept(self, key: str, event: WebhookEvent, body: bytes) -> bool:
        """Add an event to the store and the queue, even if the caller is cancelled. Return False if the inbox closes first."""
        task = asyncio.get_running_loop().create_task(self._add(key, event, body))
        self._accepting.add(task)
        task.add_done_callback(self._accepting.discard)
        try:
            error = await asyncio.shield(task)
        except asyncio.CancelledError:
            if not task.cancelled() or is_being_cancelled():
                raise
            return False
        if error is not None:
            raise error
        return True

    async def _add(self, key: str, event: WebhookEvent, body: bytes) -> Exception | None:
        """Return the exception of the store instead of raising it, because the caller may be gone."""
        is_started = False
        try:
            await self.start()
            is_started = True
            is_new = await self._store.add(key, body)
            is_waiting = is_new or (key in self._unconfirmed_ids and await self._is_stored(key))
        except Exception as error:  # a store may raise any exception
            if is_started and self._store.lease_interval is None and not self._is_known(key):
                self._unconfirmed_ids.add(key)
            return error
        if is_new or (is_waiting and key in self._unconfirmed_ids and not self._is_known(key)):
            self._enqueue(key, event)
        self._unconfirmed_ids.discard(key)
        return None

    def _is_known(self, key: str) -> bool:
        """Return whether this inbox handles an event, or has handled it and not marked it yet."""
        return key in self._queued_ids or key in self._marker

    async def _is_stored(self, key: str) -> bool:
        """Return whether an event that the store has is not done. A store in memory has no events of an earlier process."""
        return isinstance(self._store, MemoryStore) or any(key == stored for stored, _ in await self._store.claim_pending())

    def _enqueue(self, key: str, event: WebhookEvent) -> None:
        self._queued_ids.add(key)
        self._queue.put(_ordering_key(key, event), (key, event))

    async def _accept_with_retries(self, event: WebhookEvent, body: bytes) -> bool:
        """Accept an event of a stream, which is not delivered again. Return False if the inbox closes first."""
        key, attempt = _dedup_key(event, body), 0
        while not self._closing:
            try:
                return await self._accept(key, event, body)
            except Exception as error:  # a store may raise any exception
                log_store_error(f"add {key}", error)
                attempt += 1
                await self._back_off(attempt)
        return False

    async def _resume(self) -> None:
        await self._load_pending()
        if self._store.lease_interval is not None:
            self._renewing = asyncio.get_running_loop().create_task(self._renew(self._store.lease_interval))

    async def _renew(self, interval: float) -> None:
        """Renew the lease of a shared store, and take over events of inboxes whose lease has ended."""
        while not is_being_cancelled():  # a Redis client may suppress the cancellation
            await self._clock.sleep(interval)
            try:
                async with asyncio.timeout(STORE_TIMEOUT):
                    await self._load_pending()
            except Exception as error:  # a store may raise any exception
                log_store_error("return pending events", error)

    async def _load_pending(self) -> None:
        for key, body in await self._store.claim_pending():
            try:
                event = parse_event(body)
            except PayloadError as error:
                LOGGER.error("%s: stored event not readable, it stays in the store: %s", key, error)
            else:
                self._enqueue(key, event)

    async def _handle(self, pending: tuple[str, WebhookEvent]) -> None:
        key, event = pending
        await self._call_handlers(key, event)
        await self._marker.mark(key)
        self._queued_ids.discard(key)


def _dedup_key(event: WebhookEvent, body: bytes) -> str:
    return event.id if is_str(event.id) and event.id else f"{BODY_HASH_PREFIX}{hashlib.sha256(body).hexdigest()}"


def _ordering_key(key: str, event: WebhookEvent) -> str:
    """Return the same key for events about the same object, such as a ticket, and the event's own key if it names none."""
    resource = event.type.partition(".")[0]
    data: UntypedJSON = event.data
    subject: UntypedJSON = data.get(resource) if is_object(data) else getattr(data, resource, None)
    subject_id: UntypedJSON = subject.get("id") if is_object(subject) else getattr(subject, "id", None)
    return f"{resource}:{subject_id}" if is_str(subject_id) else f"event:{key}"
