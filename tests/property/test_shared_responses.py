"""Shared responses while a program reads, writes and cancels at any time."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cstar_async import CStarClient
from cstar_async._client.call import Call
from cstar_async._protocol.messages import RawResponse

Step = tuple[str, int, int, int]
"""What to do, the turns of the event loop before and after the server acts, and those until the next step."""

STEPS = st.lists(
    st.tuples(st.sampled_from(["read", "read", "write", "cancel"]), st.integers(0, 9), st.integers(0, 9), st.integers(0, 4)),
    max_size=40,
)


class CountingTransport:
    """A server with one ticket, whose title is the number of writes. Requests and responses take some turns of the event loop."""

    def __init__(self) -> None:
        self.writes = 0
        self.reads = 0
        self.in_flight = 0
        self.turns: list[tuple[int, int]] = []

    async def send(self, call: Call, _timeout: float) -> RawResponse:
        """Return the ticket as it is in the middle of the request."""
        before, after = self.turns.pop(0) if self.turns else (1, 1)
        self.in_flight += 1
        try:
            for _ in range(before):
                await asyncio.sleep(0)
            if call.method == "GET":
                self.reads += 1
            else:
                self.writes += 1
            body = json.dumps({"success": True, "data": {"id": "tkt_1", "title": str(self.writes)}}).encode()
            for _ in range(after):
                await asyncio.sleep(0)
            return RawResponse(200, {}, body)
        finally:
            self.in_flight -= 1

    async def aclose(self) -> None:
        """Do nothing."""


async def run(steps: list[Step], cstar: CStarClient, transport: CountingTransport) -> None:
    """Run all steps, and check what each read returned."""
    finished_writes = 0
    tasks: list[asyncio.Task[None]] = []
    cancelled: set[asyncio.Task[None]] = set()

    async def read() -> None:
        least = finished_writes
        assert int((await cstar.tickets.get("tkt_1")).title) >= least

    async def write() -> None:
        nonlocal finished_writes
        await cstar.tickets.update("tkt_1", title="x")
        finished_writes += 1

    for step, before, after, turns in steps:
        if step in {"read", "write"}:
            transport.turns.append((before, after))
            tasks.append(asyncio.ensure_future(read() if step == "read" else write()))
        elif step == "cancel" and tasks:
            task = tasks[before % len(tasks)]
            if task.cancel():
                cancelled.add(task)
        for _ in range(turns):
            await asyncio.sleep(0)
    if tasks:
        await asyncio.wait(tasks)
    for task in tasks:
        assert task.cancelled() or task.exception() is None
        assert not task.cancelled() or task in cancelled
    assert transport.in_flight == 0
    assert {asyncio.current_task()} == asyncio.all_tasks()


@given(steps=STEPS, coalesce=st.booleans(), keeps=st.booleans())
@settings(max_examples=150, deadline=None)
def test_read_after_a_write_returns_the_write(steps: list[Step], *, coalesce: bool, keeps: bool) -> None:
    """Of this client. No caller is cancelled for another, and no request is left in flight."""

    async def main() -> None:
        cstar = CStarClient(
            api_key="sk_test_a", team_id="team_1", coalesce=coalesce, cache={"tickets.get": 3600} if keeps else None
        )
        transport: Any = CountingTransport()
        cstar._executor.context.transport = transport
        await run(steps, cstar, transport)

    asyncio.run(main())


@given(count=st.integers(1, 20), coalesce=st.booleans(), keeps=st.booleans())
@settings(max_examples=30, deadline=None)
def test_concurrent_reads_take_one_request(count: int, *, coalesce: bool, keeps: bool) -> None:
    """And as many as there are callers without."""

    async def main() -> int:
        cstar = CStarClient(
            api_key="sk_test_a", team_id="team_1", coalesce=coalesce, cache={"tickets.get": 3600} if keeps else None
        )
        transport: Any = CountingTransport()
        cstar._executor.context.transport = transport
        await asyncio.gather(*(cstar.tickets.get("tkt_1") for _ in range(count)))
        await cstar.tickets.get("tkt_1")
        reads: int = transport.reads
        return reads

    assert (1 if coalesce else count) + (0 if keeps else 1) == asyncio.run(main())
