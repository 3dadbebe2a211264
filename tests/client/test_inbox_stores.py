"""An inbox whose store fails, hangs or is shared."""

from __future__ import annotations

import asyncio

import pytest

from cstar_async.testing.clock import FakeClock
from cstar_async.webhooks import MemoryStore, WebhookEvent, WebhookInbox
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
    monkeypatch.setattr("cstar_async.webhooks._receiver.STORE_TIMEOUT", 0.01)

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

        store.abandoned.append(("evt_1", body_of(1)))
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
