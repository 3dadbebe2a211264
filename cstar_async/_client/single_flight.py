"""A value that concurrent callers compute only once."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from cstar_async.errors import CStarError, RateLimitWaitError, RequestTimeoutError

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """A value that the first caller computes while the others wait.

    The waiting callers share a failure, and the next caller computes again. A failure of the first caller alone (cancellation, its
    own timeout or `max_wait`) is not shared: one of the others takes over.

    Args:
        value: The value, if it is known from the start.
    """

    __slots__ = ("_flight", "value")

    def __init__(self, value: T | None = None) -> None:
        self.value = value
        self._flight: asyncio.Future[CStarError | None] | None = None

    async def get(self, compute: Callable[[], Awaitable[T]], max_wait: float) -> T:
        """Return the value. A caller that has waited *max_wait* seconds for another one computes it itself."""
        while self.value is None:
            if self._flight is None:
                return await self._compute(compute)
            # `wait` does not cancel the future: cancelling one caller must not end the wait of the others.
            done, _ = await asyncio.wait([self._flight], timeout=max_wait)
            if not done:
                self.value = await compute()
                break
            failure = done.pop().result()
            if failure is not None:
                # A copy: one exception raised in many tasks would collect all their tracebacks.
                raise copy.copy(failure) from failure.__cause__
        return self.value

    async def _compute(self, compute: Callable[[], Awaitable[T]]) -> T:
        flight: asyncio.Future[CStarError | None] = asyncio.get_running_loop().create_future()
        self._flight = flight
        shared: CStarError | None = None
        try:
            self.value = await compute()
        except (RequestTimeoutError, RateLimitWaitError):
            raise
        except CStarError as error:
            shared = copy.copy(error)  # the first caller may change its own, such as by a note, before the others run
            shared.__cause__ = error.__cause__
            raise
        finally:
            self._flight = None
            flight.set_result(shared)
        return self.value
