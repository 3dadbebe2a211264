"""One piece of work for all who need its result at the same time."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from cstar_async.errors import CStarError, RateLimitWaitError, RequestTimeoutError

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """A value that is worked out once, by the first who asks, while the others wait for it.

    A failure is shared by those who wait, and the next to ask tries anew. But what ends the first caller alone (it was cancelled,
    its own deadline or its own limit on waiting was over) does not end the others: one of them takes over.

    Args:
        value: The value where it is known from the start.
    """

    __slots__ = ("_flight", "value")

    def __init__(self, value: T | None = None) -> None:
        self.value = value
        self._flight: asyncio.Future[CStarError | None] | None = None

    async def get(self, work_out: Callable[[], Awaitable[T]]) -> T:
        """The value, worked out at most once however many ask."""
        while self.value is None:
            if self._flight is None:
                return await self._compute(work_out)
            # Shielded, because cancelling one who waits must not end the wait of the others.
            failure = await asyncio.shield(self._flight)
            if failure is not None:
                # A copy, for an exception that is raised in many tasks would collect all their tracebacks.
                raise copy.copy(failure) from failure.__cause__
        return self.value

    async def _compute(self, work_out: Callable[[], Awaitable[T]]) -> T:
        flight: asyncio.Future[CStarError | None] = asyncio.get_running_loop().create_future()
        self._flight = flight
        shared: CStarError | None = None
        try:
            self.value = await work_out()
        except (RequestTimeoutError, RateLimitWaitError):
            raise
        except CStarError as error:
            shared = error
            raise
        finally:
            self._flight = None
            flight.set_result(shared)
        return self.value
