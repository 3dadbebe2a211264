"""Dispatch of hook values to hooks and to the log."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Iterable
from typing import Any, Final

import attrs

from cstar_async._clock import Clock
from cstar_async._redaction import redact
from cstar_async.hooks import CallEndInfo, CallStartInfo, DriftInfo, HookInfo, Hooks, RequestInfo, ResponseInfo, RetryInfo, WaitInfo

LOGGER: Final = logging.getLogger("cstar_async")
LONG_WAIT: Final = 10.0
"""Seconds from which a wait is logged as a warning."""

HOOK_METHODS: Final[dict[type, str]] = {
    CallStartInfo: "on_call_start",
    RequestInfo: "on_request",
    ResponseInfo: "on_response",
    RetryInfo: "on_retry",
    WaitInfo: "on_wait",
    DriftInfo: "on_drift",
    CallEndInfo: "on_call_end",
}
_LOG: Final[dict[type, tuple[int, str]]] = {
    RequestInfo: (logging.DEBUG, "%(method)s %(path)s: attempt %(attempt)d"),
    ResponseInfo: (
        logging.DEBUG,
        "%(method)s %(path)s: %(status)d in %(elapsed).3f s, attempt %(attempt)d, request %(request_id)s",
    ),
    RetryInfo: (logging.INFO, "%(method)s %(path)s: %(error)s on attempt %(attempt)d, retrying in %(wait).2f s"),
    WaitInfo: (logging.DEBUG, "%(method)s %(path)s: waiting %(wait).1f s (%(reason)s)"),
}
"""Level and message of the values that are logged."""
_LOG_FIELDS: Final = ("operation", "method", "path", "attempt", "status", "elapsed", "error", "wait", "reason", "request_id")


class HookDispatcher:
    """The hooks of a client, by value.

    Args:
        hooks: Only the methods that a class or an instance overrides are called.
        clock: The clock of the client.
    """

    def __init__(self, hooks: Iterable[Hooks], clock: Clock) -> None:
        hooks = tuple(hooks)
        self._clock = clock
        self._waits: dict[str, _LongWait] = {}
        self._hooks: dict[type, tuple[Callable[[Any], object], ...]] = {
            info: tuple(method for hook in hooks if _overrides(method := getattr(hook, name), name))
            for info, name in HOOK_METHODS.items()
        }
        self.has_call_hooks = bool(self._hooks[CallStartInfo] or self._hooks[CallEndInfo])
        self.has_drift_hooks = bool(self._hooks[DriftInfo])
        self._has_attempt_hooks = bool(self._hooks[RequestInfo] or self._hooks[ResponseInfo])

    @property
    def has_attempt_hooks(self) -> bool:
        """Whether hooks or the log need a `RequestInfo` and a `ResponseInfo`."""
        return self._has_attempt_hooks or LOGGER.isEnabledFor(logging.DEBUG)

    def emit(self, info: HookInfo | DriftInfo) -> None:
        """Log a value and call the hooks that handle it."""
        if type(info) in _LOG:
            _log(info)
        if isinstance(info, WaitInfo) and info.wait >= LONG_WAIT:
            self._warn_of_wait(info)
        for hook in self._hooks[type(info)]:
            try:
                result: object = hook(info)
            except Exception:
                LOGGER.exception("a hook failed on %s; the call continues", type(info).__name__)
            else:
                if inspect.iscoroutine(result):
                    result.close()  # avoids Python's warning about a coroutine that was never awaited
                    LOGGER.error(
                        "a hook returned a coroutine on %s, which does not run; hooks must be plain functions", type(info).__name__
                    )

    def _warn_of_wait(self, info: WaitInfo) -> None:
        """Log one warning for all calls that start to wait together, and none for those that join before the wait ends."""
        now = self._clock.monotonic()
        known = self._waits.get(info.reason)
        if known is not None and now < known.ends:
            known.count += 1
            known.longest = max(known.longest, info.wait)
            return
        self._waits[info.reason] = wait = _LongWait(now + info.wait, info.wait)
        asyncio.get_running_loop().call_soon(_log_long_wait, info.reason, wait)


@attrs.define
class _LongWait:
    """Calls that wait for the same reason."""

    ends: float
    longest: float
    count: int = 1


def _log_long_wait(reason: str, wait: _LongWait) -> None:
    fields = {"reason": reason, "wait": wait.longest, "count": wait.count}
    LOGGER.warning("waiting calls: %(count)d, for up to %(wait).0f s (%(reason)s)", fields, extra=fields)


def _overrides(method: object, name: str) -> bool:
    """Return whether a method of a hook differs from that of `Hooks`, which does nothing."""
    return getattr(method, "__func__", method) is not getattr(Hooks, name)


def _log(info: object) -> None:
    level, message = _LOG[type(info)]
    if LOGGER.isEnabledFor(level):
        fields = {name: getattr(info, name) for name in _LOG_FIELDS if hasattr(info, name)}
        if fields.get("request_id"):
            fields["request_id"] = redact(fields["request_id"])
        LOGGER.log(level, message, fields, extra=fields)
