"""A bot that welcomes each new ticket, tags it, answers from the knowledge base, and hands urgent ones to whoever is on call.

    CSTAR_API_KEY=sk_… CSTAR_WEBHOOK_SECRET=whsec_… python examples/support_bot.py

waits for webhooks at `/hooks/cstar` on BOT_PORT (8080). Without CSTAR_WEBHOOK_SECRET it listens to the event stream, for which it
needs no public address. BOT_DATABASE is the file of the events that it works on (`support_bot.db`), BOT_ON_CALL the `mem_` id of
the member who gets urgent tickets. Ctrl-C or SIGTERM ends it once the work in hand is done; even killed, it forgets nothing and
says nothing twice.

`make bot` plays it against a cStar on this machine.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from typing import NamedTuple

from aiohttp import web

from cstar_async import CStarClient, CStarError, IdempotencyError, NotFoundError, idempotency_key
from cstar_async.models import Article, Ticket
from cstar_async.webhooks import SqliteStore, TicketCreated, TicketUpdated, WebhookEvent, WebhookInbox

LOGGER = logging.getLogger("support_bot")

NAME = "Starbot"
URGENT = "escalated"
WANTED = ("ticket.created", "ticket.updated")
"""The events to subscribe to."""


class Rule(NamedTuple):
    """What the words of a ticket say about it."""

    tag: str
    words: tuple[str, ...]
    topic: str
    """What to look for in the knowledge base."""

    def fits(self, text: str) -> bool:
        """Whether one of the words is in the text."""
        return any(word in text for word in self.words)


RULES = (
    Rule("login", ("log in", "login", "password", "locked out"), "password"),
    Rule("billing", ("invoice", "refund", "charged", "vat"), "invoice"),
    Rule("onboarding", ("invite", "colleague", "team member"), "invite"),
    Rule("bug", ("crash", "error", "blank page"), "troubleshooting"),
)


class SupportBot:
    """What the bot does with tickets. It keeps nothing in mind: all it has to know stands in the ticket.

    Args:
        cstar: The client to answer with.
        inbox: Where its events come from.
        on_call: The member who gets urgent tickets; None: they are only tagged.
    """

    def __init__(self, cstar: CStarClient, inbox: WebhookInbox, *, on_call: str | None = None) -> None:
        self._cstar = cstar
        self._on_call = on_call
        inbox.on(TicketCreated)(self.welcome)
        inbox.on(TicketUpdated)(self.look_again)
        inbox.on_error(self.give_up)

    async def welcome(self, event: TicketCreated) -> None:
        """Say a first word in a new ticket, and sort it."""
        ticket = await self._read(event)
        if ticket is None:
            return
        rules = [rule for rule in RULES if rule.fits(_text_of(ticket))]
        # Exactly one welcome. An event is handled again when the bot was killed before it noted that it had handled it. For 24
        # hours cStar answers a second call under the same key with the first answer, even if both run at once. But it repeats
        # deliveries for 31 hours, and a bot may be away for longer: by then the welcome stands in the ticket. So look, and then
        # use the key.
        if not any(message.sender_name == NAME for message in ticket.messages or []):
            await self._say_welcome(ticket, rules)
        await self._sort(ticket, {rule.tag for rule in rules})

    async def look_again(self, event: TicketUpdated) -> None:
        """Escalate a ticket that has become urgent."""
        if "priority" in (event.data.changes or {}):
            ticket = await self._read(event)
            if ticket is not None:
                await self._sort(ticket, set())

    async def give_up(self, event: WebhookEvent, error: Exception) -> None:
        """Tell the people behind the bot what it could not do."""
        report = error.report() if isinstance(error, CStarError) else type(error).__name__
        LOGGER.error("%s (%s) was not handled, look at it yourselves:\n%s", event.id, event.type, report)

    async def _read(self, event: TicketCreated | TicketUpdated) -> Ticket | None:
        """The ticket as it is now, which is not as it was when the event was sent; None: it is gone."""
        if event.data.ticket is None:
            return None
        try:
            return await self._cstar.tickets.get(event.data.ticket.id)
        except NotFoundError:
            return None

    async def _say_welcome(self, ticket: Ticket, rules: list[Rule]) -> None:
        article = await self._article_for(rules)
        lines = [f"Hello {ticket.customer_name or 'there'}, we have your message and will answer it soon."]
        if article is not None:
            lines.append(f"Perhaps this helps until then: {article.title}. {article.excerpt or ''}".rstrip())
        try:
            await self._cstar.tickets.messages.create(
                ticket.id,
                content="\n\n".join(lines),
                sender="agent",
                sender_name=NAME,
                idempotency_key=idempotency_key("welcome", ticket.id),
            )
        except IdempotencyError as error:
            if error.code == "idempotency_in_progress":
                raise  # the first call still runs: the inbox tries again, and will see how it ended
            LOGGER.info("%s was welcomed before, in other words: the knowledge base has changed since", ticket.id)

    async def _article_for(self, rules: list[Rule]) -> Article | None:
        """The first public article about what the ticket is about."""
        for rule in rules:
            page = await self._cstar.articles.list(search=rule.topic, status="published", is_public=True, page_size=1)
            if page.data:
                return page.data[0]
        return None

    async def _sort(self, ticket: Ticket, tags: set[str]) -> None:
        """Add tags, and hand an urgent ticket to the member on call.

        An update says how things shall be, so it may be repeated; and it is left out where things are so.
        """
        is_urgent = ticket.priority == "urgent"
        wanted = {*tags, URGENT} if is_urgent else tags
        assigned_to = ticket.assigned_to or (self._on_call if is_urgent else None)
        if wanted <= set(ticket.tags or ()) and assigned_to == ticket.assigned_to:
            return
        await self._cstar.tickets.update(ticket.id, tags=sorted(wanted | set(ticket.tags or ())), assigned_to=assigned_to)


def _text_of(ticket: Ticket) -> str:
    """What the customer wrote."""
    said = [message.content for message in ticket.messages or [] if message.sender == "customer"]
    return " ".join([ticket.title, *said]).casefold()


async def serve(inbox: WebhookInbox, port: int) -> None:
    """Take webhooks until cancelled."""
    application = web.Application()
    application.router.add_post("/hooks/cstar", inbox.aiohttp_handler)
    runner = web.AppRunner(application, access_log=None, handle_signals=False)
    await runner.setup()
    try:
        await web.TCPSite(runner, port=port).start()
        LOGGER.info("waiting for webhooks on port %d", port)
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


async def main() -> int:
    """Run the bot until SIGINT or SIGTERM."""
    secret = os.environ.get("CSTAR_WEBHOOK_SECRET")
    inbox = WebhookInbox(secret or (), store=SqliteStore(os.environ.get("BOT_DATABASE", "support_bot.db")))
    try:
        async with CStarClient.from_env() as cstar:
            SupportBot(cstar, inbox, on_call=os.environ.get("BOT_ON_CALL"))
            async with inbox:
                work = serve(inbox, int(os.environ.get("BOT_PORT", "8080"))) if secret else inbox.run(cstar.events(*WANTED))
                hearing = asyncio.ensure_future(work)
                for number in (signal.SIGINT, signal.SIGTERM):
                    asyncio.get_running_loop().add_signal_handler(number, hearing.cancel)
                await asyncio.wait([hearing])
                if not hearing.cancelled():
                    hearing.result()
    except (CStarError, OSError) as error:
        LOGGER.error("the bot ends: %s", error.report() if isinstance(error, CStarError) else error)  # noqa: TRY400 -- the sentence says it all
        return 1
    return 0


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    raise SystemExit(asyncio.run(main()))
