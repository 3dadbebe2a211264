"""What all views of one client share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs

from cstar_async._client.closable_waits import ClosableWaits
from cstar_async._client.concurrency import PrioritySemaphore
from cstar_async._client.hook_dispatcher import HookDispatcher
from cstar_async._client.single_flight import SingleFlight
from cstar_async._event_loop.clock import Clock
from cstar_async._event_loop.loop_binding import LoopBinding
from cstar_async._operations.operation import Scope
from cstar_async._protocol.credentials import Credentials
from cstar_async._protocol.retry import RetryBudget
from cstar_async._protocol.urls import path_segment
from cstar_async._rate_limit.interface import Limiter
from cstar_async._transport.interface import Transport

if TYPE_CHECKING:
    from cstar_async._client.shared_responses import SharedResponses


@attrs.define(kw_only=True, eq=False, repr=False)
class ClientContext:
    """What all views of one client share."""

    transport: Transport
    clock: Clock
    random: Callable[[], float]
    """Returns a number from 0 to below 1, for back-off."""
    limiter: Limiter
    semaphore: PrioritySemaphore
    retry_budget: RetryBudget
    hooks: HookDispatcher
    host: str
    port: int
    path_prefix: str
    """The path of the base URL."""
    scope: Scope
    """What relative paths are under: a team, its public library, or in another API the base URL."""
    team_id: str | None
    is_publishable: bool
    """Whether the key can only read."""
    max_response_size: int | None = None
    credentials: Credentials | None = None
    """What authenticates the requests; None where the headers of every request do."""
    package: str = "cstar_async"
    """The package of the generated code."""
    shared_responses: SharedResponses | None = None
    reads_other_limits: bool = attrs.field(init=False)
    """Whether the rate limit may be in other headers than `X-RateLimit-*` of cStar."""
    waits: ClosableWaits = attrs.field(factory=ClosableWaits, init=False)
    team_path: SingleFlight[str] = attrs.field(init=False)
    """The path prefix of the team."""
    loop_binding: LoopBinding = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.reads_other_limits = self.scope == "root"  # the client of another API
        self.team_path = SingleFlight(None if self.team_id is None else self.path_of_team(self.team_id))
        self.loop_binding = LoopBinding("client", self.limiter.bind_to_loop)

    def path_of_team(self, team_id: str) -> str:
        """Return the prefix of paths that are relative to a team or its library."""
        base = "/api/library" if self.scope == "library" else "/api/v1/teams"
        return f"{self.path_prefix}{base}/{path_segment(team_id, 'team_id')}"

    @property
    def source(self) -> str | None:
        """What names the team whose objects the client reads; None: before its first request, it may not know its own team."""
        path = self.team_path.value
        return None if path is None else f"{self.host}:{self.port}{path}"

    async def aclose(self) -> None:
        """End the waits of calls and close the transport; may be called twice."""
        self.waits.is_closed = True
        if self.loop_binding.is_current:
            self.waits.end_all()
        await self.transport.aclose()
