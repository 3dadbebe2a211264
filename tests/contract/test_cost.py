"""What a call costs in function calls: exact, so that a step too many on the way of every call is noticed at once."""

from __future__ import annotations

import asyncio
import gc

from bench.calls import MOST_ABOVE_BARE, MOST_PER_OBJECT, calls_above_bare, calls_per_object, server_in_a_thread
from bench.server import TEAM
from cstar_async import CStarClient


def test_a_get_is_little_more_than_one_of_bare_aiohttp() -> None:
    """Limits, retries, models and errors included."""
    with server_in_a_thread() as port:
        assert asyncio.run(calls_above_bare(port)) <= MOST_ABOVE_BARE


def test_an_object_is_decoded_in_few_calls() -> None:
    """Most fields are plain, and need none."""
    assert calls_per_object() <= MOST_PER_OBJECT


def test_pages_leave_no_circles_to_the_garbage_collector() -> None:
    """A page that led back to itself would be kept, with its rows, until the collector comes."""

    async def left_by_twenty_pages(port: int) -> int:
        async with CStarClient(api_key="sk_test_a", team_id=TEAM, base_url=f"http://127.0.0.1:{port}") as cstar:
            await cstar.tickets.list()
            gc.collect()
            gc.disable()
            try:
                for _ in range(20):
                    await cstar.tickets.list()
                return gc.collect()
            finally:
                gc.enable()

    with server_in_a_thread() as port:
        assert asyncio.run(left_by_twenty_pages(port)) < 20
