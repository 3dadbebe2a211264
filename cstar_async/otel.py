"""OpenTelemetry spans (extra `otel`): `CStarClient(hooks=[OpenTelemetryHooks()])`.

Each call is one span, and its attempts and waits are span events, named after the semantic conventions for HTTP clients. The span
is a child of the caller's current span, and is itself current during the call.

Two things are left out on purpose: `url.full`, because ids and filters can be personal data, and error messages, because servers
echo their input. No header is added to requests.
"""

from __future__ import annotations

from contextvars import Token
from types import NoneType
from typing import Final, TypeAlias

import attrs

from cstar_async._redaction import redact
from cstar_async._validation import check_instance
from cstar_async._version import __version__
from cstar_async.hooks import CallEndInfo, CallStartInfo, Hooks, RequestInfo, ResponseInfo, RetryInfo, WaitInfo

try:
    from opentelemetry import context, trace
except ImportError as error:
    raise ImportError("cstar_async.otel needs OpenTelemetry; install cstar-async[otel]") from error

Attributes: TypeAlias = dict[str, str | int | float]

RAW_REQUEST: Final = "request"
"""The operation of `CStarClient.request`. Its path may have ids in it, so it goes into no span."""


@attrs.frozen
class _ActiveSpan:
    span: trace.Span
    token: Token[context.Context]


class OpenTelemetryHooks(Hooks):
    """Create a span for every call.

    Name
        `GET /api/v1/teams/{teamId}/tickets/{ticketId}`; for `CStarClient.request` only the method. The kind is CLIENT.

    Attributes
        `http.request.method`, `url.template`, `server.address`, `server.port`, `http.response.status_code` (of the last response),
        `http.request.resend_count` (after a retry), `error.type` (the status, or the class of the exception), `cstar.operation`,
        `cstar.request_id`, and the last known `cstar.rate_limit.limit` and `cstar.rate_limit.remaining`.

    Events
        `cstar.attempt` and `cstar.response` for every attempt, `cstar.retry` after one that will be repeated, and `cstar.wait` with
        the expected seconds.

    The status is ERROR for a call that raised or was cancelled, and otherwise unset. One instance serves any number of clients.

    Args:
        tracer_provider: Receives the spans. Default: the global one.

    Raises:
        InvalidArgumentError: *tracer_provider* is no tracer provider.
    """

    def __init__(self, tracer_provider: trace.TracerProvider | None = None) -> None:
        check_instance("tracer_provider", tracer_provider, (trace.TracerProvider, NoneType), "a TracerProvider of OpenTelemetry")
        self._tracer = trace.get_tracer("cstar_async", __version__, tracer_provider)
        self._spans: dict[str, _ActiveSpan] = {}

    def on_call_start(self, info: CallStartInfo, /) -> None:
        """Start the span and make it current."""
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
        self._spans[info.call_id] = _ActiveSpan(span, context.attach(trace.set_span_in_context(span)))

    def on_request(self, info: RequestInfo, /) -> None:
        """Add the attempt."""
        self._add_event(info.call_id, "cstar.attempt", {"cstar.attempt": info.attempt})

    def on_response(self, info: ResponseInfo, /) -> None:
        """Add the response."""
        attributes: Attributes = {
            "cstar.attempt": info.attempt,
            "http.response.status_code": info.status,
            "cstar.seconds": info.elapsed,
        }
        if info.request_id:
            attributes["cstar.request_id"] = redact(info.request_id)
        self._add_event(info.call_id, "cstar.response", attributes)

    def on_retry(self, info: RetryInfo, /) -> None:
        """Add the reason of a retry."""
        attributes: Attributes = {"cstar.attempt": info.attempt, "error.type": _error_type(info.status, info.error)}
        self._add_event(info.call_id, "cstar.retry", {**attributes, "cstar.seconds": info.wait})

    def on_wait(self, info: WaitInfo, /) -> None:
        """Add the wait."""
        attributes: Attributes = {"cstar.reason": info.reason, "cstar.priority": info.priority.name.lower()}
        self._add_event(info.call_id, "cstar.wait", {**attributes, "cstar.seconds": info.wait})

    def on_call_end(self, info: CallEndInfo, /) -> None:
        """End the span and restore the previous one."""
        active = self._spans.pop(info.call_id)
        context.detach(active.token)
        span = active.span
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
            span.set_attribute("error.type", _error_type(info.status, info.error))
            span.set_status(trace.StatusCode.ERROR)
        span.end()

    def _add_event(self, call_id: str, name: str, attributes: Attributes) -> None:
        self._spans[call_id].span.add_event(name, attributes)


def _error_type(status: int | None, error: str) -> str:
    """Return an error status as a str, or else the class of the exception."""
    return error if status is None or status < 400 else str(status)
