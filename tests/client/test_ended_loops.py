"""Clients that are closed after their event loop has ended."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import ssl
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from cstar_async import CStarClient, CStarError
from cstar_async.webhooks import EventStream

from .conftest import KEY, Server, cut, held, serving
from .test_tls import CERTIFICATE

EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"


async def _call(client: CStarClient, server: Server) -> None:
    """One call, whose connection is kept alive."""
    await client.tickets.get("tkt_1")


async def _call_many(client: CStarClient, server: Server) -> None:
    """Several connections that are kept alive."""
    await asyncio.gather(*(client.tickets.get("tkt_1") for _ in range(5)))


async def _open_stream(client: CStarClient, server: Server) -> EventStream:
    """A stream that is still open."""
    server.script(cut(EVENTS, asyncio.Event()))
    return await client.events().__aenter__()


async def _leave_call(client: CStarClient, server: Server) -> None:
    """A call that waits for its response."""
    server.script(held(asyncio.Event()))
    task = asyncio.ensure_future(client.tickets.get("tkt_1"))
    await asyncio.sleep(0.05)
    task.cancel()


WORK: dict[str, Callable[[CStarClient, Server], Awaitable[object]]] = {
    "call": _call,
    "calls": _call_many,
    "stream": _open_stream,
    "cancelled": _leave_call,
}


@pytest.mark.parametrize("tls", ["", "tls"])
@pytest.mark.parametrize("work", WORK)
def test_a_client_whose_loop_has_ended_is_closed_without_a_warning(work: str, tls: str) -> None:
    """`aclose()` in another loop closes all transports: nothing is left that warns when it is collected."""
    # In a process of its own, where nothing else is collected.
    code = f"from tests.client.test_ended_loops import close_after_the_loop as run; run({work!r}, {tls!r})"
    done = subprocess.run([sys.executable, "-W", "always", "-c", code], capture_output=True, text=True, check=False, timeout=30)
    assert (0, "") == (done.returncode, "" if "Warning" not in done.stderr else done.stderr), done.stderr
    assert "Exception" not in done.stderr


def close_after_the_loop(work: str, tls: str) -> None:
    """Use a client in a loop that ends, against a server in another thread, and close it twice."""
    started, ended = threading.Event(), threading.Event()
    servers: list[Server] = []

    async def serve() -> None:
        context = None
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(CERTIFICATE)
        async with serving(tls=context) as server:
            servers.append(server)
            started.set()
            await asyncio.to_thread(ended.wait)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    started.wait()
    options: dict[str, Any] = {"ssl": False} if tls else {}
    client = CStarClient(api_key=KEY, team_id="team_1", base_url=servers[0].url, max_retries=0, **options)
    try:
        left = asyncio.run(WORK[work](client, servers[0]))
        with contextlib.suppress(CStarError):
            asyncio.run(client.tickets.get("tkt_1"))
        asyncio.run(client.aclose())
        asyncio.run(client.aclose())
        del client, left
        gc.collect()
    finally:
        ended.set()
        thread.join()
