"""A Discord bot: `/ticket` creates a ticket and a private thread, and forwards messages in both directions.

    pip install discord.py    # beside this package
    CSTAR_API_KEY=sk_… DISCORD_TOKEN=… python examples/discord_bot.py

It receives replies over cStar's event stream, so it needs no public URL. BOT_DATABASE (`discord_bot.db`) is the file with the
events in progress and the position in the stream. In Discord's developer portal, enable the message content intent. Invite the bot
with the scopes `bot` and `applications.commands`, and the permissions to create private threads and write in them. Ctrl-C or
SIGTERM ends it.

There is no database of threads: a ticket has the id of its thread in its metadata, a thread the id of its ticket in its name.
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
"""The metadata key of a ticket that has the id of its thread."""
IN_NAME = re.compile(r"\[(tkt_\w+)\]$")
MAX_LENGTH = 2000
"""Characters of a Discord message."""
QUIET = discord.AllowedMentions.none()
"""Messages of agents must not notify everyone."""


class TicketClient(discord.Client):
    """Connect Discord threads with tickets.

    Args:
        cstar: The client for tickets.
        inbox: The inbox that receives replies and changes.
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

        inbox.on(TicketMessageAdded)(self.forward_reply)
        inbox.on(TicketUpdated, TicketClosed)(self.send_status)

    async def setup_hook(self) -> None:
        """Register the command at Discord."""
        await self.tree.sync()

    async def open_ticket(self, interaction: discord.Interaction, title: str, text: str) -> None:
        """Create a ticket and a private thread with the user."""
        channel = interaction.channel
        if not isinstance(channel, discord.TextChannel):
            await interaction.response.send_message("Please ask in a text channel.", ephemeral=True)
            return
        await interaction.response.defer(ephemeral=True)  # Discord expects a response within three seconds
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
        await thread.send(text[:MAX_LENGTH], allowed_mentions=QUIET)
        await interaction.followup.send(f"Continue in {thread.mention}.", ephemeral=True)

    async def on_message(self, message: discord.Message) -> None:
        """Add the message of a user to the ticket of the thread."""
        thread = message.channel
        if message.author.bot or not isinstance(thread, discord.Thread) or self.user is None or thread.owner_id != self.user.id:
            return
        named = IN_NAME.search(thread.name)
        ticket = await self._ticket(named[1]) if named else None
        # Moderators can rename a thread to another ticket, so the ticket must name the thread, too.
        if ticket is None or _thread_of(ticket) != thread.id:
            return
        await self._cstar.tickets.messages.create(
            ticket.id,
            content="\n".join([message.content, *(attachment.url for attachment in message.attachments)]),
            sender="customer",
            sender_name=message.author.display_name,
            idempotency_key=idempotency_key("discord", message.id),
        )

    async def forward_reply(self, event: TicketMessageAdded) -> None:
        """Send a reply of the team to the thread."""
        if event.data.ticket is None or event.data.message is None:
            return
        ticket = await self._ticket(event.data.ticket.id)
        for message in (ticket and ticket.messages) or []:
            # Internal messages are for the team only. The event may lack `is_internal`, the ticket has it.
            if message.id == event.data.message.id and message.sender != "customer" and not message.is_internal:
                await self._send(event, ticket, f"**{message.sender_name or 'Support'}**: {message.content}")

    async def send_status(self, event: TicketUpdated | TicketClosed) -> None:
        """Send a new status of the ticket to the thread."""
        has_new_status = isinstance(event, TicketClosed) or "status" in (event.data.changes or {})
        ticket = await self._ticket(event.data.ticket.id) if event.data.ticket and has_new_status else None
        if ticket is not None and (isinstance(event, TicketClosed) or ticket.status != "closed"):
            await self._send(event, ticket, f"*This ticket is now {ticket.status}.*")

    async def _ticket(self, ticket_id: str) -> Ticket | None:
        try:
            return await self._cstar.tickets.get(ticket_id)
        except NotFoundError:
            return None

    async def _send(self, event: WebhookEvent, ticket: Ticket | None, text: str) -> None:
        thread = ticket and _thread_of(ticket)
        if not thread:
            return  # the ticket was created elsewhere
        for start in range(0, len(text), MAX_LENGTH):
            # An event may be handled twice. Discord drops a message with a nonce of the last minutes.
            nonce = idempotency_key(event.id, start)[-25:]
            try:
                channel = self.get_partial_messageable(thread)
                await channel.send(text[start : start + MAX_LENGTH], nonce=nonce, allowed_mentions=QUIET)
            except discord.NotFound:
                return  # the thread was deleted


def _thread_of(ticket: Ticket) -> int | None:
    thread = (ticket.metadata or {}).get(THREAD)
    return int(thread) if isinstance(thread, str) and thread.isdecimal() else None


async def main() -> None:
    """Run both connections until SIGINT or SIGTERM, or until one of them fails."""
    token = os.environ.get("DISCORD_TOKEN")
    if not token:
        sys.exit("set DISCORD_TOKEN to the token of the bot")
    store = SqliteStore(os.environ.get("BOT_DATABASE", "discord_bot.db"))
    async with CStarClient.from_env() as cstar:
        await cstar.auth.whoami()  # a wrong key, or no connection, ends the bot here and not at the first event
        inbox = WebhookInbox((), store=store)
        async with TicketClient(cstar, inbox) as client, inbox:
            tasks = asyncio.gather(client.start(token), inbox.run(cstar.events("ticket.*")))
            for number in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(number, tasks.cancel)
            await asyncio.wait([tasks])
            if not tasks.cancelled():
                tasks.result()


if __name__ == "__main__":
    discord.utils.setup_logging()
    try:
        asyncio.run(main())
    except CStarError as error:
        sys.exit(error.report())
