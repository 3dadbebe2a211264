"""The six promises of every rate limiter, in the order of the docstring of `cstar_async._rate_limit.limiter`."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from cstar_async import Priority, RateLimitWaitError
from tests.unit.limiter_harness import LIMITERS, LimiterHarness, granted

BACKGROUND = Priority.BACKGROUND


@pytest_asyncio.fixture(params=LIMITERS)
async def harness(request: pytest.FixtureRequest) -> AsyncIterator[LimiterHarness]:
    """Return each limiter in turn."""
    async with LIMITERS[request.param]() as running:
        yield running


# 1. No request is sent that is known to be refused.


async def test_no_more_requests_are_sent_than_the_server_states(harness: LimiterHarness) -> None:
    """Those in flight are subtracted."""
    await harness.state_window(3)
    assert [True, True, True, False] == harness.granted(await harness.start(4))


async def test_a_response_that_states_less_counts_at_once(harness: LimiterHarness) -> None:
    """Another client of the key may have used the rest."""
    await harness.state_window(5)
    first, *_ = await harness.start(2)
    await harness.respond(first, headers=harness.headers(1))
    assert [False] == granted(await harness.start())


@pytest.mark.parametrize("by_body", [False, True])
async def test_no_request_is_sent_before_the_wait_of_a_429_has_ended(harness: LimiterHarness, *, by_body: bool) -> None:
    """Its header or its body may state the wait."""
    await harness.state_window(50)
    (refused,) = await harness.start()
    if by_body:
        await harness.respond(refused, 429, retry_after=2.0)
    else:
        await harness.respond(refused, 429, {"Retry-After": "2"})
    waiting = await harness.start(2)
    await harness.advance(1.0)
    assert [False, False] == granted(waiting)
    await harness.advance(1.2)
    assert [True, False] == harness.granted(waiting)


async def test_late_response_from_before_a_429_opens_nothing(harness: LimiterHarness) -> None:
    """The refusal is newer than its count."""
    await harness.state_window(50)
    late, refused = await harness.start(2)
    await harness.respond(refused, 429, {"Retry-After": "60"})
    await harness.respond(late, headers=harness.headers(49))
    assert [False] == granted(await harness.start())


# 2. Within a priority, permits are granted in the order in which the calls began, and no interactive request waits for background
# ones.


async def test_permits_are_granted_in_order(harness: LimiterHarness) -> None:
    """One for each that is freed."""
    await harness.state_window(1)
    (held,) = await harness.start()
    waiting = await harness.start(3)
    await harness.lose(held, sent=False)
    assert [True, False, False] == harness.granted(waiting)
    await harness.lose(waiting[0], sent=False)
    assert [True, False] == harness.granted(waiting[1:])


async def test_retry_precedes_calls_that_began_later(harness: LimiterHarness) -> None:
    """Otherwise new calls could use up what is accepted until the retry has no attempt left."""
    await harness.state_window(1)
    began = harness.clock.monotonic()
    (held,) = await harness.start()
    await harness.advance(0.1)
    later = await harness.start(2)
    (retry,) = await harness.start(started=began)
    await harness.lose(held, sent=False)
    assert [True, False, False] == granted([retry, *later])


async def test_interactive_requests_precede_background_ones(harness: LimiterHarness) -> None:
    """Whichever came first."""
    await harness.state_window(50)
    held = await harness.start(50)
    (background,) = await harness.start(priority=BACKGROUND)
    (interactive,) = await harness.start()
    await harness.respond(held[0], headers=harness.headers(50))
    assert [True, False] == granted([interactive, background])


async def test_background_requests_leave_the_reserve(harness: LimiterHarness) -> None:
    """A tenth of the limit."""
    await harness.state_window(11)
    assert [True, False] == harness.granted(await harness.start(2, priority=BACKGROUND))
    assert [True] == granted(await harness.start())


async def test_interactive_request_does_not_wait_for_a_background_probe(harness: LimiterHarness) -> None:
    """It is a second probe."""
    await harness.refuse(1)
    await harness.advance(1.1)
    background = await harness.start(2, priority=BACKGROUND)
    assert [True, False] == harness.granted(background)
    assert [True, False] == harness.granted(await harness.start(2))


async def test_interactive_request_does_not_wait_for_a_background_one_that_confirms_lost_ones(harness: LimiterHarness) -> None:
    """Two are then in flight although the count is uncertain."""
    await harness.state_window(30)
    for lost in await harness.start(30):
        await harness.lose(lost)
    assert [True, False] == harness.granted(await harness.start(2, priority=BACKGROUND))
    assert [True, False] == harness.granted(await harness.start(2))


# 3. When a window begins, one request is sent first, and the others wait for its response, but no longer than two seconds.


async def begin_window(harness: LimiterHarness) -> None:
    """Let a window end whose limit is used up."""
    await harness.state_window(0, reset_in=2)
    await harness.advance(3.1)


async def test_first_request_of_a_window_is_sent_alone(harness: LimiterHarness) -> None:
    """What the window allows is unknown."""
    await begin_window(harness)
    requests = await harness.start(4)
    assert [True, False, False, False] == harness.granted(requests)
    await harness.respond(requests[0], headers=harness.headers(2))
    assert [True, True, False] == harness.granted(requests[1:])


async def test_first_request_that_has_no_response_delays_others_for_two_seconds(harness: LimiterHarness) -> None:
    """After one second a second one is sent, then all."""
    await begin_window(harness)
    requests = await harness.start(10)
    await harness.advance(1.1)
    assert 2 == sum(granted(requests))
    await harness.advance(1.1)
    assert all(granted(requests))


async def test_first_requests_that_fail_delay_others_for_two_seconds(harness: LimiterHarness) -> None:
    """The next one is the probe, and the time counts from the first."""
    await begin_window(harness)
    requests = await harness.start(10)
    await harness.advance(0.6)
    await harness.lose(requests[0])
    assert 2 == sum(granted(requests))
    await harness.advance(0.6)
    await harness.respond(requests[1], 502)
    assert 4 == sum(granted(requests))
    await harness.advance(1.1)
    assert all(granted(requests))


async def test_wait_for_a_hanging_request_is_shorter_than_a_max_wait_of_three_seconds(harness: LimiterHarness) -> None:
    """Although it began with the window."""
    await begin_window(harness)
    await harness.start()
    waiting = await harness.start(5, max_wait=3.0)
    await harness.advance(1.1)
    await harness.advance(1.1)
    assert all(granted(waiting))


# 4. After a 429, requests are sent in growing portions.


async def test_each_accepted_request_allows_one_more_in_flight(harness: LimiterHarness) -> None:
    """1, 2, 4, 8 with each round trip, without rate limit headers."""
    await harness.refuse(1)
    await harness.advance(1.1)
    requests = await harness.start(40)
    portions: list[int] = []
    for _ in range(4):
        portion = [request for request in requests if granted([request]) == [True]]
        requests = [request for request in requests if request not in portion]
        portions.append(len(portion))
        for request in portion:
            await harness.respond(request)
    assert [1, 2, 4, 8] == portions


async def test_portion_grows_although_the_server_states_a_count(harness: LimiterHarness) -> None:
    """The count did not prevent the refusal."""
    await harness.refuse(1)
    await harness.advance(1.1)
    requests = await harness.start(10)
    await harness.respond(requests[0], headers=harness.headers(90))
    assert 3 == sum(granted(requests))


async def test_hanging_request_does_not_stop_the_growth(harness: LimiterHarness) -> None:
    """The portion doubles each second without a response."""
    await harness.refuse(1)
    await harness.advance(1.1)
    requests = await harness.start(20)
    counts = [sum(granted(requests))]
    for _ in range(3):
        await harness.advance(1.1)
        counts.append(sum(granted(requests)))
    assert [1, 2, 4, 8] == counts


# 5. A window is over when the monotonic or the wall clock has passed its end.


async def test_suspended_machine_does_not_wait_for_a_window_that_is_over(harness: LimiterHarness) -> None:
    """The monotonic clock stopped for eight hours. A request that comes after that is sent at once."""
    await harness.state_window(0, reset_in=3000)
    await harness.suspend(8 * 3600)
    assert [True] == granted(await harness.start())


async def test_request_that_waits_in_a_suspended_machine_is_sent(harness: LimiterHarness) -> None:
    """Within a minute after the machine continues."""
    await harness.state_window(0, reset_in=3000)
    waiting = await harness.start()
    await harness.suspend(8 * 3600)
    await harness.advance(60)
    assert [True] == granted(waiting)


async def test_hanging_request_after_a_suspension_does_not_delay_one_that_waited_before(harness: LimiterHarness) -> None:
    """The one that waits looks at the clock again as soon as the other one is sent."""
    await harness.state_window(0, reset_in=3000)
    waiting = await harness.start(priority=Priority.BACKGROUND)
    await harness.suspend(8 * 3600)
    assert [True] == granted(await harness.start())
    for _ in range(3):
        await harness.advance(1.1)
    assert [True] == granted(waiting)


async def test_wall_clock_that_is_set_back_delays_nothing(harness: LimiterHarness) -> None:
    """The monotonic clock has passed the end."""
    await harness.state_window(0, reset_in=2)
    await harness.suspend(-8 * 3600)
    await harness.advance(3.1)
    assert [True] == granted(await harness.start())


async def test_corrected_wall_clock_opens_no_window_early(harness: LimiterHarness) -> None:
    """By a few seconds, as time servers do."""
    await harness.state_window(0, reset_in=6)
    await harness.suspend(8)
    assert [False] == granted(await harness.start())


# 6. A request that would wait longer than max_wait fails with the cause and the time, and a cancelled one leaves its permit to
# others.


async def test_request_that_would_wait_too_long_fails_at_once(harness: LimiterHarness) -> None:
    """The error states seconds and time."""
    await harness.state_window(0, reset_in=100)
    (request,) = await harness.start(max_wait=60)
    with pytest.raises(RateLimitWaitError, match=r"no request before \d{4}-\d\d-\d\d .* UTC, in (100|101) s;") as caught:
        await request
    assert 99 <= caught.value.wait <= 101


async def test_error_of_a_short_wait_states_no_zero_seconds(harness: LimiterHarness) -> None:
    """It names what the request waited for."""
    await begin_window(harness)
    await harness.start()
    (request,) = await harness.start(max_wait=0.5)
    await harness.advance(0.7)
    with pytest.raises(RateLimitWaitError, match="none of them has a response yet") as caught:
        await request
    assert " 0 s" not in str(caught.value)
    assert caught.value.wait > 0


async def test_cancelled_request_leaves_its_permit_to_the_next(harness: LimiterHarness) -> None:
    """Also if it was granted in the same iteration of the loop."""
    await harness.state_window(1)
    (held,) = await harness.start()
    first, second = await harness.start(2)
    harness.limiter.release(held.result(), harness.clock, sent=False)
    first.cancel()
    await harness.run_until_idle()
    assert [True] == granted([second])
