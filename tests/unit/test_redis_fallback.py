"""The Redis rate limiter with a fake Redis: unavailability, resync and closing."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from cstar_async import ConnectionFailedError, CStarError, Priority, RateLimitWaitError
from cstar_async._event_loop.clock import SystemClock
from cstar_async._rate_limit.interface import Permit
from cstar_async.redis import RedisRateLimiter
from tests.unit.clocks import EPOCH, ManualClock, rate_headers, run_until_idle
from tests.unit.fake_redis import CLOCK, FakeRedis, acquire, closed_window


async def test_unavailable_redis_is_an_error_by_choice(fake_redis: FakeRedis, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is sent, and the next request does not even try. The log has one record, without an address."""
    client: Any = fake_redis
    fake_redis.is_unavailable = True
    async with RedisRateLimiter(client, name="main", on_unavailable="error") as limiter:
        for _ in range(3):
            with pytest.raises(ConnectionFailedError) as caught:
                await acquire(limiter)
            assert caught.value.request_sent is False
    assert 1 == len(fake_redis.requests)
    assert ["the rate limiter cannot reach Redis: ConnectionRefusedError"] == caplog.messages


async def test_redis_is_tried_again_after_the_retry_interval(fake_redis: FakeRedis, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the next request."""
    monkeypatch.setattr("cstar_async.redis._availability.INITIAL_RETRY_INTERVAL", 0.0)
    client: Any = fake_redis
    fake_redis.is_unavailable = True
    async with RedisRateLimiter(client, name="main", on_unavailable="error") as limiter:
        with pytest.raises(ConnectionFailedError):
            await acquire(limiter)
        assert limiter.is_degraded
        fake_redis.is_unavailable = False
        assert isinstance(await acquire(limiter), Permit)
        assert not limiter.is_degraded


async def test_ping_makes_one_exchange(limiter: RedisRateLimiter, fake_redis: FakeRedis) -> None:
    """It takes no permit, and returns its duration."""
    seconds = await limiter.ping()
    assert (True, [0, 0]) == (seconds > 0, fake_redis.requests[0]["waiting"])
    assert (1, False) == (len(fake_redis.requests), limiter.is_degraded)


@pytest.mark.parametrize("on_unavailable", ["share", "error"])
async def test_ping_of_an_unavailable_redis_is_an_error(fake_redis: FakeRedis, on_unavailable: Any) -> None:
    """Whatever requests do. It tries each time, and the error has the reason, without an address."""
    client: Any = fake_redis
    fake_redis.is_unavailable = True
    async with RedisRateLimiter(client, name="main", on_unavailable=on_unavailable) as limiter:
        for _ in range(2):
            with pytest.raises(ConnectionFailedError, match="nothing was sent: ConnectionRefusedError") as caught:
                await limiter.ping()
            assert "secret" not in str(caught.value)
        assert (2, True) == (len(fake_redis.requests), limiter.is_degraded)
        fake_redis.is_unavailable = False
        await limiter.ping()
        assert not limiter.is_degraded


async def test_ping_of_a_redis_that_hangs_ends_after_the_timeout(fake_redis: FakeRedis) -> None:
    """Also while the exchange of a request runs."""
    client: Any = fake_redis
    fake_redis.may_reply.clear()
    async with RedisRateLimiter(client, name="main", timeout=0.01) as limiter:
        request = acquire(limiter)
        await run_until_idle()
        with pytest.raises(ConnectionFailedError, match="TimeoutError"):
            await limiter.ping()
        await request


async def test_cancelled_ping_delays_no_request(limiter: RedisRateLimiter, fake_redis: FakeRedis) -> None:
    """The request has an exchange of its own."""
    fake_redis.may_reply.clear()
    ping = asyncio.create_task(limiter.ping())
    await run_until_idle()
    request = acquire(limiter)
    await run_until_idle()
    ping.cancel()
    fake_redis.may_reply.set()
    assert isinstance(await request, Permit)
    assert ping.cancelled()


async def test_ping_of_a_closed_limiter_is_an_error(fake_redis: FakeRedis) -> None:
    """No exchange follows the last one."""
    client: Any = fake_redis
    limiter = RedisRateLimiter(client, name="main")
    await limiter.aclose()
    with pytest.raises(CStarError, match="closed"):
        await limiter.ping()
    assert [] == fake_redis.requests


async def test_unavailable_redis_leaves_a_share(
    limiter: RedisRateLimiter, fake_redis: FakeRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A quarter of what was left. A request beyond it waits until Redis is available again."""
    monkeypatch.setattr("cstar_async.redis._availability.INITIAL_RETRY_INTERVAL", 0.01)
    fake_redis.replies.append({"remaining": 20})
    limiter.on_response(await acquire(limiter), 200, rate_headers(19), CLOCK)
    fake_redis.is_unavailable = True
    for remaining in (18, 17, 16, 15):
        limiter.on_response(await acquire(limiter), 200, rate_headers(remaining), CLOCK)
    last = acquire(limiter)
    await run_until_idle()
    assert (True, False, 0) == (limiter.is_degraded, last.done(), limiter.remaining(Priority.INTERACTIVE, CLOCK))
    fake_redis.is_unavailable = False
    await last
    request = [request for request in fake_redis.requests if request["in_fallback"]][-1]
    assert ([0, 0], 15, [1, 0]) == (request["held"], request["window"]["remaining"], request["waiting"])


async def test_request_beyond_the_share_is_notified_of_its_wait(fake_redis: FakeRedis) -> None:
    """So that its client lends its connection to others. The error names what is unavailable."""
    client: Any = fake_redis
    fake_redis.replies.append({"remaining": 40})
    waits: list[float] = []
    async with RedisRateLimiter(client, name="main", expected_processes=20) as limiter:
        await acquire(limiter)
        fake_redis.is_unavailable = True
        granted = acquire(limiter, on_wait=waits.append)
        await granted
        late = acquire(limiter, max_wait=0.2, on_wait=waits.append)
        await run_until_idle()
        assert [0.0] == waits
        with pytest.raises(RateLimitWaitError, match=r"cannot use Redis \(ConnectionRefusedError\)") as caught:
            await late
        assert caught.value.wait > 0


async def test_error_of_a_spent_window_has_its_end_without_redis(fake_redis: FakeRedis) -> None:
    """An earlier attempt could not succeed, whether Redis is available or not."""
    client: Any = fake_redis
    async with RedisRateLimiter(client, name="main", expected_processes=1) as limiter:
        limiter.on_response(await acquire(limiter), 200, rate_headers(0), CLOCK)
        fake_redis.is_unavailable = True
        with pytest.raises(RateLimitWaitError, match="the rate limit allows no request before") as caught:
            await acquire(limiter, max_wait=0.1)
        assert EPOCH + 3600 == caught.value.retry_at.timestamp()


async def test_fallback_uses_the_next_window_of_a_suspended_machine(fake_redis: FakeRedis) -> None:
    """Its monotonic clock stopped, and Redis is not available yet."""
    client: Any = fake_redis
    clock = ManualClock()
    fake_redis.replies.append({"remaining": 1})
    async with RedisRateLimiter(client, name="main", expected_processes=1) as limiter:
        permit = await limiter.acquire(Priority.INTERACTIVE, clock, max_wait=1, on_wait=lambda _: None)
        limiter.on_response(permit, 200, rate_headers(0), clock)
        fake_redis.is_unavailable = True
        with pytest.raises(RateLimitWaitError):
            await limiter.acquire(Priority.INTERACTIVE, clock, max_wait=0.1, on_wait=lambda _: None)
        clock.wall_offset += 8 * 3600
        assert isinstance(await limiter.acquire(Priority.INTERACTIVE, clock, max_wait=1, on_wait=lambda _: None), Permit)


async def test_fallback_sends_one_request_first(limiter: RedisRateLimiter, fake_redis: FakeRedis) -> None:
    """Its response may state less than was assumed, and leaves a share of that."""
    fake_redis.replies.append({"remaining": 80})
    await acquire(limiter)
    fake_redis.is_unavailable = True
    first, rest = await acquire(limiter), [acquire(limiter) for _ in range(20)]
    await run_until_idle()
    assert [False] * 20 == [task.done() for task in rest]
    limiter.on_response(first, 200, rate_headers(10), CLOCK)
    await run_until_idle()
    assert 2 > sum(task.done() for task in rest)
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)


@pytest.mark.parametrize("redis", ["refuses", "hangs"])
async def test_fallback_does_not_wait_for_a_first_request_that_hangs(
    redis: str, fake_redis: FakeRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another one is sent after the time of a probe, and the others after twice that time, whatever Redis does."""
    monkeypatch.setattr("cstar_async._rate_limit.slow_start.PROBE_TIMEOUT", 0.05)
    client: Any = fake_redis
    clock = SystemClock()

    def start() -> asyncio.Task[Permit]:
        return asyncio.create_task(limiter.acquire(Priority.INTERACTIVE, clock, max_wait=5.0, on_wait=lambda _: None))

    async with RedisRateLimiter(client, name="main", timeout=0.2) as limiter:
        limiter.on_response(await start(), 200, rate_headers(900, clock.time() + 3600), clock)
        await limiter.ping()
        fake_redis.is_unavailable = True
        began = clock.monotonic()
        await start()
        if redis == "hangs":
            fake_redis.may_reply.clear()
        await asyncio.gather(*(start() for _ in range(10)))
        assert 0.1 <= clock.monotonic() - began < 4


async def test_fallback_sends_another_request_after_one_that_failed(limiter: RedisRateLimiter, fake_redis: FakeRedis) -> None:
    """Without a response. One at a time is sent until one gets a response."""
    await acquire(limiter)
    fake_redis.is_unavailable = True
    failing, rest = await acquire(limiter), [acquire(limiter) for _ in range(5)]
    counts: list[int] = []
    for _ in range(3):
        limiter.release(failing, CLOCK)
        await run_until_idle()
        done = [task for task in rest if task.done()]
        counts.append(len(done))
        failing = done[-1].result()
    limiter.on_response(failing, 200, rate_headers(900), CLOCK)
    await run_until_idle()
    assert ([1, 2, 3], [True] * 5) == (counts, [task.done() for task in rest])


async def test_resync_is_followed_by_a_report_at_once(limiter: RedisRateLimiter, fake_redis: FakeRedis) -> None:
    """Nothing is granted. When it ends, the rest of the fallback is returned."""
    await acquire(limiter)
    fake_redis.replies += [{"resync": 9, "granted": [0, 0], "poll_after": 0}]
    await acquire(limiter)
    await asyncio.gather(*(task for task in asyncio.all_tasks() if task.get_name() == "cstar_async rate limit"))
    reports = [
        (request["resync"], request["in_fallback"], request["fallback_left"] > 0, request["waiting"])
        for request in fake_redis.requests[1:]
    ]
    assert [(0, False, False, [1, 0]), (9, True, True, [1, 0]), (9, False, False, [0, 0])] == reports


async def test_long_resync_leaves_a_share(
    limiter: RedisRateLimiter, fake_redis: FakeRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not at once, because it mostly ends earlier, and what this process read last may be old."""
    monkeypatch.setattr("cstar_async.redis._rate_limiter.MAX_POLL_INTERVAL", 0.01)
    await acquire(limiter)
    fake_redis.replies += [{"resync": 9, "granted": [0, 0], "poll_after": 0}] * 1000
    assert isinstance(await acquire(limiter), Permit)
    assert 3 <= len(fake_redis.requests) < 100
    assert all(request["resync"] == 9 for request in fake_redis.requests[2:])
    fake_redis.replies.clear()


async def test_epoch_and_peers_are_reported(
    limiter: RedisRateLimiter, fake_redis: FakeRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a new shared state can wait for them. They expire after a while."""
    fake_redis.replies.append({"epoch": 77, "peer_count": 3, "held_by_peers": 2})
    await acquire(limiter)
    await acquire(limiter)
    monkeypatch.setattr("cstar_async.redis._local_state.PEER_STATE_TTL", -1.0)
    await acquire(limiter)
    assert [(0, 0, 0), (77, 3, 2), (0, 0, 0)] == [
        (request["epoch"], request["peer_count"], request["held_by_peers"]) for request in fake_redis.requests
    ]


async def test_redis_that_hangs_is_unavailable(fake_redis: FakeRedis) -> None:
    """After the timeout."""
    client: Any = fake_redis
    fake_redis.may_reply.clear()
    async with RedisRateLimiter(client, name="main", timeout=0.01) as limiter:
        assert isinstance(await acquire(limiter), Permit)
        assert limiter.is_degraded


async def test_report_without_a_reply_is_repeated(
    limiter: RedisRateLimiter, fake_redis: FakeRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Responses and lost requests."""
    monkeypatch.setattr("cstar_async.redis._availability.INITIAL_RETRY_INTERVAL", 0.01)
    with_response, without_response = await asyncio.gather(acquire(limiter), acquire(limiter))
    limiter.on_response(with_response, 200, rate_headers(999), CLOCK)
    limiter.release(without_response, CLOCK)
    fake_redis.is_unavailable = True
    await acquire(limiter)
    fake_redis.is_unavailable = False
    await acquire(limiter)
    assert [(True, 1), (True, 1)] == [(request["window"]["is_new"], request["lost"]) for request in fake_redis.requests[1:3]]


async def test_closing_fails_waiting_requests_and_leaves_the_client_open(fake_redis: FakeRedis) -> None:
    """The client is the user's. Closing twice is allowed, and so is a response after it."""
    client: Any = fake_redis
    limiter = RedisRateLimiter(client, name="main")
    permit = await acquire(limiter)
    fake_redis.replies.append(closed_window())
    waiting = acquire(limiter)
    await run_until_idle()
    await limiter.aclose()
    await limiter.aclose()
    with pytest.raises(CStarError, match="closed"):
        await waiting
    with pytest.raises(CStarError, match="closed"):
        await acquire(limiter)
    limiter.on_response(permit, 200, rate_headers(5), CLOCK)
    assert (False, 1) == (fake_redis.is_closed, len(asyncio.all_tasks()))


async def test_closing_reports_the_final_state(fake_redis: FakeRedis) -> None:
    """So that a process that has ended holds no permit."""
    client: Any = fake_redis
    async with RedisRateLimiter(client, name="main") as limiter:
        limiter.on_response(await acquire(limiter), 200, rate_headers(5), CLOCK)
    assert [[0, 0], [0, 0]] == [request["held"] for request in fake_redis.requests]
    assert 5 == fake_redis.requests[-1]["window"]["remaining"]


async def test_closing_returns_the_rest_of_the_fallback(fake_redis: FakeRedis) -> None:
    """Also during a resync. No task is left."""
    client: Any = fake_redis
    async with RedisRateLimiter(client, name="main") as limiter:
        await acquire(limiter)
        fake_redis.replies += [{"resync": 9, "granted": [0, 0], "poll_after": 1.0}] * 1000
        waiting = acquire(limiter)
        await run_until_idle()
    with pytest.raises(CStarError, match="closed"):
        await waiting
    assert (True, 0) == (fake_redis.requests[-1]["in_fallback"], fake_redis.requests[-1]["fallback_left"])
    assert 1 == len(asyncio.all_tasks())
