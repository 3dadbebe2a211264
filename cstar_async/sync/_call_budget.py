"""A client view that may send a limited number of requests."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar, cast

from cstar_async._client.base_client import BaseClient
from cstar_async._client.executor import ClientExecutor
from cstar_async._event_loop.clock import Clock
from cstar_async._types import Priority, RateLimitState
from cstar_async.errors import CStarError

if TYPE_CHECKING:
    from cstar_async._rate_limit.interface import Limiter, Permit

ClientT = TypeVar("ClientT", bound=BaseClient)


class CallBudgetSpentError(CStarError):
    """The requests of a budget are used up. Nothing was sent."""


class CallBudget:
    """A `Limiter` that counts the requests of a view, retries included, and refuses those beyond the maximum.

    The limiter of the client decides about all else.
    """

    def __init__(self, limiter: Limiter, max_calls: int | None) -> None:
        self.spent = 0
        self._limiter = limiter
        self._max_calls = max_calls

    @property
    def state(self) -> RateLimitState | None:
        """The rate limit as last stated."""
        return self._limiter.state

    def bind_to_loop(self) -> None:
        """Prepare the limiter."""
        self._limiter.bind_to_loop()

    def set_initial_limit(self, limit: int) -> None:
        """Set the initial limit."""
        self._limiter.set_initial_limit(limit)

    def remaining(self, priority: Priority, clock: Clock) -> int:
        """Return what window and budget both allow."""
        remaining = self._limiter.remaining(priority, clock)
        return remaining if self._max_calls is None else min(remaining, self._max_calls - self.spent)

    def window_number(self, priority: Priority, clock: Clock) -> int:
        """Return the number of the window."""
        return self._limiter.window_number(priority, clock)

    def try_acquire(self, priority: Priority, clock: Clock) -> Permit | None:
        """Return a permit if one is available. None also if the budget is spent: `acquire` raises the error."""
        permit = None if self._is_spent else self._limiter.try_acquire(priority, clock)
        self.spent += permit is not None
        return permit

    async def acquire(
        self, priority: Priority, clock: Clock, *, max_wait: float, on_wait: Callable[[float], None], started: float | None = None
    ) -> Permit:
        """Wait for a permit, which counts from now on.

        Raises:
            CallBudgetSpentError: The budget is spent.
        """
        if self._is_spent:
            raise CallBudgetSpentError(f"the budget of {self._max_calls} calls is spent")
        self.spent += 1
        try:
            return await self._limiter.acquire(priority, clock, max_wait=max_wait, on_wait=on_wait, started=started)
        except BaseException:
            self.spent -= 1
            raise

    def on_response(
        self, permit: Permit, status: int, headers: Mapping[str, str], clock: Clock, *, retry_after: float | None = None
    ) -> None:
        """Update the window."""
        self._limiter.on_response(permit, status, headers, clock, retry_after=retry_after)

    def release(self, permit: Permit, clock: Clock, *, sent: bool = True) -> None:
        """Return a permit. It does not count if nothing was sent."""
        self.spent -= not sent
        self._limiter.release(permit, clock, sent=sent)

    @property
    def _is_spent(self) -> bool:
        return self._max_calls is not None and self.spent >= self._max_calls


def with_budget(client: ClientT, max_calls: int | None) -> tuple[ClientT, CallBudget]:
    """Return a view of a client whose requests are counted, and their count."""
    view = client.with_options()
    executor = cast("ClientExecutor", view.__executor__)
    context = copy.copy(executor.context)
    context.limiter = budget = CallBudget(context.limiter, max_calls)
    view._executor = view.__executor__ = type(executor)(context, executor.settings)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    return view, budget
