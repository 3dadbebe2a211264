"""A local copy is complete after each refresh, in as few calls as the API allows."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from cstar_async import RateLimitWaitError
from cstar_async.models import Article, Customer, Message, Ticket
from cstar_async.sync import LocalCopy
from cstar_async.testing import FakeCStar
from tests.sync.conftest import assert_equal_to_server

MODELS = (Ticket, Customer, Article, Message)


def calls(fake: FakeCStar, since: int = 0) -> Counter[str]:
    """Count the requests by method and the last part of the path that is no id."""
    parts = [(request.method, request.path.split("/")) for request in list(fake.requests)[since:]]
    return Counter(f"{method} {next(part for part in reversed(path) if '_' not in part)}" for method, path in parts)


@pytest.mark.no_cover
async def test_2000_tickets_and_customers_take_31_calls_1_call_and_21_calls(path: Path) -> None:
    """The first run needs one export, and a call for each of 30 tickets with messages; then only what changed is read."""
    async with FakeCStar(limits=False) as fake, fake.client(timeout=300) as cstar:
        copy = LocalCopy(path)
        tickets = [
            {"title": f"{number}"} | ({"initialMessage": "Hello"} if number in range(0, 1980, 66) else {}) for number in range(2000)
        ]
        customers = [{"name": f"{number}", "email": f"c{number}@a.example"} for number in range(2000)]
        await cstar.imports.run_batched(resource="tickets", records=tickets)
        await cstar.imports.run_batched(resource="customers", records=customers)
        before = len(fake.requests)
        first = await copy.refresh(cstar)
        assert (31, Counter({"POST export": 1, "GET messages": 30})) == (first.calls, calls(fake, before))
        assert {"tickets": 2000, "customers": 2000, "messages": 30} == first.changed

        unchanged = await copy.refresh(cstar)
        assert (1, {}, {}) == (unchanged.calls, unchanged.changed, unchanged.deleted)

        for ticket in list(copy.rows(Ticket))[:2000:100]:
            await cstar.tickets.messages.create(ticket.id, content="On it.", sender="agent")
        ids = [customer.id for customer in list(copy.rows(Customer))[::100]]
        await cstar.bulk.run(action="update", resource="customers", ids=ids, data={"status": "inactive"})
        third = await copy.refresh(cstar)
        assert (21, 20, 20) == (third.calls, third.changed["tickets"], third.changed["customers"])
        assert ids == [customer.id for customer in copy.rows(Customer, changed_since=third.since)]
        await assert_equal_to_server(copy, cstar)


async def test_a_refresh_says_beforehand_that_messages_take_more_calls_than_are_left(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The first refresh of many tickets waits for windows of the rate limit."""
    async with FakeCStar(rate_limit=20) as fake, fake.client(max_wait=0) as cstar:
        records = [{"title": f"{number}", "initialMessage": "Hello"} for number in range(30)]
        await cstar.imports.run(resource="tickets", records=records)
        with pytest.raises(RateLimitWaitError):
            await LocalCopy(path).refresh(cstar)
    assert "30 tickets have new messages; reading them takes 30 calls, and 1" in caplog.text
