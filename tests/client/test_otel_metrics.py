"""Calls and inboxes as metrics, read with the real SDK of OpenTelemetry."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from cstar_async import InvalidArgumentError, NotFoundError, ServerError
from cstar_async.otel import OpenTelemetryMetrics
from cstar_async.testing import FakeCStar
from cstar_async.webhooks import WebhookEvent, WebhookInbox
from tests.client.inboxes import SECRET, body_of, deliver

Attributes = dict[str, Any]


class Reader:
    """The metrics of one provider."""

    def __init__(self) -> None:
        self._reader = InMemoryMetricReader()
        self.provider = MeterProvider([self._reader], shutdown_on_exit=False)
        self.hooks = OpenTelemetryMetrics(self.provider)

    def points(self, name: str) -> list[tuple[Attributes, Any]]:
        """Return the attributes and the data point of each series of a metric."""
        data = self._reader.get_metrics_data()
        found = [metric for one in data.resource_metrics for scope in one.scope_metrics for metric in scope.metrics] if data else []
        return [
            (dict(point.attributes or {}), point) for metric in found if metric.name == name for point in metric.data.data_points
        ]

    def values(self, name: str) -> dict[str | None, Any]:
        """Return the value of each series by its event type."""
        return {attributes.get("cstar.event_type"): point.value for attributes, point in self.points(name)}


@pytest.fixture
def reader() -> Reader:
    """Metrics of an own provider."""
    return Reader()


async def test_calls_are_measured(reader: Reader) -> None:
    """A call has its duration by operation and status, a failed one also its error, and the limit is that of the last response."""
    async with FakeCStar(rate_limit=50) as fake, fake.client(hooks=[reader.hooks], max_retries=0) as cstar:
        await cstar.tickets.list()
        await cstar.tickets.list()
        with pytest.raises(NotFoundError):
            await cstar.tickets.get("tkt_1")
    points = reader.points("cstar.call.duration")
    assert [(attributes, point.count) for attributes, point in points] == [
        ({"cstar.operation": "list_tickets", "http.request.method": "GET", "http.response.status_code": 200}, 2),
        (
            {
                "cstar.operation": "get_ticket",
                "http.request.method": "GET",
                "http.response.status_code": 404,
                "error.type": "404",
            },
            1,
        ),
    ]
    assert points[0][1].sum > 0
    assert reader.values("cstar.rate_limit.limit") == {None: 50}
    assert reader.values("cstar.rate_limit.remaining") == {None: 47}


async def test_retries_and_waits_are_measured(reader: Reader) -> None:
    """A retry counts with the status that caused it, and its wait with its reason and seconds."""
    async with FakeCStar() as fake, fake.client(hooks=[reader.hooks], max_retries=1) as cstar:
        fake.faults.add(status=503, retry_after=0.01, max_triggers=2)
        with pytest.raises(ServerError):
            await cstar.tickets.list()
    [(attributes, point)] = reader.points("cstar.retries")
    assert (attributes, point.value) == ({"cstar.operation": "list_tickets", "error.type": "503"}, 1)
    [(attributes, waits)] = reader.points("cstar.wait.duration")
    assert (attributes, waits.count) == ({"cstar.reason": "back_off"}, 1)
    assert waits.sum >= 0.01


async def test_inbox_is_measured(reader: Reader) -> None:
    """An inbox has what is pending and since when, and by event type what was handled, failed and given up."""
    async with WebhookInbox(SECRET, max_attempts=1) as inbox:
        reader.hooks.observe(inbox, name="main")
        assert reader.points("cstar.inbox.age")[0][0] == {"cstar.inbox": "main"}
        assert (reader.values("cstar.inbox.pending"), reader.values("cstar.inbox.age")) == ({None: 0}, {None: 0.0})
        await deliver(inbox, body_of(1, "ticket.created"))
        await deliver(inbox, body_of(2, "ticket.closed"))
        assert reader.values("cstar.inbox.pending") == {None: 2}
        assert reader.values("cstar.inbox.age")[None] > 0

        @inbox.on_error
        async def ignore(_: WebhookEvent, __: Exception) -> None:
            pass

        @inbox.on("ticket.*")
        async def handle(event: WebhookEvent) -> None:
            if event.type == "ticket.closed":
                raise ValueError

        await inbox.wait_until_idle()
    assert reader.values("cstar.inbox.pending") == {None: 0}
    assert reader.values("cstar.inbox.handled") == {"ticket.created": 1, "ticket.closed": 0}
    assert reader.values("cstar.inbox.failed") == {"ticket.created": 0, "ticket.closed": 1}
    assert reader.values("cstar.inbox.dead") == {"ticket.created": 0, "ticket.closed": 1}


async def test_two_inboxes_have_two_series(reader: Reader) -> None:
    """Each inbox has its own series."""
    for name in ("one", "two"):
        reader.hooks.observe(WebhookInbox(SECRET), name=name)
    assert [attributes for attributes, _ in reader.points("cstar.inbox.pending")] == [
        {"cstar.inbox": "one"},
        {"cstar.inbox": "two"},
    ]


async def test_stats_can_be_read_in_another_thread() -> None:
    """Reading the state in a thread, as exporters do, never fails while events arrive."""
    failures: list[Exception] = []
    ended = threading.Event()
    async with WebhookInbox(SECRET, max_pending=10_000) as inbox:

        @inbox.on("*")
        async def handle(_: WebhookEvent) -> None:
            pass

        def read() -> None:
            while not ended.is_set():
                try:
                    inbox.stats()
                except Exception as error:
                    failures.append(error)

        thread = threading.Thread(target=read)
        thread.start()
        for number in range(300):
            await deliver(inbox, body_of(number, f"ticket.kind_{number}"))
        await inbox.wait_until_idle()
        ended.set()
        thread.join()
    assert failures == []


def test_wrong_arguments_are_refused(reader: Reader) -> None:
    """What is no provider, inbox or name is refused with a sentence."""
    with pytest.raises(InvalidArgumentError, match="meter_provider must be a MeterProvider"):
        OpenTelemetryMetrics("x")  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError, match="inbox must be a WebhookInbox"):
        reader.hooks.observe("x")  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError, match="name must be"):
        reader.hooks.observe(WebhookInbox(SECRET), name=5)  # type: ignore[arg-type]
