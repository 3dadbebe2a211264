"""Run the example scripts against a fake server."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from cstar_async import CStarClient
from cstar_async.testing import FakeCStar

EXAMPLES = Path(__file__).parents[2] / "examples"


def example(name: str) -> Any:
    """Import an example script as a module."""
    specification = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert specification is not None
    assert specification.loader is not None
    module: ModuleType = importlib.util.module_from_spec(specification)
    sys.modules[name] = module  # pydantic resolves annotations there
    specification.loader.exec_module(module)
    return module


@pytest.fixture
async def fake() -> AsyncIterator[FakeCStar]:
    """Start an empty fake server."""
    async with FakeCStar() as fake:
        yield fake


@pytest.fixture
async def cstar(fake: FakeCStar) -> AsyncIterator[CStarClient]:
    """Create a client of the fake server."""
    async with fake.client() as client:
        yield client


async def test_stale_tickets_are_closed_with_one_note(fake: FakeCStar, cstar: CStarClient) -> None:
    """Old pending tickets are closed; a second run closes none."""
    stale = await cstar.tickets.create(title="Old", status="pending")
    await cstar.tickets.create(title="Open", status="open")
    fake.clock.advance(timedelta(days=20).total_seconds())
    await cstar.tickets.create(title="New", status="pending")

    close = example("close_stale_tickets").close_stale_tickets
    closed = [await close(cstar, days=14, now=fake.clock.now()) for _ in range(2)]

    assert [[stale.id], []] == [[ticket.id for ticket in one] for one in closed]
    assert ("closed", 1) == ((await cstar.tickets.get(stale.id)).status, len(await cstar.tickets.messages.list(stale.id)))


async def test_customers_of_a_file_are_imported_once(cstar: CStarClient) -> None:
    """A long file that is imported twice creates each customer once."""
    text = "name,email,plan\n" + "".join(f"Customer {n},c{n}@example.com,team\n" for n in range(700))
    import_customers = example("import_customers").import_customers
    results = [await import_customers(cstar, text) for _ in range(2)]

    assert [700, 700] == [result.created for result in results]
    page = await cstar.customers.list(search="Customer 699")
    assert (700, {"plan": "team"}) == ((await cstar.customers.list()).info.total, page.data[0].custom_fields)


def test_cell_of_a_file_may_have_several_lines() -> None:
    """A quoted cell with a line break, as spreadsheets write it, is one value."""
    records = example("import_customers").read_records('name,email,note\r\nAnn,ann@example.com,"one\r\ntwo"\r\n')

    assert [{"name": "Ann", "email": "ann@example.com", "customFields": {"note": "one\r\ntwo"}}] == records


@pytest.mark.parametrize("name", ["close_stale_tickets", "import_customers", "publish_article", "add_triage_rule"])
def test_script_without_arguments_prints_its_usage(name: str) -> None:
    """A script prints its usage instead of a traceback."""
    done = subprocess.run([sys.executable, EXAMPLES / f"{name}.py"], capture_output=True, text=True, check=False, timeout=60)

    assert (1, "") == (done.returncode, done.stdout)
    assert f"python examples/{name}.py" in done.stderr
    assert "Traceback" not in done.stderr


async def test_article_is_published_and_updated(cstar: CStarClient) -> None:
    """A second run updates the content and creates no second article."""
    publish = example("publish_article").publish_article
    first = await publish(cstar, category="Billing", markdown="# Invoices\nThey come by mail.")
    second = await publish(cstar, category="Billing", markdown="# Invoices\nThey come by e-mail.")

    assert (first.id, "published", True) == (second.id, second.status, second.is_public)
    assert "They come by e-mail." == second.content


async def test_report_of_the_week_has_its_figures(cstar: CStarClient) -> None:
    """The report has the figures of the team and of each agent."""
    await cstar.tickets.create(title="Fire", status="open", priority="urgent")
    report = await example("weekly_report").weekly_report(cstar)

    assert "Urgent now  1" in report
    assert "resolved" in report


async def test_triage_rule_matches_urgent_tickets_about_money(cstar: CStarClient) -> None:
    """The rule matches only urgent tickets about money, and is created once."""
    add = example("add_triage_rule").add_triage_rule
    rule = await add(cstar, agent_id="usr_1")
    money = await cstar.tickets.create(title="Wrong invoice", priority="urgent")
    other = await cstar.tickets.create(title="Cannot log in", priority="urgent")

    tried = [await cstar.automations.test(rule.id, resource_type="ticket", resource_id=one.id) for one in (money, other)]
    assert [True, False] == [one.would_match for one in tried]
    assert ["add_tags", "assign_to", "send_notification"] == [action.type for action in tried[0].actions_would_execute or []]
    assert rule.id == (await add(cstar, agent_id="usr_1")).id


@pytest.mark.parametrize("name", ["weekly_report", "close_stale_tickets"])
async def test_script_runs_from_the_shell(fake: FakeCStar, name: str) -> None:
    """A script needs only the environment."""
    import asyncio

    environment = {**os.environ, "CSTAR_API_KEY": fake.secret_key, "CSTAR_BASE_URL": fake.url}
    command = [sys.executable, str(EXAMPLES / f"{name}.py"), *(["14"] if name == "close_stale_tickets" else [])]
    process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    output, errors = await process.communicate()

    assert (0, b"") == (process.returncode, errors)
    assert output.strip()


NO_SERVER = {"CSTAR_API_KEY": "sk_test_abcdef", "CSTAR_BASE_URL": "http://127.0.0.1:1/"}


@pytest.mark.parametrize(
    ("command", "settings", "problem"),
    [
        (("weekly_report",), {"CSTAR_API_KEY": ""}, "CSTAR_API_KEY is not set"),
        (("weekly_report",), {**NO_SERVER, "CSTAR_BASE_URL": "ftp://x"}, "base_url must begin with"),
        (("close_stale_tickets", "a fortnight"), NO_SERVER, "'a fortnight'"),
        (("add_triage_rule", "usr_1", "tkt_1"), {"CSTAR_API_KEY": "banana"}, "api_key must begin with"),
        (("import_customers", "missing.csv"), NO_SERVER, "No such file or directory"),
        (("import_customers", sys.executable), NO_SERVER, "codec can't decode"),
        (("publish_article", "Billing", "."), NO_SERVER, "Is a directory"),
    ],
)
def test_script_that_cannot_start_says_why(
    command: tuple[str, ...], settings: dict[str, str], problem: str, tmp_path: Path
) -> None:
    """One sentence, without a traceback."""
    program, *arguments = command
    done = subprocess.run(
        [sys.executable, EXAMPLES / f"{program}.py", *arguments],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=tmp_path,
    )

    assert (1, "", 1) == (done.returncode, done.stdout, len(done.stderr.splitlines()))
    assert problem in done.stderr
