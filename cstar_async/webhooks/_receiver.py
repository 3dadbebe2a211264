"""An inbox for webhooks: it answers a delivery at once, and works on its event afterwards.

What is answered
    A 2xx tells cStar that the event is in good hands: it is accepted, was accepted before, or can never be read. Anything else asks
    for another delivery: 401 for a signature that does not fit (secrets may be just being replaced), 503 when there is no room,
    when the store does not answer, and while the inbox closes.

What is done
    Events of a ticket go through the handlers in the order of their arrival, those of different tickets at the same time. A handler
    that fails is tried again, and then the event and the error go to `on_error`. What a process before this one left goes first.

What may happen twice
    An event is handled at least once. It is handled again if the process dies, or the store fails, after the handler ran and before
    that was noted; never two times at once, unless two processes share what only one may have.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self, TypeAlias, TypeVar, overload

import attrs
import orjson

from cstar_async._clock import Clock, SystemClock
from cstar_async._model.codec import to_dict
from cstar_async._model.event import WebhookEvent
from cstar_async._types import UntypedJSON, is_object, is_str
from cstar_async.errors import CStarError, InvalidArgumentError, PayloadError, WebhookError
from cstar_async.webhooks import _adapters as _receivers
from cstar_async.webhooks._filters import is_event_filter, matches_filter
from cstar_async.webhooks._keyed_queue import KeyedQueue
from cstar_async.webhooks._parsing import parse_event, verify_signature
from cstar_async.webhooks._store import EventStore, MemoryStore

if TYPE_CHECKING:
    from aiohttp import web

    from cstar_async.webhooks._stream import EventStream

E = TypeVar("E", bound=WebhookEvent)
F = TypeVar("F", bound=WebhookEvent)
G = TypeVar("G", bound=WebhookEvent)

Handler: TypeAlias = Callable[[E], Awaitable[None]]
ErrorHandler: TypeAlias = Callable[[WebhookEvent, Exception], Awaitable[None]]

LOGGER: Final = logging.getLogger("cstar_async.webhooks")

STORE_TIMEOUT: Final = 8.0
"""Seconds that a store may take before the delivery is asked for again. cStar waits for ten."""
INITIAL_BACKOFF: Final = 0.5
MAX_BACKOFF: Final = 30.0
MAX_UNCONFIRMED_IDS: Final = 10_000
"""Ids that are kept of events of which the store did not say whether it took them."""
BODY_HASH_PREFIX: Final = "sha256:"
"""How the key of an event begins that has no id."""


@attrs.frozen
class _PendingEvent:
    """An event in the hands of the inbox."""

    key: str
    event: WebhookEvent


class WebhookInbox:
    """Receives deliveries, drops repeats, and hands each event to the handlers that asked for its type.

    Nothing has to be started: the first delivery does that. Close it in the end, or use it with `async with`, which also takes up
    the events that a process before left in the store. Events wait until the first handler is registered; register all of them
    together, so that none comes too late.

    Args:
        secret: The signing secret of the webhook, or several while one is replaced by another.
        store: What remembers events. Default: `MemoryStore()`; `SqliteStore(path)` survives a kill.
        tolerance: Seconds that the time of a signature may be before or after now. Default 300; None switches the check off.
        allow_legacy: Whether to accept the older scheme of signatures, which has no time.
        concurrency: Handlers that run at once, from 1. Default 16.
        max_pending: Events that are accepted and not yet handled, from 1; beyond it deliveries are asked for again. Default 10,000.
        max_attempts: How often a handler is tried with an event, from 1. Default 5; the waits are 0.5, 1, 2, 4 … 30 seconds.
        handler_timeout: Seconds that a handler may take; then it has failed. Default 300.
        shutdown_timeout: Seconds that closing waits for the work to end. Default 10.

    Raises:
        InvalidArgumentError: A number is out of its range.

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
        _clock: Clock | None = None,
    ) -> None:
        for name, value, least in (
            ("concurrency", concurrency, 1),
            ("max_pending", max_pending, 1),
            ("max_attempts", max_attempts, 1),
            ("handler_timeout", handler_timeout, 0),
            ("shutdown_timeout", shutdown_timeout, 0),
        ):
            if not value >= least:
                raise InvalidArgumentError(f"{name} is at least {least}, not {value}")
        self._secret = secret
        self._store: EventStore = MemoryStore() if store is None else store
        self._tolerance = tolerance
        self._allow_legacy = allow_legacy
        self._max_pending = max_pending
        self._max_attempts = max_attempts
        self._handler_timeout = handler_timeout
        self._shutdown_timeout = shutdown_timeout
        self._clock: Clock = SystemClock() if _clock is None else _clock
        self._handlers: list[tuple[tuple[str | type[WebhookEvent], ...], Handler[UntypedJSON]]] = []
        self._error_handlers: list[ErrorHandler] = []
        self._slots = asyncio.Semaphore(concurrency)
        self._queue: KeyedQueue[_PendingEvent] = KeyedQueue(self._handle)
        self._accepting: set[asyncio.Task[None]] = set()
        self._unconfirmed_ids: OrderedDict[str, None] = OrderedDict()
        self._streams: set[EventStream] = set()
        self._starting: asyncio.Task[None] | None = None
        self._renewing: asyncio.Task[None] | None = None
        self._has_handlers = asyncio.Event()
        self._closing = False

    def __len__(self) -> int:
        """Events that are accepted and not yet handled."""
        return len(self._queue)

    def __bool__(self) -> bool:
        """An inbox is there, however empty it is."""
        return True

    # Two and three are spelled out: of `*kinds: type[E]` alone, a checker may make the class that they have in common.
    @overload
    def on(self, first: type[E], second: type[F], /) -> Callable[[Handler[E | F]], Handler[E | F]]: ...
    @overload
    def on(self, first: type[E], second: type[F], third: type[G], /) -> Callable[[Handler[E | F | G]], Handler[E | F | G]]: ...
    @overload
    def on(self, *kinds: type[E]) -> Callable[[Handler[E]], Handler[E]]: ...
    @overload
    def on(self, *kinds: str) -> Callable[[Handler[WebhookEvent]], Handler[WebhookEvent]]: ...
    def on(self, *kinds: str | type[WebhookEvent]) -> Callable[[Handler[UntypedJSON]], Handler[UntypedJSON]]:
        """Register a handler: an async function that takes an event.

        Args:
            kinds: Types of events, such as `"ticket.created"`, `"ticket.*"` or `"*"`, or their classes.

        Raises:
            InvalidArgumentError: None is given, or one is neither.
        """
        if not kinds or not all(is_event_filter(kind) for kind in kinds):
            raise InvalidArgumentError(
                "a handler is for types of events such as 'ticket.created', 'ticket.*' or '*', or their classes"
            )

        def register(handler: Handler[UntypedJSON]) -> Handler[UntypedJSON]:
            self._handlers.append((kinds, handler))
            self._has_handlers.set()
            return handler

        return register

    def on_error(self, handler: ErrorHandler) -> ErrorHandler:
        """Register an async function that takes an event which a handler could not handle, and its last error.

        Without one, the event's id and type and the class of the error are logged.
        """
        self._error_handlers.append(handler)
        return handler

    async def receive(self, body: bytes, headers: Mapping[str, str]) -> int:
        """Take a delivery from a web framework of any kind.

        Args:
            body: The bytes of the request's body, exactly as they came.
            headers: The headers of the request; names are matched without regard to case.

        Returns:
            The status to answer with. Nothing that the sender may do raises.

        Raises:
            CStarError: The inbox works in another event loop.
        """
        header = next((value for name, value in headers.items() if name.lower() == "x-signature"), "")
        try:
            verify_signature(
                body, header, self._secret, tolerance=self._tolerance, now=self._clock.time(), allow_legacy=self._allow_legacy
            )
        except WebhookError as error:
            LOGGER.warning("a delivery was refused: %s", error)
            return 401
        try:
            event = parse_event(body)
        except PayloadError as error:
            LOGGER.error("a delivery was genuine and is lost: %s", error)  # noqa: TRY400 -- the sentence says it all
            return 200
        self._check_loop()
        if self._closing or len(self._queue) + len(self._accepting) >= self._max_pending:
            return 503
        try:
            # The store may be slow to say that it has the event. Then cStar is asked to repeat it, and the event is handled when
            # the store has it: so the work goes on when the wait ends.
            async with asyncio.timeout(STORE_TIMEOUT):
                await self.start()
                return 200 if await self._take(_dedup_key(event, body), event, body) else 503
        except Exception as error:  # a store may raise what it likes
            LOGGER.error("the store of the inbox did not take an event: %s", type(error).__name__)  # noqa: TRY400 -- the text may tell of the event
            return 503

    async def aiohttp_handler(self, request: web.Request) -> web.Response:
        """A handler for `app.router.add_post` of aiohttp."""
        return await _receivers.handle_aiohttp(self.receive, request)

    async def asgi_app(self, scope: _receivers.Scope, receive: _receivers.Receive, send: _receivers.Send) -> None:
        """An application to mount in Starlette, FastAPI or any other ASGI framework."""
        await _receivers.handle_asgi(self.receive, scope, receive, send)

    async def start(self) -> None:
        """Take up the events that a process before this one accepted and did not handle. Only the first call does anything.

        Raises:
            CStarError: The inbox works in another event loop.
            Exception: What the store raises; the next call tries again.
        """
        self._check_loop()
        if self._starting is None:
            self._starting = asyncio.get_running_loop().create_task(self._resume())
        starting = self._starting
        try:
            await asyncio.shield(starting)
        except Exception:
            if self._starting is starting:
                self._starting = None
            raise

    async def run(self, stream: EventStream) -> None:
        """Feed the handlers from the event stream, until it or the inbox is closed: `await inbox.run(cstar.events("ticket.*"))`.

        There is no signature to check. Where the inbox is full, the stream waits. A stream that was not told where to begin begins
        after the event that the store took last, so that a process that was away hears of what it missed, as far back as cStar
        keeps it; with a store that took nothing yet it begins now. Do not feed one inbox from a stream and from webhooks: what
        comes by one way says nothing of the other.

        Raises:
            CStarError: What the stream ends with, or the inbox works in another event loop.
            Exception: What the store raises when asked for what it holds.
        """
        await self.start()
        last = await self._store.last_event_id()
        if last is not None and not last.startswith(BODY_HASH_PREFIX):
            stream.resume_after(last)
        self._streams.add(stream)
        try:
            async with stream:
                async for event in stream:
                    await self._queue.wait_below(self._max_pending)
                    body = orjson.dumps(to_dict(event))
                    if not await self._accept_with_retries(_dedup_key(event, body), event, body):
                        return
        finally:
            self._streams.discard(stream)

    async def wait_until_idle(self) -> None:
        """Wait until every event that was accepted is handled."""
        while self._accepting:
            await asyncio.wait(self._accepting)
        await self._queue.wait_empty()

    async def aclose(self) -> tuple[str, ...]:
        """Take no more deliveries, wait for the work to end, and stop what has not ended in time. May be called twice.

        Returns:
            The ids of the events that are not handled. A store that outlives the process hands them to the next one.
        """
        self._closing = True
        try:
            for stream in list(self._streams):
                await stream.aclose()
            async with asyncio.timeout(self._shutdown_timeout):
                await self.wait_until_idle()
        except TimeoutError:
            LOGGER.warning("the inbox closes with %d events that are not handled", len(self._queue))
        finally:
            await _cancel([*self._accepting, *(task for task in (self._starting, self._renewing) if task)])
            left = await self._queue.stop()
            await self._store.aclose()
        return tuple(one.key for one in left)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def _task(self, work: Awaitable[None]) -> asyncio.Task[None]:
        """Work on a delivery that goes on when nobody waits for it any more."""

        async def run() -> None:
            await work

        task = asyncio.get_running_loop().create_task(run())
        self._accepting.add(task)
        task.add_done_callback(self._accepted)
        return task

    def _accepted(self, task: asyncio.Task[None]) -> None:
        self._accepting.discard(task)
        if not task.cancelled():
            task.exception()  # told to the delivery, or to nobody if that gave up: cStar repeats it

    def _check_loop(self) -> None:
        if self._starting is not None and self._starting.get_loop() is not asyncio.get_running_loop():
            raise CStarError("this inbox was first used in another event loop; make one inbox for each loop")

    async def _take(self, key: str, event: WebhookEvent, body: bytes) -> bool:
        """Accept an event, in a task that goes on when the caller is cancelled. False: the inbox is closed before it is done."""
        task = self._task(self._accept(key, event, body))
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            if not task.cancelled() or _is_being_cancelled():
                raise
            return False
        return True

    async def _accept(self, key: str, event: WebhookEvent, body: bytes) -> None:
        try:
            is_new = await self._store.add(key, body)
        except Exception:
            # It may have been written all the same: then the next time the store says that the event was here before.
            if self._store.lease_interval is None:
                self._unconfirmed_ids[key] = None
            if len(self._unconfirmed_ids) > MAX_UNCONFIRMED_IDS:
                self._unconfirmed_ids.popitem(last=False)
            raise
        if is_new or key in self._unconfirmed_ids:
            self._unconfirmed_ids.pop(key, None)
            self._queue.put(_ordering_key(key, event), _PendingEvent(key, event))

    async def _accept_with_retries(self, key: str, event: WebhookEvent, body: bytes) -> bool:
        """Accept an event that nobody would deliver again: wait for a store that fails. False: the inbox is closed before."""
        failures = 0
        while not self._closing:
            try:
                return await self._take(key, event, body)
            except Exception as error:  # a store may raise what it likes
                LOGGER.error("the store of the inbox did not take an event: %s", type(error).__name__)  # noqa: TRY400
                await self._clock.sleep(min(INITIAL_BACKOFF * 2**failures, MAX_BACKOFF))
                failures = min(failures + 1, 10)
        return False

    async def _resume(self) -> None:
        """Begin where the process before this one ended, and where the store is shared, go on with what others leave."""
        await self._load_pending()
        if self._store.lease_interval is not None:
            self._renewing = asyncio.get_running_loop().create_task(self._renew(self._store.lease_interval))

    async def _renew(self, every: float) -> None:
        """Tell a shared store that this inbox is alive, and take up what is left by those that are not."""
        while True:
            await self._clock.sleep(every)
            try:
                async with asyncio.timeout(STORE_TIMEOUT):
                    await self._load_pending()
            except Exception as error:  # a store may raise what it likes
                LOGGER.error("the store of the inbox did not say what is pending: %s", type(error).__name__)  # noqa: TRY400

    async def _load_pending(self) -> None:
        for key, body in await self._store.claim_pending():
            try:
                event = parse_event(body)
            except PayloadError as error:
                LOGGER.error("%s cannot be read from the store, and stays there: %s", key, error)  # noqa: TRY400
            else:
                self._queue.put(_ordering_key(key, event), _PendingEvent(key, event))

    async def _handle(self, accepted: _PendingEvent) -> None:
        """Hand an event to everyone who asked for its type, in the order in which they registered."""
        await self._has_handlers.wait()
        for kinds, handler in self._handlers:
            if matches_filter(accepted.event, kinds):
                await self._call_with_retries(handler, accepted)
        try:
            async with asyncio.timeout(STORE_TIMEOUT):
                await self._store.mark_done(accepted.key)
        except Exception as error:  # a store may raise what it likes
            LOGGER.error("the store did not note that %s is handled: %s", accepted.key, type(error).__name__)  # noqa: TRY400

    async def _call_with_retries(self, handler: Handler[UntypedJSON], accepted: _PendingEvent) -> None:
        """Call a handler until it succeeds, has been tried often enough, or the process ends."""
        attempt = 0
        while True:
            attempt += 1
            try:
                await self._call(handler, accepted.event)
            except Exception as error:  # whatever a handler raises is its failure
                failure = error
            else:
                return
            LOGGER.warning("a handler of %s failed, attempt %d: %s", accepted.key, attempt, type(failure).__name__)
            if attempt >= self._max_attempts:
                await self._report_failure(accepted, failure)
                return
            await self._clock.sleep(min(INITIAL_BACKOFF * 2 ** (attempt - 1), MAX_BACKOFF))

    async def _call(self, handler: Callable[..., Awaitable[None]], *given: object) -> None:
        """Call a handler when there is room, for as long as it may take."""
        try:
            async with self._slots, asyncio.timeout(self._handler_timeout):
                await handler(*given)
        except asyncio.CancelledError:
            if _is_being_cancelled():
                raise
            # Nobody cancelled this; something that the handler waited for was. Let through, it would end the lane.
            raise RuntimeError("what the handler waited for was cancelled") from None

    async def _report_failure(self, accepted: _PendingEvent, failure: Exception) -> None:
        """Tell of an event that could not be handled."""
        if not self._error_handlers:
            LOGGER.error("%s (%s) could not be handled: %s", accepted.key, accepted.event.type, type(failure).__name__)
        for handler in self._error_handlers:
            try:
                await self._call(handler, accepted.event, failure)
            except Exception as error:  # whatever it raises, the next one is told
                LOGGER.error("an error handler failed with %s: %s", accepted.key, type(error).__name__)  # noqa: TRY400


async def _cancel(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel tasks and wait for their end."""
    waiting = [task for task in tasks if task.cancel()]
    await asyncio.gather(*waiting, return_exceptions=True)


def _is_being_cancelled() -> bool:
    """Whether somebody wants the running task to end; a CancelledError may also come from what it awaits."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _dedup_key(event: WebhookEvent, body: bytes) -> str:
    """The key by which repeats are dropped: the event's id, or what stands for it where there is none."""
    return event.id if is_str(event.id) and event.id else f"{BODY_HASH_PREFIX}{hashlib.sha256(body).hexdigest()}"


def _ordering_key(key: str, event: WebhookEvent) -> str:
    """What an event must keep its order with: the thing that it is about, or nothing but itself."""
    resource = event.type.partition(".")[0]
    thing: UntypedJSON = event.data
    thing = thing.get(resource) if is_object(thing) else getattr(thing, resource, None)
    identity: UntypedJSON = thing.get("id") if is_object(thing) else getattr(thing, "id", None)
    return f"{resource}:{identity}" if is_str(identity) else f"event:{key}"
