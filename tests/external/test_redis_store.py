"""Inboxes that share a store, with a real Redis: one of them handles each event."""

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
from cstar_async.webhooks import RedisStore, StoredEvent, WebhookEvent, WebhookInbox, sign
from tests.external.redis_server import RedisServer

pytestmark = pytest.mark.external

SECRET = "whsec_test"
RETRY_HORIZON = 112_350


def event_body(number: int, ticket_id: str = "tkt_1") -> bytes:
    """Return an event about a ticket."""
    return json.dumps({"id": f"evt_{number}", "type": "ticket.created", "data": {"ticket": {"id": ticket_id}}}).encode()


async def deliver(inbox: WebhookInbox, body: bytes) -> int:
    """Send one delivery to an inbox."""
    return await inbox.receive(body, {"X-Signature": sign(body, SECRET)})


@pytest_asyncio.fixture
async def redis(redis_server: RedisServer) -> AsyncIterator[Redis]:
    """A client to read the keys of the store with."""
    async with Redis.from_url(redis_server.url, decode_responses=True) as client:
        yield client


def make_store(server: RedisServer, **settings: Any) -> RedisStore:
    """Return the store of one receiver."""
    return RedisStore(server.url, name="hooks", **settings)


def pairs(stored: list[StoredEvent]) -> list[tuple[str, bytes]]:
    """Return ids and bodies."""
    return [(one.id, one.body) for one in stored]


async def test_each_event_is_handled_by_one_receiver(redis_server: RedisServer) -> None:
    """200 events, each delivered to three receivers at once and twice."""
    handled: Counter[str] = Counter()
    inboxes = [WebhookInbox(SECRET, store=make_store(redis_server)) for _ in range(3)]

    async def handle(event: WebhookEvent) -> None:
        handled[event.id] += 1

    for inbox in inboxes:
        inbox.on("*")(handle)
    bodies = [event_body(number, ticket_id=f"tkt_{number}") for number in range(200)]
    statuses = await asyncio.gather(*(deliver(inbox, body) for body in bodies for inbox in [*inboxes, *inboxes]))
    for inbox in inboxes:
        await inbox.wait_until_idle()
        await inbox.aclose()
    assert {200} == set(statuses)
    assert {f"evt_{number}": 1 for number in range(200)} == handled


async def test_events_of_a_closed_receiver_go_to_one_other(redis_server: RedisServer) -> None:
    """In the order of their arrival, at its next renewal."""
    first, *others = (make_store(redis_server) for _ in range(3))
    for number in range(3):
        assert await first.add(f"evt_{number}", event_body(number))
    await first.mark_done("evt_1")
    assert [[], []] == [await other.claim_pending() for other in others]
    await first.aclose()
    claimed = await asyncio.gather(*(other.claim_pending() for other in others))
    assert [[], [("evt_0", event_body(0)), ("evt_2", event_body(2))]] == sorted(map(pairs, claimed))
    for other in others:
        await other.aclose()


async def test_events_of_a_dead_receiver_are_claimed_when_its_lease_expires(redis_server: RedisServer, redis: Redis) -> None:
    """Not before."""
    dead, alive = make_store(redis_server), make_store(redis_server)
    await dead.add("evt_1", event_body(1))
    assert [] == await alive.claim_pending()
    await redis.zadd("cstar_async:{hooks}:events:receivers", {dead._receiver: 1.0})  # it has expired
    assert [("evt_1", event_body(1))] == pairs(await alive.claim_pending())
    assert [] == await dead.claim_pending()
    await alive.aclose()
    await dead.aclose()


class Receiver:
    """A receiver in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.handled: list[str] = []
        self._replies: asyncio.Queue[str] = asyncio.Queue()
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, server: RedisServer, *, pause: float = 0.0) -> Receiver:
        """Start a receiver whose handlers take so many seconds."""
        settings = json.dumps({"redis": server.url, "lease": 1.0, "pause": pause})
        command, pipe = (sys.executable, "-m", "tests.external.receiver", settings), asyncio.subprocess.PIPE
        receiver = cls(await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe))
        assert "ready" == await receiver._replies.get()
        return receiver

    async def deliver(self, body: bytes) -> str:
        """Send a delivery, and return the status of its response."""
        assert self.process.stdin is not None
        self.process.stdin.write(body + b"\n")
        return await self._replies.get()

    async def end(self) -> None:
        """Close its input, unless it is dead, and wait for its end."""
        if self.process.returncode is None and self.process.stdin is not None:
            self.process.stdin.close()
        await self._reading
        await self.process.wait()

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            kind, _, value = line.decode().strip().partition(" ")
            if kind == "handled":
                self.handled.append(value)
            else:
                await self._replies.put(value or kind)


async def test_events_of_a_killed_receiver_are_handled_by_another(redis_server: RedisServer) -> None:
    """All of them, each once, after a lease. Its responses were good, so cStar would not deliver them again."""
    killed = await Receiver.start(redis_server, pause=3600.0)
    others = [await Receiver.start(redis_server) for _ in range(2)]
    try:
        assert ["200"] * 20 == [await killed.deliver(event_body(number)) for number in range(20)]
        assert "200" == await others[0].deliver(event_body(0))
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


async def test_running_receiver_keeps_its_events(redis_server: RedisServer) -> None:
    """Its inbox renews the lease, however long a handler takes."""
    may_finish, handled = asyncio.Event(), list[str]()
    other = make_store(redis_server)
    async with WebhookInbox(SECRET, store=make_store(redis_server, lease=1.0)) as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            await may_finish.wait()
            handled.append(event.id)

        assert 200 == await deliver(inbox, event_body(1))
        for _ in range(40):
            await asyncio.sleep(0.05)
            assert [] == await other.claim_pending()
        may_finish.set()
        await inbox.wait_until_idle()
    await other.aclose()
    assert ["evt_1"] == handled


async def test_id_is_kept_as_long_as_cstar_may_deliver_it_again(redis_server: RedisServer, redis: Redis) -> None:
    """Every key has a TTL and the hash tag, and the body of a handled event is deleted."""
    async with WebhookInbox(SECRET, store=make_store(redis_server)) as inbox:
        inbox.on("*")(ignore)
        await deliver(inbox, event_body(1))
        await inbox.wait_until_idle()
        assert 200 == await deliver(inbox, event_body(1))
        keys = await redis.keys()
        assert {"cstar_async:{hooks}:events:id:evt_1", "cstar_async:{hooks}:events:receivers"} < set(keys)
        assert all(key.startswith("cstar_async:{hooks}:events:") for key in keys)
        assert all([await redis.ttl(key) > 0 for key in keys])
        assert RETRY_HORIZON - 60 <= await redis.ttl("cstar_async:{hooks}:events:id:evt_1") <= RETRY_HORIZON
        assert not await redis.exists("cstar_async:{hooks}:events:bodies")


async def ignore(event: WebhookEvent) -> None:
    """Handle an event by doing nothing."""


async def test_hanging_redis_asks_for_another_delivery(redis_server: RedisServer) -> None:
    """What it ran after all is handled once."""
    handled: list[str] = []
    async with WebhookInbox(SECRET, store=make_store(redis_server, timeout=0.2)) as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            handled.append(event.id)

        redis_server.suspend()
        assert 503 == await deliver(inbox, event_body(1))
        redis_server.resume()
        assert 200 == await deliver(inbox, event_body(1))
        assert 200 == await deliver(inbox, event_body(1))
        await inbox.wait_until_idle()
    assert ["evt_1"] == handled


async def test_event_of_a_lost_reply_is_not_lost(redis_server: RedisServer) -> None:
    """The next delivery goes to another receiver, which leaves it to the owner. The owner asks for its own events."""
    first, second = make_store(redis_server, timeout=0.2), make_store(redis_server)
    assert await first.add("evt_0", event_body(0))
    redis_server.suspend()
    with pytest.raises(ConnectionFailedError):
        await first.add("evt_1", event_body(1))
    redis_server.resume()
    assert await first.last_event_id() == "evt_1"
    assert await second.add("evt_1", event_body(1)) is False
    assert [("evt_1", event_body(1))] == pairs(await first.claim_pending())
    await first.aclose()
    await second.aclose()


async def test_full_redis_deletes_done_events(redis_server: RedisServer, redis: Redis) -> None:
    """It refuses new events, and says why. Leases are renewed, and ids of done events are kept."""
    store, other = make_store(redis_server), make_store(redis_server)
    assert await store.add("evt_1", event_body(1))
    await redis.config_set("maxmemory", "1")
    with pytest.raises(ConnectionFailedError, match=r"OutOfMemoryError: .*command not allowed"):
        await store.add("evt_2", event_body(2))
    assert ([], []) == (await store.claim_pending(), await other.claim_pending())
    await store.mark_done("evt_1")
    assert not await redis.exists("cstar_async:{hooks}:events:bodies")
    await redis.config_set("maxmemory", "0")
    assert (False, True) == (await other.add("evt_1", event_body(1)), await store.add("evt_2", event_body(2)))
    await store.aclose()
    await other.aclose()


async def test_failover_to_a_server_of_the_same_name(redis_server: RedisServer, redis: Redis) -> None:
    """Connections to the old primary, now a replica, are replaced within the call, and the error names the reason."""
    store = make_store(redis_server)
    assert await store.add("evt_1", event_body(1))
    before = (await redis.info("stats"))["total_connections_received"]
    await redis.replicaof("127.0.0.1", "1")
    with pytest.raises(ConnectionFailedError, match="ReadOnlyError"):
        await store.add("evt_2", event_body(2))
    await redis.execute_command("REPLICAOF", "NO", "ONE")
    assert await store.add("evt_2", event_body(2))
    assert (await redis.info("stats"))["total_connections_received"] > before
    await store.aclose()


async def test_client_that_decodes_replies_works(redis: Redis) -> None:
    """Bodies become bytes again. The client is not closed."""
    store, next_one = RedisStore(redis, name="hooks"), RedisStore(redis, name="hooks")
    await store.add("evt_1", "Łukasz".encode())
    await store.aclose()
    assert [("evt_1", "Łukasz".encode())] == pairs(await next_one.claim_pending())
    assert "evt_1" == await next_one.last_event_id()
    await next_one.add("sha256:00", b"{}")  # an event without an id
    assert "evt_1" == await next_one.last_event_id()
    await next_one.aclose()
    assert await redis.ping()
