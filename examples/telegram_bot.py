"""A Telegram bot: `/ticket` opens a ticket, replies of the team come to the chat, and replies to those go into the ticket.

    pip install cstar-async aiogram
    CSTAR_API_KEY=sk_… TELEGRAM_TOKEN=… python examples/telegram_bot.py

It asks Telegram for messages and hears of replies over cStar's event stream, so it needs no public address. BOT_DATABASE
(`telegram_bot.db`) is the file that tells after a restart where it was. Ctrl-C or SIGTERM ends it.

There is no database of chats: a ticket carries the ids of its chat and of the message that opened it in its metadata, and whatever
the bot says begins with the id of its ticket.
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

CHAT, ASKED = "telegram_chat", "telegram_message"
"""Keys in the metadata of a ticket: the chat, and the message that opened it."""
LONGEST = 4096
"""Characters that a message of Telegram may have."""


class Desk:
    """Telegram on one side, tickets on the other.

    Args:
        cstar: The client to write tickets with.
        inbox: Where replies and changes come from.
        bot: Who speaks in Telegram.
        dispatcher: Where messages of Telegram come from.
    """

    def __init__(self, cstar: CStarClient, inbox: WebhookInbox, bot: Bot, dispatcher: Dispatcher) -> None:
        self._cstar = cstar
        self._bot = bot
        dispatcher.message.register(self.open_ticket, Command("ticket"))
        dispatcher.message.register(self.add_message, F.reply_to_message.from_user.id == bot.id)
        inbox.on(TicketMessageAdded)(self.pass_on)
        inbox.on(TicketUpdated, TicketClosed)(self.tell_status)

    async def open_ticket(self, message: Message, command: CommandObject) -> None:
        """Open a ticket with what follows the command."""
        if not command.args:
            await message.reply("Please say what it is about: /ticket I cannot log in")
            return
        try:
            # Telegram sends a message again that the bot did not confirm: the key makes the same ticket of it.
            ticket = await self._cstar.tickets.create(
                title=command.args.splitlines()[0][:80],
                initial_message=command.args,
                customer_name=_name_of(message),
                metadata={CHAT: message.chat.id, ASKED: message.message_id},
                idempotency_key=idempotency_key("telegram", message.chat.id, message.message_id),
            )
        except CStarError:
            await message.reply("That did not work. Please try again in a minute.")
            raise
        await message.reply(f"{ticket.id}\nWe have it. Answer to this message to add something.")

    async def add_message(self, message: Message) -> None:
        """Bring an answer to one of our messages into its ticket."""
        said = message.reply_to_message and message.reply_to_message.text
        ticket = await self._ticket(said.split("\n", 1)[0]) if said and message.text else None
        # The id in a message could be that of somebody else's ticket, if an agent wrote it there: the ticket has to name the chat.
        if ticket is None or message.text is None or (ticket.metadata or {}).get(CHAT) != message.chat.id:
            return
        await self._cstar.tickets.messages.create(
            ticket.id,
            content=message.text,
            sender="customer",
            sender_name=_name_of(message),
            idempotency_key=idempotency_key("telegram", message.chat.id, message.message_id),
        )

    async def pass_on(self, event: TicketMessageAdded) -> None:
        """Bring a reply of the team into the chat."""
        if event.data.ticket is None or event.data.message is None:
            return
        ticket = await self._ticket(event.data.ticket.id)
        for message in (ticket and ticket.messages) or []:
            # What is internal is for the team alone. The event may leave out whether it is; the ticket does not.
            if message.id == event.data.message.id and message.sender != "customer" and not message.is_internal:
                await self._say(ticket, f"{message.sender_name or 'Support'}: {message.content}")

    async def tell_status(self, event: TicketUpdated | TicketClosed) -> None:
        """Tell in the chat how the ticket stands."""
        is_news = isinstance(event, TicketClosed) or "status" in (event.data.changes or {})
        ticket = await self._ticket(event.data.ticket.id) if event.data.ticket and is_news else None
        if ticket is not None and (isinstance(event, TicketClosed) or ticket.status != "closed"):
            await self._say(ticket, f"This ticket is now {ticket.status}.")

    async def _ticket(self, ticket_id: str) -> Ticket | None:
        try:
            return await self._cstar.tickets.get(ticket_id)
        except NotFoundError:
            return None

    async def _say(self, ticket: Ticket | None, text: str) -> None:
        """Say something about a ticket. If the bot is killed right after, it says it again: Telegram has no idempotency keys."""
        place = (ticket and ticket.metadata) or {}
        chat, asked = place.get(CHAT), place.get(ASKED)
        if ticket is None or not isinstance(chat, int) or not isinstance(asked, int):
            return  # a ticket that came another way
        room = LONGEST - len(ticket.id) - 1
        for start in range(0, len(text), room):
            answers = ReplyParameters(message_id=asked, allow_sending_without_reply=True)
            try:
                await self._bot.send_message(chat, f"{ticket.id}\n{text[start : start + room]}", reply_parameters=answers)
            except TelegramForbiddenError:
                return  # somebody blocked the bot


def _name_of(message: Message) -> str | None:
    return message.from_user.full_name if message.from_user else None


async def main() -> None:
    """Run both sides until SIGINT or SIGTERM, or until one of them fails."""
    store = SqliteStore(os.environ.get("BOT_DATABASE", "telegram_bot.db"))
    dispatcher = Dispatcher()
    async with CStarClient.from_env() as cstar, Bot(os.environ["TELEGRAM_TOKEN"]) as bot:
        inbox = WebhookInbox((), store=store)
        Desk(cstar, inbox, bot, dispatcher)
        async with inbox:
            polling = dispatcher.start_polling(bot, handle_signals=False, close_bot_session=False)  # pyright: ignore[reportUnknownMemberType]  # one of its settings is a bare `list`
            hearing = asyncio.gather(polling, inbox.run(cstar.events("ticket.*")))
            for number in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(number, hearing.cancel)
            await asyncio.wait([hearing])
            if not hearing.cancelled():
                hearing.result()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    try:
        asyncio.run(main())
    except CStarError as error:
        sys.exit(error.report())
