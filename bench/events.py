"""Compare an inbox with a bare aiohttp handler, and measure the time from a change to its handler.

All run in random order in several rounds; medians count. The CPU time is that of the receiving process, from the request to the end
of the handler. The time from a change is measured from the call of `tickets.create()`.
"""

from __future__ import annotations

import asyncio
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import orjson
from aiohttp import web
from rich.console import Console
from rich.table import Table

from bench.receiver import SECRET, TICKET
from cstar_async import CStarClient
from cstar_async.webhooks import EventStream, MemoryStore, SqliteStore, TicketCreated, WebhookInbox, sign

ROUNDS = 15
EVENTS = 400
CONCURRENCY = 20
RECEIVERS = ("bare", "checked", "memory", "file")
CHANGES = 20
"""Tickets that are created for each receiver in a round."""
RECEIVERS_COMPARED = ("bare", "memory", "file", "stream")


async def throughput(port: int) -> dict[str, tuple[list[float], list[float]]]:
    """Return CPU microseconds of the receiver and events a second, for each round."""
    results: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in RECEIVERS}
    numbers = iter(range(1, sys.maxsize))
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:

        async def cpu() -> float:
            async with session.get("/cpu") as response:
                return float(await response.text())

        async def post(name: str, count: int) -> None:
            for _ in range(count):
                number = next(numbers)
                body = (TICKET % (number, number)).encode()
                async with session.post(f"/{name}", data=body, headers={"X-Signature": sign(body, SECRET)}) as response:
                    if response.status != 200:
                        raise RuntimeError(f"{name} returned {response.status}")

        async def send(name: str) -> tuple[float, float]:
            used, begun = await cpu(), time.perf_counter()
            await asyncio.gather(*(post(name, EVENTS // CONCURRENCY) for _ in range(CONCURRENCY)))
            now = await cpu()
            return (now - used) / EVENTS * 1e6, EVENTS / (time.perf_counter() - begun)

        for name in RECEIVERS:
            await send(name)
        for _ in range(ROUNDS):
            for name in random.sample(RECEIVERS, len(RECEIVERS)):
                used, rate = await send(name)
                results[name][0].append(used)
                results[name][1].append(rate)
    return results


class Receivers:
    """Receive events of new tickets with each receiver, and record the time."""

    def __init__(self) -> None:
        self._handlers: dict[str, Callable[[web.Request], Awaitable[web.Response]]] = {"bare": self._bare}
        self._received: dict[str, asyncio.Future[float]] = {}

    async def handle(self, request: web.Request) -> web.Response:
        """Pass a delivery to the receiver that the path names."""
        return await self._handlers[request.match_info["name"]](request)

    def add(self, name: str, inbox: WebhookInbox) -> None:
        """Add an inbox."""
        inbox.on(TicketCreated)(self.receive)
        self._handlers[name] = inbox.aiohttp_handler

    async def receive(self, event: TicketCreated) -> None:
        """Record the time of an event."""
        if event.data.ticket is not None:
            self._record(event.data.ticket.id)

    async def wait(self, ticket_id: str) -> float:
        """Return the time of the event of a ticket."""
        return await asyncio.wait_for(self._received.setdefault(ticket_id, asyncio.Future()), 30)

    async def _bare(self, request: web.Request) -> web.Response:
        event = orjson.loads(await request.read())
        self._record(event["data"]["ticket"]["id"])
        return web.Response()

    def _record(self, ticket_id: str) -> None:
        future = self._received.setdefault(ticket_id, asyncio.Future())
        if not future.done():
            future.set_result(time.perf_counter())


async def delays(url: str, key: str) -> dict[str, list[float]]:
    """Return milliseconds from the call that creates a ticket to its handler, and to the response of the call."""
    receivers, results = Receivers(), {name: list[float]() for name in (*RECEIVERS_COMPARED, "response")}
    application = web.Application()
    application.router.add_post("/{name}", receivers.handle)
    runner = web.AppRunner(application, access_log=None)
    with tempfile.TemporaryDirectory() as folder:
        async with CStarClient(api_key=key, base_url=url) as cstar, AsyncExitStack() as stack:
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            hooks: dict[str, str] = {}
            for name in ("bare", "memory", "file"):
                there = f"http://127.0.0.1:{runner.addresses[0][1]}/{name}"
                hook = await cstar.webhooks.create(name=name, url=there, events=["ticket.created"])
                await cstar.webhooks.update(hook.id, is_active=False)
                store = SqliteStore(Path(folder) / "events.db") if name == "file" else MemoryStore()
                if name != "bare":
                    receivers.add(name, await stack.enter_async_context(WebhookInbox(hook.secret or "", store=store)))
                hooks[name] = hook.id

            async def open_tickets(name: str) -> None:
                for _ in range(CHANGES):
                    begun = time.perf_counter()
                    ticket = await cstar.tickets.create(title="Cannot log in")
                    results["response"].append((time.perf_counter() - begun) * 1e3)
                    results[name].append((await receivers.wait(ticket.id) - begun) * 1e3)

            for _ in range(ROUNDS):
                for name in random.sample(RECEIVERS_COMPARED, len(RECEIVERS_COMPARED)):
                    if name == "stream":
                        async with cstar.events(TicketCreated) as stream:
                            running = asyncio.ensure_future(record_events(stream, receivers))
                            await open_tickets(name)
                            running.cancel()
                    else:
                        await cstar.webhooks.update(hooks[name], is_active=True)
                        await open_tickets(name)
                        await cstar.webhooks.update(hooks[name], is_active=False)
    return results


async def record_events(stream: EventStream, receivers: Receivers) -> None:
    """Record the events of a stream."""
    async for event in stream:
        if isinstance(event, TicketCreated):
            await receivers.receive(event)


def main() -> int:
    """Print two tables."""
    with subprocess.Popen([sys.executable, "-m", "bench.receiver"], stdout=subprocess.PIPE, text=True) as receiver:
        try:
            rates = asyncio.run(throughput(int(receiver.stdout.readline()) if receiver.stdout else 0))
        finally:
            receiver.kill()
    serve = [sys.executable, "-m", "cstar_async", "serve", "--port", "0", "--no-limits"]
    with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True) as fake:
        try:
            head = "".join(fake.stdout.readline() for _ in range(6)) if fake.stdout else ""
            found = dict(re.findall(r"(CSTAR_\w+)=(\S+)", head))
            times = asyncio.run(delays(found["CSTAR_BASE_URL"], found["CSTAR_API_KEY"]))
        finally:
            fake.kill()
    console = Console()
    table = Table("receiver", "CPU us an event", "compared with bare", "events a second", title="Deliveries", title_justify="left")
    for name, (used, rate) in rates.items():
        ratios = [one / other for one, other in zip(used, rates["bare"][0], strict=True)]
        lower, median, upper = statistics.quantiles(ratios, n=4)
        spread = f"{median:.2f} [{lower:.2f} to {upper:.2f}]"
        table.add_row(name, f"{statistics.median(used):.0f}", spread, f"{statistics.median(rate):.0f}")
    console.print(table)
    table = Table("receiver", "median ms", "quartiles", title="From a change to its handler")
    for name, waits in times.items():
        lower, median, upper = statistics.quantiles(waits, n=4)
        table.add_row(name, f"{median:.1f}", f"{lower:.1f} to {upper:.1f}")
    console.print(table)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
