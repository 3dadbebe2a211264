"""Does the fake keep to the document, whatever it is sent? Schemathesis makes the requests from the document alone."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from cstar_async.testing import FakeCStar

ROOT = Path(__file__).parents[2]

CONFIGURATION = """
[parameters]
"path.teamId" = "{team}"
"path.ticketId" = "{ticket}"
"path.customerId" = "{customer}"
"path.articleId" = "{article}"
"path.categoryId" = "{category}"
"path.memberId" = "{member}"
"path.ruleId" = "{rule}"
"path.team" = "acme"
"path.slug" = "{slug}"

[[operations]]
include-name = [
    "POST /api/v1/teams/{{teamId}}/bulk",
    "POST /api/v1/teams/{{teamId}}/export",
    "POST /api/v1/teams/{{teamId}}/webhooks",
    "PATCH /api/v1/teams/{{teamId}}/webhooks/{{webhookId}}",
    "POST /api/v1/teams/{{teamId}}/webhooks/{{webhookId}}/test",
    "POST /api/v1/teams/{{teamId}}/webhooks/trigger-test",
]
checks.positive_data_acceptance.expected-statuses = ["2xx", "400", "401", "403", "404", "409", "5xx"]
"""
"""Ids that exist, so that most requests get beyond a 404; those of the coverage phase do not keep to them.

Some operations have a rule that their schemas do not say: `data` is required to update, CSV takes one resource, webhooks lead to
public HTTPS, and a type of event looks like one.
"""


# Most of six thousand requests are the same in both: every edge of every schema. They take half a minute alone.
@pytest.mark.first
@pytest.mark.no_cover
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("examples", [8, pytest.param(100, marks=pytest.mark.soak)])
async def test_the_fake_never_contradicts_the_document(tmp_path: Path, examples: int) -> None:
    """Whatever the document allows or forbids is answered as the document says; all of schemathesis' checks are on."""
    async with FakeCStar(seed=3, limits=False) as fake:
        await write_configuration(fake, tmp_path / "schemathesis.toml")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "schemathesis.cli", "run", str(ROOT / "openapi" / "cstar.yaml")),
            *("--url", fake.url, "--header", f"Authorization: Bearer {fake.secret_key}"),
            *("--seed", "20260301", "--max-examples", str(examples), "--generation-database", "none"),
            *("--phases", "examples,coverage,fuzzing"),
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            output, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    assert process.returncode == 0, output.decode()


async def write_configuration(fake: FakeCStar, path: Path) -> None:
    """Tell schemathesis which objects there are."""
    async with fake.client() as cstar:
        path.write_text(
            CONFIGURATION.format(
                team=fake.team_id,
                ticket=(await cstar.tickets.list()).data[0].id,
                customer=(await cstar.customers.list()).data[0].id,
                article=(await cstar.articles.list()).data[0].id,
                category=(await cstar.categories.list()).data[0].id,
                slug=next(one.slug for one in await cstar.articles.list() if one.is_public),
                member=(await cstar.members.list()).data[0].id,
                rule=(await cstar.automations.create(name="A rule", trigger_event="ticket.created", actions=[])).id,
            ),
            encoding="utf-8",
        )
