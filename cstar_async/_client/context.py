"""What all views of one client share: its doors, its budget, and where it belongs."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from typing import cast

from cstar_async._client.concurrency import PrioritySemaphore
from cstar_async._client.drift import Schemas
from cstar_async._client.hook_dispatcher import HookDispatcher
from cstar_async._client.single_flight import SingleFlight
from cstar_async._clock import Clock
from cstar_async._operations.operation import Scope
from cstar_async._protocol.retry import RetryBudget
from cstar_async._protocol.urls import path_segment
from cstar_async._rate_limit.interface import Limiter
from cstar_async._transport.interface import Transport
from cstar_async.errors import CStarError


class ClientContext:
    """What all views of one client share.

    Args:
        transport: The door to the network.
        clock: The door to time.
        random: Numbers from 0 to below 1, for back-off.
        limiter: The budget of the key.
        places: How many calls may be in flight at once.
        budget: Tokens for retries.
        observers: Hooks and log.
        host: Where calls go, for observers.
        port: Where on that host.
        prefix: What stands before every path: the path of the base URL.
        scope: Whether relative paths are under a team or under its public library.
        team_id: The team, if it is known.
        is_publishable: Whether the key may only read.
    """

    def __init__(
        self,
        *,
        transport: Transport,
        clock: Clock,
        random: Callable[[], float],
        limiter: Limiter,
        places: int,
        budget: RetryBudget,
        observers: HookDispatcher,
        host: str,
        port: int,
        prefix: str,
        scope: Scope = "team",
        team_id: str | None,
        is_publishable: bool,
    ) -> None:
        self.transport = transport
        self.clock = clock
        self.random = random
        self.limiter = limiter
        self.gate = PrioritySemaphore(places)
        self.retry_budget = budget
        self.observers = observers
        self.host = host
        self.port = port
        self.prefix = prefix
        self.scope: Scope = scope
        self.is_publishable = is_publishable
        self.team_path = SingleFlight(None if team_id is None else self.path_of_team(team_id))
        self.is_closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._process: int | None = None
        self._schemas: Schemas | None = None

    def path_of_team(self, team_id: str) -> str:
        """What stands before a path that is relative to a team, or to its library."""
        place = "/api/library" if self.scope == "library" else "/api/v1/teams"
        return f"{self.prefix}{place}/{path_segment(team_id, 'team_id')}"

    def bind_to_loop(self) -> None:
        """Bind the client to the loop and process of its first call, and refuse to work in another or after the end."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            if self._loop is not None:
                raise CStarError("this client was first used in another event loop; make one client for each loop")
            self.limiter.bind_to_loop()
            self._loop, self._process = loop, os.getpid()
        elif self._process != os.getpid():
            # A forked child that goes on with its parent's loop has its parent's sockets, too: each would read the other's answers.
            raise CStarError("this client was first used in another process; make one client in each, after the fork")
        if self.is_closed:
            raise CStarError("this client is closed")

    @property
    def schemas(self) -> Schemas:
        """The component schemas of the document, read when drift is first looked for."""
        if self._schemas is None:
            from importlib import resources  # looked for rarely, and slower to import than most of this package

            text = resources.files("cstar_async._generated").joinpath("schemas.json").read_bytes()
            self._schemas = cast("Schemas", json.loads(text)["components"]["schemas"])
        return self._schemas

    async def aclose(self) -> None:
        """Give back what the client holds; may be called twice."""
        self.is_closed = True
        await self.transport.aclose()
