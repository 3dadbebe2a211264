"""Dispatch of hook values to hooks and to the log.

The classes of the values are imported when the first value is made: most calls have no hooks.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, Literal

import attrs

from cstar_async._event_loop.clock import Clock
from cstar_async._protocol.envelope import find_request_id, parse_lenient
from cstar_async._protocol.headers import parse_rate_limit
from cstar_async._protocol.messages import RawResponse
from cstar_async._types import RateLimitState
from cstar_async._values.redaction import redact
from cstar_async.errors import APIError, CStarError, DecodeError, RateLimitWaitError

if TYPE_CHECKING:
    from cstar_async._client.call import Call
    from cstar_async.hooks import DriftInfo, HookInfo, Hooks

LOGGER: Final = logging.getLogger("cstar_async")
LONG_WAIT: Final = 10.0
"""Seconds from which a wait is logged as a warning."""

HOOK_METHODS: Final = ("on_call_start", "on_request", "on_response", "on_retry", "on_wait", "on_drift", "on_call_end")
_LOG: Final[dict[str, tuple[int, str]]] = {
    "on_request": (logging.DEBUG, "%(method)s %(path)s: attempt %(attempt)d"),
    "on_response": (
        logging.DEBUG,
        "%(method)s %(path)s: %(status)d in %(elapsed).3f s, attempt %(attempt)d, request %(request_id)s",
    ),
    "on_retry": (logging.INFO, "%(method)s %(path)s: %(error)s on attempt %(attempt)d, retrying in %(wait).2f s"),
    "on_wait": (logging.DEBUG, "%(method)s %(path)s: waiting %(wait).1f s (%(reason)s)"),
}
"""Level and message of the values that are logged, by their hook."""
_LOG_FIELDS: Final = ("operation", "method", "path", "attempt", "status", "elapsed", "error", "wait", "reason", "request_id")


class HookDispatcher:
    """The hooks of a client, by value. Only the methods that a class or an instance overrides are called."""

    def __init__(self, hooks: Iterable[Hooks], clock: Clock) -> None:
        hooks = tuple(hooks)
        self._clock = clock
        self._waits: dict[str, _LongWait] = {}
        self._hooks: dict[str, tuple[Callable[[Any], object], ...]] = {
            name: tuple(method for hook in hooks if _overrides(method := getattr(hook, name), name)) for name in HOOK_METHODS
        }
        self.has_call_hooks = bool(self._hooks["on_call_start"] or self._hooks["on_call_end"])
        self.has_drift_hooks = bool(self._hooks["on_drift"])
        self._has_attempt_hooks = bool(self._hooks["on_request"] or self._hooks["on_response"])

    @property
    def has_attempt_hooks(self) -> bool:
        """Whether hooks or the log need a `RequestInfo` and a `ResponseInfo`."""
        return self._has_attempt_hooks or LOGGER.isEnabledFor(logging.DEBUG)

    def on_call_start(self, call: Call, host: str, port: int) -> None:
        """Emit the `CallStartInfo` of a call."""
        from cstar_async.hooks import CallStartInfo

        call.hooks_notified = True
        self.emit(CallStartInfo(**call.identity, host=host, port=port))

    def on_request(self, call: Call) -> None:
        """Emit the `RequestInfo` of an attempt."""
        from cstar_async.hooks import RequestInfo

        self.emit(RequestInfo(**call.identity, attempt=call.attempts, idempotency_key=call.idempotency_key))

    def on_response(self, call: Call, response: RawResponse, elapsed: float) -> None:
        """Emit the `ResponseInfo` of an attempt that took *elapsed* seconds."""
        from cstar_async.hooks import ResponseInfo

        self.emit(
            ResponseInfo(
                **call.identity,
                attempt=call.attempts,
                status=response.status,
                elapsed=elapsed,
                rate_limit=parse_rate_limit(response.headers),
                request_id=find_request_id(parse_lenient(response), response.headers),
            )
        )

    def on_retry(self, call: Call, status: int | None, error: CStarError, wait: float) -> None:
        """Emit the `RetryInfo` of an attempt that failed with a status, or without a response."""
        from cstar_async.hooks import RetryInfo

        self.emit(RetryInfo(**call.identity, attempt=call.attempts, status=status, error=type(error).__name__, wait=wait))

    def on_wait(self, call: Call, reason: Literal["rate_limit", "back_off"], wait: float) -> None:
        """Emit the `WaitInfo` of a call that is about to wait, and warn of a long wait."""
        from cstar_async.hooks import WaitInfo

        self.emit(WaitInfo(**call.identity, reason=reason, wait=wait, priority=call.settings.priority))
        if wait >= LONG_WAIT:
            self._warn_of_wait(reason, wait)

    def on_call_end(
        self, call: Call, request_id: str | None, rate_limit: RateLimitState | None, error: BaseException | None = None
    ) -> None:
        """Emit the `CallEndInfo` of a call whose start was emitted."""
        from cstar_async.hooks import CallEndInfo

        call.hooks_notified = False
        self.emit(
            CallEndInfo(
                **call.identity,
                attempts=call.attempts,
                status=call.response.status if error is None else _status_of(error),
                request_id=request_id,
                error=None if error is None else type(error).__name__,
                elapsed=self._clock.monotonic() - call.started,
                rate_limit=rate_limit,
            )
        )

    def emit(self, info: HookInfo | DriftInfo) -> None:
        """Log a value and call the hooks that handle it."""
        if info.hook in _LOG:
            _log(info)
        for hook in self._hooks[info.hook]:
            try:
                result: object = hook(info)
            except (Exception, asyncio.CancelledError):  # the second: of a future that it read, because no hook awaits
                LOGGER.exception("a hook failed on %s; the call continues", type(info).__name__)
            else:
                if inspect.iscoroutine(result):
                    result.close()  # avoids Python's warning about a coroutine that was never awaited
                    LOGGER.error(
                        "a hook returned a coroutine on %s, which does not run; hooks must be plain functions", type(info).__name__
                    )

    def _warn_of_wait(self, reason: str, seconds: float) -> None:
        """Log one warning for all calls that start a long wait together, and none for those that join before it ends."""
        now = self._clock.monotonic()
        known = self._waits.get(reason)
        if known is not None and now < known.ends:
            known.count += 1
            known.max_wait = max(known.max_wait, seconds)
            return
        self._waits[reason] = wait = _LongWait(now + seconds, seconds)
        asyncio.get_running_loop().call_soon(_log_long_wait, reason, wait)


@attrs.define(eq=False, repr=False)
class _LongWait:
    """Calls that wait for the same reason."""

    ends: float
    max_wait: float
    count: int = 1


def _log_long_wait(reason: str, wait: _LongWait) -> None:
    fields = {"reason": reason, "wait": wait.max_wait, "count": wait.count}
    LOGGER.warning("waiting calls: %(count)d, for up to %(wait).0f s (%(reason)s)", fields, extra=fields)


def _status_of(error: BaseException | None) -> int | None:
    """Return the status of the response that an error is about; None without one."""
    if isinstance(error, (APIError, DecodeError)):
        return error.status
    return _status_of(error.__cause__) if isinstance(error, RateLimitWaitError) else None


def _overrides(method: object, name: str) -> bool:
    """Return whether a method of a hook differs from that of `Hooks`, which does nothing."""
    from cstar_async.hooks import Hooks  # most clients have no hooks

    return getattr(method, "__func__", method) is not getattr(Hooks, name)


def _log(info: HookInfo | DriftInfo) -> None:
    level, message = _LOG[info.hook]
    if LOGGER.isEnabledFor(level):
        fields = {name: getattr(info, name) for name in _LOG_FIELDS if hasattr(info, name)}
        if fields.get("request_id"):
            fields["request_id"] = redact(fields["request_id"])
        LOGGER.log(level, message, fields, extra=fields)
