"""A fleet on one key: processes of their own, a strict server, and a real Redis between them."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio

from tests.external.redis_server import RedisServer
from tests.external.strict_server import StrictServer

pytestmark = pytest.mark.external

PROCESSES = 8


class Fleet:
    """Processes that call one server from one moment to another."""

    def __init__(self, redis: RedisServer, server: StrictServer, *, share: int = PROCESSES) -> None:
        self._settings = {"redis": redis.url, "server": server.url, "share": share}
        self._server = server
        self.members: list[asyncio.subprocess.Process] = []
        self.begins = self.ends = 0

    async def add(self, *widths: int, background: bool = False) -> None:
        """Start processes with so many workers each, and wait until they are ready."""
        for width in widths:
            settings = {**self._settings, "width": width, "background": background}
            command = (sys.executable, "-m", "tests.external.fleet_member", json.dumps(settings))
            pipe = asyncio.subprocess.PIPE
            self.members.append(await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe))
        for member in self.members:
            assert member.stdout is not None
            assert await member.stdout.readline() == b"ready\n"

    async def call(self, *, windows: int) -> None:
        """Let them call for so many windows, and return when the first begins."""
        self.begins = self._server.next_window(after=0.5)
        self.ends = self.begins + windows * self._server.window
        for member in self.members:
            assert member.stdin is not None
            member.stdin.write(json.dumps([self.begins, self.ends - 0.2]).encode() + b"\n")
        await asyncio.sleep(self.begins - time.time())

    async def result(self) -> list[dict[str, Any]]:
        """What each process says in the end; an empty one for whoever was killed."""
        said = await asyncio.gather(*(member.communicate() for member in self.members))
        return [json.loads(out) if out else {} for out, _ in said]

    def used(self) -> list[int]:
        """The calls of each window."""
        return self._server.used_in(self.begins, self.ends)

    async def kill(self) -> None:
        """Leave no process behind."""
        for member in self.members:
            if member.returncode is None:
                member.kill()
                await member.wait()


@pytest_asyncio.fixture
async def fleet(redis_server: RedisServer, server: StrictServer) -> AsyncIterator[Fleet]:
    """No process yet."""
    fleet = Fleet(redis_server, server)
    yield fleet
    await fleet.kill()


@pytest_asyncio.fixture
async def server() -> AsyncIterator[StrictServer]:
    """A server with 200 calls in four seconds."""
    async with StrictServer(limit=200, window=4) as server:
        yield server


@pytest_asyncio.fixture
async def slow() -> AsyncIterator[StrictServer]:
    """A server with 200 calls in four seconds, and calls that take 0.2 s: 32 at once need a third of the window for them."""
    async with StrictServer(limit=200, window=4, slowness=9) as server:
        yield server


async def test_fleet_uses_its_budget_and_is_never_refused(fleet: Fleet, server: StrictServer) -> None:
    """Eight processes spend at least 95 % of every window, the server refuses none of their calls, and each is served."""
    await fleet.add(*[4] * PROCESSES)
    await fleet.call(windows=5)
    members = await fleet.result()
    used = fleet.used()
    assert 0 == server.refused.total()
    assert all(calls >= 0.95 * server.limit for calls in used)
    assert all(member["made"] > 0.5 * sum(used) / PROCESSES for member in members)


async def test_few_calls_are_served_beside_many(fleet: Fleet, server: StrictServer) -> None:
    """A process with 400 calls in its queue, twice as many as a window has, does not keep those with two waiting for long.

    The first window may be spent before they have begun; in each of the other three they are served.
    """
    await fleet.add(400, 2, 2, 2)
    await fleet.call(windows=4)
    many, *few = await fleet.result()
    assert 0 == server.refused.total()
    assert many["made"] > 300
    assert all(member["made"] >= 2 * 3 for member in few)


async def test_interactive_processes_go_before_background_ones(fleet: Fleet, server: StrictServer) -> None:
    """The background has what is left, and leaves the reserve."""
    await fleet.add(4, 4, background=True)
    await fleet.call(windows=2)
    await fleet.result()
    assert all(170 <= calls <= 180 for calls in fleet.used())


async def test_killed_process_leaves_the_budget_to_the_others(fleet: Fleet, server: StrictServer) -> None:
    """Its permits count as spent until later answers tell; the others use the windows that follow whole."""
    await fleet.add(*[4] * 4)
    await fleet.call(windows=4)
    await asyncio.sleep(0.2)
    fleet.members[0].kill()
    members = await fleet.result()
    assert 0 == server.refused.total()
    assert all(calls >= 0.95 * server.limit for calls in fleet.used())
    assert all(member["made"] > 100 for member in members[1:])


@pytest.mark.parametrize("moment", [0.1, 0.25, 0.5])
@pytest.mark.parametrize("redis_server", [(), ("--appendonly", "yes")], ids=["forgets", "remembers"], indirect=True)
async def test_redis_that_restarts_costs_no_refusal(moment: float, redis_server: RedisServer, slow: StrictServer) -> None:
    """At the beginning, in the middle and at the end of what a window has; whether it keeps the book or not.

    Each process goes by its share while Redis is away, and the fleet by the book when all have said how they stand.
    """
    async with fleet_of(redis_server, slow) as fleet:
        await fleet.call(windows=4)
        await asyncio.sleep((1 + moment) * slow.window)
        redis_server.kill()
        await asyncio.sleep(0.5)
        redis_server.start()
        check(await fleet.result(), fleet, slow)


async def test_redis_that_hangs_costs_no_refusal(redis_server: RedisServer, slow: StrictServer) -> None:
    """Calls go on by the shares while it does, as soon as each process has waited for its second."""
    async with fleet_of(redis_server, slow) as fleet:
        await fleet.call(windows=4)
        await asyncio.sleep(1.1 * slow.window)
        redis_server.suspend()
        await asyncio.sleep(0.9)
        before = slow.used.total()
        await asyncio.sleep(1.6)
        by_share = slow.used.total() - before
        redis_server.resume()
        check(await fleet.result(), fleet, slow)
    assert by_share >= PROCESSES


@asynccontextmanager
async def fleet_of(redis: RedisServer, server: StrictServer) -> AsyncIterator[Fleet]:
    """Eight processes with four workers each, and none in the end."""
    fleet = Fleet(redis, server)
    try:
        await fleet.add(*[4] * PROCESSES)
        yield fleet
    finally:
        await fleet.kill()


def check(members: list[dict[str, Any]], fleet: Fleet, server: StrictServer) -> None:
    """Nothing was refused, the windows before the fault and after it were used, and each process was served."""
    used = fleet.used()
    assert 0 == server.refused.total()
    assert all(calls >= 0.95 * server.limit for calls in (used[0], *used[-2:]))
    assert all(member["made"] > 0.4 * sum(used) / PROCESSES for member in members)
