"""Check with schemathesis that the fake follows the document. The requests are generated from the document."""

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
"""Ids that exist, so that most requests do not end with a 404; the coverage phase does not use them.

Some operations have rules that their schemas do not express: an update requires `data`, CSV exports have one resource, webhooks
need public HTTPS, and event types have a format.
"""


# Both have most of the six thousand requests: every edge of every schema. They take half a minute.
@pytest.mark.first
@pytest.mark.no_cover
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("examples", [8, pytest.param(100, marks=pytest.mark.soak)])
async def test_fake_follows_the_document(tmp_path: Path, examples: int) -> None:
    """The fake responds as the document says, to valid and to invalid requests, with all checks of schemathesis."""
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
    """Write the ids of existing objects for schemathesis."""
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
