"""Waits: their length, their order, and what ends them."""

from __future__ import annotations

import asyncio
from email.utils import formatdate

import pytest

from cstar_async import (
    CStarClient,
    Hooks,
    Priority,
    RateLimiter,
    RateLimitError,
    RateLimitWaitError,
    RequestOptions,
    RequestTimeoutError,
    ServerError,
)
from cstar_async.hooks import WaitInfo
from cstar_async.testing.clock import FakeClock

from .conftest import TICKET, MakeClient, ScriptedResponse, Server, SkippingClock, failed, held, ok, raw


def limits(remaining: int, clock: SkippingClock | FakeClock, *, reset: float = 100.0, limit: int = 1000) -> dict[str, str]:
    """Return the headers of a rate limit window."""
    return {
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": str(remaining),
        "X-RateLimit-Reset": str(int(clock.time() + reset)),
        "X-RateLimit-Window": "3600",
    }


WAITS: dict[str, tuple[dict[str, str], dict[str, object], float, float]] = {
    "seconds": ({"Retry-After": "7"}, {}, 7.0, 7.7),
    "body": ({}, {"retryAfter": 9}, 9.0, 9.9),
    "header over body": ({"Retry-After": "7"}, {"retryAfter": 9}, 7.0, 7.7),
    "zero": ({"Retry-After": "0"}, {}, 0.0, 0.0),
    "garbage": ({"Retry-After": "soon"}, {}, 60.0, 66.0),
    "negative": ({"Retry-After": "-5"}, {}, 60.0, 66.0),
    "nothing": ({}, {}, 60.0, 66.0),
    "not a number": ({"Retry-After": "nan"}, {}, 60.0, 66.0),
    "endless": ({"Retry-After": "inf"}, {}, 60.0, 66.0),
    "date": ({"Retry-After": formatdate(1_800_000_020, usegmt=True)}, {}, 20.0, 22.0),
    "date by the server's clock": (
        {"Retry-After": formatdate(1_000_020, usegmt=True), "Date": formatdate(1_000_000, usegmt=True)},
        {},
        20.0,
        22.0,
    ),
    "date in the past": ({"Retry-After": formatdate(1_700_000_000, usegmt=True)}, {}, 0.0, 0.0),
    "no date at all": ({"Retry-After": "31 Feb 2026 25:00:00 GMT"}, {}, 60.0, 66.0),
}


@pytest.mark.parametrize(("headers", "error", "minimum", "maximum"), WAITS.values(), ids=WAITS)
async def test_a_429_is_waited_for_as_long_as_it_asks(
    server: Server,
    client: CStarClient,
    clock: SkippingClock,
    headers: dict[str, str],
    error: dict[str, object],
    minimum: float,
    maximum: float,
) -> None:
    """The wait is that of Retry-After, then of the body, then a minute; never less, and at most 10 % more."""
    server.script(failed(429, headers=headers, **error))
    await client.tickets.get("tkt_1")
    assert minimum <= sum(clock.slept) <= maximum


async def test_a_date_in_retry_after_is_waited_for(server: Server, client: CStarClient, clock: SkippingClock) -> None:
    """Retry-After may be an HTTP date, measured against the server's own."""
    headers = {"Retry-After": formatdate(1_000_020, usegmt=True), "Date": formatdate(1_000_000, usegmt=True)}
    server.script(failed(503, headers=headers))
    await client.tickets.get("tkt_1")
    assert 20 <= sum(clock.slept) <= 22


async def test_a_429_that_asks_for_too_long_is_raised_at_once(server: Server, client: CStarClient, clock: SkippingClock) -> None:
    """A wait above max_wait is a RateLimitWaitError with the 429 as its cause, without waiting."""
    server.script(failed(429, headers={"Retry-After": "61"}, request_id="req_7"))
    with pytest.raises(RateLimitWaitError) as caught:
        await client.tickets.get("tkt_1")
    error = caught.value
    assert (61, "req_7", RateLimitError, []) == (error.wait, error.request_id, type(error.__cause__), clock.slept)
    assert clock.time() + 61 == error.retry_at.timestamp()


async def test_without_max_wait_a_429_is_waited_for(server: Server, make_client: MakeClient, clock: SkippingClock) -> None:
    """None means as long as it takes."""
    server.script(failed(429, headers={"Retry-After": "3000"}))
    assert "tkt_1" == (await make_client(max_wait=None).tickets.get("tkt_1")).id
    assert 3000 <= sum(clock.slept) <= 3300


async def test_without_max_wait_the_next_window_is_waited_for(
    server: Server, make_client: MakeClient, clock: SkippingClock
) -> None:
    """A known limit is waited for as well, and nothing is sent before."""
    server.script(ok(TICKET, headers=limits(0, clock, reset=3000)))
    client = make_client(max_wait=None)
    await client.tickets.get("tkt_1")
    await client.tickets.get("tkt_1")
    assert 3000 <= sum(clock.slept) <= 3300


@pytest.mark.parametrize("text", ["31536000", formatdate(1_800_000_000 + 31_536_000, usegmt=True), "9" * 30])
async def test_a_429_that_asks_for_a_year_is_raised_at_once(
    server: Server, client: CStarClient, clock: SkippingClock, text: str
) -> None:
    """The error has the date, and a longer wait is cut to a leap year."""
    server.script(failed(429, headers={"Retry-After": text}))
    with pytest.raises(RateLimitWaitError) as caught:
        await client.tickets.get("tkt_1")
    assert caught.value.wait in {365 * 86400, 366 * 86400}
    assert (clock.time() + caught.value.wait, [], 1) == (caught.value.retry_at.timestamp(), clock.slept, len(server.requests))


async def test_a_year_ahead_closes_the_window_for_an_hour_at_most(
    server: Server, client: CStarClient, clock: SkippingClock
) -> None:
    """A server that once said something absurd is asked again in the next window."""
    server.script(failed(429, headers={"Retry-After": "31536000"}))
    with pytest.raises(RateLimitWaitError):
        await client.tickets.get("tkt_1")
    clock.now += 3599
    await client.tickets.get("tkt_1")
    assert (2, [1.0]) == (len(server.requests), clock.slept)


async def test_a_503_that_asks_for_too_long_is_its_own_error(server: Server, client: CStarClient, clock: SkippingClock) -> None:
    """A 5xx whose wait exceeds max_wait raises its ServerError."""
    server.script(failed(503, headers={"Retry-After": "61"}))
    with pytest.raises(ServerError) as caught:
        await client.tickets.get("tkt_1")
    assert (61, []) == (caught.value.retry_after, clock.slept)


async def test_a_429_without_retries_is_a_rate_limit_error(server: Server, make_client: MakeClient) -> None:
    """With `max_retries=0` the 429 itself is raised."""
    server.script(failed(429, headers={"Retry-After": "7"}))
    with pytest.raises(RateLimitError) as caught:
        await make_client(max_retries=0).tickets.get("tkt_1")
    assert 7 == caught.value.retry_after


@pytest.mark.parametrize(
    ("refusal", "wait"),
    [(failed(429, retryAfter=30), 30.0), (failed(429, retryAfter="2"), 2.0), (raw(b"<html>Slow down</html>", 429), 60.0)],
)
async def test_a_429_holds_for_the_next_call(
    server: Server, make_client: MakeClient, clock: SkippingClock, refusal: ScriptedResponse, wait: float
) -> None:
    """The next call waits as long as a retry would have, whatever reset an earlier response stated."""
    client = make_client(max_retries=0)
    reset = {"X-RateLimit-Limit": "1000", "X-RateLimit-Remaining": "990", "X-RateLimit-Reset": str(int(clock.time()) + 3000)}
    server.script(ok(TICKET, headers=reset), refusal)
    await client.tickets.get("tkt_1")
    with pytest.raises(RateLimitError):
        await client.tickets.get("tkt_1")
    assert [] == clock.slept
    await client.tickets.get("tkt_1")
    assert wait == pytest.approx(sum(clock.slept))


async def test_a_429_whose_wait_exceeds_the_total_timeout_is_raised_before_waiting(
    server: Server, client: CStarClient, clock: SkippingClock
) -> None:
    """A wait for a limit that would end after the total timeout is a RateLimitWaitError at once."""
    server.script(failed(429, headers={"Retry-After": "30"}))
    with pytest.raises(RateLimitWaitError):
        await client.tickets.get("tkt_1", options=RequestOptions(total_timeout=10))
    assert [] == clock.slept


async def test_a_503_whose_wait_exceeds_the_total_timeout_is_raised_before_waiting(
    server: Server, client: CStarClient, clock: SkippingClock
) -> None:
    """A required wait that would end after the total timeout raises the error of the server at once."""
    server.script(failed(503, headers={"Retry-After": "30"}))
    with pytest.raises(ServerError):
        await client.tickets.get("tkt_1", options=RequestOptions(total_timeout=10))
    assert [] == clock.slept


async def test_a_call_waits_for_the_next_window(server: Server, make_client: MakeClient, clock: SkippingClock) -> None:
    """Without calls left in the window, a call waits until the window ends."""

    class Waits(Hooks):
        """Collects waits."""

        def on_wait(self, info: WaitInfo, /) -> None:
            """Collect a value."""
            waits.append(info)

    waits: list[WaitInfo] = []
    client = make_client(hooks=[Waits()], max_wait=200.0)
    server.script(ok(TICKET, headers=limits(0, clock, reset=100)))
    await client.tickets.get("tkt_1")
    await client.tickets.get("tkt_1")
    assert 100 <= clock.now < 120
    assert ["rate_limit"] == [wait.reason for wait in waits]


async def test_a_window_that_ends_too_late_sends_nothing(server: Server, client: CStarClient, clock: SkippingClock) -> None:
    """A wait above max_wait for a known limit is a RateLimitWaitError, and no request is sent for it."""
    server.script(ok(TICKET, headers=limits(0, clock, reset=1000)))
    await client.tickets.get("tkt_1")
    with pytest.raises(RateLimitWaitError) as caught:
        await client.tickets.get("tkt_1")
    assert (1, None, 0, []) == (len(server.requests), caught.value.__cause__, caught.value.attempts, clock.slept)
    assert caught.value.state == client.rate_limit


async def test_one_call_probes_a_new_window(server: Server, make_client: MakeClient) -> None:
    """When a window ends, one call is sent alone, and the others follow its response."""
    fake = FakeClock(frozen=True)
    client = make_client(_clock=fake, max_wait=500.0)
    server.script(ok(TICKET, headers=limits(0, fake, reset=100)))
    await client.tickets.get("tkt_1")
    release = asyncio.Event()
    server.script(held(release, ok(TICKET, headers=limits(900, fake, reset=3700))))
    calls = [asyncio.ensure_future(client.tickets.get(f"tkt_{number}")) for number in range(5)]
    await fake.wait_for_sleepers()
    fake.advance(110)
    await server.seen(2)
    await asyncio.sleep(0.02)
    assert 2 == len(server.requests)
    release.set()
    await asyncio.gather(*calls)
    assert 6 == len(server.requests)


async def test_two_clients_share_a_limiter(server: Server, make_client: MakeClient, clock: SkippingClock) -> None:
    """The limit that one client learns applies to the other."""
    limiter = RateLimiter()
    first, second = make_client(rate_limiter=limiter), make_client(rate_limiter=limiter)
    server.script(ok(TICKET, headers=limits(0, clock, reset=1000)))
    await first.tickets.get("tkt_1")
    with pytest.raises(RateLimitWaitError):
        await second.tickets.get("tkt_1")
    assert (first.rate_limit, 1) == (second.rate_limit, len(server.requests))


async def test_background_calls_leave_the_reserve(server: Server, make_client: MakeClient, clock: SkippingClock) -> None:
    """Within the reserve a background call waits while an interactive one goes."""
    client = make_client()
    server.script(ok(TICKET, headers=limits(50, clock, reset=1000)))
    await client.tickets.get("tkt_1")
    with pytest.raises(RateLimitWaitError):
        await client.with_options(priority=Priority.BACKGROUND).tickets.get("tkt_1")
    await client.tickets.get("tkt_1")
    assert 2 == len(server.requests)


async def test_no_more_calls_are_in_flight_than_connections(server: Server, make_client: MakeClient) -> None:
    """`max_connections` limits the concurrent requests, and further calls wait."""
    client, release = make_client(max_connections=3), asyncio.Event()
    server.default = held(release)
    calls = [asyncio.ensure_future(client.tickets.get(f"tkt_{number}")) for number in range(20)]
    await server.seen(3)
    await asyncio.sleep(0.02)
    assert 3 == len(server.requests)
    release.set()
    await asyncio.gather(*calls)
    assert (20, 3) == (len(server.requests), server.max_in_flight)
    assert [f"/api/v1/teams/team_1/tickets/tkt_{number}" for number in range(3)] == sorted(
        request.path for request in server.requests[:3]
    )


async def test_interactive_calls_get_a_slot_before_background_ones(server: Server, make_client: MakeClient) -> None:
    """Calls that wait for a slot are sent by priority, then in order."""
    client, release = make_client(max_connections=1), asyncio.Event()
    server.script(held(release))
    behind = client.with_options(priority=Priority.BACKGROUND)
    calls = [asyncio.ensure_future(client.tickets.get("tkt_0"))]
    await server.seen(1)
    for view, name in ((behind, "b1"), (behind, "b2"), (client, "i1"), (client, "i2")):
        calls.append(asyncio.ensure_future(view.tickets.get(name)))
        await asyncio.sleep(0)
    release.set()
    await asyncio.gather(*calls)
    assert ["tkt_0", "i1", "i2", "b1", "b2"] == [request.path.rpartition("/")[2] for request in server.requests]


async def test_waiting_for_a_slot_does_not_count_against_the_timeout(server: Server, make_client: MakeClient) -> None:
    """A timeout begins when the request is sent, so calls behind a slow one do not time out."""
    client, release = make_client(max_connections=1, max_retries=0), asyncio.Event()
    server.script(held(release))
    first = asyncio.ensure_future(client.tickets.get("tkt_1"))
    await server.seen(1)
    second = asyncio.ensure_future(client.tickets.get("tkt_2", options=RequestOptions(timeout=0.03)))
    await asyncio.sleep(0.05)
    release.set()
    assert ["tkt_1", "tkt_1"] == [(await call).id for call in (first, second)]


async def test_a_total_timeout_that_expires_before_a_slot_is_free_sends_nothing(server: Server, make_client: MakeClient) -> None:
    """A call whose total timeout expires while it waits for a slot is a RequestTimeoutError that was not sent."""
    client, release = make_client(max_connections=1), asyncio.Event()
    server.script(held(release))
    first = asyncio.ensure_future(client.tickets.get("tkt_1"))
    await server.seen(1)
    with pytest.raises(RequestTimeoutError) as caught:
        await client.tickets.get("tkt_2", options=RequestOptions(total_timeout=0.02, max_retries=0))
    release.set()
    await first
    assert (False, 1) == (caught.value.request_sent, len(server.requests))


@pytest.mark.parametrize("refusals", [0, 1])
async def test_error_of_a_total_timeout_counts_the_requests_that_were_sent(
    server: Server, make_client: MakeClient, refusals: int
) -> None:
    """Not the attempt that it prevented, by a wait for a slot or for a retry."""
    client, release = make_client(max_connections=1), asyncio.Event()
    server.script(*[failed(429, headers={"Retry-After": "5"})] * refusals, held(release))
    if not refusals:
        first = asyncio.ensure_future(client.tickets.get("tkt_1"))
        await server.seen(1)
    with pytest.raises(RequestTimeoutError) as caught:
        await client.tickets.get("tkt_2", options=RequestOptions(total_timeout=5 if refusals else 0.02))
    release.set()
    if not refusals:
        await first
    assert refusals == caught.value.attempts
