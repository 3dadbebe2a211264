"""A client and its server in virtual time: no sockets, and a clock that jumps from event to event."""

from __future__ import annotations

import json
import random
from typing import Any

from cstar_async import CStarClient
from cstar_async._transport.interface import Transport
from cstar_async.testing import FakeClock

from .conftest import KEY, TICKET

BODY = json.dumps({"data": TICKET}).encode()


class TickingClock(FakeClock):
    """A clock that jumps from event to event, and never has the same time twice, as a real one."""

    def __init__(self) -> None:
        self._ticks = 0
        self.suspended = 0.0
        """Seconds for which only the wall clock continued."""
        super().__init__(autojump=True)

    def monotonic(self) -> float:
        """Return a later time with each call."""
        self._ticks += 1
        return super().monotonic() + self._ticks * 1e-9

    def time(self) -> float:
        """Return the seconds since the epoch."""
        return super().time() + self.suspended


def virtual_client(transport: Transport, clock: FakeClock, **options: Any) -> CStarClient:
    """Return a client with the default options except those given."""
    client = CStarClient(**{"api_key": KEY, "team_id": "team_1", "base_url": "http://127.0.0.1:1", "_clock": clock, **options})
    context = client._executor.context
    context.transport, context.random = transport, random.Random(5).random
    return client
