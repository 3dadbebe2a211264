"""The limiter under random interleavings: never too many out, and none lost."""

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
from tests.unit.clocks import EPOCH, ManualClock, rate_headers, settle

WINDOW = 100
ANSWERS = st.lists(
    st.tuples(
        st.floats(0, 40),  # seconds since the answer before
        st.sampled_from([200, 200, 404, 429, 500]),
        st.integers(0, 1000),  # remaining
        st.one_of(st.none(), st.integers(-10, 7200)),  # seconds from the beginning to the stated end
        st.one_of(st.none(), st.integers(0, 90)),  # Retry-After
    ),
    min_size=1,
    max_size=20,
)


@given(ANSWERS)
def test_no_answer_opens_a_window_before_the_moment_that_a_refusal_named(
    answers: list[tuple[float, int, int, int | None, int | None]],
) -> None:
    """Answers come in any order and say anything; a closed window stays closed, and opens in the end."""
    window, now, closed_until = RateLimitWindow(reserve=0.0), 0.0, 0.0
    for passed, status, remaining, end, retry_after in answers:
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
    """Counts the calls of each window as they arrive, and refuses what is too much; its wall clock is its own."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.counts: dict[int, int] = {}

    def answer(self, now: float) -> tuple[int, dict[str, str]]:
        """Status and headers for a call that arrives now."""
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
    """A call on its way."""

    permit: Permit
    is_alone: bool
    """Whether no other was on its way when it was sent."""
    status: int = 0
    headers: dict[str, str] = attrs.field(factory=dict)

    @property
    def has_arrived(self) -> bool:
        """Whether the server has counted it."""
        return self.status > 0


@attrs.define(eq=False)
class Waiting:
    """A call that waits for its permit."""

    priority: Priority
    task: asyncio.Task[Permit]
    number: int


class TurningClock(ManualClock):
    """A manual clock whose wall clock may be set to another time."""

    def __init__(self) -> None:
        super().__init__()
        self.error = 0.0

    def time(self) -> float:
        """Seconds since the epoch, as a wrong clock has them."""
        return super().time() + self.error


class Governed(RuleBasedStateMachine):
    """Calls of two priorities against a strict server, with every mishap there is."""

    @initialize(limit=st.integers(1, 4), reserve=st.sampled_from([0.0, 0.5]), is_ours_alone=st.booleans())
    def begin(self, limit: int, reserve: float, is_ours_alone: bool) -> None:
        """A limiter that knows the limit and nothing else."""
        self.is_ours_alone = is_ours_alone
        self.loop = asyncio.new_event_loop()
        self.clock, self.server = TurningClock(), StrictServer(limit)
        self.limiter = RateLimiter(background_reserve=reserve)
        self.limiter.set_initial_limit(limit)
        self.waiting: list[Waiting] = []
        self.sent: list[Sent] = []
        self.born = 0
        self.granted: dict[Priority, int] = {}
        self.closed_until = -1.0
        self.strangers: set[int] = set()
        self.losses: set[int] = set()

    def window(self) -> int:
        """The window that the server is in."""
        return int(self.clock.now // WINDOW)

    def play(self, action: Coroutine[Any, Any, object]) -> None:
        """Let something happen, and everybody who can run on."""

        async def both() -> None:
            await action
            await settle()

        self.loop.run_until_complete(both())
        for one in [one for one in self.waiting if one.task.done()]:
            self.waiting.remove(one)
            if not one.task.cancelled() and one.task.exception() is None:
                self.send(one.task.result(), one.priority, one.number)
            elif not one.task.cancelled():
                assert isinstance(one.task.exception(), RateLimitWaitError)

    def send(self, permit: Permit, priority: Priority, number: int) -> None:
        """A call has its permit and is on its way."""
        assert self.clock.now >= self.closed_until, "sent although a refusal closed the window"
        assert number > self.granted.get(priority, 0), "sent out of its turn"
        self.granted[priority] = number
        self.sent.append(Sent(permit, is_alone=not self.sent))

    @rule(priority=st.sampled_from(Priority), longest=st.sampled_from([0.0, 50.0, 1e9]), count=st.integers(1, 4))
    def call(self, priority: Priority, longest: float, count: int) -> None:
        """Some want to call."""
        for _ in range(count):
            self.call_once(priority, longest)

    def call_once(self, priority: Priority, longest: float) -> None:
        """Somebody wants to call."""
        self.born += 1
        permit = self.limiter.try_acquire(priority, self.clock)
        if permit is not None:
            self.send(permit, priority, self.born)
            return

        async def queue() -> None:
            wait = self.limiter.acquire(priority, self.clock, max_wait=longest, on_wait=lambda _: None)
            self.waiting.append(Waiting(priority, asyncio.ensure_future(wait), self.born))

        self.play(queue())

    @precondition(lambda self: any(not one.has_arrived for one in self.sent))
    @rule()
    def all_arrive(self) -> None:
        """The calls on their way reach the server."""
        while any(not one.has_arrived for one in self.sent):
            self.arrive(0)

    @precondition(lambda self: any(not one.has_arrived for one in self.sent))
    @rule(which=st.integers(0, 50))
    def arrive(self, which: int) -> None:
        """A call reaches the server, in whatever order."""
        underway = [one for one in self.sent if not one.has_arrived]
        one = underway[which % len(underway)]
        one.status, one.headers = self.server.answer(self.clock.now)
        if one.status == 429 and self.window() not in self.strangers and not one.permit.is_probe:
            assert self.window() in self.losses, "sent to be refused"
            assert one.is_alone, "more than one sent to find out what is left"

    @precondition(lambda self: any(one.has_arrived for one in self.sent))
    @rule(which=st.integers(0, 50))
    def answer(self, which: int) -> None:
        """An answer comes in, late or in time."""
        answered = [one for one in self.sent if one.has_arrived]
        one = answered[which % len(answered)]
        self.take_in(one, one.status, one.headers)

    @precondition(lambda self: bool(self.sent) and not self.is_ours_alone)
    @rule(
        which=st.integers(0, 50),
        status=st.sampled_from([200, 404, 500]),
        headers=st.sampled_from([{}, {"X-RateLimit-Remaining": "soon"}, {"X-RateLimit-Limit": "-5", "X-RateLimit-Remaining": "9"}]),
    )
    def answer_without_a_word(self, which: int, status: int, headers: dict[str, str]) -> None:
        """An answer that says nothing of the limit; the server counted the call."""
        one = self.sent[which % len(self.sent)]
        self.forget(one)
        self.strangers.add(self.window())
        self.take_in(one, status, headers)

    @precondition(lambda self: bool(self.sent))
    @rule(which=st.integers(0, 50), text=st.sampled_from(["0", "7", "30", "-1", "soon", "31536000", "date", "past"]))
    def refuse(self, which: int, text: str) -> None:
        """A 429 out of turn, with a Retry-After of any kind."""
        one = self.sent[which % len(self.sent)]
        self.forget(one)
        now = self.clock.now
        named = {"date": formatdate(EPOCH + now + 20, usegmt=True), "past": formatdate(EPOCH + now - 20, usegmt=True)}
        seconds = {"7": 7.0, "30": 30.0, "31536000": float(WINDOW), "date": 20.0}.get(text, 0.0)
        headers = {"Retry-After": named.get(text, text), "Date": formatdate(EPOCH + now, usegmt=True)}
        self.closed_until = max(self.closed_until, now + seconds)
        self.take_in(one, 429, headers)

    def forget(self, one: Sent) -> None:
        """The count of a call is not told to the limiter by its answer."""
        if not one.has_arrived:
            one.status, _ = self.server.answer(self.clock.now)
        self.losses.add(self.window())

    def take_in(self, one: Sent, status: int, headers: dict[str, str]) -> None:
        """The limiter hears of an answer."""
        self.sent.remove(one)

        async def settle_it() -> None:
            self.limiter.on_response(one.permit, status, headers, self.clock)

        self.play(settle_it())

    @precondition(lambda self: bool(self.sent))
    @rule(which=st.integers(0, 50), counted=st.booleans())
    def lose(self, which: int, counted: bool) -> None:
        """A call is cancelled on its way, or its answer is lost; the server may have counted it."""
        one = self.sent[which % len(self.sent)]
        if counted:
            self.forget(one)
        self.losses.add(self.window())
        self.sent.remove(one)

        async def lose_it() -> None:
            self.limiter.release(one.permit, self.clock)

        self.play(lose_it())

    @precondition(lambda self: any(not one.has_arrived for one in self.sent))
    @rule(which=st.integers(0, 50))
    def never_send(self, which: int) -> None:
        """A call has its permit and is cancelled before it is sent."""
        underway = [one for one in self.sent if not one.has_arrived]
        one = underway[which % len(underway)]
        self.sent.remove(one)

        async def return_it() -> None:
            self.limiter.release(one.permit, self.clock, sent=False)

        self.play(return_it())

    @precondition(lambda self: bool(self.waiting))
    @rule(which=st.integers(0, 50))
    def cancel(self, which: int) -> None:
        """Somebody does not want to wait any more."""
        one = self.waiting[which % len(self.waiting)]

        async def cancel_it() -> None:
            one.task.cancel()

        self.play(cancel_it())

    @precondition(lambda self: not self.is_ours_alone)
    @rule()
    def spend_elsewhere(self) -> None:
        """Another process uses the key."""
        self.strangers.add(self.window())
        self.server.answer(self.clock.now)

    @rule(seconds=st.one_of(st.floats(0, 30), st.sampled_from([50.0, 100.0, 1000.0])))
    def pass_time(self, seconds: float) -> None:
        """Time goes by."""
        self.play(self.clock.advance(seconds))

    @rule(error=st.floats(-1e6, 1e6))
    def set_wall_clock(self, error: float) -> None:
        """Somebody sets the clock of the machine."""
        self.clock.error = error

    @invariant()
    def counts_agree(self) -> None:
        """What the limiter believes to be on its way is on its way."""
        if hasattr(self, "limiter"):
            assert len(self.sent) == self.limiter._window.in_flight
            assert len(self.waiting) == self.limiter._waiting_count

    def teardown(self) -> None:
        """In the end everybody gets through, and every permit is back."""
        if not hasattr(self, "loop"):
            return
        try:
            for _ in range(200):
                while self.sent:
                    if not self.sent[0].has_arrived:
                        self.arrive(0)
                    self.answer(0)
                if not self.waiting:
                    break
                self.pass_time(WINDOW / 2)
            assert ([], [], 0) == (self.waiting, self.sent, self.limiter._window.in_flight)
        finally:
            self.loop.run_until_complete(self.loop.shutdown_asyncgens())
            self.loop.close()


TestGoverned = Governed.TestCase
TestGoverned.settings = settings(max_examples=60, stateful_step_count=40)
