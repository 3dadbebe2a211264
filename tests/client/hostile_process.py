"""A bot that a hostile server sends bodies and events beyond all limits. It prints what it got and its peak memory."""

from __future__ import annotations

import asyncio
import json
import logging
import resource
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from cstar_async import CStarClient, CStarError, RequestOptions
from cstar_async.webhooks import WebhookInbox

SECRET = "whsec_a"
MAX_ADDRESS_SPACE = 3 * 2**30
PIECE = b"x" * 65536
HUNDRED_MEGABYTES = 1600
"""Pieces."""


async def pieces() -> AsyncIterator[bytes]:
    """Yield a body of 100 MB."""
    for _ in range(HUNDRED_MEGABYTES):
        yield PIECE
        await asyncio.sleep(0)


async def request_each(cstar: CStarClient, names: list[str]) -> dict[str, str]:
    """Request each of the server's bodies, and return the class of what was raised."""
    raised: dict[str, str] = {}
    for name in names:
        try:
            await cstar.request("GET", f"/{name}", options=RequestOptions(max_retries=0))
            raised[name] = "nothing"
        except CStarError as error:
            raised[name] = type(error).__name__
    return raised


async def receive_events(cstar: CStarClient) -> list[str]:
    """Return the ids of the events that arrive among those that are too large."""
    async with cstar.events() as stream:
        return [(await anext(stream)).id for _ in range(4)]


async def receive_deliveries() -> list[int]:
    """Deliver 100 MB to an inbox through aiohttp and ASGI, and return the statuses."""
    async with WebhookInbox(SECRET) as inbox:
        application = web.Application()
        application.router.add_post("/", inbox.aiohttp_handler)
        runner = web.AppRunner(application)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        statuses: list[int] = []
        async with aiohttp.ClientSession() as session:
            url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
            for headers in ({}, {"X-Signature": "t=1," + "v1=a," * 1000}):
                try:
                    async with session.post(url, data=pieces(), headers=headers) as response:
                        statuses.append(response.status)
                except aiohttp.ClientConnectionError:  # the server closes while the client still sends
                    statuses.append(413)
        await runner.cleanup()

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": PIECE, "more_body": True}

        async def send(message: dict[str, Any]) -> None:
            statuses.extend([message["status"]] if "status" in message else [])

        await inbox.asgi_app({"type": "http", "method": "POST", "headers": []}, receive, send)  # type: ignore[arg-type]
        return statuses


def peak_megabytes() -> float:
    """Return the most memory that this process has had. That of `getrusage` includes the process that started it."""
    line = next(line for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


async def main() -> None:
    """Talk to the server."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_ADDRESS_SPACE, MAX_ADDRESS_SPACE))  # a failure must not take the machine's memory
    logging.disable(logging.CRITICAL)
    url, *names = sys.argv[1:]
    async with CStarClient(api_key="sk_test_a", team_id="team", base_url=url, timeout=60.0) as cstar:
        result = {"raised": await request_each(cstar, names), "events": await receive_events(cstar)}
    result["statuses"] = await receive_deliveries()
    sys.stdout.write(json.dumps({**result, "peak": peak_megabytes()}))


if __name__ == "__main__":
    asyncio.run(main())
