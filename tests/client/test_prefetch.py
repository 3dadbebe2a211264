"""Pages read ahead over HTTP: within the limits of the client, and never more calls than pages."""

from __future__ import annotations

import asyncio

import pytest

from cstar_async import CStarClient, CStarError, Hooks, Priority, RateLimitWaitError, ServerError
from cstar_async.hooks import RequestInfo, ResponseInfo
from cstar_async.testing import FakeCStar
from tests.client.test_iteration import list_requests, make, stored


class InFlight(Hooks):
    """Counts the requests in flight."""

    def __init__(self) -> None:
        self.now = self.max_in_flight = 0

    def on_request(self, info: RequestInfo) -> None:
        """Count up."""
        self.now += 1
        self.max_in_flight = max(self.max_in_flight, self.now)

    def on_response(self, info: ResponseInfo) -> None:
        """Count down."""
        self.now -= 1


async def ids(cstar: CStarClient, n: int) -> list[str]:
    """Return the ids of all customers, with five a page."""
    return [customer.id async for customer in cstar.customers.list(page_size=5).prefetch(n)]


@pytest.mark.parametrize(("max_connections", "n", "expected"), [(100, 3, 3), (2, 8, 2), (1, 8, 1), (100, 0, 1)])
async def test_read_ahead_uses_no_more_connections_than_allowed(max_connections: int, n: int, expected: int) -> None:
    """Neither more than `max_connections`, nor more than n."""
    in_flight = InFlight()
    async with FakeCStar() as fake, fake.client(max_connections=max_connections, hooks=[in_flight]) as cstar:
        made = await make(cstar, 38)
        fake.faults.add(path="/customers", method="GET", delay=0.02, max_triggers=None)
        before = list_requests(fake)
        assert made == await ids(cstar, n)
        assert (expected, before + 8) == (in_flight.max_in_flight, list_requests(fake))


async def test_read_ahead_leaves_a_connection_to_interactive_calls() -> None:
    """Pages of a background list that wait for a connection let other calls pass."""
    async with FakeCStar(seed=1) as fake, fake.client(max_connections=1) as cstar:
        fake.faults.add(path="/tickets", method="GET", delay=0.02, max_triggers=None)
        background = cstar.with_options(priority=Priority.BACKGROUND).tickets.list(page_size=5).prefetch(8).pages()
        await anext(background)
        await asyncio.sleep(0)
        await cstar.auth.whoami()
        assert len([request for request in fake.requests if request.path.endswith("/tickets")]) <= 3
        await background.aclose()


async def test_rate_limit_ends_the_iteration_where_it_would_without_reading_ahead() -> None:
    """All calls of the window are spent on pages, whose items come before the error."""
    async with FakeCStar(seed=1, rate_limit=4) as fake, fake.client() as cstar:
        tickets = cstar.tickets.list(page_size=5)
        with pytest.raises(RateLimitWaitError) as caught:
            _ = [ticket.id async for ticket in tickets.prefetch(8)]
        fake.clock.advance(caught.value.wait + 1)
        checkpoint = stored(tickets.checkpoint)
        assert (20, 4) == (checkpoint["items"], len(fake.requests))
        rest = cstar.tickets.list(page_size=5).prefetch(8).resume(checkpoint)
        assert 10 == len([ticket.id async for ticket in rest])


async def test_slow_reader_continues_in_the_next_window() -> None:
    """The pages ahead were refused in the window before, and nothing was sent."""
    async with FakeCStar(seed=1, rate_limit=4) as fake, fake.client() as cstar:
        seen: list[str] = []
        async for ticket in cstar.tickets.list(page_size=5).prefetch(8):
            seen.append(ticket.id)
            if len(seen) == 1:
                await asyncio.sleep(0.05)
                fake.clock.advance(3601)
        assert (30, 30) == (len(seen), len(set(seen)))


async def test_failed_page_is_an_error_after_the_items_before_it() -> None:
    """With the retries of every call."""
    async with FakeCStar() as fake, fake.client(max_retries=1) as cstar:
        made, seen = await make(cstar, 20), list[str]()

        async def iterate() -> None:
            async for customer in cstar.customers.list(page_size=5).prefetch(2):
                seen.append(customer.id)
                await asyncio.sleep(0.005)

        fake.faults.add(path="/customers", match=lambda request: request.query.get("page") == "3", status=500, max_triggers=2)
        with pytest.raises(ServerError):
            await iterate()
        assert made[:10] == seen


async def test_closing_the_client_ends_a_loop_that_reads_ahead() -> None:
    """The reader gets an error instead of waiting."""
    async with FakeCStar() as fake:
        cstar = fake.client()
        made, seen = await make(cstar, 20), list[str]()

        async def iterate() -> None:
            async for customer in cstar.customers.list(page_size=5).prefetch(2):
                seen.append(customer.id)
                if len(seen) == 2:
                    await asyncio.sleep(0)
                    await cstar.aclose()

        fake.faults.add(path="/customers", method="GET", delay=0.02, max_triggers=None)
        with pytest.raises(CStarError):
            await iterate()
        assert made[:5] == seen


async def test_loop_that_is_left_sends_no_other_request() -> None:
    """A connection that is free later is not used."""
    async with FakeCStar() as fake, fake.client(max_connections=1) as cstar:
        made = await make(cstar, 60)
        fake.faults.add(path="/customers", method="GET", delay=0.01, max_triggers=None)
        before = list_requests(fake)
        async for customer in cstar.customers.list(page_size=5).prefetch(8):
            if customer.id == made[7]:
                break
        assert (await cstar.customers.list(page_size=1))[0].id == made[0]
        assert list_requests(fake) - before <= 4
