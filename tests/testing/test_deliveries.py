"""Webhook deliveries over HTTP: signed, in order, and retried."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from cstar_async import CStarClient, InvalidArgumentError, InvalidRequestError
from cstar_async.models import Webhook
from cstar_async.testing import FakeClock, FakeCStar
from cstar_async.webhooks import TicketCreated

from .receiving import Receiver, receiving


@pytest.fixture
async def at() -> AsyncIterator[Receiver]:
    """Start a receiver."""
    async with receiving() as receiver:
        yield receiver


@pytest.fixture
async def fake() -> AsyncIterator[FakeCStar]:
    """Start a fake with a frozen clock."""
    async with FakeCStar(clock=FakeClock(frozen=True)) as fake:
        yield fake


@pytest.fixture
async def cstar(fake: FakeCStar) -> AsyncIterator[CStarClient]:
    """Open a client of the fake."""
    async with fake.client() as cstar:
        yield cstar


async def subscribe(cstar: CStarClient, at: Receiver, *events: str) -> Webhook:
    """Subscribe the receiver to events."""
    return await cstar.webhooks.create(name="Bot", url=at.url, events=list(events or ("*",)))


async def test_a_new_ticket_is_delivered_signed(fake: FakeCStar, cstar: CStarClient, at: Receiver) -> None:
    """The receiver can verify and parse a delivery like one of cStar."""
    webhook = await subscribe(cstar, at)
    customer = await cstar.customers.create(name="Jane", email="jane@example.com")
    await fake.deliveries.wait_until_idle()
    at.requests.clear()
    at.bodies.clear()
    ticket = await cstar.tickets.create(title="Cannot log in", customer_id=customer.id)
    await fake.deliveries.wait_until_idle()
    (event,) = at.events(str(webhook.secret), fake)
    assert isinstance(event, TicketCreated)
    assert event.data.ticket is not None
    assert event.data.customer is not None
    assert (event.data.ticket.id, event.data.ticket.title, event.data.ticket.status) == (ticket.id, "Cannot log in", "new")
    assert (event.data.customer.id, event.data.customer.email) == (customer.id, "jane@example.com")
    assert event.team_id == fake.team_id
    assert event.created_at == ticket.created_at


async def test_headers_are_the_documented_ones(fake: FakeCStar, cstar: CStarClient, at: Receiver) -> None:
    """A delivery has all nine headers, with the id of the request that caused it."""
    webhook = await subscribe(cstar, at)
    response = await cstar.with_response(cstar.tickets.create, title="a")
    await fake.deliveries.wait_until_idle()
    (request,), (delivery,) = at.requests, fake.deliveries
    received = {
        name: request.headers[name] for name in ("Content-Type", "User-Agent", "X-Webhook-ID", "X-Event-Type", "X-Event-ID")
    }
    assert received == {
        "Content-Type": "application/json",
        "User-Agent": "cStar-Webhooks/1.0",
        "X-Webhook-ID": webhook.id,
        "X-Event-Type": "ticket.created",
        "X-Event-ID": delivery.event_id,
    }
    assert request.headers["X-Delivery-Attempt"] == "1"
    assert request.headers["X-Timestamp"] == fake.clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert request.headers["x-cstar-request-id"] == response.request_id
    assert delivery.headers["X-Signature"] == request.headers["X-Signature"]


async def test_failures_are_retried_by_the_documented_schedule(fake: FakeCStar, cstar: CStarClient, at: Receiver) -> None:
    """There are seven attempts, each at its time."""
    await subscribe(cstar, at)
    at.statuses = [500]
    await cstar.tickets.create(title="a")
    began = fake.clock.time()
    await fake.deliveries.wait_until_idle()
    for wait in (30, 120, 600, 3_600, 21_600, 86_400):
        assert (fake.deliveries.pending_count, fake.deliveries[-1].next_attempt_at) == (1, pytest.approx(fake.clock.time() + wait))
        fake.clock.advance(wait - 0.001)
        await fake.deliveries.wait_until_idle()
        before = len(at.requests)
        fake.clock.advance(0.001)
        await fake.deliveries.wait_until_idle()
        assert len(at.requests) == before + 1
    fake.clock.advance(1_000_000)
    await fake.deliveries.wait_until_idle()
    assert [request.headers["X-Delivery-Attempt"] for request in at.requests] == list("1234567")
    assert len({request.headers["X-Event-ID"] for request in at.requests}) == 1
    assert (fake.deliveries.pending_count, fake.deliveries[-1].next_attempt_at, fake.deliveries[-1].status) == (0, None, 500)
    assert fake.deliveries[-1].at - began == pytest.approx(30 + 120 + 600 + 3_600 + 21_600 + 86_400)


async def test_each_attempt_has_a_new_signature(fake: FakeCStar, cstar: CStarClient, at: Receiver) -> None:
    """Every attempt has a new timestamp, so that a late one is not refused as stale."""
    webhook = await subscribe(cstar, at)
    at.statuses = [500, 200]
    await cstar.tickets.create(title="a")
    await fake.deliveries.wait_until_idle()
    fake.clock.advance(30)
    await fake.deliveries.wait_until_idle()
    signatures = [request.headers["X-Signature"] for request in at.requests]
    times = [int(signature.partition(",")[0].removeprefix("t=")) for signature in signatures]
    assert times[1] - times[0] == 30
    assert len({event.id for event in at.events(str(webhook.secret), fake)}) == 1


@pytest.mark.parametrize(("status", "attempts"), [(200, 1), (204, 1), (299, 1), (302, 2), (404, 2), (410, 2), (503, 2)])
async def test_any_2xx_is_success_and_nothing_else(
    fake: FakeCStar, cstar: CStarClient, at: Receiver, status: int, attempts: int
) -> None:
    """Any status but 2xx is a failure; redirects are not followed."""
    await subscribe(cstar, at)
    at.statuses = [status, 200]
    await cstar.tickets.create(title="a")
    await fake.deliveries.wait_until_idle()
    fake.clock.advance(30)
    await fake.deliveries.wait_until_idle()
    assert [delivery.status for delivery in fake.deliveries] == [status, 200][:attempts]
    assert fake.deliveries.pending_count == 0


async def test_a_silent_receiver_times_out_after_ten_seconds(fake: FakeCStar, cstar: CStarClient, at: Receiver) -> None:
    """The timeout is by the fake's clock, and does not delay the call that caused the event."""
    await subscribe(cstar, at)
    at.may_answer.clear()
    await cstar.tickets.create(title="a")
    await at.has_come.wait()
    fake.clock.advance(9.9)
    await asyncio.sleep(0.01)
    assert len(fake.deliveries) == 0
    fake.clock.advance(0.1)
    await fake.deliveries.wait_until_idle()
    (delivery,) = fake.deliveries
    assert (delivery.status, delivery.error, delivery.duration) == (None, "no response within 10 s", pytest.approx(10.0))
    assert delivery.next_attempt_at == pytest.approx(fake.clock.time() + 30)


async def test_a_refused_connection_is_a_failed_delivery(fake: FakeCStar, cstar: CStarClient) -> None:
    """The log shows the error and the time of the retry."""
    await cstar.webhooks.create(name="Bot", url="http://127.0.0.1:1/hook", events=["*"])
    await cstar.tickets.create(title="a")
    await fake.deliveries.wait_until_idle()
    (delivery,) = fake.deliveries
    assert (delivery.status, delivery.error) == (None, "the connection failed: ClientConnectorError")
    assert (delivery.url, delivery.is_success, delivery.next_attempt_at is None) == ("http://127.0.0.1:1/hook", False, False)


async def test_events_arrive_in_the_order_in_which_they_happened(fake: FakeCStar, cstar: CStarClient, at: Receiver) -> None:
    """Events arrive in order as long as the receiver responds quickly."""
    await subscribe(cstar, at)
    created = [await cstar.tickets.create(title=str(number)) for number in range(40)]
    await fake.deliveries.wait_until_idle()
    assert [ticket.id for ticket in created] == [delivery.json["data"]["ticket"]["id"] for delivery in fake.deliveries]  # type: ignore[index,call-overload]
    assert [delivery.event_id for delivery in fake.deliveries] == [request.headers["X-Event-ID"] for request in at.requests]


async def test_a_slow_delivery_does_not_block_the_next_one(fake: FakeCStar, cstar: CStarClient, at: Receiver) -> None:
    """The next delivery is sent after one second."""
    await subscribe(cstar, at)
    at.may_answer.clear()
    await cstar.tickets.create(title="a")
    await cstar.tickets.create(title="b")
    await at.has_come.wait()
    at.has_come.clear()
    fake.clock.advance(0.9)
    await asyncio.sleep(0.01)
    assert len(at.requests) == 1
    fake.clock.advance(0.1)
    await at.has_come.wait()
    at.may_answer.set()
    await fake.deliveries.wait_until_idle()
    assert len(at.requests) == 2


async def test_only_subscribed_webhooks_get_an_event(fake: FakeCStar, cstar: CStarClient, at: Receiver) -> None:
    """A webhook subscribes by type or wildcard."""
    exact = await subscribe(cstar, at, "ticket.created")
    wild = await subscribe(cstar, at, "customer.*", "ticket.*")
    await subscribe(cstar, at, "article.*")
    await cstar.tickets.create(title="a")
    await cstar.customers.create(name="Jane", email="jane@example.com")
    await fake.deliveries.wait_until_idle()
    assert sorted((delivery.webhook_id, delivery.event_type) for delivery in fake.deliveries) == sorted(
        [(exact.id, "ticket.created"), (wild.id, "ticket.created"), (wild.id, "customer.created")]
    )


@pytest.mark.parametrize("how", ["delete", "switch off"])
async def test_a_subscription_that_ended_gets_nothing_more(fake: FakeCStar, cstar: CStarClient, at: Receiver, how: str) -> None:
    """A deleted or inactive webhook gets neither new events nor retries."""
    webhook = await subscribe(cstar, at)
    at.statuses = [500]
    await cstar.tickets.create(title="a")
    await fake.deliveries.wait_until_idle()
    if how == "delete":
        await cstar.webhooks.delete(webhook.id)
    else:
        await cstar.webhooks.update(webhook.id, is_active=False)
    await cstar.tickets.create(title="b")
    fake.clock.advance(1_000)
    await fake.deliveries.wait_until_idle()
    assert (len(at.requests), fake.deliveries.pending_count) == (1, 0)


async def test_a_retry_uses_the_current_url(fake: FakeCStar, cstar: CStarClient, at: Receiver) -> None:
    """The next attempt goes to the new URL of the webhook."""
    webhook = await cstar.webhooks.create(name="Bot", url="http://127.0.0.1:1/hook", events=["*"])
    await cstar.tickets.create(title="a")
    await fake.deliveries.wait_until_idle()
    await cstar.webhooks.update(webhook.id, url=at.url)
    fake.clock.advance(30)
    await fake.deliveries.wait_until_idle()
    assert [delivery.is_success for delivery in fake.deliveries] == [False, True]


async def test_nothing_leaves_this_machine(fake: FakeCStar, cstar: CStarClient) -> None:
    """Deliveries to a public address are logged as not sent, and not retried."""
    await cstar.webhooks.create(name="Bot", url="https://bot.example.com/hook", events=["*"])
    await cstar.tickets.create(title="a")
    await fake.deliveries.wait_until_idle()
    (delivery,) = fake.deliveries
    assert (delivery.status, delivery.error) == (None, "not sent: FakeCStar delivers to this machine only")
    assert (delivery.next_attempt_at, fake.deliveries.pending_count) == (None, 0)


@pytest.mark.parametrize(
    "url",
    [
        "http://bot.example.com/hook",
        "https://10.0.0.1/hook",
        "https://192.168.1.1/hook",
        *("https://169.254.1.1/hook", "https://172.16.9.9/hook", "https://[fe80::1]/hook", "https://[::ffff:10.0.0.1]/hook"),
        *("https://printer.local/hook", "https://api.INTERNAL./hook", "https://a.localhost/hook", "https://127.1/hook"),
        "https://intranet/hook",
        "http://127.0.0.1.example.com/hook",
        "http://127.0.0.1:99999/hook",
        "ftp://127.0.0.1/hook",
        "https:///hook",
        "mailto:a@b.example",
        "http://[::1",
    ],
)
async def test_other_addresses_are_refused(cstar: CStarClient, at: Receiver, url: str) -> None:
    """A webhook URL must be public HTTPS, or on this machine."""
    with pytest.raises(InvalidRequestError) as caught:
        await cstar.webhooks.create(name="Bot", url=url, events=["*"])
    assert (caught.value.status, caught.value.param) == (400, "url")
    webhook = await subscribe(cstar, at)
    with pytest.raises(InvalidRequestError):
        await cstar.webhooks.update(webhook.id, url=url)


@pytest.mark.parametrize(
    "url", ["http://localhost:1/a", "http://[::1]:1/a", "https://127.0.0.2:1/a", "https://8.8.8.8/a", "https://a.b/"]
)
async def test_loopback_and_public_addresses_are_accepted(cstar: CStarClient, url: str) -> None:
    """Public HTTPS URLs (documented) and loopback URLs are accepted."""
    assert (await cstar.webhooks.create(name="Bot", url=url, events=["customer.*"])).url == url


async def test_webhook_without_events_exists_and_never_fires(fake: FakeCStar, cstar: CStarClient, at: Receiver) -> None:
    """An empty list is accepted when the webhook is made and later."""
    never = await cstar.webhooks.create(name="Bot", url=at.url, events=[])
    emptied = await subscribe(cstar, at)
    await cstar.webhooks.update(emptied.id, events=[])
    await cstar.tickets.create(title="a")
    await fake.deliveries.wait_until_idle()
    assert ([], []) == (never.events, list(fake.deliveries))
    assert {never.id, emptied.id} <= {webhook.id for webhook in await cstar.webhooks.list()}


async def test_localhost_needs_no_dns(fake: FakeCStar, cstar: CStarClient, at: Receiver) -> None:
    """The name `localhost` is not looked up."""
    await cstar.webhooks.create(name="Bot", url=at.url.replace("127.0.0.1", "localhost"), events=["*"])
    await cstar.tickets.create(title="a")
    await fake.deliveries.wait_until_idle()
    assert at.types == ["ticket.created"]


async def test_pending_deliveries_survive_a_restart(at: Receiver) -> None:
    """After a restart the fake sends what was scheduled and what was in flight."""
    fake = FakeCStar(clock=FakeClock(frozen=True))
    async with fake, fake.client() as cstar:
        url = fake.url
        await subscribe(cstar, at)
        at.statuses = [500, 200]
        await cstar.tickets.create(title="a")
        await fake.deliveries.wait_until_idle()
        at.may_answer.clear()
        at.has_come.clear()
        await cstar.tickets.create(title="b")
        await at.has_come.wait()
    at.may_answer.set()
    assert (fake.deliveries.pending_count, fake.clock.sleeper_count) == (2, 0)
    fake.clock.advance(30)
    await fake.deliveries.wait_until_idle()
    assert len(fake.deliveries) == 1
    async with fake:
        assert fake.url == url
        await fake.deliveries.wait_until_idle()
    assert [(delivery.attempt, delivery.status) for delivery in fake.deliveries] == [(1, 500), (1, 200), (2, 200)]


async def test_retry_schedule_can_be_set(at: Receiver) -> None:
    """`delivery_retries` sets the schedule for tests in real time."""
    async with FakeCStar(clock=FakeClock(frozen=True), delivery_retries=(0.5,)) as fake, fake.client() as cstar:
        await subscribe(cstar, at)
        at.statuses = [500]
        await cstar.tickets.create(title="a")
        await fake.deliveries.wait_until_idle()
        fake.clock.advance(0.5)
        await fake.deliveries.wait_until_idle()
    assert [delivery.attempt for delivery in fake.deliveries] == [1, 2]
    assert fake.deliveries.pending_count == 0
    with pytest.raises(InvalidArgumentError, match="from 0"):
        FakeCStar(delivery_retries=(-1,))


async def test_at_most_32_attempts_run_at_once(fake: FakeCStar, cstar: CStarClient, at: Receiver) -> None:
    """The limit holds for all webhooks together."""
    for _ in range(33):
        await subscribe(cstar, at, "ticket.created")
    at.may_answer.clear()
    await cstar.tickets.create(title="a")
    for _ in range(32):
        await at.coming.acquire()
    await asyncio.sleep(0.02)
    assert len(at.requests) == 32
    at.may_answer.set()
    await fake.deliveries.wait_until_idle()
    assert len(at.requests) == 33


async def test_the_oldest_attempts_are_dropped(at: Receiver) -> None:
    """The log has a maximum length."""
    async with FakeCStar(max_requests=3) as fake, fake.client() as cstar:
        await subscribe(cstar, at)
        created = [await cstar.tickets.create(title=str(number)) for number in range(5)]
        await fake.deliveries.wait_until_idle()
        assert [delivery.json["data"]["ticket"]["id"] for delivery in fake.deliveries] == [ticket.id for ticket in created[2:]]  # type: ignore[index,call-overload]


async def test_whatever_goes_wrong_every_event_arrives(fake: FakeCStar, cstar: CStarClient, at: Receiver) -> None:
    """With drops, repetitions, delays and a restart every event arrives at least once, with the same body each time."""
    await subscribe(cstar, at, "ticket.created")
    fake.deliveries.faults.add_mixed(0.6)
    for number in range(40):
        await cstar.tickets.create(title=str(number))
        if number == 20:
            await fake.aclose()
            await fake.start()
    for _ in range(8):
        await fake.deliveries.wait_until_idle()
        fake.clock.advance(100_000)
    await fake.deliveries.wait_until_idle()
    came = [request.headers["X-Event-ID"] for request in at.requests]
    assert (len(set(came)), len(set(at.bodies)), fake.deliveries.pending_count) == (40, 40, 0)
    assert len(came) > 40


async def test_deliveries_read_like_a_list(fake: FakeCStar, cstar: CStarClient, at: Receiver) -> None:
    """The log supports index, slice, repr, look-up by type or id, and `clear()`."""
    await subscribe(cstar, at)
    await cstar.tickets.create(title="a")
    await cstar.customers.create(name="Jane", email="jane@example.com")
    await fake.deliveries.wait_until_idle()
    first, second = fake.deliveries
    assert fake.deliveries[:1] == [first]
    assert fake.deliveries.for_event("customer.created") == fake.deliveries.for_event(second.event_id) == [second]
    assert "jane@example.com" not in repr(fake.deliveries)
    assert second.body == at.bodies[1]
    fake.deliveries.clear()
    assert len(fake.deliveries) == 0
