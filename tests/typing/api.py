"""What a type checker makes of the public surface. Never run: mypy and pyright, both strict, read it.

A line that must be refused carries the refusal it expects from each checker; both report an ignore that is not needed, so a wrong
call that becomes accepted fails as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import assert_type

from aiohttp import web
from fastapi import FastAPI
from redis.asyncio import Redis
from redis.asyncio.cluster import RedisCluster
from starlette.applications import Starlette

from cstar_async import UNSET, CStarClient, CStarLibrary, Hooks, Page, Paginator, RequestOptions, Response, from_dict, to_dict
from cstar_async._types import JSON
from cstar_async.api.library import get_library_article
from cstar_async.api.tickets import create_ticket_message, get_ticket
from cstar_async.files import Stream
from cstar_async.hooks import CallEndInfo, DriftCounter, DriftInfo
from cstar_async.models import (
    Automation,
    AutomationAction,
    AutomationActionAddTags,
    AutomationActionAssignTo,
    AutomationActionUnknown,
    AutomationCondition,
    AutomationConditions,
    Boss,
    BulkResult,
    Deleted,
    ExportResult,
    ImportResult,
    LibraryAck,
    LibraryArticle,
    LibrarySearchResult,
    Message,
    Preferences,
    Tag,
    Ticket,
    TicketCreate,
    TicketStatus,
    TicketUpdate,
)
from cstar_async.otel import OpenTelemetryHooks
from cstar_async.pagination import IterationEstimate
from cstar_async.redis import RedisRateLimiter, RedisStore
from cstar_async.webhooks import WebhookEvent, WebhookInbox, lifespan


async def results(cstar: CStarClient) -> None:
    """Every kind of result has its type."""
    assert_type(await cstar.tickets.get("tkt_1"), Ticket)
    assert_type(await cstar.tickets.get(ticket_id="tkt_1"), Ticket)
    assert_type(await get_ticket(cstar, "tkt_1"), Ticket)
    assert_type(await create_ticket_message(cstar.tickets, "tkt_1", content="On it."), Message)
    assert_type(await cstar.tickets.messages.list("tkt_1"), Page[Message])
    assert_type(await cstar.tags.list(), Page[Tag])
    assert_type(await cstar.tickets.delete("tkt_1"), Deleted)
    assert_type(cstar.tickets.list(), Paginator[Ticket])
    assert_type(await cstar.tickets.list(page_size=50), Page[Ticket])
    assert_type(await cstar.tickets.list().collect(limit=10), list[Ticket])
    assert_type(await cstar.with_response(cstar.tickets.get, "tkt_1"), Response[Ticket])
    assert_type(await cstar.with_response(cstar.tickets.list), Response[Page[Ticket]])
    assert_type(await cstar.with_response(get_ticket, cstar, "tkt_1"), Response[Ticket])
    assert_type(await cstar.request("GET", "/activity"), Response[JSON])
    assert_type(await cstar.request("GET", "/tickets/tkt_1", model=Ticket), Response[Ticket])
    assert_type(await cstar.request("GET", "/tags", model=list[Tag]), Response[list[Tag]])
    assert_type(await cstar.request("GET", "/activity", stream=True), Response[Stream[bytes]])
    assert_type(await cstar.request("GET", "/tags", model=Tag, stream=True), Response[Stream[Tag]])
    assert_type(cstar.paginate("GET", "/activity"), Paginator[JSON])
    assert_type(await cstar.paginate("GET", "/tags", model=Tag), Page[Tag])
    assert_type(await cstar.with_response(lambda: cstar.paginate("GET", "/tags")), Response[Page[JSON]])
    assert_type(await cstar.with_response(lambda: cstar.paginate("GET", "/tags", model=Tag)), Response[Page[Tag]])
    cstar.paginate("GET", "/tags", model="Tag")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
    async for ticket in cstar.tickets.list():
        assert_type(ticket, Ticket)
    async for page in cstar.tickets.list().pages():
        assert_type(page, Page[Ticket])
        assert_type(await page.next_page(), Page[Ticket])
        for row in page:
            assert_type(row, Ticket)


async def iterations(cstar: CStarClient) -> None:
    """A checkpoint is JSON, resuming keeps the type of items, and an estimate may be unknown."""
    tickets = cstar.tickets.list(status="open")
    assert_type(tickets.checkpoint, dict[str, JSON])
    assert_type(cstar.tickets.list(status="open").resume(tickets.checkpoint), Paginator[Ticket])
    assert_type(cstar.tickets.list().prefetch(8), Paginator[Ticket])
    cost = await tickets.estimate()
    assert_type(cost, IterationEstimate)
    assert_type(
        (cost.calls, cost.remaining, cost.fits, cost.resets_at), tuple[int | None, int | None, bool | None, datetime | None]
    )
    tickets.resume("{}")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    tickets.checkpoint = {}  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


async def arguments(cstar: CStarClient, ticket: Ticket) -> None:
    """Enums take constants and texts, known or not; None only where the document has null."""
    assert_type(TicketStatus.OPEN, TicketStatus)
    assert_type(ticket.status == "snoozed", bool)
    await cstar.tickets.create(title="a", status=TicketStatus.OPEN, priority="urgent", tags=["a"], metadata={"a": 1})
    await cstar.tickets.update("tkt_1", status="snoozed", assigned_to=None, title=UNSET)
    cstar.tickets.list(expand=["customer"], status="open")
    assert_type(from_dict(Ticket, {"id": "tkt_1"}), Ticket)
    assert_type(to_dict(ticket), dict[str, JSON])


async def rules(cstar: CStarClient) -> None:
    """Rules are written with classes or with plain mappings, and read by the classes of a union."""
    await cstar.automations.create(
        name="Tag urgent tickets",
        trigger_event="ticket.created",
        conditions=AutomationConditions(all=[AutomationCondition(field="priority", operator="equals", value="urgent")]),
        actions=[AutomationActionAddTags(tags=["urgent"]), AutomationActionUnknown(type="call_the_boss", extra={"number": 7})],
    )
    await cstar.automations.create(
        name="Tag urgent tickets",
        trigger_event="something.new",
        conditions={"all": [{"field": "priority", "operator": "equals", "value": "urgent"}], "any": []},
        actions=[{"type": "add_tags", "tags": ["urgent"]}],
    )
    rule = await cstar.automations.get("rule_1")
    assert_type(rule, Automation)
    for action in rule.actions or ():
        again: AutomationAction = action
        await cstar.automations.update(rule.id, actions=[again])
        if isinstance(action, AutomationActionAssignTo):
            assert_type(action.agent_id, str)


async def batches(cstar: CStarClient) -> None:
    """Batched methods take the same arguments as the single ones, and an export is an object or a str."""
    assert_type(await cstar.bulk.run(action="delete", resource="tickets", ids=["a"]), BulkResult)
    assert_type(await cstar.bulk.run_batched(action="delete", resource="tickets", ids=("a",)), BulkResult)
    assert_type(await cstar.imports.run_batched(resource="customers", records=[{"name": "Jane"}]), ImportResult)
    assert_type(await cstar.imports.run(resource="tickets", records=[TicketCreate(title="a"), {"title": "b"}]), ImportResult)
    assert_type(
        await cstar.bulk.run(action="update", resource="tickets", ids=["a"], data=TicketUpdate(assigned_to=None)), BulkResult
    )
    assert_type(await cstar.exports.run(resources=[{"type": "tickets"}], format="csv"), ExportResult | str)
    assert_type(await cstar.with_response(cstar.bulk.run_batched, action="delete", resource="x", ids=["a"]), Response[BulkResult])


async def guesses(cstar: CStarClient) -> None:
    """What is known by name only is JSON, what may be null may be None, and unknown fields are sent beside the known ones."""
    assert_type(await cstar.sla.metrics(), dict[str, JSON])
    assert_type(await cstar.activity.list(), Page[dict[str, JSON]])
    assert_type(await cstar.with_response(cstar.csat.stats), Response[dict[str, JSON]])
    assert_type(await cstar.game.boss(), Boss | None)
    preferences = await cstar.preferences.update(options=RequestOptions(extra_body={"theme": "dark"}))
    assert_type(preferences, Preferences)
    assert_type(preferences.extra, Mapping[str, JSON])
    assert_type((await cstar.settings.update(team_name="Acme")).team_name, str)


async def readers(library: CStarLibrary) -> None:
    """The library has methods of its own, of which the search takes its words by position."""
    assert_type(await library.articles(limit=5, category_slug="billing"), Page[LibraryArticle])
    assert_type(await library.article("reset"), LibraryArticle)
    assert_type(await get_library_article(library, "reset"), LibraryArticle)
    assert_type(await library.search("reset", limit=5), Page[LibrarySearchResult])
    assert_type(await library.feedback("reset", rating=4.5), LibraryAck)
    assert_type(library.with_options(timeout=5), CStarLibrary)
    assert_type(await library.with_response(library.search, "reset"), Response[Page[LibrarySearchResult]])
    async with library as entered:
        assert_type(entered, CStarLibrary)


def hooks() -> None:
    """Hook values are typed; a counter and spans are hooks."""

    class Slow(Hooks):
        def on_call_end(self, info: CallEndInfo, /) -> None:
            assert_type((info.operation, info.status, info.error, info.elapsed), tuple[str, int | None, str | None, float])

    drift = DriftCounter(max_entries=10)
    CStarClient(api_key="sk_test_a", hooks=[Slow(), drift, OpenTelemetryHooks()])
    assert_type(drift.counts, dict[DriftInfo, int])
    CStarClient(api_key="sk_test_a", hooks=[print])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]


async def refusals_of_readers(cstar: CStarClient, library: CStarLibrary) -> None:
    """What the library does not take, and what a client does not have."""
    await library.feedback("reset")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await library.feedback("reset", rating=None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await library.record_view("reset", idempotency_key="a")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await cstar.preferences.update(theme="dark")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    cstar.library  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]  # noqa: B018
    CStarLibrary()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    CStarLibrary(team="acme", api_key="sk_test_a")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def shared_rate_limits(client: Redis, cluster: RedisCluster) -> None:
    """Shared limiters and stores fit where local ones do; a name has no default, because two keys must not share one."""
    CStarClient(api_key="sk_test_a", rate_limiter=RedisRateLimiter("redis://cache", name="main", on_unavailable="error"))
    CStarLibrary(team="acme", rate_limiter=RedisRateLimiter(client, name="library"))
    WebhookInbox("whsec", store=RedisStore(cluster, name="hooks"))
    RedisRateLimiter(client)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    RedisStore(client)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    RedisRateLimiter(client, name="main", on_unavailable="wait")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def applications(cstar: CStarClient, inbox: WebhookInbox) -> None:
    """A lifespan fits aiohttp, FastAPI and Starlette; an object without `async with` fits none."""
    web.Application().cleanup_ctx.append(lifespan(cstar, inbox))
    FastAPI(lifespan=lifespan(cstar, inbox))
    Starlette(lifespan=lifespan(cstar, inbox))
    lifespan(WebhookInbox)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def dead_letters(inbox: WebhookInbox) -> None:
    """What was given up is an event with its class, and counts are ints."""
    for letter in await inbox.dead_letters():
        fields = letter.id, letter.event, letter.error, letter.failed_at, letter.attempts
        assert_type(fields, tuple[str, WebhookEvent, str, datetime, int])
        assert_type(await inbox.retry_dead_letter(letter.id), bool)
    stats = inbox.stats()
    assert_type((stats.pending, stats.by_type["ticket.created"].oldest), tuple[int, datetime | None])
    stats.dead = 0  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


async def refusals(cstar: CStarClient, ticket: Ticket) -> None:
    """Wrong calls are refused by both checkers."""
    await cstar.tickets.create()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await cstar.tickets.create(title=None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await cstar.tickets.create(title="a", tags="billing")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await cstar.tickets.create(title="a", metadata="b")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await cstar.tickets.create("a")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await cstar.tickets.update("tkt_1", title=None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await cstar.tickets.update("tkt_1", colour="red")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await cstar.bulk.run(action="update", resource="tickets", ids=["a"], data=TicketStatus.OPEN)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await cstar.bulk.run_batched(action="delete", resource="tickets", ids="tkt_1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    AutomationActionAddTags()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    AutomationActionAddTags(tags="vip")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await cstar.tickets.get(7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    cstar.tickets.list(page="first")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await cstar.with_response(cstar.tickets.get)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    ticket.titel = "a"  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    CStarClient("sk_test_a")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
