"""Faults of the server, and what every rate limiter does about them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from email.utils import formatdate

import pytest
import pytest_asyncio

from cstar_async import Priority, RateLimitWaitError
from tests.unit.limiter_harness import LIMITERS, LimiterHarness, granted


@pytest_asyncio.fixture(params=LIMITERS)
async def harness(request: pytest.FixtureRequest) -> AsyncIterator[LimiterHarness]:
    """Return each limiter in turn."""
    async with LIMITERS[request.param]() as running:
        yield running


async def test_bare_429_closes_the_window_for_a_minute(harness: LimiterHarness) -> None:
    """Not until the reset, which a gateway does not know; and no shorter."""
    await harness.state_window(990, limit=1000, reset_in=3000)
    (refused,) = await harness.start()
    await harness.respond(refused, 429, {"Content-Type": "text/html"})
    waiting = await harness.start(3)
    await harness.advance(57)
    assert [False, False, False] == granted(waiting)
    await harness.advance(6)
    assert [True, False, False] == granted(waiting)


async def test_429_at_the_end_of_a_window_closes_it_until_the_stated_reset(harness: LimiterHarness) -> None:
    """It states that nothing remains, and no other wait."""
    await harness.state_window(1, reset_in=100)
    (refused,) = await harness.start()
    await harness.respond(refused, 429, harness.headers(0, reset_in=100))
    waiting = await harness.start(2)
    await harness.advance(90)
    assert [False, False] == granted(waiting)
    await harness.advance(13)
    assert [True, False] == granted(waiting)


async def test_wait_of_a_429_can_be_a_date(harness: LimiterHarness) -> None:
    """By the wall clock."""
    (refused,) = await harness.start()
    await harness.respond(refused, 429, {"Retry-After": formatdate(harness.clock.time() + 30, usegmt=True)})
    waiting = await harness.start()
    await harness.advance(25)
    assert [False] == granted(waiting)
    await harness.advance(10)
    assert [True] == granted(waiting)


async def test_second_429_extends_the_wait(harness: LimiterHarness) -> None:
    """A shorter one does not shorten it."""
    await harness.state_window(50)
    first, second, third = await harness.start(3)
    await harness.respond(first, 429, {"Retry-After": "10"})
    await harness.respond(second, 429, {}, retry_after=30.0)
    await harness.respond(third, 429, {"Retry-After": "1"})
    waiting = await harness.start()
    await harness.advance(20)
    assert [False] == granted(waiting)
    await harness.advance(12)
    assert [True] == granted(waiting)


@pytest.mark.parametrize("priority", list(Priority))
async def test_error_of_a_wait_names_an_outage(harness: LimiterHarness, priority: Priority) -> None:
    """All requests that the window allows got no response. One is sent to find out; the others do not wait for the limit."""
    await harness.state_window(20)
    usable = 20 - (10 if priority else 0)
    for lost in await harness.start(usable, priority=priority):
        await harness.lose(lost)
    (found_out,) = await harness.start(priority=priority)
    assert [True] == granted([found_out])
    (waiting,) = await harness.start(priority=priority, max_wait=0.3)
    await harness.advance(0.5)
    with pytest.raises(RateLimitWaitError, match=f"the server may be down: {usable} requests got no response"):
        await waiting


async def test_requests_continue_after_an_outage(harness: LimiterHarness) -> None:
    """The first response states what the lost ones used."""
    await harness.state_window(20)
    for lost in await harness.start(20):
        await harness.lose(lost)
    first, *rest = await harness.start(8)
    assert [True] + [False] * 7 == granted([first, *rest])
    await harness.respond(first, headers=harness.headers(5))
    assert 5 == sum(granted(rest))


async def test_error_of_a_spent_limit_names_no_outage(harness: LimiterHarness) -> None:
    """Although some requests got no response."""
    await harness.state_window(3)
    lost, last, other = await harness.start(3)
    await harness.lose(lost)
    await harness.respond(last, headers=harness.headers(0))
    await harness.respond(other, headers=harness.headers(0))
    (waiting,) = await harness.start(max_wait=60)
    with pytest.raises(RateLimitWaitError, match="the rate limit allows no request before"):
        await waiting
