"""Check the pages of the documentation site: every block of Python runs, and the navigation has every page."""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
import sys
from pathlib import Path
from typing import Any

import pytest

import cstar_async
from cstar_async import CStarClient, Priority, models, pagination, redis, testing, webhooks
from cstar_async.testing import FakeCStar
from docsite import reference

from .documentation import NAVIGATION, PAGES, PROGRAMS, ROOT, SNIPPETS, TESTS, blocks, navigation_paths, run_snippets

EXTERNAL = {"pandas.md"}
"""Pages about a library that is too large for `make setup`; tests/external runs their snippets."""
ARGUMENTS = PAGES["configuration.md"].partition("| argument | default | meaning |")[2].partition("\n\n")[0]
DEFAULTS = re.findall(r"^\| `(\w+)` \| (?!required)`?(.+?)`? \|", ARGUMENTS, re.MULTILINE)
OTHER_MESSAGES = {
    "307 Temporary Redirect",
    "Unclosed client session",
    "asyncio.run() cannot be called from a running event loop",
    "got an unexpected keyword argument",
}
SOURCE = "\n".join(path.read_text(encoding="utf-8") for path in (reference.ROOT / "cstar_async").rglob("*.py"))
MODULES = (cstar_async, models, pagination, redis, testing, webhooks)


@pytest.mark.parametrize("name", [name for name, found in SNIPPETS.items() if found and name not in EXTERNAL])
async def test_snippets_of_a_page_run(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The snippets of a page run one after the other in one async shell, in which `cstar` is a client."""
    await run_snippets(name, monkeypatch, tmp_path)


@pytest.mark.parametrize(("name", "block"), PROGRAMS, ids=[f"{number}-{name}" for number, (name, _) in enumerate(PROGRAMS)])
async def test_program_of_a_page_runs_from_a_file(name: str, block: str, tmp_path: Path) -> None:
    """A whole program runs in a process of its own, with the key and the URL in the environment, and prints something."""
    path = tmp_path / "program.py"
    path.write_text(block, encoding="utf-8")
    async with FakeCStar(seed=5) as fake:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(path),
            cwd=tmp_path,
            env={"CSTAR_API_KEY": fake.secret_key, "CSTAR_BASE_URL": fake.url, "PYTHONUTF8": "1"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, errors = await process.communicate()

    assert (0, b"") == (process.returncode, errors)
    assert output


async def test_tests_of_the_pages_pass(tmp_path: Path) -> None:
    """Pytest in a process of its own passes the tests of all pages, with the plugin of the package and pytest-asyncio."""
    for name, found in TESTS.items():
        if found:
            (tmp_path / f"test_{name.replace('/', '_').replace('-', '_')[:-3]}.py").write_text("\n\n".join(found), encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:randomly",
        "-p",
        "no:xdist",
        "-o",
        "asyncio_mode=auto",
        str(tmp_path),
    ]
    process = await asyncio.create_subprocess_exec(*command, cwd=tmp_path, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()

    assert process.returncode == 0, output.decode()


def test_navigation_has_every_page() -> None:
    """Each page is in the navigation of the site, and each entry of the navigation is a page."""
    found = sorted(navigation_paths(NAVIGATION))

    assert sorted([*PAGES, *(f"reference/{name}" for name in reference.pages())]) == found


def test_one_page_says_how_to_install_the_package() -> None:
    """The package is not published, so no other page, and no example, has a command that installs it by its name."""
    texts = PAGES | {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "examples").rglob("*.py")}
    found = {name for name, text in texts.items() if re.search(r"pip install\b.*(?:cstar[-_]async|'?\.\[)", text)}
    assert found == {"installation.md"}


def test_reference_has_every_public_name() -> None:
    """The pages of the reference contain every name that the public modules export."""
    text = "\n".join(reference.pages().values())
    names = {name for module in MODULES for name in module.__all__} - {"__version__"}

    assert not {name for name in names if f".{name}\n" not in text}


async def test_examples_of_the_reference_run(fake_cstar: FakeCStar, cstar_client: CStarClient) -> None:
    """The imports of models, a handler for each event, and the example of an error run one after the other."""
    inbox = webhooks.WebhookInbox("whsec_example")
    shell: dict[str, Any] = {**vars(webhooks), "inbox": inbox, "cstar": cstar_client, "CStarError": cstar_async.CStarError}
    for name, text in reference.pages().items():
        for block in blocks(text, "python") if name != "changelog.md" else []:
            code = compile(block, name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
            result = eval(code, shell)
            if inspect.isawaitable(result):
                await result
            if handler := shell.pop("handle", None):
                (event_type,) = re.findall(r"The event `(.+)`", handler.__annotations__["event"].__doc__)
                await handler(webhooks.event_from_dict({"id": "evt_1", "type": event_type, "data": {}}))
    await inbox.aclose()


@pytest.mark.parametrize("message", re.findall(r"^### `(.+)`$", PAGES["troubleshooting.md"], re.MULTILINE))
def test_message_of_troubleshooting_is_one_of_the_package(message: str) -> None:
    """Each heading of the page is the beginning of a message in the source, or one of Python, aiohttp or a web server."""
    assert message in OTHER_MESSAGES or message in SOURCE


@pytest.mark.parametrize(("name", "stated"), DEFAULTS)
def test_stated_default_is_the_real_one(name: str, stated: str) -> None:
    """A row of the table of arguments has the default of the constructor."""
    expected = eval(stated, {"Priority": Priority})
    assert expected == inspect.signature(CStarClient).parameters[name].default


def test_examples_are_shown_whole_and_linked() -> None:
    """Each program of `examples/` has a page with its text, and each page that names one links to it."""
    pages = reference.pages()
    for path in (reference.ROOT / "examples").glob("*.py"):
        assert path.read_text(encoding="utf-8") in pages[f"examples/{path.stem}.md"]
    named = {(name, found) for name, text in PAGES.items() for found in re.findall(r"`(examples/\w+)\.py`", text)}
    assert named
    assert not {(name, found) for name, found in named if f"reference/{found}.md)" not in PAGES[name]}
