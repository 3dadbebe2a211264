"""Hooks and logging, called from one place each, at no cost while nobody listens."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Final, TypeVar

from cstar_async.hooks import CallInfo, DoneInfo, DriftInfo, Hooks, RequestInfo, ResponseInfo, RetryInfo, WaitInfo

Info = TypeVar("Info")

LOGGER: Final = logging.getLogger("cstar_async")


class HookDispatcher:
    """The hooks of a client, sorted by what they listen to.

    Args:
        hooks: The observers; of each only the methods that it overrides are called.
    """

    def __init__(self, hooks: Iterable[Hooks]) -> None:
        hooks = tuple(hooks)
        self._call = tuple(hook.on_call for hook in hooks if type(hook).on_call is not Hooks.on_call)
        self._done = tuple(hook.on_done for hook in hooks if type(hook).on_done is not Hooks.on_done)
        self._request = tuple(hook.on_request for hook in hooks if type(hook).on_request is not Hooks.on_request)
        self._response = tuple(hook.on_response for hook in hooks if type(hook).on_response is not Hooks.on_response)
        self._retry = tuple(hook.on_retry for hook in hooks if type(hook).on_retry is not Hooks.on_retry)
        self._wait = tuple(hook.on_wait for hook in hooks if type(hook).on_wait is not Hooks.on_wait)
        self._drift = tuple(hook.on_drift for hook in hooks if type(hook).on_drift is not Hooks.on_drift)
        self.has_drift_hooks = bool(self._drift)
        """Whether anybody wants to hear of drift; comparing costs more than decoding."""
        self.has_call_hooks = bool(self._call or self._done)
        """Whether anybody wants to hear when calls begin and end."""
        self._watch_calls = bool(self._request or self._response)

    @property
    def has_attempt_hooks(self) -> bool:
        """Whether anybody wants to hear of requests and responses: hooks, or the log."""
        return self._watch_calls or LOGGER.isEnabledFor(logging.DEBUG)

    def call(self, info: CallInfo) -> None:
        """A call begins."""
        _dispatch(self._call, info)

    def done(self, info: DoneInfo) -> None:
        """A call ended."""
        _dispatch(self._done, info)

    def request(self, info: RequestInfo) -> None:
        """An attempt is about to be sent."""
        LOGGER.debug("%s %s: attempt %d", info.method, info.path, info.attempt)
        _dispatch(self._request, info)

    def response(self, info: ResponseInfo) -> None:
        """An attempt was answered."""
        LOGGER.debug(
            "%s %s: %d in %.3f s, attempt %d, request %s",
            info.method,
            info.path,
            info.status,
            info.elapsed,
            info.attempt,
            info.request_id,
        )
        _dispatch(self._response, info)

    def retry(self, info: RetryInfo) -> None:
        """An attempt failed and another follows."""
        LOGGER.info("%s %s: %s on attempt %d, trying again in %.2f s", info.method, info.path, info.error, info.attempt, info.wait)
        _dispatch(self._retry, info)

    def wait(self, info: WaitInfo) -> None:
        """A call waits."""
        level = logging.WARNING if info.wait >= 10 else logging.DEBUG
        LOGGER.log(level, "%s %s: waiting %.1f s (%s)", info.method, info.path, info.wait, info.reason)
        _dispatch(self._wait, info)

    def drift(self, info: DriftInfo) -> None:
        """An answer differs from the document."""
        _dispatch(self._drift, info)


def _dispatch(listeners: tuple[Callable[[Info], None], ...], info: Info) -> None:
    for listen in listeners:
        try:
            listen(info)
        except Exception:
            LOGGER.exception("a hook failed on %s; the call goes on", type(info).__name__)
