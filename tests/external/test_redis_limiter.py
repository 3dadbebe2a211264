"""The Redis rate limiter with a real Redis: permits, refusals and lost requests."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from redis.asyncio import Redis

from cstar_async import CStarClient, RateLimitWaitError
from cstar_async.redis import RedisRateLimiter
from tests.external.limiters import (
    BACKGROUND,
    CLOCK,
    ENDS,
    STATE,
    Pair,
    acquire,
    cancel_all,
    expect_permits,
    headers,
    make_limiter,
    use_one,
)
from tests.external.redis_server import RedisServer
from tests.external.strict_server import StrictServer

pytestmark = pytest.mark.external


def build_request(limiter: RedisRateLimiter) -> dict[str, Any]:
    """Return what the limiter would send to Redis next."""
    return limiter._local.build_request([0, 0], CLOCK, is_closed=False)


async def move_window(redis: Redis, *, opens: int) -> None:
    """Move the window, so that the next one opens in so many milliseconds."""
    state = json.loads(await redis.get(STATE))
    seconds, micros = await redis.time()
    by = seconds * 1000 + micros // 1000 + opens - state["opens"]
    await redis.set(
        STATE, json.dumps(state | {"ends": state["ends"] + by, "opens": state["opens"] + by, "closed": 0}), keepttl=True
    )


async def test_first_request_of_all_processes_is_sent_alone(pair: Pair) -> None:
    """The others wait for its response."""
    one, other = pair
    first = await acquire(one)
    rest = [acquire(one), acquire(other)]
    await expect_permits([False, False], *rest)
    one.on_response(first, 200, headers(99), CLOCK)
    await expect_permits([True, True], *rest)


async def test_next_request_is_the_probe_when_the_first_gets_no_response(pair: Pair) -> None:
    """In whichever process."""
    one, other = pair
    first, waiting = await acquire(one), acquire(other)
    await expect_permits([False], waiting)
    one.release(first, CLOCK)
    await expect_permits([True], waiting)


async def test_processes_together_get_no_more_permits_than_are_left(pair: Pair) -> None:
    """In any order."""
    one, other = pair
    await use_one(one, 3)
    tasks = [acquire(limiter) for limiter in (other, one, other, one)]
    await expect_permits(3, *tasks)
    await cancel_all(*tasks)


async def test_request_for_which_nothing_is_left_fails_with_the_time_to_retry(pair: Pair) -> None:
    """In another process than the one that got the response."""
    one, other = pair
    await use_one(one, 0)
    with pytest.raises(RateLimitWaitError) as caught:
        await acquire(other)
    assert ENDS - 2 <= caught.value.retry_at.timestamp() <= ENDS + 2


async def test_refusal_closes_the_window_for_all_processes(pair: Pair) -> None:
    """A response from before it does not open it again."""
    one, other = pair
    await use_one(one, 50)
    refused, late = await acquire(one), await acquire(one)
    one.on_response(refused, 429, {"Retry-After": "600"}, CLOCK)
    one.on_response(late, 200, headers(49), CLOCK)
    with pytest.raises(RateLimitWaitError) as caught:
        await acquire(other)
    assert 590 <= caught.value.wait <= 600


async def test_windows_open_a_second_later_if_the_server_rounds_down(pair: Pair, redis: Redis, redis_server: RedisServer) -> None:
    """One probe was refused for a second, so no process sends one earlier in a later window."""
    one, other = pair
    one.on_response(await acquire(one), 429, {"Retry-After": "1"}, CLOCK)
    with pytest.raises(RateLimitWaitError) as caught:
        await acquire(one, max_wait=0.5)
    assert caught.value.wait <= 1.0
    await move_window(redis, opens=-1)
    await use_one(other, 0)
    with pytest.raises(RateLimitWaitError) as caught:
        await acquire(one)
    assert abs(caught.value.retry_at.timestamp() - ENDS) <= 1.5
    await asyncio.sleep(0.5)  # until both have reported
    await move_window(redis, opens=2000)
    async with make_limiter(redis_server) as new:
        waiting = acquire(new)
        await expect_permits([False], waiting)
        await expect_permits([True], waiting)


async def test_use_outside_of_the_processes_counts(pair: Pair) -> None:
    """The smallest count of the window holds, whichever process read it."""
    one, other = pair
    await use_one(one, 90)
    await use_one(other, 5)
    await use_one(one, 80)
    tasks = [acquire(one) for _ in range(7)]
    await expect_permits(5, *tasks)
    await cancel_all(*tasks)


async def test_interactive_request_of_another_process_comes_first(pair: Pair) -> None:
    """Also before an earlier background one, which leaves the reserve of ten."""
    one, other = pair
    await use_one(one, 11)
    held = await acquire(one)
    background = acquire(one, priority=BACKGROUND)
    await expect_permits([False], background)
    interactive = acquire(other)
    await expect_permits([True], interactive)
    one.on_response(held, 200, headers(11), CLOCK)
    await expect_permits([False], background)
    other.on_response(await interactive, 200, headers(11), CLOCK)
    await expect_permits([True], background)


async def test_returned_permit_goes_to_another_process(pair: Pair) -> None:
    """To the request that waits there."""
    one, other = pair
    await use_one(one, 1)
    held, waiting = await acquire(one), acquire(other)
    await expect_permits([False], waiting)
    one.on_response(held, 200, headers(1), CLOCK)
    await expect_permits([True], waiting)


async def test_lost_request_counts_until_a_later_response(pair: Pair) -> None:
    """Two left, one lost: one is sent, and its response states that the server did not count the other."""
    one, other = pair
    await use_one(one, 2)
    one.release(await acquire(one), CLOCK)
    await asyncio.sleep(0.1)
    second, third = acquire(other), acquire(other)
    await expect_permits([True, False], second, third)
    other.on_response(await second, 200, headers(1), CLOCK)
    await expect_permits([True], third)


async def test_permits_of_a_dead_process_count_as_lost_when_its_lease_expires(pair: Pair, redis: Redis) -> None:
    """A later response returns what the server did not count."""
    one, other = pair
    await use_one(one, 3)
    for _ in range(2):
        await acquire(one)
    state = json.loads(await redis.get(STATE))
    state["members"][one._local._member]["lease"] = 1  # it has expired
    await redis.set(STATE, json.dumps(state), keepttl=True)
    first, *rest = (acquire(other) for _ in range(3))
    await expect_permits([True, False, False], first, *rest)
    other.on_response(await first, 200, headers(2), CLOCK)
    await expect_permits([True, True], *rest)


async def test_delayed_request_changes_nothing(pair: Pair, redis: Redis) -> None:
    """A closed connection may still deliver it."""
    one, _ = pair
    await use_one(one, 50)
    await acquire(one)
    request = json.dumps({**build_request(one), "sequence": 1, "held": [40, 0]})
    assert json.loads(await redis.eval(one._connection.script, 1, STATE, request))["refused"]
    assert 1 == json.loads(await redis.get(STATE))["members"][one._local._member]["held"][0]


async def test_request_whose_sender_stopped_waiting_changes_nothing(pair: Pair, redis: Redis) -> None:
    """A Redis that hung reads it later, when its times are wrong."""
    one, _ = pair
    await use_one(one, 50)
    await acquire(one)
    request = build_request(one)
    stale = json.dumps({**request, "held": [40, 0], "valid_until": request["valid_until"] - 20_000})
    assert json.loads(await redis.eval(one._connection.script, 1, STATE, stale))["refused"]
    assert 1 == json.loads(await redis.get(STATE))["members"][one._local._member]["held"][0]


async def test_redis_has_one_key_with_a_ttl_and_no_secret(redis_server: RedisServer, redis: Redis) -> None:
    """With a hash tag, so that a cluster keeps it on one node."""
    async with (
        StrictServer(limit=10, window=60) as server,
        make_limiter(redis_server) as limiter,
        CStarClient(api_key="sk_test_secret", team_id="team", base_url=server.url, rate_limiter=limiter) as cstar,
    ):
        await cstar.request("GET", "/tickets")
    assert [STATE] == await redis.keys()
    assert 60 < await redis.ttl(STATE) <= 120
    assert "secret" not in await redis.get(STATE)
