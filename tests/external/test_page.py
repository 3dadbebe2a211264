"""The page of the fake in a real browser."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal

import pytest
import pytest_asyncio

from cstar_async import CStarClient
from cstar_async.testing import FakeCStar
from tests.external.browser import Tab, browsing
from tests.testing.receiving import receiving

pytestmark = pytest.mark.external

MARKUP = "<img src=x onerror=\"document.title='run'\"><script>document.title='run'</script><b>bold</b>"


@pytest_asyncio.fixture
async def tab() -> AsyncIterator[Tab]:
    """A tab that had no problem in the end."""
    async with browsing() as opened:
        yield opened
    assert opened.problems == []


@pytest_asyncio.fixture
async def fake() -> AsyncIterator[FakeCStar]:
    """A fake with sample data."""
    async with FakeCStar(seed=1) as started:
        yield started


@pytest_asyncio.fixture
async def cstar(fake: FakeCStar) -> AsyncIterator[CStarClient]:
    """A client of the fake that does not retry."""
    async with fake.client(max_retries=0) as client:
        yield client


async def test_requests_show_as_they_come(tab: Tab, fake: FakeCStar, cstar: CStarClient) -> None:
    """A request and its ticket show without a reload, with the newest above."""
    await tab.open(fake.url)
    await tab.wait_for("document.querySelectorAll('#tickets > li').length === 30")
    await cstar.tickets.create(title="Cannot log in")
    await tab.wait_for("document.querySelectorAll('#requests > li').length === 1")
    assert "POST …/tickets" in await tab.text("#requests > li")
    assert "Cannot log in" in await tab.text("#tickets > li")
    await cstar.tags.list()
    await tab.wait_for("document.querySelectorAll('#requests > li').length === 2")
    assert "GET …/tags" in await tab.text("#requests > li")


async def test_markup_is_shown_as_text(tab: Tab, fake: FakeCStar, cstar: CStarClient) -> None:
    """Markup in titles, messages, names, queries and bodies is shown, and neither run nor drawn."""
    async with receiving() as at:
        await cstar.webhooks.create(name=MARKUP, url=f"{at.url}?a=<b>bold</b>", events=["ticket.*"])
        customer = await cstar.customers.create(name=MARKUP, email="a@example.com")
        ticket = await cstar.tickets.create(title=MARKUP, customer_id=customer.id, tags=[MARKUP])
        await cstar.tickets.messages.create(ticket.id, content=MARKUP, sender="agent")
        await cstar.tickets.list(search=MARKUP)
        await fake.deliveries.wait_until_idle()
        await tab.open(fake.url)
        await tab.wait_for("document.querySelector('#tickets > li')")
        await tab.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        assert MARKUP in await tab.text("#tickets")
        assert MARKUP in await tab.text("#tickets details")
        assert MARKUP.replace('"', '\\"') in await tab.text("#requests")
    assert await tab.evaluate("document.querySelectorAll('main img, main script, main b').length") == 0
    assert await tab.evaluate("document.title") == "Fake cStar"


async def test_buttons_of_the_page(tab: Tab, fake: FakeCStar, cstar: CStarClient) -> None:
    """The clock, the faults, the rate limit and a delivery change when their buttons are pressed."""
    async with receiving() as at:
        await cstar.webhooks.create(name="Bot", url=at.url, events=["ticket.created"])
        await cstar.tickets.create(title="a")
        await fake.deliveries.wait_until_idle()
        await tab.open(fake.url)
        await tab.click("#deliveries button")
        await tab.wait_for("document.querySelectorAll('#deliveries > li').length === 3")
        await fake.deliveries.wait_until_idle()
        assert at.bodies[0] == at.bodies[1]
    before = fake.clock.monotonic()
    await tab.click("[data-arguments*='86400']")
    await tab.evaluate("document.querySelector('#advance input').value = '100000'")
    await tab.click("#advance button")
    await tab.wait_for("document.querySelector('#message').textContent === ''")
    await tab.click("#fault button")
    await tab.wait_for("document.querySelectorAll('#faults > li').length === 1")
    assert fake.clock.monotonic() - before >= 186_400
    assert "status 503" in await tab.text("#faults")
    await tab.click("#faults button")
    await tab.wait_for("document.querySelectorAll('#faults > li').length === 0")
    assert len(fake.faults) == 0
    await tab.click("#limits button")
    await tab.wait_for("document.querySelector('#limits').innerText.includes('0 of 1000')")


async def test_open_body_stays_open(tab: Tab, fake: FakeCStar, cstar: CStarClient) -> None:
    """A body that was opened stays open while more requests come."""
    await cstar.tickets.create(title="a")
    await tab.open(fake.url)
    await tab.click("#requests summary")
    await cstar.tickets.create(title="b")
    await tab.wait_for("document.querySelectorAll('#requests > li').length === 2")
    opened = "[...document.querySelectorAll('#requests > li')].map((row) => row.querySelector('details').open)"
    assert await tab.evaluate(opened) == [False, True]


async def test_refused_action_shows_its_reason(tab: Tab, fake: FakeCStar) -> None:
    """The page shows the reason when a button cannot do its action."""
    await tab.open(fake.url)
    await tab.evaluate("document.querySelector('#advance input').value = '1e300'")
    await tab.click("#advance button")
    await tab.wait_for("document.querySelector('#message').textContent.includes('9999')")
    tab.problems.clear()  # the console reports the 400


async def test_page_of_a_stopped_fake_reconnects(tab: Tab, fake: FakeCStar) -> None:
    """The page says that the server is gone, and goes on when it is back."""
    await tab.open(fake.url)
    await tab.wait_for("document.querySelector('#connection').textContent === 'connected'")
    await fake.aclose()
    await tab.wait_for("document.querySelector('#connection').textContent.startsWith('not connected')")
    await fake.start()
    await tab.wait_for("document.querySelector('#connection').textContent === 'connected'")
    tab.problems.clear()  # the console reports the lost connection


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
async def test_page_fits_and_is_readable(
    tab: Tab, fake: FakeCStar, cstar: CStarClient, tmp_path: Path, width: int, scheme: Literal["light", "dark"]
) -> None:
    """No text runs out of the page on a phone or a wide screen, and every text has a contrast of 4.5 to its background."""
    await cstar.webhooks.create(name="a", url="http://127.0.0.1:9/", events=["ticket.*"])
    await cstar.tickets.create(title="word" * 100)
    await cstar.tickets.list(status="open")
    fake.faults.add(operation="list_tickets", status=503, probability=0.5, max_triggers=None)
    await fake.deliveries.wait_until_idle()
    await tab.resize(width, 1400, scheme)
    await tab.open(fake.url)
    await tab.wait_for("document.querySelector('#requests > li') && document.querySelector('#faults > li')")
    await tab.screenshot(tmp_path / f"page-{width}-{scheme}.png")
    assert await tab.overflow() == 0
    colors = await tab.evaluate(_COLORS)
    assert len(colors) >= 4
    assert [pair for pair in colors if _contrast(*pair) < 4.5] == []


_COLORS = """
(() => {
  const seen = {};
  for (const node of document.querySelectorAll("body *")) {
    const isShown = [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim()) && !node.disabled;
    if (!isShown || !node.checkVisibility() || node.matches("option, optgroup")) continue;
    let behind = node;
    while (getComputedStyle(behind).backgroundColor === "rgba(0, 0, 0, 0)") behind = behind.parentElement;
    const pair = [getComputedStyle(node).color, getComputedStyle(behind).backgroundColor];
    seen[pair.join()] = pair;
  }
  return Object.values(seen);
})()
"""


def _contrast(one: str, other: str) -> float:
    """Return the contrast of two CSS colours, as WCAG 2 defines it."""
    dark, light = sorted(map(_luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(color: str) -> float:
    values = [int(value) / 255 for value in color.removeprefix("rgb(").removesuffix(")").split(",")]
    red, green, blue = (value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in values)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
