"""A Discord bot: `/ticket` opens a ticket and a private thread for it, and what is said on one side comes to the other.

    pip install cstar-async discord.py
    CSTAR_API_KEY=sk_… DISCORD_TOKEN=… python examples/discord_bot.py

It hears of replies over cStar's event stream, so it needs no public address; BOT_DATABASE (`discord_bot.db`) is the file that tells
after a restart where it was. In Discord's developer portal, switch on the message content intent and invite the bot with the scopes
`bot` and `applications.commands`, to create private threads and to write in them. Ctrl-C or SIGTERM ends it.

There is no database of threads: a ticket carries the id of its thread in its metadata, and a thread that of its ticket in its name.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys

import discord
from discord import app_commands

from cstar_async import CStarClient, CStarError, NotFoundError, idempotency_key
from cstar_async.models import Ticket
from cstar_async.webhooks import SqliteStore, TicketClosed, TicketMessageAdded, TicketUpdated, WebhookEvent, WebhookInbox

THREAD = "discord_thread"
"""The key of the thread's id in the metadata of a ticket."""
IN_NAME = re.compile(r"\[(tkt_\w+)\]$")
LONGEST = 2000
"""Characters that a message of Discord may have."""
QUIET = discord.AllowedMentions.none()
"""What an agent writes must not ring at everyone."""


class TicketClient(discord.Client):
    """Discord on one side, tickets on the other.

    Args:
        cstar: The client to write tickets with.
        inbox: Where replies and changes come from.
    """

    def __init__(self, cstar: CStarClient, inbox: WebhookInbox) -> None:
        intents = discord.Intents.default()
        intents.message_content = True
        super().__init__(intents=intents)
        self._cstar = cstar
        self.tree = app_commands.CommandTree(self)

        @self.tree.command(name="ticket", description="Ask the support team")
        async def ticket(interaction: discord.Interaction, title: app_commands.Range[str, 1, 60], text: str) -> None:
            await self.open_ticket(interaction, title, text)

        inbox.on(TicketMessageAdded)(self.pass_on)
        inbox.on(TicketUpdated, TicketClosed)(self.tell_status)

    async def setup_hook(self) -> None:
        """Tell Discord of the command."""
        await self.tree.sync()

    async def open_ticket(self, interaction: discord.Interaction, title: str, text: str) -> None:
        """Open a ticket, and a private thread with whoever asked."""
        channel = interaction.channel
        if not isinstance(channel, discord.TextChannel):
            await interaction.response.send_message("Please ask in a text channel.", ephemeral=True)
            return
        await interaction.response.defer(ephemeral=True)  # an answer is due within three seconds
        try:
            made = await self._cstar.tickets.create(
                title=title,
                initial_message=text,
                customer_name=interaction.user.display_name,
                idempotency_key=idempotency_key("discord", interaction.id),
            )
            thread = await channel.create_thread(
                name=f"{title} [{made.id}]", type=discord.ChannelType.private_thread, invitable=False
            )
            await self._cstar.tickets.update(made.id, metadata={THREAD: str(thread.id)})
        except CStarError:
            await interaction.followup.send("That did not work. Please try again in a minute.", ephemeral=True)
            raise
        await thread.add_user(interaction.user)
        await thread.send(text[:LONGEST], allowed_mentions=QUIET)
        await interaction.followup.send(f"We go on in {thread.mention}.", ephemeral=True)

    async def on_message(self, message: discord.Message) -> None:
        """Bring what a person writes in a thread of ours into its ticket."""
        thread = message.channel
        if message.author.bot or not isinstance(thread, discord.Thread) or self.user is None or thread.owner_id != self.user.id:
            return
        named = IN_NAME.search(thread.name)
        ticket = await self._ticket(named[1]) if named else None
        # Moderators can rename a thread, perhaps to the ticket of somebody else: the ticket has to name the thread, too.
        if ticket is None or _thread_of(ticket) != thread.id:
            return
        await self._cstar.tickets.messages.create(
            ticket.id,
            content="\n".join([message.content, *(attachment.url for attachment in message.attachments)]),
            sender="customer",
            sender_name=message.author.display_name,
            idempotency_key=idempotency_key("discord", message.id),
        )

    async def pass_on(self, event: TicketMessageAdded) -> None:
        """Bring a reply of the team into the thread."""
        if event.data.ticket is None or event.data.message is None:
            return
        ticket = await self._ticket(event.data.ticket.id)
        for message in (ticket and ticket.messages) or []:
            # What is internal is for the team alone. The event may leave out whether it is; the ticket does not.
            if message.id == event.data.message.id and message.sender != "customer" and not message.is_internal:
                await self._say(event, ticket, f"**{message.sender_name or 'Support'}**: {message.content}")

    async def tell_status(self, event: TicketUpdated | TicketClosed) -> None:
        """Tell in the thread how the ticket stands."""
        is_news = isinstance(event, TicketClosed) or "status" in (event.data.changes or {})
        ticket = await self._ticket(event.data.ticket.id) if event.data.ticket and is_news else None
        if ticket is not None and (isinstance(event, TicketClosed) or ticket.status != "closed"):
            await self._say(event, ticket, f"*This ticket is now {ticket.status}.*")

    async def _ticket(self, ticket_id: str) -> Ticket | None:
        try:
            return await self._cstar.tickets.get(ticket_id)
        except NotFoundError:
            return None

    async def _say(self, event: WebhookEvent, ticket: Ticket | None, text: str) -> None:
        thread = ticket and _thread_of(ticket)
        if not thread:
            return  # a ticket that came another way
        for start in range(0, len(text), LONGEST):
            # An event may be handled twice. Discord drops a message whose nonce it saw in the last minutes.
            nonce = idempotency_key(event.id, start)[-25:]
            try:
                channel = self.get_partial_messageable(thread)
                await channel.send(text[start : start + LONGEST], nonce=nonce, allowed_mentions=QUIET)
            except discord.NotFound:
                return  # somebody deleted the thread


def _thread_of(ticket: Ticket) -> int | None:
    thread = (ticket.metadata or {}).get(THREAD)
    return int(thread) if isinstance(thread, str) and thread.isdecimal() else None


async def main() -> None:
    """Run both sides until SIGINT or SIGTERM, or until one of them fails."""
    store = SqliteStore(os.environ.get("BOT_DATABASE", "discord_bot.db"))
    async with CStarClient.from_env() as cstar:
        inbox = WebhookInbox((), store=store)
        async with TicketClient(cstar, inbox) as client, inbox:
            hearing = asyncio.gather(client.start(os.environ["DISCORD_TOKEN"]), inbox.run(cstar.events("ticket.*")))
            for number in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(number, hearing.cancel)
            await asyncio.wait([hearing])
            if not hearing.cancelled():
                hearing.result()


if __name__ == "__main__":
    discord.utils.setup_logging()
    try:
        asyncio.run(main())
    except CStarError as error:
        sys.exit(error.report())
