"""No event is lost when a store is cancelled from within, or reports a dead letter after somebody has requeued it."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from cstar_async import CStarClient, CStarError
from cstar_async.testing.clock import FakeClock
from cstar_async.webhooks import MemoryStore, StoredEvent, WebhookEvent, WebhookInbox
from tests.client.inboxes import SECRET, SharedStore, body_of, deliver, inbox_of, pass_time


class InterruptedStore(MemoryStore):
    """A store in which a task of its own is cancelled in the first call of a method, before or after the change."""

    def __init__(self, method: str, *, is_written: bool) -> None:
        super().__init__()
        self._method = method
        self._is_written = is_written

    async def add(self, event_id: str, body: bytes) -> bool:
        """Perhaps be interrupted."""
        await self._interrupt("add", is_written=False)
        is_new = await super().add(event_id, body)
        await self._interrupt("add", is_written=True)
        return is_new

    async def record_attempts(self, event_id: str, attempts: int) -> bool:
        """Perhaps be interrupted."""
        await self._interrupt("record_attempts", is_written=False)
        is_pending = await super().record_attempts(event_id, attempts)
        await self._interrupt("record_attempts", is_written=True)
        return is_pending

    async def mark_done(self, event_id: str) -> None:
        """Perhaps be interrupted."""
        await self._interrupt("mark_done", is_written=False)
        await super().mark_done(event_id)
        await self._interrupt("mark_done", is_written=True)

    async def mark_dead(self, event_id: str, error: str) -> None:
        """Perhaps be interrupted."""
        await self._interrupt("mark_dead", is_written=False)
        await super().mark_dead(event_id, error)
        await self._interrupt("mark_dead", is_written=True)

    async def claim_pending(self) -> list[StoredEvent]:
        """Perhaps be interrupted."""
        await self._interrupt("claim_pending", is_written=False)
        pending = await super().claim_pending()
        await self._interrupt("claim_pending", is_written=True)
        return pending

    async def requeue_dead_letter(self, event_id: str) -> StoredEvent | None:
        """Perhaps be interrupted."""
        await self._interrupt("requeue_dead_letter", is_written=False)
        letter = await super().requeue_dead_letter(event_id)
        await self._interrupt("requeue_dead_letter", is_written=True)
        return letter

    async def _interrupt(self, method: str, *, is_written: bool) -> None:
        if (method, is_written) == (self._method, self._is_written):
            self._method = ""
            task = asyncio.ensure_future(asyncio.Event().wait())
            task.cancel()
            await task


@pytest.mark.parametrize("is_written", [False, True])
@pytest.mark.parametrize("method", ["add", "record_attempts", "mark_done", "mark_dead", "claim_pending", "requeue_dead_letter"])
async def test_a_store_that_is_cancelled_from_within_loses_no_event(
    method: str, is_written: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """It counts as an error of the store: it is logged and repeated, and the events of the ticket are handled."""
    store, handled, is_broken = InterruptedStore(method, is_written=is_written), list[str](), True
    inbox = inbox_of(store=store, max_attempts=1)

    @inbox.on("*")
    async def handle(event: WebhookEvent) -> None:
        if event.id == "evt_1" and is_broken:
            raise ValueError
        handled.append(event.id)

    async with asyncio.timeout(10):
        for number in (1, 2):
            while await deliver(inbox, body_of(number)) != [200]:
                pass
        await inbox.wait_until_idle()
        is_broken = is_pending = False
        while not is_pending:  # the dead letter is written later if the store failed
            with suppress(CStarError):
                is_pending = await inbox.retry_dead_letter("evt_1")
        assert await inbox.aclose() == ()
    assert handled == ["evt_2", "evt_1"]
    assert (await store.claim_pending(), await store.dead_letters()) == ([], [])
    # The user of `retry_dead_letter` gets the exception instead.
    assert (method == "requeue_dead_letter") == ("the event store failed to" not in caplog.text)


@pytest.mark.parametrize("method", ["dead_letters", "last_event_id"])
async def test_a_cancellation_within_a_store_is_an_error_for_the_caller(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose own task was not cancelled."""

    async def interrupted() -> None:
        raise asyncio.CancelledError

    store = MemoryStore()
    monkeypatch.setattr(store, method, interrupted)
    async with inbox_of(store=store) as inbox, CStarClient(api_key="sk_test_a", team_id="team_1") as client:
        with pytest.raises(CStarError, match="a task that the event store awaits was cancelled"):
            await (inbox.dead_letters() if method == "dead_letters" else inbox.run(client.events()))


async def test_a_lease_is_renewed_after_a_store_is_cancelled_from_within() -> None:
    """Events of other receivers are claimed afterwards, too."""
    is_interrupted = False

    class InterruptedSharedStore(SharedStore):
        """A shared store that is perhaps interrupted."""

        async def claim_pending(self) -> list[StoredEvent]:
            """Perhaps raise what the cancellation of an inner task raises."""
            if is_interrupted:
                raise asyncio.CancelledError
            return await super().claim_pending()

    clock, store, handled = FakeClock(), InterruptedSharedStore(), list[str]()
    async with WebhookInbox(SECRET, store=store, tolerance=None, _clock=clock) as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            handled.append(event.id)

        await store.abandon(body_of(1))
        is_interrupted = True
        await pass_time(clock, 20.0)
        is_interrupted = False
        await pass_time(clock, 20.0)
    assert handled == ["evt_1"]


@pytest.mark.parametrize("is_closed_early", [False, True])
async def test_a_dead_letter_can_be_requeued_before_the_store_reports_it(is_closed_early: bool) -> None:
    """The response of a busy store arrives late. The event and the next one of the ticket are then handled, or returned."""
    is_dead, is_reported, is_blocked = asyncio.Event(), asyncio.Event(), asyncio.Event()

    class LateStore(MemoryStore):
        """A store that reports a dead letter late."""

        async def mark_dead(self, event_id: str, error: str) -> None:
            """Write at once, and return later."""
            await super().mark_dead(event_id, error)
            is_dead.set()
            await is_reported.wait()

    handled: list[str] = []
    inbox = inbox_of(store=LateStore(), max_attempts=1, shutdown_timeout=0.05 if is_closed_early else 10.0)

    @inbox.on("*")
    async def handle(event: WebhookEvent) -> None:
        if not is_dead.is_set():
            raise ValueError
        if is_closed_early:
            is_blocked.set()
            await asyncio.Event().wait()
        handled.append(event.id)

    async with asyncio.timeout(10):
        await deliver(inbox, body_of(1))
        await is_dead.wait()
        assert await inbox.retry_dead_letter("evt_1")
        await deliver(inbox, body_of(2))
        is_reported.set()
        if is_closed_early:
            await is_blocked.wait()
        else:
            await inbox.wait_until_idle()
        assert await inbox.aclose() == (("evt_1", "evt_2") if is_closed_early else ())
    assert handled == ([] if is_closed_early else ["evt_1", "evt_2"])
    assert inbox.stats().pending == (2 if is_closed_early else 0)
