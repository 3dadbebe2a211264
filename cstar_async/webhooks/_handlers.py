"""The handlers of an inbox: which events they are for, their retries, and the handlers of errors."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias, TypeVar, overload

from cstar_async._clock import Clock
from cstar_async._model.event import WebhookEvent
from cstar_async._protocol.retry import backoff_seconds
from cstar_async._redaction import clean_log_record
from cstar_async._types import UntypedJSON
from cstar_async._validation import validate_count
from cstar_async.errors import InvalidArgumentError
from cstar_async.webhooks._arguments import matches, validate_types
from cstar_async.webhooks._failures import SafeTraceback, describe_with_line, outage_wait
from cstar_async.webhooks._keyed_queue import is_being_cancelled

E = TypeVar("E", bound=WebhookEvent)
F = TypeVar("F", bound=WebhookEvent)
G = TypeVar("G", bound=WebhookEvent)

Handler: TypeAlias = Callable[[E], Awaitable[None]]
ErrorHandler: TypeAlias = Callable[[WebhookEvent, Exception], Awaitable[None]]

LOGGER: Final = logging.getLogger("cstar_async.webhooks")
LOGGER.addFilter(clean_log_record)

INITIAL_BACKOFF: Final = 0.5
MAX_BACKOFF: Final = 30.0


class EventHandlers:
    """Register handlers and call them, with retries."""

    def __init__(self, concurrency: int, max_attempts: int, timeout: float, clock: Clock) -> None:
        self._slots = asyncio.Semaphore(validate_count("concurrency", concurrency, 1))
        self._max_attempts = validate_count("max_attempts", max_attempts, 1)
        self._handler_timeout = timeout
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
        validate_types(types)

        def register(handler: Handler[UntypedJSON]) -> Handler[UntypedJSON]:
            _validate_handler(handler)
            self._handlers.append((types, handler))
            self._has_handlers.set()
            return handler

        return register

    def on_error(self, handler: ErrorHandler) -> ErrorHandler:
        """Register a coroutine function for events whose last attempt failed. It is called with the event and the exception.

        Without one, the id and type of the event and the traceback are logged, without the text of the exception.

        Raises:
            InvalidArgumentError: The handler is not a coroutine function.
        """
        _validate_handler(handler)
        self._error_handlers.append(handler)
        return handler

    async def _call_handlers(self, key: str, event: WebhookEvent) -> None:
        """Call the handlers of an event in the order of their registration. Wait for the first registration."""
        await self._has_handlers.wait()
        for types, handler in self._handlers:
            if matches(event, types):
                await self._call_with_retries(handler, key, event)

    async def _call_with_retries(self, handler: Handler[UntypedJSON], key: str, event: WebhookEvent) -> None:
        attempt, outages = 1, 0
        while (failure := await self._call(handler, event)) is not None:
            if is_being_cancelled():  # the handler has replaced the CancelledError by another exception
                raise asyncio.CancelledError
            stated = outage_wait(failure)
            if stated is not None:
                outages += 1
                wait = max(stated, backoff_seconds(outages, initial=INITIAL_BACKOFF, maximum=MAX_BACKOFF))
                LOGGER.warning("%s: handler called again in %.1f s: %s", key, wait, describe_with_line(failure))
                await self._clock.sleep(wait)
                continue
            LOGGER.warning("%s: handler failed, attempt %d: %s", key, attempt, describe_with_line(failure))
            if attempt >= self._max_attempts:
                await self._report_failure(key, event, failure)
                return
            await self._back_off(attempt)
            attempt, outages = attempt + 1, 0

    async def _back_off(self, attempt: int) -> None:
        await self._clock.sleep(backoff_seconds(attempt, initial=INITIAL_BACKOFF, maximum=MAX_BACKOFF))

    async def _call(self, handler: Callable[..., Awaitable[None]], *arguments: object) -> Exception | None:
        """Call a handler and return its exception."""
        try:
            async with self._slots, asyncio.timeout(self._handler_timeout):
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

    async def _report_failure(self, key: str, event: WebhookEvent, failure: Exception) -> None:
        if not self._error_handlers:
            LOGGER.error("%s (%s): all attempts failed\n%s", key, event.type, SafeTraceback(failure))
        for handler in self._error_handlers:
            error = await self._call(handler, event, failure)
            if error is not None:
                LOGGER.error("%s: error handler failed\n%s", key, SafeTraceback(error))


def _validate_handler(handler: object) -> None:
    if not (inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(getattr(handler, "__call__", None))):  # noqa: B004
        name = getattr(handler, "__qualname__", type(handler).__qualname__)
        raise InvalidArgumentError(f"a handler must be a coroutine function, got {name}; define it with 'async def'")
