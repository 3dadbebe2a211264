"""The command `sync`: the copy is complete, costs what the guide says, and continues after a stop."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cstar_async.sync import LocalCopy
from cstar_async.testing import FakeCStar

from .conftest import Command, environment, run_process, served


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeCStar]:
    """A fake of its own, with 250 tickets and customers."""
    with served(seed=1, rows=250) as fake:
        for name, value in environment(fake).items():
            monkeypatch.setenv(name, value)
        yield fake


def count(path: Path, table: str) -> int:
    """Count the rows of a view."""
    with closing(sqlite3.connect(path)) as database:
        found = database.execute(f"SELECT COUNT(DISTINCT id) FROM {table}").fetchone()
    return int(found[0])


def test_copy_is_complete_and_then_costs_one_call(command: Command, fake: FakeCStar, tmp_path: Path) -> None:
    """The first run reads every row in one export; a run without changes changes nothing."""
    path = tmp_path / "copy.sqlite"
    arguments = ("sync", "--database", str(path), "--table", "tickets", "--table", "customers", "--json")
    first = command(*arguments)
    assert (first.code, first.json["calls"], first.json["complete"]) == (0, 1, True)
    assert first.json["changed"] == {"tickets": 250, "customers": 250}
    assert (count(path, "tickets"), count(path, "customers")) == (250, 250)
    again = command(*arguments).json
    assert (again["calls"], again["changed"], again["deleted"]) == (1, {}, {})
    assert len(fake.requests) == 2


def test_budget_ends_a_run_and_the_next_one_continues(command: Command, fake: FakeCStar, tmp_path: Path) -> None:
    """Where there is no export, each run takes at most its calls, until the copy is complete."""
    path = tmp_path / "copy.sqlite"
    fake.faults.add(operation="run_export", status=403, max_triggers=None)
    arguments = ("sync", "-d", str(path), "--table", "tickets", "--table", "customers", "--max-calls", "3", "--json")
    outcomes = [command(*arguments)]
    while not outcomes[-1].json["complete"]:
        assert outcomes[-1].err == "The calls did not suffice; the same command continues.\n"
        outcomes.append(command(*arguments))
        assert len(outcomes) < 10
    assert {(one.code, one.json["calls"] <= 3) for one in outcomes} == {(0, True)}
    assert len(outcomes) > 2
    assert (count(path, "tickets"), count(path, "customers")) == (250, 250)


def test_failure_says_how_to_continue(command: Command, fake: FakeCStar, tmp_path: Path) -> None:
    """A refused first call has its own exit code and leaves no file; the same command finishes the copy."""
    path = tmp_path / "copy.sqlite"
    fake.faults.add(status=401)
    arguments = ("sync", "-d", str(path), "--table", "tickets")
    stopped = command(*arguments)
    assert (stopped.code, stopped.out) == (3, "")
    assert stopped.err.startswith("Stopped; the same command continues.\nerror: ")
    assert list(tmp_path.iterdir()) == []
    finished = run_process(*arguments, "--json")
    assert (finished.code, finished.err, finished.json["complete"]) == (0, "", True)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for one process")
def test_messages_beyond_the_limit_are_announced(tmp_path: Path) -> None:
    """Before it reads them, it says how many calls they take and how many are left, then that it waits, once for all calls."""
    command = [sys.executable, "-m", "cstar_async", "sync", "-d", str(tmp_path / "copy.sqlite")]
    with served(seed=1, rows=60, rate_limit=20) as fake:
        variables = {**os.environ, **environment(fake)}
        with subprocess.Popen(command, env=variables, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            lines = [process.stderr.readline(), process.stderr.readline()]
            process.send_signal(signal.SIGINT)
            lines += process.stderr.readlines()
    assert re.fullmatch(
        r"warning: 60 tickets have new messages; reading them takes 60 calls, and 1\d are left until \d\d:\d\d:\d\d\n", lines[0]
    )
    assert re.fullmatch(r"Waiting 3[56]\d\d s for the rate limit\.\n", lines[1])
    assert (process.returncode, lines[2:]) == (130, ["Stopped; the same command continues.\n"])


@pytest.mark.parametrize("content", [b"no database", b""])
def test_unusable_file_is_one_sentence(command: Command, fake: FakeCStar, tmp_path: Path, content: bytes) -> None:
    """Another file, and one in a folder that does not exist, exit with 2, and nothing is sent."""
    path = tmp_path / ("a.sqlite" if content else "none/a.sqlite")
    if content:
        path.write_bytes(content)
    outcome = command("sync", "-d", str(path))
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert outcome.err.startswith("error: --database must be a SQLite file")
    assert len(fake.requests) == 0


def test_two_runs_at_once_are_refused(command: Command, fake: FakeCStar, tmp_path: Path) -> None:
    """They would spend the calls twice: the second exits with 2."""
    path = tmp_path / "copy.sqlite"
    with LocalCopy(path)._file.exclusive():
        outcome = command("sync", "-d", str(path))
    assert (outcome.code, len(fake.requests)) == (2, 0)
    assert outcome.err == "error: --database must be a copy that nothing else is refreshing, got one in use; try again later\n"


@pytest.mark.parametrize("arguments", [["--table", "views"], ["--max-calls", "1"], ["--table", "messages"]])
def test_wrong_options_are_refused(command: Command, tmp_path: Path, arguments: list[str]) -> None:
    """An unknown table, a budget that gets nowhere, and messages without tickets exit with 2."""
    outcome = command("sync", "-d", str(tmp_path / "a.sqlite"), *arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert not (tmp_path / "a.sqlite").exists()


@pytest.mark.parametrize("name", ["", ".", "..", "folder", "/"])
def test_directory_is_no_copy(
    name: str, command: Command, fake: FakeCStar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It exits with 2 before anything is sent, and no lock is left beside it."""
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    outcome = command("sync", "-d", name)
    assert (outcome.code, outcome.out, len(fake.requests)) == (2, "", 0)
    assert outcome.err.startswith("error: --database must be a SQLite file, got the directory ")
    assert [one.name for one in tmp_path.iterdir()] == ["folder"]
