"""No event is lost when a store reports a dead letter after somebody has requeued it."""

from __future__ import annotations

import asyncio

import pytest

from cstar_async.webhooks import MemoryStore, WebhookEvent
from tests.client.inboxes import body_of, deliver, inbox_of


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
