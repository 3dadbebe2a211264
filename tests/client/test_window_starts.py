"""The first call of a rate limit window is slow, hangs or fails: no other call waits for it longer than two seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import attrs
import pytest

from cstar_async import (
    CStarClient,
    Priority,
    RateLimitWaitError,
    RequestOptions,
)
from cstar_async._protocol.messages import RawResponse, Request
from cstar_async.errors import ConnectionFailedError
from cstar_async.testing import FakeClock

from .virtual_server import BODY, TickingClock, virtual_client

HOUR = 3600.0
QUICK = RequestOptions(max_wait=3)


@attrs.define(eq=False)
class FirstCallTransport:
    """A server with windows of an hour, whose limit is used up by one call. It treats the first call of the second window apart."""

    clock: FakeClock
    first_takes: float
    first_result: Callable[[], RawResponse]
    ends: float = 0.0
    is_down: bool = False
    """Whether no call gets a response."""
    count: int = 0

    async def send(self, request: Request, timeout: float) -> RawResponse:
        """Respond at once, except to the first call of the second window."""
        del request
        self.count += 1
        if self.is_down:
            await self.clock.sleep(timeout)
            return fail()
        if self.count == 1:
            self.ends = self.clock.time() + HOUR
            return RawResponse(200, self.headers(0), BODY)
        if self.count == 2:
            await self.clock.sleep(min(self.first_takes, timeout))
            return self.first_result()
        await self.clock.sleep(0.01)
        return RawResponse(200, self.headers(900), BODY)

    def headers(self, remaining: int) -> dict[str, str]:
        """Return the headers of the present window."""
        end = self.ends if remaining == 0 else self.ends + HOUR
        return {"X-RateLimit-Limit": "1000", "X-RateLimit-Remaining": str(remaining), "X-RateLimit-Reset": str(int(end))}

    async def aclose(self) -> None:
        """Close nothing."""


def fail() -> RawResponse:
    """Break the connection."""
    raise ConnectionFailedError("the connection broke", request_sent=True)


FIRST_CALLS: dict[str, tuple[float, Callable[[], RawResponse]]] = {
    "slow": (6.0, lambda: RawResponse(200, {}, BODY)),
    "hanging": (1e6, fail),
    "failing": (1.7, fail),
    "failing at once": (0.0, fail),
    "refused by a gateway": (1.5, lambda: RawResponse(502, {}, b"<html>Bad gateway</html>")),
}


async def begin_second_window(client: CStarClient, clock: FakeClock) -> None:
    """Use up the first window, and wait until it has ended."""
    await client.tickets.get("tkt_0")
    await clock.sleep(HOUR + 2)


async def seconds(client: CStarClient, ticket_id: str, clock: FakeClock) -> float:
    """Return how long a call takes that may wait for three seconds."""
    started = clock.monotonic()
    await client.tickets.get(ticket_id, options=QUICK)
    return clock.monotonic() - started


@pytest.mark.parametrize(("takes", "result"), FIRST_CALLS.values(), ids=FIRST_CALLS)
@pytest.mark.parametrize("priority", Priority)
async def test_calls_wait_two_seconds_at_most_for_the_first_one(
    takes: float, result: Callable[[], RawResponse], priority: Priority
) -> None:
    """Although they may wait for three seconds only. After a background call, an interactive one does not wait at all."""
    clock = TickingClock()
    transport = FirstCallTransport(clock, takes, result)
    async with virtual_client(transport, clock) as client:
        await begin_second_window(client, clock)
        first = asyncio.ensure_future(client.with_options(priority=priority).tickets.get("tkt_1"))
        await clock.sleep(0.001)
        waits = await asyncio.gather(*(seconds(client, f"tkt_{number}", clock) for number in range(2, 30)))
        assert max(waits) < (2.1 if priority is Priority.INTERACTIVE else 0.1)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)


async def test_cancelled_first_call_delays_no_other() -> None:
    """The next one is the first."""
    clock = TickingClock()
    transport = FirstCallTransport(clock, 1e6, fail)
    async with virtual_client(transport, clock) as client:
        await begin_second_window(client, clock)
        first = asyncio.ensure_future(client.tickets.get("tkt_1"))
        await clock.sleep(0.001)
        others = asyncio.gather(*(seconds(client, f"tkt_{number}", clock) for number in range(2, 5)))
        await clock.sleep(0.5)
        first.cancel()
        assert max(await others) < 0.6


@pytest.mark.parametrize("max_wait", [0.0, 0.3, 0.9])
async def test_error_of_a_call_that_cannot_wait_for_the_first_one_states_no_zero_seconds(max_wait: float) -> None:
    """It says what the call waited for, and when to try again."""
    clock = TickingClock()
    transport = FirstCallTransport(clock, 1e6, fail)
    async with virtual_client(transport, clock) as client:
        await begin_second_window(client, clock)
        first = asyncio.ensure_future(client.tickets.get("tkt_1"))
        await clock.sleep(0.001)
        with pytest.raises(RateLimitWaitError, match="none of them has a response yet") as caught:
            await client.tickets.get("tkt_2", options=RequestOptions(max_wait=max_wait))
        assert " 0 s" not in str(caught.value)
        assert caught.value.retry_at.timestamp() > clock.time()
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)


async def test_outage_at_the_start_of_a_window_is_no_rate_limit() -> None:
    """After two seconds all calls are sent, and each fails by its own timeout."""
    clock = TickingClock()
    transport = FirstCallTransport(clock, 1e6, fail)
    async with virtual_client(transport, clock).with_options(max_retries=0, timeout=5) as client:
        await begin_second_window(client, clock)
        transport.is_down = True
        started = clock.monotonic()
        results = await asyncio.gather(*(client.tickets.get(f"tkt_{n}") for n in range(1, 20)), return_exceptions=True)
        assert {ConnectionFailedError} == {type(result) for result in results}
        assert clock.monotonic() - started < 7.2
