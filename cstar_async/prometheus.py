"""Prometheus metrics (extra `prometheus`): `CStarClient(hooks=[PrometheusMetrics()])`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from cstar_async._values.validation import check_instance, check_str
from cstar_async.errors import InvalidArgumentError
from cstar_async.hooks import CallEndInfo, Hooks, RetryInfo, WaitInfo
from cstar_async.webhooks import WebhookInbox

try:
    from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, Metric, Summary
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
    from prometheus_client.registry import Collector
except ImportError as error:
    raise ImportError("cstar_async.prometheus needs prometheus-client; install cstar-async[prometheus]") from error


class PrometheusMetrics(Hooks):
    """Measure calls and webhook inboxes.

    Calls
        `cstar_call_duration_seconds`: a histogram of each call, waits and retries included, by `operation` and `outcome`: `ok`, or
        the class of the exception. `cstar_retries_total` by `operation` and `error`. `cstar_wait_seconds`: a summary of the
        expected waits, by `reason`. `cstar_rate_limit` and `cstar_rate_limit_remaining`: the last known rate limit.

    Inboxes
        Those given to `observe()`, by `inbox`. `cstar_inbox_pending`, and `cstar_inbox_age_seconds`: the time since which the
        oldest event is pending, 0 without one. `cstar_inbox_handled_total`, `cstar_inbox_failed_total` (attempts) and
        `cstar_inbox_dead` (dead letters that wait), also by `event_type`.

    One instance serves any number of clients of one API key, and is created once for each registry.

    Args:
        registry: The registry of the metrics. Default: the global one.

    Raises:
        InvalidArgumentError: *registry* is no registry, or has these metrics already.
    """

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        check_instance("registry", registry, CollectorRegistry, "a CollectorRegistry of prometheus-client")
        try:
            self._calls = Histogram(
                "cstar_call_duration_seconds", "Duration of calls, waits included", ("operation", "outcome"), registry=registry
            )
        except ValueError:
            raise InvalidArgumentError("registry must be without a PrometheusMetrics, got one that has it; use that one") from None
        self._retries = Counter("cstar_retries", "Attempts that are repeated", ("operation", "error"), registry=registry)
        self._waits = Summary("cstar_wait_seconds", "Expected waits before a request", ("reason",), registry=registry)
        self._limit = Gauge("cstar_rate_limit", "Requests that a window allows", registry=registry)
        self._remaining = Gauge("cstar_rate_limit_remaining", "Requests that are left in the window", registry=registry)
        self._inboxes = _Inboxes()
        registry.register(self._inboxes)

    def observe(self, inbox: WebhookInbox, *, name: str = "inbox") -> None:
        """Measure an inbox from now on.

        Args:
            inbox: The inbox.
            name: The value of `inbox`, for processes with several inboxes; default `inbox`.

        Raises:
            InvalidArgumentError: *inbox* is no `WebhookInbox`, or *name* is no str.
        """
        check_instance("inbox", inbox, WebhookInbox, "a WebhookInbox")
        check_str("name", name)
        self._inboxes.by_name[name] = inbox

    def on_retry(self, info: RetryInfo, /) -> None:
        """Count a retry."""
        self._retries.labels(info.operation, info.error).inc()

    def on_wait(self, info: WaitInfo, /) -> None:
        """Measure a wait."""
        self._waits.labels(info.reason).observe(info.wait)

    def on_call_end(self, info: CallEndInfo, /) -> None:
        """Measure a call, and the rate limit after it."""
        self._calls.labels(info.operation, info.error or "ok").observe(info.elapsed)
        if info.rate_limit is not None:
            self._limit.set(info.rate_limit.limit)
            self._remaining.set(info.rate_limit.remaining)


class _Inboxes(Collector):
    """Reads the state of inboxes when Prometheus asks for it."""

    def __init__(self) -> None:
        self.by_name: dict[str, WebhookInbox] = {}

    def collect(self) -> Iterable[Metric]:
        pending = GaugeMetricFamily("cstar_inbox_pending", "Events that are not handled yet", labels=["inbox"])
        age = GaugeMetricFamily("cstar_inbox_age_seconds", "Age of the oldest pending event", labels=["inbox"])
        dead = GaugeMetricFamily("cstar_inbox_dead", "Dead letters", labels=["inbox", "event_type"])
        counters = {
            name: CounterMetricFamily(f"cstar_inbox_{name}", text, labels=["inbox", "event_type"])
            for name, text in (("handled", "Events whose handlers have succeeded"), ("failed", "Attempts that failed"))
        }
        for name, inbox in list(self.by_name.items()):
            stats = inbox.stats()
            pending.add_metric([name], stats.pending)
            seconds = 0.0 if stats.oldest is None else (datetime.now(UTC) - stats.oldest).total_seconds()
            age.add_metric([name], max(0.0, seconds))
            for event_type, of_type in stats.by_type.items():
                counters["handled"].add_metric([name, event_type], of_type.handled)
                counters["failed"].add_metric([name, event_type], of_type.failed)
                dead.add_metric([name, event_type], of_type.dead)
        return [pending, age, dead, *counters.values()]
