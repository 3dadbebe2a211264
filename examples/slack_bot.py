"""A Slack bot: `/ticket` creates a ticket and a thread in the channel, and forwards messages in both directions.

    pip install slack-bolt    # beside this package
    CSTAR_API_KEY=sk_… SLACK_BOT_TOKEN=xoxb-… SLACK_APP_TOKEN=xapp-… python examples/slack_bot.py

It uses Socket Mode and cStar's event stream, so it needs no public URL. BOT_DATABASE (`slack_bot.db`) is the file with the events
in progress and the position in the stream. In the settings of the Slack app, enable Socket Mode with an app token that has the
scope `connections:write`. Add the command `/ticket`, and subscribe to the events `message.channels` and `message.groups`. The bot
token needs the scopes `commands`, `chat:write`, `users:read`, `channels:history` and `groups:history`. Ctrl-C or SIGTERM ends it.

There is no database of threads: a ticket has the ids of its channel and thread in its metadata. The first message of a thread
begins with the id of the ticket.
"""
# The methods of slack_sdk have arguments of the bare type `dict`.
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

import asyncio
import html
import logging
import os
import signal
import sys
from typing import Any

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond, AsyncSay
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from cstar_async import CStarClient, CStarError, NotFoundError, idempotency_key
from cstar_async.models import Ticket
from cstar_async.webhooks import SqliteStore, TicketClosed, TicketMessageAdded, TicketUpdated, WebhookInbox

CHANNEL, THREAD = "slack_channel", "slack_thread"
"""The metadata keys of a ticket that have its channel and its thread."""
MAX_LENGTH = 4000
"""Characters of a Slack message; Slack cuts much longer ones."""
UNREACHABLE = {"channel_not_found", "is_archived", "not_in_channel"}
"""Errors of Slack for a channel in which the bot cannot write."""
FAILED = "That did not work. Please try again in a minute."


class TicketBot:
    """Connect Slack threads with tickets.

    Args:
        cstar: The client for tickets.
        inbox: The inbox that receives replies and changes.
        app: The app that receives commands and messages from Slack.
    """

    def __init__(self, cstar: CStarClient, inbox: WebhookInbox, app: AsyncApp) -> None:
        self._cstar = cstar
        self._slack = app.client
        app.command("/ticket")(self.open_ticket)
        app.event("message")(self.add_message)
        inbox.on(TicketMessageAdded)(self.forward_reply)
        inbox.on(TicketUpdated, TicketClosed)(self.send_status)

    async def open_ticket(self, ack: AsyncAck, respond: AsyncRespond, client: AsyncWebClient, command: dict[str, Any]) -> None:
        """Create a thread and a ticket with the text of the command."""
        await ack()  # Slack expects it within three seconds
        text, channel = html.unescape(command.get("text") or ""), command["channel_id"]
        if not text:
            await respond("Describe your problem after the command: /ticket I cannot log in")
            return
        try:
            posted = await client.chat_postMessage(channel=channel, text=f"<@{command['user_id']}> asks the support team")
        except SlackApiError as error:
            if _reason(error) not in UNREACHABLE:
                raise
            await respond("Please invite me to this channel first.")
            return
        thread = str(posted["ts"])
        try:
            ticket = await self._cstar.tickets.create(
                title=text.splitlines()[0][:80],
                initial_message=text,
                customer_name=command["user_name"],
                metadata={CHANNEL: channel, THREAD: thread},
                idempotency_key=idempotency_key("slack", channel, thread),
            )
        except CStarError:
            await client.chat_update(channel=channel, ts=thread, text=FAILED)
            raise
        question = _escape(text[:MAX_LENGTH])
        await client.chat_update(channel=channel, ts=thread, text=f"{ticket.id} <@{command['user_id']}>: {question}")

    async def add_message(self, client: AsyncWebClient, say: AsyncSay, message: dict[str, Any], bot_user_id: str) -> None:
        """Add the reply of a user in a thread of the bot to the ticket."""
        channel, thread = message["channel"], message.get("thread_ts", "")
        # A subtype is an edit, a deletion or a message of the channel itself.
        if message.get("parent_user_id") != bot_user_id or message.get("subtype") not in {None, "file_share"}:
            return
        found = await client.conversations_replies(channel=channel, ts=thread, limit=1)
        messages: list[dict[str, str]] = found.get("messages", [])
        ticket = await self._ticket(messages[0]["text"].split(" ", 1)[0])
        # Another message may begin with an id, too. So the ticket must name the thread.
        if ticket is None or _thread_of(ticket) != (channel, thread):
            return
        user: dict[str, str] = (await client.users_info(user=message["user"])).get("user", {})
        links = [file["permalink"] for file in message.get("files", [])]
        try:
            # Slack sends a message again that was confirmed late. The key prevents a second one.
            await self._cstar.tickets.messages.create(
                ticket.id,
                content="\n".join([html.unescape(message["text"]), *links]).strip(),
                sender="customer",
                sender_name=user.get("real_name") or user.get("name"),
                idempotency_key=idempotency_key("slack", channel, message["ts"]),
            )
        except CStarError:
            await say(FAILED, thread_ts=thread)
            raise

    async def forward_reply(self, event: TicketMessageAdded) -> None:
        """Send a reply of the team to the thread."""
        if event.data.ticket is None or event.data.message is None:
            return
        ticket = await self._ticket(event.data.ticket.id)
        for message in (ticket and ticket.messages) or []:
            # Internal messages are for the team only. The event may lack `is_internal`, the ticket has it.
            if message.id == event.data.message.id and message.sender != "customer" and not message.is_internal:
                await self._send(ticket, f"{message.sender_name or 'Support'}: {message.content}")

    async def send_status(self, event: TicketUpdated | TicketClosed) -> None:
        """Send a new status of the ticket to the thread."""
        has_new_status = isinstance(event, TicketClosed) or "status" in (event.data.changes or {})
        ticket = await self._ticket(event.data.ticket.id) if event.data.ticket and has_new_status else None
        if ticket is not None and (isinstance(event, TicketClosed) or ticket.status != "closed"):
            await self._send(ticket, f"This ticket is now {ticket.status}.")

    async def _ticket(self, ticket_id: str) -> Ticket | None:
        try:
            return await self._cstar.tickets.get(ticket_id)
        except NotFoundError:
            return None

    async def _send(self, ticket: Ticket | None, text: str) -> None:
        """Send a message about a ticket. A crash right after it may repeat it, because Slack has no idempotency keys."""
        target = ticket and _thread_of(ticket)
        if not target:
            return  # the ticket was created elsewhere
        channel, thread = target
        for start in range(0, len(text), MAX_LENGTH):
            part = _escape(text[start : start + MAX_LENGTH])
            try:
                await self._slack.chat_postMessage(channel=channel, thread_ts=thread, text=part)
            except SlackApiError as error:
                if _reason(error) in UNREACHABLE:
                    return
                raise


def _escape(text: str) -> str:
    """Prevent that `<!channel>` in a message of an agent notifies everyone."""
    return html.escape(text, quote=False)


def _reason(error: SlackApiError) -> str:
    return str(error.response["error"])


def _thread_of(ticket: Ticket) -> tuple[str, str] | None:
    channel, thread = (ticket.metadata or {}).get(CHANNEL), (ticket.metadata or {}).get(THREAD)
    return (channel, thread) if isinstance(channel, str) and isinstance(thread, str) else None


async def main() -> None:
    """Run both connections until SIGINT or SIGTERM, or until one of them fails."""
    bot_token, app_token = os.environ.get("SLACK_BOT_TOKEN"), os.environ.get("SLACK_APP_TOKEN")
    if not bot_token or not app_token:
        sys.exit("set SLACK_BOT_TOKEN and SLACK_APP_TOKEN to the tokens of the app")
    store = SqliteStore(os.environ.get("BOT_DATABASE", "slack_bot.db"))
    app = AsyncApp(token=bot_token)
    async with CStarClient.from_env() as cstar:
        await cstar.auth.whoami()  # a wrong key, or no connection, ends the bot here and not at the first event
        inbox = WebhookInbox((), store=store)
        TicketBot(cstar, inbox, app)
        slack = AsyncSocketModeHandler(app, app_token)
        try:
            async with inbox:
                receiving = slack.start_async()  # type: ignore[no-untyped-call]
                tasks = asyncio.gather(receiving, inbox.run(cstar.events("ticket.*")))
                for number in (signal.SIGINT, signal.SIGTERM):
                    asyncio.get_running_loop().add_signal_handler(number, tasks.cancel)
                await asyncio.wait([tasks])
                if not tasks.cancelled():
                    tasks.result()
        finally:
            await slack.close_async()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    try:
        asyncio.run(main())
    except CStarError as error:
        sys.exit(error.report())
