"""Windows that close while calls wait: for a connection, for the window, or for a retry."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest

from cstar_async import CStarClient, CStarError, Priority, RateLimiter, RateLimitWaitError
from cstar_async._event_loop.clock import Clock
from cstar_async._rate_limit.interface import Permit
from cstar_async.testing.clock import FakeClock

from .conftest import TICKET, MakeClient, ScriptedResponse, Server, failed, held, ok
from .test_cancellation import acquired
from .test_waiting import limits

CALLS, CONNECTIONS = 60, 5


class UserLimiter:
    """A `Limiter` of the user, which grants no permit without a turn of the event loop, as one over a network does."""

    def __init__(self) -> None:
        self._window = RateLimiter()
        self.bind_to_loop = self._window.bind_to_loop
        self.set_initial_limit = self._window.set_initial_limit
        self.remaining = self._window.remaining
        self.window_number = self._window.window_number
        self.on_response = self._window.on_response
        self.release = self._window.release

    @property
    def state(self) -> Any:
        """The rate limit as last stated."""
        return self._window.state

    def try_acquire(self, priority: Priority, clock: Clock) -> Permit | None:
        """Return None, as the limiter in Redis does."""
        return None

    async def acquire(self, priority: Priority, clock: Clock, **options: Any) -> Permit:
        """Wait for a permit. `on_wait` is not called if one is granted at once."""
        await asyncio.sleep(0)
        return self._window.try_acquire(priority, clock) or await self._window.acquire(priority, clock, **options)


LIMITERS: dict[str, Callable[[], Any]] = {"in memory": RateLimiter, "of the user": UserLimiter}
CLOSINGS: dict[str, Callable[[FakeClock], ScriptedResponse]] = {
    "429": lambda _: failed(429, headers={"Retry-After": "3500"}),
    "429 with the wait in its body": lambda _: failed(429, retryAfter=3500),
    "nothing remains": lambda clock: ok(TICKET, headers=limits(0, clock, reset=3700)),
}


@pytest.fixture
def fake_clock() -> FakeClock:
    """A clock that the test advances."""
    return FakeClock()


@pytest.fixture(params=LIMITERS)
def limiter(request: pytest.FixtureRequest) -> Any:
    """Each kind of limiter that needs no server."""
    return LIMITERS[request.param]()


async def _wait_for_window(client: CStarClient, clock: FakeClock, server: Server, calls: int) -> list[asyncio.Task[Any]]:
    """Use up a window of 100 seconds, and start calls that wait for the next one."""
    await _learn(client, server, limits(0, clock))
    tasks = [asyncio.ensure_future(client.tickets.get(f"tkt_{number}")) for number in range(calls)]
    await clock.wait_for_sleepers()
    return tasks


@pytest.mark.parametrize("closing", CLOSINGS)
async def test_calls_that_waited_are_not_sent_into_a_window_that_closed(
    server: Server, make_client: MakeClient, fake_clock: FakeClock, limiter: Any, closing: str
) -> None:
    """A response closes the new window: only calls that were under way before it arrive at the server."""
    client = make_client(_clock=fake_clock, rate_limiter=limiter, max_connections=CONNECTIONS, max_retries=0, max_wait=200.0)
    calls = await _wait_for_window(client, fake_clock, server, CALLS)
    opened = ok(TICKET, headers=limits(900, fake_clock, reset=3700))
    server.script(opened, CLOSINGS[closing](fake_clock))
    server.default = opened
    fake_clock.advance(101)
    results: list[Any] = await asyncio.gather(*calls, return_exceptions=True)
    refused = sum(isinstance(result, RateLimitWaitError) for result in results)
    # The first window, the probe, what was under way with the closing response, and one in the connection of each before it.
    assert len(server.requests) <= 2 + 2 * CONNECTIONS
    assert refused >= CALLS - 1 - 2 * CONNECTIONS
    assert (0, 0) == _held(client, limiter)


async def test_a_client_that_shares_the_limiter_sends_no_more_calls(
    server: Server, make_client: MakeClient, fake_clock: FakeClock, limiter: Any
) -> None:
    """A response to one client closes the window for the waiting calls of the other."""
    options: dict[str, Any] = {"_clock": fake_clock, "rate_limiter": limiter, "max_retries": 0, "max_wait": 200.0}
    one, other = make_client(max_connections=1, **options), make_client(max_connections=1, **options)
    await _learn(one, server, limits(0, fake_clock))
    first = asyncio.ensure_future(one.tickets.get("tkt_1"))
    await fake_clock.wait_for_sleepers()
    calls = [asyncio.ensure_future(client.tickets.get("tkt_1")) for client in (one, other) for _ in range(20)]
    refusal, last = asyncio.Event(), asyncio.Event()
    opened = ok(TICKET, headers=limits(900, fake_clock, reset=3700))
    server.script(opened, held(refusal, failed(429, headers={"Retry-After": "3500"})), held(last, opened))
    fake_clock.advance(101)
    await server.seen(4)
    refusal.set()
    await asyncio.wait([first, *calls], return_when=asyncio.FIRST_EXCEPTION)
    last.set()
    results = await asyncio.gather(first, *calls, return_exceptions=True)
    assert (4, 38) == (len(server.requests), sum(isinstance(result, RateLimitWaitError) for result in results))


async def test_a_window_that_ends_while_calls_wait_for_a_connection_needs_a_probe(
    server: Server, make_client: MakeClient, fake_clock: FakeClock, limiter: Any
) -> None:
    """The permits of the old window are worth nothing: one call is sent alone, although connections are free."""
    client = make_client(_clock=fake_clock, rate_limiter=limiter, max_connections=CONNECTIONS, max_retries=0, max_wait=200.0)
    calls = await _wait_for_window(client, fake_clock, server, CALLS)
    release, probe = asyncio.Event(), asyncio.Event()
    opened = ok(TICKET, headers=limits(900, fake_clock, reset=200))
    server.script(opened, *(held(release, opened) for _ in range(CONNECTIONS)))
    fake_clock.advance(101)
    await server.seen(2 + CONNECTIONS)
    server.default = held(probe, ok(TICKET, headers=limits(900, fake_clock, reset=3700)))
    fake_clock.advance(150)
    release.set()
    await server.seen(3 + CONNECTIONS)
    await asyncio.sleep(0.05)
    assert 3 + CONNECTIONS == len(server.requests)
    probe.set()
    await asyncio.gather(*calls)
    assert (1 + CALLS, CONNECTIONS, (0, 0)) == (len(server.requests), server.max_in_flight, _held(client, limiter))


async def test_retries_wait_for_a_window_that_closed_during_their_back_off(
    server: Server, make_client: MakeClient, fake_clock: FakeClock, limiter: Any
) -> None:
    """A 429 to another call closes the window while calls back off: none of them is sent again."""
    client = make_client(_clock=fake_clock, rate_limiter=limiter, max_wait=200.0, retry_budget=None)
    server.script(*(failed(503, headers={"Retry-After": "50"}) for _ in range(20)))
    calls = [asyncio.ensure_future(client.tickets.get("tkt_1")) for _ in range(20)]
    await fake_clock.wait_for_sleepers(20)
    server.script(failed(429, headers={"Retry-After": "3500"}))
    with pytest.raises(RateLimitWaitError):
        await client.tickets.get("tkt_2")
    fake_clock.advance(60)
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert ({RateLimitWaitError}, 21) == ({type(result) for result in results}, len(server.requests))


async def test_calls_keep_their_order_from_one_window_to_the_next(
    server: Server, make_client: MakeClient, fake_clock: FakeClock
) -> None:
    """Three windows of 20 calls, each used up, serve 60 calls in order."""
    client = make_client(_clock=fake_clock, max_connections=1, max_wait=None)
    calls = await _wait_for_window(client, fake_clock, server, CALLS)
    for window in range(3):
        server.script(*(ok(TICKET, headers=limits(left, fake_clock, reset=202, limit=20)) for left in reversed(range(20))))
        fake_clock.advance(102)
        await server.seen(1 + 20 * (window + 1))
        await asyncio.sleep(0.02)
    await asyncio.gather(*calls)
    assert [f"tkt_{number}" for number in range(CALLS)] == [request.path.rpartition("/")[2] for request in server.requests[1:]]


@pytest.mark.no_cover
async def test_a_call_that_cannot_wait_is_refused_while_others_wait(
    server: Server, make_client: MakeClient, fake_clock: FakeClock
) -> None:
    """Of 10,000 calls, those that a later window would serve are refused at once, with the time of that window."""
    client = make_client(_clock=fake_clock, max_wait=2 * 3600.0)
    await _learn(client, server, limits(0, fake_clock, reset=3600))
    calls = [asyncio.ensure_future(client.tickets.get("tkt_1")) for _ in range(10_000)]
    done, waiting = await asyncio.wait(calls, timeout=0.5)
    errors = [task.exception() for task in done]
    assert (8_000, 2_000) == (len(done), len(waiting))
    waits = [error.wait for error in errors if isinstance(error, RateLimitWaitError)]
    assert (8_000, True) == (len(waits), all(3 * 3600 - 60 < wait <= 3 * 3600 for wait in waits))
    for call in waiting:
        call.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert (0, 0) == acquired(client)


async def test_calls_that_wait_for_the_window_hold_no_slot(
    server: Server, make_client: MakeClient, fake_clock: FakeClock, limiter: Any
) -> None:
    """Background calls wait for the next window, and interactive ones use every connection meanwhile."""
    client = make_client(_clock=fake_clock, rate_limiter=limiter, max_connections=CONNECTIONS, max_wait=None)
    await _learn(client, server, limits(50, fake_clock))
    background = client.with_options(priority=Priority.BACKGROUND)
    calls = [asyncio.ensure_future(background.tickets.get("tkt_b")) for _ in range(CALLS)]
    await fake_clock.wait_for_sleepers()
    release = asyncio.Event()
    server.default = held(release)
    calls += [asyncio.ensure_future(client.tickets.get("tkt_i")) for _ in range(CONNECTIONS)]
    async with asyncio.timeout(5):
        await server.seen(1 + CONNECTIONS)
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    assert ((0, 0), CONNECTIONS) == (_held(client, limiter), server.max_in_flight)


async def test_a_background_call_that_finds_the_team_holds_up_no_interactive_one(
    server: Server, make_client: MakeClient, fake_clock: FakeClock, limiter: Any
) -> None:
    """In the reserve, the team is found with the priority of the calls that may be sent."""
    await _learn(make_client(_clock=fake_clock, rate_limiter=limiter), server, limits(50, fake_clock))
    client = make_client(_clock=fake_clock, rate_limiter=limiter, team_id=None, max_wait=200.0)
    server.script(ok({"teamId": "team_9"}))
    background = asyncio.ensure_future(client.with_options(priority=Priority.BACKGROUND).tickets.get("tkt_b"))
    async with asyncio.timeout(5):
        await client.tickets.get("tkt_i")
    assert ["whoami", "tkt_i"] == [request.path.rpartition("/")[2] for request in server.requests[1:]]
    background.cancel()
    await asyncio.gather(background, return_exceptions=True)


async def test_a_call_that_cannot_wait_does_not_wait_for_another_one_to_find_the_team(
    server: Server, make_client: MakeClient, fake_clock: FakeClock, limiter: Any
) -> None:
    """The first call waits for the next window, and the second one is refused."""
    await _learn(make_client(_clock=fake_clock, rate_limiter=limiter), server, limits(0, fake_clock, reset=3000))
    client = make_client(_clock=fake_clock, rate_limiter=limiter, team_id=None, max_wait=None)
    first = asyncio.ensure_future(client.tickets.get("tkt_1"))
    await fake_clock.wait_for_sleepers()
    with pytest.raises(RateLimitWaitError):
        await client.with_options(max_wait=0, timeout=0.01).tickets.get("tkt_1")
    assert (False, 1) == (first.done(), len(server.requests))
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)


async def _learn(client: CStarClient, server: Server, headers: dict[str, str]) -> None:
    """Send a call whose response states the rate limit."""
    server.script(ok(TICKET, headers=headers))
    await client.tickets.get("tkt_1")


@pytest.mark.parametrize("seed", range(4))
async def test_cancelled_calls_lose_no_slot_and_no_permit(server: Server, make_client: MakeClient, limiter: Any, seed: int) -> None:
    """Whatever closes the window, and whenever calls are cancelled."""
    chance = random.Random(seed)
    clock = FakeClock()
    client = make_client(_clock=clock, rate_limiter=limiter, max_connections=3, max_wait=900.0, max_retries=1)
    views = [client, client.with_options(priority=Priority.BACKGROUND)]

    def respond() -> ScriptedResponse:
        kind = chance.choice(["open", "open", "open", "spent", "429", "503"])
        if kind == "429":
            return failed(429, headers={"Retry-After": str(chance.choice([0, 1, 600]))})
        if kind == "503":
            return failed(503, headers={"Retry-After": "0"})
        return ok(TICKET, headers=limits(0 if kind == "spent" else 900, clock, reset=chance.choice([5, 30])))

    server.script(*(respond() for _ in range(150)))
    calls = [asyncio.ensure_future(chance.choice(views).tickets.get("tkt_1")) for _ in range(80)]
    while not all(call.done() for call in calls):
        for _ in range(chance.randrange(8)):
            await asyncio.sleep(0)
        if chance.random() < 0.05:
            chance.choice(calls).cancel()
        if chance.random() < 0.1:
            clock.advance(chance.choice([1, 10, 300]))
        await asyncio.sleep(0.0001)
    results: list[Any] = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(result, (CStarError, asyncio.CancelledError)) or result.id == "tkt_1" for result in results)
    assert (0, 0) == _held(client, limiter)
    semaphore = client._executor.context.semaphore
    assert (3, True, False) == (
        semaphore.free,
        all(semaphore.try_acquire(Priority.BACKGROUND) for _ in range(2)),
        semaphore.try_acquire(Priority.BACKGROUND),
    )


def _held(client: CStarClient, limiter: Any) -> tuple[int, int]:
    """Return the numbers of slots and permits that calls hold."""
    semaphore = client._executor.context.semaphore
    window = limiter._window if isinstance(limiter, RateLimiter) else limiter._window._window
    return semaphore._slots - semaphore.free, window.in_flight
