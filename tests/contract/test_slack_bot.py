"""Run the Slack bot: Slack's methods on loopback on one side, a fake server on the other."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.web.async_client import AsyncWebClient

from cstar_async import CStarClient
from cstar_async.testing import FakeCStar
from cstar_async.webhooks import WebhookInbox
from tests.contract.chat_bots import cstar, deliver, fake, inbox, only_ticket, reply
from tests.contract.test_examples import example

__all__ = ["cstar", "fake", "inbox"]

SLACK = example("slack_bot")
BOT = "U0BOT"


class FakeSlack:
    """The methods of Slack that the bot calls, and a socket for its commands."""

    def __init__(self) -> None:
        self.url = ""
        self.messages: dict[str, dict[str, str]] = {}
        """The messages of the bot, by their timestamps."""
        self.responses: list[str] = []
        """What the bot responds to commands, for their users only."""
        self.error: str | None = None
        """What Slack refuses messages with."""
        self.socket: asyncio.Future[web.WebSocketResponse] = asyncio.get_running_loop().create_future()

    @property
    def replies(self) -> list[str]:
        """The messages of the bot in threads."""
        return [message["text"] for message in self.messages.values() if "thread_ts" in message]

    async def call(self, request: web.Request) -> web.Response:
        """Return the response of Slack to a method."""
        given = await request.json() if request.content_type == "application/json" else request.query
        return web.json_response({"ok": True, **self.results(request.match_info["method"], given)})

    def results(self, method: str, given: Mapping[str, str]) -> dict[str, Any]:
        """Return the fields of the response."""
        if method == "auth.test":
            return {"user_id": BOT, "bot_id": "B0BOT", "team_id": "T1", "url": self.url, "user": "desk"}
        if method == "users.info":
            return {"user": {"name": "jane", "real_name": "Jane Doe"}}
        if method == "apps.connections.open":
            return {"url": self.url.replace("http", "ws") + "/socket"}
        if method == "conversations.replies":
            return {"messages": [self.messages.get(given["ts"], {"text": "Hello"})]}
        if self.error:
            return {"ok": False, "error": self.error}
        timestamp = given.get("ts") or f"1772359200.{len(self.messages):06}"
        self.messages[timestamp] = {**self.messages.get(timestamp, {}), **given}
        return {"ts": timestamp}

    async def respond(self, request: web.Request) -> web.Response:
        """Record the response to a command."""
        self.responses.append((await request.json())["text"])
        return web.Response(text="ok")

    async def connect(self, request: web.Request) -> web.WebSocketResponse:
        """Accept the socket of the bot, and read what it confirms."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.socket.set_result(socket)
        async for _ in socket:
            pass
        return socket


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    """Start the methods of Slack on loopback."""
    slack = FakeSlack()
    app = web.Application()
    app.router.add_post("/api/{method}", slack.call)
    app.router.add_get("/api/{method}", slack.call)
    app.router.add_post("/respond", slack.respond)
    app.router.add_get("/socket", slack.connect)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    slack.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield slack
    await runner.cleanup()


class Desk:
    """Send commands and messages of Jane to the bot."""

    def __init__(self, cstar: CStarClient, inbox: WebhookInbox, slack: FakeSlack) -> None:
        self._slack = slack
        client = AsyncWebClient(token="xoxb-1", base_url=f"{slack.url}/api/")
        self._app = AsyncApp(client=client, process_before_response=True)  # without tasks in the background
        SLACK.TicketBot(cstar, inbox, self._app)

    async def _dispatch(self, body: dict[str, Any]) -> None:
        await self._app.async_dispatch(AsyncBoltRequest(body=body, mode="socket_mode"))

    async def command(self, text: str) -> None:
        """Call `/ticket`."""
        await self._dispatch(command(text, self._slack))

    async def write(self, text: str, number: int, thread: str, *, by: str = BOT, channel: str = "C1", **more: Any) -> None:
        """Send a message in a thread."""
        message = {"type": "message", "channel": channel, "user": "U1", "text": text, "ts": f"2.{number}"}
        event = {**message, "thread_ts": thread, "parent_user_id": by, **more}
        await self._dispatch({"type": "event_callback", "team_id": "T1", "event": event})


def command(text: str, slack: FakeSlack) -> dict[str, Any]:
    """Return what Slack sends for a command."""
    return {
        "command": "/ticket",
        "text": text,
        "channel_id": "C1",
        "team_id": "T1",
        "user_id": "U1",
        "user_name": "jane",
        "response_url": f"{slack.url}/respond",
    }


@pytest.fixture
def desk(cstar: CStarClient, inbox: WebhookInbox, slack: FakeSlack) -> Desk:
    """Create a channel with the bot."""
    return Desk(cstar, inbox, slack)


async def test_command_creates_a_ticket_and_a_thread(desk: Desk, slack: FakeSlack, cstar: CStarClient) -> None:
    """The ticket names its thread, and the first message of the thread begins with the id of the ticket."""
    await desk.command("Cannot log in\n1 &lt; 2")
    ticket = await only_ticket(cstar)
    ((thread, message),) = slack.messages.items()
    assert (ticket.title, ticket.customer_name) == ("Cannot log in", "jane")
    assert ticket.metadata == {"slack_channel": "C1", "slack_thread": thread}
    assert [one.content for one in ticket.messages or []] == ["Cannot log in\n1 < 2"]
    assert message["text"] == f"{ticket.id} <@U1>: Cannot log in\n1 &lt; 2"


async def test_command_without_text_creates_nothing(desk: Desk, slack: FakeSlack, cstar: CStarClient) -> None:
    """The bot responds with the usage."""
    await desk.command("")
    assert slack.responses == ["Describe your problem after the command: /ticket I cannot log in"]
    assert await cstar.tickets.list().collect() == []


async def test_command_in_another_channel_creates_nothing(desk: Desk, slack: FakeSlack, cstar: CStarClient) -> None:
    """The bot asks for an invitation to a channel in which it cannot write."""
    slack.error = "not_in_channel"
    await desk.command("Help")
    assert slack.responses == ["Please invite me to this channel first."]
    assert await cstar.tickets.list().collect() == []


async def test_failures_are_reported_to_the_user(desk: Desk, slack: FakeSlack, fake: FakeCStar, cstar: CStarClient) -> None:
    """The first message of the thread says it for a command, and a reply in the thread for a message."""
    fake.faults.add(operation="create_ticket", status=503)
    await desk.command("Help")
    await desk.command("Help")
    first, second = slack.messages.values()
    assert first["text"] == SLACK.FAILED
    fake.faults.add(operation="create_ticket_message", status=503)
    await desk.write("Still.", 1, second["ts"])
    assert slack.replies == [SLACK.FAILED]
    assert (await only_ticket(cstar)).message_count == 1


async def test_reply_in_a_thread_is_added_to_the_ticket(desk: Desk, slack: FakeSlack, cstar: CStarClient) -> None:
    """Edits, and replies in threads of others, in another channel and in a thread without a ticket are not added."""
    await desk.command("Help")
    ticket = await only_ticket(cstar)
    (thread,) = slack.messages
    for _ in range(2):
        await desk.write("Still.", 1, thread, files=[{"permalink": "https://files.example/1"}], subtype="file_share")
    await desk.write("Not to you.", 2, thread, by="U2")
    await desk.write("Let me in.", 3, thread, channel="C2")
    await desk.write("What?", 4, "1.9")
    await desk.write("Still!", 5, thread, subtype="message_changed")
    written = [(one.sender, one.sender_name, one.content) for one in await cstar.tickets.messages.list(ticket.id)]
    assert written == [("customer", "jane", "Help"), ("customer", "Jane Doe", "Still.\nhttps://files.example/1")]


async def test_replies_and_status_are_sent_to_the_thread(
    desk: Desk, slack: FakeSlack, cstar: CStarClient, inbox: WebhookInbox
) -> None:
    """Internal messages, messages of the customer and other changes are not sent, and no message notifies a whole channel."""
    await desk.command("Help")
    ticket = await only_ticket(cstar)
    await reply(cstar, inbox, ticket, "Try <!channel> again.")
    await reply(cstar, inbox, ticket, "He is a fool.", is_internal=True)
    await reply(cstar, inbox, ticket, "I did.", sender="customer")
    await deliver(inbox, "ticket.updated", ticket, changes={"tags": {"from": [], "to": ["x"]}})
    ticket = await cstar.tickets.update(ticket.id, status="closed")
    await deliver(inbox, "ticket.updated", ticket, changes={"status": {"from": "new", "to": "closed"}})
    await deliver(inbox, "ticket.closed", ticket)
    assert slack.replies == ["Bob: Try &lt;!channel&gt; again.", "This ticket is now closed."]


async def test_long_reply_is_split(desk: Desk, slack: FakeSlack, cstar: CStarClient, inbox: WebhookInbox) -> None:
    """Each part has at most the length that Slack recommends."""
    await desk.command("Help")
    await reply(cstar, inbox, await only_ticket(cstar), "x" * 9000)
    assert [4000, 4000, 1005] == [len(text) for text in slack.replies]


@pytest.mark.parametrize(("error", "is_failure"), [("is_archived", False), ("ratelimited", True)])
async def test_missing_threads_are_ignored(
    desk: Desk,
    slack: FakeSlack,
    cstar: CStarClient,
    inbox: WebhookInbox,
    caplog: pytest.LogCaptureFixture,
    error: str,
    is_failure: bool,
) -> None:
    """An archived channel, a deleted ticket and one without a thread are no failures; another error of Slack is one."""
    await desk.command("Help")
    ticket = await only_ticket(cstar)
    await reply(cstar, inbox, await cstar.tickets.create(title="By mail"), "Hello")
    slack.error = error
    await reply(cstar, inbox, ticket, "Hello")
    await cstar.tickets.delete(ticket.id)
    await deliver(inbox, "ticket.closed", ticket)
    assert slack.replies == []
    assert ("handler failed" in caplog.text) is is_failure


async def wait_for(found: Callable[[], object]) -> None:
    """Wait until a value is true."""
    async with asyncio.timeout(10):
        while not found():  # noqa: ASYNC110 -- the other side is a program without events
            await asyncio.sleep(0.01)


async def test_program_connects_both_sides(
    slack: FakeSlack, fake: FakeCStar, cstar: CStarClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command comes in over the socket, and the reply of an agent over the event stream."""
    settings = {"CSTAR_API_KEY": fake.secret_key, "CSTAR_BASE_URL": fake.url, "BOT_DATABASE": str(tmp_path / "bot.db")}
    for name, value in (settings | {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1"}).items():
        monkeypatch.setenv(name, value)
    client = AsyncWebClient(token="xoxb-1", base_url=f"{slack.url}/api/")
    monkeypatch.setattr(SLACK, "AsyncApp", functools.partial(AsyncApp, client=client))
    program = asyncio.create_task(SLACK.main())
    try:
        socket = await slack.socket
        await socket.send_json({"envelope_id": "1", "type": "slash_commands", "payload": command("Help", slack)})
        await wait_for(lambda: any("Help" in message["text"] for message in slack.messages.values()))
        await wait_for(lambda: len(fake.streams))
        ticket = await only_ticket(cstar)
        await cstar.tickets.messages.create(ticket.id, content="Try again.", sender="agent", sender_name="Bob")
        await wait_for(lambda: slack.replies)
    finally:
        program.cancel()
        await asyncio.wait([program])
    assert slack.replies == ["Bob: Try again."]
