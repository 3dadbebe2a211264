"""A Telegram bot: `/ticket` creates a ticket, and forwards replies in both directions.

    pip install aiogram    # beside this package
    CSTAR_API_KEY=sk_… TELEGRAM_TOKEN=… python examples/telegram_bot.py

It polls Telegram for messages and receives replies over cStar's event stream, so it needs no public URL. BOT_DATABASE
(`telegram_bot.db`) is the file with the events in progress and the position in the stream. Ctrl-C or SIGTERM ends it.

There is no database of chats: a ticket has the ids of its chat and of its first message in its metadata. Each message of the bot
begins with the id of the ticket.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys

from aiogram import Bot, Dispatcher, F
from aiogram.exceptions import TelegramForbiddenError
from aiogram.filters import Command, CommandObject
from aiogram.types import Message, ReplyParameters

from cstar_async import CStarClient, CStarError, NotFoundError, idempotency_key
from cstar_async.models import Ticket
from cstar_async.webhooks import SqliteStore, TicketClosed, TicketMessageAdded, TicketUpdated, WebhookInbox

CHAT_ID, MESSAGE_ID = "telegram_chat", "telegram_message"
"""The metadata keys of a ticket that have its chat and its first message."""
MAX_LENGTH = 4096
"""Characters of a Telegram message."""


class TicketBot:
    """Connect Telegram chats with tickets.

    Args:
        cstar: The client for tickets.
        inbox: The inbox that receives replies and changes.
        bot: The bot that sends messages in Telegram.
        dispatcher: The dispatcher that receives messages from Telegram.
    """

    def __init__(self, cstar: CStarClient, inbox: WebhookInbox, bot: Bot, dispatcher: Dispatcher) -> None:
        self._cstar = cstar
        self._bot = bot
        dispatcher.message.register(self.open_ticket, Command("ticket"))
        dispatcher.message.register(self.add_message, F.reply_to_message.from_user.id == bot.id)
        inbox.on(TicketMessageAdded)(self.forward_reply)
        inbox.on(TicketUpdated, TicketClosed)(self.send_status)

    async def open_ticket(self, message: Message, command: CommandObject) -> None:
        """Create a ticket with the arguments of the command."""
        if not command.args:
            await message.reply("Describe your problem after the command: /ticket I cannot log in")
            return
        try:
            # Telegram sends a message again if the bot did not confirm it. The key prevents a second ticket.
            ticket = await self._cstar.tickets.create(
                title=command.args.splitlines()[0][:80],
                initial_message=command.args,
                customer_name=_name_of(message),
                metadata={CHAT_ID: message.chat.id, MESSAGE_ID: message.message_id},
                idempotency_key=idempotency_key("telegram", message.chat.id, message.message_id),
            )
        except CStarError:
            await message.reply("That did not work. Please try again in a minute.")
            raise
        await message.reply(f"{ticket.id}\nWe received it. Reply to this message to add something.")

    async def add_message(self, message: Message) -> None:
        """Add a reply to a message of the bot to the ticket."""
        quoted = message.reply_to_message and message.reply_to_message.text
        ticket = await self._ticket(quoted.split("\n", 1)[0]) if quoted and message.text else None
        # The message may contain the id of another ticket, if an agent wrote it. So the ticket must name the chat.
        if ticket is None or message.text is None or (ticket.metadata or {}).get(CHAT_ID) != message.chat.id:
            return
        await self._cstar.tickets.messages.create(
            ticket.id,
            content=message.text,
            sender="customer",
            sender_name=_name_of(message),
            idempotency_key=idempotency_key("telegram", message.chat.id, message.message_id),
        )

    async def forward_reply(self, event: TicketMessageAdded) -> None:
        """Send a reply of the team to the chat."""
        if event.data.ticket is None or event.data.message is None:
            return
        ticket = await self._ticket(event.data.ticket.id)
        for message in (ticket and ticket.messages) or []:
            # Internal messages are for the team only. The event may lack `is_internal`, the ticket has it.
            if message.id == event.data.message.id and message.sender != "customer" and not message.is_internal:
                await self._send(ticket, f"{message.sender_name or 'Support'}: {message.content}")

    async def send_status(self, event: TicketUpdated | TicketClosed) -> None:
        """Send a new status of the ticket to the chat."""
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
        """Send a message about a ticket. A crash right after it may repeat it, because Telegram has no idempotency keys."""
        metadata = (ticket and ticket.metadata) or {}
        chat_id, message_id = metadata.get(CHAT_ID), metadata.get(MESSAGE_ID)
        if ticket is None or not isinstance(chat_id, int) or not isinstance(message_id, int):
            return  # the ticket was created elsewhere
        size = MAX_LENGTH - len(ticket.id) - 1
        for start in range(0, len(text), size):
            reply = ReplyParameters(message_id=message_id, allow_sending_without_reply=True)
            try:
                await self._bot.send_message(chat_id, f"{ticket.id}\n{text[start : start + size]}", reply_parameters=reply)
            except TelegramForbiddenError:
                return  # the user blocked the bot


def _name_of(message: Message) -> str | None:
    return message.from_user.full_name if message.from_user else None


async def main() -> None:
    """Run both connections until SIGINT or SIGTERM, or until one of them fails."""
    token = os.environ.get("TELEGRAM_TOKEN")
    if not token:
        sys.exit("set TELEGRAM_TOKEN to the token of the bot")
    store = SqliteStore(os.environ.get("BOT_DATABASE", "telegram_bot.db"))
    dispatcher = Dispatcher()
    async with CStarClient.from_env() as cstar, Bot(token) as bot:
        await cstar.auth.whoami()  # a wrong key, or no connection, ends the bot here and not at the first event
        inbox = WebhookInbox((), store=store)
        TicketBot(cstar, inbox, bot, dispatcher)
        async with inbox:
            polling = dispatcher.start_polling(bot, handle_signals=False, close_bot_session=False)  # pyright: ignore[reportUnknownMemberType]  # one of its settings is a bare `list`
            tasks = asyncio.gather(polling, inbox.run(cstar.events("ticket.*")))
            for number in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(number, tasks.cancel)
            await asyncio.wait([tasks])
            if not tasks.cancelled():
                tasks.result()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    try:
        asyncio.run(main())
    except CStarError as error:
        sys.exit(error.report())
