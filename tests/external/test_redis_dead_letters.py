"""Attempts and dead letters of receivers that share a Redis."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from redis.asyncio import Redis

from cstar_async import ConnectionFailedError
from cstar_async.webhooks import RedisStore, WebhookEvent, WebhookInbox, sign
from tests.client.store_model import CHANGES, Change, check_against_model
from tests.external.redis_server import RedisServer

pytestmark = pytest.mark.external

SECRET = "whsec_test"
PREFIX = "cstar_async:{hooks}:events:"
DAY = 24 * 3600


def event_body(number: int) -> bytes:
    """Return an event about a ticket of its own."""
    data = {"ticket": {"id": f"tkt_{number}"}}
    return json.dumps({"id": f"evt_{number}", "type": "ticket.created", "data": data}).encode()


@pytest_asyncio.fixture
async def redis(redis_server: RedisServer) -> AsyncIterator[Redis]:
    """A client to read and write the keys of the store with."""
    async with Redis.from_url(redis_server.url, decode_responses=True) as client:
        yield client


def make_store(server: RedisServer, **settings: Any) -> RedisStore:
    """Return the store of one receiver."""
    return RedisStore(server.url, name="hooks", **settings)


def make_inbox(server: RedisServer, *failing: str, **settings: Any) -> tuple[WebhookInbox, list[str]]:
    """Return an inbox whose handler raises for some events, and the list of the events that it handled."""
    inbox, handled = WebhookInbox(SECRET, store=make_store(server), max_attempts=1, **settings), list[str]()

    @inbox.on("*")
    async def handle(event: WebhookEvent) -> None:
        if event.id in failing:
            raise ValueError("Jane Doe")
        handled.append(event.id)

    return inbox, handled


async def deliver(inbox: WebhookInbox, number: int) -> int:
    """Send one delivery to an inbox."""
    body = event_body(number)
    return await inbox.receive(body, {"X-Signature": sign(body, SECRET)})


async def expire_lease(redis: Redis, store: RedisStore) -> None:
    """Let a receiver count as dead."""
    await redis.zadd(f"{PREFIX}receivers", {store._receiver: 1.0})


async def test_dead_letter_of_one_receiver_is_listed_and_tried_again_by_another(redis_server: RedisServer, redis: Redis) -> None:
    """By one of them, once. Until then, repeats are dropped; afterwards nothing is left of it but its id."""
    first, _ = make_inbox(redis_server, "evt_1")
    async with first:
        assert [await deliver(first, number) for number in (1, 2)] == [200, 200]
        await first.wait_until_idle()
    (second, handled), (third, also_handled) = make_inbox(redis_server), make_inbox(redis_server)
    async with second, third:
        assert [await deliver(inbox, 1) for inbox in (second, third)] == [200, 200]
        await second.wait_until_idle()
        (letter,) = await third.dead_letters()
        assert (letter.id, letter.body, letter.attempts) == ("evt_1", event_body(1), 1)
        assert letter.error.startswith("ValueError (test_redis_dead_letters.py:")
        assert abs(letter.failed_at.timestamp() - time.time()) < 60
        tries = await asyncio.gather(*(inbox.retry_dead_letter("evt_1") for inbox in (second, third, second)))
        assert sorted(tries) == [False, False, True]
        await second.wait_until_idle()
        await third.wait_until_idle()
        assert await second.dead_letters() == []
        assert await deliver(third, 1) == 200
    assert [*handled, *also_handled] == ["evt_1"]
    assert sorted(await redis.keys()) == [f"{PREFIX}{name}" for name in ("id:evt_1", "id:evt_2", "last")]


async def test_every_key_of_a_dead_letter_expires(redis_server: RedisServer, redis: Redis) -> None:
    """After 30 days."""
    inbox, _ = make_inbox(redis_server, "evt_1")
    async with inbox:
        await deliver(inbox, 1)
        await inbox.wait_until_idle()
        for name in ("bodies", "attempts", "dead", "errors"):
            assert 30 * DAY - 60 <= await redis.ttl(PREFIX + name) <= 30 * DAY
        assert all([await redis.ttl(key) > 0 for key in await redis.keys()])


async def test_dead_letters_older_than_30_days_are_dropped_one_by_one(redis_server: RedisServer, redis: Redis) -> None:
    """Newer ones keep the keys."""
    inbox, _ = make_inbox(redis_server, "evt_1", "evt_2")
    async with inbox:
        await deliver(inbox, 1)
        await inbox.wait_until_idle()
        await redis.zadd(f"{PREFIX}dead", {"evt_1": (time.time() - 30 * DAY - 60) * 1000})
        await deliver(inbox, 2)
        await inbox.wait_until_idle()
        assert [letter.id for letter in await inbox.dead_letters()] == ["evt_2"]
        for name in ("bodies", "attempts", "errors"):
            assert await redis.hkeys(PREFIX + name) == ["evt_2"]


async def test_attempts_of_a_dead_receiver_count(redis_server: RedisServer, redis: Redis) -> None:
    """Its handler may have ended it, and would end the next one."""
    dead = make_store(redis_server)
    for number in (1, 2):
        await dead.add(f"evt_{number}", event_body(number))
    assert await dead.record_attempts("evt_1", 1)
    await expire_lease(redis, dead)
    inbox, handled = make_inbox(redis_server)
    async with inbox:
        await inbox.wait_until_idle()
        assert [letter.id for letter in await inbox.dead_letters()] == ["evt_1"]
    assert handled == ["evt_2"]
    await dead.aclose()


async def test_receiver_that_lost_its_lease_neither_handles_nor_gives_up_an_event(redis_server: RedisServer, redis: Redis) -> None:
    """Another one has claimed it, counts the attempts and decides."""
    slow, other = make_store(redis_server), make_store(redis_server)
    await slow.add("evt_1", event_body(1))
    assert await slow.record_attempts("evt_1", 1)
    await expire_lease(redis, slow)
    assert [stored.attempts for stored in await other.claim_pending()] == [1]
    assert await other.record_attempts("evt_1", 2)
    assert await slow.record_attempts("evt_1", 5) is False
    await slow.mark_dead("evt_1", "ValueError")
    assert (await other.dead_letters(), await redis.hgetall(f"{PREFIX}attempts")) == ([], {"evt_1": "2"})
    await other.mark_done("evt_1")
    assert await other.record_attempts("evt_1", 3) is False
    await slow.aclose()
    await other.aclose()


async def test_suspended_receiver_does_not_handle_what_another_has_claimed(redis_server: RedisServer, redis: Redis) -> None:
    """It finds that out before it calls the next handler."""
    may_go, slow_handled = asyncio.Event(), list[str]()
    slow = WebhookInbox(SECRET, store=make_store(redis_server), concurrency=1)

    @slow.on("*")
    async def handle(event: WebhookEvent) -> None:
        await may_go.wait()
        slow_handled.append(event.id)

    other, handled = make_inbox(redis_server)
    async with slow:
        for number in (1, 2, 3):
            await deliver(slow, number)
        await asyncio.sleep(0.01)
        store = slow._store
        assert isinstance(store, RedisStore)
        await expire_lease(redis, store)
        async with other:
            await other.wait_until_idle()
            assert [letter.id for letter in await other.dead_letters()] == ["evt_1"]  # its attempt did not end
        may_go.set()
        await slow.wait_until_idle()
        assert await slow.dead_letters() == []
    assert (slow_handled, sorted(handled)) == (["evt_1"], ["evt_2", "evt_3"])  # of two tickets, in any order


async def test_lost_reply_of_a_requeue_is_repaired_by_the_next_renewal(redis_server: RedisServer) -> None:
    """The event is pending for this receiver, which does not have it."""
    store = make_store(redis_server, timeout=0.2)
    await store.add("evt_1", event_body(1))
    await store.mark_dead("evt_1", "ValueError")
    redis_server.suspend()
    with pytest.raises(ConnectionFailedError):
        await store.requeue_dead_letter("evt_1")
    redis_server.resume()
    assert await store.last_event_id() == "evt_1"
    assert await store.requeue_dead_letter("evt_1") is None
    assert [stored.id for stored in await store.claim_pending()] == ["evt_1"]
    assert await store.claim_pending() == []
    await store.aclose()


async def test_full_redis_records_attempts_and_dead_letters(redis_server: RedisServer, redis: Redis) -> None:
    """They take little memory, and the events of a bot would wait otherwise."""
    store = make_store(redis_server)
    await store.add("evt_1", event_body(1))
    await redis.config_set("maxmemory", "1")
    assert await store.record_attempts("evt_1", 1)
    await store.mark_dead("evt_1", "ValueError")
    assert [stored.id for stored in await store.dead_letters()] == ["evt_1"]
    await store.aclose()


async def test_keys_of_the_first_version_are_pending_without_attempts(redis_server: RedisServer, redis: Redis) -> None:
    """As its script wrote them: the events of a receiver that has ended, and of one that is still running."""
    now = int(time.time() * 1000)
    await redis.zadd(f"{PREFIX}receivers", {"old-dead": now - 1000, "old-alive": now + 60_000})
    for number, owner in enumerate(["old-dead", "old-alive", "old-dead"]):
        event_id = f"evt_{number}"
        await redis.zadd(f"{PREFIX}arrivals", {event_id: (now - 5000 + number) * 1000})
        await redis.hset(f"{PREFIX}owners", event_id, owner)
        await redis.hset(f"{PREFIX}bodies", event_id, event_body(number).decode())
        await redis.set(f"{PREFIX}id:{event_id}", "", px=112_350_000)
    await redis.set(f"{PREFIX}last", "evt_2")
    inbox, handled = make_inbox(redis_server, "evt_2")
    async with inbox:
        await inbox.wait_until_idle()
        assert inbox.stats().oldest is None
        assert [letter.id for letter in await inbox.dead_letters()] == ["evt_2"]
        assert [await deliver(inbox, number) for number in range(3)] == [200] * 3
        await inbox.wait_until_idle()
    assert handled == ["evt_0"]
    assert await redis.hgetall(f"{PREFIX}owners") == {"evt_1": "old-alive"}


@given(changes=CHANGES)
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_redis_store_behaves_like_the_model(redis_server: RedisServer, changes: list[Change]) -> None:
    """Whatever the order of calls, with restarts of the receiver."""

    async def check() -> None:
        async with Redis.from_url(redis_server.url) as client:
            await client.flushall()
        await check_against_model(lambda: make_store(redis_server), changes)

    asyncio.run(check())
