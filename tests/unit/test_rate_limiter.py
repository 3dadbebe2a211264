"""The limiter: order, hand-over between keepers, latest moments, and permits that are never lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from cstar_async import Priority, RateLimiter, RateLimitWaitError
from cstar_async._rate_limit.interface import Permit
from tests.unit.clocks import EPOCH, ManualClock, rate_headers, settle

LONG = 10_000.0


def nothing(_: float) -> None:
    """Announce a wait to nobody."""


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands at 0."""
    return ManualClock()


def known(clock: ManualClock, remaining: int, *, reserve: float = 0.1, limit: int = 1000) -> RateLimiter:
    """A limiter that has seen one answer."""
    limiter = RateLimiter(background_reserve=reserve)
    permit = limiter.try_acquire(Priority.INTERACTIVE, clock)
    assert permit is not None
    limiter.on_response(permit, 200, rate_headers(remaining, limit=limit), clock)
    return limiter


async def taught_to_come_later(clock: ManualClock) -> RateLimiter:
    """A limiter that was refused at the stated end of a window, and a second into the next one, which has no call left."""
    limiter = known(clock, 0)
    await clock.advance(3600)
    permit = limiter.try_acquire(Priority.INTERACTIVE, clock)
    assert permit is Permit.PROBE
    limiter.on_response(permit, 429, {"Retry-After": "1"}, clock)
    await clock.advance(1)
    permit = limiter.try_acquire(Priority.INTERACTIVE, clock)
    assert permit is Permit.PROBE
    limiter.on_response(permit, 200, rate_headers(0, EPOCH + 7200), clock)
    return limiter


def wait(
    limiter: RateLimiter,
    clock: ManualClock,
    *,
    longest: float = LONG,
    priority: Priority = Priority.INTERACTIVE,
    announce: Callable[[float], None] = nothing,
) -> asyncio.Task[Permit]:
    """A call in the queue."""
    return asyncio.create_task(limiter.acquire(priority, clock, max_wait=longest, on_wait=announce))


@pytest.mark.parametrize("reserve", [-0.1, 1.0, float("nan")])
def test_reserve_out_of_range_is_refused(reserve: float) -> None:
    """A share is from 0 to below 1."""
    with pytest.raises(ValueError, match="reserve"):
        RateLimiter(background_reserve=reserve)


def test_fresh_limiter_knows_no_state() -> None:
    """Nothing is made up before the first answer."""
    assert RateLimiter().state is None


def test_state_is_what_the_last_answer_said(clock: ManualClock) -> None:
    """Limit, remaining, window and end come from the headers."""
    state = known(clock, 42).state
    assert state is not None
    assert (1000, 42, 3600.0, EPOCH + 3600) == (
        state.limit,
        state.remaining,
        state.window,
        state.reset_at and state.reset_at.timestamp(),
    )


def test_assumed_limit_bounds_the_first_calls(clock: ManualClock) -> None:
    """A publishable key has its own documented number."""
    limiter = RateLimiter()
    limiter.set_initial_limit(2)
    assert [Permit.GRANTED, Permit.GRANTED, None] == [limiter.try_acquire(Priority.INTERACTIVE, clock) for _ in range(3)]


def test_assumption_after_an_answer_changes_nothing(clock: ManualClock) -> None:
    """What the server said goes over what is documented."""
    limiter = known(clock, 5)
    limiter.set_initial_limit(100)
    assert 5 == sum(limiter.try_acquire(Priority.INTERACTIVE, clock) is not None for _ in range(20))


def test_background_calls_leave_the_reserve(clock: ManualClock) -> None:
    """With 101 of 1,000 left and a reserve of a tenth, one background call goes, and the rest is for others."""
    limiter = known(clock, 101)
    permits = [limiter.try_acquire(Priority.BACKGROUND, clock) for _ in range(3)]
    assert [Permit.GRANTED, None, None] == permits


async def test_wait_longer_than_allowed_is_refused_at_once(clock: ManualClock) -> None:
    """The error names the moment and the seconds, and nothing waits."""
    limiter = known(clock, 0)
    with pytest.raises(RateLimitWaitError) as caught:
        await limiter.acquire(Priority.INTERACTIVE, clock, max_wait=60, on_wait=nothing)
    error = caught.value
    assert (3600.0, EPOCH + 3600, limiter.state) == (error.wait, error.retry_at.timestamp(), error.state)
    moment = f"{error.retry_at:%Y-%m-%d %H:%M:%S} UTC"
    assert f"the rate limit leaves no call before {moment}, 3600 s away, longer than allowed" == error.message


async def test_wait_exactly_as_long_as_allowed_is_begun(clock: ManualClock) -> None:
    """And ends with a permit."""
    task = wait(known(clock, 0), clock, longest=3600)
    await settle()
    await clock.advance(3600)
    assert Permit.PROBE is task.result()


async def test_wait_exactly_as_long_as_allowed_ends_well_even_if_the_server_rounds_down(clock: ManualClock) -> None:
    """Whoever cannot wait until it is sure that the window is over tries at its stated end."""
    limiter = await taught_to_come_later(clock)
    task = wait(limiter, clock, longest=3599)
    await settle()
    await clock.advance(3599)
    assert Permit.PROBE is task.result()


async def test_server_known_to_round_down_is_not_asked_at_the_stated_end(clock: ManualClock) -> None:
    """It would refuse the call; a second later it is sure not to."""
    limiter = await taught_to_come_later(clock)
    task = wait(limiter, clock)
    await settle()
    await clock.advance(3599)
    assert not task.done()
    await clock.advance(1)
    assert Permit.PROBE is task.result()


async def test_short_wait_behind_a_long_one_ends_in_time(clock: ManualClock) -> None:
    """Calls in flight may show room, so it is begun; the keeper, who sleeps until the window opens, hears of the earlier moment."""
    limiter = known(clock, 2)
    held = [limiter.try_acquire(Priority.INTERACTIVE, clock) for _ in range(2)]
    assert None not in held
    long = wait(limiter, clock)
    await settle()
    short = wait(limiter, clock, longest=60)
    await settle()
    await clock.advance(60)
    assert isinstance(short.exception(), RateLimitWaitError)
    assert not long.done()


async def test_wait_that_is_just_long_enough_goes_on_when_something_else_changes(clock: ManualClock) -> None:
    """The moment at which the window opens is not too late."""
    limiter = known(clock, 1)
    held = limiter.try_acquire(Priority.INTERACTIVE, clock)
    assert held is not None
    task = wait(limiter, clock, longest=3600)
    await settle()
    limiter.on_response(held, 200, rate_headers(0), clock)
    await settle()
    await clock.advance(3600)
    assert Permit.PROBE is task.result()


async def test_wait_is_announced_with_its_length(clock: ManualClock) -> None:
    """Observers hear how long the call is expected to wait."""
    heard: list[float] = []
    task = wait(known(clock, 0), clock, announce=heard.append)
    await settle()
    task.cancel()
    assert heard == [3600.0]


async def test_first_call_of_a_new_window_goes_alone(clock: ManualClock) -> None:
    """The others wait for what its answer says."""
    limiter = known(clock, 0)
    tasks = [wait(limiter, clock) for _ in range(3)]
    await settle()
    await clock.advance(3600)
    assert [True, False, False] == [task.done() for task in tasks]
    assert tasks[0].result() is Permit.PROBE
    limiter.on_response(tasks[0].result(), 200, rate_headers(999, EPOCH + 7200), clock)
    await settle()
    assert [Permit.GRANTED, Permit.GRANTED] == [await task for task in tasks[1:]]


async def test_next_goes_ahead_when_the_first_has_no_answer(clock: ManualClock) -> None:
    """A lost answer teaches nothing, so the next in line tries alone."""
    limiter = known(clock, 0)
    tasks = [wait(limiter, clock) for _ in range(3)]
    await settle()
    await clock.advance(3600)
    limiter.release(tasks[0].result(), clock)
    await settle()
    assert [True, False] == [task.done() for task in tasks[1:]]
    tasks[2].cancel()


async def test_answer_without_headers_lets_the_others_follow(clock: ManualClock) -> None:
    """A server that stops stating its limit is not served one call at a time for ever."""
    limiter = known(clock, 0)
    tasks = [wait(limiter, clock) for _ in range(3)]
    await settle()
    await clock.advance(3600)
    limiter.on_response(tasks[0].result(), 200, {}, clock)
    await settle()
    assert [True, True] == [task.done() for task in tasks[1:]]


@pytest.mark.parametrize("status", [500, 502])
async def test_failing_server_without_headers_gets_one_call_at_a_time(clock: ManualClock, status: int) -> None:
    """A 5xx from a gateway says nothing of the window."""
    limiter = known(clock, 0)
    tasks = [wait(limiter, clock) for _ in range(3)]
    await settle()
    await clock.advance(3600)
    limiter.on_response(tasks[0].result(), status, {}, clock)
    await settle()
    assert [True, False] == [task.done() for task in tasks[1:]]
    tasks[2].cancel()


async def test_cancelled_keeper_hands_the_watch_over(clock: ManualClock) -> None:
    """The first waiter watches the time; when it is cancelled and nothing is in flight, the next still wakes."""
    limiter = known(clock, 0)
    first, second = wait(limiter, clock), wait(limiter, clock)
    await settle()
    first.cancel()
    await settle()
    await clock.advance(3600)
    assert second.done()
    assert second.result() is Permit.PROBE


async def test_whole_row_of_keepers_cancelled_leaves_the_last_awake(clock: ManualClock) -> None:
    """Hand-over works any number of times."""
    limiter = known(clock, 0)
    tasks = [wait(limiter, clock) for _ in range(10)]
    await settle()
    for task in tasks[:9]:
        task.cancel()
    await settle()
    await clock.advance(3600)
    assert tasks[9].done()


async def test_permit_granted_and_cancelled_in_one_turn_is_not_lost(clock: ManualClock) -> None:
    """A permit that comes with the cancellation goes to the next in line."""
    limiter = RateLimiter()
    limiter.set_initial_limit(1)
    held = limiter.try_acquire(Priority.INTERACTIVE, clock)
    assert held is not None
    first, second = wait(limiter, clock), wait(limiter, clock)
    await settle()
    limiter.release(held, clock)
    first.cancel()
    await settle()
    assert (True, Permit.GRANTED) == (first.cancelled(), second.result())


async def test_permit_to_go_ahead_is_not_lost_either(clock: ManualClock) -> None:
    """Where its holder is cancelled in the same turn, the next goes ahead."""
    limiter = known(clock, 1)
    held = limiter.try_acquire(Priority.INTERACTIVE, clock)
    assert held is not None
    first, second = wait(limiter, clock), wait(limiter, clock)
    await settle()
    clock.now = 3600.0
    limiter.release(held, clock)
    first.cancel()
    await settle()
    assert (True, Permit.PROBE) == (first.cancelled(), second.result())


async def test_waiter_with_half_a_second_has_no_more(clock: ManualClock) -> None:
    """Its moment is looked after to the fraction."""
    limiter = RateLimiter()
    limiter.set_initial_limit(1)
    assert limiter.try_acquire(Priority.INTERACTIVE, clock) is not None
    task = wait(limiter, clock, longest=0.5)
    await settle()
    await clock.advance(0.5)
    assert isinstance(task.exception(), RateLimitWaitError)


@pytest.mark.parametrize("begun", [0.0, 1e6])
async def test_waiter_beyond_its_latest_moment_fails(clock: ManualClock, begun: float) -> None:
    """A call that nothing answers does not hold the queue beyond what each waiter allows, whenever it came."""
    clock.now = begun
    limiter = RateLimiter()
    limiter.set_initial_limit(1)
    assert limiter.try_acquire(Priority.INTERACTIVE, clock) is not None
    short, long = wait(limiter, clock, longest=5), wait(limiter, clock, longest=50)
    await settle()
    await clock.advance(5)
    with pytest.raises(RateLimitWaitError):
        await short
    assert long.done() is False
    long.cancel()


async def test_later_waiter_with_less_time_fails_before_the_keeper(clock: ManualClock) -> None:
    """The keeper looks after the latest moments of all."""
    limiter = RateLimiter()
    limiter.set_initial_limit(1)
    held = limiter.try_acquire(Priority.INTERACTIVE, clock)
    assert held is not None
    keeper, hasty = wait(limiter, clock, longest=50), wait(limiter, clock, longest=20)
    await settle()
    await clock.advance(50)
    assert (True, True) == (keeper.done(), hasty.done())
    assert [RateLimitWaitError, RateLimitWaitError] == [type(keeper.exception()), type(hasty.exception())]


async def test_waiters_fail_once_the_window_is_known_to_open_too_late(clock: ManualClock) -> None:
    """An answer that closes the window ends the waits that cannot succeed, at once."""
    clock.now = 500.0
    limiter = RateLimiter()
    limiter.set_initial_limit(1)
    held = limiter.try_acquire(Priority.INTERACTIVE, clock)
    assert held is not None
    task = wait(limiter, clock, longest=60)
    await settle()
    limiter.on_response(held, 429, rate_headers(0, EPOCH + 500 + 3600) | {"Retry-After": "3600"}, clock)
    await settle()
    error = task.exception()
    assert isinstance(error, RateLimitWaitError)
    assert error.wait == 3600.0


async def test_call_waits_for_answers_that_may_leave_room(clock: ManualClock) -> None:
    """The server may have counted the calls in flight already, so their answers are awaited before a call is refused."""
    limiter = known(clock, 1)
    held = limiter.try_acquire(Priority.INTERACTIVE, clock)
    assert held is not None
    task = wait(limiter, clock, longest=60)
    await settle()
    limiter.on_response(held, 200, rate_headers(1), clock)
    await settle()
    assert Permit.GRANTED == await task


async def test_call_goes_on_waiting_while_answers_may_leave_room(clock: ManualClock) -> None:
    """One of two answers is no reason to give up."""
    limiter = known(clock, 2)
    one, other = (limiter.try_acquire(Priority.INTERACTIVE, clock) for _ in range(2))
    assert one is not None
    assert other is not None
    task = wait(limiter, clock, longest=60)
    await settle()
    limiter.on_response(one, 200, rate_headers(1), clock)
    await settle()
    assert task.done() is False
    limiter.on_response(other, 200, rate_headers(1), clock)
    await settle()
    assert Permit.GRANTED is task.result()


async def test_background_call_gives_up_when_answers_leave_the_reserve_alone(clock: ManualClock) -> None:
    """What is left is not for it, whatever the last answer says."""
    limiter = known(clock, 102)
    one, other = (limiter.try_acquire(Priority.INTERACTIVE, clock) for _ in range(2))
    assert one is not None
    assert other is not None
    task = wait(limiter, clock, longest=60, priority=Priority.BACKGROUND)
    await settle()
    limiter.on_response(one, 200, rate_headers(100), clock)
    await settle()
    assert isinstance(task.exception(), RateLimitWaitError)


async def test_waiting_background_call_does_not_get_into_the_reserve(clock: ManualClock) -> None:
    """An answer that leaves just that leaves nothing for it."""
    limiter = known(clock, 101)
    held = limiter.try_acquire(Priority.INTERACTIVE, clock)
    assert held is not None
    task = wait(limiter, clock, priority=Priority.BACKGROUND)
    await settle()
    limiter.on_response(held, 200, rate_headers(100), clock)
    await settle()
    assert task.done() is False
    task.cancel()


async def test_refusal_closes_the_window_although_its_counts_are_the_usual(clock: ManualClock) -> None:
    """A 429 goes over what its headers leave."""
    limiter = known(clock, 9)
    held = limiter.try_acquire(Priority.INTERACTIVE, clock)
    assert held is not None
    limiter.on_response(held, 429, rate_headers(9) | {"Retry-After": "5"}, clock)
    assert limiter.try_acquire(Priority.INTERACTIVE, clock) is None
    clock.now = 5.0
    assert Permit.PROBE is limiter.try_acquire(Priority.INTERACTIVE, clock)


async def test_call_that_waited_for_answers_fails_when_they_leave_no_room(clock: ManualClock) -> None:
    """Once nothing is in flight and nothing is left, the wait is known to be too long."""
    limiter = known(clock, 1)
    held = limiter.try_acquire(Priority.INTERACTIVE, clock)
    assert held is not None
    task = wait(limiter, clock, longest=60)
    await settle()
    limiter.on_response(held, 200, rate_headers(0), clock)
    await settle()
    assert isinstance(task.exception(), RateLimitWaitError)


async def test_interactive_waiter_goes_before_an_earlier_background_one(clock: ManualClock) -> None:
    """Priority goes over order, also for the first call of a window."""
    limiter = known(clock, 0)
    background = wait(limiter, clock, priority=Priority.BACKGROUND)
    interactive = wait(limiter, clock)
    await settle()
    await clock.advance(3600)
    assert (False, True) == (background.done(), interactive.done())
    background.cancel()


async def test_newcomer_does_not_overtake_the_queue(clock: ManualClock) -> None:
    """Who comes while others of its priority wait gets nothing at once."""
    limiter = known(clock, 0)
    task = wait(limiter, clock)
    await settle()
    clock.now = 3600.0
    assert limiter.try_acquire(Priority.INTERACTIVE, clock) is None
    task.cancel()


async def test_queue_of_many_windows_is_expected_to_take_them_all(clock: ManualClock) -> None:
    """With a limit of 2 an hour and 4 ahead, the fifth waits for the rest of this hour and two more."""
    limiter = known(clock, 0, limit=2)
    heard: list[float] = []
    tasks = [wait(limiter, clock, longest=LONG * 10, announce=heard.append) for _ in range(5)]
    await settle()
    for task in tasks:
        task.cancel()
    assert heard == [3600.0, 3600.0, 7200.0, 7200.0, 10800.0]


@pytest.mark.parametrize(
    ("priority", "limit", "calls", "last"),
    [
        (Priority.INTERACTIVE, 1, 2, 7200.0),
        (Priority.INTERACTIVE, 10, 10, 3600.0),
        (Priority.INTERACTIVE, 10, 11, 7200.0),
        (Priority.BACKGROUND, 10, 9, 3600.0),
        (Priority.BACKGROUND, 10, 10, 7200.0),
    ],
)
async def test_queue_is_served_as_the_limit_and_the_reserve_allow(
    clock: ManualClock, priority: Priority, limit: int, calls: int, last: float
) -> None:
    """Of ten calls an hour, nine are for those behind."""
    limiter = known(clock, 0, limit=limit)
    heard: list[float] = []
    tasks = [wait(limiter, clock, longest=LONG * 10, priority=priority, announce=heard.append) for _ in range(calls)]
    await settle()
    for task in tasks:
        task.cancel()
    assert last == heard[-1]


async def test_wait_for_answers_is_announced_as_none(clock: ManualClock) -> None:
    """Nobody knows how long it takes; those behind it, and behind the reserve, wait for the window."""
    limiter = known(clock, 102)
    assert [limiter.try_acquire(Priority.INTERACTIVE, clock) for _ in range(2)]
    heard: list[float] = []
    tasks = [wait(limiter, clock, priority=Priority.BACKGROUND, announce=heard.append) for _ in range(3)]
    await settle()
    for task in tasks:
        task.cancel()
    assert [0.0, 0.0, 3600.0] == heard


async def test_state_follows_every_answer(clock: ManualClock) -> None:
    """The later one of a window, too."""
    limiter = known(clock, 9)
    held = limiter.try_acquire(Priority.INTERACTIVE, clock)
    assert held is not None
    limiter.on_response(held, 200, rate_headers(8), clock)
    assert limiter.state
    assert 8 == limiter.state.remaining


async def test_nothing_is_left_where_more_wait_than_there_is(clock: ManualClock) -> None:
    """No call, and not less than none."""
    limiter = known(clock, 0)
    tasks = [wait(limiter, clock) for _ in range(3)]
    await settle()
    assert 0 == limiter.remaining(Priority.INTERACTIVE, clock)
    for task in tasks:
        task.cancel()


async def test_calls_left_do_not_count_those_that_others_wait_for(clock: ManualClock) -> None:
    """Who waits comes first when there is room."""
    limiter = known(clock, 0)
    tasks = [wait(limiter, clock) for _ in range(3)]
    await settle()
    clock.now = 3600.0
    assert (997, 897) == (limiter.remaining(Priority.INTERACTIVE, clock), limiter.remaining(Priority.BACKGROUND, clock))
    for task in tasks:
        task.cancel()


async def test_repr_shows_the_queue_and_nothing_else(clock: ManualClock) -> None:
    """A limiter in a log says how it stands."""
    limiter = RateLimiter()
    assert repr(limiter) == "RateLimiter(state=None, waiting=0)"


async def test_repr_counts_who_waits(clock: ManualClock) -> None:
    """One less when one is cancelled or served."""
    limiter = known(clock, 0)
    shown = []
    tasks = [wait(limiter, clock) for _ in range(4)]
    await settle()
    shown.append(repr(limiter).rpartition("waiting=")[2])
    tasks[3].cancel()
    await settle()
    shown.append(repr(limiter).rpartition("waiting=")[2])
    await clock.advance(3600)
    shown.append(repr(limiter).rpartition("waiting=")[2])
    limiter.on_response(tasks[0].result(), 200, rate_headers(999, EPOCH + 7200), clock)
    shown.append(repr(limiter).rpartition("waiting=")[2])
    assert ["4)", "3)", "2)", "0)"] == shown


async def test_limiter_of_an_ended_queue_lets_calls_through(clock: ManualClock) -> None:
    """After every waiter was cancelled nothing is left behind."""
    limiter = known(clock, 0)
    tasks = [wait(limiter, clock) for _ in range(4)]
    await settle()
    for task in tasks:
        task.cancel()
    await settle()
    clock.now = 3600.0
    assert limiter.try_acquire(Priority.INTERACTIVE, clock) is Permit.PROBE
