"""The workers of the Compose example, with a real Redis and a fake cStar."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from pathlib import Path

import pytest

from cstar_async.testing import FakeCStar
from tests.external.redis_server import RedisServer

pytestmark = pytest.mark.external

WORKER = Path(__file__).parents[2] / "examples" / "workers" / "worker.py"


async def start_worker(fake: FakeCStar, redis_server: RedisServer) -> Process:
    """Start a worker as Compose does."""
    settings = {"CSTAR_API_KEY": fake.secret_key, "CSTAR_BASE_URL": fake.url, "REDIS_URL": redis_server.url, "WORKERS": "3"}
    environment = {**os.environ, **settings}
    return await asyncio.create_subprocess_exec(sys.executable, str(WORKER), env=environment, stdout=PIPE, stderr=PIPE)


async def until(condition: Callable[[], bool]) -> None:
    """Wait until a condition is true."""
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110  # what changes it is another process
            await asyncio.sleep(0.02)


async def test_three_workers_welcome_each_ticket_once(redis_server: RedisServer) -> None:
    """Each ticket gets one message although each worker receives each event; a killed worker stops none of the others."""
    async with FakeCStar() as fake, fake.client() as cstar:
        workers = [await start_worker(fake, redis_server) for _ in range(3)]
        try:
            await until(lambda: len(fake.streams) == 3)
            for number in range(10):
                await cstar.tickets.create(title=f"Ticket {number}")
            await until(lambda: len(fake.requests.for_operation("create_ticket_message")) >= 10)
            workers[0].kill()
            await until(lambda: len(fake.streams) == 2)
            await cstar.tickets.create(title="Ticket 10")
            await until(lambda: len(fake.requests.for_operation("create_ticket_message")) >= 11)
        finally:
            for worker in workers[1:]:
                worker.send_signal(signal.SIGTERM)
            errors = [(await worker.communicate())[1].decode() for worker in workers]
        assert [worker.returncode for worker in workers[1:]] == [0, 0], errors
        counts = [ticket.message_count async for ticket in cstar.tickets.list()]
    assert counts == [1] * 11


async def test_worker_without_redis_ends_with_a_sentence(tmp_path: Path) -> None:
    """A worker that cannot reach Redis exits with 1 and the reason, without a traceback."""
    async with FakeCStar() as fake:
        worker = await start_worker(fake, RedisServer(tmp_path))
        _, errors = await worker.communicate()
    assert worker.returncode == 1
    assert b"Redis" in errors
    assert b"Traceback" not in errors
