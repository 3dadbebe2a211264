"""Fixtures of the tests of local copies."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from cstar_async import CStarClient
from cstar_async.models import Article, Customer, Message, Ticket
from cstar_async.sync import LocalCopy


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file of a copy."""
    return tmp_path / "copy.sqlite"


async def assert_equal_to_server(copy: LocalCopy, cstar: CStarClient) -> None:
    """Compare every row of a copy with the server."""
    tickets = await cstar.tickets.list().collect()
    for model, rows in (
        (Ticket, tickets),
        (Customer, await cstar.customers.list().collect()),
        (Article, await cstar.articles.list().collect()),
    ):
        assert [] == differences({row.id: row for row in rows}, {row.id: row for row in copy.rows(model)})
    stored: dict[str, list[Message]] = {}
    for message in copy.rows(Message):
        stored.setdefault(message.ticket_id, []).append(message)
    listed = {one.id: await cstar.tickets.messages.list(one.id).collect() for one in tickets if one.message_count}
    assert [] == differences(listed, stored)
    assert [] == differences(listed, {ticket_id: copy.messages(ticket_id) for ticket_id in listed})


def differences(expected: Mapping[str, object], found: Mapping[str, object]) -> list[str]:
    """Return the keys whose values differ, at most ten: pytest takes minutes to compare large mappings."""
    return [key for key in {**expected, **found} if expected.get(key) != found.get(key)][:10]


async def until(is_true: Callable[[], bool]) -> None:
    """Wait for something that happens in another process or task."""
    async with asyncio.timeout(60):
        while not is_true():  # noqa: ASYNC110 -- nothing announces it
            await asyncio.sleep(0.02)
