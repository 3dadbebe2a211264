"""The nightly export of a newcomer: 2,000 tickets and customers with 80 ms in front, in a few seconds and calls."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from cstar_async.models import Customer, Ticket
from cstar_async.sync import LocalCopy
from cstar_async.testing import FakeCStar

LATENCY = 0.08


@asynccontextmanager
async def distant(url: str) -> AsyncIterator[str]:
    """Run a relay that passes on what a client sends after 80 ms."""
    target = urlsplit(url)

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection(target.hostname, target.port)
        await asyncio.gather(copy(reader, there_writer, LATENCY), copy(there_reader, writer, 0))

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
        while data := await reader.read(2**18):
            await asyncio.sleep(delay)
            writer.write(data)
            await writer.drain()
        writer.close()

    async with await asyncio.start_server(relay, "127.0.0.1") as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.soak
async def test_nightly_export_takes_31_calls_and_less_than_3_seconds(path: Path) -> None:
    """The server of the test works in the same process, so a user waits less."""
    async with FakeCStar(limits=False) as fake, fake.client(timeout=300) as near:
        tickets = [{"title": f"{n}"} | ({"initialMessage": "Hello"} if n in range(0, 1980, 66) else {}) for n in range(2000)]
        await near.imports.run_batched(resource="tickets", records=tickets)
        customers = [{"name": f"{number}", "email": f"c{number}@a.example"} for number in range(2000)]
        await near.imports.run_batched(resource="customers", records=customers)
        async with distant(fake.url) as url, fake.client(base_url=url) as cstar:
            started = time.monotonic()
            report = await LocalCopy(path).refresh(cstar)
            elapsed = time.monotonic() - started
        assert (31, True) == (report.calls, report.is_complete)
        assert {"tickets": 2000, "customers": 2000, "messages": 30} == report.changed
        assert 2000 == len(list(LocalCopy(path).rows(Ticket))) == len(list(LocalCopy(path).rows(Customer)))
        assert elapsed < 3
