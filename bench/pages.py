"""Measure what reading ahead gains: 50 pages of 100 items from a server that takes 80 ms for each response."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Awaitable
from typing import cast

from bench.calls import server_in_a_thread
from bench.server import META, TEAM, TICKET, Server, response
from cstar_async import CStarClient, Paginator
from cstar_async.models import Ticket

DELAY = 0.08
"""Seconds from a request to its response, and what a slow reader needs for a page."""
PAGES = 50
AHEAD = 8

MAX_OF_ONE_AFTER_ANOTHER = 0.25
MAX_OF_SLOW_READER = 0.60


def page(number: int) -> bytes:
    """Build the response with a page."""
    tickets = [{**TICKET, "id": f"tkt_{number:04}{row:04}"} for row in range(100)]
    pagination = {"total": PAGES * 100, "page": number, "pageSize": 100, "hasMore": number < PAGES}
    return response("200 OK", json.dumps({"success": True, "data": tickets, "pagination": pagination, "meta": META}).encode())


class DelayedServer(Server):
    """Respond with pages, each after the delay."""

    pages = tuple(page(number) for number in range(1, PAGES + 1))

    def data_received(self, data: bytes) -> None:
        """Respond later; clients have one request in flight on a connection."""
        self.buffer += data
        if self.buffer.endswith(b"\r\n\r\n") and (number := re.search(rb"[?&]page=(\d+)", self.buffer)):
            self.buffer = b""
            transport = cast("asyncio.WriteTransport", self.transport)
            asyncio.get_running_loop().call_later(DELAY, transport.write, self.pages[int(number[1]) - 1])


async def read(tickets: Paginator[Ticket], pause: float = 0.0) -> None:
    """Read all pages, with a pause after each."""
    async for _ in tickets.pages():
        if pause:
            await asyncio.sleep(pause)


async def seconds(work: Awaitable[object]) -> float:
    """Return how long it takes. Once is enough: nearly all of it is the delay."""
    begun = time.perf_counter()
    await work
    return time.perf_counter() - begun


async def times(port: int) -> dict[str, float]:
    """Return the seconds for all pages, by the way of reading."""
    async with CStarClient(api_key="sk_test_a", team_id=TEAM, base_url=f"http://127.0.0.1:{port}") as cstar:
        tickets = cstar.tickets.list()
        await tickets.prefetch(AHEAD).collect()
        return {
            "one after another": await seconds(read(tickets)),
            f"prefetch({AHEAD})": await seconds(read(tickets.prefetch(AHEAD))),
            "collect()": await seconds(tickets.collect()),
            "slow reader, one after another": await seconds(read(tickets, DELAY)),
            f"slow reader, prefetch({AHEAD})": await seconds(read(tickets.prefetch(AHEAD), DELAY)),
        }


def compare() -> dict[str, tuple[float, float]]:
    """Return the ratios of the times, and their limits, by name."""
    with server_in_a_thread(DelayedServer) as port:
        alone, ahead, collected, slow, slow_ahead = asyncio.run(times(port)).values()
    return {
        "50 pages, prefetch(8) / one by one": (ahead / alone, MAX_OF_ONE_AFTER_ANOTHER),
        "50 pages, collect() / one by one": (collected / alone, MAX_OF_ONE_AFTER_ANOTHER),
        "50 pages, slow reader, prefetch(8)": (slow_ahead / slow, MAX_OF_SLOW_READER),
    }


if __name__ == "__main__":
    with server_in_a_thread(DelayedServer) as port:
        for name, value in asyncio.run(times(port)).items():
            print(f"{name:32}{value:6.2f} s")
