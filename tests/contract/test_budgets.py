"""What whole programs cost in calls. A key has 1,000 calls an hour, so each number is the minimum, with its reason."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from rich.console import Console

from cstar_async import CStarClient, Paginator
from cstar_async.models import Ticket
from cstar_async.testing import FakeCStar
from cstar_async.webhooks import WebhookInbox
from tests.contract.test_bots import BOT, SECRET, deliver, event
from tests.contract.test_examples import example


async def iterate(rows: Paginator[Any]) -> int:
    """Count the items of a loop."""
    return len([row.id async for row in rows])


async def read_pages(rows: Paginator[Any]) -> int:
    """Count the items of the pages."""
    return sum([len(page) async for page in rows.pages()])


async def collect(rows: Paginator[Any]) -> int:
    """Count the items of the list."""
    return len(await rows.collect())


def operations(fake: FakeCStar, since: int) -> Counter[str]:
    """Count the requests by method and the last part of the path that is no id."""
    parts = [(request.method, request.path.split("/")) for request in list(fake.requests)[since:]]
    return Counter(f"{method} {next(part for part in reversed(path) if '_' not in part)}" for method, path in parts)


@pytest.mark.no_cover
async def test_export_of_5000_tickets_takes_50_calls() -> None:
    """A page has 100 tickets at most. Reading ahead takes as many calls, and the estimate after it none."""
    async with FakeCStar() as fake, fake.client() as cstar:
        await cstar.imports.run_batched(resource="tickets", records=[{"title": f"{number}"} for number in range(5000)])
        tickets = cstar.tickets.list()
        for use, rows in (
            (iterate, tickets),
            (read_pages, tickets),
            (collect, tickets),
            (iterate, tickets.prefetch(8)),
            (read_pages, tickets.prefetch(1000)),
        ):
            before = len(fake.requests)
            assert (5000, 50) == (await use(rows), len(fake.requests) - before)
            assert (50, 50) == ((await rows.estimate()).calls, len(fake.requests) - before)


@pytest.mark.no_cover
async def test_sync_of_2000_customers_takes_21_calls() -> None:
    """20 pages of 100, and one import for up to 500 changes."""
    async with FakeCStar() as fake, fake.client() as cstar:
        records = [{"name": f"{number}", "email": f"c{number}@a.example"} for number in range(2500)]
        await cstar.imports.run_batched(resource="customers", records=records[:2000])
        before = len(fake.requests)
        known = {customer.email async for customer in cstar.customers.list().prefetch(8)}
        result = await cstar.imports.run_batched(
            resource="customers", records=[one for one in records if one["email"] not in known]
        )
        assert (500, Counter({"GET customers": 20, "POST import": 1})) == (result.created, operations(fake, before))


async def test_demo_takes_113_calls() -> None:
    """The key, 4 customers, 100 tickets, 4 pages, a reply, an update, the ticket, and a ticket that does not exist."""
    demo = example("support_desk")
    counts = demo.Counts()
    async with FakeCStar() as fake, CStarClient(api_key=fake.secret_key, base_url=fake.url, hooks=[counts]) as cstar:
        assert await demo.run(cstar, Console(quiet=True), counts, is_real=False)
        assert (113, 113) == (counts.calls, len(fake.requests)), operations(fake, 0)


@pytest.mark.parametrize(
    ("title", "priority", "expected"),
    [
        ("I forgot my password", "normal", {"GET tickets": 1, "GET articles": 1, "POST messages": 1, "PATCH tickets": 1}),
        ("A compliment", "normal", {"GET tickets": 1, "POST messages": 1}),
        ("Fire", "urgent", {"GET tickets": 1, "POST messages": 1, "PATCH tickets": 1}),
    ],
)
async def test_bot_takes_at_most_four_calls_for_a_ticket(title: str, priority: str, expected: dict[str, int]) -> None:
    """The ticket as it is now, an article if there is a topic, the welcome, and one update for tags and member on call."""
    async with FakeCStar(seed=7) as fake, fake.client() as cstar, WebhookInbox(SECRET) as inbox:
        BOT.SupportBot(cstar, inbox, on_call="mem_on_call")
        ticket: Ticket = await cstar.tickets.create(title=title, priority=priority)
        before = len(fake.requests)
        await deliver(inbox, event(ticket))
        assert expected == operations(fake, before)


async def test_bot_takes_no_call_for_its_own_changes() -> None:
    """An update of tags is no new priority, and an event that is delivered again is known."""
    async with FakeCStar(seed=7) as fake, fake.client() as cstar, WebhookInbox(SECRET) as inbox:
        BOT.SupportBot(cstar, inbox, on_call="mem_on_call")
        ticket = await cstar.tickets.create(title="Fire", priority="urgent")
        await deliver(inbox, event(ticket, number=1))
        before = len(fake.requests)
        await deliver(inbox, event(ticket, number=1), event(ticket, "ticket.updated", 2, changes={"tags": {}}))
        assert before == len(fake.requests)
