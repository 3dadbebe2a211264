"""Calls and inboxes as metrics of Prometheus, as its server reads them."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from cstar_async import InvalidArgumentError, NotFoundError, ServerError
from cstar_async.prometheus import PrometheusMetrics
from cstar_async.testing import FakeCStar
from cstar_async.webhooks import WebhookEvent, WebhookInbox
from tests.client.inboxes import SECRET, body_of, deliver


class Reader:
    """A registry and what is measured in it."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.hooks = PrometheusMetrics(self.registry)

    def values(self, name: str) -> dict[tuple[str, ...], float]:
        """Return the value of each series of a sample by its labels, in the order of their names."""
        families = text_string_to_metric_families(generate_latest(self.registry).decode())
        return {
            tuple(value for _, value in sorted(sample.labels.items())): sample.value
            for family in families
            for sample in family.samples
            if sample.name == name
        }


@pytest.fixture
def reader() -> Reader:
    """Metrics in an own registry."""
    return Reader()


async def test_calls_are_measured(reader: Reader) -> None:
    """A call is counted by operation and outcome with its seconds, and the limit is that of the last response."""
    async with FakeCStar(rate_limit=50) as fake, fake.client(hooks=[reader.hooks], max_retries=0) as cstar:
        await cstar.tickets.list()
        await cstar.tickets.list()
        with pytest.raises(NotFoundError):
            await cstar.tickets.get("tkt_1")
    counts = reader.values("cstar_call_duration_seconds_count")
    assert counts == {("list_tickets", "ok"): 2, ("get_ticket", "NotFoundError"): 1}
    assert reader.values("cstar_call_duration_seconds_sum")["list_tickets", "ok"] > 0
    assert reader.values("cstar_rate_limit") == {(): 50}
    assert reader.values("cstar_rate_limit_remaining") == {(): 47}


async def test_retries_and_waits_are_measured(reader: Reader) -> None:
    """A retry counts with its error, and its wait with the reason and the seconds."""
    async with FakeCStar() as fake, fake.client(hooks=[reader.hooks], max_retries=1) as cstar:
        fake.faults.add(status=503, retry_after=0.01, max_triggers=2)
        with pytest.raises(ServerError):
            await cstar.tickets.list()
    assert reader.values("cstar_retries_total") == {("ServerError", "list_tickets"): 1}
    assert reader.values("cstar_wait_seconds_count") == {("back_off",): 1}
    assert reader.values("cstar_wait_seconds_sum")["back_off",] >= 0.01


async def test_inboxes_are_measured(reader: Reader) -> None:
    """Each inbox has what is pending and since when, and by event type what was handled, failed and given up."""
    async with WebhookInbox(SECRET, max_attempts=1) as inbox:
        reader.hooks.observe(inbox, name="main")
        reader.hooks.observe(WebhookInbox(SECRET), name="other")
        assert reader.values("cstar_inbox_age_seconds") == {("main",): 0, ("other",): 0}
        await deliver(inbox, body_of(1, "ticket.created"), body_of(2, "ticket.closed"))
        assert reader.values("cstar_inbox_pending") == {("main",): 2, ("other",): 0}
        assert reader.values("cstar_inbox_age_seconds")["main",] > 0

        @inbox.on_error
        async def ignore(_: WebhookEvent, __: Exception) -> None:
            pass

        @inbox.on("ticket.*")
        async def handle(event: WebhookEvent) -> None:
            if event.type == "ticket.closed":
                raise ValueError

        await inbox.wait_until_idle()
    assert reader.values("cstar_inbox_pending")["main",] == 0
    for name, expected in (("handled_total", (1, 0)), ("failed_total", (0, 1)), ("dead", (0, 1))):
        created, closed = expected
        found = reader.values(f"cstar_inbox_{name}")
        assert found == {("ticket.created", "main"): created, ("ticket.closed", "main"): closed}


def test_wrong_arguments_are_refused(reader: Reader) -> None:
    """A second instance in a registry, and what is no registry, inbox or name, is refused with a sentence."""
    with pytest.raises(InvalidArgumentError, match="got one that has it"):
        PrometheusMetrics(reader.registry)
    with pytest.raises(InvalidArgumentError, match="registry must be a CollectorRegistry"):
        PrometheusMetrics("x")  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError, match="inbox must be a WebhookInbox"):
        reader.hooks.observe("x")  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError, match="name must be"):
        reader.hooks.observe(WebhookInbox(SECRET), name=5)  # type: ignore[arg-type]
