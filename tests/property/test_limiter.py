"""The rate limiter under random interleavings: it never exceeds the limit, and loses no permit."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from email.utils import formatdate
from typing import Any

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from cstar_async import Priority, RateLimiter, RateLimitWaitError
from cstar_async._rate_limit.interface import Permit
from cstar_async._rate_limit.window import RateLimitWindow
from tests.unit.clocks import EPOCH, ManualClock, rate_headers, run_until_idle

WINDOW = 100
RESPONSES = st.lists(
    st.tuples(
        st.floats(0, 40),  # seconds since the response before
        st.sampled_from([200, 200, 404, 429, 500]),
        st.integers(0, 1000),  # remaining
        st.one_of(st.none(), st.integers(-10, 7200)),  # seconds from the beginning to the stated reset
        st.one_of(st.none(), st.integers(0, 90)),  # Retry-After
    ),
    min_size=1,
    max_size=20,
)


@given(RESPONSES)
def test_no_response_opens_a_window_before_the_time_that_a_refusal_states(
    responses: list[tuple[float, int, int, int | None, int | None]],
) -> None:
    """Responses arrive in any order with any headers. A closed window stays closed, and opens in the end."""
    window, now, closed_until = RateLimitWindow(reserve=0.0), 0.0, 0.0
    for passed, status, remaining, end, retry_after in responses:
        now += passed
        headers = rate_headers(remaining, None if end is None else EPOCH + end)
        if retry_after is not None:
            headers["Retry-After"] = str(retry_after)
        if not window.update_fast(status, headers):
            window.update(status, headers, now, EPOCH + now)
        if status == 429 and retry_after is not None:
            closed_until = max(closed_until, now + retry_after)
        assert now >= closed_until or not window.can_send(Priority.INTERACTIVE, now)
    assert window.can_send(Priority.INTERACTIVE, now + 3600)


class StrictServer:
    """Count the requests of each window as they arrive, and refuse those beyond the limit, by a clock of its own."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.counts: dict[int, int] = {}

    def respond(self, now: float) -> tuple[int, dict[str, str]]:
        """Return status and headers for a request that arrives now."""
        window = int(now // WINDOW)
        status = 200 if self.counts.get(window, 0) < self.limit else 429
        self.counts[window] = self.counts.get(window, 0) + (status == 200)
        return status, {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.limit - self.counts[window]),
            "X-RateLimit-Reset": str(int(EPOCH) + (window + 1) * WINDOW),
            "X-RateLimit-Window": str(WINDOW),
            "Date": formatdate(EPOCH + now, usegmt=True),
        }


@attrs.define(eq=False)
class Sent:
    """A request in flight."""

    permit: Permit
    priority: Priority
    is_count_known: bool
    """Whether a response had stated what the window allows when it was sent."""
    was_alone: bool
    """Whether no other one, which it must wait for, was in flight when it was sent."""
    status: int = 0
    headers: dict[str, str] = attrs.field(factory=dict)
    arrived_at: float = 0.0

    @property
    def has_arrived(self) -> bool:
        """Whether the server has counted the request."""
        return self.status > 0


@attrs.define(eq=False)
class Waiting:
    """A request that waits for its permit."""

    priority: Priority
    task: asyncio.Task[Permit]
    number: int


class LimiterMachine(RuleBasedStateMachine):
    """Send requests of two priorities to a strict server, with every kind of failure."""

    @initialize(limit=st.integers(1, 4), reserve=st.sampled_from([0.0, 0.5]), is_key_unshared=st.booleans())
    def begin(self, limit: int, reserve: float, is_key_unshared: bool) -> None:
        """Create a limiter with the initial limit."""
        self.is_key_unshared = is_key_unshared
        self.loop = asyncio.new_event_loop()
        self.clock, self.server = ManualClock(), StrictServer(limit)
        self.limiter = RateLimiter(background_reserve=reserve)
        self.limiter.set_initial_limit(limit)
        self.waiting: list[Waiting] = []
        self.sent: list[Sent] = []
        self.count = 0
        self.granted: dict[Priority, int] = {}
        self.closed_until = self.closed_until_by_wall_clock = -1.0
        self.is_count_known = True
        self.latest_wall_offset = 0.0
        self.unreliable_windows: set[int] = set()
        self.windows_with_losses: set[int] = set()

    def window(self) -> int:
        """Return the number of the server's window."""
        return int(self.clock.now // WINDOW)

    def run(self, action: Coroutine[Any, Any, object]) -> None:
        """Run an action and all tasks that can run, and send the requests that got a permit."""

        async def both() -> None:
            await action
            await run_until_idle()

        self.loop.run_until_complete(both())
        for one in [one for one in self.waiting if one.task.done()]:
            self.waiting.remove(one)
            if not one.task.cancelled() and one.task.exception() is None:
                self.send(one.task.result(), one.priority, one.number)
            elif not one.task.cancelled():
                assert isinstance(one.task.exception(), RateLimitWaitError)

    def send(self, permit: Permit, priority: Priority, number: int) -> None:
        """Send a request that has a permit."""
        self.end_refusal_by_wall_clock()
        assert self.clock.now >= self.closed_until, "sent although a refusal closed the window"
        assert number > self.granted.get(priority, 0), "sent out of order"
        self.granted[priority] = number
        assert priority is permit.priority
        if permit.is_probe:
            # Until a response states the count, more may be sent than it allows: the probe does not keep others waiting for long.
            self.is_count_known = False
        before = [one for one in self.sent if one.priority <= priority]
        self.sent.append(Sent(permit, priority, self.is_count_known, was_alone=not before))

    @rule(priority=st.sampled_from(Priority), max_wait=st.sampled_from([0.0, 50.0, 1e9]), count=st.integers(1, 4))
    def start_requests(self, priority: Priority, max_wait: float, count: int) -> None:
        """Start some requests."""
        for _ in range(count):
            self.start_request(priority, max_wait)

    def start_request(self, priority: Priority, max_wait: float) -> None:
        """Start a request."""
        self.count += 1
        permit = self.limiter.try_acquire(priority, self.clock)
        if permit is not None:
            self.send(permit, priority, self.count)
            return

        async def queue() -> None:
            wait = self.limiter.acquire(priority, self.clock, max_wait=max_wait, on_wait=lambda _: None)
            self.waiting.append(Waiting(priority, asyncio.ensure_future(wait), self.count))

        self.run(queue())

    @precondition(lambda self: any(not one.has_arrived for one in self.sent))
    @rule()
    def all_arrive(self) -> None:
        """Deliver all requests in flight."""
        while any(not one.has_arrived for one in self.sent):
            self.arrive(0)

    @precondition(lambda self: any(not one.has_arrived for one in self.sent))
    @rule(which=st.integers(0, 50))
    def arrive(self, which: int) -> None:
        """Deliver a request, in any order."""
        undelivered = [one for one in self.sent if not one.has_arrived]
        one = undelivered[which % len(undelivered)]
        one.status, one.headers = self.server.respond(self.clock.now)
        one.arrived_at = self.clock.now
        if one.status == 429 and self.window() not in self.unreliable_windows and one.is_count_known:
            assert self.window() in self.windows_with_losses, "sent although it would be refused"
            assert one.was_alone, "more than one sent to confirm the count"

    @precondition(lambda self: any(one.has_arrived for one in self.sent))
    @rule(which=st.integers(0, 50))
    def receive_response(self, which: int) -> None:
        """Receive the response of a delivered request."""
        delivered = [one for one in self.sent if one.has_arrived]
        one = delivered[which % len(delivered)]
        if self.clock.now - one.arrived_at >= WINDOW:
            # Its reset is counted from its own Date, so it states an end that is wrong now. A request never takes a whole window.
            self.unreliable_windows.add(self.window())
        elif one.status != 429 and one.arrived_at // WINDOW == self.clock.now // WINDOW:
            self.is_count_known = True
        self.apply_response(one, one.status, one.headers)

    @precondition(lambda self: bool(self.sent) and not self.is_key_unshared)
    @rule(
        which=st.integers(0, 50),
        status=st.sampled_from([200, 404, 500]),
        headers=st.sampled_from([{}, {"X-RateLimit-Remaining": "soon"}, {"X-RateLimit-Limit": "-5", "X-RateLimit-Remaining": "9"}]),
    )
    def receive_response_without_headers(self, which: int, status: int, headers: dict[str, str]) -> None:
        """Receive a response that states no limit, although the server counted the request."""
        one = self.sent[which % len(self.sent)]
        self.hide_count(one)
        self.unreliable_windows.add(self.window())
        self.apply_response(one, status, headers)

    @precondition(lambda self: bool(self.sent))
    @rule(which=st.integers(0, 50), text=st.sampled_from(["0", "7", "30", "-1", "soon", "31536000", "date", "past"]))
    def refuse(self, which: int, text: str) -> None:
        """Receive a 429 at any time, with any Retry-After."""
        one = self.sent[which % len(self.sent)]
        self.hide_count(one)
        now = self.clock.now
        named = {"date": formatdate(EPOCH + now + 20, usegmt=True), "past": formatdate(EPOCH + now - 20, usegmt=True)}
        seconds = {"7": 7.0, "30": 30.0, "31536000": float(WINDOW), "date": 20.0}.get(text, 0.0)
        headers = {"Retry-After": named.get(text, text), "Date": formatdate(EPOCH + now, usegmt=True)}
        self.closed_until = max(self.closed_until, now + seconds)
        self.closed_until_by_wall_clock = self.clock.time() + self.closed_until - now
        self.apply_response(one, 429, headers)

    def hide_count(self, one: Sent) -> None:
        """Count a request whose response will not state the count."""
        if not one.has_arrived:
            one.status, _ = self.server.respond(self.clock.now)
        self.windows_with_losses.add(self.window())

    def apply_response(self, one: Sent, status: int, headers: dict[str, str]) -> None:
        """Pass a response to the limiter."""
        self.sent.remove(one)

        async def respond() -> None:
            self.limiter.on_response(one.permit, status, headers, self.clock)

        self.run(respond())

    @precondition(lambda self: bool(self.sent))
    @rule(which=st.integers(0, 50), counted=st.booleans())
    def lose(self, which: int, counted: bool) -> None:
        """Cancel a request in flight, or lose its response; the server may have counted it."""
        one = self.sent[which % len(self.sent)]
        if counted:
            self.hide_count(one)
        self.windows_with_losses.add(self.window())
        self.sent.remove(one)

        async def lose_response() -> None:
            self.limiter.release(one.permit, self.clock)

        self.run(lose_response())

    @precondition(lambda self: any(not one.has_arrived for one in self.sent))
    @rule(which=st.integers(0, 50))
    def never_send(self, which: int) -> None:
        """Cancel a request that has a permit before it is sent."""
        undelivered = [one for one in self.sent if not one.has_arrived]
        one = undelivered[which % len(undelivered)]
        self.sent.remove(one)

        async def return_it() -> None:
            self.limiter.release(one.permit, self.clock, sent=False)

        self.run(return_it())

    @precondition(lambda self: bool(self.waiting))
    @rule(which=st.integers(0, 50))
    def cancel(self, which: int) -> None:
        """Cancel a waiting request."""
        one = self.waiting[which % len(self.waiting)]

        async def cancel_it() -> None:
            one.task.cancel()

        self.run(cancel_it())

    @precondition(lambda self: not self.is_key_unshared)
    @rule()
    def spend_elsewhere(self) -> None:
        """Use the key in another process."""
        self.unreliable_windows.add(self.window())
        self.server.respond(self.clock.now)

    @rule(seconds=st.one_of(st.floats(0, 30), st.sampled_from([50.0, 100.0, 1000.0])))
    def pass_time(self, seconds: float) -> None:
        """Advance the clock."""
        self.run(self.clock.advance(seconds))

    @rule(error=st.floats(-1e6, 1e6))
    def set_wall_clock(self, error: float) -> None:
        """Change the wall clock. If it is set forward, the window seems to be over, as after a suspension."""
        self.end_refusal_by_wall_clock()
        self.clock.wall_offset = error
        self.latest_wall_offset = max(self.latest_wall_offset, error)
        self.end_refusal_by_wall_clock()
        self.unreliable_windows.add(self.window())

    def end_refusal_by_wall_clock(self) -> None:
        """End the wait of a refusal if the wall clock has passed it, even if it is set back later."""
        if self.clock.time() >= self.closed_until_by_wall_clock:
            self.closed_until = self.closed_until_by_wall_clock = -1.0

    @precondition(lambda self: any(one.permit.is_probe for one in self.sent))
    @rule()
    def hang(self) -> None:
        """Let the first requests of a window hang for three seconds: all others are sent, or the limit or a refusal prevents it."""
        slow_start = self.limiter._window.slow_start
        number = slow_start.number
        for _ in range(3):
            self.run(self.clock.advance(1.0))
        is_same = slow_start.number == number and slow_start.is_active and not slow_start.is_after_refusal
        assert not (is_same and self.waiting), "the first request of a window holds up others"

    @rule()
    def suspend(self) -> None:
        """Suspend the machine for a day: only the wall clock continues. What waited for a window does not wait for it again."""
        were_waiting = bool(self.waiting) and not self.sent
        self.set_wall_clock(self.latest_wall_offset + 1e5)
        self.run(self.clock.advance(30.0))
        assert not (were_waiting and self.waiting and not self.sent), "a request waits for a window that is over"

    @invariant()
    def no_interactive_request_waits_for_a_background_one(self) -> None:
        """While it is unknown what the window allows."""
        if hasattr(self, "limiter"):
            window = self.limiter._window
            is_open = window.slow_start.is_active and window._ends is None
            is_interactive = [one.priority is Priority.INTERACTIVE for one in (*self.sent, *self.waiting)]
            assert not (is_open and any(is_interactive[len(self.sent) :]) and not any(is_interactive[: len(self.sent)]))

    @invariant()
    def counts_agree(self) -> None:
        """The limiter counts the requests in flight and those that wait."""
        if hasattr(self, "limiter"):
            assert len(self.sent) == self.limiter._window.in_flight
            assert len(self.waiting) == self.limiter._waiting_count

    def teardown(self) -> None:
        """In the end every request is served, and every permit is returned."""
        if not hasattr(self, "loop"):
            return
        try:
            for _ in range(200):
                while self.sent:
                    if not self.sent[0].has_arrived:
                        self.arrive(0)
                    self.receive_response(0)
                if not self.waiting:
                    break
                self.pass_time(WINDOW / 2)
            assert ([], [], 0) == (self.waiting, self.sent, self.limiter._window.in_flight)
        finally:
            for task in asyncio.all_tasks(self.loop):
                task.cancel()
            self.loop.run_until_complete(run_until_idle())
            self.loop.close()


TestLimiterMachine = LimiterMachine.TestCase
TestLimiterMachine.settings = settings(max_examples=100, stateful_step_count=40)
