"""Events that were given up: they are listed, survive a restart, and can be tried again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from cstar_async import CStarError, InvalidArgumentError
from cstar_async.testing.clock import FakeClock
from cstar_async.webhooks import DeadLetter, EventStore, MemoryStore, SqliteStore, StoredEvent, WebhookEvent, WebhookInbox
from tests.client.inboxes import SECRET, BrokenStore, body_of, deliver, inbox_of, kill, pass_time

StoreMaker: TypeAlias = Callable[[], EventStore]

CLOCK = FakeClock(start=1_790_000_000, frozen=True)


@pytest.fixture(params=["memory", "file"])
def make_store(request: pytest.FixtureRequest, tmp_path: Path) -> StoreMaker:
    """Return the store of a process: the same object, or the same file."""
    memory = MemoryStore(_clock=CLOCK)
    return (lambda: memory) if request.param == "memory" else (lambda: SqliteStore(tmp_path / "events.db", _clock=CLOCK))


class Handler:
    """A handler that raises for some events."""

    def __init__(self, *failing: str) -> None:
        self.failing = set(failing)
        self.handled: list[str] = []
        self.calls: list[str] = []

    async def __call__(self, event: WebhookEvent) -> None:
        """Handle an event, or raise."""
        self.calls.append(event.id)
        if event.id in self.failing:
            raise ValueError("Jane Doe")
        self.handled.append(event.id)


async def test_an_event_that_was_given_up_is_listed(make_store: StoreMaker, caplog: pytest.LogCaptureFixture) -> None:
    """With its body, the class and the line of the exception, and the time, but not the text of the exception."""
    async with inbox_of(store=make_store(), max_attempts=2) as inbox:
        inbox.on("*")(Handler("evt_1"))
        await deliver(inbox, body_of(1), body_of(2))
        await inbox.wait_until_idle()
        (letter,) = await inbox.dead_letters()
    assert (letter.id, letter.event.type, letter.body, letter.attempts) == ("evt_1", "ticket.created", body_of(1), 2)
    assert letter.error.startswith("ValueError (test_dead_letters.py:")
    assert letter.failed_at == datetime.fromtimestamp(CLOCK.time(), UTC)
    assert "Jane" not in letter.error + repr(letter) + caplog.text.replace('raise ValueError("Jane Doe")', "")


async def test_dead_letters_survive_a_restart_and_their_repeats_are_dropped(make_store: StoreMaker) -> None:
    """The next process does not handle them."""
    first, second = Handler("evt_1"), Handler()
    for handler, max_attempts in ((first, 1), (second, 5)):
        async with inbox_of(store=make_store(), max_attempts=max_attempts) as inbox:
            inbox.on("*")(handler)
            assert await deliver(inbox, body_of(1), body_of(1)) == [200, 200]
            await inbox.wait_until_idle()
            assert [letter.id for letter in await inbox.dead_letters()] == ["evt_1"]
    assert (first.calls, second.calls) == (["evt_1"], [])


async def test_a_dead_letter_that_is_tried_again_is_handled_once(make_store: StoreMaker) -> None:
    """It is done then: repeats and further tries do nothing, also in a later process."""
    handler = Handler("evt_1")
    async with inbox_of(store=make_store(), max_attempts=1) as inbox:
        inbox.on("*")(handler)
        await deliver(inbox, body_of(1))
        await inbox.wait_until_idle()
    handler.failing.clear()
    for is_first in (True, False):
        async with inbox_of(store=make_store(), max_attempts=1) as inbox:
            inbox.on("*")(handler)
            tries = await asyncio.gather(*(inbox.retry_dead_letter("evt_1") for _ in range(3)))
            assert sorted(tries) == [False, False, is_first]
            assert await deliver(inbox, body_of(1)) == [200]
            await inbox.wait_until_idle()
            assert await inbox.dead_letters() == []
    assert handler.handled == ["evt_1"]


async def test_a_dead_letter_that_is_tried_again_waits_for_the_events_of_its_ticket(make_store: StoreMaker) -> None:
    """It is not handled at the same time as one of them, and has all attempts again."""
    handler, released, running, is_second = Handler("evt_1"), asyncio.Event(), list[str](), asyncio.Event()
    async with inbox_of(store=make_store(), max_attempts=3) as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            assert not running
            running.append(event.id)
            try:
                if event.id == "evt_2":
                    is_second.set()
                    await released.wait()
                await handler(event)
            finally:
                running.clear()

        await deliver(inbox, body_of(1), body_of(2))
        await is_second.wait()
        assert await inbox.retry_dead_letter("evt_1")
        await asyncio.sleep(0.01)
        released.set()
        await inbox.wait_until_idle()
        assert [letter.attempts for letter in await inbox.dead_letters()] == [3]
    assert handler.calls == ["evt_1"] * 3 + ["evt_2"] + ["evt_1"] * 3


async def test_a_pending_try_survives_the_death_of_the_process(tmp_path: Path) -> None:
    """The next process handles the event, from the first attempt."""
    store = SqliteStore(tmp_path / "events.db")
    await store.add("evt_1", body_of(1))
    await store.record_attempts("evt_1", 5)
    await store.mark_dead("evt_1", "KeyError")
    inbox = inbox_of(store=store)
    assert await inbox.retry_dead_letter("evt_1")
    await kill(inbox)
    handler = Handler()
    async with inbox_of(store=SqliteStore(tmp_path / "events.db"), max_attempts=1) as inbox:
        inbox.on("*")(handler)
        await inbox.wait_until_idle()
    assert handler.handled == ["evt_1"]


async def test_the_error_handler_is_called_when_the_store_has_the_dead_letter() -> None:
    """It may try the event again, or end the process: the event is no longer pending."""
    found: list[tuple[str, str]] = []
    handler = Handler("evt_1")
    async with inbox_of(max_attempts=1) as inbox:
        inbox.on("*")(handler)

        @inbox.on_error
        async def report(event: WebhookEvent, error: Exception) -> None:
            found.extend((letter.id, type(error).__name__) for letter in await inbox.dead_letters())
            handler.failing.clear()
            assert await inbox.retry_dead_letter(event.id)

        await deliver(inbox, body_of(1))
        await inbox.wait_until_idle()
        assert (inbox.pending, inbox.stats().pending, await inbox.dead_letters()) == (0, 0, [])
    assert (found, handler.calls) == ([("evt_1", "ValueError")], ["evt_1", "evt_1"])


async def test_one_failing_handler_of_two_makes_a_dead_letter() -> None:
    """All handlers have had their attempts, and are called again when it is tried again."""
    failing, other, reported = Handler("evt_1"), Handler(), list[str]()
    async with inbox_of(max_attempts=2) as inbox:
        inbox.on("*")(failing)
        inbox.on("*")(other)

        @inbox.on_error
        async def report(event: WebhookEvent, error: Exception) -> None:
            reported.append(event.id)

        await deliver(inbox, body_of(1))
        await inbox.wait_until_idle()
        failing.failing.clear()
        assert await inbox.retry_dead_letter("evt_1")
        await inbox.wait_until_idle()
    assert (failing.calls, other.handled, reported) == (["evt_1"] * 3, ["evt_1"] * 2, ["evt_1"])


async def test_a_dead_letter_is_written_as_soon_as_the_store_works(caplog: pytest.LogCaptureFixture) -> None:
    """Until then its repeats are dropped as well, and it is logged at the close if the store never does."""
    clock, store, handler = FakeClock(autojump=True), BrokenStore(), Handler("evt_1")
    store.broken.add("mark_dead")
    async with WebhookInbox(SECRET, store=store, tolerance=None, max_attempts=1, _clock=clock) as inbox:
        inbox.on("*")(handler)
        await deliver(inbox, body_of(1))
        await inbox.wait_until_idle()
        assert (await deliver(inbox, body_of(1)), await inbox.dead_letters()) == ([200], [])
        assert await inbox.retry_dead_letter("evt_1") is False
        store.broken.clear()
        await clock.sleep(60)
        assert [letter.id for letter in await inbox.dead_letters()] == ["evt_1"]
        handler.failing.clear()
        assert await inbox.retry_dead_letter("evt_1")
        await inbox.wait_until_idle()
        await clock.sleep(600)
        assert await inbox.dead_letters() == []
        handler.failing.add("evt_2")
        store.broken.add("mark_dead")
        await deliver(inbox, body_of(2))
        await inbox.wait_until_idle()
    assert handler.calls == ["evt_1", "evt_1", "evt_2"]
    assert "the event store failed to mark evt_1 as dead: OSError" in caplog.text
    assert "evt_2: given up, but not marked as dead before the inbox closed; it may be handled again" in caplog.text


@pytest.mark.parametrize("writes_first", [True, False])
async def test_a_try_that_met_a_failing_store_can_be_repeated(writes_first: bool) -> None:
    """The event is handled once, whether the store wrote the change before it failed or not."""
    handler, failures = Handler("evt_1"), 1

    class LossyStore(MemoryStore):
        """A store whose first `requeue_dead_letter` fails."""

        async def requeue_dead_letter(self, event_id: str) -> Any:
            """Perhaps write, and fail once."""
            nonlocal failures
            stored = await super().requeue_dead_letter(event_id) if writes_first or not failures else None
            if failures:
                failures -= 1
                raise OSError
            return stored

        async def claim_pending(self) -> list[StoredEvent]:
            """Let other tasks run first."""
            await asyncio.sleep(0)
            return await super().claim_pending()

    async with inbox_of(store=LossyStore(), max_attempts=1) as inbox:
        inbox.on("*")(handler)
        await deliver(inbox, body_of(1))
        await inbox.wait_until_idle()
        handler.failing.clear()
        with pytest.raises(CStarError, match="the event store failed: OSError"):
            await inbox.retry_dead_letter("evt_1")
        assert sorted(await asyncio.gather(*(inbox.retry_dead_letter("evt_1") for _ in range(3)))) == [False, False, True]
        await inbox.wait_until_idle()
        assert await inbox.retry_dead_letter("evt_1") is False
    assert handler.handled == ["evt_1"]


async def test_a_dead_letter_that_is_tried_again_is_not_marked_as_dead_once_more() -> None:
    """Its mark was written without a reply, and would be repeated. Those of other events are."""
    failing, calls = {"evt_1", "evt_2", "evt_3"}, list[str]()
    marking, may_go, all_marked = asyncio.Event(), asyncio.Event(), asyncio.Event()

    class LossyStore(MemoryStore):
        """A store whose first marks are written without a reply. The next one is slow."""

        async def mark_dead(self, event_id: str, error: str) -> None:
            """Write, and fail or wait."""
            await super().mark_dead(event_id, error)
            calls.append(event_id)
            if len(calls) <= 3:
                raise OSError
            marking.set()
            await may_go.wait()
            if len(calls) == 5:
                all_marked.set()

    clock = FakeClock(frozen=True)
    async with WebhookInbox(SECRET, store=LossyStore(), tolerance=None, max_attempts=1, _clock=clock) as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            if event.id in failing:
                raise ValueError
            await asyncio.wait_for(all_marked.wait(), 10)

        await deliver(inbox, *(body_of(number) for number in (1, 2, 3)))
        await inbox.wait_until_idle()
        await pass_time(clock, 1.0)
        await marking.wait()
        failing.clear()
        assert await inbox.retry_dead_letter("evt_2")
        may_go.set()
        await inbox.wait_until_idle()
        assert [letter.id for letter in await inbox.dead_letters()] == ["evt_1", "evt_3"]
    assert calls[:5] == ["evt_1", "evt_2", "evt_3", "evt_1", "evt_3"]


@pytest.mark.parametrize("wrong", [None, 5, b"evt_1", [], object()])
async def test_an_id_of_another_type_is_rejected(wrong: Any) -> None:
    """The error names the argument."""
    async with inbox_of() as inbox:
        with pytest.raises(InvalidArgumentError, match=r"^event_id must be a str that UTF-8 can encode, got "):
            await inbox.retry_dead_letter(wrong)
        assert await inbox.retry_dead_letter("") is False


async def test_a_closed_inbox_tries_nothing_again() -> None:
    """The dead letter stays in the store."""
    store = MemoryStore()
    inbox = inbox_of(store=store, max_attempts=1)
    inbox.on("*")(Handler("evt_1"))
    await deliver(inbox, body_of(1))
    await inbox.aclose()
    with pytest.raises(CStarError, match="this inbox is closed"):
        await inbox.retry_dead_letter("evt_1")
    assert [letter.id for letter in await inbox.dead_letters()] == ["evt_1"]


async def test_dead_letters_are_limited(tmp_path: Path) -> None:
    """A file keeps them for 30 days, memory keeps the newest 1,000."""
    clock = FakeClock(frozen=True)
    memory, file = MemoryStore(), SqliteStore(tmp_path / "events.db", _clock=clock)
    for number in range(1001):
        await memory.add(f"evt_{number}", b"{}")
        await memory.mark_dead(f"evt_{number}", "KeyError")
    assert [len(await memory.dead_letters()), (await memory.dead_letters())[0].id] == [1000, "evt_1"]
    for number in range(3):
        await file.add(f"evt_{number}", b"{}")
        await file.mark_dead(f"evt_{number}", "KeyError")
        clock.advance(20 * 24 * 3600)
    assert [stored.id for stored in await file.dead_letters()] == ["evt_1", "evt_2"]
    await file.aclose()


def test_a_dead_letter_shows_no_content() -> None:
    """Its repr has no body."""
    letter = DeadLetter(id="evt_1", body=b"Jane Doe", attempts=5, error="KeyError", failed_at=datetime.now(UTC))
    assert "Jane" not in repr(letter)
