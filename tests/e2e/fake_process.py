"""Run a fake server that reads commands from standard input: a line of JSON in, a line of JSON out.

A restart closes the fake and starts it on the same port. All connections break, and for a short time none is accepted. The state
remains, as a restarted cStar keeps its database and its queue of deliveries.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from random import Random
from typing import Any

from cstar_async.testing import FakeCStar

DOWNTIME_S = 0.3
BETWEEN_BREAKS_S = 0.4


class Network:
    """Disturb the event stream: connections break, and events are repeated, delayed or reordered."""

    def __init__(self, fake: FakeCStar) -> None:
        self.counts = Counter[str]()
        self._streams = fake.streams
        self._send = fake.streams.publish
        self._random = Random(7)
        self._breaking: asyncio.Task[None] | None = None
        vars(fake.streams)["publish"] = self._publish

    def _publish(self, *message: Any) -> None:
        loop, chance = asyncio.get_running_loop(), self._random.random()
        if chance < 0.2:
            self.counts["delayed"] += 1
            loop.call_later(0.2, self._send, *message)
            return
        self._send(*message)
        if chance < 0.45:
            self.counts["repeated"] += 1
            loop.call_later(0.1, self._send, *message)

    def start_breaking(self) -> None:
        """Break all connections periodically from now on."""
        self._breaking = asyncio.create_task(self._break_connections())

    def stop_breaking(self) -> None:
        """Break no more connections."""
        if self._breaking is not None:
            self._breaking.cancel()

    async def _break_connections(self) -> None:
        while True:
            await asyncio.sleep(BETWEEN_BREAKS_S)
            self.counts["broken"] += self._streams.disconnect_all()


async def execute(fake: FakeCStar, network: Network, command: dict[str, Any]) -> dict[str, Any]:
    """Execute a command."""
    if command["do"] == "advance":
        fake.clock.advance(command["seconds"])
    elif command["do"] == "restart":
        await fake.aclose()
        await asyncio.sleep(DOWNTIME_S)
        await fake.start()
    elif command["do"] == "break_streams":
        network.start_breaking()
    elif command["do"] == "wait_until_idle":
        await fake.deliveries.wait_until_idle()
    return report(fake, network)


def report(fake: FakeCStar, network: Network) -> dict[str, Any]:
    """Count what has happened so far."""
    done = list(fake.deliveries)
    dropped_before, dropped_after, repeated, *delayed = (fault.trigger_count for fault in fake.deliveries.faults)
    return {
        "pending": fake.deliveries.pending_count,
        "sent": len(done),
        "accepted": sum(one.is_success for one in done),
        "refused": sum(one.status is not None and not one.is_success for one in done),
        "without response": sum(one.status is None for one in done),
        "second attempts": sum(one.attempt > 1 for one in done),
        "dropped": dropped_before,
        "responses dropped": dropped_after,
        "repeated": repeated,
        "delayed": sum(delayed),
        "open streams": len(fake.streams),
        "streams": sum(request.operation == "listen_to_events" for request in fake.requests),
        **{f"stream {what}": count for what, count in network.counts.items()},
        "lost responses to the bot": sum(fault.trigger_count for fault in fake.faults),
    }


def write(what: dict[str, Any]) -> None:
    """Write a line."""
    sys.stdout.write(f"{json.dumps(what)}\n")
    sys.stdout.flush()


async def main() -> None:
    """Serve until the standard input ends."""
    fake = FakeCStar(seed=7, limits=False, port=int(sys.argv[1]))
    losses = fake.deliveries.faults
    losses.add(drop="before", probability=0.10, max_triggers=None)
    losses.add(drop="after", probability=0.10, max_triggers=None)
    losses.add(repeat=2, probability=0.25, max_triggers=None)
    losses.add(delay=0.2, probability=0.20, max_triggers=None)
    losses.add(delay=2.0, probability=0.05, max_triggers=None)
    fake.faults.add(operation="create_ticket_message", drop="after", probability=0.10, max_triggers=None)
    fake.faults.add(operation="create_ticket_message", status=503, probability=0.05, max_triggers=None)
    fake.faults.add(operation="update_ticket", drop="after", probability=0.10, max_triggers=None)
    loop, network = asyncio.get_running_loop(), Network(fake)
    async with fake:
        write({"url": fake.url, "key": fake.secret_key})
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            write(await execute(fake, network, json.loads(line)))
        network.stop_breaking()


if __name__ == "__main__":
    asyncio.run(main())
