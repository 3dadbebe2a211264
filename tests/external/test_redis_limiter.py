"""The limiter of a fleet before a real Redis: what the book does, and what becomes of calls when Redis hangs, dies or forgets."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from cstar_async import ConnectionFailedError, CStarClient, Priority, RateLimitWaitError, RequestOptions
from cstar_async._clock import SystemClock
from cstar_async._rate_limit.interface import Permit
from cstar_async.redis import RedisRateLimiter
from cstar_async.redis._rate_limiter import SharedPermit
from tests.external.redis_server import RedisServer
from tests.external.strict_server import StrictServer

pytestmark = pytest.mark.external

CLOCK = SystemClock()
BOOK = "cstar_async:{main}:limit"
ENDS = int(time.time()) + 3600
BACKGROUND = Priority.BACKGROUND


def headers(remaining: int, limit: int = 100) -> dict[str, str]:
    """What the API says of its window."""
    numbers = {"Limit": limit, "Remaining": remaining, "Reset": ENDS, "Window": 3600}
    return {f"X-RateLimit-{name}": str(number) for name, number in numbers.items()}


def ask(limiter: RedisRateLimiter, *, longest: float = 10.0, priority: Priority = Priority.INTERACTIVE) -> asyncio.Task[Permit]:
    """A call that asks for a permit."""
    return asyncio.create_task(limiter.acquire(priority, CLOCK, max_wait=longest, on_wait=lambda _: None))


async def granted(*tasks: asyncio.Task[Permit]) -> list[bool]:
    """Who has a permit, when everybody had time to ask several times."""
    await asyncio.wait(tasks, timeout=0.3)
    return [task.done() and task.exception() is None for task in tasks]


async def give_up(*tasks: asyncio.Task[Permit]) -> None:
    """End the waits."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest_asyncio.fixture
async def pair(redis_server: RedisServer) -> AsyncIterator[tuple[RedisRateLimiter, RedisRateLimiter]]:
    """Two processes, as far as Redis can tell."""
    async with RedisRateLimiter(redis_server.url, name="main") as one, RedisRateLimiter(redis_server.url, name="main") as other:
        yield one, other
    assert len(asyncio.all_tasks()) == 1


@pytest_asyncio.fixture
async def redis(redis_server: RedisServer) -> AsyncIterator[Redis]:
    """A client that looks into the book."""
    async with Redis.from_url(redis_server.url, decode_responses=True) as client:
        yield client


async def learn(limiter: RedisRateLimiter, remaining: int) -> None:
    """Make a call whose answer says what is left."""
    limiter.on_response(await ask(limiter), 200, headers(remaining), CLOCK)


async def move(redis: Redis, *, opens: int) -> None:
    """The window counts as over so many milliseconds from now; its stated end keeps its distance from that."""
    book = json.loads(await redis.get(BOOK))
    seconds, micros = await redis.time()
    by = seconds * 1000 + micros // 1000 + opens - book["opens"]
    await redis.set(BOOK, json.dumps(book | {"ends": book["ends"] + by, "opens": book["opens"] + by, "closed": 0}), keepttl=True)


Pair = tuple[RedisRateLimiter, RedisRateLimiter]


async def test_first_call_of_the_fleet_goes_alone(pair: Pair) -> None:
    """The others, wherever they are, follow when its answer is seen."""
    one, other = pair
    first = await ask(one)
    rest = [ask(one), ask(other)]
    assert [False, False] == await granted(*rest)
    one.on_response(first, 200, headers(99), CLOCK)
    assert [True, True] == await granted(*rest)


async def test_next_goes_ahead_when_the_first_has_no_answer(pair: Pair) -> None:
    """It was lost, and taught nothing."""
    one, other = pair
    first, waiting = await ask(one), ask(other)
    assert [False] == await granted(waiting)
    one.release(first, CLOCK)
    assert [True] == await granted(waiting)


async def test_fleet_has_no_more_calls_than_are_left(pair: Pair) -> None:
    """Whoever asks; and the wait that would be too long says when to come back."""
    one, other = pair
    await learn(one, 3)
    tasks = [ask(limiter) for limiter in (other, one, other, one)]
    assert 3 == sum(await granted(*tasks))
    await give_up(*tasks)


async def test_call_for_which_nothing_is_left_is_told_when_to_come_back(pair: Pair) -> None:
    """By another process than the one that learned it."""
    one, other = pair
    await learn(one, 0)
    with pytest.raises(RateLimitWaitError) as caught:
        await ask(other)
    assert ENDS - 2 <= caught.value.retry_at.timestamp() <= ENDS + 2


async def test_refusal_closes_the_window_for_everybody(pair: Pair) -> None:
    """An answer from before it does not open it again."""
    one, other = pair
    await learn(one, 50)
    refused, late = await ask(one), await ask(one)
    one.on_response(refused, 429, {"Retry-After": "600"}, CLOCK)
    one.on_response(late, 200, headers(49), CLOCK)
    with pytest.raises(RateLimitWaitError) as caught:
        await ask(other)
    assert 590 <= caught.value.wait <= 600


async def test_window_opens_a_second_later_where_the_server_rounds_down(
    pair: Pair, redis: Redis, redis_server: RedisServer
) -> None:
    """Whoever went ahead was refused for a second: no process goes into a later window before that is over, too."""
    one, other = pair
    one.on_response(await ask(one), 429, {"Retry-After": "1"}, CLOCK)
    with pytest.raises(RateLimitWaitError) as caught:
        await ask(one, longest=0.5)
    assert caught.value.wait <= 1.0
    await move(redis, opens=-1)
    await learn(other, 0)
    with pytest.raises(RateLimitWaitError) as caught:
        await ask(one)
    assert abs(caught.value.retry_at.timestamp() - ENDS) <= 1.5
    await asyncio.sleep(0.1)  # and both have said all there is to say
    await move(redis, opens=500)
    async with RedisRateLimiter(redis_server.url, name="main") as new:
        waiting = ask(new)
        assert [False] == await granted(waiting)
        assert [True] == await granted(waiting)


async def test_what_others_outside_of_the_fleet_spend_counts(pair: Pair) -> None:
    """The smallest number of the window holds, whichever process heard it."""
    one, other = pair
    await learn(one, 90)
    await learn(other, 5)
    await learn(one, 80)
    tasks = [ask(one) for _ in range(7)]
    assert 5 == sum(await granted(*tasks))
    await give_up(*tasks)


async def test_interactive_call_of_another_process_goes_first(pair: Pair) -> None:
    """Also before a background one that came earlier, and that leaves the reserve of ten."""
    one, other = pair
    await learn(one, 11)
    held = await ask(one)
    background = ask(one, priority=BACKGROUND)
    assert [False] == await granted(background)
    interactive = ask(other)
    assert [True] == await granted(interactive)
    one.on_response(held, 200, headers(11), CLOCK)
    assert [False] == await granted(background)
    other.on_response(await interactive, 200, headers(11), CLOCK)
    assert [True] == await granted(background)


async def test_last_permit_comes_back_with_a_cancelled_wait(pair: Pair) -> None:
    """Who waits in another process has it."""
    one, other = pair
    await learn(one, 1)
    held, waiting = await ask(one), ask(other)
    assert [False] == await granted(waiting)
    one.on_response(held, 200, headers(1), CLOCK)
    assert [True] == await granted(waiting)


async def test_lost_call_counts_until_a_later_one_tells(pair: Pair) -> None:
    """Two left, one lost: one goes, and its answer says that the server never saw the other."""
    one, other = pair
    await learn(one, 2)
    one.release(await ask(one), CLOCK)
    await asyncio.sleep(0.1)
    second, third = ask(other), ask(other)
    assert [True, False] == await granted(second, third)
    other.on_response(await second, 200, headers(1), CLOCK)
    assert [True] == await granted(third)


async def test_calls_of_a_dead_process_count_as_lost_when_its_lease_is_over(pair: Pair, redis: Redis) -> None:
    """Then a later answer frees what the server never counted."""
    one, other = pair
    await learn(one, 3)
    for _ in range(2):
        await ask(one)
    book = json.loads(await redis.get(BOOK))
    book["members"][one._member]["lease"] = 1  # a minute passes
    await redis.set(BOOK, json.dumps(book), keepttl=True)
    first, *rest = (ask(other) for _ in range(3))
    assert [True, False, False] == await granted(first, *rest)
    other.on_response(await first, 200, headers(2), CLOCK)
    assert [True, True] == await granted(*rest)


async def test_word_that_comes_late_changes_nothing(pair: Pair, redis: Redis) -> None:
    """A connection that was given up may still deliver it."""
    one, _ = pair
    await learn(one, 50)
    await ask(one)
    word = json.dumps({**one._build_request(), "turn": 1, "held": 40})
    assert json.loads(await redis.eval(one._script.text, 1, BOOK, word))["late"]
    assert 1 == json.loads(await redis.get(BOOK))["members"][one._member]["held"]


async def test_word_whose_sender_listens_no_more_changes_nothing(pair: Pair, redis: Redis) -> None:
    """A Redis that hung reads it later, and the times in it are wrong by so much."""
    one, _ = pair
    await learn(one, 50)
    await ask(one)
    word = one._build_request()
    stale = json.dumps({**word, "held": 40, "listens_until": word["listens_until"] - 2000})
    assert json.loads(await redis.eval(one._script.text, 1, BOOK, stale))["late"]
    assert 1 == json.loads(await redis.get(BOOK))["members"][one._member]["held"]


async def test_redis_holds_one_key_with_an_end_and_no_secret(redis_server: RedisServer, redis: Redis) -> None:
    """Under the fleet's tag, so that a cluster keeps it in one place."""
    async with (
        StrictServer(limit=10, window=60) as server,
        RedisRateLimiter(redis_server.url, name="main") as limiter,
        CStarClient(api_key="sk_test_secret", team_id="team", base_url=server.url, rate_limiter=limiter) as cstar,
    ):
        await cstar.request("GET", "/tickets")
    assert [BOOK] == await redis.keys()
    assert 60 < await redis.ttl(BOOK) <= 120
    assert "secret" not in await redis.get(BOOK)


async def forget(redis: Redis) -> None:
    """The book is gone, and nobody noticed."""
    await redis.delete(BOOK)


async def wait_long(redis: Redis) -> None:
    """A gathering goes on for as long as it may."""
    book = json.loads(await redis.get(BOOK))
    book["until_gathered"] = 1
    await redis.set(BOOK, json.dumps(book), keepttl=True)


async def test_restart_loses_nothing_that_a_process_knows(pair: Pair, redis_server: RedisServer) -> None:
    """The new book grants nothing until each has told what was left, and what it holds."""
    one, other = pair
    await learn(one, 5)
    held = [await ask(one), await ask(one)]
    assert isinstance(await ask(other), Permit)
    redis_server.kill()
    redis_server.start()
    tasks = [ask(other) for _ in range(4)]
    assert 0 == sum(await granted(*tasks))
    one.on_response(held[0], 200, headers(4), CLOCK)
    assert 2 == sum(await granted(*tasks))
    one.on_response(held[1], 200, headers(3), CLOCK)
    await give_up(*tasks)


async def test_new_book_waits_for_nobody_who_does_not_come(pair: Pair, redis: Redis) -> None:
    """Then one call goes first; what was said of the calls of others holds until its answer tells."""
    one, other = pair
    await learn(one, 5)
    await ask(one)
    assert isinstance(await ask(other), Permit)
    await forget(redis)
    tasks = [ask(other) for _ in range(4)]
    assert 0 == sum(await granted(*tasks))
    await wait_long(redis)
    assert 1 == sum(await granted(*tasks))
    ahead = next(task for task in tasks if task.done())
    other.on_response(ahead.result(), 200, headers(4), CLOCK)
    assert 4 == sum(await granted(*tasks))


async def test_new_process_does_not_make_a_new_book_trusted(pair: Pair, redis: Redis, redis_server: RedisServer) -> None:
    """It knows of nobody, and goes ahead; when the first of the old ones comes, the book waits for the others, too."""
    one, other = pair
    await learn(one, 5)
    held = [await ask(one), await ask(one)]
    await learn(other, 3)
    await forget(redis)
    async with RedisRateLimiter(redis_server.url, name="main") as new:
        await learn(new, 2)
        old = ask(other)
        assert [False] == await granted(old)
        late = [ask(new) for _ in range(3)]
        assert 0 == sum(await granted(*late))
        for permit in held:
            one.on_response(permit, 200, headers(2), CLOCK)
        assert 2 == sum(await granted(*late, old))
        await give_up(*late, old)


async def test_number_of_a_permit_is_given_once(pair: Pair, redis: Redis) -> None:
    """By numbers earlier calls are told from later ones, and those of the old book may still be on their way."""
    one, _ = pair
    await learn(one, 50)
    before = await ask(one)
    await forget(redis)
    after = await ask(one)
    assert isinstance(before, SharedPermit)
    assert isinstance(after, SharedPermit)
    assert before.number < after.number


@pytest.mark.parametrize("fault", ["hang", "death"])
async def test_redis_away_is_an_error_or_a_share_but_no_wait(fault: str, redis_server: RedisServer) -> None:
    """For calls of a client, whether Redis hangs or is gone; and when it is back, the fleet goes on."""
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
        briefly = RequestOptions(max_wait=0.3)
        for _ in range(38 // 4):
            await sharing.request("GET", "/tickets", options=briefly)
        with pytest.raises(RateLimitWaitError):
            await sharing.request("GET", "/tickets", options=briefly)
        if fault == "hang":
            redis_server.resume()
        else:
            redis_server.start()
        while tolerant.is_degraded:
            await sharing.request("GET", "/tickets")
    assert 0 == server.refused.total()


async def test_handed_in_client_is_left_open(redis: Redis) -> None:
    """It is the user's own; one that decodes answers serves as well."""
    async with RedisRateLimiter(redis, name="main") as limiter:
        await learn(limiter, 50)
    assert await redis.ping()


async def test_own_connection_is_closed(redis_server: RedisServer, redis: Redis) -> None:
    """Redis sees the client that looks, and no other."""
    async with RedisRateLimiter(redis_server.url, name="main") as limiter:
        await learn(limiter, 50)
    clients: list[Any] = await redis.client_list()
    assert 1 == len(clients)


@pytest.mark.parametrize("seed", range(20))
async def test_no_interleaving_sends_a_call_too_many(seed: int, redis_server: RedisServer) -> None:
    """Three processes, 40 calls left, 120 wanted: some give up, lose their answer, or are never sent. Nearly all 40 are used."""
    chance, limit = random.Random(seed), 40
    used = refused = lost = 0

    async def one(limiter: RedisRateLimiter) -> None:
        nonlocal used, refused, lost
        await asyncio.sleep(chance.uniform(0, 0.1))
        priority = chance.choice(list(Priority))
        try:
            permit = await limiter.acquire(priority, CLOCK, max_wait=chance.choice([0.05, 5.0]), on_wait=lambda _: None)
        except RateLimitWaitError:
            return
        fate = chance.choice(["answered"] * 6 + ["answer lost", "not sent"])
        try:
            await asyncio.sleep(chance.uniform(0, 0.01))
            if fate != "not sent":
                is_refused = used >= limit
                refused, used = refused + is_refused, used + (not is_refused)
            said = headers(limit - used, limit)
            await asyncio.sleep(chance.uniform(0, 0.01))
        except asyncio.CancelledError:
            fate = "cancelled"
        if fate == "answered":
            limiter.on_response(permit, 200, said, CLOCK)
        else:
            lost += 1
            limiter.release(permit, CLOCK)

    async with (
        RedisRateLimiter(redis_server.url, name="main", background_reserve=0.0) as first,
        RedisRateLimiter(redis_server.url, name="main", background_reserve=0.0) as second,
        RedisRateLimiter(redis_server.url, name="main", background_reserve=0.0) as third,
    ):
        calls = [asyncio.create_task(one(limiter)) for limiter in (first, second, third) for _ in range(40)]
        for call in chance.sample(calls, 15):
            await asyncio.sleep(0.005)
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        await asyncio.gather(*(one(limiter) for limiter in (first, second, third) for _ in range(3)))
    assert 0 == refused
    assert used >= limit - lost
