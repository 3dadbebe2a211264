"""The support bot in its own process against a cStar in another, through everything that may happen to them.

Tickets are opened while deliveries are repeated, delayed, reordered and dropped and answers of the API are lost, the bot is killed
and cStar is restarted. In the end every ticket has one welcome, and no queue holds anything.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import pytest

from cstar_async import CStarClient, RequestOptions
from cstar_async.models import Ticket
from cstar_async.webhooks import SqliteStore
from examples import support_bot

ROOT = Path(__file__).parents[2]
PRAISE = "A compliment"
SUBJECTS = ("Cannot log in", "Charged twice", PRAISE, "It crashes", "Fire")
STUBBORN = RequestOptions(max_retries=30)

Way = Literal["webhooks", "stream"]


def free_port() -> int:
    """A port that nobody has."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class FakeProcess:
    """The cStar in its own process."""

    def __init__(self, process: Process, url: str, key: str) -> None:
        self._process = process
        self._turn = asyncio.Lock()
        self.url = url
        self.key = key

    async def do(self, what: str, **how: float) -> dict[str, Any]:
        """Give an order, and hear what has happened so far."""
        async with self._turn:
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._process.stdin.write(json.dumps({"do": what, **how}).encode() + b"\n")
            line = await asyncio.wait_for(self._process.stdout.readline(), 120)
            report: dict[str, Any] = json.loads(line)
            return report


@asynccontextmanager
async def fake_process() -> AsyncIterator[FakeProcess]:
    """Run a cStar in its own process."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.e2e.fake_process", str(free_port()), cwd=ROOT, stdin=PIPE, stdout=PIPE
    )
    try:
        assert process.stdout is not None
        yield FakeProcess(process, **json.loads(await process.stdout.readline()))
    finally:
        await ended(process)


async def ended(process: Process) -> None:
    """See that a process is gone."""
    if process.returncode is None:
        process.kill()
    # Its pipes are read to their ends, so that nothing of them is left open.
    await process.communicate()


class BotProcess:
    """The bot in its own process, one life after the other.

    Args:
        way: How it hears of events.
        settings: What it reads from its environment.
        log: The file that its lives write to.
    """

    def __init__(self, way: Way, settings: dict[str, str], log: Path) -> None:
        script = ["-m", "tests.e2e.bot_process"] if way == "webhooks" else ["examples/support_bot.py"]
        self._command = [sys.executable, *script]
        self._environment = {**os.environ, "PYTHONPATH": str(ROOT), **settings}
        self._log = log
        self._process: Process | None = None
        self.kills = 0

    async def start(self) -> None:
        """Begin a life."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, cwd=ROOT, env=self._environment, stdout=log, stderr=log
            )

    async def kill(self) -> None:
        """End a life in the middle of everything, and begin the next."""
        assert self._process is not None
        assert self._process.returncode is None, self._log.read_text()
        self._process.kill()
        await self._process.wait()
        self.kills += 1
        await self.start()

    async def end(self) -> int:
        """Ask it to end, and give its exit status."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return await asyncio.wait_for(self._process.wait(), 60)

    async def aclose(self) -> None:
        """See that no process is left."""
        if self._process is not None:
            await ended(self._process)


async def hears(fake: FakeProcess, way: Way, port: int) -> None:
    """Wait until the bot hears of events."""
    async with asyncio.timeout(60):
        while True:
            if way == "stream":
                if (await fake.do("report"))["streams"]:
                    return
            else:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    pass
                else:
                    writer.close()
                    await writer.wait_closed()
                    return
            await asyncio.sleep(0.05)


async def open_tickets(cstar: CStarClient, numbers: range, progress: asyncio.Condition, opened: list[str]) -> None:
    """Open tickets, a few at a time, and tell how far it is."""
    places = asyncio.Semaphore(8)

    async def open_one(number: int) -> None:
        async with places:
            subject = SUBJECTS[number % len(SUBJECTS)]
            ticket = await cstar.tickets.create(
                title=f"{subject} #{number}", priority="urgent" if subject == "Fire" else "normal", options=STUBBORN
            )
        async with progress:
            opened.append(ticket.id)
            progress.notify_all()

    await asyncio.gather(*(open_one(number) for number in numbers))


async def play(way: Way, tmp_path: Path, *, tickets: int, kills: int) -> dict[str, Any]:
    """Play it all.

    Returns:
        What happened on the way: what the fake counts, and how many welcomes a ticket got.
    """
    port, database = free_port(), tmp_path / "bot.db"
    progress, opened = asyncio.Condition(), list[str]()

    async def when(part: float) -> None:
        async with progress:
            await progress.wait_for(lambda: len(opened) >= part * tickets)

    async with fake_process() as fake, CStarClient(api_key=fake.key, base_url=fake.url, retry_budget=None) as cstar:
        settings = {"CSTAR_API_KEY": fake.key, "CSTAR_BASE_URL": fake.url, "BOT_DATABASE": str(database), "BOT_PORT": str(port)}
        for seeded in await cstar.webhooks.list():
            await cstar.webhooks.delete(seeded.id)
        if way == "webhooks":
            url = f"http://127.0.0.1:{port}/hooks/cstar"
            hook = await cstar.webhooks.create(name="Bot", url=url, events=list(support_bot.WANTED))
            settings["CSTAR_WEBHOOK_SECRET"] = hook.secret or ""
        bot = BotProcess(way, settings, tmp_path / "bot.log")
        try:
            await bot.start()
            await hears(fake, way, port)

            async def disturb() -> None:
                for number in range(kills):
                    await when((number + 1) / (kills + 1))
                    await bot.kill()

            async def restart() -> None:
                await when(0.6)
                await fake.do("restart")

            begin = 0
            if way == "stream":
                # A bot that is killed before it ever took an event cannot say where it was, and begins anew.
                await open_tickets(cstar, range(1), progress, opened)
                await answered(cstar, set(opened))
                begin = 1
            await asyncio.gather(open_tickets(cstar, range(begin, tickets), progress, opened), disturb(), restart())
            if way == "webhooks":
                await hears(fake, way, port)
                await deliver_all(fake)
            await answered(cstar, set(opened))
            if way == "webhooks":
                await deliver_all(fake)
            assert await bot.end() == 0, bot_log(tmp_path)
            counts = Counter({ticket: await welcomes(cstar, ticket) for ticket in opened})
            report = await fake.do("report")
        finally:
            await bot.aclose()
    store = SqliteStore(database)
    report["left in the store"] = len(await store.claim_pending())
    await store.aclose()
    report |= {"kills": bot.kills, "tickets": len(counts), "welcomes": counts.total(), "most": max(counts.values())}
    sys.stdout.write(f"\n{way}: {', '.join(f'{value} {name}' for name, value in report.items())}\n")
    return report


def bot_log(tmp_path: Path) -> str:
    """What the bot's lives wrote."""
    return (tmp_path / "bot.log").read_text()


async def deliver_all(fake: FakeProcess) -> None:
    """Let the hours pass over which deliveries are repeated, until none waits."""
    for seconds in (30, 120, 600, 3600, 21_600, 86_400):
        for _ in range(3):
            if not (await fake.do("settle"))["waiting"]:
                return
            await fake.do("advance", seconds=seconds)


async def answered(cstar: CStarClient, tickets: set[str]) -> None:
    """Wait until every ticket has a message and its tags; after that the bot changes nothing more."""
    async with asyncio.timeout(120):
        while not tickets <= {ticket.id async for ticket in cstar.tickets.list() if is_answered(ticket)}:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


def is_answered(ticket: Ticket) -> bool:
    """Whether the bot is done with a ticket."""
    return bool(ticket.message_count) and (bool(ticket.tags) or ticket.title.startswith(PRAISE))


async def welcomes(cstar: CStarClient, ticket: str) -> int:
    """How often the bot said its word."""
    messages = await cstar.tickets.messages.list(ticket, options=STUBBORN)
    return sum(message.sender_name == support_bot.NAME for message in messages)


def check(report: dict[str, Any], *, tickets: int, kills: int) -> None:
    """One welcome for each ticket, and nothing left anywhere."""
    assert (report["tickets"], report["welcomes"], report["most"]) == (tickets, tickets, 1)
    assert (report["waiting"], report["left in the store"], report["kills"]) == (0, 0, kills)


async def test_every_ticket_gets_one_welcome_by_webhook(tmp_path: Path) -> None:
    """A small play: one kill, one restart."""
    report = await play("webhooks", tmp_path, tickets=20, kills=1)
    check(report, tickets=20, kills=1)
    assert report["taken"] >= 20


async def test_every_ticket_gets_one_welcome_by_stream(tmp_path: Path) -> None:
    """A small play: one kill, one restart."""
    report = await play("stream", tmp_path, tickets=20, kills=1)
    check(report, tickets=20, kills=1)
    assert report["sent"] == 0
    assert report["streams"] > 1


@pytest.mark.soak
async def test_five_hundred_tickets_get_one_welcome_each_by_webhook(tmp_path: Path) -> None:
    """Three kills, one restart, and every kind of trouble that deliveries can have."""
    report = await play("webhooks", tmp_path, tickets=500, kills=3)
    check(report, tickets=500, kills=3)
    for trouble in ("dropped", "answers dropped", "repeated", "delayed", "second attempts", "lost answers to the bot"):
        assert report[trouble] > 10, trouble


@pytest.mark.soak
async def test_five_hundred_tickets_get_one_welcome_each_by_stream(tmp_path: Path) -> None:
    """Three kills, one restart, and every kind of trouble that a stream can have."""
    report = await play("stream", tmp_path, tickets=500, kills=3)
    check(report, tickets=500, kills=3)
    for trouble, least in (("stream delayed", 10), ("stream repeated", 10), ("stream broken", 1), ("lost answers to the bot", 10)):
        assert report[trouble] >= least, trouble
