"""Iterations over HTTP: the list changes between pages, the process ends, or the rate limit is too low."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cstar_async import CStarClient, InvalidArgumentError, Priority, RateLimitWaitError, RequestOptions
from cstar_async.testing import FakeCStar


async def make(cstar: CStarClient, count: int) -> list[str]:
    """Create customers, which are listed in the order of their creation."""
    return [(await cstar.customers.create(name=f"{number:03}", email=f"c{number}@a.example")).id for number in range(count)]


def list_requests(fake: FakeCStar) -> int:
    """Count the requests for a page of customers."""
    return sum(request.method == "GET" and request.path.endswith("/customers") for request in fake.requests)


def stored(checkpoint: object) -> dict[str, Any]:
    """Return a checkpoint as it comes back from a file."""
    loaded: dict[str, Any] = json.loads(json.dumps(checkpoint))
    return loaded


async def test_items_that_shift_are_yielded_once() -> None:
    """Customers are deleted and created during the iteration, and those that stay come once."""
    async with FakeCStar() as fake, fake.client() as cstar:
        made = await make(cstar, 23)
        seen: list[str] = []
        async for customer in cstar.customers.list(page_size=5):
            seen.append(customer.id)
            if len(seen) in {5, 10}:
                await cstar.customers.delete(made[len(seen) - 3])
            if len(seen) == 15:
                await cstar.customers.create(name="000a", email="new@a.example")
        assert made == [row for row in seen if row in made]
        assert len(seen) == len(set(seen))


async def test_item_that_moves_to_the_front_is_found() -> None:
    """A comment moves a post to the front. The total stays, but the next page begins with a yielded item."""
    async with FakeCStar() as fake, fake.client() as cstar:
        made = [(await cstar.community.posts.create(title=f"{number}", body="x")).id for number in range(6)]
        seen: list[str] = []
        async for post in cstar.community.posts.list(page_size=2, sort="comments"):
            seen.append(post.id)
            if len(seen) == 2:
                await cstar.community.comments.create(made[1], body="Me too.")
        assert sorted(made) == sorted(seen)


async def test_list_without_changes_takes_no_additional_call() -> None:
    """23 items with five a page are five calls."""
    async with FakeCStar() as fake, fake.client() as cstar:
        await make(cstar, 23)
        customers = cstar.customers.list(page_size=5)
        estimate = await customers.estimate()
        before = list_requests(fake)
        assert 23 == len(await customers.collect())
        assert (5, 1, 6) == (estimate.calls, before, list_requests(fake))


async def test_iteration_continues_in_another_client() -> None:
    """Its checkpoint was in a file."""
    async with FakeCStar() as fake:
        async with fake.client() as cstar:
            made = await make(cstar, 12)
            customers = cstar.customers.list(page_size=5)
            seen: list[str] = []
            async for customer in customers:
                seen.append(customer.id)
                if len(seen) == 7:
                    break
            await cstar.customers.delete(made[2])
        async with fake.client() as cstar:
            resumed = cstar.customers.list().resume(stored(customers.checkpoint))
            seen += [customer.id async for customer in resumed]
        assert made == seen


async def test_checkpoint_belongs_to_its_operation_and_filters() -> None:
    """However the filters are passed."""
    async with FakeCStar(seed=1) as fake, fake.client() as cstar:
        checkpoint = stored(cstar.tickets.list(status="open", expand=["customer"]).checkpoint)
        cstar.tickets.list(status="open", expand=["customer"]).resume(checkpoint)
        cstar.tickets.list(options=RequestOptions(extra_query={"expand": "customer", "status": "open"})).resume(checkpoint)
        for other in (cstar.tickets.list(), cstar.tickets.list(status="closed", expand=["customer"]), cstar.customers.list()):
            with pytest.raises(InvalidArgumentError):
                other.resume(checkpoint)  # type: ignore[attr-defined]


async def test_estimate_has_the_state_of_the_window() -> None:
    """The call for the total returns it."""
    async with FakeCStar(seed=1, rate_limit=100) as fake, fake.client() as cstar:
        estimate = await cstar.tickets.list(page_size=10).estimate()
        assert (3, 30, 99, True) == (estimate.calls, estimate.items, estimate.remaining, estimate.fits)
        assert cstar.rate_limit is not None
        assert cstar.rate_limit.reset_at == estimate.resets_at is not None


@pytest.mark.parametrize("source", ["view", "options"])
async def test_estimate_of_a_background_iteration_leaves_the_reserve(source: str) -> None:
    """Twelve calls are left, ten of them for interactive calls."""
    async with FakeCStar(seed=1, rate_limit=100) as fake, fake.client() as cstar:
        await cstar.auth.whoami()
        fake.use_calls(86)
        if source == "view":
            tickets = cstar.with_options(priority=Priority.BACKGROUND).tickets.list(page_size=10)
        else:
            tickets = cstar.tickets.list(page_size=10, options=RequestOptions(priority=Priority.BACKGROUND))
        estimate = await tickets.estimate()
        assert (3, 2, False) == (estimate.calls, estimate.remaining, estimate.fits)


async def test_iteration_ended_by_the_rate_limit_continues_in_the_next_window() -> None:
    """The error states when, the checkpoint where."""
    async with FakeCStar(seed=1, rate_limit=4) as fake, fake.client() as cstar:
        tickets = cstar.tickets.list(page_size=5)
        seen: list[str] = []
        with pytest.raises(RateLimitWaitError) as caught:
            seen.extend([ticket.id async for ticket in tickets])
        assert caught.value.wait > 3000
        fake.clock.advance(caught.value.wait + 1)
        seen += [ticket.id async for ticket in cstar.tickets.list(page_size=5).resume(stored(tickets.checkpoint))]
        assert 10 == len(seen)
