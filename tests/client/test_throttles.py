"""Servers that refuse calls without rate limit headers, in virtual time: all calls at once succeed with the default options."""

from __future__ import annotations

import asyncio
import random
from collections import deque

import attrs
import pytest

from cstar_async import CStarClient, Priority
from cstar_async._protocol.messages import RawResponse, Request
from cstar_async.testing import FakeClock

from .virtual_server import BODY, TickingClock, virtual_client


@attrs.define(eq=False)
class ThrottlingTransport:
    """A server that accepts so many requests in a period, and refuses the others."""

    clock: FakeClock
    accepted_per_period: int
    period: float = 1.0
    is_sliding: bool = False
    """Whether a period is the time before each request; otherwise periods follow one another."""
    latency: float = 0.05
    headers: dict[str, str] = attrs.field(factory=dict)
    refusal: RawResponse = attrs.field(factory=lambda: RawResponse(429, {"Retry-After": "1"}, b"Slow down"))
    refused: int = 0
    _accepted: deque[float] = attrs.field(factory=deque)
    _random: random.Random = attrs.field(factory=lambda: random.Random(3))

    async def send(self, request: Request, timeout: float) -> RawResponse:
        """Respond after the latency, which varies by half."""
        del request, timeout
        await self.clock.sleep(self.latency * self._random.uniform(0.25, 0.5))
        now = self.clock.monotonic()
        start = now - self.period if self.is_sliding else now // self.period * self.period
        while self._accepted and self._accepted[0] <= start - (not self.is_sliding) * 1e-9:
            self._accepted.popleft()
        is_accepted = len(self._accepted) < self.accepted_per_period
        if is_accepted:
            self._accepted.append(now)
        else:
            self.refused += 1
        await self.clock.sleep(self.latency * self._random.uniform(0.25, 0.5))
        return RawResponse(200, self.headers, BODY) if is_accepted else self.refusal

    async def aclose(self) -> None:
        """Close nothing."""


async def count_failures(client: CStarClient, calls: int) -> int:
    """Start all calls at once, and return how many failed."""
    results = await asyncio.gather(*(client.tickets.get(f"tkt_{number}") for number in range(calls)), return_exceptions=True)
    return sum(isinstance(result, BaseException) for result in results)


@pytest.mark.no_cover
@pytest.mark.parametrize(
    ("accepted", "calls", "period", "latency", "is_sliding"),
    [
        (20, 400, 1.0, 0.002, False),
        (20, 400, 1.0, 0.05, False),
        (20, 400, 1.0, 0.05, True),
        (20, 400, 1.0, 0.3, False),
        (20, 300, 1.0, 0.3, True),
        (10, 200, 1.0, 0.05, False),
        (50, 700, 1.0, 0.05, True),
        (10, 80, 5.0, 0.05, True),
        (60, 300, 10.0, 0.1, False),
    ],
)
async def test_all_calls_at_once_succeed_although_a_server_refuses_most(
    accepted: int, calls: int, period: float, latency: float, is_sliding: bool
) -> None:
    """In spite of three retries and the retry budget: after a refusal, calls are sent in growing portions."""
    clock = TickingClock()
    refusal = RawResponse(429, {"Retry-After": f"{period:g}"}, b"")
    transport = ThrottlingTransport(clock, accepted, period, is_sliding, latency, refusal=refusal)
    async with virtual_client(transport, clock) as client:
        assert 0 == await count_failures(client, calls)
    assert transport.refused < 100 + calls / 2


@pytest.mark.parametrize("body", [b'{"error": {"retryAfter": 1}}', b"<html>Slow down</html>"])
async def test_refusals_without_the_header_are_as_good(body: bytes) -> None:
    """The wait may be in the body; without one it is a minute, and then one period accepts all that is left."""
    clock = TickingClock()
    transport = ThrottlingTransport(clock, 20, is_sliding=True, refusal=RawResponse(429, {}, body))
    async with virtual_client(transport, clock) as client:
        assert 0 == await count_failures(client, 200 if body.startswith(b"{") else 30)


async def test_throttle_in_front_of_a_server_that_states_its_count_is_as_good() -> None:
    """The headers of the accepted calls say that nearly all are left."""
    clock = TickingClock()
    headers = {"X-RateLimit-Limit": "1000", "X-RateLimit-Remaining": "990", "X-RateLimit-Reset": str(int(clock.time()) + 3000)}
    transport = ThrottlingTransport(clock, 20, headers=headers)
    async with virtual_client(transport, clock) as client:
        assert 0 == await count_failures(client, 400)


async def test_interactive_calls_pass_background_ones_at_a_throttle() -> None:
    """They wait for the next seconds only."""
    clock = TickingClock()
    transport = ThrottlingTransport(clock, 20)
    async with virtual_client(transport, clock) as client:
        background = asyncio.ensure_future(count_failures(client.with_options(priority=Priority.BACKGROUND), 300))
        await clock.sleep(3)
        started = clock.monotonic()
        await asyncio.gather(*(client.tickets.get(f"tkt_{number}") for number in range(10)))
        assert clock.monotonic() - started < 5
        assert 0 == await background


@pytest.mark.no_cover
async def test_throttle_that_was_lifted_slows_nothing_down() -> None:
    """A few hundred calls later all connections are used again."""
    clock = TickingClock()
    transport = ThrottlingTransport(clock, 20)
    async with virtual_client(transport, clock) as client:
        await count_failures(client, 100)
        transport.accepted_per_period = 10_000
        await count_failures(client, 300)
        started = clock.monotonic()
        assert 0 == await count_failures(client, 500)
        assert clock.monotonic() - started < 1.0


@pytest.mark.parametrize(
    "refusal", [RawResponse(429, {"Retry-After": "3000"}, b""), RawResponse(503, {"Retry-After": "3000"}, b"")]
)
async def test_retry_in_a_suspended_machine_does_not_wait_again(refusal: RawResponse) -> None:
    """The time that the server stated is over by the wall clock."""
    clock = TickingClock()
    transport = ThrottlingTransport(clock, 0, refusal=refusal)
    async with virtual_client(transport, clock, max_wait=None) as client:
        call = asyncio.ensure_future(client.tickets.get("tkt_1"))
        await clock.sleep(10)
        transport.accepted_per_period = 1
        clock.suspended = 8 * 3600
        await call
        assert clock.monotonic() < 70
