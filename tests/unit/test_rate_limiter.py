"""The rate limiter in memory: grants, order and priorities."""

from __future__ import annotations

import asyncio

import pytest

from cstar_async import CStarError, InvalidArgumentError, RateLimiter
from cstar_async._rate_limit.interface import Permit
from tests.unit.clocks import EPOCH, ManualClock, rate_headers, run_until_idle
from tests.unit.rate_limits import BACKGROUND, GRANTED, INTERACTIVE, limiter_after_response, wait_for_permit


@pytest.fixture
def clock() -> ManualClock:
    """Return a clock at 0."""
    return ManualClock()


@pytest.mark.parametrize("reserve", [-0.1, 1.0, float("nan")])
def test_reserve_out_of_range_is_an_invalid_argument(reserve: float) -> None:
    """It must be from 0 to below 1."""
    with pytest.raises(InvalidArgumentError, match="background_reserve must be"):
        RateLimiter(background_reserve=reserve)


def test_state_is_none_before_the_first_response() -> None:
    """Nothing is invented."""
    assert RateLimiter().state is None


def test_state_is_what_the_last_response_stated(clock: ManualClock) -> None:
    """Limit, remaining, window and reset come from the headers."""
    state = limiter_after_response(clock, 42).state
    assert state is not None
    assert (1000, 42, 3600.0, EPOCH + 3600) == (
        state.limit,
        state.remaining,
        state.window,
        state.reset_at and state.reset_at.timestamp(),
    )


def test_initial_limit_bounds_the_first_requests(clock: ManualClock) -> None:
    """A publishable key has a documented limit of its own."""
    limiter = RateLimiter()
    limiter.set_initial_limit(2)
    assert [GRANTED, GRANTED, None] == [limiter.try_acquire(INTERACTIVE, clock) for _ in range(3)]


def test_initial_limit_after_a_response_changes_nothing(clock: ManualClock) -> None:
    """What the server states wins over the documentation."""
    limiter = limiter_after_response(clock, 5)
    limiter.set_initial_limit(100)
    assert 5 == sum(limiter.try_acquire(INTERACTIVE, clock) is not None for _ in range(20))


def test_background_requests_leave_the_reserve(clock: ManualClock) -> None:
    """With 101 of 1,000 left and a reserve of 10 %, one background request is sent."""
    limiter = limiter_after_response(clock, 101)
    permits = [limiter.try_acquire(BACKGROUND, clock) for _ in range(3)]
    assert [Permit(priority=BACKGROUND), None, None] == permits


async def test_probe_of_a_new_window_is_sent_alone(clock: ManualClock) -> None:
    """The others wait for its response."""
    limiter = limiter_after_response(clock, 0)
    tasks = [wait_for_permit(limiter, clock) for _ in range(3)]
    await run_until_idle()
    await clock.advance(3600)
    assert [True, False, False] == [task.done() for task in tasks]
    assert tasks[0].result().is_probe
    limiter.on_response(tasks[0].result(), 200, rate_headers(999, EPOCH + 7200), clock)
    await run_until_idle()
    assert [GRANTED, GRANTED] == [await task for task in tasks[1:]]


async def test_next_request_is_the_probe_when_the_first_gets_no_response(clock: ManualClock) -> None:
    """It is sent alone, too."""
    limiter = limiter_after_response(clock, 0)
    tasks = [wait_for_permit(limiter, clock) for _ in range(3)]
    await run_until_idle()
    await clock.advance(3600)
    limiter.release(tasks[0].result(), clock)
    await run_until_idle()
    assert [True, False] == [task.done() for task in tasks[1:]]
    tasks[2].cancel()


async def test_response_without_headers_ends_the_probe(clock: ManualClock) -> None:
    """A server that stops stating its limit does not get one request at a time for ever."""
    limiter = limiter_after_response(clock, 0)
    tasks = [wait_for_permit(limiter, clock) for _ in range(3)]
    await run_until_idle()
    await clock.advance(3600)
    limiter.on_response(tasks[0].result(), 200, {}, clock)
    await run_until_idle()
    assert [True, True] == [task.done() for task in tasks[1:]]


@pytest.mark.parametrize("status", [500, 502])
async def test_server_error_without_headers_does_not_end_the_probe(clock: ManualClock, status: int) -> None:
    """A 5xx of a gateway states nothing about the window."""
    limiter = limiter_after_response(clock, 0)
    tasks = [wait_for_permit(limiter, clock) for _ in range(3)]
    await run_until_idle()
    await clock.advance(3600)
    limiter.on_response(tasks[0].result(), status, {}, clock)
    await run_until_idle()
    assert [True, False] == [task.done() for task in tasks[1:]]
    tasks[2].cancel()


async def test_next_request_becomes_the_timer_waiter_after_a_cancellation(clock: ManualClock) -> None:
    """It wakes when the window opens, although nothing is in flight."""
    limiter = limiter_after_response(clock, 0)
    first, second = wait_for_permit(limiter, clock), wait_for_permit(limiter, clock)
    await run_until_idle()
    first.cancel()
    await run_until_idle()
    await clock.advance(3600)
    assert second.done()
    assert second.result().is_probe


async def test_last_waiter_becomes_the_timer_waiter_when_all_others_are_cancelled(clock: ManualClock) -> None:
    """In any number."""
    limiter = limiter_after_response(clock, 0)
    tasks = [wait_for_permit(limiter, clock) for _ in range(10)]
    await run_until_idle()
    for task in tasks[:9]:
        task.cancel()
    await run_until_idle()
    await clock.advance(3600)
    assert tasks[9].done()


async def test_permit_of_a_request_cancelled_in_the_same_iteration_is_not_lost(clock: ManualClock) -> None:
    """The next request gets it."""
    limiter = RateLimiter()
    limiter.set_initial_limit(1)
    held = limiter.try_acquire(INTERACTIVE, clock)
    assert held is not None
    first, second = wait_for_permit(limiter, clock), wait_for_permit(limiter, clock)
    await run_until_idle()
    limiter.release(held, clock)
    first.cancel()
    await run_until_idle()
    assert (True, GRANTED) == (first.cancelled(), second.result())


async def test_probe_cancelled_in_the_same_iteration_is_not_lost(clock: ManualClock) -> None:
    """The next request is the probe."""
    limiter = limiter_after_response(clock, 1)
    held = limiter.try_acquire(INTERACTIVE, clock)
    assert held is not None
    first, second = wait_for_permit(limiter, clock), wait_for_permit(limiter, clock)
    await run_until_idle()
    clock.now = 3600.0
    limiter.release(held, clock)
    first.cancel()
    await run_until_idle()
    assert (True, True) == (first.cancelled(), second.result().is_probe)


async def test_waiting_background_request_leaves_the_reserve(clock: ManualClock) -> None:
    """A response that leaves exactly the reserve grants nothing."""
    limiter = limiter_after_response(clock, 101)
    held = limiter.try_acquire(INTERACTIVE, clock)
    assert held is not None
    task = wait_for_permit(limiter, clock, priority=BACKGROUND)
    await run_until_idle()
    limiter.on_response(held, 200, rate_headers(100), clock)
    await run_until_idle()
    assert task.done() is False
    task.cancel()


async def test_refusal_closes_the_window_although_its_count_is_above_zero(clock: ManualClock) -> None:
    """A 429 wins over its headers."""
    limiter = limiter_after_response(clock, 9)
    held = limiter.try_acquire(INTERACTIVE, clock)
    assert held is not None
    limiter.on_response(held, 429, rate_headers(9) | {"Retry-After": "5"}, clock)
    assert limiter.try_acquire(INTERACTIVE, clock) is None
    clock.now = 5.0
    permit = limiter.try_acquire(INTERACTIVE, clock)
    assert permit is not None
    assert permit.is_probe


async def test_interactive_request_precedes_an_earlier_background_one(clock: ManualClock) -> None:
    """Also for the probe of a window."""
    limiter = limiter_after_response(clock, 0)
    background = wait_for_permit(limiter, clock, priority=BACKGROUND)
    interactive = wait_for_permit(limiter, clock)
    await run_until_idle()
    await clock.advance(3600)
    assert (False, True) == (background.done(), interactive.done())
    background.cancel()


async def test_new_request_does_not_overtake_the_queue(clock: ManualClock) -> None:
    """It gets nothing at once while others of its priority wait."""
    limiter = limiter_after_response(clock, 0)
    task = wait_for_permit(limiter, clock)
    await run_until_idle()
    clock.now = 3600.0
    assert limiter.try_acquire(INTERACTIVE, clock) is None
    task.cancel()


async def test_state_follows_every_response(clock: ManualClock) -> None:
    """The later one of a window, too."""
    limiter = limiter_after_response(clock, 9)
    held = limiter.try_acquire(INTERACTIVE, clock)
    assert held is not None
    limiter.on_response(held, 200, rate_headers(8), clock)
    assert limiter.state
    assert 8 == limiter.state.remaining


async def test_remaining_is_not_negative(clock: ManualClock) -> None:
    """If more requests wait than the window allows."""
    limiter = limiter_after_response(clock, 0)
    tasks = [wait_for_permit(limiter, clock) for _ in range(3)]
    await run_until_idle()
    assert 0 == limiter.remaining(INTERACTIVE, clock)
    for task in tasks:
        task.cancel()


async def test_remaining_subtracts_waiting_requests(clock: ManualClock) -> None:
    """They come first."""
    limiter = limiter_after_response(clock, 0)
    tasks = [wait_for_permit(limiter, clock) for _ in range(3)]
    await run_until_idle()
    clock.now = 3600.0
    assert (997, 897) == (limiter.remaining(INTERACTIVE, clock), limiter.remaining(BACKGROUND, clock))
    for task in tasks:
        task.cancel()


async def test_repr_shows_state_and_queue(clock: ManualClock) -> None:
    """No more."""
    limiter = RateLimiter()
    assert repr(limiter) == "RateLimiter(state=None, waiting=0)"


async def test_repr_counts_waiting_requests(clock: ManualClock) -> None:
    """One less when one is cancelled or gets its permit."""
    limiter = limiter_after_response(clock, 0)
    shown = []
    tasks = [wait_for_permit(limiter, clock) for _ in range(4)]
    await run_until_idle()
    shown.append(repr(limiter).rpartition("waiting=")[2])
    tasks[3].cancel()
    await run_until_idle()
    shown.append(repr(limiter).rpartition("waiting=")[2])
    await clock.advance(3600)
    shown.append(repr(limiter).rpartition("waiting=")[2])
    limiter.on_response(tasks[0].result(), 200, rate_headers(999, EPOCH + 7200), clock)
    shown.append(repr(limiter).rpartition("waiting=")[2])
    assert ["4)", "3)", "2)", "0)"] == shown


async def test_limiter_works_after_all_waiting_requests_were_cancelled(clock: ManualClock) -> None:
    """Nothing of them is left."""
    limiter = limiter_after_response(clock, 0)
    tasks = [wait_for_permit(limiter, clock) for _ in range(4)]
    await run_until_idle()
    for task in tasks:
        task.cancel()
    await run_until_idle()
    clock.now = 3600.0
    permit = limiter.try_acquire(INTERACTIVE, clock)
    assert permit is not None
    assert permit.is_probe


async def test_limiter_of_a_running_loop_is_refused_in_another_one() -> None:
    """Its waiting requests could not be woken there. The error says what to do."""
    limiter = RateLimiter()

    async def bind() -> None:
        limiter.bind_to_loop()

    await bind()
    await bind()
    with pytest.raises(CStarError, match=r"^the rate limiter is used in another event loop; create one for each loop, or"):
        await asyncio.to_thread(asyncio.run, bind())


def test_limiter_of_a_loop_that_has_ended_can_be_used_in_another_one() -> None:
    """Nothing waits there any more."""
    limiter = RateLimiter()

    async def bind() -> asyncio.AbstractEventLoop | None:
        limiter.bind_to_loop()
        return limiter._loop

    first, second = asyncio.run(bind()), asyncio.run(bind())
    assert first is not None
    assert first is not second


async def test_window_number_changes_when_the_window_is_over_by_either_clock_or_closed(clock: ManualClock) -> None:
    """A background request has less of it."""
    limiter = limiter_after_response(clock, 100)
    number = limiter.window_number(INTERACTIVE, clock)
    assert limiter.window_number(BACKGROUND, clock) > number
    clock.wall_offset = 7200.0
    assert limiter.window_number(INTERACTIVE, clock) > number
    clock.wall_offset = 0.0
    assert limiter.window_number(INTERACTIVE, clock) == number
    clock.now = 3600.0
    assert limiter.window_number(INTERACTIVE, clock) > number
