"""A cStar in a process of its own, led over its standard input: a line of JSON in, a line of JSON out.

A restart closes and starts the same fake on the same port: everything that was connected is cut off and for a moment nobody is
there, but what it knows stays, as a cStar that is restarted keeps its database and its queue of deliveries. (Ended, the fake would
forget all of it.)
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from random import Random
from typing import Any

from cstar_async.testing import FakeCStar

AWAY_S = 0.3
BETWEEN_BREAKS_S = 0.4


class Network:
    """What happens to the event stream on its way: connections break, messages come again, or late and out of order."""

    def __init__(self, fake: FakeCStar) -> None:
        self.counts = Counter[str]()
        self._streams = fake.streams
        self._send = fake.streams.publish
        self._random = Random(7)
        vars(fake.streams)["publish"] = self._publish

    def _publish(self, *message: Any) -> None:
        loop, fate = asyncio.get_running_loop(), self._random.random()
        if fate < 0.2:
            self.counts["delayed"] += 1
            loop.call_later(0.2, self._send, *message)
            return
        self._send(*message)
        if fate < 0.45:
            self.counts["repeated"] += 1
            loop.call_later(0.1, self._send, *message)

    async def break_connections(self) -> None:
        """Break them again and again."""
        while True:
            await asyncio.sleep(BETWEEN_BREAKS_S)
            self.counts["broken"] += self._streams.disconnect_all()


async def obey(fake: FakeCStar, network: Network, order: dict[str, Any]) -> dict[str, Any]:
    """Carry out one order."""
    if order["do"] == "advance":
        fake.clock.advance(order["seconds"])
    elif order["do"] == "restart":
        await fake.aclose()
        await asyncio.sleep(AWAY_S)
        await fake.start()
    elif order["do"] == "settle":
        await fake.deliveries.wait_until_idle()
    return report(fake, network)


def report(fake: FakeCStar, network: Network) -> dict[str, Any]:
    """What has happened so far."""
    done = list(fake.deliveries)
    dropped_before, dropped_after, repeated, *delayed = (fault.trigger_count for fault in fake.deliveries.faults)
    return {
        "waiting": fake.deliveries.pending_count,
        "sent": len(done),
        "taken": sum(one.is_success for one in done),
        "refused": sum(one.status is not None and not one.is_success for one in done),
        "unanswered": sum(one.status is None for one in done),
        "second attempts": sum(one.attempt > 1 for one in done),
        "dropped": dropped_before,
        "answers dropped": dropped_after,
        "repeated": repeated,
        "delayed": sum(delayed),
        "streams": sum(request.operation == "listen_to_events" for request in fake.requests),
        **{f"stream {what}": count for what, count in network.counts.items()},
        "lost answers to the bot": sum(fault.trigger_count for fault in fake.faults),
    }


def say(what: dict[str, Any]) -> None:
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
        breaking = asyncio.create_task(network.break_connections())
        say({"url": fake.url, "key": fake.secret_key})
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            say(await obey(fake, network, json.loads(line)))
        breaking.cancel()


if __name__ == "__main__":
    asyncio.run(main())
