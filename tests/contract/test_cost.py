"""Count the function calls of a request: an exact number, so that an additional step on the path of every request fails at once."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path

import pytest

from bench.calls import (
    MAX_ABOVE_BARE,
    MAX_PER_EVENT,
    MAX_PER_EVENT_IN_FILE,
    MAX_PER_OBJECT,
    calls_above_bare,
    calls_per_event,
    calls_per_object,
    server_in_a_thread,
)
from bench.server import TEAM
from cstar_async import CStarClient
from cstar_async.webhooks import MemoryStore, SqliteStore


def test_get_costs_little_more_than_bare_aiohttp() -> None:
    """A GET with limits, retries, models and errors needs few function calls more than one with bare aiohttp."""
    with server_in_a_thread() as port:
        assert asyncio.run(calls_above_bare(port)) <= MAX_ABOVE_BARE


@pytest.mark.parametrize(("place", "limit"), [("memory", MAX_PER_EVENT), ("file", MAX_PER_EVENT_IN_FILE)])
def test_event_costs_few_calls(place: str, limit: int, tmp_path: Path) -> None:
    """An event is verified, stored, handled and marked as done."""
    store = MemoryStore() if place == "memory" else SqliteStore(tmp_path / "events.db")
    assert asyncio.run(calls_per_event(store)) <= limit


def test_object_is_decoded_in_few_calls() -> None:
    """Most fields are plain and need no function call."""
    assert calls_per_object() <= MAX_PER_OBJECT


def test_pages_are_in_no_reference_cycle() -> None:
    """A page in a reference cycle would stay in memory, with its items, until the garbage collector runs."""

    async def collected_after_twenty_pages(port: int) -> int:
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
        assert asyncio.run(collected_after_twenty_pages(port)) < 20
