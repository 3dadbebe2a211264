"""The documentation site in a real browser. `make docs` builds it."""

from __future__ import annotations

import itertools
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

import pytest
from aiohttp import web

from tests.external.browser import Tab, browsing

pytestmark = pytest.mark.external

SITE = Path(__file__).parents[2] / "site"
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
VIEWS = tuple(itertools.product((390, 1440), SCHEMES))
RESOURCES = "performance.getEntriesByType('resource').map(entry => entry.name).filter(name => !name.startsWith(location.origin))"


class Links(HTMLParser):
    """The ids, links and loaded files of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: set[str] = set()
        self.loaded: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect the attributes of an element."""
        found = {name: value or "" for name, value in attrs}
        self.ids |= {found[name] for name in ("id", "name") if name in found}
        if tag == "a" and "href" in found:
            self.links.add(found["href"])
        elif tag == "link" and "href" in found and found.get("rel") != "canonical":
            self.loaded.add(found["href"])
        elif "src" in found:
            self.loaded.add(found["src"])


def pages() -> list[str]:
    """List the pages of the site."""
    assert (SITE / "index.html").is_file(), "the site is not built; run `make docs`"
    return sorted(path.relative_to(SITE).as_posix() for path in SITE.rglob("*.html"))


@asynccontextmanager
async def serving() -> AsyncIterator[str]:
    """Serve the site on loopback, and return its URL."""
    app = web.Application()
    app.router.add_static("/", SITE)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.mark.timeout(600)
async def test_pages_load_without_errors_and_fit() -> None:
    """No page logs an error, loads from another host, or is wider than a phone or a screen, in the light and the dark theme."""
    found: list[str] = []
    async with serving() as url, browsing() as tab:
        for page in pages():
            await tab.open(f"{url}/{page}")
            found += [f"{page}: loads {name}" for name in await tab.evaluate(RESOURCES)]
            for width, scheme in VIEWS:
                await tab.resize(width, scheme=scheme)
                overflow = await tab.overflow()  # negative beside a scroll bar
                found += [f"{page}: {overflow} px too wide at {width}, {scheme}"] if overflow > 0 else []
        found += await dark_backgrounds(tab, url)
        found += tab.problems

    assert found == []


async def dark_backgrounds(tab: Tab, url: str) -> list[str]:
    """Return a problem if the page does not follow the colour scheme of the system."""
    brightness = []
    for scheme in SCHEMES:
        await tab.resize(1440, scheme=scheme)
        await tab.open(f"{url}/index.html")
        colour = await tab.evaluate("getComputedStyle(document.body).backgroundColor")
        brightness.append(sum(map(float, re.findall(r"[\d.]+", colour)[:3])))
    return [] if brightness[0] > 600 > 200 > brightness[1] else [f"backgrounds: {brightness}"]


def test_links_lead_to_pages_and_anchors() -> None:
    """Each link inside the site leads to a file and an element that exist, and no page loads a file from another host."""
    parsed = {name: Links((SITE / name).read_text(encoding="utf-8")) for name in pages() if name != "404.html"}
    found: list[str] = []
    for name, page in parsed.items():
        for link in page.links | page.loaded:
            parts = urlsplit(link)
            if parts.scheme in ("http", "https"):
                found += [f"{name} loads {link}"] if link in page.loaded else []
            elif parts.scheme == "":
                path = (SITE / name).parent / unquote(parts.path) if parts.path else SITE / name
                target = path.resolve().relative_to(SITE).as_posix()
                if not path.is_file():
                    found.append(f"{name}: {link} leads nowhere")
                elif parts.fragment and target in parsed and unquote(parts.fragment) not in parsed[target].ids:
                    found.append(f"{name}: {link} has no such anchor")

    assert found == []


def test_style_sheets_and_scripts_load_nothing_from_other_hosts() -> None:
    """No style sheet imports a file or a font of another host."""
    sheets = [path for path in SITE.rglob("*.css") if re.search(r"(?:@import|url\()[\s'\"(]*https?:", path.read_text("utf-8"))]

    assert sheets == []
