"""The documentation of the command line: the commands of all pages run, and the tables are complete."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from cstar_async.cli import _app, _errors
from cstar_async.testing import FakeCStar

from .conftest import Command

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs/command-line.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINES = [
    line.partition("cstar-async ")[2].partition("   #")[0]
    for path in PAGES
    for block in re.findall(r"^```sh\n(.*?)^```", path.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    for line in block.splitlines()
    if line.startswith("cstar-async ")
]
ENDLESS = ("listen", "serve", "--install-completion", "webhooks verify", "codegen")
"""Commands that do not end, that need what the reader has, or that other tests run."""


@pytest.mark.parametrize("line", sorted({line for line in LINES if not line.startswith(ENDLESS)}))
def test_command_of_the_guide_runs(
    line: str, command: Command, fake_server: FakeCStar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each command ends with 0, with the ids of tickets that exist."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "customers.csv").write_text("name,email\nAnn,ann@example.com\n")
    customer = {"name": "Ann", "email": f"{tmp_path.name.lower()}@example.com", "notes": None}
    (tmp_path / "customer.json").write_text(json.dumps(customer))
    tickets = command("tickets", "list", "--json").json
    line = line.replace("tkt_123", tickets[0]["id"]).replace("tkt_456", tickets[1]["id"])
    outcome = command(*shlex.split(line))
    assert (outcome.code, "error:" in outcome.err) == (0, False)


def test_every_command_is_in_the_guide() -> None:
    """The commands beside those of operations are all described."""
    described = set(re.findall(r"[\w-]+", " ".join(re.findall(r"^\| (`.+?`) \| ", GUIDE, re.MULTILINE))))
    assert set(_app._COMMANDS) <= described
    assert {name for names in _app._ADDED.values() for name in names} <= described


def test_every_exit_code_is_in_the_guide() -> None:
    """The table has exactly the codes that are used."""
    codes = {value for name, value in vars(_errors).items() if name.isupper() and isinstance(value, int)}
    assert codes == {int(code) for code in re.findall(r"^\| (\d+) \| ", GUIDE, re.MULTILINE)}
