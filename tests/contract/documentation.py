"""The pages of the documentation site, and the blocks of code in them."""

from __future__ import annotations

import ast
import inspect
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cstar_async import CStarLibrary
from cstar_async.testing import FakeCStar

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = {
    path.relative_to(DOCS).as_posix(): path.read_text(encoding="utf-8")
    for path in sorted(DOCS.rglob("*.md"))
    if not path.relative_to(DOCS).as_posix().startswith("reference/")
}
"""The text of each page that is written by hand or by the generator, by its path."""
NAVIGATION: list[Any] = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]["nav"]


def blocks(text: str, *languages: str) -> list[str]:
    """Return the blocks of code in some languages."""
    return re.findall(rf"^```(?:{'|'.join(languages)})\b[^\n]*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def navigation_paths(entries: list[Any]) -> Iterator[str]:
    """List the paths of the pages in a part of the navigation."""
    for entry in entries:
        if isinstance(entry, str):
            yield entry
        else:
            for value in entry.values():
                yield from navigation_paths(value if isinstance(value, list) else [value])


PYTHON = {name: blocks(text, "python") for name, text in PAGES.items()}
PROGRAM = re.compile(r"^(?:    )?(?:print\()?asyncio\.run\(", re.MULTILINE)
PROGRAMS = [(name, block) for name, found in PYTHON.items() for block in found if PROGRAM.search(block)]
TESTS = {name: [block for block in found if "def test_" in block] for name, found in PYTHON.items()}
SNIPPETS = {
    name: [block for block in found if block not in TESTS[name] and not PROGRAM.search(block)] for name, found in PYTHON.items()
}
"""The blocks of each page that are neither a whole program nor tests."""


async def run_snippets(name: str, monkeypatch: pytest.MonkeyPatch, folder: Path) -> dict[str, Any]:
    """Run the snippets of a page in a folder, in one async shell with a client `cstar`, and return its variables."""
    monkeypatch.chdir(folder)
    async with FakeCStar(seed=5) as fake, fake.client() as cstar:
        monkeypatch.setenv("CSTAR_API_KEY", fake.secret_key)
        monkeypatch.setenv("CSTAR_BASE_URL", fake.url)
        monkeypatch.setenv("CSTAR_WEBHOOK_SECRET", "whsec_example")
        monkeypatch.delenv("CSTAR_TEAM_ID", raising=False)
        # The environment does not configure the library's host.
        monkeypatch.setitem(CStarLibrary.__init__.__kwdefaults__, "base_url", fake.url)
        shell: dict[str, Any] = {"__name__": "documentation", "cstar": cstar}
        for number, block in enumerate(SNIPPETS[name], 1):
            code = compile(block, f"{name}, snippet {number}", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
            result = eval(code, shell)
            if inspect.isawaitable(result):
                await result
        return shell
