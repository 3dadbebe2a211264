"""The rate limiter for processes that share a key. It keeps the promises of `_rate_limit.limiter` for all processes together.

Each process has a queue of waiting requests (`_wait_queue`) and a copy of the shared window (`_shared_window`). To get permits, it
sends its state to Redis (`_local_state`): the permits in use, the waiting requests, and what the API stated. A script
(`rate_limiter.lua`) applies that to the shared state and replies with permits. One such exchange runs at a time (`_sync_task`). It
sends all changes since the previous one. So a hundred concurrent requests need hardly more exchanges than one.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, Literal, Self

import orjson

from cstar_async._event_loop.clock import Clock, SystemClock
from cstar_async._rate_limit.interface import Permit, validate_reserve, wait_error
from cstar_async._types import Priority, RateLimitState, UntypedJSON
from cstar_async._values.validation import check_choice, validate_count
from cstar_async.errors import CStarError, RateLimitWaitError
from cstar_async.redis._availability import MAX_RETRY_INTERVAL, Availability
from cstar_async.redis._connection import RedisConnection, RedisUnavailableError, validate_name
from cstar_async.redis._local_state import LocalState
from cstar_async.redis._shared_window import SharedWindow
from cstar_async.redis._sync_task import SyncTask
from cstar_async.redis._wait_queue import MAX_POLL_INTERVAL, Waiter, WaitQueue

if TYPE_CHECKING:
    from redis.asyncio import Redis
    from redis.asyncio.cluster import RedisCluster

_CLOSED: Final = "the rate limiter is closed"
MIN_ROUND_TRIP: Final = 0.1
"""Seconds for the exchange with Redis that even a request with max_wait=0 may take."""
LAZY_SYNC_DELAY: Final = 0.05
"""Seconds after which a response is reported that no request waits for; the next request reports it earlier."""


class RedisRateLimiter:
    """Limit the requests of one API key across any number of processes and machines.

    Create one in each process, with the same *name*, and share it between the clients of one event loop::

        async with RedisRateLimiter("redis://cache:6379", name="main") as limiter:
            async with CStarClient.from_env(rate_limiter=limiter) as cstar: ...

    * No request is sent that is known to be refused. In a new window, one request of all processes is sent first. The others wait
      for its response, but no longer than two seconds. After a 429, all processes together send growing portions.
    * Interactive requests of all processes precede background ones, which leave the reserve, and never wait for their responses.
    * Within a process and priority, requests are served in the order in which their calls began. Between processes, permits are
      divided evenly.
    * The permits of a process that dies count as used until a response to a later request states the real count.
    * While Redis is unavailable, requests use a local share of the limit, or fail, after one wait of at most *timeout*. Redis is
      tried again at least every second. A process that alone cannot reach Redis may exceed the limit by its share.
    * A Redis that lost its data grants nothing until each process has reported its state, or for two seconds and *timeout*.
      Until then, each process uses its share.
    * If the window closes while a request with a permit still waits for `max_connections`, it waits for another permit.

    Args:
        client_or_url: A `redis.asyncio` client, which is never closed; or a URL, whose connection `aclose` closes.
        name: A label for the API key, the same in all processes and for no other key. Never the key itself.
        background_reserve: Share of the limit, from 0 to below 1, that `Priority.BACKGROUND` requests leave to interactive ones.
            Default 0.10.
        on_unavailable: `"share"` (default): use a local share of what was left in the window and of each later window, but at
            least one request in each. `"error"`: raise `ConnectionFailedError`, which the client retries.
        expected_processes: The divisor for a share, from 1; at least the number of processes. Default 10.
        timeout: Seconds for one exchange with Redis, connecting included. Default 1. A request may exceed its `max_wait` by 0.1 s.

    Raises:
        InvalidArgumentError: An argument is out of range, or *name* looks like an API key.
        ImportError: redis-py is not installed; it comes with the extra `redis`.
    """

    def __init__(
        self,
        client_or_url: Redis | RedisCluster | str,
        *,
        name: str,
        background_reserve: float = 0.10,
        on_unavailable: Literal["share", "error"] = "share",
        expected_processes: int = 10,
        timeout: float = 1.0,
    ) -> None:
        check_choice("on_unavailable", on_unavailable, ("share", "error"))
        validate_count("expected_processes", expected_processes, 1)
        self._key = f"cstar_async:{{{validate_name(name)}}}:limit"
        self._connection = RedisConnection(client_or_url, owner="rate limiter", script="rate_limiter.lua", timeout=timeout)
        self._raises_when_unavailable = on_unavailable == "error"
        self._clock: Clock = SystemClock()
        self._window = SharedWindow(reserve=validate_reserve(background_reserve), expected_processes=expected_processes)
        self._local = LocalState(self._window, timeout=timeout, resync_timeout=2 * MAX_RETRY_INTERVAL + timeout)
        self._queue = WaitQueue(background_reserve)
        self._sync = SyncTask(self._sync_once)
        self._availability = Availability()
        self._fallback_from = 0.0
        self._fallback_timer: asyncio.TimerHandle | None = None

    def __repr__(self) -> str:
        return f"RedisRateLimiter(state={self.state!r}, waiting={len(self._queue)}, is_degraded={self.is_degraded})"

    @property
    def state(self) -> RateLimitState | None:
        """The rate limit as a response to this process, or Redis, stated it last; None before that."""
        return self._local.rate_limit

    @property
    def is_degraded(self) -> bool:
        """Whether Redis was unavailable at the last exchange. `ping` makes one now."""
        return self._availability.is_degraded

    async def ping(self) -> float:
        """Check that Redis can be used, and return the seconds of one exchange, which every request needs.

        It also notices a replica or missing rights. Call it at the start of a process, and in a health check.

        Raises:
            ConnectionFailedError: Redis sent no reply within *timeout*, or refused the script. The text has the reason.
            CStarError: The limiter is closed, or bound to another event loop.
        """
        self._check_usable()
        seconds = await self._sync.run()
        if self.is_degraded:
            raise self._availability.error
        return seconds

    def bind_to_loop(self) -> None:
        """Bind to the running loop at the first call; raise a `CStarError` in any other one."""
        self._connection.bind_to_loop()

    def set_initial_limit(self, limit: int) -> None:
        """Assume *limit* requests in a window until a response states it."""
        if self.state is None and self._window.in_flight == 0:
            self._window.limit = self._window.remaining = limit

    def remaining(self, priority: Priority, clock: Clock) -> int:
        """Return how many requests the window allows besides those that wait or are in flight, as of the last exchange."""
        held = len(self._queue) + (0 if self._window.in_fallback else self._local.held_by_peers)
        return max(0, self._window.calls_left(priority, clock.monotonic(), clock.time()) - held)

    def window_number(self, priority: Priority, clock: Clock) -> int:
        """Return a number that changes when the window ends, or is closed in this process; see `Limiter.window_number`."""
        return self._window.number(priority, clock.monotonic(), clock.time())

    def try_acquire(self, priority: Priority, clock: Clock) -> Permit | None:  # noqa: ARG002 -- required by the protocol
        """Return None: every permit needs an exchange with Redis, for which only `acquire` can wait."""
        return None

    async def acquire(
        self, priority: Priority, clock: Clock, *, max_wait: float, on_wait: Callable[[float], None], started: float | None = None
    ) -> Permit:
        """Wait for a permit; see `Limiter.acquire`. *on_wait* is not called if the first exchange grants it.

        Raises:
            ConnectionFailedError: Redis is unavailable, and `on_unavailable` is `"error"`.
            CStarError: The limiter is closed, or bound to another event loop.
        """
        self._check_usable()
        self._clock = clock
        seconds_until_retry = self._availability.seconds_until_retry()
        if seconds_until_retry and self._raises_when_unavailable:
            raise self._availability.error
        started = clock.monotonic() if started is None else started
        waiter = self._queue.add(priority, started, asyncio.get_running_loop().time() + max_wait, on_wait)
        self._grant_from_fallback()
        self._sync.schedule(seconds_until_retry)
        try:
            async with asyncio.timeout(max(max_wait, MIN_ROUND_TRIP)):
                return await waiter.future
        except BaseException as error:
            self._abandon(waiter)
            if isinstance(error, TimeoutError):
                raise self._wait_error(priority, self._queue.seconds_until_open(priority)) from None
            raise

    def on_response(
        self, permit: Permit, status: int, headers: Mapping[str, str], clock: Clock, *, retry_after: float | None = None
    ) -> None:
        """Return a permit whose request got a response; the next exchange reports it. See `Limiter.on_response`."""
        self._after_release(is_urgent=self._local.on_response(permit, status, headers, clock, retry_after))

    def release(self, permit: Permit, clock: Clock, *, sent: bool = True) -> None:  # noqa: ARG002 -- required by the protocol
        """Return a permit whose request got no response. If it was sent, it counts until a later response states the count."""
        self._local.release(permit, is_lost=sent)
        self._after_release(is_urgent=permit.is_probe)

    async def aclose(self) -> None:
        """Fail waiting requests, report the final state to Redis, and close the connection unless it is the user's.

        Raises:
            CStarError: The limiter is bound to another event loop.
        """
        self.bind_to_loop()
        if self._sync.is_closed:
            return
        if self._fallback_timer is not None:
            self._fallback_timer.cancel()
        try:
            self._queue.fail_all(lambda: CStarError(_CLOSED))
            if await self._sync.close() and not self.is_degraded:
                await self._sync.run()
        finally:
            await self._connection.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    def _check_usable(self) -> None:
        self.bind_to_loop()
        if self._sync.is_closed:
            raise CStarError(_CLOSED)

    def _abandon(self, waiter: Waiter) -> None:
        if waiter.future.cancelled():
            self._queue.discard(waiter)
            if not self.is_degraded:
                self._sync.schedule(LAZY_SYNC_DELAY)
        elif waiter.future.exception() is None:
            # Granted and cancelled in the same iteration of the loop: never sent, so it must not count as lost.
            self.release(waiter.future.result(), self._clock, sent=False)

    def _after_release(self, *, is_urgent: bool) -> None:
        self._grant_from_fallback()
        is_urgent = is_urgent or self.is_degraded or self._local.peers_wait or len(self._queue) > 0
        self._sync.schedule(self._availability.seconds_until_retry() if is_urgent else LAZY_SYNC_DELAY)

    async def _sync_once(self) -> None:
        request = self._local.build_request(self._queue.counts, self._clock, is_closed=self._sync.is_closed)
        try:
            reply = await self._connection.run([self._key], orjson.dumps(request))
        except RedisUnavailableError as error:
            self._on_unavailable(str(error))
        else:
            self._handle_reply(orjson.loads(reply))

    def _handle_reply(self, reply: dict[str, UntypedJSON]) -> None:
        if not self._local.read_reply(reply):
            # redis-py sent the request twice, or a clock was changed, or this process was suspended.
            self._sync.schedule(0.0)
            return
        self._availability.on_reply()
        if reply["resync"]:
            self._handle_resync(reply["resync"])
        else:
            was_in_fallback, now = self._window.in_fallback, self._clock.monotonic()
            self._local.apply_window(reply, self._clock)
            has_rest = self._queue.grant(reply, lambda permit: self._local.on_grant(permit, reply, now))
            if has_rest or was_in_fallback:
                self._sync.schedule(0.0)  # to return the permits that nobody waits for, or what is left of the fallback
        if self._queue:
            self._queue.update(reply, self._wait_error)
            self._sync.schedule(self._queue.seconds_until_poll(reply) if self._queue else LAZY_SYNC_DELAY)

    def _handle_resync(self, number: int) -> None:
        """Report at once. A resync mostly ends soon, so the fallback, which may rely on old counts, starts a little later."""
        is_first = number != self._local.resync
        if is_first:
            self._local.resync = number
            self._fallback_from = asyncio.get_running_loop().time() + MAX_POLL_INTERVAL
        self._window.enter_fallback(self._local.held_by_peers)
        self._grant_from_fallback()
        self._sync.schedule(0.0 if is_first else MAX_POLL_INTERVAL)

    def _on_unavailable(self, reason: str) -> None:
        """Continue with the fallback, and try again later."""
        self._availability.on_failure(reason)
        self._local.resync, self._fallback_from = 0, 0.0
        self._window.enter_fallback(self._local.held_by_peers)
        if self._raises_when_unavailable:
            self._queue.fail_all(lambda: self._availability.error)
        self._grant_from_fallback()
        if self._queue or self._window.in_flight:
            self._sync.schedule(self._availability.seconds_until_retry())

    def _grant_from_fallback(self) -> None:
        if not self._window.in_fallback:
            return
        is_refused = self._sync.is_closed or (self.is_degraded and self._raises_when_unavailable)
        loop = asyncio.get_running_loop()
        if not is_refused and loop.time() >= self._fallback_from:
            self._queue.grant_from(self._window, self._clock)
            if self._fallback_timer is not None:
                self._fallback_timer.cancel()
            wait = self._window.seconds_until_open(self._clock.monotonic())
            if self._queue and wait < math.inf:
                # An exchange with a Redis that hangs would take too long to be waited for.
                self._fallback_timer = loop.call_later(wait, self._grant_from_fallback)
        self._queue.notify_waits()

    def _wait_error(self, priority: Priority, wait: float) -> RateLimitWaitError:
        """Return the error for a wait that is longer than allowed; 0 if its length is unknown."""
        if not self._window.in_fallback:
            return wait_error(wait, self._clock, self.state, self._queue.blocking_losses[priority])
        if self._window.remaining > 0:
            return self._availability.wait_error(self._clock, self.state)
        return wait_error(self._window.seconds_until_end(self._clock.monotonic()), self._clock, self.state)
