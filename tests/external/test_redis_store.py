"""A fleet of inboxes on one store, with a real Redis: each event is handled by one of them."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from cstar_async import ConnectionFailedError
from cstar_async.webhooks import RedisStore, WebhookEvent, WebhookInbox, sign
from tests.external.redis_server import RedisServer

pytestmark = pytest.mark.external

SECRET = "whsec_fleet"
SPAN = 112_350


def body_of(number: int, about: str = "tkt_1") -> bytes:
    """An event about a ticket."""
    return json.dumps({"id": f"evt_{number}", "type": "ticket.created", "data": {"ticket": {"id": about}}}).encode()


async def deliver(inbox: WebhookInbox, body: bytes) -> int:
    """One delivery."""
    return await inbox.receive(body, {"X-Signature": sign(body, SECRET)})


@pytest_asyncio.fixture
async def redis(redis_server: RedisServer) -> AsyncIterator[Redis]:
    """A client that looks behind the store."""
    async with Redis.from_url(redis_server.url, decode_responses=True) as client:
        yield client


def store_of(server: RedisServer, **settings: Any) -> RedisStore:
    """The store of one receiver."""
    return RedisStore(server.url, name="hooks", **settings)


async def test_each_event_is_handled_by_one_receiver(redis_server: RedisServer) -> None:
    """Each of 200 events is delivered to three receivers at once, and again."""
    got: Counter[str] = Counter()
    inboxes = [WebhookInbox(SECRET, store=store_of(redis_server)) for _ in range(3)]

    async def handle(event: WebhookEvent) -> None:
        got[event.id] += 1

    for inbox in inboxes:
        inbox.on("*")(handle)
    bodies = [body_of(number, about=f"tkt_{number}") for number in range(200)]
    answers = await asyncio.gather(*(deliver(inbox, body) for body in bodies for inbox in [*inboxes, *inboxes]))
    for inbox in inboxes:
        await inbox.wait_until_idle()
        await inbox.aclose()
    assert {200} == set(answers)
    assert {f"evt_{number}": 1 for number in range(200)} == got


async def test_what_a_closed_receiver_left_goes_to_one_other(redis_server: RedisServer) -> None:
    """In the order of its arrival, at its next renewal."""
    first, *others = (store_of(redis_server) for _ in range(3))
    for number in range(3):
        assert await first.add(f"evt_{number}", body_of(number))
    await first.mark_done("evt_1")
    assert [[], []] == [await other.claim_pending() for other in others]
    await first.aclose()
    taken = await asyncio.gather(*(other.claim_pending() for other in others))
    assert [[], [("evt_0", body_of(0)), ("evt_2", body_of(2))]] == sorted(taken)
    for other in others:
        await other.aclose()


async def test_what_a_dead_receiver_left_is_taken_up_when_its_lease_is_over(redis_server: RedisServer, redis: Redis) -> None:
    """And not before."""
    dead, alive = store_of(redis_server), store_of(redis_server)
    await dead.add("evt_1", body_of(1))
    assert [] == await alive.claim_pending()
    await redis.zadd("cstar_async:{hooks}:events:receivers", {dead._receiver: 1.0})  # a minute passes
    assert [("evt_1", body_of(1))] == await alive.claim_pending()
    assert [] == await dead.claim_pending()
    await alive.aclose()
    await dead.aclose()


class Receiver:
    """A receiver in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.handled: list[str] = []
        self._answers: asyncio.Queue[str] = asyncio.Queue()
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, server: RedisServer, *, pause: float = 0.0) -> Receiver:
        """Start one, whose handlers take so many seconds."""
        settings = json.dumps({"redis": server.url, "lease": 1.0, "pause": pause})
        command, pipe = (sys.executable, "-m", "tests.external.receiver", settings), asyncio.subprocess.PIPE
        receiver = cls(await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe))
        assert "ready" == await receiver._answers.get()
        return receiver

    async def deliver(self, body: bytes) -> str:
        """Hand a delivery over, and give the status that it answers."""
        assert self.process.stdin is not None
        self.process.stdin.write(body + b"\n")
        return await self._answers.get()

    async def end(self) -> None:
        """Let it end in peace, unless it is dead."""
        if self.process.returncode is None and self.process.stdin is not None:
            self.process.stdin.close()
        await self._reading
        await self.process.wait()

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            what, _, value = line.decode().strip().partition(" ")
            if what == "handled":
                self.handled.append(value)
            else:
                await self._answers.put(value or what)


async def test_what_a_killed_receiver_took_is_handled_by_another(redis_server: RedisServer) -> None:
    """All of it, each once, a lease later; the answers were good, so cStar would not repeat it."""
    killed = await Receiver.start(redis_server, pause=3600.0)
    others = [await Receiver.start(redis_server) for _ in range(2)]
    try:
        assert ["200"] * 20 == [await killed.deliver(body_of(number)) for number in range(20)]
        assert "200" == await others[0].deliver(body_of(0))
        killed.process.kill()
        for _ in range(400):
            if sum(len(other.handled) for other in others) >= 20:
                break
            await asyncio.sleep(0.05)
    finally:
        for receiver in (killed, *others):
            await receiver.end()
    assert [[], [f"evt_{number}" for number in range(20)]] == sorted(other.handled for other in others)
    assert [] == killed.handled


async def test_living_receiver_keeps_its_events(redis_server: RedisServer) -> None:
    """An inbox renews the lease of its store, however long a handler takes."""
    may_go, got = asyncio.Event(), list[str]()
    other = store_of(redis_server)
    async with WebhookInbox(SECRET, store=store_of(redis_server, lease=1.0)) as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            await may_go.wait()
            got.append(event.id)

        assert 200 == await deliver(inbox, body_of(1))
        for _ in range(40):
            await asyncio.sleep(0.05)
            assert [] == await other.claim_pending()
        may_go.set()
        await inbox.wait_until_idle()
    await other.aclose()
    assert ["evt_1"] == got


async def test_id_is_remembered_as_long_as_cstar_repeats(redis_server: RedisServer, redis: Redis) -> None:
    """And every key of the fleet has an end and the fleet's tag; what is done leaves no body."""
    async with WebhookInbox(SECRET, store=store_of(redis_server)) as inbox:
        inbox.on("*")(ignore)
        await deliver(inbox, body_of(1))
        await inbox.wait_until_idle()
        assert 200 == await deliver(inbox, body_of(1))
        keys = await redis.keys()
        assert {"cstar_async:{hooks}:events:id:evt_1", "cstar_async:{hooks}:events:receivers"} < set(keys)
        assert all(key.startswith("cstar_async:{hooks}:events:") for key in keys)
        assert all([await redis.ttl(key) > 0 for key in keys])
        assert SPAN - 60 <= await redis.ttl("cstar_async:{hooks}:events:id:evt_1") <= SPAN
        assert not await redis.exists("cstar_async:{hooks}:events:bodies")


async def ignore(event: WebhookEvent) -> None:
    """A handler that does nothing."""


async def test_redis_that_hangs_asks_for_another_delivery(redis_server: RedisServer) -> None:
    """What it did when it went on is handled once, whoever is asked."""
    got: list[str] = []
    async with WebhookInbox(SECRET, store=store_of(redis_server, timeout=0.2)) as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            got.append(event.id)

        redis_server.suspend()
        assert 503 == await deliver(inbox, body_of(1))
        redis_server.resume()
        assert 200 == await deliver(inbox, body_of(1))
        assert 200 == await deliver(inbox, body_of(1))
        await inbox.wait_until_idle()
    assert ["evt_1"] == got


async def test_event_that_redis_took_without_saying_so_is_not_lost(redis_server: RedisServer) -> None:
    """The next delivery goes to another receiver, which leaves it to the one that has it: that one asks what is its own."""
    first, second = store_of(redis_server, timeout=0.2), store_of(redis_server)
    assert await first.add("evt_0", body_of(0))
    redis_server.suspend()
    with pytest.raises(ConnectionFailedError):
        await first.add("evt_1", body_of(1))
    redis_server.resume()
    assert await first.last_event_id() == "evt_1"
    assert await second.add("evt_1", body_of(1)) is False
    assert [("evt_1", body_of(1))] == await first.claim_pending()
    await first.aclose()
    await second.aclose()


async def test_client_that_decodes_answers_serves_as_well(redis: Redis) -> None:
    """Bodies are bytes again; the client is left open."""
    store, next_one = RedisStore(redis, name="hooks"), RedisStore(redis, name="hooks")
    await store.add("evt_1", "Łukasz".encode())
    await store.aclose()
    assert [("evt_1", "Łukasz".encode())] == await next_one.claim_pending()
    assert "evt_1" == await next_one.last_event_id()
    await next_one.aclose()
    assert await redis.ping()
