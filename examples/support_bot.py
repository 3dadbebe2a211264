"""A bot that replies to each new ticket, tags it, links an article, and assigns urgent tickets to the member on call.

    CSTAR_API_KEY=sk_… CSTAR_WEBHOOK_SECRET=whsec_… python examples/support_bot.py

receives webhooks at `/hooks/cstar` on BOT_PORT (8080). Without CSTAR_WEBHOOK_SECRET it reads the event stream, which needs no
public URL. BOT_DATABASE is the file with the events in progress (`support_bot.db`), BOT_ON_CALL the `mem_` id of the member who
gets urgent tickets. Ctrl-C or SIGTERM ends it after the events in progress. A crash loses no event and repeats no reply.

At the start it lists the events that earlier runs gave up. With BOT_RETRY=1 it tries them again, once the cause is repaired.

`make bot` runs it on a local server.
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
    """A tag, and the words in a ticket that it is for."""

    tag: str
    words: tuple[str, ...]
    topic: str
    """What to search for in the knowledge base."""

    def fits(self, text: str) -> bool:
        """Return whether the text contains one of the words."""
        return any(word in text for word in self.words)


RULES = (
    Rule("login", ("log in", "login", "password", "locked out"), "password"),
    Rule("billing", ("invoice", "refund", "charged", "vat"), "invoice"),
    Rule("onboarding", ("invite", "colleague", "team member"), "invite"),
    Rule("bug", ("crash", "error", "blank page"), "troubleshooting"),
)


class SupportBot:
    """Handlers for the events of tickets. They keep no state: everything they need is in the ticket.

    Args:
        cstar: The client for replies and updates.
        inbox: The inbox that receives the events.
        on_call: The member who gets urgent tickets; None: tag them only.
    """

    def __init__(self, cstar: CStarClient, inbox: WebhookInbox, *, on_call: str | None = None) -> None:
        self._cstar = cstar
        self._on_call = on_call
        inbox.on(TicketCreated)(self.welcome)
        inbox.on(TicketUpdated)(self.escalate)
        inbox.on_error(self.report_failure)

    async def welcome(self, event: TicketCreated) -> None:
        """Reply to a new ticket, and tag it."""
        ticket = await self._read(event)
        if ticket is None:
            return
        rules = [rule for rule in RULES if rule.fits(_text_of(ticket))]
        # Exactly one welcome. An event is handled again if the bot was killed before it marked the event as done. For 24 hours,
        # cStar returns the first response for a request with the same key, even if both run concurrently. But it repeats
        # deliveries for 31 hours, and the bot may be down for longer. By then the ticket has the welcome. So check first, and
        # then use the key.
        if not any(message.sender_name == NAME for message in ticket.messages or []):
            await self._send_welcome(ticket, rules)
        await self._sort(ticket, {rule.tag for rule in rules})

    async def escalate(self, event: TicketUpdated) -> None:
        """Escalate a ticket that has become urgent."""
        if "priority" in (event.data.changes or {}):
            ticket = await self._read(event)
            if ticket is not None:
                await self._sort(ticket, set())

    async def report_failure(self, event: WebhookEvent, error: Exception) -> None:
        """Log an event that no attempt could handle."""
        report = error.report() if isinstance(error, CStarError) else type(error).__name__
        LOGGER.error("%s (%s) was not handled:\n%s", event.id, event.type, report)

    async def _read(self, event: TicketCreated | TicketUpdated) -> Ticket | None:
        """Return the current state of the ticket, which may differ from the event; None if it was deleted."""
        if event.data.ticket is None:
            return None
        try:
            return await self._cstar.tickets.get(event.data.ticket.id)
        except NotFoundError:
            return None

    async def _send_welcome(self, ticket: Ticket, rules: list[Rule]) -> None:
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
                raise  # the first request is still running: the inbox retries later
            LOGGER.info("%s has a welcome already, with another article", ticket.id)

    async def _article_for(self, rules: list[Rule]) -> Article | None:
        """Return the first public article on the topic of the ticket."""
        for rule in rules:
            page = await self._cstar.articles.list(search=rule.topic, status="published", is_public=True, page_size=1)
            if page.data:
                return page.data[0]
        return None

    async def _sort(self, ticket: Ticket, tags: set[str]) -> None:
        """Add tags, and assign an urgent ticket to the member on call.

        An update sets the final state, so it can be repeated. It is skipped if the ticket is in that state.
        """
        is_urgent = ticket.priority == "urgent"
        wanted = {*tags, URGENT} if is_urgent else tags
        assigned_to = ticket.assigned_to or (self._on_call if is_urgent else None)
        if wanted <= set(ticket.tags or ()) and assigned_to == ticket.assigned_to:
            return
        await self._cstar.tickets.update(ticket.id, tags=sorted(wanted | set(ticket.tags or ())), assigned_to=assigned_to)


def _text_of(ticket: Ticket) -> str:
    """Return what the customer wrote."""
    texts = [message.content for message in ticket.messages or [] if message.sender == "customer"]
    return " ".join([ticket.title, *texts]).casefold()


async def review_dead_letters(inbox: WebhookInbox, *, retry: bool) -> None:
    """Log the events that earlier runs gave up, and try them again on request."""
    for letter in await inbox.dead_letters():
        LOGGER.warning("%s was given up at %s: %s", letter.id, f"{letter.failed_at:%Y-%m-%d %H:%M} UTC", letter.error)
        if retry:
            await inbox.retry_dead_letter(letter.id)


async def serve(inbox: WebhookInbox, port: int) -> None:
    """Receive webhooks until cancelled."""
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


def read_port() -> int:
    """Return the port from the environment."""
    text = os.environ.get("BOT_PORT", "8080")
    if not (text.isascii() and text.isdigit() and int(text) <= 65535):
        raise ValueError(f"BOT_PORT must be a port from 0 to 65535, got {text!r}")
    return int(text)


async def main() -> int:
    """Run the bot until SIGINT or SIGTERM."""
    secret = os.environ.get("CSTAR_WEBHOOK_SECRET")
    inbox = WebhookInbox(secret or (), store=SqliteStore(os.environ.get("BOT_DATABASE", "support_bot.db")))
    try:
        async with CStarClient.from_env() as cstar:
            await cstar.auth.whoami()  # a wrong key, or no connection, ends the bot here and not at the first event
            SupportBot(cstar, inbox, on_call=os.environ.get("BOT_ON_CALL"))
            async with inbox:
                await review_dead_letters(inbox, retry=os.environ.get("BOT_RETRY") == "1")
                work = serve(inbox, read_port()) if secret else inbox.run(cstar.events(*WANTED))
                task = asyncio.ensure_future(work)
                for number in (signal.SIGINT, signal.SIGTERM):
                    asyncio.get_running_loop().add_signal_handler(number, task.cancel)
                await asyncio.wait([task])
                if not task.cancelled():
                    task.result()
    except (CStarError, OSError, ValueError) as error:
        LOGGER.error("the bot stops: %s", error.report() if isinstance(error, CStarError) else error)  # noqa: TRY400 -- the message is enough
        return 1
    stats = inbox.stats()
    LOGGER.info("%d events handled, %d given up", stats.handled, stats.dead)
    return 0


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    raise SystemExit(asyncio.run(main()))
