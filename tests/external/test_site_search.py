"""The search of the documentation site, in a real browser. `make docs` builds the site."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import pytest

from tests.external.browser import Tab, browsing
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
DIALOG = "[...document.querySelectorAll('*')].find(one => one.shadowRoot?.querySelector('[role=combobox]'))?.shadowRoot"


async def first_result(tab: Tab, text: str) -> str:
    """Type into the open search, and return the path of the first result."""
    await tab.evaluate(f"""(() => {{
        const input = {DIALOG}.querySelector("[role=combobox]");
        input.value = {json.dumps(text)};
        input.dispatchEvent(new Event("input", {{bubbles: true}}));
    }})()""")
    link = f"{DIALOG}.querySelector('[role=listbox] a')?.href"
    await tab.wait_for(f"new URLSearchParams(({link} ?? '').split('#')[0].split('?')[1]).get('h') === {json.dumps(text)}")
    return urlsplit(await tab.evaluate(link)).path.lstrip("/")


@pytest.mark.timeout(120)
async def test_first_result_is_the_page_that_a_reader_wants() -> None:
    """Guides come before the reference, the changelog and the design decisions; a name of the package leads to the reference."""
    async with serving() as url, browsing() as tab:
        await tab.open(f"{url}/index.html")
        await tab.click(".md-search__button")
        await tab.wait_for(DIALOG)
        found = {text: await first_result(tab, text) for text in FIRST}

    assert found == FIRST


def test_search_has_no_design_decisions_but_their_index() -> None:
    """Their titles are in the index; a reader who uses the package does not want more of them."""
    items = json.loads((SITE / "search.json").read_text(encoding="utf-8"))["items"]
    found = {item["location"].partition("#")[0] for item in items}

    assert {name for name in found if name.startswith("decisions/")} == {"decisions/index.html"}
    assert len(found) > 100
