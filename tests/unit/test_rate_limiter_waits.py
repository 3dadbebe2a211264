"""The rate limiter in memory: expected waits and deadlines."""

from __future__ import annotations

import pytest

from cstar_async import Priority, RateLimiter, RateLimitWaitError
from cstar_async._event_loop.clock import SystemClock
from tests.unit.clocks import EPOCH, ManualClock, rate_headers, run_until_idle
from tests.unit.rate_limits import BACKGROUND, GRANTED, INTERACTIVE, LONG, ignore, limiter_after_response, wait_for_permit


@pytest.fixture
def clock() -> ManualClock:
    """Return a clock at 0."""
    return ManualClock()


async def limiter_of_rounding_server(clock: ManualClock) -> RateLimiter:
    """Return a limiter whose first probe was a second too early; the window of the second one allows no request."""
    limiter = limiter_after_response(clock, 0)
    await clock.advance(3600)
    permit = limiter.try_acquire(INTERACTIVE, clock)
    assert permit is not None
    assert permit.is_probe
    limiter.on_response(permit, 429, {"Retry-After": "1"}, clock)
    await clock.advance(1)
    permit = limiter.try_acquire(INTERACTIVE, clock)
    assert permit is not None
    assert permit.is_probe
    limiter.on_response(permit, 200, rate_headers(0, EPOCH + 7200), clock)
    return limiter


async def test_wait_longer_than_allowed_fails_at_once(clock: ManualClock) -> None:
    """The error has the time and the seconds."""
    limiter = limiter_after_response(clock, 0)
    with pytest.raises(RateLimitWaitError) as caught:
        await limiter.acquire(INTERACTIVE, clock, max_wait=60, on_wait=ignore)
    error = caught.value
    assert (3600.0, EPOCH + 3600, limiter.state) == (error.wait, error.retry_at.timestamp(), error.state)
    retry_at = f"{error.retry_at:%Y-%m-%d %H:%M:%S} UTC"
    assert error.message.startswith(f"the rate limit allows no request before {retry_at}, in 3600 s;")


async def test_wait_exactly_as_long_as_allowed_gets_a_permit(clock: ManualClock) -> None:
    """It ends when the window opens."""
    task = wait_for_permit(limiter_after_response(clock, 0), clock, max_wait=3600)
    await run_until_idle()
    await clock.advance(3600)
    assert task.result().is_probe


async def test_wait_exactly_as_long_as_allowed_probes_at_the_stated_end(clock: ManualClock) -> None:
    """Although the server is known to round down: the request cannot wait longer."""
    limiter = await limiter_of_rounding_server(clock)
    task = wait_for_permit(limiter, clock, max_wait=3599)
    await run_until_idle()
    await clock.advance(3599)
    assert task.result().is_probe


async def test_server_that_rounds_down_is_probed_a_second_after_the_stated_end(clock: ManualClock) -> None:
    """Before that, it would refuse the request."""
    limiter = await limiter_of_rounding_server(clock)
    task = wait_for_permit(limiter, clock)
    await run_until_idle()
    await clock.advance(3599)
    assert not task.done()
    await clock.advance(1)
    assert task.result().is_probe


async def test_short_wait_behind_a_long_one_ends_in_time(clock: ManualClock) -> None:
    """The timer waiter, which sleeps until the window opens, is woken for the earlier deadline."""
    limiter = limiter_after_response(clock, 2)
    held = [limiter.try_acquire(INTERACTIVE, clock) for _ in range(2)]
    assert None not in held
    long = wait_for_permit(limiter, clock)
    await run_until_idle()
    short = wait_for_permit(limiter, clock, max_wait=60)
    await run_until_idle()
    await clock.advance(60)
    assert isinstance(short.exception(), RateLimitWaitError)
    assert not long.done()


async def test_wait_that_is_just_long_enough_continues_after_a_response(clock: ManualClock) -> None:
    """A deadline at the opening of the window is not too early."""
    limiter = limiter_after_response(clock, 1)
    held = limiter.try_acquire(INTERACTIVE, clock)
    assert held is not None
    task = wait_for_permit(limiter, clock, max_wait=3600)
    await run_until_idle()
    limiter.on_response(held, 200, rate_headers(0), clock)
    await run_until_idle()
    await clock.advance(3600)
    assert task.result().is_probe


async def test_on_wait_gets_the_expected_wait(clock: ManualClock) -> None:
    """In seconds."""
    waits: list[float] = []
    task = wait_for_permit(limiter_after_response(clock, 0), clock, on_wait=waits.append)
    await run_until_idle()
    task.cancel()
    assert waits == [3600.0]


async def test_deadline_is_exact_to_the_fraction_of_a_second(clock: ManualClock) -> None:
    """Half a second is half a second."""
    limiter = RateLimiter()
    limiter.set_initial_limit(1)
    assert limiter.try_acquire(INTERACTIVE, clock) is not None
    task = wait_for_permit(limiter, clock, max_wait=0.5)
    await run_until_idle()
    await clock.advance(0.5)
    assert isinstance(task.exception(), RateLimitWaitError)


@pytest.mark.parametrize("start", [0.0, 1e6])
async def test_request_past_its_deadline_fails(clock: ManualClock, start: float) -> None:
    """Although one in flight gets no response; whenever it started."""
    clock.now = start
    limiter = RateLimiter()
    limiter.set_initial_limit(1)
    assert limiter.try_acquire(INTERACTIVE, clock) is not None
    short, long = wait_for_permit(limiter, clock, max_wait=5), wait_for_permit(limiter, clock, max_wait=50)
    await run_until_idle()
    await clock.advance(5)
    with pytest.raises(RateLimitWaitError):
        await short
    assert long.done() is False
    long.cancel()


async def test_later_request_with_an_earlier_deadline_fails_first(clock: ManualClock) -> None:
    """The timer waiter wakes for the earliest deadline of all."""
    limiter = RateLimiter()
    limiter.set_initial_limit(1)
    held = limiter.try_acquire(INTERACTIVE, clock)
    assert held is not None
    first, second = wait_for_permit(limiter, clock, max_wait=50), wait_for_permit(limiter, clock, max_wait=20)
    await run_until_idle()
    await clock.advance(50)
    assert (True, True) == (first.done(), second.done())
    assert [RateLimitWaitError, RateLimitWaitError] == [type(first.exception()), type(second.exception())]


async def test_waiting_requests_fail_as_soon_as_the_window_opens_too_late_for_them(clock: ManualClock) -> None:
    """A response that closes the window ends their waits at once."""
    clock.now = 500.0
    limiter = RateLimiter()
    limiter.set_initial_limit(1)
    held = limiter.try_acquire(INTERACTIVE, clock)
    assert held is not None
    task = wait_for_permit(limiter, clock, max_wait=60)
    await run_until_idle()
    limiter.on_response(held, 429, rate_headers(0, EPOCH + 500 + 3600) | {"Retry-After": "3600"}, clock)
    await run_until_idle()
    error = task.exception()
    assert isinstance(error, RateLimitWaitError)
    assert error.wait == 3600.0


async def test_request_waits_for_responses_that_may_free_capacity(clock: ManualClock) -> None:
    """The server may have counted the requests in flight already."""
    limiter = limiter_after_response(clock, 1)
    held = limiter.try_acquire(INTERACTIVE, clock)
    assert held is not None
    task = wait_for_permit(limiter, clock, max_wait=60)
    await run_until_idle()
    limiter.on_response(held, 200, rate_headers(1), clock)
    await run_until_idle()
    assert GRANTED == await task


async def test_request_keeps_waiting_while_responses_may_free_capacity(clock: ManualClock) -> None:
    """One of two responses does not end the wait."""
    limiter = limiter_after_response(clock, 2)
    one, other = (limiter.try_acquire(INTERACTIVE, clock) for _ in range(2))
    assert one is not None
    assert other is not None
    task = wait_for_permit(limiter, clock, max_wait=60)
    await run_until_idle()
    limiter.on_response(one, 200, rate_headers(1), clock)
    await run_until_idle()
    assert task.done() is False
    limiter.on_response(other, 200, rate_headers(1), clock)
    await run_until_idle()
    assert task.result() == GRANTED


async def test_background_request_fails_when_only_the_reserve_can_be_left(clock: ManualClock) -> None:
    """Whatever the last response states."""
    limiter = limiter_after_response(clock, 102)
    one, other = (limiter.try_acquire(INTERACTIVE, clock) for _ in range(2))
    assert one is not None
    assert other is not None
    task = wait_for_permit(limiter, clock, max_wait=60, priority=BACKGROUND)
    await run_until_idle()
    limiter.on_response(one, 200, rate_headers(100), clock)
    await run_until_idle()
    assert isinstance(task.exception(), RateLimitWaitError)


async def test_request_that_waited_for_responses_fails_when_they_free_nothing(clock: ManualClock) -> None:
    """The wait is then known to be too long."""
    limiter = limiter_after_response(clock, 1)
    held = limiter.try_acquire(INTERACTIVE, clock)
    assert held is not None
    task = wait_for_permit(limiter, clock, max_wait=60)
    await run_until_idle()
    limiter.on_response(held, 200, rate_headers(0), clock)
    await run_until_idle()
    assert isinstance(task.exception(), RateLimitWaitError)


async def test_expected_wait_counts_the_windows_that_the_queue_needs(clock: ManualClock) -> None:
    """With a limit of 2 and 4 requests ahead, the fifth waits for the rest of this window and two more."""
    limiter = limiter_after_response(clock, 0, limit=2)
    waits: list[float] = []
    tasks = [wait_for_permit(limiter, clock, max_wait=LONG * 10, on_wait=waits.append) for _ in range(5)]
    await run_until_idle()
    for task in tasks:
        task.cancel()
    assert waits == [3600.0, 3600.0, 7200.0, 7200.0, 10800.0]


@pytest.mark.parametrize(
    ("priority", "limit", "calls", "last"),
    [
        (INTERACTIVE, 1, 2, 7200.0),
        (INTERACTIVE, 10, 10, 3600.0),
        (INTERACTIVE, 10, 11, 7200.0),
        (BACKGROUND, 10, 9, 3600.0),
        (BACKGROUND, 10, 10, 7200.0),
    ],
)
async def test_expected_wait_respects_the_reserve(
    clock: ManualClock, priority: Priority, limit: int, calls: int, last: float
) -> None:
    """Of ten requests in a window, nine are for the background."""
    limiter = limiter_after_response(clock, 0, limit=limit)
    waits: list[float] = []
    tasks = [wait_for_permit(limiter, clock, max_wait=LONG * 10, priority=priority, on_wait=waits.append) for _ in range(calls)]
    await run_until_idle()
    for task in tasks:
        task.cancel()
    assert last == waits[-1]


async def test_expected_wait_for_responses_is_zero(clock: ManualClock) -> None:
    """It is unknown; those behind, and those kept out by the reserve, wait for the window."""
    limiter = limiter_after_response(clock, 102)
    assert [limiter.try_acquire(INTERACTIVE, clock) for _ in range(2)]
    waits: list[float] = []
    tasks = [wait_for_permit(limiter, clock, priority=BACKGROUND, on_wait=waits.append) for _ in range(3)]
    await run_until_idle()
    for task in tasks:
        task.cancel()
    assert [0.0, 0.0, 3600.0] == waits


@pytest.mark.parametrize("lost", [95, 100])
async def test_error_of_a_wait_names_an_outage(lost: int) -> None:
    """Requests without a response block the others, not the limit: the error says so."""
    limiter, clock = RateLimiter(), SystemClock()
    limiter.set_initial_limit(100)
    permits = [limiter.try_acquire(Priority.INTERACTIVE, clock) for _ in range(lost)]
    for permit in permits:
        assert permit is not None
        limiter.release(permit, clock, sent=True)
    while limiter.try_acquire(Priority.INTERACTIVE, clock) is not None:
        pass
    with pytest.raises(RateLimitWaitError, match=rf"server may be down: {lost} requests got no response"):
        await limiter.acquire(Priority.INTERACTIVE, clock, max_wait=0.01, on_wait=lambda _: None)


async def test_deadline_before_the_next_look_at_the_clocks_is_kept(clock: ManualClock) -> None:
    """The timer waiter, which sleeps for half a minute, is woken for it."""
    limiter = RateLimiter()
    limiter.set_initial_limit(1)
    assert limiter.try_acquire(INTERACTIVE, clock) is not None
    long = wait_for_permit(limiter, clock)
    await run_until_idle()
    short = wait_for_permit(limiter, clock, max_wait=5)
    await run_until_idle()
    assert not short.done()
    await clock.advance(5)
    assert isinstance(short.exception(), RateLimitWaitError)
    long.cancel()


async def test_error_of_a_wait_that_ended_has_the_last_state(clock: ManualClock) -> None:
    """As one that is raised at once."""
    limiter = limiter_after_response(clock, 1)
    assert limiter.try_acquire(INTERACTIVE, clock) is not None
    task = wait_for_permit(limiter, clock, max_wait=5)
    await run_until_idle()
    await clock.advance(5)
    error = task.exception()
    assert isinstance(error, RateLimitWaitError)
    assert limiter.state is not None
    assert limiter.state == error.state


async def test_error_of_a_request_behind_many_names_an_outage(clock: ManualClock) -> None:
    """Although the requests ahead would use up the window."""
    limiter = limiter_after_response(clock, 3)
    for permit in [limiter.try_acquire(INTERACTIVE, clock) for _ in range(3)]:
        assert permit is not None
        limiter.release(permit, clock)
    assert limiter.try_acquire(INTERACTIVE, clock) is not None
    ahead = [wait_for_permit(limiter, clock) for _ in range(3)]
    await run_until_idle()
    with pytest.raises(RateLimitWaitError, match="3 requests got no response"):
        await limiter.acquire(INTERACTIVE, clock, max_wait=60, on_wait=ignore)
    for task in ahead:
        task.cancel()


@pytest.mark.parametrize("max_wait", [5.0, 60.0])
async def test_outage_is_found_with_the_reserve_of_the_background(clock: ManualClock, max_wait: float) -> None:
    """With 103 of 1,000 left, three are for it, and three were lost."""
    limiter = limiter_after_response(clock, 104)
    for permit in [limiter.try_acquire(BACKGROUND, clock) for _ in range(3)]:
        assert permit is not None
        limiter.release(permit, clock)
    assert limiter.try_acquire(INTERACTIVE, clock) is not None
    task = wait_for_permit(limiter, clock, max_wait=max_wait, priority=BACKGROUND)
    await run_until_idle()
    await clock.advance(max_wait)
    with pytest.raises(RateLimitWaitError, match="3 requests got no response"):
        await task


async def test_permit_that_was_cancelled_at_once_is_not_lost(clock: ManualClock) -> None:
    """Its request was never sent."""
    limiter = limiter_after_response(clock, 5)
    held = [limiter.try_acquire(INTERACTIVE, clock) for _ in range(5)]
    task = wait_for_permit(limiter, clock)
    await run_until_idle()
    assert held[0] is not None
    limiter.release(held[0], clock, sent=False)
    task.cancel()
    await run_until_idle()
    assert (0, 4) == (limiter._window.unconfirmed, limiter._window.in_flight)
