"""OpenTelemetry spans and metrics (extra `otel`): `CStarClient(hooks=[OpenTelemetryHooks(), OpenTelemetryMetrics()])`.

Each call is one span, and its attempts and waits are span events, named after the semantic conventions for HTTP clients. The span
is a child of the caller's current span, and is itself current during the call.

Two things are left out on purpose: `url.full`, because ids and filters can be personal data, and error messages, because servers
echo their input. No header is added to requests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextvars import Token
from datetime import UTC, datetime
from types import NoneType
from typing import Final, TypeAlias

import attrs

from cstar_async._values.redaction import redact
from cstar_async._values.validation import check_instance, check_str
from cstar_async._version import __version__
from cstar_async.hooks import CallEndInfo, CallStartInfo, Hooks, RequestInfo, ResponseInfo, RetryInfo, WaitInfo
from cstar_async.webhooks import InboxStats, WebhookInbox

try:
    from opentelemetry import context, metrics, trace
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
        `http.request.method`, `url.template`, `server.address`, `server.port`, `cstar.operation`, `cstar.request_id`.
        `http.response.status_code` is that of the last response, and `http.request.resend_count` is set after a retry. `error.type`
        is the status, or the class of the exception. `cstar.rate_limit.limit` and `cstar.rate_limit.remaining` are the last known
        ones.

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
        # A call that several callers share ends in the task of one of them, where its span was never the current one.
        if trace.get_current_span() is active.span:
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


class OpenTelemetryMetrics(Hooks):
    """Measure calls and webhook inboxes.

    Calls
        `cstar.call.duration`: seconds of each call, waits and retries included, with `cstar.operation`, `http.request.method`,
        `http.response.status_code` and, for a call that raised, `error.type`. `cstar.retries`: attempts that are repeated, with
        `cstar.operation` and `error.type`. `cstar.wait.duration`: expected seconds of each wait, with `cstar.reason`.
        `cstar.rate_limit.limit` and `cstar.rate_limit.remaining`: the last known rate limit.

    Inboxes
        Those given to `observe()`, each with its `cstar.inbox`. `cstar.inbox.pending`, and `cstar.inbox.age`: seconds since which
        the oldest event is pending, 0 without one. `cstar.inbox.handled`, `cstar.inbox.failed` (attempts) and `cstar.inbox.dead`
        (dead letters that wait), with `cstar.event_type`.

    One instance serves any number of clients of one API key, and is created once for each meter provider.

    Args:
        meter_provider: Receives the measurements. Default: the global one.

    Raises:
        InvalidArgumentError: *meter_provider* is no meter provider.
    """

    def __init__(self, meter_provider: metrics.MeterProvider | None = None) -> None:
        check_instance("meter_provider", meter_provider, (metrics.MeterProvider, NoneType), "a MeterProvider of OpenTelemetry")
        meter = metrics.get_meter("cstar_async", __version__, meter_provider)
        self._inboxes: dict[str, WebhookInbox] = {}
        self._calls = meter.create_histogram("cstar.call.duration", "s", "Duration of calls, waits and retries included")
        self._waits = meter.create_histogram("cstar.wait.duration", "s", "Expected duration of waits before a request")
        self._retries = meter.create_counter("cstar.retries", "{retry}", "Attempts that failed and are repeated")
        self._limit = meter.create_gauge("cstar.rate_limit.limit", "{request}", "Requests that a window allows")
        self._remaining = meter.create_gauge("cstar.rate_limit.remaining", "{request}", "Requests that are left in the window")
        meter.create_observable_gauge(
            "cstar.inbox.pending", [self._observe(_pending)], "{event}", "Events that are not handled yet"
        )
        meter.create_observable_gauge("cstar.inbox.age", [self._observe(_age)], "s", "Age of the oldest pending event")
        meter.create_observable_gauge("cstar.inbox.dead", [self._observe(_counts("dead"))], "{event}", "Dead letters")
        for name, description in (("handled", "Events whose handlers have succeeded"), ("failed", "Attempts that failed")):
            callback = self._observe(_counts(name))
            meter.create_observable_counter(f"cstar.inbox.{name}", [callback], "{event}", description)

    def observe(self, inbox: WebhookInbox, *, name: str = "inbox") -> None:
        """Measure an inbox from now on.

        Args:
            inbox: The inbox.
            name: The value of `cstar.inbox`, for processes with several inboxes; default `inbox`.

        Raises:
            InvalidArgumentError: *inbox* is no `WebhookInbox`, or *name* is no str.
        """
        check_instance("inbox", inbox, WebhookInbox, "a WebhookInbox")
        check_str("name", name)
        self._inboxes[name] = inbox

    def on_retry(self, info: RetryInfo, /) -> None:
        """Count a retry."""
        self._retries.add(1, {"cstar.operation": info.operation, "error.type": _error_type(info.status, info.error)})

    def on_wait(self, info: WaitInfo, /) -> None:
        """Measure a wait."""
        self._waits.record(info.wait, {"cstar.reason": info.reason})

    def on_call_end(self, info: CallEndInfo, /) -> None:
        """Measure a call, and the rate limit after it."""
        attributes: Attributes = {"cstar.operation": info.operation, "http.request.method": info.method}
        if info.status is not None:
            attributes["http.response.status_code"] = info.status
        if info.error is not None:
            attributes["error.type"] = _error_type(info.status, info.error)
        self._calls.record(info.elapsed, attributes)
        if info.rate_limit is not None:
            self._limit.set(info.rate_limit.limit)
            self._remaining.set(info.rate_limit.remaining)

    def _observe(self, measure: _Measure) -> Callable[[metrics.CallbackOptions], Iterable[metrics.Observation]]:
        """Return a callback that measures every inbox."""

        def observations(_: metrics.CallbackOptions) -> Iterable[metrics.Observation]:
            for name, inbox in list(self._inboxes.items()):
                for event_type, value in measure(inbox.stats()):
                    found = {"cstar.inbox": name} | ({"cstar.event_type": event_type} if event_type else {})
                    yield metrics.Observation(value, found)

        return observations


_Measure: TypeAlias = Callable[[InboxStats], Iterable[tuple[str, float]]]
"""Returns values by event type; an empty type for those of the whole inbox."""


def _pending(stats: InboxStats) -> Iterable[tuple[str, float]]:
    return [("", stats.pending)]


def _age(stats: InboxStats) -> Iterable[tuple[str, float]]:
    return [("", 0.0 if stats.oldest is None else max(0.0, (datetime.now(UTC) - stats.oldest).total_seconds()))]


def _counts(name: str) -> _Measure:
    return lambda stats: [(event_type, getattr(one, name)) for event_type, one in stats.by_type.items()]


def _error_type(status: int | None, error: str) -> str:
    """Return an error status as a str, or else the class of the exception."""
    return error if status is None or status < 400 else str(status)
