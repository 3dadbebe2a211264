"""What a fleet of receivers remembers of events, so that each is handled by one of them."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Final

from cstar_async._types import UntypedJSON
from cstar_async.errors import ConnectionFailedError, InvalidArgumentError
from cstar_async.redis._connection import RedisConnection, RedisUnavailableError, Script, validate_name

if TYPE_CHECKING:
    from redis.asyncio import Redis
    from redis.asyncio.cluster import RedisCluster

RENEWALS_PER_LEASE: Final = 3
"""How often a lease is renewed within its time, so that one lost renewal does no harm."""


class RedisStore:
    """Keeps events in Redis, so that of any number of receivers one handles each.

    Give one to the `WebhookInbox` of each receiver, all with the same *name*::

        inbox = WebhookInbox(secret, store=RedisStore("redis://cache:6379", name="hooks"))

    A delivery that reaches two receivers is handled by the one that asked Redis first. A receiver holds its events by a lease,
    which its inbox renews; when it dies and the lease is over, one other inbox takes up what it left. Events whose handler ran when
    the receiver died are handled again, and so are those of a receiver that was cut off from Redis for longer than its lease;
    handlers should repeat without harm: derive their idempotency keys with `idempotency_key("reply", event.id)`.

    Order is kept within a receiver only. Two events of one ticket that reach two receivers may be handled in any order, or at the
    same time. Where that matters, compare what they say, or send the deliveries of a webhook to one receiver.

    What Redis loses is lost: let it write an append-only file, with `appendfsync always` if every event counts. An event that
    nobody handled for 30 days is given up.

    Args:
        client_or_url: A client of `redis.asyncio` (or its `RedisCluster`), which is used and never closed; or a URL, for a
            connection of its own, which `aclose` closes.
        name: A name for what these receivers share, such as that of the webhook.
        lease: Seconds after which a receiver that says nothing counts as dead, from 1. Default 60.
        timeout: Seconds that Redis may take to answer. Default 5: cStar waits for ten.

    Raises:
        InvalidArgumentError: An argument is not in its range.
        ImportError: redis-py is not installed; it comes with the extra `redis`.
        ConnectionFailedError: (by each method but `aclose`) Redis did not answer. Whether it did what it was asked is unknown; the
            inbox asks for another delivery, and this store finds out.
    """

    def __init__(self, client_or_url: Redis | RedisCluster | str, *, name: str, lease: float = 60.0, timeout: float = 5.0) -> None:
        if not lease >= 1:
            raise InvalidArgumentError(f"lease is a number of seconds from 1, not {lease!r}")
        self._prefix = f"cstar_async:{{{validate_name(name)}}}:events"
        self._connection = RedisConnection(client_or_url, timeout=timeout)
        self._script = Script("event_store.lua")
        self._lease = lease
        self._receiver = ""
        self._is_known = False
        # The events that this process has in hand, those about which it asks, and those that are done, as Redis has not heard yet.
        self._owned: set[str] = set()
        self._inflight: dict[str, asyncio.Event] = {}
        self._done: set[str] = set()
        # Until when Redis may hold events for this process of which it was not told: an answer was lost.
        self._unsure_until = 0.0

    def __repr__(self) -> str:
        return f"RedisStore({len(self._owned)} events in hand)"

    @property
    def lease_interval(self) -> float:
        """A third of the lease."""
        return self._lease / RENEWALS_PER_LEASE

    async def add(self, event_id: str, body: bytes) -> bool:
        """Keep an event for this receiver; False: this or another one has it, or has handled it."""
        while event_id in self._inflight:
            await self._inflight[event_id].wait()
        if event_id in self._owned:
            return False
        answered = self._inflight[event_id] = asyncio.Event()
        try:
            is_own = _text(await self._run("accept", event_id, body, about=event_id)) == "own"
        finally:
            del self._inflight[event_id]
            answered.set()
        if is_own:
            self._owned.add(event_id)
        return is_own

    async def mark_done(self, event_id: str) -> None:
        """Drop the body of an event, and keep its id as long as cStar may repeat it. Said again with the lease if it fails."""
        self._done.add(event_id)
        await self._run("done", event_id, about=event_id)
        self._done.discard(event_id)
        self._owned.discard(event_id)

    async def claim_pending(self) -> list[tuple[str, bytes]]:
        """Take over what receivers left that are gone, in the order of its arrival, and renew the lease of this one."""
        for event_id in list(self._done):
            await self.mark_done(event_id)
        is_unsure = asyncio.get_running_loop().time() < self._unsure_until
        found: list[str | bytes] = await self._run("pending", "own" if is_unsure else "")
        events = [(_text(event_id), _bytes(body)) for event_id, body in zip(found[::2], found[1::2], strict=True)]
        fresh = [(event_id, body) for event_id, body in events if event_id not in self._owned and event_id not in self._inflight]
        self._owned.update(event_id for event_id, _ in fresh)
        return fresh

    async def last_event_id(self) -> str | None:
        """The id of the event that any receiver accepted last, within the time of cStar's retries."""
        last: str | bytes | None = await self._run("last")
        return None if last is None else _text(last)

    async def aclose(self) -> None:
        """Leave the events that are not done to the other receivers, and close the connection if it is the store's own."""
        is_known, self._is_known = self._is_known, False
        try:
            if is_known:
                await self._run("leave")
        except ConnectionFailedError:
            return  # the end of the lease says it, too
        finally:
            self._is_known = False
            await self._connection.aclose()

    async def _run(self, deed: str, *more: str | bytes, about: str = "") -> UntypedJSON:
        self._connection.bind_to_loop("store of events")
        self._is_known = True
        if not self._receiver:
            # Not before: a store that is made before a fork must not be one receiver in all children.
            self._receiver = secrets.token_hex(8)
        keys = [f"{self._prefix}:{name}" for name in ("receivers", "arrivals", "owners", "bodies", "last", f"id:{about}")]
        try:
            return await self._connection.run(self._script, keys, deed, self._receiver, str(int(self._lease * 1000)), *more)
        except BaseException as error:
            self._unsure_until = asyncio.get_running_loop().time() + self._lease
            if isinstance(error, RedisUnavailableError):
                raise ConnectionFailedError(f"the Redis of the events does not answer: {error}") from None
            raise


def _text(value: str | bytes) -> str:
    """What a client gives that decodes answers, and what one gives that does not."""
    return value if isinstance(value, str) else value.decode()


def _bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value
