"""The handlers of an inbox: which events they are for, their retries, and the handlers of errors."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias, TypeVar, overload

from cstar_async._client.concurrency import PrioritySemaphore
from cstar_async._event_loop.clock import Clock, sleep_by_both_clocks
from cstar_async._event_loop.timeout import SharedTimeout
from cstar_async._model.event import WebhookEvent
from cstar_async._protocol.retry import backoff_seconds
from cstar_async._types import Priority, UntypedJSON
from cstar_async._values.validation import validate_count
from cstar_async.errors import CStarError, InvalidArgumentError
from cstar_async.webhooks._arguments import matches, validate_types
from cstar_async.webhooks._failures import describe_with_line, log_event, outage_wait
from cstar_async.webhooks._keyed_queue import is_being_cancelled
from cstar_async.webhooks._progress import ProgressRecorder, QueuedEvent
from cstar_async.webhooks._stats import EventCounts
from cstar_async.webhooks._store import RETRY_HORIZON

E = TypeVar("E", bound=WebhookEvent)
F = TypeVar("F", bound=WebhookEvent)
G = TypeVar("G", bound=WebhookEvent)

Handler: TypeAlias = Callable[[E], Awaitable[None]]
ErrorHandler: TypeAlias = Callable[[WebhookEvent, Exception], Awaitable[None]]

INITIAL_BACKOFF: Final = 0.5
MAX_BACKOFF: Final = 30.0
MAX_OUTAGE: Final = RETRY_HORIZON
"""Seconds after which an outage ends the attempts, as it ends the deliveries of cStar. It may be a request that never succeeds."""


class EventHandlers:
    """Register handlers and call them, with retries."""

    def __init__(self, progress: ProgressRecorder, clock: Clock, *, concurrency: int, max_attempts: int, timeout: float) -> None:
        self._progress = progress
        self._counts = EventCounts()
        self._slots = PrioritySemaphore(validate_count("concurrency", concurrency, 1))
        self._interrupted_slot = asyncio.Lock()
        self._max_attempts = validate_count("max_attempts", max_attempts, 1)
        self._handler_timeout = SharedTimeout(timeout)
        self._clock = clock
        self._handlers: list[tuple[tuple[str | type[WebhookEvent], ...], Handler[UntypedJSON]]] = []
        self._error_handlers: list[ErrorHandler] = []
        self._has_handlers = asyncio.Event()

    # Two and three classes are spelled out: for `*types: type[E]`, a checker may infer their common base class.
    @overload
    def on(self, first: type[E], second: type[F], /) -> Callable[[Handler[E | F]], Handler[E | F]]: ...
    @overload
    def on(self, first: type[E], second: type[F], third: type[G], /) -> Callable[[Handler[E | F | G]], Handler[E | F | G]]: ...
    @overload
    def on(self, *types: type[E]) -> Callable[[Handler[E]], Handler[E]]: ...
    @overload
    def on(self, *types: str) -> Callable[[Handler[WebhookEvent]], Handler[WebhookEvent]]: ...
    def on(self, *types: str | type[WebhookEvent]) -> Callable[[Handler[UntypedJSON]], Handler[UntypedJSON]]:
        """Register a coroutine function as the handler of events: `@inbox.on("ticket.*")`.

        Args:
            types: Event types such as `"ticket.created"`, patterns such as `"ticket.*"` or `"*"`, or event classes.

        Raises:
            InvalidArgumentError: No type is given, one is none of these, or the handler is not a coroutine function.
        """
        if not types:
            raise InvalidArgumentError("types must be one or more event types such as 'ticket.created', got none; pass '*' for all")
        wanted = validate_types(types)

        def register(handler: Handler[UntypedJSON]) -> Handler[UntypedJSON]:
            _validate_handler(handler)
            self._handlers.append((wanted, handler))
            self._has_handlers.set()
            return handler

        return register

    def on_error(self, handler: ErrorHandler) -> ErrorHandler:
        """Register a coroutine function for events that were given up. It is called with the event and the exception.

        The event is a dead letter then. Without an error handler, its id, type and the traceback are logged, but not the text of
        the exception.

        Raises:
            InvalidArgumentError: The handler is not a coroutine function.
        """
        _validate_handler(handler)
        self._error_handlers.append(handler)
        return handler

    async def _call_handlers(self, queued: QueuedEvent) -> list[Exception]:
        """Call the handlers of an event in the order of their registration, and return the last exception of those that failed.

        Wait for the first registration. Each handler has its own attempts, except those of earlier processes.
        """
        await self._has_handlers.wait()
        failures: list[Exception] = []
        earlier_attempts = queued.attempts
        for types, handler in self._handlers:
            if matches(queued.event, types):
                if earlier_attempts >= self._max_attempts:
                    failure = CStarError(f"the process ended before the result of attempt {earlier_attempts} was stored")
                    self._warn("handler not called again: %(error)s", queued, failure)
                    return [failure]
                queued.attempts = earlier_attempts
                error = await self._call_with_retries(handler, queued)
                if error is not None:
                    failures.append(error)
        return failures

    async def _call_with_retries(self, handler: Handler[UntypedJSON], queued: QueuedEvent) -> Exception | None:
        outages, outage_began = 0, 0.0
        while (failure := await self._attempt(handler, queued)) is not None:
            stated = outage_wait(failure)
            if stated is None:
                self._counts.add("failed", queued.event.type)
                self._warn("handler failed, attempt %(attempt)d: %(error)s", queued, failure)
                if queued.attempts >= self._max_attempts:
                    return failure
                outages = 0
                await self._back_off(queued.attempts)
                continue
            now = self._clock.monotonic()
            if outages == 0:
                outage_began = now
            elif now - outage_began >= MAX_OUTAGE:
                self._warn("handler not called again, its outage takes too long: %(error)s", queued, failure)
                return failure
            queued.attempts -= 1
            await self._progress.record_attempts(queued)  # otherwise a restart during the wait would cost an attempt
            outages += 1
            wait = max(stated, backoff_seconds(outages, initial=INITIAL_BACKOFF, maximum=MAX_BACKOFF))
            self._warn("handler called again in %(wait).1f s: %(error)s", queued, failure, wait=wait)
            await sleep_by_both_clocks(self._clock, wait)
        return None

    async def _attempt(self, handler: Handler[UntypedJSON], queued: QueuedEvent) -> Exception | None:
        """Record an attempt, as soon as the store can, and call the handler. Return its exception.

        Events whose handler may have ended the process are handled one at a time. If the process ends again, only one of them loses
        an attempt.
        """
        queued.attempts += 1
        store_failures = 0
        try:
            while True:
                if queued.was_interrupted:
                    async with self._interrupted_slot:
                        is_stored, failure = await self._call_when_stored(handler, queued)
                else:
                    is_stored, failure = await self._call_when_stored(handler, queued)
                if is_stored:
                    return failure
                store_failures += 1
                await self._back_off(store_failures)
        except asyncio.CancelledError:
            queued.attempts -= 1  # the inbox closes, which is not the fault of the handler
            raise

    async def _call_when_stored(self, handler: Handler[UntypedJSON], queued: QueuedEvent) -> tuple[bool, Exception | None]:
        """Take a slot, write the attempt and call the handler. Return whether the store has the attempt, and the exception."""
        if not self._slots.try_acquire(Priority.INTERACTIVE):
            await self._slots.acquire(Priority.INTERACTIVE, 0.0)
        try:
            if not await self._progress.record_attempts(queued):
                return False, None
            failure = await self._call(handler, queued.event)
            if failure is not None and is_being_cancelled():  # it has replaced the CancelledError
                raise asyncio.CancelledError
            return True, failure
        finally:
            self._slots.release(Priority.INTERACTIVE)

    def _warn(self, message: str, queued: QueuedEvent, failure: Exception, *, wait: float = 0.0) -> None:
        log_event(
            logging.WARNING,
            message,
            queued.key,
            event_type=queued.event.type,
            attempt=queued.attempts,
            error=describe_with_line(failure),
            wait=wait,
        )

    async def _back_off(self, attempt: int) -> None:
        await self._clock.sleep(backoff_seconds(attempt, initial=INITIAL_BACKOFF, maximum=MAX_BACKOFF))

    async def _call(self, handler: Callable[..., Awaitable[None]], *arguments: object) -> Exception | None:
        """Call a handler and return its exception. The caller has a slot."""
        try:
            with self._handler_timeout:
                await handler(*arguments)
        except asyncio.CancelledError:
            if is_being_cancelled():
                raise
            # It comes from a task that the handler awaits. Raised here, it would end the queue of this key.
            return RuntimeError("a task that the handler awaits was cancelled")
        except (KeyboardInterrupt, SystemExit):
            raise
        except Exception as error:  # any exception is a failure of the handler
            return error
        except BaseException as error:  # such as an exception of a test framework; raised here, it would end the queue of this key
            failure = RuntimeError(f"the handler raised {type(error).__name__}")
            failure.__cause__ = error
            return failure
        return None

    async def _report_failure(self, queued: QueuedEvent, failure: Exception) -> None:
        if not self._error_handlers:
            log_event(
                logging.ERROR, "all attempts failed (%(event_type)s)", queued.key, event_type=queued.event.type, failure=failure
            )
        for handler in self._error_handlers:
            await self._slots.acquire(Priority.INTERACTIVE, 0.0)
            try:
                error = await self._call(handler, queued.event, failure)
            finally:
                self._slots.release(Priority.INTERACTIVE)
            if error is not None:
                log_event(logging.ERROR, "error handler failed", queued.key, event_type=queued.event.type, failure=error)


def _validate_handler(handler: object) -> None:
    if not (inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(getattr(handler, "__call__", None))):  # noqa: B004
        name = getattr(handler, "__qualname__", type(handler).__qualname__)
        raise InvalidArgumentError(f"a handler must be a coroutine function, got {name}; define it with 'async def'")
