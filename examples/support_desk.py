"""A day at a support desk, played through the client over real HTTP.

Without further ado it starts a cStar of its own on this machine, in a process of its own, and lets it drop or fail a third of the
answers to new tickets. With `CSTAR_API_KEY` set (and perhaps `CSTAR_TEAM_ID` and `CSTAR_BASE_URL`) the same play runs against the
real service, without faults, and takes away what it put there.
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
NEEDED_PROOF = "every ticket is there exactly once"

PEOPLE = (("Ada Okafor", "ada"), ("Jonas Weber", "jonas"), ("Mei-Ling Chen", "mei"), ("Renée Dubois", "renee"))
TROUBLES = ("Cannot log in", "Invoice is wrong", "Export never ends", "App crashes on start", "Where is my parcel?")

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


class Tally(Hooks):
    """Counts what the client does behind the calls."""

    def __init__(self) -> None:
        self.calls = 0
        self.attempts = 0
        self.reasons: Counter[str] = Counter()
        self.waited = 0.0

    def on_request(self, info: RequestInfo, /) -> None:
        """One request leaves."""
        self.attempts += 1
        self.calls += info.attempt == 1

    def on_retry(self, info: RetryInfo, /) -> None:
        """One request failed and is sent again."""
        self.reasons[f"{info.status}" if info.status else info.error] += 1

    def on_wait(self, info: WaitInfo, /) -> None:
        """A call waits."""
        self.waited += info.wait


@asynccontextmanager
async def faulty_server() -> AsyncGenerator[tuple[str, str]]:
    """A cStar on this machine that fails a third of the answers to new tickets: its URL and a key for it."""
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


async def play(cstar: CStarClient, console: Console, tally: Tally, *, is_real: bool) -> bool:
    """The play itself. Returns whether its proof holds."""
    began = time.perf_counter()

    console.rule("[bold]Who am I?", align="left")
    me = await cstar.auth.whoami()
    console.print(f"[green]{me.team_name}[/] ({me.team_slug}), a {me.key_type} key for {me.environment} data\n")

    console.rule("[bold]Customers", align="left")
    mark = f"{time.time_ns():x}"
    customers = [await cstar.customers.create(name=name, email=f"{nick}.{mark}@example.com") for name, nick in PEOPLE]
    console.print(", ".join(f"{customer.name} [dim]{customer.id[:12]}…[/]" for customer in customers) + "\n")

    proof = False
    tickets: list[Ticket] = []
    try:
        tickets = await open_tickets(cstar, console, tally, customers, mark)
        proof = await walk(cstar, console, tickets, mark)
        await answer(cstar, console, tickets[0])
        await stumble(cstar, console)
    finally:
        if is_real:
            await clean_up(cstar, console, tickets, customers)
    summary(cstar, console, tally, time.perf_counter() - began)
    return proof


async def open_tickets(cstar: CStarClient, console: Console, tally: Tally, customers: list[Customer], mark: str) -> list[Ticket]:
    """A hundred tickets at once, through a network that loses a third of the answers."""
    console.rule(f"[bold]{TICKETS} tickets at once", align="left")
    before = tally.attempts
    tickets = await asyncio.gather(
        *(
            cstar.tickets.create(
                title=f"{TROUBLES[number % len(TROUBLES)]} #{number} {mark}",
                priority="urgent" if number % 10 == 0 else "normal",
                customer_id=customers[number % len(customers)].id,
                tags=["demo"],
                options=RequestOptions(max_retries=12),
            )
            for number in range(TICKETS)
        )
    )
    retried = ", ".join(f"{count} x {reason}" for reason, count in tally.reasons.most_common()) or "none"
    console.print(f"{len(tickets)} answers for {tally.attempts - before} requests; sent again after: {retried}\n")
    return tickets


async def walk(cstar: CStarClient, console: Console, tickets: list[Ticket], mark: str) -> bool:
    """Read all of them back, page by page, and count."""
    console.rule("[bold]A walk over all pages", align="left")
    pages, titles = 0, Counter[str]()
    async for page in cstar.tickets.list(page_size=25, search=mark).pages():
        pages += 1
        titles.update(ticket.title for ticket in page)
    holds = set(titles) == {ticket.title for ticket in tickets} and set(titles.values()) == {1}
    verdict = f"[green]{NEEDED_PROOF}[/]" if holds else "[red]tickets are doubled or missing[/]"
    console.print(f"{titles.total()} tickets on {pages} pages: {verdict}\n")
    return holds


async def answer(cstar: CStarClient, console: Console, ticket: Ticket) -> None:
    """An update, a reply, a tag."""
    console.rule("[bold]An update, a reply, a tag", align="left")
    await cstar.tickets.messages.create(ticket.id, content="On it. Which browser do you use?", sender="agent")
    await cstar.tickets.update(ticket.id, status="pending", tags=["demo", "browser"])
    read = await cstar.tickets.get(ticket.id)
    console.print(f"{read!r}, tags {', '.join(read.tags)}")
    for message in read.messages or []:
        console.print(f"  [dim]{message.sender}:[/] {message.content}")
    console.print()


async def stumble(cstar: CStarClient, console: Console) -> None:
    """An error as a user sees it."""
    console.rule("[bold]A typed error", align="left")
    try:
        await cstar.tickets.get("tkt_that/never?was")
    except NotFoundError as error:
        console.print(f"[red]{type(error).__name__}[/]: {error}")
        console.print(Panel(error.report(), title="error.report()", title_align="left", style="dim", width=78))


async def clean_up(cstar: CStarClient, console: Console, tickets: list[Ticket], customers: list[Customer]) -> None:
    """Take away what the play put into a real team."""
    await asyncio.gather(
        *(cstar.tickets.delete(ticket.id) for ticket in tickets), *(cstar.customers.delete(customer.id) for customer in customers)
    )
    console.print(f"[dim]removed {len(tickets)} tickets and {len(customers)} customers again[/]\n")


def summary(cstar: CStarClient, console: Console, tally: Tally, seconds: float) -> None:
    """What it took."""
    table = Table(title="Summary", title_justify="left", show_header=False)
    table.add_row("calls", str(tally.calls))
    table.add_row("retries", f"{tally.reasons.total()}, so {tally.attempts} requests in all")
    table.add_row("waited", f"{tally.waited:.1f} s in all, many calls at a time")
    table.add_row("time", f"{seconds:.1f} s")
    limit = cstar.rate_limit
    if limit is not None:
        until = f", until {limit.reset_at:%H:%M} UTC" if limit.reset_at else ""
        table.add_row("rate limit", f"{limit.remaining} of {limit.limit} calls left{until}")
    console.print(table)


async def main() -> int:
    """Play against this machine, or against the real service."""
    console = Console(width=None if sys.stdout.isatty() else 100, highlight=False)
    tally = Tally()
    try:
        if os.environ.get("CSTAR_API_KEY"):
            async with CStarClient.from_env(hooks=[tally]) as cstar:
                return 0 if await play(cstar, console, tally, is_real=True) else 1
        async with (
            faulty_server() as (url, key),
            CStarClient(api_key=key, base_url=url, retry_budget=None, hooks=[tally]) as cstar,
        ):
            return 0 if await play(cstar, console, tally, is_real=False) else 1
    except CStarError as error:
        console.print(Panel(error.report(), title="The play ended early", title_align="left", style="red"))
        return 1


if __name__ == "__main__":
    raise SystemExit(asyncio.run(main()))
