"""The fleet's limiter without a Redis: what it says to the book, and what it makes of the answers and of their absence."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio

from cstar_async import ConnectionFailedError, CStarError, InvalidArgumentError, Priority, RateLimitWaitError
from cstar_async._rate_limit.interface import Limiter, Permit
from cstar_async.redis import RedisRateLimiter
from cstar_async.redis._shared_window import SharedWindow
from tests.unit.clocks import EPOCH, ManualClock, rate_headers, settle

CLOCK = ManualClock()
LONG = 10_000.0


class Book:
    """Stands where redis-py's client does, and answers each word as the test says."""

    def __init__(self) -> None:
        self.words: list[dict[str, Any]] = []
        self.answers: list[dict[str, Any]] = []
        self.is_away = False
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.is_closed = False
        self.evaluated = 0

    async def evalsha(self, _: str, __: int, key: str, word: str) -> Any:
        """Note the word, and answer: as the test said, or with all that is wanted."""
        self.words.append(json.loads(word))
        wants, turn = self.words[-1]["wants"], len(self.words)
        await self.may_answer.wait()
        if self.is_away:
            raise ConnectionRefusedError("redis://:secret@cache")
        answer = self.answers.pop(0) if self.answers else {}
        return json.dumps(reply(number=turn, granted=wants) | answer)

    async def eval(self, *_: object) -> Any:
        """Not needed: every script is known."""
        self.evaluated += 1

    async def aclose(self) -> None:
        """Note it."""
        self.is_closed = True


def reply(**changes: Any) -> dict[str, Any]:
    """An answer of the book: a window with 1,000 calls, of which nobody else wants any."""
    window = {"state": "known", "limit": 1000, "remaining": 1000, "length": 3600, "left": 3600.0, "reset": int(EPOCH) + 3600}
    grant = {"granted": [0, 0], "is_ahead": False, "number": 1, "elsewhere": 0, "wanted": [0, 0], "chances": [0, 0]}
    fleet = {"now": 1_000_000, "lateness": 0, "born": 5, "gathering": 0, "peers": 0}
    return {**window, **grant, **fleet, **changes}


def closed(**changes: Any) -> dict[str, Any]:
    """An answer that has nothing before the hour is over."""
    return {"granted": [0, 0], "remaining": 0, "chances": [3600.0, 3600.0], "again": 3600.0, **changes}


@pytest_asyncio.fixture
async def book() -> Book:
    """A book that gives all that is wanted."""
    return Book()


@pytest_asyncio.fixture
async def limiter(book: Book) -> AsyncIterator[RedisRateLimiter]:
    """A limiter before that book, and no task when it is closed."""
    client: Any = book
    async with RedisRateLimiter(client, name="main", expected_processes=4, timeout=5) as limiter:
        yield limiter
    assert len(asyncio.all_tasks()) == 1


def call(
    limiter: RedisRateLimiter,
    *,
    longest: float = LONG,
    priority: Priority = Priority.INTERACTIVE,
    announce: Callable[[float], None] = lambda _: None,
) -> asyncio.Task[Permit]:
    """A call that asks for a permit."""
    return asyncio.create_task(limiter.acquire(priority, CLOCK, max_wait=longest, on_wait=announce))


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        *(("background_reserve", -0.1), ("background_reserve", 1.0), ("expected_processes", 0), ("timeout", 0)),
        *(("on_unavailable", "wait"), ("name", ""), ("name", "two words"), ("name", "{tag}"), ("name", 7), ("name", "x" * 201)),
    ],
)
def test_unusable_argument_is_refused(argument: str, value: Any) -> None:
    """By its name."""
    settings: Any = {"name": "main", argument: value}
    with pytest.raises(InvalidArgumentError, match=argument):
        RedisRateLimiter("redis://localhost", **settings)


@pytest.mark.parametrize("client", ["http://localhost", object()])
def test_what_is_no_redis_is_refused(client: Any) -> None:
    """A URL of another kind, and an object of another kind."""
    with pytest.raises(InvalidArgumentError, match=r"redis://|redis\.asyncio"):
        RedisRateLimiter(client, name="main")


def test_api_key_is_no_name_for_itself() -> None:
    """Redis must not hold it, and neither must the error."""
    with pytest.raises(InvalidArgumentError, match="must not be the API key") as caught:
        RedisRateLimiter("redis://localhost", name="sk_test_secret")
    assert "secret" not in str(caught.value)


def test_missing_library_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that one line mends it."""
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)
    with pytest.raises(ImportError, match=r"pip install 'cstar-async\[redis\]'"):
        RedisRateLimiter("redis://localhost", name="main")


def test_library_is_imported_with_the_first_limiter_only() -> None:
    """Neither the package nor its module for Redis needs it."""
    program = "import sys, cstar_async.redis; print('redis' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


async def test_limiter_is_what_the_runtime_asks_for(limiter: RedisRateLimiter) -> None:
    """With the interface of the one in memory."""
    assert isinstance(limiter, Limiter)


def test_limiter_made_before_a_fork_is_a_member_of_its_own_in_each_child() -> None:
    """It becomes one with its first call."""
    program = (
        "import asyncio, os; from tests.unit.test_redis import Book, RedisRateLimiter, call\n"
        "book = Book(); limiter = RedisRateLimiter(book, name='main'); child = os.fork()\n"
        "async def main():\n"
        "    await call(limiter)\n"
        "    os.write(1, f'{book.words[0][\"member\"]}\\n'.encode())\n"
        "asyncio.run(main())\n"
        "if child: os.waitpid(child, 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert 2 == len(set(done.stdout.split()))


async def test_calls_at_once_share_an_exchange(limiter: RedisRateLimiter, book: Book) -> None:
    """A hundred are one word."""
    await asyncio.gather(*(call(limiter) for _ in range(100)))
    assert [[100, 0]] == [word["wants"] for word in book.words]


async def test_next_call_takes_along_what_the_last_one_learned(limiter: RedisRateLimiter, book: Book) -> None:
    """So a call needs one exchange."""
    permit = await call(limiter)
    limiter.on_response(permit, 200, rate_headers(999), CLOCK)
    await call(limiter)
    first, second = book.words
    assert "known" not in first
    assert (0, 999, True) == (second["held"], second["known"]["remaining"], second["known"]["is_news"])


async def test_use_by_others_is_told_at_once(limiter: RedisRateLimiter, book: Book) -> None:
    """More is gone than this fleet can have used."""
    limiter.on_response(await call(limiter), 200, rate_headers(500), CLOCK)
    await settle()
    assert [500] == [word["known"]["remaining"] for word in book.words[1:]]


async def test_answer_that_no_call_follows_is_told_by_itself(limiter: RedisRateLimiter, book: Book) -> None:
    """The other processes hear of it, and then there is no task."""
    limiter.on_response(await call(limiter), 200, rate_headers(999), CLOCK)
    await asyncio.gather(*(task for task in asyncio.all_tasks() if task.get_name() == "cstar_async rate limit"))
    assert [(0, False), (0, True)] == [(word["held"], word.get("known", {}).get("is_news", False)) for word in book.words]


async def test_state_is_what_was_heard_last(limiter: RedisRateLimiter) -> None:
    """From the book, then from an answer of the API."""
    assert limiter.state is None
    permit = await call(limiter)
    assert limiter.state is not None
    assert (1000, 1000, EPOCH + 3600) == (
        limiter.state.limit,
        limiter.state.remaining,
        limiter.state.reset_at and limiter.state.reset_at.timestamp(),
    )
    limiter.on_response(permit, 200, rate_headers(42), CLOCK)
    assert 42 == limiter.state.remaining


async def test_calls_left_are_those_of_the_fleet(limiter: RedisRateLimiter, book: Book) -> None:
    """Without what the others hold, and without the reserve for the background."""
    book.answers.append({"remaining": 500, "elsewhere": 10})
    await call(limiter)
    assert (489, 389) == (limiter.remaining(Priority.INTERACTIVE, CLOCK), limiter.remaining(Priority.BACKGROUND, CLOCK))


async def test_whoever_goes_ahead_says_what_became_of_it(limiter: RedisRateLimiter, book: Book) -> None:
    """Learned, if the API answered; open again, if it did not."""
    book.answers += [{"state": "ahead", "is_ahead": True, "number": 7}, {}, {"state": "ahead", "is_ahead": True, "number": 8}]
    limiter.on_response(await call(limiter), 200, {}, CLOCK)
    limiter.release(await call(limiter), CLOCK)
    await call(limiter)
    assert [(0, 0), (0, 7), (0, 7)] == [(word["ahead"], word["learned"]) for word in (book.words[0], book.words[1], book.words[-1])]
    assert 0 == book.words[-1]["lost"]


async def test_call_without_an_answer_counts_as_lost(limiter: RedisRateLimiter, book: Book) -> None:
    """The server may have counted it; the next word says so, once."""
    limiter.release(await call(limiter), CLOCK)
    limiter.release(await call(limiter), CLOCK)
    await call(limiter)
    assert [0, 1, 1] == [word["lost"] for word in book.words]


async def test_refusal_closes_the_window_for_the_fleet(limiter: RedisRateLimiter, book: Book) -> None:
    """The book hears how long."""
    limiter.on_response(await call(limiter), 429, {"Retry-After": "60"}, CLOCK)
    await call(limiter)
    known = book.words[1]["known"]
    assert (True, 0, 60.0) == (known["refused"], known["remaining"], known["left"])


async def test_window_that_ends_later_than_stated_is_told(limiter: RedisRateLimiter, book: Book) -> None:
    """Whoever went ahead came too early: the server rounds down, and the others need not find out for themselves."""
    book.answers += [{"state": "ahead", "is_ahead": True, "number": 7}]
    limiter.on_response(await call(limiter), 429, {"Retry-After": "1"}, CLOCK)
    await call(limiter)
    assert [(0.0, None), (1.0, True)] == [(word["lateness"], word.get("known", {}).get("is_exact")) for word in book.words[:2]]


async def test_window_that_ends_later_than_stated_is_heard_of(limiter: RedisRateLimiter, book: Book) -> None:
    """From the book, for the time when Redis is away, and for a book that is begun anew."""
    book.answers.append({"lateness": 1.0, "left": 5.0})
    await call(limiter)
    await call(limiter)
    assert (1.0, False) == (book.words[1]["lateness"], book.words[1]["known"]["is_exact"])


def test_window_is_known_until_it_counts_as_over() -> None:
    """Calls that are answered after its stated end are told, too."""
    mirror = SharedWindow(reserve=0.0, share=10)
    mirror.apply_snapshot(reply(left=10.0, lateness=1.0), 0.0, has_news=False)
    knowledge = [mirror.snapshot(now) for now in (9.5, 10.5, 11.0)]
    assert [0.5, -0.5, None] == [known and known["left"] for known in knowledge]


async def test_wait_longer_than_allowed_is_refused(limiter: RedisRateLimiter, book: Book) -> None:
    """With the moment to come back."""
    book.answers.append(closed())
    with pytest.raises(RateLimitWaitError) as caught:
        await call(limiter, longest=60)
    assert (3600.0, EPOCH + 3600, 0) == (
        caught.value.wait,
        caught.value.retry_at.timestamp(),
        caught.value.state and caught.value.state.remaining,
    )


async def test_wait_is_announced_once_with_its_length(limiter: RedisRateLimiter, book: Book) -> None:
    """A window of two calls, five in the queue here, and two elsewhere."""
    heard: list[float] = []
    book.answers += [closed(limit=2, wanted=[2, 0])] * 2
    tasks = [call(limiter, longest=10 * LONG, announce=heard.append) for _ in range(4)]
    await settle()
    tasks.append(call(limiter, longest=10 * LONG, announce=heard.append))
    await settle()
    assert [7200.0, 7200.0, 10800.0, 10800.0, 14400.0] == heard
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_waits_end_when_the_window_turns_out_to_be_closed(limiter: RedisRateLimiter, book: Book) -> None:
    """Those that cannot succeed, that is."""
    book.answers += [{"granted": [0, 0], "state": "ahead", "again": 0.001}, closed()]
    short, long = call(limiter, longest=60), call(limiter)
    with pytest.raises(RateLimitWaitError):
        await short
    assert not long.done()
    long.cancel()


async def test_call_that_may_not_wait_has_time_to_ask(limiter: RedisRateLimiter) -> None:
    """To ask is not to wait."""
    assert isinstance(await call(limiter, longest=0.0), Permit)


async def test_call_does_not_wait_for_a_redis_that_hangs(limiter: RedisRateLimiter, book: Book) -> None:
    """Not beyond what it allows."""
    book.may_answer.clear()
    with pytest.raises(RateLimitWaitError):
        await call(limiter, longest=0.0)
    book.may_answer.set()


async def test_cancelled_call_wants_no_permit_any_more(limiter: RedisRateLimiter, book: Book) -> None:
    """And the conversation ends."""
    book.answers.append(closed())
    task = call(limiter)
    await settle()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await asyncio.gather(*(task for task in asyncio.all_tasks() if task.get_name() == "cstar_async rate limit"))
    assert [[1, 0], [0, 0]] == [word["wants"] for word in book.words]


async def test_permit_granted_and_cancelled_in_one_turn_is_not_lost(
    limiter: RedisRateLimiter, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was never sent, so the book need not count it."""
    task, hear = call(limiter), limiter._handle_reply

    def hear_and_cancel(said: dict[str, Any]) -> None:
        hear(said)
        task.cancel()

    monkeypatch.setattr(limiter, "_handle_reply", hear_and_cancel)
    await asyncio.gather(task, return_exceptions=True)
    await call(limiter)
    assert task.cancelled()
    assert (0, 0) == (book.words[-1]["held"], book.words[-1]["lost"])


async def test_permit_for_a_call_that_gave_up_meanwhile_goes_back(limiter: RedisRateLimiter, book: Book) -> None:
    """With the next word, at once."""
    book.may_answer.clear()
    task = call(limiter)
    await settle()
    task.cancel()
    await settle()
    book.may_answer.set()
    await asyncio.gather(*(task for task in asyncio.all_tasks() if task.get_name() == "cstar_async rate limit"))
    assert [([1, 0], 0), ([0, 0], 0)] == [(word["wants"], word["held"]) for word in book.words]


async def test_answer_to_a_word_that_came_twice_is_asked_for_again(limiter: RedisRateLimiter, book: Book) -> None:
    """The book does not say twice what it gave."""
    book.answers.append({"late": True})
    assert isinstance(await call(limiter), Permit)
    assert [1, 2] == [word["turn"] for word in book.words]


async def test_interactive_call_goes_first(limiter: RedisRateLimiter, book: Book) -> None:
    """Within the process, by what the book grants to whom."""
    book.answers.append({"granted": [1, 0], "again": LONG})
    background, interactive = call(limiter, priority=Priority.BACKGROUND), call(limiter)
    await interactive
    assert not background.done()
    background.cancel()


async def test_redis_away_is_an_error_by_choice(book: Book, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing was sent, nobody waits, the next call does not even ask, and the log says it once, without an address."""
    client: Any = book
    book.is_away = True
    async with RedisRateLimiter(client, name="main", on_unavailable="error") as limiter:
        for _ in range(3):
            with pytest.raises(ConnectionFailedError) as caught:
                await call(limiter)
            assert caught.value.request_sent is False
    assert 1 == len(book.words)
    assert ["the Redis of the rate limit does not answer: ConnectionRefusedError"] == caplog.messages


async def test_redis_that_comes_back_is_asked_again(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the first call after the time to retry."""
    monkeypatch.setattr("cstar_async.redis._rate_limiter.FIRST_RETRY", 0.0)
    client: Any = book
    book.is_away = True
    async with RedisRateLimiter(client, name="main", on_unavailable="error") as limiter:
        with pytest.raises(ConnectionFailedError):
            await call(limiter)
        assert limiter.is_degraded
        book.is_away = False
        assert isinstance(await call(limiter), Permit)
        assert not limiter.is_degraded


async def test_redis_away_leaves_a_share(limiter: RedisRateLimiter, book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    """A quarter of what was left; who has no part of it waits, and is served when Redis is back."""
    monkeypatch.setattr("cstar_async.redis._rate_limiter.FIRST_RETRY", 0.01)
    book.answers.append({"remaining": 20})
    limiter.on_response(await call(limiter), 200, rate_headers(19), CLOCK)
    book.is_away = True
    for remaining in (18, 17, 16, 15):
        limiter.on_response(await call(limiter), 200, rate_headers(remaining), CLOCK)
    last = call(limiter)
    await settle()
    assert (True, False, 0) == (limiter.is_degraded, last.done(), limiter.remaining(Priority.INTERACTIVE, CLOCK))
    book.is_away = False
    await last
    word = [word for word in book.words if word["is_alone"]][-1]
    assert (0, 15, [1, 0]) == (word["held"], word["known"]["remaining"], word["wants"])


async def test_one_call_by_the_share_finds_out_first(limiter: RedisRateLimiter, book: Book) -> None:
    """What this process knew may be old: an answer that knows of less than thought leaves a share of that."""
    book.answers.append({"remaining": 80})
    await call(limiter)
    book.is_away = True
    first, rest = await call(limiter), [call(limiter) for _ in range(20)]
    await settle()
    assert [False] * 20 == [task.done() for task in rest]
    limiter.on_response(first, 200, rate_headers(10), CLOCK)
    await settle()
    assert 2 > sum(task.done() for task in rest)
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)


async def test_book_that_gathers_hears_at_once_from_whoever_hears_of_it(limiter: RedisRateLimiter, book: Book) -> None:
    """It grants nothing; when it knows enough, it hears that the rest of the share is free."""
    await call(limiter)
    book.answers += [{"gathering": 9, "granted": [0, 0], "again": 0.01}]
    await call(limiter)
    await asyncio.gather(*(task for task in asyncio.all_tasks() if task.get_name() == "cstar_async rate limit"))
    said = [(word["gathering"], word["is_alone"], word["spare"] > 0, word["wants"]) for word in book.words[1:]]
    assert [(0, False, False, [1, 0]), (9, True, True, [1, 0]), (9, False, False, [0, 0])] == said


async def test_book_that_gathers_for_long_leaves_a_share(
    limiter: RedisRateLimiter, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not at once: mostly it is over before, and what this process knows may be old."""
    monkeypatch.setattr("cstar_async.redis._rate_limiter.MAX_POLL_INTERVAL", 0.01)
    await call(limiter)
    book.answers += [{"gathering": 9, "granted": [0, 0], "again": 0.001}] * 1000
    assert isinstance(await call(limiter), Permit)
    assert 3 <= len(book.words) < 100
    assert all(word["gathering"] == 9 for word in book.words[2:])
    book.answers.clear()


async def test_process_says_which_book_it_knows(limiter: RedisRateLimiter, book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    """And how many others it has heard of, so that a new book can wait for them; after a while it says nothing of it."""
    book.answers.append({"born": 77, "peers": 3, "elsewhere": 2})
    await call(limiter)
    await call(limiter)
    monkeypatch.setattr("cstar_async.redis._rate_limiter.PEER_STATE_TTL", -1.0)
    await call(limiter)
    assert [(0, 0, 0), (77, 3, 2), (0, 0, 0)] == [(word["book"], word["peers"], word["elsewhere"]) for word in book.words]


async def test_redis_that_hangs_is_away(book: Book) -> None:
    """After its time."""
    client: Any = book
    book.may_answer.clear()
    async with RedisRateLimiter(client, name="main", timeout=0.01) as limiter:
        assert isinstance(await call(limiter), Permit)
        assert limiter.is_degraded


async def test_what_was_not_heard_is_said_again(limiter: RedisRateLimiter, book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    """News and losses that fell on deaf ears."""
    monkeypatch.setattr("cstar_async.redis._rate_limiter.FIRST_RETRY", 0.01)
    answered, unanswered = await asyncio.gather(call(limiter), call(limiter))
    limiter.on_response(answered, 200, rate_headers(999), CLOCK)
    limiter.release(unanswered, CLOCK)
    book.is_away = True
    await call(limiter)
    book.is_away = False
    await call(limiter)
    assert [(True, 1), (True, 1)] == [(word["known"]["is_news"], word["lost"]) for word in book.words[1:3]]


async def test_limiter_works_in_one_loop(limiter: RedisRateLimiter) -> None:
    """And says so in another."""
    await call(limiter)

    def elsewhere() -> None:
        with pytest.raises(CStarError, match="make one for each loop"):
            asyncio.run(limiter.acquire(Priority.INTERACTIVE, CLOCK, max_wait=1, on_wait=lambda _: None))

    await asyncio.to_thread(elsewhere)


async def test_closing_ends_the_waits_and_leaves_the_client_open(book: Book) -> None:
    """It is the user's own. Closing twice does no harm, and an answer that comes late is only noted."""
    client: Any = book
    limiter = RedisRateLimiter(client, name="main")
    permit = await call(limiter)
    book.answers.append(closed())
    waiting = call(limiter)
    await settle()
    await limiter.aclose()
    await limiter.aclose()
    with pytest.raises(CStarError, match="closed"):
        await waiting
    with pytest.raises(CStarError, match="closed"):
        await call(limiter)
    limiter.on_response(permit, 200, rate_headers(5), CLOCK)
    assert (False, 1) == (book.is_closed, len(asyncio.all_tasks()))


async def test_closing_tells_the_book_what_it_has_not_heard(book: Book) -> None:
    """So that no permit is held by a process that has ended in peace."""
    client: Any = book
    async with RedisRateLimiter(client, name="main") as limiter:
        limiter.on_response(await call(limiter), 200, rate_headers(5), CLOCK)
    assert [0, 0] == [word["held"] for word in book.words]
    assert 5 == book.words[-1]["known"]["remaining"]


async def test_closing_leaves_the_rest_of_the_share_to_the_others(book: Book) -> None:
    """Also while the book gathers; and no task is left."""
    client: Any = book
    async with RedisRateLimiter(client, name="main") as limiter:
        await call(limiter)
        book.answers += [{"gathering": 9, "granted": [0, 0], "again": 1.0}] * 1000
        waiting = call(limiter)
        await settle()
    with pytest.raises(CStarError, match="closed"):
        await waiting
    assert (True, 0) == (book.words[-1]["is_alone"], book.words[-1]["spare"])
    assert 1 == len(asyncio.all_tasks())


async def test_repr_shows_how_it_stands(limiter: RedisRateLimiter) -> None:
    """And no address."""
    assert repr(limiter) == "RedisRateLimiter(state=None, waiting=0, is_away=False)"


async def test_assumed_limit_is_what_a_new_book_begins_with(limiter: RedisRateLimiter, book: Book) -> None:
    """Until an answer says otherwise."""
    limiter.set_initial_limit(100)
    await call(limiter)
    limiter.set_initial_limit(7)
    await call(limiter)
    assert [100, 1000] == [word["limit"] for word in book.words]


def test_share_of_a_new_window_is_at_least_a_call() -> None:
    """Or nobody would learn that there are more."""
    mirror = SharedWindow(reserve=0.0, share=5000)
    mirror.apply_snapshot(reply(remaining=3, left=10.0), 0.0, has_news=False)
    mirror.enter_fallback(0)
    assert [False, True] == [mirror.has_room(Priority.INTERACTIVE, now) for now in (9.0, 10.0)]
    mirror.take()
    mirror.release(is_probe=True, answered=True)
    assert not mirror.has_room(Priority.INTERACTIVE, 11.0)


def alone(mirror: SharedWindow, priority: Priority) -> int:
    """How many calls it lets through one after the other, each of which is answered."""
    taken = 0
    while mirror.has_room(priority, 1.0):
        mirror.take()
        mirror.release(is_probe=False, answered=True)
        mirror.note_answer()
        taken += 1
    return taken


def test_share_has_a_reserve() -> None:
    """A tenth of a share of ten is one call."""
    mirror = SharedWindow(reserve=0.1, share=100)
    mirror.apply_snapshot(reply(), 0.0, has_news=False)
    mirror.enter_fallback(0)
    taken = alone(mirror, Priority.BACKGROUND)
    assert (9, 0, 1) == (taken, mirror.calls_left(Priority.BACKGROUND, 1.0), mirror.calls_left(Priority.INTERACTIVE, 1.0))
    assert mirror.has_room(Priority.INTERACTIVE, 1.0)


def test_share_is_one_of_what_the_calls_under_way_leave() -> None:
    """Own ones, and those of the others."""
    mirror = SharedWindow(reserve=0.0, share=10)
    mirror.apply_snapshot(reply(remaining=100), 0.0, has_news=False)
    for _ in range(10):
        mirror.take()
    mirror.enter_fallback(40)
    assert 5 == mirror.calls_left(Priority.INTERACTIVE, 1.0)


@pytest.mark.parametrize(("remaining", "at_once"), [(100, 5), (35, 2), (20, 1), (10, 1), (9, 0)])
def test_half_of_a_part_is_under_way_at_most(remaining: int, at_once: int) -> None:
    """So that ten processes which see the same end come do not pass it together."""
    mirror = SharedWindow(reserve=0.0, share=10)
    mirror.apply_snapshot(reply(), 0.0, has_news=False)
    mirror.enter_fallback(0)
    mirror.note_answer()
    mirror.remaining = remaining
    taken = 0
    while mirror.has_room(Priority.INTERACTIVE, 1.0):
        mirror.take()
        taken += 1
    assert at_once == taken


def test_calls_under_way_are_of_the_share_of_the_window_that_begins() -> None:
    """The server may count them in it."""
    mirror = SharedWindow(reserve=0.0, share=100)
    mirror.apply_snapshot(reply(left=10.0), 0.0, has_news=False)
    mirror.enter_fallback(0)
    for _ in range(4):
        mirror.take()
    assert mirror.has_room(Priority.INTERACTIVE, 12.0)
    assert 6 == mirror.calls_left(Priority.INTERACTIVE, 12.0)
