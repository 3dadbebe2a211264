"""Show the support bot at work: tickets are created and get replies while deliveries fail and the bot is killed.

    make bot

A local server in its own process drops, duplicates or delays nearly half of its deliveries. `support_bot.py` runs in another
process, is killed half way and started again. The events are printed as the event stream sends them. It takes less than a minute;
Ctrl-C ends it earlier.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
import signal
import socket
import statistics
import sys
import tempfile
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import cast

from rich.console import Console
from rich.table import Table

from cstar_async import CStarClient
from cstar_async.webhooks import EventStream, TicketCreated, TicketMessageAdded, TicketUpdated, WebhookEvent

BOT = Path(__file__).with_name("support_bot.py")
# The retries outlast `wait_for_port`: a bot that takes long to start again, on a busy machine, loses no delivery.
FAULTS = ("--delivery-faults", "0.45", "--delivery-retries", "1,1,2,2,3,3,5,5,5,5,5,5,5,5")
SERVE = ("-m", "cstar_async", "serve", "--port", "0", "--seed", "7", *FAULTS)
PEOPLE = ("Ada Okafor", "Jonas Weber", "Mei-Ling Chen", "Renée Dubois")
SUBJECTS = (
    ("Cannot log in", "It says that my password is wrong.", "normal"),
    ("Charged twice", "There are two charges on my invoice.", "normal"),
    ("How do I invite a colleague?", "I do not find where.", "low"),
    ("Everything is down", "Nobody of us can work.", "urgent"),
    ("A compliment", "You are quick.", "low"),
)


def free_port() -> int:
    """Return a free port, below those that the system gives to connections: it must stay free while the bot is down."""
    while True:
        port = random.SystemRandom().randrange(16_000, 32_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


@asynccontextmanager
async def running(*command: str, environment: dict[str, str] | None = None) -> AsyncGenerator[Process]:
    """Run a Python program in its own process and terminate it at the end. Ctrl-C is not passed on to it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, env=environment, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL, start_new_session=True
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


async def wait_for_port(port: int) -> None:
    """Wait until a server listens on a port."""
    async with asyncio.timeout(30):
        while True:
            with suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(0.05)


class Board:
    """Print and count the events.

    Args:
        console: The console to print to.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._opened_at: dict[str, float] = {}
        self.numbers: dict[str, int] = {}
        self.welcomes: Counter[str] = Counter()
        self.waits: list[float] = []

    def show(self, event: WebhookEvent) -> None:
        """Print an event of a ticket."""
        if isinstance(event, TicketCreated) and event.data.ticket:
            ticket = event.data.ticket
            self._opened_at[ticket.id] = time.perf_counter()
            number = self.numbers[ticket.id] = len(self.numbers) + 1
            urgent = " [red]urgent[/]" if ticket.priority == "urgent" else ""
            self._print(number, f"[bold]{ticket.title}[/] [dim]{ticket.customer_name}[/]{urgent}")
        elif isinstance(event, TicketMessageAdded) and event.data.ticket and event.data.message:
            ticket, message = event.data.ticket, event.data.message
            if message.sender == "agent" and ticket.id in self.numbers:
                wait = time.perf_counter() - self._opened_at[ticket.id]
                self.welcomes[ticket.id] += 1
                self.waits.append(wait)
                text = (message.content or "").split("\n\n")[-1]
                self._print(self.numbers[ticket.id], f"   [green]{message.sender_name}[/] [dim]after {wait:.1f} s:[/] {text}")
        elif isinstance(event, TicketUpdated) and event.data.ticket and event.data.ticket.id in self.numbers:
            changes = "; ".join(f"{field} {_plain(change.to)}" for field, change in (event.data.changes or {}).items())
            self._print(self.numbers[event.data.ticket.id], f"   [cyan]updated:[/] [dim]{changes}[/]")

    def _print(self, number: int, text: str) -> None:
        self._console.print(f"[dim]{time.strftime('%H:%M:%S')}[/] {number:>3}  {text}", overflow="ellipsis", no_wrap=True)

    def summary(self) -> bool:
        """Print the result, and return whether every ticket has one welcome."""
        counts = {ticket: self.welcomes[ticket] for ticket in self.numbers}
        holds = set(counts.values()) == {1}
        table = Table(title="Summary", title_justify="left", show_header=False)
        table.add_row("tickets", str(len(counts)))
        conclusion = (
            "[green]exactly one for every ticket[/]" if holds else f"[red]welcomes by ticket: {Counter(counts.values())}[/]"
        )
        table.add_row("welcomes", f"{sum(counts.values())}: {conclusion}")
        if self.waits:
            times = f"{statistics.median(self.waits):.2f} s median, {max(self.waits):.1f} s maximum"
            table.add_row("from ticket to welcome", times)
        self._console.print(table)
        return holds


def _plain(value: object) -> str:
    return ", ".join(map(str, cast("list[object]", value))) if isinstance(value, list) else str(value)


async def wait_for_welcomes(board: Board, tickets: int, seconds: float) -> None:
    """Wait until every ticket has a welcome, and then some seconds in which no second one may come."""
    async with asyncio.timeout(60):
        while len(board.welcomes) < tickets:  # noqa: ASYNC110 -- polling is enough here
            await asyncio.sleep(0.1)
    await asyncio.sleep(seconds)


async def run(console: Console, cstar: CStarClient, environment: dict[str, str], tickets: int, pace: float) -> bool:
    """Run the bot twice and return whether every ticket got one welcome."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/hooks/cstar"
    hook = await cstar.webhooks.create(name="Support bot", url=url, events=["ticket.created", "ticket.updated"])
    on_call = (await cstar.members.list()).data[-1]
    environment = {**environment, "CSTAR_WEBHOOK_SECRET": hook.secret or "", "BOT_PORT": str(port), "BOT_ON_CALL": on_call.id}
    board = Board(console)

    async def watch(stream: EventStream) -> None:
        async for event in stream:
            board.show(event)

    async def open_tickets(*numbers: int) -> None:
        for number in numbers:
            title, text, priority = SUBJECTS[number % len(SUBJECTS)]
            name = PEOPLE[number % len(PEOPLE)]
            await cstar.tickets.create(title=title, initial_message=text, priority=priority, customer_name=name)
            await asyncio.sleep(pace)

    async with cstar.events("ticket.*") as stream:
        watching = asyncio.ensure_future(watch(stream))
        try:
            async with running(str(BOT), environment=environment) as bot:
                await wait_for_port(port)
                console.rule("[bold]the bot runs", align="left")
                await open_tickets(*range(tickets // 2))
                bot.kill()
            console.rule("[bold red]the bot is killed, deliveries fail", align="left")
            await open_tickets(tickets // 2, tickets // 2 + 1)
            async with running(str(BOT), environment=environment):
                await wait_for_port(port)
                console.rule("[bold]the bot runs again", align="left")
                await open_tickets(*range(tickets // 2 + 2, tickets))
                await wait_for_welcomes(board, tickets, 4 * pace)
        finally:
            watching.cancel()
            await asyncio.wait([watching])
    return board.summary()


async def main(tickets: int = 24, pace: float = 1.2) -> int:
    """Start the server and the bot; the exit status is 0 if every ticket got one welcome."""
    task = asyncio.current_task()
    if task is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)  # ends the server and the bot, too
    console = Console(width=None if sys.stdout.isatty() else 120, highlight=False)
    with tempfile.TemporaryDirectory() as folder:
        async with running(*SERVE) as server:
            head = b"" if server.stdout is None else await server.stdout.readuntil(b"Ctrl-C")
            found = dict(re.findall(r"(CSTAR_\w+)=(\S+)", head.decode()))
            environment = {**os.environ, **found, "BOT_DATABASE": str(Path(folder) / "support_bot.db")}
            async with CStarClient(api_key=found["CSTAR_API_KEY"], base_url=found["CSTAR_BASE_URL"]) as cstar:
                return 0 if await run(console, cstar, environment, tickets, pace) else 1


if __name__ == "__main__":
    given = sys.argv[1:]
    with suppress(KeyboardInterrupt, asyncio.CancelledError):
        raise SystemExit(asyncio.run(main(*(int(text) for text in given[:1]), *(float(text) for text in given[1:2]))))
