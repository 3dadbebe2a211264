"""An inbox whose store fails, hangs or is shared."""

from __future__ import annotations

import asyncio
import errno
from pathlib import Path

import pytest

from cstar_async.testing.clock import FakeClock
from cstar_async.webhooks import MemoryStore, SqliteStore, WebhookEvent, WebhookInbox
from tests.client.inboxes import SECRET, BrokenStore, SharedStore, body_of, deliver, inbox_of, pass_time


async def ignore(event: WebhookEvent) -> None:
    """Do nothing."""


@pytest.mark.parametrize("what", ["add", "claim_pending"])
async def test_a_store_that_fails_gives_503(what: str, caplog: pytest.LogCaptureFixture) -> None:
    """The inbox works again as soon as the store does."""
    store = BrokenStore()
    store.broken.add(what)
    inbox = inbox_of(store=store)
    inbox.on("*")(ignore)
    assert await deliver(inbox, body_of(1)) == [503]
    store.broken.clear()
    assert await deliver(inbox, body_of(1)) == [200]
    await inbox.aclose()
    assert "the event store failed to add evt_1: OSError" in caplog.text
    assert "Jane" not in caplog.text


async def test_an_event_is_handled_if_its_store_wrote_it_and_raised() -> None:
    """The repeated delivery finds the event in the store, and it is handled once."""
    handled: list[str] = []

    class LossyStore(MemoryStore):
        """A store that writes the first event and raises."""

        calls = 0

        async def add(self, event_id: str, body: bytes) -> bool:
            """Write, and raise on the first call."""
            is_new = await super().add(event_id, body)
            self.calls += 1
            if self.calls == 1:
                raise OSError
            return is_new

    async with inbox_of(store=LossyStore()) as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            handled.append(event.id)

        assert await deliver(inbox, body_of(1), body_of(1), body_of(1)) == [503, 200, 200]
        await inbox.wait_until_idle()
    assert handled == ["evt_1"]


async def test_a_store_that_hangs_in_mark_done_blocks_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The next event of the ticket is handled all the same."""
    handled: list[str] = []
    monkeypatch.setattr("cstar_async.webhooks._progress.STORE_TIMEOUT", 0.01)

    class HangingStore(MemoryStore):
        """A store whose `mark_done` hangs."""

        async def mark_done(self, event_id: str) -> None:
            """Wait for ever."""
            await asyncio.Event().wait()

    async with inbox_of(store=HangingStore()) as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            handled.append(event.id)

        await deliver(inbox, body_of(1), body_of(2))
        await inbox.wait_until_idle()
    assert handled == ["evt_1", "evt_2"]
    assert "the event store failed to mark evt_1 as done: TimeoutError" in caplog.text


async def test_a_store_that_fails_in_mark_done_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The log names the event."""
    store = BrokenStore()
    store.broken.add("mark_done")
    async with inbox_of(store=store) as inbox:
        inbox.on("*")(ignore)
        await deliver(inbox, body_of(1))
        await inbox.wait_until_idle()
    assert "the event store failed to mark evt_1 as done: OSError" in caplog.text


@pytest.mark.parametrize("fails_by", ["error", "hanging"])
async def test_closing_in_spite_of_a_handler_reports_what_is_not_marked(caplog: pytest.LogCaptureFixture, fails_by: str) -> None:
    """An event that was handled, and that the store did not mark, is logged by its id, and no task remains."""

    class UnmarkedStore(MemoryStore):
        """A store that marks nothing."""

        async def mark_done(self, event_id: str) -> None:
            """Fail, or wait for ever."""
            if fails_by == "error":
                raise OSError("disk full")
            await asyncio.Event().wait()

    before = asyncio.all_tasks()
    inbox = inbox_of(store=UnmarkedStore(), shutdown_timeout=0.01)

    @inbox.on("*")
    async def handle(event: WebhookEvent) -> None:
        if event.id == "evt_2":
            await asyncio.Event().wait()

    await deliver(inbox, body_of(1), body_of(2, about="tkt_2"))
    await asyncio.sleep(0.01)
    assert "evt_2" in await inbox.aclose()
    assert "evt_1: handled, but not marked as done before the inbox closed" in caplog.text
    assert asyncio.all_tasks() == before


async def test_an_event_is_handled_if_its_request_is_cancelled() -> None:
    """The store has it in the end, and would drop a repeated delivery."""
    handled: list[str] = []
    store = BrokenStore()
    store.unblocked.clear()
    async with inbox_of(store=store) as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            handled.append(event.id)

        delivery = asyncio.create_task(deliver(inbox, body_of(1)))
        await asyncio.sleep(0.01)
        delivery.cancel()
        with pytest.raises(asyncio.CancelledError):
            await delivery
        store.unblocked.set()
        await inbox.wait_until_idle()
    assert handled == ["evt_1"]


async def test_events_of_other_receivers_are_claimed_periodically(caplog: pytest.LogCaptureFixture) -> None:
    """This continues after a failure of the store, and ends with the inbox."""
    clock, store, handled = FakeClock(), SharedStore(), list[str]()
    async with WebhookInbox(SECRET, store=store, tolerance=None, _clock=clock) as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            handled.append(event.id)

        await store.abandon(body_of(1))
        store.broken.add("claim_pending")
        await pass_time(clock, 20.0)
        assert handled == []
        store.broken.clear()
        await pass_time(clock, 20.0)
        assert handled == ["evt_1"]
    assert "the event store failed to return pending events: OSError" in caplog.text
    assert len(asyncio.all_tasks()) == 1


async def test_a_shared_store_decides_who_handles_an_event() -> None:
    """A receiver whose store failed must not handle an event of another one."""
    store, handled = SharedStore(), list[str]()
    async with WebhookInbox(SECRET, store=store, tolerance=None, _clock=FakeClock()) as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            handled.append(event.id)

        store.broken.add("add")
        assert await deliver(inbox, body_of(1)) == [503]
        store.broken.clear()
        await MemoryStore.add(store, "evt_1", body_of(1))  # by another receiver
        assert await deliver(inbox, body_of(1)) == [200]
        await inbox.wait_until_idle()
    assert handled == []


@pytest.mark.parametrize("is_done", [True, False])
async def test_a_repeat_of_an_accepted_event_is_not_handled_again(is_done: bool, tmp_path: Path) -> None:
    """This holds if the store fails for a repeat, before or after the handler, in this process or an earlier one."""
    handled: list[str] = []
    released = asyncio.Event()
    for _ in range(2):
        store = FlakyStore(tmp_path / "events.db")
        async with inbox_of(store=store) as inbox:

            @inbox.on("*")
            async def handle(event: WebhookEvent) -> None:
                await released.wait()
                handled.append(event.id)

            assert await deliver(inbox, body_of(1)) == [200]
            if is_done:
                released.set()
                await inbox.wait_until_idle()
            store.is_broken = True
            assert await deliver(inbox, body_of(1), body_of(1)) == [503, 503]
            store.is_broken = False
            assert await asyncio.gather(*(deliver(inbox, body_of(1)) for _ in range(3))) == [[200]] * 3
            released.set()
            await inbox.wait_until_idle()
    assert handled == ["evt_1"]


async def test_an_event_that_was_written_without_a_reply_is_handled_once(tmp_path: Path) -> None:
    """Several repeats may find it in the store at the same time."""
    handled: list[str] = []
    store = FlakyStore(tmp_path / "events.db", writes_first=True)
    async with inbox_of(store=store) as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            handled.append(event.id)

        await inbox.start()
        store.is_broken = True
        assert await deliver(inbox, body_of(1)) == [503]
        store.is_broken = False
        assert await asyncio.gather(*(deliver(inbox, body_of(1)) for _ in range(3))) == [[200]] * 3
        await inbox.wait_until_idle()
    assert handled == ["evt_1"]


class FlakyStore(SqliteStore):
    """A store in a file whose `add` fails while it is broken, perhaps after it wrote the event."""

    def __init__(self, path: Path, *, writes_first: bool = False) -> None:
        super().__init__(path)
        self.is_broken = False
        self.writes_first = writes_first

    async def add(self, event_id: str, body: bytes) -> bool:
        """Write an event, or fail."""
        if self.is_broken and not self.writes_first:
            raise OSError
        is_new = await super().add(event_id, body)
        if self.is_broken:
            raise OSError
        return is_new


@pytest.mark.parametrize("failures", [1, 5])
async def test_mark_done_is_repeated_until_the_store_writes_it(failures: int, caplog: pytest.LogCaptureFixture) -> None:
    """Each failure is logged. Another event whose mark always fails does not block it."""
    marked: list[str] = []
    attempts: list[str] = []
    all_marked = asyncio.Event()

    class FullStore(MemoryStore):
        """A store without space for a while."""

        async def mark_done(self, event_id: str) -> None:
            """Fail a few times for each event, and always for the first."""
            attempts.append(event_id)
            if event_id == "evt_0" or attempts.count(event_id) <= failures:
                raise OSError(errno.ENOSPC, "no space")
            marked.append(event_id)
            if len(marked) == 3:
                all_marked.set()

    async with inbox_of(store=FullStore()) as inbox:
        inbox.on("*")(ignore)
        await deliver(inbox, *(body_of(number) for number in range(4)))
        await inbox.wait_until_idle()
        assert marked == []
        await asyncio.wait_for(all_marked.wait(), 5)
        await inbox.aclose()
    assert sorted(marked) == ["evt_1", "evt_2", "evt_3"]
    assert caplog.text.count("failed to mark evt_1 as done: OSError: No space left on device") == failures
    assert "evt_0: handled, but not marked as done before the inbox closed; it may be handled again" in caplog.text
    assert len(asyncio.all_tasks()) == 1


async def test_closing_marks_what_is_left_once_more() -> None:
    """The wait for the next attempt ends."""
    store, marked = BrokenStore(), list[str]()
    store.broken.add("mark_done")
    inbox = WebhookInbox(SECRET, store=store, tolerance=None, _clock=FakeClock(frozen=True))
    inbox.on("*")(ignore)
    await deliver(inbox, body_of(1))
    await inbox.wait_until_idle()

    async def mark_done(event_id: str) -> None:
        marked.append(event_id)

    store.mark_done = mark_done  # type: ignore[method-assign]
    await inbox.aclose()
    assert marked == ["evt_1"]
