"""The Redis event store with a fake Redis: ownership, lost replies and closing."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from redis.exceptions import ReadOnlyError, ResponseError

from cstar_async import ConnectionFailedError, InvalidArgumentError
from cstar_async.redis import RedisStore
from cstar_async.webhooks import StoredEvent


class FakeStoreRedis:
    """A redis-py client that replies to each command as the test says."""

    def __init__(self) -> None:
        self.commands: list[tuple[str, ...]] = []
        self.replies: dict[str, Any] = {"accept": b"own", "attempts": 1, "done": None, "pending": [], "last": None, "leave": 1}
        self.failing: set[str] = set()
        self.errors: list[Exception] = []
        self.may_reply = asyncio.Event()
        self.may_reply.set()

    async def evalsha(self, _: str, keys: int, *args: Any) -> Any:
        """Record the command, and reply."""
        command, _receiver, _lease, *more = args[keys:]
        self.commands.append((command, *more))
        await self.may_reply.wait()
        if self.errors:
            raise self.errors[0]
        if command in self.failing:
            raise ConnectionResetError("Jane Doe")
        return self.replies[command]

    async def eval(self, *_: object) -> Any:
        """Do nothing: every script is loaded."""

    @property
    def connection_pool(self) -> FakeStoreRedis:
        """The object whose `disconnect` ends the failover."""
        return self

    async def disconnect(self, *, inuse_connections: bool) -> None:
        """Connect to the new primary from now on."""
        assert not inuse_connections
        self.errors.clear()

    async def aclose(self) -> None:
        """Do nothing: the client is the user's."""
        raise AssertionError


@pytest_asyncio.fixture
async def redis() -> FakeStoreRedis:
    """A Redis that accepts every event."""
    return FakeStoreRedis()


@pytest_asyncio.fixture
async def store(redis: FakeStoreRedis) -> AsyncIterator[RedisStore]:
    """A store with that client."""
    client: Any = redis
    store = RedisStore(client, name="hooks")
    yield store
    await store.aclose()


def test_lease_below_a_second_is_refused() -> None:
    """It could not be renewed in time."""
    with pytest.raises(InvalidArgumentError, match="lease"):
        RedisStore("redis://localhost", name="hooks", lease=0.5)


def test_webhooks_export_the_store_without_importing_redis_py() -> None:
    """The first store imports it."""
    program = "import sys; from cstar_async.webhooks import RedisStore; print('redis' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


async def test_lease_is_renewed_three_times_before_it_expires(store: RedisStore) -> None:
    """By the inbox."""
    assert 20.0 == store.lease_interval


async def test_owned_event_is_not_added_again(store: RedisStore, redis: FakeStoreRedis) -> None:
    """Redis is not asked until it is done."""
    assert [True, False] == [await store.add("evt_1", b"{}") for _ in range(2)]
    await store.mark_done("evt_1")
    redis.replies["accept"] = "other"
    assert await store.add("evt_1", b"{}") is False
    assert ["accept", "done", "accept"] == [command for command, *_ in redis.commands]


async def test_concurrent_deliveries_are_one_event(store: RedisStore, redis: FakeStoreRedis) -> None:
    """The second waits for the result of the first."""
    redis.may_reply.clear()
    first, second = (asyncio.create_task(store.add("evt_1", b"{}")) for _ in range(2))
    await asyncio.sleep(0)
    redis.may_reply.set()
    assert [True, False] == [await first, await second]


async def test_second_delivery_gets_the_event_if_the_first_is_cancelled(store: RedisStore, redis: FakeStoreRedis) -> None:
    """Redis replies that the event is this receiver's own."""
    redis.may_reply.clear()
    first, second = (asyncio.create_task(store.add("evt_1", b"{}")) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    redis.may_reply.set()
    await asyncio.gather(first, return_exceptions=True)
    assert await second is True


async def test_lost_reply_is_a_connection_failed_error(store: RedisStore, redis: FakeStoreRedis) -> None:
    """Without anything of the event."""
    redis.failing.add("accept")
    with pytest.raises(ConnectionFailedError, match="ConnectionResetError") as caught:
        await store.add("evt_1", b"{}")
    assert "Jane" not in str(caught.value)


@pytest.mark.parametrize(
    "error",
    [
        ReadOnlyError("You can't write against a read only replica."),
        ResponseError("Error running script: @user_script:50: -READONLY You can't write against a read only replica."),
        ResponseError("MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."),
    ],
)
async def test_replica_makes_the_store_connect_again(store: RedisStore, redis: FakeStoreRedis, error: Exception) -> None:
    """After a failover, the name belongs to the new primary. The command is sent again at once."""
    redis.errors.append(error)
    assert await store.add("evt_1", b"{}")
    assert ["accept", "accept"] == [command for command, *_ in redis.commands]


async def test_other_errors_of_redis_are_shown(store: RedisStore, redis: FakeStoreRedis) -> None:
    """The command is not sent again, and keys and addresses are redacted."""
    redis.errors.append(ResponseError("OOM command not allowed, sk_live_abcdefgh, jane@example.com"))
    with pytest.raises(ConnectionFailedError, match="ResponseError: OOM command not allowed, sk_live_…, …@…"):
        await store.add("evt_1", b"{}")
    assert 1 == len(redis.commands)
    redis.errors.clear()


async def test_event_of_a_lost_reply_is_pending(store: RedisStore, redis: FakeStoreRedis) -> None:
    """Redis is asked for this receiver's own events, and owned ones are left out."""
    assert await store.add("evt_1", b"{}")
    await store.claim_pending()
    redis.failing.add("accept")
    with pytest.raises(ConnectionFailedError):
        await store.add("evt_2", b"[]")
    redis.replies["pending"] = [[b"evt_1", b"{}", b"0", b"1790000000000000"], ["evt_2", "[]", "3", "1790000000500000"]]
    since = datetime.fromtimestamp(1_790_000_000.5, UTC)
    assert [StoredEvent(id="evt_2", body=b"[]", attempts=3, since=since)] == await store.claim_pending()
    assert [("pending", ""), ("pending", "own")] == [command for command in redis.commands if command[0] == "pending"]
    assert await store.add("evt_2", b"[]") is False


async def test_event_that_is_being_added_is_not_pending(store: RedisStore, redis: FakeStoreRedis) -> None:
    """It would be handled twice."""
    redis.may_reply.clear()
    redis.replies["pending"] = [[b"evt_1", b"{}", b"0", b"1790000000000000"]]
    pending, accepting = asyncio.create_task(store.claim_pending()), asyncio.create_task(store.add("evt_1", b"{}"))
    await asyncio.sleep(0)
    redis.may_reply.set()
    assert ([], True) == (await pending, await accepting)


async def test_mark_done_without_a_reply_is_repeated(store: RedisStore, redis: FakeStoreRedis) -> None:
    """By the next renewal. Otherwise another receiver would handle the event again."""
    await store.add("evt_1", b"{}")
    redis.failing.add("done")
    with pytest.raises(ConnectionFailedError):
        await store.mark_done("evt_1")
    redis.failing.clear()
    await store.claim_pending()
    await store.claim_pending()
    assert [("done", "evt_1")] * 2 == [command for command in redis.commands if command[0] == "done"]


async def test_event_that_another_receiver_has_claimed_can_be_claimed_back(store: RedisStore, redis: FakeStoreRedis) -> None:
    """Once that one has died."""
    await store.add("evt_1", b"{}")
    redis.replies["attempts"] = 0
    assert await store.record_attempts("evt_1", 1) is False
    redis.replies["pending"] = [[b"evt_1", b"{}", b"2", b"1790000000000000"]]
    assert [2] == [stored.attempts for stored in await store.claim_pending()]
    assert [] == await store.claim_pending()


async def test_last_event_id_is_that_of_any_receiver(store: RedisStore, redis: FakeStoreRedis) -> None:
    """None before the first."""
    assert await store.last_event_id() is None
    redis.replies["last"] = b"evt_7"
    assert "evt_7" == await store.last_event_id()


async def test_closing_releases_the_lease_once(store: RedisStore, redis: FakeStoreRedis) -> None:
    """Although Redis is unavailable."""
    await store.add("evt_1", b"{}")
    redis.failing.add("leave")
    await store.aclose()
    await store.aclose()
    assert [("leave",)] == [command for command in redis.commands if command[0] == "leave"]
    assert repr(store) == "RedisStore(1 events owned)"


async def test_closing_an_unused_store_sends_nothing(store: RedisStore, redis: FakeStoreRedis) -> None:
    """It has no lease."""
    await store.aclose()
    assert [] == redis.commands
