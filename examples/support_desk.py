"""A tour of the client over real HTTP: create, list and update tickets, and handle an error.

It starts a local server in its own process, which drops or fails a third of the responses to new tickets. With `CSTAR_API_KEY` set
(and optionally `CSTAR_TEAM_ID` and `CSTAR_BASE_URL`), it runs against cStar, without faults, and deletes what it created.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from cstar_async import CStarClient, CStarError, Hooks, NotFoundError, RequestOptions
from cstar_async.hooks import RequestInfo, RetryInfo, WaitInfo
from cstar_async.models import Customer, Ticket

TICKETS = 100
EXPECTED = "every ticket exists exactly once"

PEOPLE = (("Ada Okafor", "ada"), ("Jonas Weber", "jonas"), ("Mei-Ling Chen", "mei"), ("Renée Dubois", "renee"))
SUBJECTS = ("Cannot log in", "Invoice is wrong", "Export never ends", "App crashes on start", "Where is my order?")

FAULTY_SERVER = """
import asyncio, sys
from cstar_async.testing import FakeCStar

async def main():
    async with FakeCStar(seed=None) as fake:
        wanted = dict(operation="create_ticket", max_triggers=None)
        fake.faults.add(**wanted, probability=0.10, status=503)
        fake.faults.add(**wanted, probability=0.10, drop="before")
        fake.faults.add(**wanted, probability=0.10, drop="after")
        fake.faults.add(**wanted, probability=0.10, truncate_after=20)
        print(fake.url, fake.secret_key, flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)

asyncio.run(main())
"""


class Counts(Hooks):
    """Count requests, retries and waits."""

    def __init__(self) -> None:
        self.calls = 0
        self.attempts = 0
        self.reasons: Counter[str] = Counter()
        self.waited = 0.0

    def on_request(self, info: RequestInfo, /) -> None:
        """Count a request."""
        self.attempts += 1
        self.calls += info.attempt == 1

    def on_retry(self, info: RetryInfo, /) -> None:
        """Count a retry by its reason."""
        self.reasons[f"{info.status}" if info.status else info.error] += 1

    def on_wait(self, info: WaitInfo, /) -> None:
        """Add up the waits."""
        self.waited += info.wait


@asynccontextmanager
async def faulty_server() -> AsyncGenerator[tuple[str, str]]:
    """Start a local server that fails responses to new tickets; return its URL and a key."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", FAULTY_SERVER, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        line = b"" if process.stdout is None else await process.stdout.readline()
        url, key = line.decode().split()
        yield url, key
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def run(cstar: CStarClient, console: Console, counts: Counts, *, is_real: bool) -> bool:
    """Run all steps and return whether every ticket exists exactly once."""
    began = time.perf_counter()

    console.rule("[bold]Who am I?", align="left")
    me = await cstar.auth.whoami()
    console.print(f"[green]{me.team_name}[/] ({me.team_slug}), a {me.key_type} key for {me.environment} data\n")

    console.rule("[bold]Customers", align="left")
    mark = f"{time.time_ns():x}"
    customers = [await cstar.customers.create(name=name, email=f"{nick}.{mark}@example.com") for name, nick in PEOPLE]
    console.print(", ".join(f"{customer.name} [dim]{customer.id[:12]}…[/]" for customer in customers) + "\n")

    is_complete = False
    tickets: list[Ticket] = []
    try:
        tickets = await open_tickets(cstar, console, counts, customers, mark)
        is_complete = await check_tickets(cstar, console, tickets, mark)
        await reply(cstar, console, tickets[0])
        await show_error(cstar, console)
    finally:
        if is_real:
            await clean_up(cstar, console, tickets, customers)
    summary(cstar, console, counts, time.perf_counter() - began)
    return is_complete


async def open_tickets(cstar: CStarClient, console: Console, counts: Counts, customers: list[Customer], mark: str) -> list[Ticket]:
    """Create a hundred tickets concurrently while responses are lost."""
    console.rule(f"[bold]{TICKETS} tickets at once", align="left")
    before = counts.attempts
    tickets = await asyncio.gather(
        *(
            cstar.tickets.create(
                title=f"{SUBJECTS[number % len(SUBJECTS)]} #{number} {mark}",
                priority="urgent" if number % 10 == 0 else "normal",
                customer_id=customers[number % len(customers)].id,
                tags=["demo"],
                options=RequestOptions(max_retries=12),
            )
            for number in range(TICKETS)
        )
    )
    retried = ", ".join(f"{count} x {reason}" for reason, count in counts.reasons.most_common()) or "none"
    console.print(f"{len(tickets)} tickets created with {counts.attempts - before} requests; retried after: {retried}\n")
    return tickets


async def check_tickets(cstar: CStarClient, console: Console, tickets: list[Ticket], mark: str) -> bool:
    """List all tickets, page by page, and count them."""
    console.rule("[bold]All pages of a list", align="left")
    pages, titles = 0, Counter[str]()
    async for page in cstar.tickets.list(page_size=25, search=mark).pages():
        pages += 1
        titles.update(ticket.title for ticket in page)
    holds = set(titles) == {ticket.title for ticket in tickets} and set(titles.values()) == {1}
    conclusion = f"[green]{EXPECTED}[/]" if holds else "[red]tickets are missing or duplicated[/]"
    console.print(f"{titles.total()} tickets on {pages} pages: {conclusion}\n")
    return holds


async def reply(cstar: CStarClient, console: Console, ticket: Ticket) -> None:
    """Update a ticket, add a reply and a tag."""
    console.rule("[bold]An update, a reply, a tag", align="left")
    await cstar.tickets.messages.create(ticket.id, content="On it. Which browser do you use?", sender="agent")
    await cstar.tickets.update(ticket.id, status="pending", tags=["demo", "browser"])
    read = await cstar.tickets.get(ticket.id)
    console.print(f"{read!r}, tags {', '.join(read.tags)}")
    for message in read.messages or []:
        console.print(f"  [dim]{message.sender}:[/] {message.content}")
    console.print()


async def show_error(cstar: CStarClient, console: Console) -> None:
    """Print an error and its report."""
    console.rule("[bold]A typed error", align="left")
    try:
        await cstar.tickets.get("tkt_that/never?was")
    except NotFoundError as error:
        console.print(f"[red]{type(error).__name__}[/]: {error}")
        console.print(Panel(error.report(), title="error.report()", title_align="left", style="dim", width=78))


async def clean_up(cstar: CStarClient, console: Console, tickets: list[Ticket], customers: list[Customer]) -> None:
    """Delete what was created in a real team."""
    await asyncio.gather(
        *(cstar.tickets.delete(ticket.id) for ticket in tickets), *(cstar.customers.delete(customer.id) for customer in customers)
    )
    console.print(f"[dim]removed {len(tickets)} tickets and {len(customers)} customers[/]\n")


def summary(cstar: CStarClient, console: Console, counts: Counts, seconds: float) -> None:
    """Print the counts and times."""
    table = Table(title="Summary", title_justify="left", show_header=False)
    table.add_row("calls", str(counts.calls))
    table.add_row("retries", f"{counts.reasons.total()}, {counts.attempts} requests in total")
    table.add_row("waited", f"{counts.waited:.1f} s in total, by concurrent calls")
    table.add_row("time", f"{seconds:.1f} s")
    limit = cstar.rate_limit
    if limit is not None:
        until = f", until {limit.reset_at:%H:%M} UTC" if limit.reset_at else ""
        table.add_row("rate limit", f"{limit.remaining} of {limit.limit} calls left{until}")
    console.print(table)


async def main() -> int:
    """Run against a local server, or against cStar."""
    console = Console(width=None if sys.stdout.isatty() else 100, highlight=False)
    counts = Counts()
    try:
        if os.environ.get("CSTAR_API_KEY"):
            async with CStarClient.from_env(hooks=[counts]) as cstar:
                return 0 if await run(cstar, console, counts, is_real=True) else 1
        async with (
            faulty_server() as (url, key),
            CStarClient(api_key=key, base_url=url, retry_budget=None, hooks=[counts]) as cstar,
        ):
            return 0 if await run(cstar, console, counts, is_real=False) else 1
    except CStarError as error:
        console.print(Panel(error.report(), title="Stopped early", title_align="left", style="red"))
        return 1


if __name__ == "__main__":
    raise SystemExit(asyncio.run(main()))
