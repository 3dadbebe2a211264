"""What a client asks of a limiter: the protocol that the one in memory and the one in Redis implement."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar, Protocol, runtime_checkable

from cstar_async._clock import Clock
from cstar_async._types import Priority, RateLimitState


class Permit:
    """The right to send one call."""

    __slots__ = ()

    GRANTED: ClassVar[Permit]
    PROBE: ClassVar[Permit]
    """The first of a new window: the others wait for what its answer says."""


@runtime_checkable
class Limiter(Protocol):
    """What the runtime asks of a limiter."""

    @property
    def state(self) -> RateLimitState | None:
        """The rate limit as last learned; None before the first answer that states it."""
        ...

    def bind_to_loop(self) -> None:
        """A client makes its first call in the running loop.

        Raises:
            CStarError: The limiter serves another loop.
        """
        ...

    def set_initial_limit(self, limit: int) -> None:
        """Take *limit* as the calls of a window until an answer says otherwise."""
        ...

    def remaining(self, priority: Priority, clock: Clock) -> int:
        """Calls of this priority that the window still has, as far as known, the reserve taken off; nothing is taken."""
        ...

    def try_acquire(self, priority: Priority, clock: Clock) -> Permit | None:
        """A permit if there is one at once. Costs arithmetic only."""
        ...

    async def acquire(self, priority: Priority, clock: Clock, *, max_wait: float, on_wait: Callable[[float], None]) -> Permit:
        """Wait for a permit.

        Args:
            priority: Whose turn it is when there is room.
            clock: Tells the time and waits.
            max_wait: Seconds after which the wait fails.
            on_wait: Called with the seconds that the wait is expected to take, before it begins.

        Raises:
            RateLimitWaitError: The wait would be, or became, longer than *max_wait*. No permit was taken.
        """
        ...

    def on_response(self, permit: Permit, status: int, headers: Mapping[str, str], clock: Clock) -> None:
        """The call was answered: learn from it and let the next go."""
        ...

    def release(self, permit: Permit, clock: Clock, *, sent: bool = True) -> None:
        """The call ended without an answer.

        Args:
            permit: Of the call.
            clock: Tells the time.
            sent: Whether it may have reached the server, which then counted it.
        """
        ...
