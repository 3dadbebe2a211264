"""The limiter under random interleavings: never too many out, and none lost."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from cstar_async import Priority, RateLimiter
from cstar_async._rate_limit import Window
from cstar_async._rate_limiter import Permit
from tests.unit.clocks import EPOCH, ManualClock, rate_headers, settle

WINDOW = 100
STEPS = st.lists(
    st.tuples(st.sampled_from(["call", "answer", "lose", "cancel", "pass"]), st.integers(0, 50)), min_size=5, max_size=60
)
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
    window, now, closed_until = Window(reserve=0.0), 0.0, 0.0
    for passed, status, remaining, end, retry_after in answers:
        now += passed
        headers = rate_headers(remaining, None if end is None else EPOCH + end)
        if retry_after is not None:
            headers["Retry-After"] = str(retry_after)
        if not window.count_down(status, headers):
            window.observe(status, headers, now, EPOCH + now)
        if status == 429 and retry_after is not None:
            closed_until = max(closed_until, now + retry_after)
        assert now >= closed_until or not window.has_room(Priority.INTERACTIVE, now)
    assert window.has_room(Priority.INTERACTIVE, now + 3600)


class Server:
    """Counts the calls of each window, as cStar does, and says so."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.counts: dict[int, int] = {}

    def answer(self, now: float) -> dict[str, str]:
        """Count a call that arrives now, and state what is left."""
        window = int(now // WINDOW)
        self.counts[window] = self.counts.get(window, 0) + 1
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(max(0, self.limit - self.counts[window])),
            "X-RateLimit-Reset": str(int(EPOCH) + (window + 1) * WINDOW),
            "X-RateLimit-Window": str(WINDOW),
        }


@given(STEPS, st.integers(1, 5))
def test_random_interleaving_never_exceeds_the_limit_and_loses_no_permit(steps: list[tuple[str, int]], limit: int) -> None:
    """Whoever is cancelled, lost or late: each window sees at most its limit, and in the end everybody left gets through."""
    asyncio.run(play(steps, limit))


async def play(steps: list[tuple[str, int]], limit: int) -> None:
    """Run the steps, then let all that is left go through."""
    clock, server, limiter = ManualClock(), Server(limit), RateLimiter(reserve=0.0)
    limiter.assume(limit)
    waiting: list[asyncio.Task[Permit]] = []
    out: list[tuple[Permit, dict[str, str]]] = []

    def collect() -> None:
        # A call is counted when it is sent, which is when it has its permit.
        for task in [task for task in waiting if task.done()]:
            waiting.remove(task)
            if not task.cancelled():
                out.append((task.result(), server.answer(clock.now)))

    for step, number in steps:
        if step == "call":
            priority = Priority(number % 2)
            waiting.append(asyncio.create_task(limiter.acquire(priority, clock, longest=1e9, announce=lambda _: None)))
            await settle()
        elif step == "answer" and out:
            permit, headers = out.pop(number % len(out))
            limiter.settle(permit, 200, headers, clock)
        elif step == "lose" and out:
            limiter.give_back(out.pop(number % len(out))[0], clock)
        elif step == "cancel" and waiting:
            waiting[number % len(waiting)].cancel()
        elif step == "pass":
            await clock.advance(number)
        await settle()
        collect()
    for _ in range(400):
        if not waiting and not out:
            break
        while out:
            permit, headers = out.pop()
            limiter.settle(permit, 200, headers, clock)
        await settle()
        collect()
        await clock.advance(WINDOW / 2)
        collect()
    lost = any(step == "lose" for step, _ in steps)
    assert (0, 0) == (len(waiting), limiter._window.in_flight)
    assert lost or max(server.counts.values(), default=0) <= limit
