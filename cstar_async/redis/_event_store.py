"""An event store that receivers share, so that one of them handles each event."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from cstar_async._model.stored_event import StoredEvent
from cstar_async._types import UntypedJSON
from cstar_async._values.validation import check_instance, check_str, invalid, is_number, validate_count
from cstar_async.errors import ConnectionFailedError
from cstar_async.redis._connection import RedisConnection, RedisUnavailableError, validate_name

if TYPE_CHECKING:
    from redis.asyncio import Redis
    from redis.asyncio.cluster import RedisCluster

_KEYS: Final = ("receivers", "arrivals", "owners", "bodies", "attempts", "dead", "errors", "last")
RENEWALS_PER_LEASE: Final = 3
"""Renewals within the time of a lease, so that one that fails does no harm."""


class RedisStore:
    """Store webhook events in Redis, for any number of receivers.

    Give one to the `WebhookInbox` of each receiver, all with the same *name*::

        inbox = WebhookInbox(secret, store=RedisStore("redis://cache:6379", name="hooks"))

    The first receiver that stores an event handles it. Its inbox renews a lease; when that expires, another inbox handles its
    events. If the receiver died during a handler, or could not reach Redis for longer than its lease, an event is handled twice.
    So derive idempotency keys in handlers with `idempotency_key("reply", event.id)`.

    Order is kept within a receiver only. If the order of two events of one ticket matters, compare their contents, or send the
    deliveries of a webhook to one receiver. Use an append-only file in Redis, with `appendfsync always` if every event counts.

    Attempts and dead letters are shared. A receiver that was suspended for longer than its lease leaves out what another one has
    claimed. Dead letters, and events that no receiver has handled, are dropped after 30 days.

    Args:
        client_or_url: A `redis.asyncio` client, which is never closed; or a URL, whose connection `aclose` closes.
        name: A label for what the receivers share, such as the name of the webhook.
        lease: Seconds without a renewal after which a receiver counts as dead, from 1. Default 60.
        timeout: Seconds for one exchange with Redis. Default 5, because cStar waits 10 seconds for a response.

    Raises:
        InvalidArgumentError: An argument is out of range.
        ImportError: redis-py is not installed; it comes with the extra `redis`.
        ConnectionFailedError: (methods except `aclose`) Redis sent no reply, and may have run the command. The inbox asks for
            another delivery, so that the store can find out.
    """

    def __init__(self, client_or_url: Redis | RedisCluster | str, *, name: str, lease: float = 60.0, timeout: float = 5.0) -> None:
        if not is_number(lease) or lease < 1:
            raise invalid("lease", "a number of seconds from 1", lease)
        self._prefix = f"cstar_async:{{{validate_name(name)}}}:events"
        self._connection = RedisConnection(client_or_url, owner="event store", script="event_store.lua", timeout=timeout)
        self._lease = lease
        self._receiver = ""
        self._has_lease = False
        self._owned: set[str] = set()
        # Events whose `add` is running, and those that are done but not yet marked in Redis.
        self._inflight: dict[str, asyncio.Event] = {}
        self._done: set[str] = set()
        # Until then Redis may hold events for this receiver that it does not have, because a reply was lost.
        self._unconfirmed_until = 0.0

    def __repr__(self) -> str:
        return f"RedisStore({len(self._owned)} events owned)"

    @property
    def lease_interval(self) -> float:
        """Seconds between two renewals: a third of the lease."""
        return self._lease / RENEWALS_PER_LEASE

    async def add(self, event_id: str, body: bytes) -> bool:
        """Store an event for this receiver. Return False if a receiver has it, or has handled it."""
        check_str("event_id", event_id)
        check_instance("body", body, bytes, "bytes", is_private=True)
        while event_id in self._inflight:
            await self._inflight[event_id].wait()
        if event_id in self._owned:
            return False
        finished = self._inflight[event_id] = asyncio.Event()
        try:
            is_own = _decode(await self._run("accept", event_id, body, event_id=event_id)) == "own"
        finally:
            del self._inflight[event_id]
            finished.set()
        if is_own:
            self._owned.add(event_id)
        return is_own

    async def mark_done(self, event_id: str) -> None:
        """Delete the body of an event, and keep its id as long as cStar may deliver it again. A renewal repeats it if it fails."""
        check_str("event_id", event_id)
        self._done.add(event_id)
        await self._run("done", event_id, event_id=event_id)
        self._done.discard(event_id)
        self._owned.discard(event_id)

    async def record_attempts(self, event_id: str, attempts: int) -> bool:
        """Set the number of attempts of an event. Return False if another receiver has claimed it."""
        check_str("event_id", event_id)
        validate_count("attempts", attempts, 0)
        if await self._run("attempts", event_id, str(attempts)):
            return True
        self._owned.discard(event_id)
        return False

    async def mark_dead(self, event_id: str, error: str) -> None:
        """Keep an event as a dead letter, unless another receiver has claimed it."""
        check_str("event_id", event_id)
        check_str("error", error)
        await self._run("dead", event_id, error)
        self._owned.discard(event_id)

    async def claim_pending(self) -> list[StoredEvent]:
        """Renew the lease, and return the events of receivers whose lease has expired, in the order of their arrival."""
        for event_id in list(self._done):
            await self.mark_done(event_id)
        is_unconfirmed = asyncio.get_running_loop().time() < self._unconfirmed_until
        events = [_to_stored(row) for row in await self._run("pending", "own" if is_unconfirmed else "")]
        new = [event for event in events if event.id not in self._owned and event.id not in self._inflight]
        self._owned.update(event.id for event in new)
        return new

    async def dead_letters(self) -> list[StoredEvent]:
        """Return the events that any receiver gave up."""
        return [_to_stored(row, scale=1e3) for row in await self._run("letters")]

    async def requeue_dead_letter(self, event_id: str) -> StoredEvent | None:
        """Make a dead letter a pending event of this receiver. None if another receiver was first."""
        check_str("event_id", event_id)
        rows = await self._run("requeue", event_id)
        if not rows:
            return None
        self._owned.add(event_id)
        return _to_stored(rows[0])

    async def last_event_id(self) -> str | None:
        """Return the id of the event that any receiver stored last, or None."""
        last: str | bytes | None = await self._run("last")
        return None if last is None else _decode(last)

    async def aclose(self) -> None:
        """Release the lease, so that other receivers handle what is not done, and close the connection unless it is the user's."""
        self._connection.bind_to_loop()
        has_lease, self._has_lease = self._has_lease, False
        try:
            if has_lease:
                with suppress(ConnectionFailedError):  # the lease expires by itself
                    await self._run("leave")
        finally:
            self._has_lease = False
            await self._connection.aclose()

    async def _run(self, command: str, *args: str | bytes, event_id: str = "") -> UntypedJSON:
        self._connection.bind_to_loop()
        self._has_lease = True
        # Not in __init__: a store that is created before a fork must be another receiver in each child.
        self._receiver = self._receiver or secrets.token_hex(8)
        keys = [f"{self._prefix}:{name}" for name in _KEYS]
        keys.append(f"{self._prefix}:id:{event_id}")
        try:
            return await self._connection.run(keys, command, self._receiver, str(int(self._lease * 1000)), *args)
        except BaseException as error:
            self._unconfirmed_until = asyncio.get_running_loop().time() + self._lease
            if isinstance(error, RedisUnavailableError):
                raise ConnectionFailedError(f"the event store cannot reach Redis: {error}") from None
            raise


def _decode(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode()


def _to_stored(row: list[str | bytes], *, scale: float = 1e6) -> StoredEvent:
    """Return the event of a row, whose time is in fractions of a second: *scale* of them."""
    event_id, body, attempts, at, *error = row
    return StoredEvent(
        id=_decode(event_id),
        body=_encode(body),
        attempts=int(attempts),
        since=datetime.fromtimestamp(float(at) / scale, UTC),
        error=_decode(error[0]) if error else None,
    )


def _encode(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value
