"""Faults of the server, and what every rate limiter does about them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from email.utils import formatdate

import pytest
import pytest_asyncio

from cstar_async import Priority, RateLimitWaitError
from tests.unit.limiter_harness import LIMITERS, LimiterHarness, Request, granted


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
    assert [True, False, False] == harness.granted(waiting)


async def test_429_at_the_end_of_a_window_closes_it_until_the_stated_reset(harness: LimiterHarness) -> None:
    """It states that nothing remains, and no other wait."""
    await harness.state_window(1, reset_in=100)
    (refused,) = await harness.start()
    await harness.respond(refused, 429, harness.headers(0, reset_in=100))
    waiting = await harness.start(2)
    await harness.advance(90)
    assert [False, False] == granted(waiting)
    await harness.advance(13)
    assert [True, False] == harness.granted(waiting)


async def test_wait_of_a_429_can_be_a_date(harness: LimiterHarness) -> None:
    """By the wall clock."""
    (refused,) = await harness.start()
    await harness.respond(refused, 429, {"Retry-After": formatdate(harness.clock.time() + 30, usegmt=True)})
    waiting = await harness.start()
    await harness.advance(25)
    assert [False] == granted(waiting)
    await harness.advance(10)
    assert [True] == granted(waiting)


async def test_wait_of_a_429_can_be_longer_than_a_window(harness: LimiterHarness) -> None:
    """It counts to its end: only resets are cut to the length of a window."""
    await harness.state_window(50, reset_in=1000)
    await harness.refuse(7200)
    waiting = await harness.start()
    await harness.advance(7100)
    assert [False] == granted(waiting)
    await harness.advance(110)
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
    assert [True] + [False] * 7 == harness.granted([first, *rest])
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


def in_flight(requests: list[Request], returned: set[Request]) -> list[Request]:
    """Return which requests have a permit."""
    return [request for request in requests if request not in returned and granted([request]) == [True]]


async def accept(harness: LimiterHarness, requests: list[Request], returned: set[Request]) -> int:
    """Accept all requests that have a permit, and return how many there were."""
    accepted = in_flight(requests, returned)
    for request in accepted:
        await harness.respond(request)
    returned.update(accepted)
    return len(accepted)


async def test_throttle_gets_as_many_as_it_accepted_then_one_at_a_time(harness: LimiterHarness) -> None:
    """It accepted seven in growing portions, and refused the next. The next slow start pauses after seven, then tries more."""
    await harness.refuse(1)
    await harness.advance(1.1)
    requests, returned = await harness.start(60), set[Request]()
    assert [1, 2, 4] == [await accept(harness, requests, returned) for _ in range(3)]
    refused, *unused = in_flight(requests, returned)
    await harness.respond(refused, 429, {"Retry-After": "1"})
    for request in unused:
        await harness.lose(request, sent=False)
    returned.update([refused, *unused])
    await harness.advance(1.1)
    assert [1, 2, 4, 1, 2, 4] == [await accept(harness, requests, returned) for _ in range(6)]


async def test_throttle_gets_no_more_in_flight_than_it_accepted(harness: LimiterHarness) -> None:
    """It accepted two, so of a portion of two the second one is the last without a response to both."""
    await harness.refuse(1)
    await harness.advance(1.1)
    requests, returned = await harness.start(60), set[Request]()
    assert 1 == await accept(harness, requests, returned)
    first, second = in_flight(requests, returned)
    await harness.respond(first)
    (third, fourth) = [request for request in in_flight(requests, returned) if request not in {first, second}]
    await harness.respond(second, 429, {"Retry-After": "1"})
    for request in (third, fourth):
        await harness.lose(request, sent=False)
    returned.update([first, second, third, fourth])
    await harness.advance(1.1)
    assert [1, 1, 1, 2] == [await accept(harness, requests, returned) for _ in range(4)]


async def test_requests_of_the_last_window_do_not_hold_up_the_next(harness: LimiterHarness) -> None:
    """As many as the limit hang, and may count in the new window. One finds out."""
    await harness.state_window(3, limit=3, reset_in=2)
    await harness.start(3)
    await harness.advance(3.1)
    assert [True, False] == harness.granted(await harness.start(2))


@pytest.mark.parametrize("status", [200, 404])
async def test_response_without_headers_ends_the_wait_of_a_new_window(harness: LimiterHarness, status: int) -> None:
    """The limit of the window before is used."""
    await harness.state_window(0, limit=7, reset_in=2)
    await harness.advance(3.1)
    first, *rest = await harness.start(9)
    await harness.respond(first, status)
    assert 7 == sum(granted(rest))


async def test_failure_that_states_a_count_ends_the_wait_of_a_new_window(harness: LimiterHarness) -> None:
    """The count is known, whatever the status."""
    await harness.state_window(0, limit=7, reset_in=2)
    await harness.advance(3.1)
    first, *rest = await harness.start(9)
    await harness.respond(first, 503, harness.headers(4, limit=7))
    assert 4 == sum(granted(rest))


async def test_background_requests_get_what_interactive_ones_leave(harness: LimiterHarness) -> None:
    """Twelve permits come back: nine are used, and three are within the reserve of ten."""
    await harness.state_window(20)
    held = await harness.start(20)
    (background,) = await harness.start(priority=Priority.BACKGROUND)
    interactive = await harness.start(9)
    for request in held[:12]:
        harness.limiter.release(request.result(), harness.clock, sent=False)
    await harness.run_until_idle()
    assert [True] * 9 + [False] == harness.granted([*interactive, background])
