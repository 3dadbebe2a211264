"""The search of the documentation site, in a real browser. `make docs` builds the site."""

from __future__ import annotations

import json

import pytest

from tests.external.browser import browsing
from tests.external.test_site import SITE, serving

pytestmark = pytest.mark.external

FIRST = {
    "429": "rate-limits.html",
    "api key": "configuration.html",
    "async for": "pagination.html",
    "bulk": "imports-and-bulk.html",
    "certificate": "configuration.html",
    "checkpoint": "large-lists.html",
    "clock": "time-travel.html",
    "cron": "command-line.html",
    "cursor": "pagination.html",
    "custom fields": "models-and-typing.html",
    "decisions": "decisions/index.html",
    "discord": "bots/discord.html",
    "docker": "deployment/docker.html",
    "duplicate": "retries-and-idempotency.html",
    "environment variable": "configuration.html",
    "exit code": "command-line.html",
    "export": "export-and-sync.html",
    "fake": "fake-server.html",
    "fastapi": "webhooks/fastapi.html",
    "idempotency": "retries-and-idempotency.html",
    "incremental": "export-and-sync.html",
    "install": "installation.html",
    "logging": "logging.html",
    "metrics": "metrics.html",
    "mock": "mocks.html",
    "mypy": "models-and-typing.html",
    "pagination": "pagination.html",
    "pandas": "pandas.html",
    "priority": "rate-limits.html",
    "proxy": "configuration.html",
    "publishable key": "configuration.html",
    "pyright": "models-and-typing.html",
    "rate limit": "rate-limits.html",
    "redis": "webhooks/stores.html",
    "retries": "retries-and-idempotency.html",
    "retry": "retries-and-idempotency.html",
    "secret rotation": "webhooks/secret-rotation.html",
    "shutdown": "deployment/shutdown.html",
    "signature": "webhooks/index.html",
    "slack": "bots/slack.html",
    "sqlite": "webhooks/stores.html",
    "systemd": "deployment/systemd.html",
    "tags": "reference/namespaces/tags.html",
    "telegram": "bots/telegram.html",
    "timeout": "timeouts-and-cancellation.html",
    "TicketCreated": "reference/events.html",
    "typing": "models-and-typing.html",
    "upload": "files.html",
    "webhook": "webhooks/index.html",
    "WebhookInbox": "reference/inbox.html",
}
"""The page that a reader wants for what he types."""
SEARCH = """(async (script, texts) => {
    const index = await (await fetch("search.json")).json();
    const worker = new Worker(script);
    const ask = message => new Promise((resolve, reject) => {
        worker.onmessage = event => resolve(event.data);
        worker.onerror = reject;
        worker.postMessage(message);
    });
    await ask({type: 0, data: index});
    const all = {input: {type: "operator", data: {operator: "and", operands: []}}, aggregation: {input: []}};
    const found = {};
    for (const text of texts) {
        const {data} = await ask({type: 2, data: {input: text, filter: all}});
        found[text] = index.items[data.items[0]?.id]?.location.split("#")[0];
    }
    return found;
})"""
"""Asks the worker of the site, as its dialog does, which shows the results in the order of the worker."""


@pytest.mark.timeout(120)
async def test_first_result_is_the_page_that_a_reader_wants() -> None:
    """Guides come before the reference, the changelog and the design decisions; a name of the package leads to the reference."""
    (worker,) = SITE.glob("assets/javascripts/workers/search.*.js")
    async with serving() as url, browsing() as tab:
        await tab.open(f"{url}/index.html")
        found = await tab.evaluate(f"{SEARCH}({json.dumps(worker.relative_to(SITE).as_posix())}, {json.dumps(list(FIRST))})")

    assert found == FIRST


def test_search_has_no_design_decisions_but_their_index() -> None:
    """Their titles are in the index; a reader who uses the package does not want more of them."""
    items = json.loads((SITE / "search.json").read_text(encoding="utf-8"))["items"]
    found = {item["location"].partition("#")[0] for item in items}

    assert {name for name in found if name.startswith("decisions/")} == {"decisions/index.html"}
    assert len(found) > 100
