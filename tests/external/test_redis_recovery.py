"""The Redis rate limiter with a real Redis that restarts, hangs or loses its data."""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any

import pytest
from redis.asyncio import Redis

from cstar_async import ConnectionFailedError, CStarClient, Priority, RateLimitWaitError, RequestOptions
from cstar_async._rate_limit.interface import Permit
from cstar_async.redis import RedisRateLimiter
from tests.external.limiters import CLOCK, STATE, Pair, acquire, cancel_all, expect_permits, headers, make_limiter, use_one
from tests.external.redis_server import RedisServer
from tests.external.strict_server import StrictServer

pytestmark = pytest.mark.external


async def drop_state(redis: Redis) -> None:
    """Delete the shared state without a restart."""
    await redis.delete(STATE)


async def expire_resync(redis: Redis) -> None:
    """Let the resync reach its timeout."""
    state = json.loads(await redis.get(STATE))
    state["resync_until"] = 1
    await redis.set(STATE, json.dumps(state), keepttl=True)


async def test_restart_keeps_what_processes_report(pair: Pair, redis_server: RedisServer) -> None:
    """The new state grants nothing until each has reported what was left and what it holds."""
    one, other = pair
    await use_one(one, 5)
    held = [await acquire(one), await acquire(one)]
    assert isinstance(await acquire(other), Permit)
    redis_server.kill()
    redis_server.start()
    tasks = [acquire(other) for _ in range(4)]
    await expect_permits(0, *tasks)
    one.on_response(held[0], 200, headers(4), CLOCK)
    await expect_permits(2, *tasks)
    one.on_response(held[1], 200, headers(3), CLOCK)
    await cancel_all(*tasks)


async def test_new_state_waits_for_missing_processes_until_the_timeout(pair: Pair, redis: Redis) -> None:
    """Then a probe is sent. The permits that were reported for others count until its response."""
    one, other = pair
    await use_one(one, 5)
    await acquire(one)
    assert isinstance(await acquire(other), Permit)
    await drop_state(redis)
    tasks = [acquire(other) for _ in range(4)]
    await expect_permits(0, *tasks)
    await expire_resync(redis)
    await expect_permits(1, *tasks)
    probe = next(task for task in tasks if task.done())
    other.on_response(probe.result(), 200, headers(4), CLOCK)
    await expect_permits(4, *tasks)


async def test_new_process_does_not_end_the_resync(pair: Pair, redis: Redis, redis_server: RedisServer) -> None:
    """It has no peers, and sends a probe. When the first old process reports, the state waits for the others, too."""
    one, other = pair
    await use_one(one, 5)
    held = [await acquire(one), await acquire(one)]
    await use_one(other, 3)
    await drop_state(redis)
    async with make_limiter(redis_server) as new:
        await use_one(new, 2)
        old = acquire(other)
        await expect_permits([False], old)
        late = [acquire(new) for _ in range(3)]
        await expect_permits(0, *late)
        for permit in held:
            one.on_response(permit, 200, headers(2), CLOCK)
        await expect_permits(2, *late, old)
        await cancel_all(*late, old)


async def test_permit_numbers_are_unique(pair: Pair, redis: Redis) -> None:
    """They order requests, and those of the old state may still be in flight."""
    one, _ = pair
    await use_one(one, 50)
    before = await acquire(one)
    await drop_state(redis)
    after = await acquire(one)
    assert before.number < after.number


@pytest.mark.parametrize("fault", ["hang", "death"])
async def test_unavailable_redis_is_an_error_or_a_share_but_no_wait(fault: str, redis_server: RedisServer) -> None:
    """For requests of a client, whether Redis hangs or is down. Later they continue."""
    async with (
        StrictServer(limit=40, window=60) as server,
        RedisRateLimiter(redis_server.url, name="main", on_unavailable="error", timeout=0.2) as strict,
        RedisRateLimiter(redis_server.url, name="main", expected_processes=4, timeout=0.2) as tolerant,
        CStarClient(api_key="sk_test_a", team_id="team", base_url=server.url, rate_limiter=strict, max_retries=0) as failing,
        CStarClient(api_key="sk_test_a", team_id="team", base_url=server.url, rate_limiter=tolerant, max_retries=0) as sharing,
    ):
        for client in (failing, sharing):
            await client.request("GET", "/tickets")
        if fault == "hang":
            redis_server.suspend()
        else:
            redis_server.kill()
        with pytest.raises(ConnectionFailedError, match="Redis"):
            await failing.request("GET", "/tickets")
        for _ in range(38 // 4):
            await sharing.request("GET", "/tickets", options=RequestOptions(max_wait=5))
        with pytest.raises(RateLimitWaitError):
            await sharing.request("GET", "/tickets", options=RequestOptions(max_wait=0.3))
        if fault == "hang":
            redis_server.resume()
        else:
            redis_server.start()
        while tolerant.is_degraded:
            await sharing.request("GET", "/tickets")
    assert 0 == server.refused.total()


async def test_ping_finds_a_redis_that_no_request_can_use(redis_server: RedisServer, redis: Redis) -> None:
    """A replica that refuses to write, a user without the right to run scripts, a server that is down: each by its reason."""
    async with make_limiter(redis_server) as limiter:
        assert await limiter.ping() > 0
        await redis.replicaof("127.0.0.1", "1")
        with pytest.raises(ConnectionFailedError, match="ReadOnlyError"):
            await limiter.ping()
        await redis.execute_command("REPLICAOF", "NO", "ONE")
        await redis.acl_setuser("default", enabled=True, nopass=True, commands=["-@scripting"])
        with pytest.raises(ConnectionFailedError, match="NoPermissionError"):
            await limiter.ping()
        redis_server.kill()
        with pytest.raises(ConnectionFailedError, match="nothing was sent: ConnectionError"):
            await limiter.ping()
        redis_server.start()
        await limiter.ping()
        assert not limiter.is_degraded


async def test_client_of_the_user_is_not_closed(redis: Redis) -> None:
    """One that decodes replies works, too."""
    async with RedisRateLimiter(redis, name="main") as limiter:
        await use_one(limiter, 50)
    assert await redis.ping()


async def test_own_connection_is_closed(redis_server: RedisServer, redis: Redis) -> None:
    """Redis has no other client than the one of the test."""
    async with make_limiter(redis_server) as limiter:
        await use_one(limiter, 50)
    clients: list[Any] = await redis.client_list()
    assert 1 == len(clients)


@pytest.mark.parametrize("seed", range(20))
async def test_no_interleaving_exceeds_the_limit(seed: int, redis_server: RedisServer) -> None:
    """Three processes, 40 permits, 120 requests. Some are cancelled, get no response, or are not sent. Nearly all 40 are used.

    Only a request that finds out what lost ones have used can be refused. None is sent when a response states that nothing is left.
    """
    rng, limit = random.Random(seed), 40
    used = refused = lost = 0
    is_spent = False

    async def send_one(limiter: RedisRateLimiter) -> None:
        nonlocal used, refused, lost, is_spent
        await asyncio.sleep(rng.uniform(0, 0.1))
        priority = rng.choice(list(Priority))
        try:
            permit = await limiter.acquire(priority, CLOCK, max_wait=rng.choice([0.05, 5.0]), on_wait=lambda _: None)
        except RateLimitWaitError:
            return
        assert not is_spent
        outcome = rng.choice(["response"] * 6 + ["no response", "not sent"])
        try:
            await asyncio.sleep(rng.uniform(0, 0.01))
            if outcome != "not sent":
                is_refused = used >= limit
                refused, used = refused + is_refused, used + (not is_refused)
            response_headers = headers(limit - used, limit)
            await asyncio.sleep(rng.uniform(0, 0.01))
        except asyncio.CancelledError:
            outcome = "cancelled"
        if outcome == "response":
            limiter.on_response(permit, 200, response_headers, CLOCK)
            is_spent = is_spent or response_headers["X-RateLimit-Remaining"] == "0"
        else:
            lost += 1
            limiter.release(permit, CLOCK)

    async with (
        make_limiter(redis_server, background_reserve=0.0) as first,
        make_limiter(redis_server, background_reserve=0.0) as second,
        make_limiter(redis_server, background_reserve=0.0) as third,
    ):
        calls = [asyncio.create_task(send_one(limiter)) for limiter in (first, second, third) for _ in range(40)]
        for call in rng.sample(calls, 15):
            await asyncio.sleep(0.005)
            call.cancel()
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        await asyncio.gather(*(send_one(limiter) for limiter in (first, second, third) for _ in range(3)))
    assert all(outcome is None or isinstance(outcome, asyncio.CancelledError) for outcome in outcomes)
    assert refused <= lost
    assert used >= limit - lost
