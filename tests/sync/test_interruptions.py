"""A refresh that ends early loses nothing, and its successor reads nothing twice that it need not."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cstar_async import ServerError
from cstar_async.models import Ticket
from cstar_async.sync import LocalCopy
from cstar_async.sync._file import CopyFile
from cstar_async.testing import FakeCStar
from tests.sync.conftest import assert_equal_to_server, until

REFUSED: dict[str, Any] = {"operation": "run_export", "status": 403, "max_triggers": None}
"""A key that may not export: everything is listed."""
PROGRAM = """
import asyncio, sys
from cstar_async import CStarClient
from cstar_async.sync import LocalCopy

async def main():
    async with CStarClient.from_env() as cstar:
        print((await LocalCopy(sys.argv[1]).refresh(cstar)).calls)

asyncio.run(main())
"""


@pytest.fixture
async def fake() -> AsyncIterator[FakeCStar]:
    """A cStar with 250 customers and tickets, of which 10 have a message; each list has three pages."""
    async with FakeCStar(limits=False) as running, running.client() as cstar:
        tickets: list[dict[str, Any]] = [{"title": f"{number}"} for number in range(250)]
        for ticket in tickets[::25]:
            ticket["initialMessage"] = "Hello"
        await cstar.imports.run_batched(resource="tickets", records=tickets)
        customers = [{"name": f"{number}", "email": f"{number}@a.example"} for number in range(250)]
        await cstar.imports.run_batched(resource="customers", records=customers)
        yield running


@pytest.mark.parametrize("budget", [2, 5])
@pytest.mark.parametrize("is_refused", [False, True])
async def test_a_budget_is_kept_and_the_copy_completed_in_several_runs(
    fake: FakeCStar, path: Path, budget: int, is_refused: bool
) -> None:
    """No run sends more than the budget, and together they end with every row."""
    if is_refused:
        fake.faults.add(**REFUSED)
    copy = LocalCopy(path)
    async with fake.client() as cstar:
        for _ in range(40):
            before = len(fake.requests)
            report = await copy.refresh(cstar, max_calls=budget)
            assert len(fake.requests) - before == report.calls <= budget
            if report.is_complete:
                break
        assert report.is_complete
        await assert_equal_to_server(copy, cstar)


async def test_retries_count_for_the_budget(fake: FakeCStar, path: Path) -> None:
    """An export that fails twice and succeeds takes three calls."""
    fake.faults.add(operation="run_export", status=503, max_triggers=2)
    async with fake.client() as cstar:
        report = await LocalCopy(path).refresh(cstar, models=[Ticket], max_calls=3)
        assert (3, True) == (report.calls, report.is_complete)


async def test_each_list_costs_its_pages_when_the_key_may_not_export(fake: FakeCStar, path: Path) -> None:
    """250 tickets and customers take three pages each, beside the refused export and a call for each ticket with a message."""
    fake.faults.add(**REFUSED)
    async with fake.client() as cstar:
        copy = LocalCopy(path)
        assert 1 + 3 + 3 + 1 + 10 == (await copy.refresh(cstar)).calls
        assert 1 + 3 + 3 + 1 == (await copy.refresh(cstar)).calls
        await assert_equal_to_server(copy, cstar)


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
@pytest.mark.parametrize(("operation", "page", "rest"), [("list_tickets", "3", 2 + 3 + 1 + 10), ("list_articles", "1", 1 + 10)])
async def test_a_killed_process_loses_at_most_the_calls_in_flight(
    fake: FakeCStar, path: Path, operation: str, page: str, rest: int
) -> None:
    """What was received before SIGKILL is in the file; the next run reads only the rest, and one page again."""
    fake.faults.add(**REFUSED)
    fault = fake.faults.add(
        operation=operation, match=lambda request: request.query.get("page") == page, delay=3600, max_triggers=None
    )
    environment = {"CSTAR_API_KEY": fake.secret_key, "CSTAR_BASE_URL": fake.url, "CSTAR_TEAM_ID": fake.team_id}
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", PROGRAM, str(path), env=environment)
    await until(lambda: bool(fault.trigger_count) and stored_checkpoint(path, operation, int(page)))
    process.send_signal(signal.SIGKILL)
    await process.wait()
    fake.faults.remove(fault)
    async with fake.client() as cstar:
        report = await LocalCopy(path).refresh(cstar)
        assert (rest, True) == (report.calls, report.is_complete)
        await assert_equal_to_server(LocalCopy(path), cstar)


def stored_checkpoint(path: Path, operation: str, page: int) -> bool:
    """Return whether the file has all pages before one."""
    listing = CopyFile(path).select("SELECT value FROM cstar_state WHERE name = 'unfinished'") if path.is_file() else []
    value = json.loads(listing[0][0]) if listing else None
    if not value or f"list_{value['tables'][0]}" != operation:
        return False
    return page == 1 or (value["checkpoint"] is not None and value["checkpoint"]["page"] >= page - 1)


async def test_a_cancelled_refresh_continues(fake: FakeCStar, path: Path) -> None:
    """Cancelling it in the messages leaves the rows and releases the lock; only the messages that miss are read then."""
    fake.faults.add(operation="list_ticket_messages", delay=3600, max_triggers=8)
    copy = LocalCopy(path)
    async with fake.client() as cstar:
        running = asyncio.create_task(copy.refresh(cstar))
        await until(lambda: len(fake.requests.for_operation("list_ticket_messages")) == 8)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        report = await copy.refresh(cstar)
        assert (10, True) == (report.calls, report.is_complete)
        await assert_equal_to_server(copy, cstar)


async def test_an_error_keeps_what_was_read(fake: FakeCStar, path: Path) -> None:
    """An outage in the second list is raised, and the first list is not read again."""
    fake.faults.add(**REFUSED)
    fake.faults.add(operation="list_customers", status=500, max_triggers=None)
    copy = LocalCopy(path)
    async with fake.client(max_retries=0) as cstar:
        with pytest.raises(ServerError):
            await copy.refresh(cstar)
        assert 250 == len(list(copy.rows(Ticket)))
        fake.faults.clear()
        report = await copy.refresh(cstar)
        assert (3 + 1 + 10, True) == (report.calls, report.is_complete)


async def test_a_second_refresh_of_one_file_is_refused(fake: FakeCStar, path: Path) -> None:
    """Two processes would spend the calls twice: the second one raises, and can try again later. Readers are not refused."""
    async with fake.client() as cstar:
        await LocalCopy(path).refresh(cstar)
        copied = list(LocalCopy(path).rows(Ticket))
        fault = fake.faults.add(operation="run_export", delay=3600, max_triggers=None)
        running = asyncio.create_task(LocalCopy(path).refresh(cstar))
        await until(lambda: fault.trigger_count > 0)
        environment = {"CSTAR_API_KEY": fake.secret_key, "CSTAR_BASE_URL": fake.url, "CSTAR_TEAM_ID": fake.team_id}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", PROGRAM, str(path), env=environment, stderr=asyncio.subprocess.PIPE
        )
        _, errors = await process.communicate()
        assert b"path must be a copy that nothing else is refreshing" in errors
        assert copied == list(LocalCopy(path).rows(Ticket))
        running.cancel()
        await asyncio.wait([running])
        fake.faults.clear()
        assert (await LocalCopy(path).refresh(cstar)).is_complete
