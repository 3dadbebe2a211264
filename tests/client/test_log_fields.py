"""The fields of log records, which structured logging reads."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from cstar_async import RateLimitWaitError
from cstar_async.testing.clock import FakeClock
from cstar_async.webhooks import WebhookEvent, WebhookInbox
from tests.client.conftest import MakeClient, Server, failed, ok
from tests.client.inboxes import SECRET, body_of, deliver, inbox_of

USUAL = set(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


def fields(record: logging.LogRecord) -> dict[str, Any]:
    """Return what a record has beside the standard attributes."""
    return {name: value for name, value in vars(record).items() if name not in USUAL}


def logged(caplog: pytest.LogCaptureFixture, text: str) -> dict[str, Any]:
    """Return the fields of the only record with this message; all of them can be written as JSON."""
    [found] = [fields(record) for record in caplog.records if text in record.getMessage()]
    assert json.loads(json.dumps(found)) == found
    return found


async def test_failed_attempts_have_fields(caplog: pytest.LogCaptureFixture) -> None:
    """A failed attempt has the event, its type, the attempt and the error; the last one also its traceback in the text."""
    name = "Jane" + " Doe"
    async with inbox_of(max_attempts=2) as inbox:

        @inbox.on("*")
        async def handle(_: WebhookEvent) -> None:
            raise ValueError(name)

        await deliver(inbox, body_of(1))
        await inbox.wait_until_idle()
    first = logged(caplog, "attempt 1")
    assert first.pop("error").startswith("ValueError (test_log_fields.py:")
    assert first == {"event_id": "evt_1", "event_type": "ticket.created", "attempt": 1, "wait": 0.0}
    assert logged(caplog, "attempt 2")["attempt"] == 2
    assert logged(caplog, "all attempts failed") == {"event_id": "evt_1", "event_type": "ticket.created", "error": "ValueError"}
    assert name not in caplog.text


async def test_postponed_attempts_have_their_wait(caplog: pytest.LogCaptureFixture) -> None:
    """An attempt that waits for a limit has the seconds."""
    clock, calls = FakeClock(autojump=True), 0
    async with WebhookInbox(SECRET, tolerance=None, _clock=clock) as inbox:

        @inbox.on("*")
        async def handle(_: WebhookEvent) -> None:
            nonlocal calls
            calls += 1
            if calls == 1:
                raise RateLimitWaitError("wait", retry_at=clock.now(), wait=90.0, state=None)

        await deliver(inbox, body_of(1))
        await inbox.wait_until_idle()
    assert logged(caplog, "called again")["wait"] == 90.0


async def test_rejected_deliveries_have_fields(caplog: pytest.LogCaptureFixture) -> None:
    """A delivery that is rejected has its event id and the reason."""
    async with WebhookInbox(SECRET, tolerance=None, max_pending=1, max_event_size=200) as inbox:
        await inbox.receive(body_of(1), {"X-Signature": "t=1,v1=00", "X-Event-ID": "evt_1"})
        await deliver(inbox, body_of(2), body_of(3), body_of(4, title="x" * 500))
        inbox.on("*")(ignore)
    assert logged(caplog, "evt_1: delivery rejected")["event_id"] == "evt_1"
    assert logged(caplog, "evt_3: delivery rejected") == {"event_id": "evt_3", "event_type": "ticket.created", "reason": "full"}
    assert logged(caplog, "max_event_size") == {"event_id": "evt_4", "max_size": 200}


async def ignore(_: WebhookEvent) -> None:
    """Do nothing."""


@pytest.mark.parametrize("identity", ["evt_1\nWARNING forged", "evt_\x1b[31m", "evt_\u2028"])
async def test_fields_are_one_line(caplog: pytest.LogCaptureFixture, identity: str) -> None:
    """An id of the sender breaks neither the line nor the field."""
    async with inbox_of(max_attempts=1) as inbox:

        @inbox.on("*")
        async def handle(_: WebhookEvent) -> None:
            raise ValueError

        await deliver(inbox, json.dumps({"id": identity, "type": "ticket.created", "data": {}}).encode())
        await inbox.wait_until_idle()
    found = logged(caplog, "attempt 1")
    assert found["event_id"].isprintable()
    assert found["event_id"] in caplog.text


async def test_calls_have_fields(server: Server, make_client: MakeClient, caplog: pytest.LogCaptureFixture) -> None:
    """Each record of a call has operation, method, path template and what happened."""
    caplog.set_level(logging.DEBUG, "cstar_async")
    server.script(failed(503), ok({"id": "tkt_1"}))
    await make_client().tickets.get("tkt_1")
    common = {"operation": "get_ticket", "method": "GET", "path": "/api/v1/teams/{teamId}/tickets/{ticketId}"}
    for text, names in (
        (": attempt 1", {"attempt"}),
        ("503 in", {"attempt", "status", "elapsed", "request_id"}),
        ("retrying in", {"attempt", "status", "error", "wait"}),
        ("waiting", {"wait", "reason"}),
    ):
        found = logged(caplog, text)
        assert found | common == found
        assert set(found) == names | set(common)
