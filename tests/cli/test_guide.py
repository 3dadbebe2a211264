"""The documentation of the command line: the commands of all pages run, and the tables are complete."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from cstar_async.cli import _app, _errors
from cstar_async.testing import FakeCStar

from .conftest import Command, environment, served

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


def test_every_exit_code_is_in_the_guide_and_the_help(command: Command) -> None:
    """The table and the end of the help have exactly the codes that are used."""
    codes = {value for name, value in vars(_errors).items() if name.isupper() and isinstance(value, int)}
    assert codes == {int(code) for code in re.findall(r"^\| (\d+) \| ", GUIDE, re.MULTILINE)}
    listed = " ".join(command("--help").out.partition("Exit codes:")[2].split())
    assert codes == {int(code) for code in re.findall(r"(?:^|; )(\d+) ", listed)}


@pytest.mark.skipif(os.name == "nt", reason="the script is one of a POSIX shell")
@pytest.mark.parametrize(("status", "code", "calls"), [(429, 0, 2), (401, 3, 1)])
def test_cron_job_of_the_guide_reacts_to_exit_codes(tmp_path: Path, status: int, code: int, calls: int) -> None:
    """After a rate limit it runs the command again; after a refused key it prints the message and ends with the code."""
    (script,) = re.findall(r"^```sh\n(#!/bin/sh\n.*?)^```", GUIDE, re.DOTALL | re.MULTILINE)
    settings = tmp_path / "settings"
    script = script.replace("/etc/support-bot.env", str(settings)).replace("/var/lib/export", str(tmp_path)).replace("900", "0")
    with served(seed=1) as fake:
        settings.write_text("".join(f"{name}={value}\n" for name, value in environment(fake).items()))
        fake.faults.add(status=status, retry_after=4000)
        programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        variables = {**os.environ, "PATH": programs}
        done = subprocess.run(["sh", "-c", script], env=variables, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, len(fake.requests)) == (code, calls)
    assert ("error: " in done.stdout) == (code != 0)
    assert (tmp_path / "tickets.jsonl").exists() == (code == 0)
