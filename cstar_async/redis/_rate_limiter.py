"""The limiter of a fleet: each process has a queue, and all of them keep one book, in Redis.

A process says to the book how many permits its calls hold, how many more are wanted, and what it learned from the answers of the
API; the book answers with permits (`rate_limiter.lua`). One such exchange is under way at a time, and carries everything that came
up meanwhile: a hundred calls at once need hardly more of them than one. So permits are never fetched ahead, and none lies idle in one
process while another waits.

There is a task only while there is something to say. It ends by itself a moment after the last answer.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Final, Literal, Self

import orjson

from cstar_async._clock import Clock, SystemClock
from cstar_async._protocol import headers as _headers
from cstar_async._protocol.headers import parse_rate_limit, to_datetime
from cstar_async._rate_limit.interface import Permit
from cstar_async._rate_limit.window import REPROBE_DELAY, ProbeState
from cstar_async._types import Priority, RateLimitState, UntypedJSON
from cstar_async.errors import ConnectionFailedError, CStarError, InvalidArgumentError, RateLimitWaitError
from cstar_async.redis._connection import RedisConnection, RedisUnavailableError, Script, validate_name
from cstar_async.redis._shared_window import SharedWindow

if TYPE_CHECKING:
    from redis.asyncio import Redis
    from redis.asyncio.cluster import RedisCluster

LOGGER: Final = logging.getLogger("cstar_async")

MIN_ROUND_TRIP: Final = 0.1
"""Seconds that asking may take where the call may not wait at all: to ask is not to wait."""
LAZY_SYNC_DELAY: Final = 0.05
"""Seconds after which an answer is told that nobody waits for; the next call takes it along."""
FIRST_RETRY: Final = 0.1
"""Seconds until a Redis that does not answer is asked again; each further pause is twice as long."""
RETRY: Final = 1.0
"""Seconds: the longest pause before a Redis that is away is asked again."""
MAX_POLL_INTERVAL: Final = 0.25
"""Seconds: the longest pause between two questions while an answer of anybody may leave room."""
PEER_STATE_TTL: Final = 60.0
"""Seconds after which what a process heard of the others says nothing any more: the book would take them for dead."""
RENEWAL: Final = 20.0
"""Seconds: the longest pause of a process whose calls wait, so that the book does not take it for dead."""


class _Waiter:
    """A call in the queue."""

    __slots__ = ("deadline", "on_wait", "turn")

    def __init__(self, latest: float, announce: Callable[[float], None]) -> None:
        self.deadline = latest
        self.on_wait: Callable[[float], None] | None = announce
        self.turn: asyncio.Future[Permit] = asyncio.get_running_loop().create_future()


class RedisRateLimiter:
    """One key's budget of calls, for any number of processes and machines.

    Give each process its own, all with the same *name*; in a process, share it between all clients of one event loop. It does what
    `RateLimiter` does, with one exchange with Redis before each call, which calls at the same time share::

        async with RedisRateLimiter("redis://cache:6379", name="main") as limiter:
            async with CStarClient.from_env(rate_limiter=limiter) as cstar: ...

    What is promised
        * No call is sent that the fleet knows will be refused. When a window opens, or the book is new, one call of the whole fleet
          goes first and learns; the others follow.
        * Interactive calls of all processes go before background ones, which leave the reserve.
        * Within a process calls go first-in first-out within a priority. Between processes room is shared out evenly, first to
          the process that was served the longest ago: whoever waits is served, however many calls wait elsewhere. Which of two
          calls in two processes came first is not known.
        * The permits of a process that dies count as spent until an answer to a later call tells how many were, or the window
          ends. Whoever went ahead and says nothing is replaced after 10 seconds.
        * A Redis that lost its memory, or was away, grants nothing until each process has said anew how it stands. That takes a
          moment where all have calls, and never longer than two seconds and *timeout*; what lasts, they bridge by their shares.
        * A call that has its permit may still wait for one of its client's `max_connections`: a process with few of them and many
          calls at once holds permits that others could use earlier.

    While Redis is away
        A call waits for it no longer than *timeout*, once. Then, and until Redis answers again, which is tried at least each second
        as long as there are calls, they go by a local share of the limit, or fail. One of them goes first, and where little is left
        few go at once, for what this process knew may be old. A process that is cut off alone spends its share beside what the
        others spend by the book, so that the limit may be passed by as much.

    Args:
        client_or_url: A client of `redis.asyncio` (or its `RedisCluster`), which is used and never closed; or a URL, for a
            connection of its own, which `aclose` closes.
        name: A name for the API key, the same in the whole fleet and for no other key. Never the key itself.
        background_reserve: Share of the limit, 0 to below 1, that `Priority.BACKGROUND` calls leave to interactive ones. Default 0.10.
        on_unavailable: What becomes of calls while Redis is away. `"share"`, the default: this process uses a
            *expected_processes*-th of what was left in the window, and of each further one, and at least a call of each. `"error"`: `ConnectionFailedError`, with
            nothing sent; the client retries it like any lost connection.
        expected_processes: What the limit is divided by while Redis is away, from 1; at least the number of processes. Default 10.
        timeout: Seconds that one exchange may take, connecting included. Default 1. Neither `max_wait` nor the deadline of a call
            is passed by more than 0.1 s.

    Raises:
        InvalidArgumentError: An argument is not in its range, or *name* looks like an API key.
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
        if not 0 <= background_reserve < 1:
            raise InvalidArgumentError(f"background_reserve must be from 0 to below 1, got {background_reserve!r}")
        if on_unavailable not in {"share", "error"}:
            raise InvalidArgumentError(f"on_unavailable must be 'share' or 'error', got {on_unavailable!r}")
        if not expected_processes >= 1:
            raise InvalidArgumentError(f"expected_processes must be an int of at least 1, got {expected_processes!r}")
        self._state_key = f"cstar_async:{{{validate_name(name)}}}:limit"
        self._connection = RedisConnection(client_or_url, timeout=timeout)
        self._script = Script("rate_limiter.lua")
        self._member = ""
        self._fails_when_away = on_unavailable == "error"
        self._clock: Clock = SystemClock()
        self._window = SharedWindow(reserve=background_reserve, share=expected_processes)
        self._queues: dict[Priority, deque[_Waiter]] = {priority: deque() for priority in Priority}
        self._state: RateLimitState | None = None
        self._is_closed = False
        # The conversation.
        self._talking: asyncio.Task[None] | None = None
        self._due: float | None = None
        self._earlier: asyncio.Event = asyncio.Event()
        self._sequence = 0
        self._pause = 0.0
        self._is_away = False
        self._retry_at = 0.0
        self._retry = FIRST_RETRY
        self._timeout = timeout
        self._resync_timeout = 2 * RETRY + timeout
        # What the book said of itself: its time less that of the loop, its name, its gathering, how many others there are.
        self._ahead_of_loop: float | None = None
        self._epoch = 0
        self._heard_at = 0.0
        self._gathering = 0
        self._peer_count = 0
        self._alone_from = 0.0
        self._held_by_peers = 0
        self._others_wait = False
        self._opens: dict[Priority, float] = dict.fromkeys(Priority, 0.0)
        # What the book has not heard yet.
        self._has_news = False
        self._was_refused = False
        self._newest = 0
        self._lost = 0
        # The permit with which this process went ahead, and the last one that came back with an answer.
        self._ahead = 0
        self._learned = 0

    def __repr__(self) -> str:
        return f"RedisRateLimiter(state={self.state!r}, waiting={self._waiting()}, is_away={self._is_away})"

    @property
    def state(self) -> RateLimitState | None:
        """The rate limit as an answer to this process, or the book, last stated it; None before the first of either."""
        return self._state

    @property
    def is_degraded(self) -> bool:
        """Whether Redis did not answer when it was last asked."""
        return self._is_away

    def bind_to_loop(self) -> None:
        """Refuse every loop but the first: the connection to Redis belongs to it."""
        self._connection.bind_to_loop("rate limiter")

    def set_initial_limit(self, limit: int) -> None:
        """Take *limit* as the calls of a window until an answer says otherwise."""
        if self._state is None and self._window.in_flight == 0:
            self._window.limit = self._window.remaining = limit

    def remaining(self, priority: Priority, clock: Clock) -> int:
        """Calls of this priority that the window still has, without those that wait and those on their way.

        As of this process's last word with the book; while Redis is away, it is what is left of the share.
        """
        elsewhere = 0 if self._window.in_fallback else self._held_by_peers
        return max(0, self._window.calls_left(priority, clock.monotonic()) - elsewhere - self._waiting())

    def try_acquire(self, priority: Priority, clock: Clock) -> Permit | None:  # noqa: ARG002 -- the protocol's arguments
        """None: a permit of the fleet is worth an exchange, which `acquire` has."""
        return None

    async def acquire(self, priority: Priority, clock: Clock, *, max_wait: float, on_wait: Callable[[float], None]) -> Permit:
        """Ask the book for a permit, and wait for it if there is none.

        Args:
            priority: Whose turn it is when there is room.
            clock: Reads the times of the API's answers. What waits is measured by the event loop.
            max_wait: Seconds after which the wait fails.
            on_wait: Called with the seconds that the wait is expected to take, 0 if that cannot be told. Not called where the
                book grants the permit when it is first asked.

        Raises:
            RateLimitWaitError: The wait would be, or became, longer than *max_wait*. No permit was taken.
            ConnectionFailedError: Redis is away, and calls are to fail then.
            CStarError: The limiter is closed, or works in another event loop.
        """
        self._connection.bind_to_loop("rate limiter")
        if self._is_closed:
            raise CStarError("this rate limiter is closed")
        if not self._member:
            # Not before: a limiter that is made before a fork must not be one member in all children.
            self._member = secrets.token_hex(8)
        self._clock = clock
        now = asyncio.get_running_loop().time()
        if self._is_away and self._fails_when_away and now < self._retry_at:
            raise _away()
        waiter = _Waiter(now + max_wait, on_wait)
        queue = self._queues[priority]
        queue.append(waiter)
        if self._window.in_fallback:
            self._grant_from_fallback()
        self._schedule_sync(max(0.0, self._retry_at - now) if self._is_away else 0.0)
        try:
            async with asyncio.timeout(max(max_wait, MIN_ROUND_TRIP)):
                return await waiter.turn
        except BaseException as error:
            self._give_up(waiter, queue)
            if isinstance(error, TimeoutError):
                raise self._too_long(priority) from None
            raise

    def on_response(self, permit: Permit, status: int, headers: Mapping[str, str], clock: Clock) -> None:
        """The call was answered: learn from it, and tell the book with the next word."""
        mirror, before = self._window, self._window.remaining
        if not mirror.update_fast(status, headers):
            mirror.update(status, headers, clock.monotonic(), clock.time())
        if _headers.RATE_LIMIT in headers:
            self._state = parse_rate_limit(headers) or self._state
        self._has_news = True
        self._was_refused = self._was_refused or status == 429
        number, is_ahead = permit.number, permit.is_probe
        self._newest = max(self._newest, number)
        mirror.release(is_probe=is_ahead, answered=status < 500)
        mirror.note_answer()
        if is_ahead:
            self._ahead = 0
            if mirror.probe_state is ProbeState.KNOWN:
                self._learned = number
        # Fewer left than this fleet can have used: somebody else has the key, too.
        is_less = before - mirror.remaining > 1 + mirror.in_flight + self._held_by_peers
        self._after_answer(is_urgent=is_ahead or is_less or status == 429)

    def release(self, permit: Permit, clock: Clock, *, sent: bool = True) -> None:  # noqa: ARG002 -- the protocol's arguments
        """The call ended without an answer. If it was sent, it counts as spent until an answer to a later one tells."""
        self._put_back(permit, is_lost=sent)

    async def aclose(self) -> None:
        """Tell the book what it has not heard yet, and close the connection if it is the limiter's own. May be called twice.

        Calls that wait end with a `CStarError`; those on their way may still end in peace.
        """
        if self._is_closed:
            return
        self._is_closed = True
        talking, is_unsaid = self._talking, self._due is not None or self._talking is not None
        self._due = None
        self._fail_all(lambda: CStarError("this rate limiter is closed"))
        try:
            if talking is not None:
                talking.cancel()
                await asyncio.gather(talking, return_exceptions=True)
            if is_unsaid and not self._is_away:
                await self._sync_once()
        finally:
            await self._connection.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def _waiting(self) -> int:
        return sum(map(len, self._queues.values()))

    def _give_up(self, waiter: _Waiter, queue: deque[_Waiter]) -> None:
        """A call does not wait any more."""
        turn = waiter.turn
        if turn.cancelled():
            if waiter in queue:
                queue.remove(waiter)
            if not self._is_closed and not self._is_away:
                self._schedule_sync(LAZY_SYNC_DELAY)
        elif turn.exception() is None:
            # Granted and given up in the same turn of the loop: never sent, so nothing is lost.
            self._put_back(turn.result(), is_lost=False)

    def _put_back(self, permit: Permit, *, is_lost: bool) -> None:
        is_ahead = permit.is_probe
        self._window.release(is_probe=is_ahead, answered=False)
        if is_ahead:
            self._ahead = 0
        elif is_lost:
            self._lost += 1
        self._after_answer(is_urgent=is_ahead)

    def _after_answer(self, *, is_urgent: bool) -> None:
        """A permit is free: let the next call have it, here or elsewhere."""
        if self._is_closed:
            return
        if self._window.in_fallback:
            self._grant_from_fallback()
        if self._is_away:
            self._schedule_sync(max(0.0, self._retry_at - asyncio.get_running_loop().time()))
        else:
            self._schedule_sync(0.0 if is_urgent or self._others_wait or self._waiting() else LAZY_SYNC_DELAY)

    # The conversation with the book.

    def _schedule_sync(self, within: float) -> None:
        """Say how things are, so many seconds from now at the latest."""
        if self._is_closed:
            return  # `aclose` has the last word
        at = asyncio.get_running_loop().time() + within
        if self._due is None or at < self._due:
            self._due = at
            self._earlier.set()
        if self._talking is None:
            self._talking = asyncio.get_running_loop().create_task(self._sync_loop(), name="cstar_async rate limit")

    async def _sync_loop(self) -> None:
        """Say what there is to say when it is due, until there is nothing more."""
        loop = asyncio.get_running_loop()
        try:
            while self._due is not None:
                self._earlier.clear()
                pause = self._due - loop.time()
                if pause > 0:
                    try:
                        async with asyncio.timeout(pause):
                            await self._earlier.wait()
                    except TimeoutError:
                        pass
                    continue
                self._due = None
                await self._sync_once()
        finally:
            self._talking = None

    async def _sync_once(self) -> None:
        """One word to the book, and its answer."""
        word = self._build_request()
        news = self._has_news, self._was_refused
        self._has_news = self._was_refused = False
        lost, self._lost = self._lost, 0
        try:
            said = await self._connection.run(self._script, [self._state_key], orjson.dumps(word))
        except BaseException as error:
            # Not heard, as far as anybody knows: it is said again.
            self._has_news, self._was_refused = self._has_news or news[0], self._was_refused or news[1]
            self._lost += lost
            if not isinstance(error, RedisUnavailableError):
                raise
            self._on_unavailable(str(error))
        else:
            self._handle_reply(orjson.loads(said))

    def _build_request(self) -> dict[str, UntypedJSON]:
        """How things are in this process; `rate_limiter.lua` reads it."""
        self._sequence += 1
        mirror, now = self._window, self._clock.monotonic()
        word: dict[str, UntypedJSON] = {
            "member": self._member,
            "turn": self._sequence,
            "listens_until": self._listens_until(),
            "held": mirror.in_flight,
            "spare": 0 if self._is_closed else mirror.fallback_budget_left(),
            "is_alone": mirror.in_fallback,
            "gathering": self._gathering,
            "book": self._epoch if asyncio.get_running_loop().time() < self._heard_at + PEER_STATE_TTL else 0,
            "peers": self._peer_count,
            "elsewhere": self._held_by_peers,
            "patience": self._resync_timeout,
            "lost": self._lost,
            "wants": [len(self._queues[priority]) for priority in Priority],
            "ahead": self._ahead,
            "learned": self._learned,
            "reserve": mirror.reserve,
            "limit": mirror.limit,
            "length": mirror.length,
            "lateness": mirror.late,
        }
        known = mirror.snapshot(now)
        if known is not None:
            word["known"] = {
                **known,
                "is_news": self._has_news,
                "refused": self._was_refused,
                "number": self._newest if self._has_news else 0,
            }
        return word

    def _listens_until(self) -> int:
        """Until when the answer to a word is waited for, in milliseconds of Redis; 0 as long as it never told its time."""
        if self._ahead_of_loop is None:
            return 0
        return int((asyncio.get_running_loop().time() + self._ahead_of_loop + self._timeout) * 1000)

    def _handle_reply(self, reply: dict[str, UntypedJSON]) -> None:
        """Take what the book gives, and let those who wait know where they are."""
        self._ahead_of_loop = reply["now"] / 1000 - asyncio.get_running_loop().time()
        if "late" in reply:
            # redis-py sent a word twice, and this is the answer to its second coming; or the clock of Redis was set.
            self._schedule_sync(0.0)
            return
        if self._is_away:
            LOGGER.warning("the Redis of the rate limit answers again")
        self._is_away, self._retry = False, FIRST_RETRY
        self._epoch, self._heard_at, self._peer_count = reply["born"], asyncio.get_running_loop().time(), reply["peers"]
        self._held_by_peers, self._others_wait = reply["elsewhere"], any(reply["wanted"])
        if reply["gathering"]:
            self._handle_resync(reply["gathering"])
        else:
            self._apply_reply(reply)
        if self._waiting():
            self._update_waiters(reply)
            again = reply.get("again")
            if again is None:
                self._schedule_sync(0.0)  # they came while the book was asked
            else:
                # A window's end is told to the millisecond; an answer of somebody comes when it comes.
                self._pause = min(MAX_POLL_INTERVAL, max(again, self._pause * 1.5))
                self._schedule_sync(min(RENEWAL, max(again, self._pause)))
        if not self._waiting() or any(reply["granted"]):
            self._pause = 0.0

    def _handle_resync(self, number: int) -> None:
        """The book does not know enough: go by the share, and tell it how things are until it does."""
        now, is_first = asyncio.get_running_loop().time(), number != self._gathering
        if is_first:
            # Mostly it takes no longer than this, and to wait for it is better than to go by what may be old.
            self._gathering, self._alone_from = number, now + MAX_POLL_INTERVAL
        self._window.enter_fallback(self._held_by_peers)
        self._grant_from_fallback()
        self._schedule_sync(0.0 if is_first else MAX_POLL_INTERVAL)

    def _apply_reply(self, reply: dict[str, UntypedJSON]) -> None:
        """Take over what the book knows, and what it grants."""
        was_alone = self._window.in_fallback
        if not self._has_news:
            self._note(reply)
        self._window.apply_snapshot(reply, self._clock.monotonic(), has_news=self._has_news)
        if self._grant(reply) or was_alone:
            # Somebody gave up meanwhile, or the rest of the share is free. The next word says so.
            self._schedule_sync(0.0)

    def _note(self, reply: Mapping[str, UntypedJSON]) -> None:
        """Keep what the book says of the window as the state."""
        if reply["state"] == "known" and reply.get("left") is not None:
            reset = reply.get("reset")
            at = self._clock.time() + reply["left"] if reset is None else reset
            self._state = RateLimitState(int(reply["limit"]), int(reply["remaining"]), to_datetime(at), float(reply["length"]))

    def _grant(self, reply: Mapping[str, UntypedJSON]) -> bool:
        """Give the granted permits to those who wait. Returns whether some are left over."""
        is_left = False
        for priority, count in zip(Priority, reply["granted"], strict=True):
            for _ in range(count):
                waiter = self._next(priority)
                if waiter is None:
                    is_left = True
                    break
                permit = Permit(reply["is_ahead"], reply["number"])
                if permit.is_probe:
                    self._window.start_probe()
                    self._ahead = permit.number
                self._window.take()
                waiter.turn.set_result(permit)
        return is_left

    def _next(self, priority: Priority) -> _Waiter | None:
        """The first of a queue that still waits."""
        queue = self._queues[priority]
        while queue:
            waiter = queue.popleft()
            if not waiter.turn.done():
                return waiter
        return None

    def _update_waiters(self, reply: Mapping[str, UntypedJSON]) -> None:
        """Tell those who wait how long it will be, and end the waits that cannot succeed."""
        now = asyncio.get_running_loop().time()
        usable = max(1.0, reply["limit"])
        for (priority, queue), wait, others in zip(self._queues.items(), reply["chances"], reply["wanted"], strict=True):
            opens = now + wait if wait else 0.0
            is_other = abs(opens - self._opens[priority]) > REPROBE_DELAY
            self._opens[priority] = opens
            if not queue or (queue[-1].on_wait is None and not is_other):
                continue  # everybody knows
            ahead = others + (len(self._queues[Priority.INTERACTIVE]) if priority else 0)
            share = usable * (1 - self._window.reserve) if priority else usable
            for place, waiter in enumerate(list(queue), ahead):
                if waiter.turn.done() or (waiter.on_wait is None and not is_other):
                    continue
                expected = wait + (place // max(1, int(share))) * reply["length"] if wait else 0.0
                if now + expected > waiter.deadline:
                    queue.remove(waiter)
                    waiter.turn.set_exception(self._too_long(priority, expected))
                elif waiter.on_wait is not None:
                    announce, waiter.on_wait = waiter.on_wait, None
                    announce(expected)

    def _too_long(self, priority: Priority, wait: float | None = None) -> RateLimitWaitError:
        if wait is None:
            wait = max(0.0, self._opens[priority] - asyncio.get_running_loop().time()) or REPROBE_DELAY
        retry_at = to_datetime(self._clock.time() + wait)
        return RateLimitWaitError(
            f"the rate limit leaves no call before {retry_at:%Y-%m-%d %H:%M:%S} UTC, {wait:.0f} s away, longer than allowed",
            retry_at=retry_at,
            wait=wait,
            state=self.state,
        )

    # What is done without the book.

    def _on_unavailable(self, why: str) -> None:
        """Redis did not answer: go on without it, and ask again in a while."""
        if not self._is_away:
            LOGGER.warning("the Redis of the rate limit does not answer: %s", why)
        self._is_away, self._gathering, self._alone_from = True, 0, 0.0
        pause, self._retry = self._retry, min(RETRY, 2 * self._retry)
        self._retry_at = asyncio.get_running_loop().time() + pause
        self._window.enter_fallback(self._held_by_peers)
        if self._is_closed:
            return
        if self._fails_when_away:
            self._fail_all(_away)
        else:
            self._grant_from_fallback()
        if self._waiting() or self._window.in_flight:
            self._schedule_sync(pause)

    def _grant_from_fallback(self) -> None:
        """Give permits of the process's own share."""
        if (self._is_away and self._fails_when_away) or asyncio.get_running_loop().time() < self._alone_from:
            return
        now = self._clock.monotonic()
        for priority, queue in self._queues.items():
            while queue and self._window.has_room(priority, now):
                waiter = self._next(priority)
                if waiter is not None:
                    waiter.turn.set_result(Permit(self._window.take()))

    def _fail_all(self, error: Callable[[], CStarError]) -> None:
        for queue in self._queues.values():
            while queue:
                waiter = queue.popleft()
                if not waiter.turn.done():
                    waiter.turn.set_exception(error())


def _away() -> ConnectionFailedError:
    return ConnectionFailedError("the Redis of the rate limit does not answer, so nothing was sent", request_sent=False)
