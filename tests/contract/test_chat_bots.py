"""The bots for Discord and Telegram: those libraries' own objects on one side, a cStar on loopback on the other."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import discord
import pytest
from aiogram import Bot, Dispatcher
from aiogram.client.session.base import BaseSession
from aiogram.exceptions import TelegramForbiddenError
from aiogram.methods import SendMessage, TelegramMethod
from aiogram.types import Chat, Message, Update, User
from aiohttp import web
from aiohttp.test_utils import TestServer

from cstar_async import CStarClient, ServerError
from cstar_async.models import Ticket
from cstar_async.testing import FakeCStar
from cstar_async.webhooks import WebhookInbox, sign
from tests.contract.test_examples import example

DISCORD = example("discord_bot")
TELEGRAM = example("telegram_bot")

SECRET = "whsec_chats"
ME, JANE, GUILD, CHANNEL, THREAD = "100", "200", "300", "400", "500"


@pytest.fixture
async def fake() -> AsyncIterator[FakeCStar]:
    """A cStar with nothing in it."""
    async with FakeCStar() as fake:
        yield fake


@pytest.fixture
async def cstar(fake: FakeCStar) -> AsyncIterator[CStarClient]:
    """A client of the fake."""
    async with fake.client(max_retries=0) as client:
        yield client


@pytest.fixture
async def inbox() -> AsyncIterator[WebhookInbox]:
    """Where the bots hear of replies."""
    async with WebhookInbox(SECRET, max_attempts=1) as inbox:
        yield inbox


async def happens(inbox: WebhookInbox, kind: str, ticket: Ticket, **data: object) -> None:
    """Something happens to a ticket, and the bot has heard of it."""
    about = {"id": ticket.id, "title": ticket.title, "status": ticket.status, "priority": ticket.priority}
    wire = {"id": f"evt_{kind}_{id(data)}", "type": kind, "created_at": "2026-03-01T10:00:00Z", "data": {"ticket": about, **data}}
    body = json.dumps(wire).encode()
    assert await inbox.receive(body, {"X-Signature": sign(body, SECRET)}) == 200
    await inbox.wait_until_idle()


async def reply(cstar: CStarClient, inbox: WebhookInbox, ticket: Ticket, text: str, **more: Any) -> None:
    """Somebody writes in a ticket, and the bot has heard of it."""
    message = await cstar.tickets.messages.create(ticket.id, content=text, **{"sender": "agent", "sender_name": "Bob", **more})
    await happens(inbox, "ticket.message_added", ticket, message={"id": message.id})


async def only_ticket(cstar: CStarClient) -> Ticket:
    """The one ticket that there is."""
    (row,) = await cstar.tickets.list().collect()
    return await cstar.tickets.get(row.id)


def user(identity: str, name: str, *, is_bot: bool = False) -> dict[str, Any]:
    """A user as Discord's gateway writes one."""
    return {"id": identity, "username": name, "discriminator": "0", "avatar": None, "global_name": name, "bot": is_bot}


def thread(name: str) -> dict[str, Any]:
    """A thread of the bot's, as Discord writes one."""
    return {
        "id": THREAD,
        "guild_id": GUILD,
        "parent_id": CHANNEL,
        "owner_id": ME,
        "name": name,
        "type": 12,
        "message_count": 0,
        "member_count": 1,
        "thread_metadata": {"archived": False, "auto_archive_duration": 60, "archive_timestamp": "2026-03-01T10:00:00+00:00"},
    }


def as_json(value: object, status: int = 200) -> web.Response:
    """An answer as Discord gives it, whose type has no charset."""
    return web.Response(body=json.dumps(value).encode(), status=status, content_type="application/json")


class LoopbackDiscord:
    """The few answers of Discord's REST API that the bot asks for, and a journal of what it sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, Any]] = []
        self.refused: set[str] = set()
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._answer)
        self.server = TestServer(application)

    @property
    def said(self) -> list[str]:
        """What the bot wrote in the thread."""
        return [body["content"] for method, path, body in self.sent if (method, path) == ("POST", f"/channels/{THREAD}/messages")]

    @property
    def whispered(self) -> list[str]:
        """What it wrote to whoever gave the command."""
        return [body["content"] for _, path, body in self.sent if path.startswith("/webhooks/")]

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = json.loads(await request.read() or "null")
        self.sent.append((request.method, request.path, body))
        if request.path in self.refused:
            return as_json({"code": 10003, "message": "Unknown Channel"}, status=404)
        if request.path == "/users/@me":
            return as_json(user(ME, "desk", is_bot=True))
        if request.path == "/oauth2/applications/@me":
            me = {"id": ME, "name": "desk", "description": "", "bot_public": False, "bot_require_code_grant": False, "flags": 0}
            return as_json({**me, "verify_key": "", "team": None, "owner": user("1", "owner"), "icon": None})
        if request.path.endswith("/callback"):
            return as_json({"interaction": {"id": "1", "type": 2}})
        if request.path == f"/channels/{CHANNEL}/threads":
            return as_json(thread(body["name"]))
        if request.path.endswith("/commands"):
            return as_json([])
        if request.method == "POST":
            return as_json(said_by(ME, body["content"]))
        return web.Response(status=204)


def said_by(author: str, text: str, number: int = 900) -> dict[str, Any]:
    """A message in the thread, as Discord writes one."""
    return {
        "id": str(number),
        "channel_id": THREAD,
        "guild_id": GUILD,
        "author": user(author, "Jane" if author == JANE else "desk", is_bot=author == ME),
        "content": text,
        "timestamp": "2026-03-01T10:00:00+00:00",
        "edited_timestamp": None,
        "tts": False,
        "mention_everyone": False,
        "mentions": [],
        "mention_roles": [],
        "attachments": [],
        "embeds": [],
        "pinned": False,
        "type": 0,
    }


@pytest.fixture
async def loopback(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LoopbackDiscord]:
    """A Discord on this machine."""
    loopback = LoopbackDiscord()
    async with loopback.server:
        monkeypatch.setattr(discord.http.Route, "BASE", str(loopback.server.make_url("")).rstrip("/"))
        yield loopback


@pytest.fixture
async def client(loopback: LoopbackDiscord, cstar: CStarClient, inbox: WebhookInbox) -> AsyncIterator[Any]:
    """The bot, logged in, in a guild with one text channel."""
    async with DISCORD.TicketClient(cstar, inbox) as client:
        await client.login("token")
        state = client._connection
        channel = {"id": CHANNEL, "type": 0, "name": "help", "position": 0, "permission_overwrites": [], "parent_id": None}
        guild = {"id": GUILD, "name": "Acme", "channels": [channel], "roles": [], "emojis": [], "members": [], "threads": []}
        state._add_guild_from_data(guild)
        yield client


VOICE = {"bitrate": 64_000, "user_limit": 0}
"""What a channel has to have that people speak in."""


async def command(client: Any, title: str = "Cannot log in", text: str = "It says no.", *, channel_type: int = 0) -> None:
    """Jane gives the command, and it has been carried out."""
    options = [{"name": "title", "type": 3, "value": title}, {"name": "text", "type": 3, "value": text}]
    member = {"user": user(JANE, "Jane"), "roles": [], "joined_at": "2026-01-01T00:00:00+00:00", "permissions": "0", "flags": 0}
    before = asyncio.all_tasks()
    client._connection.parse_interaction_create(
        {
            "id": "600",
            "application_id": ME,
            "type": 2,
            "token": "interaction-token",
            "version": 1,
            "guild_id": GUILD,
            "channel_id": CHANNEL,
            "channel": {"id": CHANNEL, "type": channel_type, "name": "help", "guild_id": GUILD, "position": 0, **VOICE},
            "member": {**member, "deaf": False, "mute": False, "nick": None, "avatar": None, "pending": False},
            "data": {"id": "700", "name": "ticket", "type": 1, "options": options},
            "entitlements": [],
            "authorizing_integration_owners": {},
            "attachment_size_limit": 0,
        }
    )
    await asyncio.gather(*(asyncio.all_tasks() - before))


async def write(client: Any, text: str, author: str = JANE, *, name: str | None = None, number: int = 901) -> None:
    """Somebody writes in the thread, and the bot has dealt with it."""
    if name is not None:
        client._connection.parse_thread_update(thread(name))
    before = asyncio.all_tasks()
    client._connection.parse_message_create(said_by(author, text, number))
    await asyncio.gather(*(asyncio.all_tasks() - before))


async def known_thread(client: Any, ticket: Ticket) -> None:
    """The gateway tells of the thread that the command made."""
    client._connection.parse_thread_create({**thread(f"Cannot log in [{ticket.id}]"), "newly_created": True})


async def test_a_command_of_discord_opens_a_ticket_and_a_thread(client: Any, loopback: LoopbackDiscord, cstar: CStarClient) -> None:
    """The ticket knows its thread, the thread its ticket, and whoever asked is in it."""
    await command(client)
    ticket = await only_ticket(cstar)
    assert (ticket.title, ticket.customer_name, ticket.metadata) == ("Cannot log in", "Jane", {"discord_thread": THREAD})
    assert [message.content for message in ticket.messages or []] == ["It says no."]
    made = next(body for _, path, body in loopback.sent if path == f"/channels/{CHANNEL}/threads")
    assert (made["name"], made["type"]) == (f"Cannot log in [{ticket.id}]", 12)
    assert ("PUT", f"/channels/{THREAD}/thread-members/{JANE}") in [(method, path) for method, path, _ in loopback.sent]
    assert loopback.said == ["It says no."]
    assert loopback.whispered == [f"We go on in <#{THREAD}>."]


async def test_a_command_of_discord_that_comes_again_opens_no_second_ticket(client: Any, cstar: CStarClient) -> None:
    """Its id is in the key."""
    await command(client)
    await command(client)
    assert (await only_ticket(cstar)).title == "Cannot log in"


async def test_a_command_outside_of_a_text_channel_is_declined(client: Any, loopback: LoopbackDiscord, cstar: CStarClient) -> None:
    """There could be no thread."""
    client._connection._get_guild(int(GUILD))._channels.clear()
    await command(client, channel_type=2)
    answer = next(body for _, path, body in loopback.sent if path.endswith("/callback"))
    assert answer["data"]["content"] == "Please ask in a text channel."
    assert await cstar.tickets.list().collect() == []


async def test_who_gives_a_command_hears_of_a_failure(
    client: Any, loopback: LoopbackDiscord, fake: FakeCStar, caplog: pytest.LogCaptureFixture
) -> None:
    """And the log does."""
    fake.faults.add(operation="create_ticket", status=503)
    await command(client)
    assert loopback.whispered == ["That did not work. Please try again in a minute."]
    assert "ServerError" in caplog.text


async def test_what_is_written_in_a_thread_comes_into_the_ticket(client: Any, cstar: CStarClient) -> None:
    """Once, however often it comes; what the bot writes does not, nor what is in a thread that names another ticket."""
    await command(client)
    ticket = await only_ticket(cstar)
    other = await cstar.tickets.create(title="Of somebody else")
    await known_thread(client, ticket)
    await write(client, "And now?")
    await write(client, "And now?")
    await write(client, "It is me.", ME, number=902)
    await write(client, "Let me in.", name=f"Hello [{other.id}]", number=903)
    await write(client, "Hello?", name="Hello [tkt_never]", number=904)
    await write(client, "Hello?", name="Hello", number=905)
    said = [(message.sender, message.content) for message in await cstar.tickets.messages.list(ticket.id)]
    assert said == [("customer", "It says no."), ("customer", "And now?")]
    assert (await cstar.tickets.messages.list(other.id)).data == []


async def test_replies_and_news_of_a_ticket_come_into_its_thread(
    client: Any, loopback: LoopbackDiscord, cstar: CStarClient, inbox: WebhookInbox
) -> None:
    """Not what is for the team alone, nor what the customer said, nor changes of anything but the status."""
    await command(client)
    ticket = await only_ticket(cstar)
    loopback.sent.clear()
    await reply(cstar, inbox, ticket, "Try again.")
    await reply(cstar, inbox, ticket, "He is a fool.", is_internal=True)
    await reply(cstar, inbox, ticket, "I did.", sender="customer")
    await happens(inbox, "ticket.updated", ticket, changes={"tags": {"from": [], "to": ["x"]}})
    ticket = await cstar.tickets.update(ticket.id, status="pending")
    await happens(inbox, "ticket.updated", ticket, changes={"status": {"from": "new", "to": "pending"}})
    ticket = await cstar.tickets.update(ticket.id, status="closed")
    await happens(inbox, "ticket.updated", ticket, changes={"status": {"from": "pending", "to": "closed"}})
    await happens(inbox, "ticket.closed", ticket)
    assert loopback.said == ["**Bob**: Try again.", "*This ticket is now pending.*", "*This ticket is now closed.*"]
    bodies = [body for _, path, body in loopback.sent if path.endswith("/messages")]
    assert all(body["allowed_mentions"] == {"parse": []} and body["enforce_nonce"] for body in bodies)


async def test_a_long_reply_comes_in_pieces(
    client: Any, loopback: LoopbackDiscord, cstar: CStarClient, inbox: WebhookInbox
) -> None:
    """As long as Discord takes them."""
    await command(client)
    loopback.sent.clear()
    await reply(cstar, inbox, await only_ticket(cstar), "x" * 4500)
    assert [len(text) for text in loopback.said] == [2000, 2000, 4500 + len("**Bob**: ") - 4000]


async def test_a_thread_that_is_gone_and_a_ticket_without_one_stop_nothing(
    client: Any, loopback: LoopbackDiscord, cstar: CStarClient, inbox: WebhookInbox, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody is there to tell."""
    await reply(cstar, inbox, await cstar.tickets.create(title="By mail"), "Hello")
    assert loopback.said == []
    gone = await cstar.tickets.create(title="Gone", metadata={"discord_thread": THREAD})
    loopback.refused.add(f"/channels/{THREAD}/messages")
    await reply(cstar, inbox, gone, "Hello")
    await cstar.tickets.delete(gone.id)
    await happens(inbox, "ticket.closed", gone)
    assert "could not be handled" not in caplog.text


class RecordingSession(BaseSession):
    """A session of aiogram that sends nothing and keeps what would be sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[SendMessage] = []
        self.is_blocked = False

    async def make_request(self, bot: Bot, method: TelegramMethod[Any], timeout: int | None = None) -> Any:
        """Answer as Telegram would to a message."""
        assert isinstance(method, SendMessage)
        if self.is_blocked:
            raise TelegramForbiddenError(method, "Forbidden: bot was blocked by the user")
        self.sent.append(method)
        chat = Chat(id=int(method.chat_id), type="private")
        return Message(message_id=1000 + len(self.sent), date=datetime.now(UTC), chat=chat, text=method.text)

    async def stream_content(self, *args: Any, **settings: Any) -> AsyncIterator[bytes]:  # type: ignore[override]
        """There is nothing to load."""
        yield b""

    async def close(self) -> None:
        """Nothing is open."""


class Telegram:
    """What Jane does in Telegram, and what she sees."""

    def __init__(self, cstar: CStarClient, inbox: WebhookInbox) -> None:
        self.session = RecordingSession()
        self.bot = Bot("42:token", session=self.session)
        self.dispatcher = Dispatcher()
        TELEGRAM.Desk(cstar, inbox, self.bot, self.dispatcher)

    @property
    def seen(self) -> list[str]:
        """What the bot wrote."""
        return [method.text for method in self.session.sent]

    async def write(self, text: str, number: int = 7, *, answering: str | None = None, by: int = 42, chat: int = 200) -> None:
        """Write, perhaps as an answer to somebody."""
        place = Chat(id=chat, type="private")
        now = datetime.now(UTC)
        before = (
            Message(message_id=3, date=now, chat=place, text=answering, from_user=User(id=by, is_bot=True, first_name="desk"))
            if answering is not None
            else None
        )
        jane = User(id=200, is_bot=False, first_name="Jane", last_name="Doe")
        message = Message(message_id=number, date=now, chat=place, text=text, from_user=jane, reply_to_message=before)
        await self.dispatcher.feed_update(self.bot, Update(update_id=number, message=message))


@pytest.fixture
def telegram(cstar: CStarClient, inbox: WebhookInbox) -> Telegram:
    """A chat with the bot."""
    return Telegram(cstar, inbox)


async def test_a_command_of_telegram_opens_a_ticket(telegram: Telegram, cstar: CStarClient) -> None:
    """Once, however often Telegram brings it."""
    for _ in range(2):
        await telegram.write("/ticket Cannot log in\nIt says no.")
    ticket = await only_ticket(cstar)
    assert (ticket.title, ticket.customer_name) == ("Cannot log in", "Jane Doe")
    assert ticket.metadata == {"telegram_chat": 200, "telegram_message": 7}
    assert [message.content for message in ticket.messages or []] == ["Cannot log in\nIt says no."]
    assert {text.split("\n")[0] for text in telegram.seen} == {ticket.id}


async def test_a_command_without_a_word_opens_nothing(telegram: Telegram, cstar: CStarClient) -> None:
    """The bot says how it is meant."""
    await telegram.write("/ticket")
    assert telegram.seen == ["Please say what it is about: /ticket I cannot log in"]
    assert await cstar.tickets.list().collect() == []


async def test_who_gives_a_command_in_telegram_hears_of_a_failure(telegram: Telegram, fake: FakeCStar) -> None:
    """And aiogram does, which logs it."""
    fake.faults.add(operation="create_ticket", status=503)
    with pytest.raises(ServerError):
        await telegram.write("/ticket Help")
    assert telegram.seen == ["That did not work. Please try again in a minute."]


async def test_an_answer_to_the_bot_comes_into_the_ticket(telegram: Telegram, cstar: CStarClient) -> None:
    """Not one to anybody else, nor from another chat, nor one to what names no ticket."""
    await telegram.write("/ticket Help")
    ticket = await only_ticket(cstar)
    (said,) = telegram.seen
    await telegram.write("Still.", 8, answering=said)
    await telegram.write("Still.", 8, answering=said)
    await telegram.write("Not to you.", 9, answering=said, by=43)
    await telegram.write("Let me in.", 10, answering=said, chat=201)
    await telegram.write("What?", 11, answering="Hello")
    await telegram.write("Nothing at all", 12)
    said_by_all = [(message.sender, message.content) for message in await cstar.tickets.messages.list(ticket.id)]
    assert said_by_all == [("customer", "Help"), ("customer", "Still.")]


async def test_replies_and_news_of_a_ticket_come_into_its_chat(telegram: Telegram, cstar: CStarClient, inbox: WebhookInbox) -> None:
    """Not what is for the team alone, nor what the customer said, nor changes of anything but the status."""
    await telegram.write("/ticket Help")
    ticket = await only_ticket(cstar)
    telegram.session.sent.clear()
    await reply(cstar, inbox, ticket, "Try again.")
    await reply(cstar, inbox, ticket, "He is a fool.", is_internal=True)
    await reply(cstar, inbox, ticket, "I did.", sender="customer")
    await happens(inbox, "ticket.updated", ticket, changes={"tags": {"from": [], "to": ["x"]}})
    ticket = await cstar.tickets.update(ticket.id, status="closed")
    await happens(inbox, "ticket.updated", ticket, changes={"status": {"from": "new", "to": "closed"}})
    await happens(inbox, "ticket.closed", ticket)
    assert telegram.seen == [f"{ticket.id}\nBob: Try again.", f"{ticket.id}\nThis ticket is now closed."]
    answers = telegram.session.sent[0].reply_parameters
    assert answers is not None
    assert answers.message_id == 7


async def test_a_long_reply_comes_to_telegram_in_pieces(telegram: Telegram, cstar: CStarClient, inbox: WebhookInbox) -> None:
    """Each with the id of the ticket, and none too long."""
    await telegram.write("/ticket Help")
    telegram.session.sent.clear()
    ticket = await only_ticket(cstar)
    await reply(cstar, inbox, ticket, "x" * 9000)
    assert max(map(len, telegram.seen)) == 4096
    assert "".join(text.removeprefix(f"{ticket.id}\n") for text in telegram.seen) == "Bob: " + "x" * 9000


async def test_a_bot_that_is_blocked_and_a_ticket_without_a_chat_stop_nothing(
    telegram: Telegram, cstar: CStarClient, inbox: WebhookInbox, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody is there to tell."""
    await reply(cstar, inbox, await cstar.tickets.create(title="By mail"), "Hello")
    await telegram.write("/ticket Help")
    telegram.session.is_blocked = True
    ticket = await only_ticket_of(cstar, "Help")
    await reply(cstar, inbox, ticket, "Hello")
    await cstar.tickets.delete(ticket.id)
    await happens(inbox, "ticket.closed", ticket)
    assert "could not be handled" not in caplog.text
    assert len(telegram.seen) == 1


async def only_ticket_of(cstar: CStarClient, title: str) -> Ticket:
    """The ticket of a title."""
    return next(ticket for ticket in await cstar.tickets.list().collect() if ticket.title == title)
