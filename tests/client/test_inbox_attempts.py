"""Attempts are counted in the store, so that a handler that ends its process is not called for ever."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cstar_async import ConnectionFailedError, RateLimitWaitError, RequestTimeoutError, ServerError
from cstar_async.testing.clock import FakeClock
from cstar_async.webhooks import MemoryStore, SqliteStore, WebhookEvent, WebhookInbox
from tests.client.inboxes import SECRET, BrokenStore, SharedStore, body_of, deliver, inbox_of, kill

SPENT = RateLimitWaitError("no requests are left", retry_at=datetime(2027, 1, 1, tzinfo=UTC), wait=1800.0)


class Bot:
    """A bot whose processes end while it handles certain events."""

    def __init__(self, path: Path, *deadly: str, max_attempts: int = 3) -> None:
        self._path = path
        self._deadly = deadly
        self._max_attempts = max_attempts
        self.calls: Counter[str] = Counter()
        self.handled: list[str] = []
        self.starts = 0

    async def run(self, *bodies: bytes) -> bool:
        """Start a process and deliver events to it. Return whether it was killed before it had handled them all."""
        self.starts += 1
        is_dying = asyncio.Event()
        inbox = WebhookInbox(SECRET, store=SqliteStore(self._path), tolerance=None, max_attempts=self._max_attempts)

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            self.calls[event.id] += 1
            if event.id in self._deadly:
                is_dying.set()
                await asyncio.Event().wait()
            if event.id.endswith("9"):  # it is slow, and so it runs whenever a process dies
                await asyncio.sleep(0.01)
            self.handled.append(event.id)

        await inbox.start()
        await deliver(inbox, *bodies)
        idle = asyncio.create_task(inbox.wait_until_idle())
        dying = asyncio.create_task(is_dying.wait())
        await asyncio.wait([idle, dying], return_when=asyncio.FIRST_COMPLETED)
        self.dead = [letter.id for letter in await inbox.dead_letters()]
        await kill(inbox)
        return is_dying.is_set()

    async def run_until_idle(self, *bodies: bytes) -> None:
        """Start processes until one handles all events."""
        while await self.run(*bodies):
            bodies = ()
            assert self.starts < 50


@pytest.mark.parametrize("max_attempts", [1, 2, 5])
async def test_an_event_that_ends_its_process_is_given_up(max_attempts: int, tmp_path: Path) -> None:
    """It is called `max_attempts` times, and the next event of its ticket is handled."""
    bot = Bot(tmp_path / "events.db", "evt_1", max_attempts=max_attempts)
    await bot.run_until_idle(body_of(1), body_of(2))
    assert (bot.calls, bot.handled, bot.dead) == ({"evt_1": max_attempts, "evt_2": 1}, ["evt_2"], ["evt_1"])
    assert bot.starts == max_attempts + 1


@pytest.mark.parametrize("deadly", [("evt_0",), ("evt_5",), ("evt_29",), ("evt_0", "evt_10"), ("evt_9", "evt_19", "evt_29")])
async def test_events_that_run_while_the_process_ends_are_not_given_up(deadly: tuple[str, ...], tmp_path: Path) -> None:
    """Of the events whose call did not end, one at a time is handled. All others are handled."""
    bot = Bot(tmp_path / "events.db", *deadly)
    await bot.run_until_idle(*(body_of(number, about=f"tkt_{number}") for number in range(30)))
    assert sorted(bot.dead) == sorted(deadly)
    assert set(bot.handled) == {f"evt_{number}" for number in range(30)} - set(deadly)
    assert all(bot.calls[event_id] == 3 for event_id in deadly)


async def test_an_attempt_is_stored_before_the_handler_is_called(tmp_path: Path) -> None:
    """And before each further call."""
    stored: list[list[int]] = []
    store = SqliteStore(tmp_path / "events.db")
    async with inbox_of(store=store, max_attempts=3) as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            stored.append([one.attempts for one in await store.claim_pending()])
            raise ValueError

        await deliver(inbox, body_of(1))
        await inbox.wait_until_idle()
        assert [letter.attempts for letter in await inbox.dead_letters()] == [3]
    assert stored == [[1], [2], [3]]


async def test_failed_attempts_count_over_restarts(tmp_path: Path) -> None:
    """A later process makes the attempts that are left."""
    calls = 0
    for number in range(3):
        clock = FakeClock(frozen=True)
        inbox = WebhookInbox(SECRET, store=SqliteStore(tmp_path / "events.db"), tolerance=None, max_attempts=3, _clock=clock)

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            nonlocal calls
            calls += 1
            raise ValueError

        await deliver(inbox, body_of(1))
        await (clock.wait_for_sleepers() if number < 2 else inbox.wait_until_idle())
        await kill(inbox)
    assert calls == 3
    store = SqliteStore(tmp_path / "events.db")
    (letter,) = await store.dead_letters()
    assert (letter.attempts, str(letter.error).partition(" ")[0]) == (3, "ValueError")
    await store.aclose()


@pytest.mark.parametrize(
    "error",
    [
        SPENT,
        ServerError("maintenance", status=503, retry_after=1800.0),
        ServerError("bad gateway", status=502),
        ConnectionFailedError("no connection"),
        RequestTimeoutError("no response"),
        ExceptionGroup("two calls", [SPENT, ConnectionFailedError("no connection")]),
    ],
)
async def test_an_outage_costs_no_attempt_over_restarts(error: Exception, tmp_path: Path) -> None:
    """The process may be killed any number of times while the event waits."""
    calls = 0
    for _ in range(8):
        clock = FakeClock(frozen=True)
        inbox = WebhookInbox(SECRET, store=SqliteStore(tmp_path / "events.db"), tolerance=None, max_attempts=1, _clock=clock)

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            nonlocal calls
            calls += 1
            raise error

        await deliver(inbox, body_of(1))
        await clock.wait_for_sleepers()
        assert await inbox.dead_letters() == []
        await kill(inbox)
    assert calls == 8
    async with inbox_of(store=SqliteStore(tmp_path / "events.db"), max_attempts=1) as inbox:
        handled: list[str] = []

        @inbox.on("*")
        async def handle_at_last(event: WebhookEvent) -> None:
            handled.append(event.id)

        await inbox.wait_until_idle()
    assert handled == ["evt_1"]


@pytest.mark.parametrize("suppresses", [False, True])
async def test_closing_during_a_call_costs_no_attempt(suppresses: bool, tmp_path: Path) -> None:
    """A program may be deployed often, while a handler takes longer than `shutdown_timeout`."""
    for _ in range(4):
        inbox = inbox_of(store=SqliteStore(tmp_path / "events.db"), max_attempts=1, shutdown_timeout=0.01)
        is_called = asyncio.Event()

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            is_called.set()  # noqa: B023
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if suppresses:
                    raise ValueError from None
                raise

        await deliver(inbox, body_of(1))
        await is_called.wait()
        assert await inbox.aclose() == ("evt_1",)
    store = SqliteStore(tmp_path / "events.db")
    assert [stored.attempts for stored in await store.claim_pending()] == [0]
    await store.aclose()


async def test_closing_while_an_attempt_is_written_costs_no_attempt() -> None:
    """The store may have written it. The handler was not called."""
    written: list[int] = []

    class SlowStore(MemoryStore):
        """A store that writes the first number of attempts and does not return."""

        async def record_attempts(self, event_id: str, attempts: int) -> bool:
            """Write, and hang the first time."""
            written.append(attempts)
            if len(written) == 1:
                await asyncio.Event().wait()
            return True

    inbox = inbox_of(store=SlowStore(), shutdown_timeout=0.01)

    @inbox.on("*")
    async def handle(event: WebhookEvent) -> None:
        raise AssertionError

    await deliver(inbox, body_of(1))
    assert await inbox.aclose() == ("evt_1",)
    assert written == [1, 0]


def test_a_handler_that_leaves_the_program_costs_an_attempt(tmp_path: Path) -> None:
    """`sys.exit` in a handler would otherwise end each process."""
    for number in (1, 2):
        loop = asyncio.new_event_loop()
        inbox = inbox_of(store=SqliteStore(tmp_path / "events.db"), max_attempts=2)

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            raise SystemExit

        async def run(inbox: WebhookInbox = inbox) -> None:
            await deliver(inbox, body_of(1))
            await inbox.wait_until_idle()

        with pytest.raises(SystemExit):
            loop.run_until_complete(run())
        loop.run_until_complete(inbox.aclose())
        store = SqliteStore(tmp_path / "events.db")
        assert [one.attempts for one in loop.run_until_complete(store.claim_pending())] == [number]
        loop.run_until_complete(store.aclose())
        loop.close()


@pytest.mark.no_cover
async def test_a_request_that_always_times_out_ends_after_31_hours() -> None:
    """Its error looks like an outage. The next event of the ticket is handled then."""
    clock, handled, calls = FakeClock(autojump=True), list[str](), 0
    async with WebhookInbox(SECRET, tolerance=None, max_attempts=1, _clock=clock) as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            nonlocal calls
            if event.id == "evt_1":
                calls += 1
                raise RequestTimeoutError("no response")
            handled.append(event.id)

        await deliver(inbox, body_of(1), body_of(2))
        await inbox.wait_until_idle()
        assert [letter.id for letter in await inbox.dead_letters()] == ["evt_1"]
    assert handled == ["evt_2"]
    assert 112_350 <= clock.monotonic() <= 112_350 + 30
    assert calls > 3000


async def test_another_failure_in_between_begins_a_new_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    """It shows that the API responds."""
    monkeypatch.setattr("cstar_async.webhooks._handlers.MAX_OUTAGE", 7200.0)
    clock, calls = FakeClock(autojump=True), 0
    async with WebhookInbox(SECRET, tolerance=None, max_attempts=4, _clock=clock) as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            nonlocal calls
            calls += 1
            if calls % 4 == 0:
                raise ValueError
            if calls < 15:
                raise SPENT

        await deliver(inbox, body_of(1))
        await inbox.wait_until_idle()
        assert (await inbox.dead_letters(), calls) == ([], 15)
    assert clock.monotonic() > 7200


async def test_a_wait_ends_by_the_wall_clock_of_a_machine_that_was_suspended() -> None:
    """Its monotonic clock did not move."""
    clock, suspended, called_at = FakeClock(autojump=True), 0.0, list[float]()

    class SuspendedClock:
        """A clock whose wall clock was moved."""

        monotonic = staticmethod(clock.monotonic)
        sleep = staticmethod(clock.sleep)

        def time(self) -> float:
            """Return the time, with that of the suspension."""
            return clock.time() + suspended

    async with WebhookInbox(SECRET, tolerance=None, _clock=SuspendedClock()) as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            nonlocal suspended
            called_at.append(clock.monotonic())
            if len(called_at) == 1:
                raise SPENT

        await deliver(inbox, body_of(1))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        suspended = 8 * 3600.0
        await inbox.wait_until_idle()
    assert called_at[1] - called_at[0] <= 30.0


async def test_no_handler_is_called_while_attempts_cannot_be_stored(caplog: pytest.LogCaptureFixture) -> None:
    """It is called as soon as the store works, and no attempt is lost."""
    clock, store, handled = FakeClock(autojump=True), BrokenStore(), list[str]()
    store.broken.add("record_attempts")
    async with WebhookInbox(SECRET, store=store, tolerance=None, max_attempts=1, _clock=clock) as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            handled.append(event.id)

        await deliver(inbox, body_of(1), body_of(2))
        await clock.sleep(300)
        assert handled == []
        store.broken.clear()
        await inbox.wait_until_idle()
    assert handled == ["evt_1", "evt_2"]
    assert "the event store failed to record an attempt of evt_1: OSError" in caplog.text


async def test_an_event_that_another_inbox_has_claimed_is_not_handled(caplog: pytest.LogCaptureFixture) -> None:
    """The lease of this one may have ended while it was suspended. The log names the event."""
    store, handled, may_go = SharedStore(), list[str](), asyncio.Event()
    async with WebhookInbox(SECRET, store=store, tolerance=None, _clock=FakeClock()) as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            await may_go.wait()
            handled.append(event.id)

        await deliver(inbox, body_of(1), body_of(2), body_of(3))
        await MemoryStore.mark_done(store, "evt_2")  # by another inbox
        may_go.set()
        await inbox.wait_until_idle()
        assert (inbox.stats().handled, inbox.stats().pending) == (2, 0)
    assert handled == ["evt_1", "evt_3"]
    assert "evt_2: not handled here, another inbox has it or it is no longer in the store" in caplog.text


async def test_attempts_of_another_inbox_count(caplog: pytest.LogCaptureFixture) -> None:
    """The events of inboxes that died are claimed with their attempts. What is given up is logged."""
    store, handled, reported = SharedStore(), list[str](), list[str]()
    await store.abandon(body_of(1), attempts=5)
    await store.abandon(body_of(2), attempts=4)
    async with WebhookInbox(SECRET, store=store, tolerance=None, max_attempts=5, _clock=FakeClock()) as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            handled.append(event.id)

        @inbox.on_error
        async def report(event: WebhookEvent, error: Exception) -> None:
            reported.append(event.id)

        await inbox.wait_until_idle()
        (letter,) = await inbox.dead_letters()
    assert (handled, reported) == (["evt_2"], ["evt_1"])
    assert "evt_1: handler not called again: CStarError: the process ended before" in caplog.text
    assert letter.error == "CStarError: the process ended before the result of attempt 5 was stored"


Handler = Callable[[WebhookEvent], Awaitable[None]]


async def test_each_handler_has_its_own_attempts() -> None:
    """But a restart counts for all of them."""
    calls: list[str] = []

    def failing(name: str, times: int) -> Handler:
        async def handle(event: WebhookEvent) -> None:
            calls.append(name)
            if calls.count(name) <= times:
                raise ValueError

        return handle

    async with inbox_of(max_attempts=3) as inbox:
        for name in ("first", "second"):
            inbox.on("*")(failing(name, 2))
        await deliver(inbox, body_of(1))
        await inbox.wait_until_idle()
        assert await inbox.dead_letters() == []
    assert calls == ["first"] * 3 + ["second"] * 3
