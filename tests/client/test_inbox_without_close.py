"""A program that ends, or cancels all its tasks, without closing its inbox: each event that is lost is logged."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest

from cstar_async.webhooks import WebhookEvent, WebhookInbox, sign


async def _receive(inbox: WebhookInbox, event_id: str, ticket: str) -> None:
    data = {"ticket": {"id": ticket}}
    body = json.dumps({"id": event_id, "type": "ticket.created", "data": data}).encode()
    assert 200 == await inbox.receive(body, {"X-Signature": sign(body, "whsec_1")})


def _inbox() -> WebhookInbox:
    inbox = WebhookInbox("whsec_1")

    @inbox.on("*")
    async def wait(event: WebhookEvent) -> None:
        await asyncio.Event().wait()

    return inbox


def _lost(caplog: pytest.LogCaptureFixture) -> list[str]:
    return sorted(record.__dict__["event_id"] for record in caplog.records if record.levelno >= logging.WARNING)


@pytest.mark.parametrize("turns", [0, 1], ids=["not begun", "begun"])
def test_events_that_an_ended_loop_leaves_are_logged(caplog: pytest.LogCaptureFixture, turns: int) -> None:
    """Those that are being handled, and those behind them."""

    async def program() -> None:
        inbox = _inbox()
        await _receive(inbox, "evt_1", "a")
        await _receive(inbox, "evt_2", "a")
        await _receive(inbox, "evt_3", "b")
        for _ in range(turns):
            await asyncio.sleep(0)

    asyncio.run(program())

    assert ["evt_1", "evt_2", "evt_3"] == _lost(caplog)


async def test_event_whose_task_is_cancelled_is_logged_at_once(caplog: pytest.LogCaptureFixture) -> None:
    """The inbox may never be closed."""
    inbox = _inbox()
    before = asyncio.all_tasks()
    await _receive(inbox, "evt_1", "a")
    await asyncio.sleep(0)

    tasks = asyncio.all_tasks() - before
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)

    assert ["evt_1"] == _lost(caplog)
    await inbox.aclose()


def test_inbox_that_is_done_leaves_no_record(caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is lost, so nothing is logged."""

    async def program() -> None:
        inbox = WebhookInbox("whsec_1")

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None: ...

        await _receive(inbox, "evt_1", "a")
        await inbox.wait_until_idle()

    asyncio.run(program())

    assert [] == _lost(caplog)
