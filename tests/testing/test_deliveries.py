"""Events reach webhooks over real HTTP: signed, in order, again when they fail, and never at the cost of the call behind them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from cstar_async import CStarClient
from cstar_async.models import Webhook
from cstar_async.testing import FakeClock, FakeCStar
from cstar_async.webhooks import TicketCreated

from .receiving import Receiver, receiving


@pytest.fixture
async def at() -> AsyncIterator[Receiver]:
    """A receiver."""
    async with receiving() as receiver:
        yield receiver


@pytest.fixture
async def fake() -> AsyncIterator[FakeCStar]:
    """A fake whose time stands still."""
    async with FakeCStar(clock=FakeClock(frozen=True)) as fake:
        yield fake


@pytest.fixture
async def cstar(fake: FakeCStar) -> AsyncIterator[CStarClient]:
    """A client of the fake."""
    async with fake.client() as cstar:
        yield cstar


async def subscribe(cstar: CStarClient, at: Receiver, *events: str) -> Webhook:
    """Let the receiver hear of events."""
    return await cstar.webhooks.create(name="Bot", url=at.url, events=list(events or ("*",)))


async def test_a_new_ticket_is_delivered_signed(fake: FakeCStar, cstar: CStarClient, at: Receiver) -> None:
    """The receiver can check and read it like one of cStar."""
    webhook = await subscribe(cstar, at)
    customer = await cstar.customers.create(name="Jane", email="jane@example.com")
    await fake.deliveries.settled()
    at.requests.clear()
    at.bodies.clear()
    ticket = await cstar.tickets.create(title="Cannot log in", customer_id=customer.id)
    await fake.deliveries.settled()
    (event,) = at.events(str(webhook.secret), fake)
    assert isinstance(event, TicketCreated)
    assert event.data.ticket is not None
    assert event.data.customer is not None
    assert (event.data.ticket.id, event.data.ticket.title, event.data.ticket.status) == (ticket.id, "Cannot log in", "new")
    assert (event.data.customer.id, event.data.customer.email) == (customer.id, "jane@example.com")
    assert event.team_id == fake.team_id
    assert event.created_at == ticket.created_at


async def test_headers_are_the_documented_ones(fake: FakeCStar, cstar: CStarClient, at: Receiver) -> None:
    """All nine, the id of the causing call among them."""
    webhook = await subscribe(cstar, at)
    answer = await cstar.with_response(cstar.tickets.create, title="a")
    await fake.deliveries.settled()
    (request,), (delivery,) = at.requests, fake.deliveries
    told = {name: request.headers[name] for name in ("Content-Type", "User-Agent", "X-Webhook-ID", "X-Event-Type", "X-Event-ID")}
    assert told == {
        "Content-Type": "application/json",
        "User-Agent": "cStar-Webhooks/1.0",
        "X-Webhook-ID": webhook.id,
        "X-Event-Type": "ticket.created",
        "X-Event-ID": delivery.event_id,
    }
    assert request.headers["X-Delivery-Attempt"] == "1"
    assert request.headers["X-Timestamp"] == fake.clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert request.headers["x-cstar-request-id"] == answer.request_id
    assert delivery.headers["X-Signature"] == request.headers["X-Signature"]
