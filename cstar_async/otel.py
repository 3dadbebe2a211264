"""Calls as spans of OpenTelemetry (extra `otel`): `CStarClient(hooks=[OpenTelemetryHooks()])`.

One span a call, with its attempts and waits as events, by the semantic conventions for HTTP clients where they have a name for a
thing. The span of a call is a child of the caller's current span, and is itself current while the call lasts.

Two things are left out on purpose. `url.full`, because ids and filters can be personal data: the template of the path says which
operation it was. And error messages, because servers quote what they were given: `error.type` and `cstar.request_id` say enough to
find the rest. No header is added to requests.
"""

from __future__ import annotations

from contextvars import Token
from typing import Final, TypeAlias

import attrs

from cstar_async._redaction import redact
from cstar_async._version import __version__
from cstar_async.hooks import CallEndInfo, CallStartInfo, Hooks, RequestInfo, ResponseInfo, RetryInfo, WaitInfo

try:
    from opentelemetry import context, trace
except ImportError as error:
    raise ImportError("cstar_async.otel needs OpenTelemetry; install cstar-async[otel]") from error

Attributes: TypeAlias = dict[str, str | int | float]
"""What stands beside a span or an event."""

RAW_REQUEST: Final = "request"
"""The operation of calls to paths of the caller's own. Such a path is no template, so it goes into no span."""


@attrs.frozen
class _ActiveSpan:
    """The span of a call that has not ended, and the way back to what was current before."""

    span: trace.Span
    token: Token[context.Context]


class OpenTelemetryHooks(Hooks):
    """Makes a span of every call.

    Name
        `GET /api/v1/teams/{teamId}/tickets/{ticketId}`; with `CStarClient.request` only the method. The kind is CLIENT.

    Attributes
        `http.request.method`, `url.template`, `server.address`, `server.port`, `http.response.status_code` (of the last answer),
        `http.request.resend_count` (if the request was sent again), `error.type` (the status, or the class of what was raised);
        `cstar.operation`, `cstar.request_id`, and `cstar.rate_limit.limit` and `.remaining` as the last answer stated them.

    Events
        `cstar.attempt` and `cstar.response` for every attempt, `cstar.retry` after one that failed and is repeated, `cstar.wait`
        for a rate limit or before a retry, with the seconds that it is expected to take.

    The status is ERROR for a call that raised, cancellation included, and unset for any other. One instance serves any number of
    clients.

    Args:
        tracer_provider: Where spans go; None: the global one.
    """

    def __init__(self, tracer_provider: trace.TracerProvider | None = None) -> None:
        self._tracer = trace.get_tracer("cstar_async", __version__, tracer_provider)
        self._running: dict[str, _ActiveSpan] = {}

    def on_call_start(self, info: CallStartInfo, /) -> None:
        """Start the span, and make it the current one."""
        attributes: Attributes = {
            "http.request.method": info.method,
            "server.address": info.host,
            "server.port": info.port,
            "cstar.operation": info.operation,
        }
        name = info.method
        if info.operation != RAW_REQUEST:
            attributes["url.template"] = info.path
            name = f"{info.method} {info.path}"
        span = self._tracer.start_span(name, kind=trace.SpanKind.CLIENT, attributes=attributes)
        self._running[info.call_id] = _ActiveSpan(span, context.attach(trace.set_span_in_context(span)))

    def on_request(self, info: RequestInfo, /) -> None:
        """Note the attempt."""
        self._add_event(info.call_id, "cstar.attempt", {"cstar.attempt": info.attempt})

    def on_response(self, info: ResponseInfo, /) -> None:
        """Note the answer."""
        noted: Attributes = {"cstar.attempt": info.attempt, "http.response.status_code": info.status, "cstar.seconds": info.elapsed}
        if info.request_id:
            noted["cstar.request_id"] = redact(info.request_id)
        self._add_event(info.call_id, "cstar.response", noted)

    def on_retry(self, info: RetryInfo, /) -> None:
        """Note why there is another attempt."""
        noted: Attributes = {
            "cstar.attempt": info.attempt,
            "error.type": error_type(info.status, info.error),
            "cstar.seconds": info.wait,
        }
        self._add_event(info.call_id, "cstar.retry", noted)

    def on_wait(self, info: WaitInfo, /) -> None:
        """Note the wait."""
        noted: Attributes = {"cstar.reason": info.reason, "cstar.priority": info.priority.name.lower(), "cstar.seconds": info.wait}
        self._add_event(info.call_id, "cstar.wait", noted)

    def on_call_end(self, info: CallEndInfo, /) -> None:
        """End the span, and make the one before current again."""
        running = self._running.pop(info.call_id)
        context.detach(running.token)
        span = running.span
        if info.status is not None:
            span.set_attribute("http.response.status_code", info.status)
        if info.attempts > 1:
            span.set_attribute("http.request.resend_count", info.attempts - 1)
        if info.request_id is not None:
            span.set_attribute("cstar.request_id", redact(info.request_id))
        if info.rate_limit is not None:
            span.set_attribute("cstar.rate_limit.limit", info.rate_limit.limit)
            span.set_attribute("cstar.rate_limit.remaining", info.rate_limit.remaining)
        if info.error is not None:
            span.set_attribute("error.type", error_type(info.status, info.error))
            span.set_status(trace.StatusCode.ERROR)
        span.end()

    def _add_event(self, call_id: str, name: str, noted: Attributes) -> None:
        self._running[call_id].span.add_event(name, noted)


def error_type(status: int | None, error: str) -> str:
    """What went wrong, as one of few words: a status that is an error by itself, or else the class of what was raised."""
    return error if status is None or status < 400 else str(status)
