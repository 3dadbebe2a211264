"""Hooks: override methods of `Hooks` and pass instances as `hooks=` to a client.

A hook is a plain function that gets one frozen value and returns nothing. It runs on the event loop in the middle of a call, so it
must be fast. An exception in a hook is logged and dropped: it cannot break the call. The values hold no key, body or query.

A call is one use of a client method: one or more attempts and the waits between them. All values of a call have the same `call_id`,
and its hooks run in the `contextvars` context of the caller. An iteration over pages is one call a page.
"""

from cstar_async.hooks._drift_counter import DriftCounter
from cstar_async.hooks._values import (
    CallEndInfo,
    CallStartInfo,
    DriftInfo,
    HookInfo,
    Hooks,
    RequestInfo,
    ResponseInfo,
    RetryInfo,
    WaitInfo,
)

__all__ = [
    "CallEndInfo",
    "CallStartInfo",
    "DriftCounter",
    "DriftInfo",
    "HookInfo",
    "Hooks",
    "RequestInfo",
    "ResponseInfo",
    "RetryInfo",
    "WaitInfo",
]
