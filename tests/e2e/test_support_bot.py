"""Run the support bot and a fake server in two processes, with every kind of fault.

Tickets are created while deliveries are repeated, delayed, reordered and dropped, responses of the API are lost, the bot is killed
and the server is restarted. At the end, every ticket has one welcome, and all queues are empty.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
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
from tests.ports import free_port

ROOT = Path(__file__).parents[2]
PRAISE = "A compliment"
SUBJECTS = ("Cannot log in", "Charged twice", PRAISE, "It crashes", "Fire")
MANY_RETRIES = RequestOptions(max_retries=30)

Way = Literal["webhooks", "stream"]


class FakeProcess:
    """A fake server in its own process."""

    def __init__(self, process: Process, url: str, key: str) -> None:
        self._process = process
        self._lock = asyncio.Lock()
        self.url = url
        self.key = key

    async def send(self, what: str, **how: float) -> dict[str, Any]:
        """Send a command, and return the counts so far."""
        async with self._lock:
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._process.stdin.write(json.dumps({"do": what, **how}).encode() + b"\n")
            line = await asyncio.wait_for(self._process.stdout.readline(), 120)
            report: dict[str, Any] = json.loads(line)
            return report


@asynccontextmanager
async def fake_process() -> AsyncIterator[FakeProcess]:
    """Run a fake server in its own process."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.e2e.fake_process", str(free_port()), cwd=ROOT, stdin=PIPE, stdout=PIPE
    )
    try:
        assert process.stdout is not None
        yield FakeProcess(process, **json.loads(await process.stdout.readline()))
    finally:
        await stop(process)


async def stop(process: Process) -> None:
    """Kill a process that is still running."""
    if process.returncode is None:
        process.kill()
    # Reading the pipes to their ends closes them.
    await process.communicate()


class BotProcess:
    """The bot in its own process, which can be killed and started again.

    Args:
        way: How it receives events.
        settings: Its environment.
        log: The file for its output.
    """

    def __init__(self, way: Way, settings: dict[str, str], log: Path) -> None:
        script = ["-m", "tests.e2e.bot_process"] if way == "webhooks" else ["examples/support_bot.py"]
        self._command = [sys.executable, *script]
        self._environment = {**os.environ, "PYTHONPATH": str(ROOT), **settings}
        self._log = log
        self._process: Process | None = None
        self.kills = 0

    async def start(self) -> None:
        """Start the process."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, cwd=ROOT, env=self._environment, stdout=log, stderr=log
            )

    async def kill(self) -> None:
        """Kill the process and start the next."""
        assert self._process is not None
        assert self._process.returncode is None, self._log.read_text()
        self._process.kill()
        await self._process.wait()
        self.kills += 1
        await self.start()

    async def end(self) -> int:
        """Send SIGTERM, and return the exit status."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return await asyncio.wait_for(self._process.wait(), 60)

    async def aclose(self) -> None:
        """Stop the process."""
        if self._process is not None:
            await stop(self._process)


async def wait_until_receiving(fake: FakeProcess, way: Way, port: int) -> None:
    """Wait until the bot receives events."""
    async with asyncio.timeout(60):
        while True:
            if way == "stream":
                # A request is counted before its stream is open, and a stream without a position begins when it is open.
                if (await fake.send("report"))["open streams"]:
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
    """Create tickets, eight at a time, and notify *progress*."""
    semaphore = asyncio.Semaphore(8)

    async def open_one(number: int) -> None:
        async with semaphore:
            subject = SUBJECTS[number % len(SUBJECTS)]
            ticket = await cstar.tickets.create(
                title=f"{subject} #{number}", priority="urgent" if subject == "Fire" else "normal", options=MANY_RETRIES
            )
        async with progress:
            opened.append(ticket.id)
            progress.notify_all()

    await asyncio.gather(*(open_one(number) for number in numbers))


async def run(way: Way, tmp_path: Path, *, tickets: int, kills: int) -> dict[str, Any]:
    """Run everything.

    Returns:
        The counts of the fake, and the numbers of welcomes.
    """
    port, database = free_port(), tmp_path / "bot.db"
    progress, opened = asyncio.Condition(), list[str]()

    async def wait_for_part(part: float) -> None:
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
            await wait_until_receiving(fake, way, port)

            async def kill_bot() -> None:
                for number in range(kills):
                    await wait_for_part((number + 1) / (kills + 1))
                    await bot.kill()

            async def restart() -> None:
                await wait_for_part(0.6)
                await fake.send("restart")

            begin = 0
            if way == "stream":
                # Before its first event, a bot has no position in the stream: a kill or a broken connection would lose events.
                await open_tickets(cstar, range(1), progress, opened)
                await wait_for_replies(cstar, set(opened))
                await fake.send("break_streams")
                begin = 1
            await asyncio.gather(open_tickets(cstar, range(begin, tickets), progress, opened), kill_bot(), restart())
            if way == "webhooks":
                await wait_until_receiving(fake, way, port)
                await deliver_all(fake)
            await wait_for_replies(cstar, set(opened))
            if way == "webhooks":
                await deliver_all(fake)
            assert await bot.end() == 0, bot_log(tmp_path)
            counts = Counter({ticket: await welcomes(cstar, ticket) for ticket in opened})
            report = await fake.send("report")
        finally:
            await bot.aclose()
    store = SqliteStore(database)
    report["left in the store"] = len(await store.claim_pending())
    await store.aclose()
    report |= {"kills": bot.kills, "tickets": len(counts), "welcomes": counts.total(), "maximum": max(counts.values())}
    sys.stdout.write(f"\n{way}: {', '.join(f'{value} {name}' for name, value in report.items())}\n")
    return report


def bot_log(tmp_path: Path) -> str:
    """Return the output of the bot."""
    return (tmp_path / "bot.log").read_text()


async def deliver_all(fake: FakeProcess) -> None:
    """Advance the clock through the retries of deliveries until none is pending."""
    for seconds in (30, 120, 600, 3600, 21_600, 86_400):
        for _ in range(3):
            if not (await fake.send("wait_until_idle"))["pending"]:
                return
            await fake.send("advance", seconds=seconds)


async def wait_for_replies(cstar: CStarClient, tickets: set[str]) -> None:
    """Wait until every ticket has a message and its tags; then the bot has no more work."""
    async with asyncio.timeout(120):
        while not tickets <= {ticket.id async for ticket in cstar.tickets.list() if has_reply(ticket)}:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


def has_reply(ticket: Ticket) -> bool:
    """Return whether the bot is done with a ticket."""
    return bool(ticket.message_count) and (bool(ticket.tags) or ticket.title.startswith(PRAISE))


async def welcomes(cstar: CStarClient, ticket: str) -> int:
    """Count the messages of the bot in a ticket."""
    messages = await cstar.tickets.messages.list(ticket, options=MANY_RETRIES)
    return sum(message.sender_name == support_bot.NAME for message in messages)


def check(report: dict[str, Any], *, tickets: int, kills: int) -> None:
    """Check that each ticket has one welcome, and that all queues are empty."""
    assert (report["tickets"], report["welcomes"], report["maximum"]) == (tickets, tickets, 1)
    assert (report["pending"], report["left in the store"], report["kills"]) == (0, 0, kills)


async def test_every_ticket_gets_one_welcome_by_webhook(tmp_path: Path) -> None:
    """With one kill and one restart, each of twenty tickets gets one welcome."""
    report = await run("webhooks", tmp_path, tickets=20, kills=1)
    check(report, tickets=20, kills=1)
    assert report["accepted"] >= 20


async def test_every_ticket_gets_one_welcome_by_stream(tmp_path: Path) -> None:
    """With one kill and one restart, each of twenty tickets gets one welcome."""
    report = await run("stream", tmp_path, tickets=20, kills=1)
    check(report, tickets=20, kills=1)
    assert report["sent"] == 0
    assert report["streams"] > 1


@pytest.mark.soak
async def test_five_hundred_tickets_get_one_welcome_each_by_webhook(tmp_path: Path) -> None:
    """With three kills, one restart and every fault of deliveries, each ticket gets one welcome."""
    report = await run("webhooks", tmp_path, tickets=500, kills=3)
    check(report, tickets=500, kills=3)
    for fault in ("dropped", "responses dropped", "repeated", "delayed", "second attempts", "lost responses to the bot"):
        assert report[fault] > 10, fault


@pytest.mark.soak
async def test_five_hundred_tickets_get_one_welcome_each_by_stream(tmp_path: Path) -> None:
    """With three kills, one restart and every fault of a stream, each ticket gets one welcome."""
    report = await run("stream", tmp_path, tickets=500, kills=3)
    check(report, tickets=500, kills=3)
    for fault, minimum in (
        ("stream delayed", 10),
        ("stream repeated", 10),
        ("stream broken", 1),
        ("lost responses to the bot", 10),
    ):
        assert report[fault] >= minimum, fault
