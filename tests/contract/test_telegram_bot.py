"""Run the Telegram bot: the objects of aiogram on one side, a fake server on the other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from aiogram import Bot, Dispatcher
from aiogram.client.session.base import BaseSession
from aiogram.exceptions import TelegramForbiddenError
from aiogram.methods import SendMessage, TelegramMethod
from aiogram.types import Chat, Message, Update, User

from cstar_async import CStarClient, ServerError
from cstar_async.models import Ticket
from cstar_async.testing import FakeCStar
from cstar_async.webhooks import WebhookInbox
from tests.contract.chat_bots import cstar, deliver, fake, inbox, only_ticket, reply
from tests.contract.test_examples import example

__all__ = ["cstar", "fake", "inbox"]

TELEGRAM = example("telegram_bot")


class RecordingSession(BaseSession):
    """A session of aiogram that sends nothing and records the messages."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[SendMessage] = []
        self.is_blocked = False

    async def make_request(self, bot: Bot, method: TelegramMethod[Any], timeout: int | None = None) -> Any:
        """Return the response of Telegram to a message."""
        assert isinstance(method, SendMessage)
        if self.is_blocked:
            raise TelegramForbiddenError(method, "Forbidden: bot was blocked by the user")
        self.sent.append(method)
        chat = Chat(id=int(method.chat_id), type="private")
        return Message(message_id=1000 + len(self.sent), date=datetime.now(UTC), chat=chat, text=method.text)

    async def stream_content(self, *args: Any, **settings: Any) -> AsyncIterator[bytes]:  # type: ignore[override]
        """Return nothing."""
        yield b""

    async def close(self) -> None:
        """Do nothing."""


class Telegram:
    """Send messages of Jane to the bot, and record its replies."""

    def __init__(self, cstar: CStarClient, inbox: WebhookInbox) -> None:
        self.session = RecordingSession()
        self.bot = Bot("42:token", session=self.session)
        self.dispatcher = Dispatcher()
        TELEGRAM.TicketBot(cstar, inbox, self.bot, self.dispatcher)

    @property
    def seen(self) -> list[str]:
        """The messages of the bot."""
        return [method.text for method in self.session.sent]

    async def write(self, text: str, number: int = 7, *, reply_to: str | None = None, by: int = 42, chat: int = 200) -> None:
        """Send a message, optionally as a reply to another one."""
        where = Chat(id=chat, type="private")
        now = datetime.now(UTC)
        before = (
            Message(message_id=3, date=now, chat=where, text=reply_to, from_user=User(id=by, is_bot=True, first_name="desk"))
            if reply_to is not None
            else None
        )
        jane = User(id=200, is_bot=False, first_name="Jane", last_name="Doe")
        message = Message(message_id=number, date=now, chat=where, text=text, from_user=jane, reply_to_message=before)
        await self.dispatcher.feed_update(self.bot, Update(update_id=number, message=message))


@pytest.fixture
def telegram(cstar: CStarClient, inbox: WebhookInbox) -> Telegram:
    """Create a chat with the bot."""
    return Telegram(cstar, inbox)


async def test_command_creates_a_ticket(telegram: Telegram, cstar: CStarClient) -> None:
    """A repeated update creates no second ticket."""
    for _ in range(2):
        await telegram.write("/ticket Cannot log in\nIt says no.")
    ticket = await only_ticket(cstar)
    assert (ticket.title, ticket.customer_name) == ("Cannot log in", "Jane Doe")
    assert ticket.metadata == {"telegram_chat": 200, "telegram_message": 7}
    assert [message.content for message in ticket.messages or []] == ["Cannot log in\nIt says no."]
    assert {text.split("\n")[0] for text in telegram.seen} == {ticket.id}


async def test_command_without_arguments_creates_nothing(telegram: Telegram, cstar: CStarClient) -> None:
    """The bot replies with the usage."""
    await telegram.write("/ticket")
    assert telegram.seen == ["Describe your problem after the command: /ticket I cannot log in"]
    assert await cstar.tickets.list().collect() == []


async def test_failed_command_is_reported_to_the_user(telegram: Telegram, fake: FakeCStar) -> None:
    """The user gets a message, and aiogram gets the error."""
    fake.faults.add(operation="create_ticket", status=503)
    with pytest.raises(ServerError):
        await telegram.write("/ticket Help")
    assert telegram.seen == ["That did not work. Please try again in a minute."]


async def test_reply_to_the_bot_is_added_to_the_ticket(telegram: Telegram, cstar: CStarClient) -> None:
    """Replies to others, from another chat, or to a message without a ticket are not added."""
    await telegram.write("/ticket Help")
    ticket = await only_ticket(cstar)
    (message,) = telegram.seen
    await telegram.write("Still.", 8, reply_to=message)
    await telegram.write("Still.", 8, reply_to=message)
    await telegram.write("Not to you.", 9, reply_to=message, by=43)
    await telegram.write("Let me in.", 10, reply_to=message, chat=201)
    await telegram.write("What?", 11, reply_to="Hello")
    await telegram.write("Nothing at all", 12)
    written = [(one.sender, one.content) for one in await cstar.tickets.messages.list(ticket.id)]
    assert written == [("customer", "Help"), ("customer", "Still.")]


async def test_replies_and_status_are_sent_to_the_chat(telegram: Telegram, cstar: CStarClient, inbox: WebhookInbox) -> None:
    """Internal messages, messages of the customer and other changes are not sent."""
    await telegram.write("/ticket Help")
    ticket = await only_ticket(cstar)
    telegram.session.sent.clear()
    await reply(cstar, inbox, ticket, "Try again.")
    await reply(cstar, inbox, ticket, "He is a fool.", is_internal=True)
    await reply(cstar, inbox, ticket, "I did.", sender="customer")
    await deliver(inbox, "ticket.updated", ticket, changes={"tags": {"from": [], "to": ["x"]}})
    ticket = await cstar.tickets.update(ticket.id, status="closed")
    await deliver(inbox, "ticket.updated", ticket, changes={"status": {"from": "new", "to": "closed"}})
    await deliver(inbox, "ticket.closed", ticket)
    assert telegram.seen == [f"{ticket.id}\nBob: Try again.", f"{ticket.id}\nThis ticket is now closed."]
    reply_to = telegram.session.sent[0].reply_parameters
    assert reply_to is not None
    assert reply_to.message_id == 7


async def test_long_reply_is_split(telegram: Telegram, cstar: CStarClient, inbox: WebhookInbox) -> None:
    """Each part has the id of the ticket and at most the length that Telegram allows."""
    await telegram.write("/ticket Help")
    telegram.session.sent.clear()
    ticket = await only_ticket(cstar)
    await reply(cstar, inbox, ticket, "x" * 9000)
    assert max(map(len, telegram.seen)) == 4096
    assert "".join(text.removeprefix(f"{ticket.id}\n") for text in telegram.seen) == "Bob: " + "x" * 9000


async def test_missing_chats_are_ignored(
    telegram: Telegram, cstar: CStarClient, inbox: WebhookInbox, caplog: pytest.LogCaptureFixture
) -> None:
    """A bot that is blocked, and a ticket without a chat, are no failures."""
    await reply(cstar, inbox, await cstar.tickets.create(title="By mail"), "Hello")
    await telegram.write("/ticket Help")
    telegram.session.is_blocked = True
    ticket = await only_ticket_of(cstar, "Help")
    await reply(cstar, inbox, ticket, "Hello")
    await cstar.tickets.delete(ticket.id)
    await deliver(inbox, "ticket.closed", ticket)
    assert "handler failed" not in caplog.text
    assert len(telegram.seen) == 1


async def only_ticket_of(cstar: CStarClient, title: str) -> Ticket:
    """Return the ticket with a title."""
    return next(ticket for ticket in await cstar.tickets.list().collect() if ticket.title == title)
