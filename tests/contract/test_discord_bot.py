"""Run the Discord bot: the objects of discord.py on one side, a fake server on the other."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import discord
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from cstar_async import CStarClient
from cstar_async.models import Ticket
from cstar_async.testing import FakeCStar
from cstar_async.webhooks import WebhookInbox
from tests.contract.chat_bots import cstar, deliver, fake, inbox, only_ticket, reply
from tests.contract.test_examples import example

__all__ = ["cstar", "fake", "inbox"]

DISCORD = example("discord_bot")
ME, JANE, GUILD, CHANNEL, THREAD = "100", "200", "300", "400", "500"


def user(identity: str, name: str, *, is_bot: bool = False) -> dict[str, Any]:
    """Build a user of Discord's gateway."""
    return {"id": identity, "username": name, "discriminator": "0", "avatar": None, "global_name": name, "bot": is_bot}


def thread(name: str) -> dict[str, Any]:
    """Build a thread of the bot in the format of Discord."""
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
    """Build a response of Discord, whose content type has no charset."""
    return web.Response(body=json.dumps(value).encode(), status=status, content_type="application/json")


class LoopbackDiscord:
    """A server with the part of Discord's REST API that the bot uses. It records the requests."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, Any]] = []
        self.refused: set[str] = set()
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._handle)
        self.server = TestServer(application)

    @property
    def messages(self) -> list[str]:
        """The messages of the bot in the thread."""
        return [body["content"] for method, path, body in self.sent if (method, path) == ("POST", f"/channels/{THREAD}/messages")]

    @property
    def private_messages(self) -> list[str]:
        """The messages of the bot to the user of the command."""
        return [body["content"] for _, path, body in self.sent if path.startswith("/webhooks/")]

    async def _handle(self, request: web.Request) -> web.StreamResponse:
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
            return as_json(discord_message(ME, body["content"]))
        return web.Response(status=204)


def discord_message(author: str, text: str, number: int = 900) -> dict[str, Any]:
    """Build a message in the thread in the format of Discord."""
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
    """Start the local Discord server."""
    loopback = LoopbackDiscord()
    async with loopback.server:
        monkeypatch.setattr(discord.http.Route, "BASE", str(loopback.server.make_url("")).rstrip("/"))
        yield loopback


@pytest.fixture
async def client(loopback: LoopbackDiscord, cstar: CStarClient, inbox: WebhookInbox) -> AsyncIterator[Any]:
    """Log the bot in, in a guild with one text channel."""
    async with DISCORD.TicketClient(cstar, inbox) as client:
        await client.login("token")
        state = client._connection
        channel = {"id": CHANNEL, "type": 0, "name": "help", "position": 0, "permission_overwrites": [], "parent_id": None}
        guild = {"id": GUILD, "name": "Acme", "channels": [channel], "roles": [], "emojis": [], "members": [], "threads": []}
        state._add_guild_from_data(guild)
        yield client


VOICE = {"bitrate": 64_000, "user_limit": 0}
"""Required fields of a voice channel."""


async def command(client: Any, title: str = "Cannot log in", text: str = "It says no.", *, channel_type: int = 0) -> None:
    """Send the command of Jane, and wait until it is done."""
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
    """Send a message to the thread, and wait until the bot has handled it."""
    if name is not None:
        client._connection.parse_thread_update(thread(name))
    before = asyncio.all_tasks()
    client._connection.parse_message_create(discord_message(author, text, number))
    await asyncio.gather(*(asyncio.all_tasks() - before))


async def announce_thread(client: Any, ticket: Ticket) -> None:
    """Send the gateway event of the thread that the command created."""
    client._connection.parse_thread_create({**thread(f"Cannot log in [{ticket.id}]"), "newly_created": True})


async def test_command_creates_a_ticket_and_a_thread(client: Any, loopback: LoopbackDiscord, cstar: CStarClient) -> None:
    """The ticket has the id of its thread, the thread that of its ticket, and the user is a member of it."""
    await command(client)
    ticket = await only_ticket(cstar)
    assert (ticket.title, ticket.customer_name, ticket.metadata) == ("Cannot log in", "Jane", {"discord_thread": THREAD})
    assert [message.content for message in ticket.messages or []] == ["It says no."]
    made = next(body for _, path, body in loopback.sent if path == f"/channels/{CHANNEL}/threads")
    assert (made["name"], made["type"]) == (f"Cannot log in [{ticket.id}]", 12)
    assert ("PUT", f"/channels/{THREAD}/thread-members/{JANE}") in [(method, path) for method, path, _ in loopback.sent]
    assert loopback.messages == ["It says no."]
    assert loopback.private_messages == [f"Continue in <#{THREAD}>."]


async def test_repeated_command_creates_no_second_ticket(client: Any, cstar: CStarClient) -> None:
    """The idempotency key contains the id of the command."""
    await command(client)
    await command(client)
    assert (await only_ticket(cstar)).title == "Cannot log in"


async def test_command_outside_of_a_text_channel_is_declined(client: Any, loopback: LoopbackDiscord, cstar: CStarClient) -> None:
    """Other channels have no threads, so no ticket is created."""
    client._connection._get_guild(int(GUILD))._channels.clear()
    await command(client, channel_type=2)
    response = next(body for _, path, body in loopback.sent if path.endswith("/callback"))
    assert response["data"]["content"] == "Please ask in a text channel."
    assert await cstar.tickets.list().collect() == []


async def test_failed_command_is_reported_to_the_user(
    client: Any, loopback: LoopbackDiscord, fake: FakeCStar, caplog: pytest.LogCaptureFixture
) -> None:
    """The user gets a message, and the error is logged."""
    fake.faults.add(operation="create_ticket", status=503)
    await command(client)
    assert loopback.private_messages == ["That did not work. Please try again in a minute."]
    assert "ServerError" in caplog.text


async def test_message_in_a_thread_is_added_to_the_ticket(client: Any, cstar: CStarClient) -> None:
    """A message is added once. Messages of the bot, and of a thread that names another ticket, are not added."""
    await command(client)
    ticket = await only_ticket(cstar)
    other = await cstar.tickets.create(title="Another ticket")
    await announce_thread(client, ticket)
    await write(client, "And now?")
    await write(client, "And now?")
    await write(client, "It is me.", ME, number=902)
    await write(client, "Let me in.", name=f"Hello [{other.id}]", number=903)
    await write(client, "Hello?", name="Hello [tkt_never]", number=904)
    await write(client, "Hello?", name="Hello", number=905)
    written = [(message.sender, message.content) for message in await cstar.tickets.messages.list(ticket.id)]
    assert written == [("customer", "It says no."), ("customer", "And now?")]
    assert (await cstar.tickets.messages.list(other.id)).data == []


async def test_replies_and_status_are_sent_to_the_thread(
    client: Any, loopback: LoopbackDiscord, cstar: CStarClient, inbox: WebhookInbox
) -> None:
    """Internal messages, messages of the customer and other changes are not sent."""
    await command(client)
    ticket = await only_ticket(cstar)
    loopback.sent.clear()
    await reply(cstar, inbox, ticket, "Try again.")
    await reply(cstar, inbox, ticket, "He is a fool.", is_internal=True)
    await reply(cstar, inbox, ticket, "I did.", sender="customer")
    await deliver(inbox, "ticket.updated", ticket, changes={"tags": {"from": [], "to": ["x"]}})
    ticket = await cstar.tickets.update(ticket.id, status="pending")
    await deliver(inbox, "ticket.updated", ticket, changes={"status": {"from": "new", "to": "pending"}})
    ticket = await cstar.tickets.update(ticket.id, status="closed")
    await deliver(inbox, "ticket.updated", ticket, changes={"status": {"from": "pending", "to": "closed"}})
    await deliver(inbox, "ticket.closed", ticket)
    assert loopback.messages == ["**Bob**: Try again.", "*This ticket is now pending.*", "*This ticket is now closed.*"]
    bodies = [body for _, path, body in loopback.sent if path.endswith("/messages")]
    assert all(body["allowed_mentions"] == {"parse": []} and body["enforce_nonce"] for body in bodies)


async def test_long_reply_is_split(client: Any, loopback: LoopbackDiscord, cstar: CStarClient, inbox: WebhookInbox) -> None:
    """Each part has at most the length that Discord allows."""
    await command(client)
    loopback.sent.clear()
    await reply(cstar, inbox, await only_ticket(cstar), "x" * 4500)
    assert [len(text) for text in loopback.messages] == [2000, 2000, 4500 + len("**Bob**: ") - 4000]


async def test_missing_threads_are_ignored(
    client: Any, loopback: LoopbackDiscord, cstar: CStarClient, inbox: WebhookInbox, caplog: pytest.LogCaptureFixture
) -> None:
    """A deleted thread, and a ticket without one, are no failures."""
    await reply(cstar, inbox, await cstar.tickets.create(title="By mail"), "Hello")
    assert loopback.messages == []
    gone = await cstar.tickets.create(title="Gone", metadata={"discord_thread": THREAD})
    loopback.refused.add(f"/channels/{THREAD}/messages")
    await reply(cstar, inbox, gone, "Hello")
    await cstar.tickets.delete(gone.id)
    await deliver(inbox, "ticket.closed", gone)
    assert "handler failed" not in caplog.text
