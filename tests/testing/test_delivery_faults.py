"""Deliveries that are dropped, delayed, repeated and reordered on purpose."""

from __future__ import annotations

from collections.abc import AsyncIterator
from random import Random
from typing import Any

import pytest

from cstar_async import CStarClient, InvalidArgumentError
from cstar_async.testing import FakeClock, FakeCStar
from cstar_async.testing._events.faults import NO_FAULTS, DeliveryFaults

from .receiving import Receiver, receiving


@pytest.fixture
async def at() -> AsyncIterator[Receiver]:
    """Start a receiver."""
    async with receiving() as receiver:
        yield receiver


@pytest.fixture
async def fake(at: Receiver) -> AsyncIterator[FakeCStar]:
    """Start a fake with a frozen clock, to which the receiver is subscribed."""
    async with FakeCStar(clock=FakeClock(frozen=True)) as fake, fake.client() as cstar:
        await cstar.webhooks.create(name="Bot", url=at.url, events=["*"])
        yield fake


@pytest.fixture
async def cstar(fake: FakeCStar) -> AsyncIterator[CStarClient]:
    """Open a client of the fake."""
    async with fake.client() as cstar:
        yield cstar


@pytest.mark.parametrize(("drop", "came"), [("before", ["2"]), ("after", ["1", "2"])])
async def test_a_dropped_delivery_is_retried(fake: FakeCStar, cstar: CStarClient, at: Receiver, drop: Any, came: list[str]) -> None:
    """A dropped delivery is retried, whether the receiver has it or not."""
    fault = fake.deliveries.faults.add(drop=drop)
    await cstar.tickets.create(title="a")
    await fake.deliveries.wait_until_idle()
    (lost,) = fake.deliveries
    assert (lost.status, lost.next_attempt_at, fault.trigger_count) == (None, pytest.approx(fake.clock.time() + 30), 1)
    assert "a fault dropped" in str(lost.error)
    fake.clock.advance(30)
    await fake.deliveries.wait_until_idle()
    assert [request.headers["X-Delivery-Attempt"] for request in at.requests] == came
    assert fake.deliveries[-1].is_success


async def test_a_repeated_delivery_is_the_same_again(fake: FakeCStar, cstar: CStarClient, at: Receiver) -> None:
    """A repetition has the same id and body, and is not retried when it fails."""
    at.statuses = [200, 500, 500]
    fake.deliveries.faults.add(repeat=2)
    await cstar.tickets.create(title="a")
    await fake.deliveries.wait_until_idle()
    assert len(set(at.bodies)) == 1
    assert [(delivery.attempt, delivery.status, delivery.next_attempt_at) for delivery in fake.deliveries] == [
        (1, 200, None),
        (1, 500, None),
        (1, 500, None),
    ]
    assert fake.deliveries.pending_count == 0


async def test_a_delayed_delivery_is_overtaken(fake: FakeCStar, cstar: CStarClient, at: Receiver) -> None:
    """Later deliveries do not wait for a delayed one, so events arrive out of order."""
    fake.deliveries.faults.add(delay=5)
    first = await cstar.tickets.create(title="a")
    second = await cstar.tickets.create(title="b")
    await fake.deliveries.wait_until_idle()
    fake.clock.advance(5)
    await fake.deliveries.wait_until_idle()
    received = [delivery.json["data"]["ticket"]["id"] for delivery in fake.deliveries]  # type: ignore[index,call-overload]
    assert received == [second.id, first.id]


async def test_a_fault_can_select_by_type(fake: FakeCStar, cstar: CStarClient, at: Receiver) -> None:
    """A fault selects event types by wildcard."""
    fake.deliveries.faults.add(event="customer.*", drop="before", max_triggers=None)
    await cstar.tickets.create(title="a")
    await cstar.customers.create(name="Jane", email="jane@example.com")
    await fake.deliveries.wait_until_idle()
    assert at.types == ["ticket.created"]


def test_faults_add_up() -> None:
    """Delays add up, the highest repetition counts, and the first drop wins."""
    registry = DeliveryFaults(Random(1))
    registry.add(delay=1, repeat=1)
    registry.add(delay=2, repeat=3, drop="after", max_triggers=None)
    registry.add(drop="before", webhook="whk_1")
    plans = [registry.plan("ticket.created", webhook) for webhook in ("whk_1", "whk_2", "whk_1")]
    assert [(plan.delay, plan.drop, plan.repeat) for plan in plans] == [(3, "after", 3), (2, "after", 3), (2, "after", 3)]
    assert [fault.trigger_count for fault in registry] == [1, 3, 1]
    registry.remove(next(iter(registry)))
    assert len(registry) == 2
    registry.clear()
    assert registry.plan("ticket.created", "whk_1") == NO_FAULTS


def test_probability_depends_on_the_seed() -> None:
    """Faults trigger about as often as their probability, and the same with the same seed."""
    runs = []
    for _ in range(2):
        registry = DeliveryFaults(Random(7))
        registry.add(drop="before", probability=0.3, max_triggers=None)
        runs.append([registry.plan("a.b", "whk_1").drop for _ in range(1_000)])
    assert runs[0] == runs[1]
    assert 200 < sum(drop is not None for drop in runs[0]) < 400


def test_mixed_faults_affect_the_given_share() -> None:
    """Every type of fault occurs."""
    registry = DeliveryFaults(Random(7))
    registry.add_mixed(0.4, delay=2)
    plans = [registry.plan("a.b", "whk_1") for _ in range(1_000)]
    assert 250 < sum(plan != NO_FAULTS for plan in plans) < 500
    assert {plan.drop for plan in plans} == {None, "before", "after"}
    assert {plan.repeat for plan in plans} == {0, 1}
    assert {plan.delay for plan in plans} == {0, 2}
    with pytest.raises(InvalidArgumentError, match="share must"):
        registry.add_mixed(1.1)


@pytest.mark.parametrize(
    "wrong",
    [{}, {"drop": "sideways"}, {"delay": -1}, {"repeat": -1}, {"repeat": 1, "max_triggers": 0}, {"repeat": 1, "probability": 0}],
)
def test_an_invalid_fault_is_refused(wrong: dict[str, Any]) -> None:
    """`add()` raises a ValueError."""
    with pytest.raises(InvalidArgumentError, match=r"a fault must|(drop|delay|repeat|max_triggers|probability) must"):
        DeliveryFaults(Random(1)).add(**wrong)
