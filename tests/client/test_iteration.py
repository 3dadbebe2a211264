"""Walks over HTTP: a fake whose rows come and go between pages, a process that ends, and an hour that does not suffice."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cstar_async import CStarClient, InvalidArgumentError, Priority, RateLimitWaitError, RequestOptions
from cstar_async.testing import FakeCStar


async def make(cstar: CStarClient, count: int) -> list[str]:
    """So many customers, who are listed in the order of their age."""
    return [(await cstar.customers.create(name=f"{number:03}", email=f"c{number}@a.example")).id for number in range(count)]


def listings(fake: FakeCStar) -> int:
    """How many pages were asked for."""
    return sum(request.method == "GET" and request.path.endswith("/customers") for request in fake.requests)


def kept(state: object) -> dict[str, Any]:
    """A state as it comes back from a file."""
    back: dict[str, Any] = json.loads(json.dumps(state))
    return back


async def test_rows_that_slide_are_walked_once_each() -> None:
    """Rows go and come while the list is walked, and those that stay come once."""
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


async def test_row_that_jumps_to_the_front_is_found() -> None:
    """A comment puts a post first; the total stays, but the next page begins with a row that was handed out."""
    async with FakeCStar() as fake, fake.client() as cstar:
        made = [(await cstar.community.posts.create(title=f"{number}", body="x")).id for number in range(6)]
        seen: list[str] = []
        async for post in cstar.community.posts.list(page_size=2, sort="comments"):
            seen.append(post.id)
            if len(seen) == 2:
                await cstar.community.comments.create(made[1], body="Me too.")
        assert sorted(made) == sorted(seen)


async def test_still_rows_cost_the_minimum() -> None:
    """23 rows by five are five calls."""
    async with FakeCStar() as fake, fake.client() as cstar:
        await make(cstar, 23)
        walked = cstar.customers.list(page_size=5)
        cost = await walked.estimate()
        before = listings(fake)
        assert 23 == len(await walked.collect())
        assert (5, 1, 6) == (cost.calls, before, listings(fake))


async def test_walk_goes_on_in_another_client() -> None:
    """After any row, through a file."""
    async with FakeCStar() as fake:
        async with fake.client() as cstar:
            made = await make(cstar, 12)
            walked = cstar.customers.list(page_size=5)
            seen: list[str] = []
            async for customer in walked:
                seen.append(customer.id)
                if len(seen) == 7:
                    break
            await cstar.customers.delete(made[2])
        async with fake.client() as cstar:
            resumed = cstar.customers.list().resume(kept(walked.checkpoint))
            seen += [customer.id async for customer in resumed]
        assert made == seen


async def test_state_fits_its_operation_and_filters_only() -> None:
    """Other filters, another list, the same list under another path."""
    async with FakeCStar(seed=1) as fake, fake.client() as cstar:
        state = kept(cstar.tickets.list(status="open", expand=["customer"]).checkpoint)
        cstar.tickets.list(status="open", expand=["customer"]).resume(state)
        cstar.tickets.list(options=RequestOptions(extra_query={"expand": "customer", "status": "open"})).resume(state)
        for other in (cstar.tickets.list(), cstar.tickets.list(status="closed", expand=["customer"]), cstar.customers.list()):
            with pytest.raises(InvalidArgumentError):
                other.resume(state)  # type: ignore[attr-defined]


async def test_cost_knows_what_the_window_has_left() -> None:
    """Learned with the same call that tells the length of the list."""
    async with FakeCStar(seed=1, rate_limit=100) as fake, fake.client() as cstar:
        cost = await cstar.tickets.list(page_size=10).estimate()
        assert (3, 30, 99, True) == (cost.calls, cost.items, cost.remaining, cost.fits)
        assert cstar.rate_limit is not None
        assert cstar.rate_limit.reset_at == cost.resets_at is not None


@pytest.mark.parametrize("way", ["view", "options"])
async def test_cost_of_a_background_walk_leaves_the_reserve(way: str) -> None:
    """Twelve calls are left, ten of them to interactive calls."""
    async with FakeCStar(seed=1, rate_limit=100) as fake, fake.client() as cstar:
        await cstar.auth.whoami()
        fake.use_calls(86)
        if way == "view":
            walked = cstar.with_options(priority=Priority.BACKGROUND).tickets.list(page_size=10)
        else:
            walked = cstar.tickets.list(page_size=10, options=RequestOptions(priority=Priority.BACKGROUND))
        cost = await walked.estimate()
        assert (3, 2, False) == (cost.calls, cost.remaining, cost.fits)


async def test_walk_ended_by_the_limit_goes_on_in_the_next_window() -> None:
    """The error says when, the state says where."""
    async with FakeCStar(seed=1, rate_limit=4) as fake, fake.client() as cstar:
        walked = cstar.tickets.list(page_size=5)
        seen: list[str] = []
        with pytest.raises(RateLimitWaitError) as caught:
            seen.extend([ticket.id async for ticket in walked])
        assert caught.value.wait > 3000
        fake.clock.advance(caught.value.wait + 1)
        seen += [ticket.id async for ticket in cstar.tickets.list(page_size=5).resume(kept(walked.checkpoint))]
        assert 10 == len(seen)
