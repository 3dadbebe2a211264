"""What the tests of the chat bots share: fixtures, and events of tickets."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from cstar_async import CStarClient
from cstar_async.models import Ticket
from cstar_async.testing import FakeCStar
from cstar_async.webhooks import WebhookInbox, sign

SECRET = "whsec_chats"

_NUMBERS = itertools.count(1)  # of events: one with the id of another would be dropped as a repetition


@pytest.fixture
async def fake() -> AsyncIterator[FakeCStar]:
    """Start an empty fake server."""
    async with FakeCStar() as fake:
        yield fake


@pytest.fixture
async def cstar(fake: FakeCStar) -> AsyncIterator[CStarClient]:
    """Create a client of the fake server."""
    async with fake.client(max_retries=0) as client:
        yield client


@pytest.fixture
async def inbox() -> AsyncIterator[WebhookInbox]:
    """Create the inbox of the bots."""
    async with WebhookInbox(SECRET, max_attempts=1) as inbox:
        yield inbox


async def deliver(inbox: WebhookInbox, kind: str, ticket: Ticket, **data: object) -> None:
    """Deliver an event of a ticket, and wait until the bot has handled it."""
    about = {"id": ticket.id, "title": ticket.title, "status": ticket.status, "priority": ticket.priority}
    wire = {"id": f"evt_{next(_NUMBERS)}", "type": kind, "created_at": "2026-03-01T10:00:00Z", "data": {"ticket": about, **data}}
    body = json.dumps(wire).encode()
    assert await inbox.receive(body, {"X-Signature": sign(body, SECRET)}) == 200
    await inbox.wait_until_idle()


async def reply(cstar: CStarClient, inbox: WebhookInbox, ticket: Ticket, text: str, **more: Any) -> None:
    """Add a message to a ticket, and deliver its event."""
    message = await cstar.tickets.messages.create(ticket.id, content=text, **{"sender": "agent", "sender_name": "Bob", **more})
    await deliver(inbox, "ticket.message_added", ticket, message={"id": message.id})


async def only_ticket(cstar: CStarClient) -> Ticket:
    """Return the only ticket."""
    (row,) = await cstar.tickets.list().collect()
    return await cstar.tickets.get(row.id)
