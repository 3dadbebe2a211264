"""Exports: the same rows in every format, continued after a stop at any place, and no file lost."""

from __future__ import annotations

import csv
import json
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from cstar_async.cli import _writers
from cstar_async.cli._export import _list_names
from cstar_async.cli._writers import Format, open_writer, writing_alone
from cstar_async.testing import FakeCStar

from .conftest import Command, environment, run_process, served


def rows_of(path: Path) -> list[str]:
    """Return the ids in a file, in order."""
    if path.suffix == ".jsonl":
        return [json.loads(line)["id"] for line in path.read_text(encoding="utf-8").splitlines()]
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as file:
            return [row["id"] for row in csv.DictReader(file)]
    with closing(sqlite3.connect(path)) as database:
        return [row[0] for row in database.execute("SELECT id FROM tickets ORDER BY rowid")]


def use(fake: FakeCStar, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the command line use another fake."""
    for name, value in environment(fake).items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".db"])
def test_every_format_has_every_row(command: Command, tmp_path: Path, suffix: str) -> None:
    """A file has each ticket once, in the order of the list, and nothing is left beside it."""
    path = tmp_path / f"tickets{suffix}"
    outcome = command("export", "tickets", "--output", str(path), "--json")
    assert (outcome.code, outcome.err) == (0, "")
    assert rows_of(path) == [ticket["id"] for ticket in command("tickets", "list", "--all", "--json").json]
    assert outcome.json["rows"] == len(rows_of(path))
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", sorted(_list_names()))
def test_every_list_can_be_exported(command: Command, tmp_path: Path, name: str) -> None:
    """Also one of items whose fields are not known."""
    for suffix in (".jsonl", ".csv", ".db"):
        outcome = command("export", name, "-o", str(tmp_path / f"rows{suffix}"))
        assert (outcome.code, outcome.err) == (0, "")


def test_an_export_runs_in_a_process_of_its_own(tmp_path: Path) -> None:
    """A process writes the file that the suffix says."""
    outcome = run_process("export", "customers", "-o", "customers.csv", cwd=tmp_path)
    assert (outcome.code, outcome.err) == (0, "")
    assert rows_of(tmp_path / "customers.csv")


def test_values_keep_their_types(command: Command, tmp_path: Path) -> None:
    """Text with line breaks and quotes survives, nested values are JSON, and null is empty."""
    title, metadata = 'A "quoted"; Füße, 🎉', {"a": [1, None]}
    made = command(
        "tickets", "create", "--title", title, "--metadata", json.dumps(metadata), "--notes", "two\nlines", "--json"
    ).json
    rows: dict[str, dict[str, Any]] = {}
    for name in ("t.csv", "t.db"):
        command("export", "tickets", "-o", str(tmp_path / name))
    with (tmp_path / "t.csv").open(encoding="utf-8", newline="") as file:
        rows["csv"] = next(row for row in csv.DictReader(file) if row["id"] == made["id"])
    with closing(sqlite3.connect(tmp_path / "t.db")) as database:
        database.row_factory = sqlite3.Row
        rows["db"] = dict(database.execute("SELECT * FROM tickets WHERE id = ?", [made["id"]]).fetchone())
    for row in rows.values():
        assert (row["title"], json.loads(row["metadata"])) == (title, metadata)
        assert not row["assignedTo"]
    assert rows["db"]["messageCount"] == 0


def test_filters_are_those_of_the_list(command: Command, tmp_path: Path, fake_server: FakeCStar) -> None:
    """A filter is sent, and one that the list does not have exits with 2."""
    assert command("export", "tickets", "-o", str(tmp_path / "a.jsonl"), "--filter", "status=open").code == 0
    assert fake_server.requests[-1].query["status"] == "open"
    outcome = command("export", "tickets", "-o", str(tmp_path / "b.jsonl"), "--filter", "colour=red")
    assert (outcome.code, "--filter must be NAME=VALUE with one of status, priority" in outcome.err) == (2, True)


@pytest.mark.parametrize(("suffix", "failing_page"), [(".jsonl", 4), (".csv", 2), (".db", 3)])
def test_resume_continues_without_a_row_missing_or_repeated(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, suffix: str, failing_page: int
) -> None:
    """An export that failed at any page continues there, although rows were added meanwhile."""
    path = tmp_path / f"tickets{suffix}"
    with served(seed=1, rows=330, limits=False) as fake:
        use(fake, monkeypatch)
        fake.faults.add(match=lambda request: request.query.get("page") == str(failing_page), status=400)
        failed = command("export", "tickets", "-o", str(path))
        assert failed.code == 1
        assert failed.err.startswith(f"Stopped after {(failing_page - 1) * 100} rows; the same command with --resume continues.\n")
        refused = command("export", "tickets", "-o", str(path))
        assert (refused.code, "--resume continues it" in refused.err) == (2, True)
        assert command("export", "tickets", "-o", str(path), "--resume").code == 0
        listed = command("tickets", "list", "--all", "--json").json
    assert rows_of(path) == [ticket["id"] for ticket in listed]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_resume_continues_after_the_process_was_stopped(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, number: signal.Signals
) -> None:
    """An export that was interrupted or killed between two pages continues."""
    path = tmp_path / "tickets.jsonl"
    with served(seed=1, rows=250, limits=False) as fake:
        use(fake, monkeypatch)
        fault = fake.faults.add(match=lambda request: request.query.get("page") == "3", delay=60, max_triggers=None)
        program = [sys.executable, "-m", "cstar_async", "export", "tickets", "-o", str(path)]
        process = subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 30
        while not (path.exists() and path.read_bytes().count(b"\n") >= 200) and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
        assert "Traceback" not in err
        assert process.returncode == (130 if number == signal.SIGINT else -number)
        fake.faults.remove(fault)
        with path.open("ab") as file:
            file.write(b'{"id": "half a l')  # what a killed process may have left
        assert command("export", "tickets", "-o", str(path), "--resume").code == 0
        listed = command("tickets", "list", "--all", "--json").json
    assert rows_of(path) == [ticket["id"] for ticket in listed]


def stop_after_a_page(fake: FakeCStar, command: Command, path: Path) -> bytes:
    """Let an export stop after a page; return what the file has then."""
    fake.faults.add(match=lambda request: request.query.get("page") == "2", status=400)
    assert command("export", "tickets", "-o", str(path)).code == 1
    return path.read_bytes()


@pytest.mark.parametrize(("first", "then"), [("jsonl", "csv"), ("csv", "jsonl"), ("jsonl", "sqlite"), ("jsonl", "parquet")])
def test_resume_in_another_format_is_refused(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, first: str, then: str
) -> None:
    """One file would have rows of both."""
    path = tmp_path / f"tickets.{first}"
    monkeypatch.setattr(_writers, "find_spec", Mock())
    with served(seed=1, rows=150, limits=False) as fake:
        use(fake, monkeypatch)
        before = stop_after_a_page(fake, command, path)
        outcome = command("export", "tickets", "-o", str(path), "--resume", "--format", then)
        assert (outcome.code, outcome.err) == (
            2,
            f"error: the export to {path} has the format {first}; continue it with --format {first}\n",
        )
        assert path.read_bytes() == before
        assert command("export", "tickets", "-o", str(path), "--resume").code == 0


@pytest.mark.parametrize("suffix", [".jsonl", ".db"])
def test_resume_for_another_team_is_refused(command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, suffix: str) -> None:
    """One file would have rows of both. The team of a key that is not named is known after the first request."""
    path = tmp_path / f"tickets{suffix}"
    with served(seed=1, rows=150, limits=False) as fake, served(seed=1, rows=150, limits=False) as other:
        use(fake, monkeypatch)
        before = stop_after_a_page(fake, command, path)
        use(other, monkeypatch)
        monkeypatch.delenv("CSTAR_TEAM_ID")
        outcome = command("export", "tickets", "-o", str(path), "--resume")
        assert (outcome.code, path.read_bytes()) == (2, before)
        assert outcome.err.endswith(
            "error: the rows in the file come from another team; use its key, or start again with --overwrite\n"
        )
        assert "Stopped" not in outcome.err
        use(fake, monkeypatch)
        monkeypatch.delenv("CSTAR_TEAM_ID")
        assert command("export", "tickets", "-o", str(path), "--resume").code == 0
    assert len(set(rows_of(path))) == len(rows_of(path)) == 150


@pytest.mark.parametrize("suffix", [".jsonl", ".db"])
@pytest.mark.parametrize("options", [(), ("--resume", "--overwrite")], ids=["new", "repeated"])
def test_one_export_at_a_time_writes_a_file(command: Command, tmp_path: Path, suffix: str, options: tuple[str, ...]) -> None:
    """Another one ends at once, and costs no call; the lock is gone with the export that had it."""
    path = tmp_path / f"tickets{suffix}"
    with writing_alone(path):
        outcome = command("export", "tickets", "-o", str(path), *options)
        assert (outcome.code, outcome.err) == (2, f"error: another export is writing {path}; wait for its end\n")
        assert command("export", "tickets", "-o", str(tmp_path / "other.jsonl")).code == 0
    (tmp_path / f"{path.name}.lock").touch()  # as a killed process leaves it
    assert command("export", "tickets", "-o", str(path), *options).code == 0
    assert sorted(one.name for one in tmp_path.iterdir()) == ["other.jsonl", path.name]


def test_an_existing_file_is_kept(command: Command, tmp_path: Path) -> None:
    """A file that is there is not replaced without `--overwrite`."""
    path = tmp_path / "tickets.csv"
    path.write_text("mine")
    assert command("export", "tickets", "-o", str(path)).code == 2
    assert path.read_text() == "mine"
    assert command("export", "tickets", "-o", str(path), "--overwrite").code == 0
    assert rows_of(path)


@pytest.mark.parametrize("name", ["t.db", "t.csv"])
def test_resume_of_something_else_is_refused(command: Command, tmp_path: Path, name: str) -> None:
    """A damaged checkpoint, a database of another program and a folder exit with 2 and stay as they are."""
    (tmp_path / "t.csv").write_text("id\n")
    (tmp_path / "t.csv.checkpoint").write_text("{")
    with closing(sqlite3.connect(tmp_path / "t.db")) as database:
        database.execute("CREATE TABLE tickets (a)")
    before = (tmp_path / name).read_bytes()
    outcome = command("export", "tickets", "-o", str(tmp_path / name), "--resume")
    assert (outcome.code, outcome.out) == (2, "")
    assert (tmp_path / name).read_bytes() == before
    assert command("export", "tickets", "-o", str(tmp_path), "--format", "csv", "--overwrite").code == 2


@pytest.mark.parametrize(("suffix", "file_format"), [(".jsonl", "jsonl"), (".csv", "csv"), (".db", "sqlite")])
def test_repeated_job_continues_what_stopped_and_replaces_what_is_complete(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, suffix: str, file_format: Format
) -> None:
    """The same command with `--resume --overwrite` succeeds each night, and does not begin again after a stop."""
    job = (
        "export",
        "tickets",
        "-o",
        str(tmp_path / f"tickets{suffix}"),
        "--json",
        "--resume",
        "--overwrite",
        "--format",
        file_format,
    )
    with served(seed=1, rows=150) as fake:
        use(fake, monkeypatch)
        assert [command(*job).code for _ in range(2)] == [0, 0]
        fake.faults.add(match=lambda request: request.query.get("page") == "2", status=400)
        assert command(*job).code == 1
        writer = open_writer(tmp_path / f"tickets{suffix}", file_format, "tickets", ["id"], resume=True, overwrite=True)
        assert writer.state.rows == 100
        assert command(*job).json["rows"] == 150
    assert len(set(rows_of(tmp_path / f"tickets{suffix}"))) == 150


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.db"])
def test_unwritable_place_is_one_sentence(command: Command, tmp_path: Path, name: str) -> None:
    """A folder that does not exist is an error that names the file."""
    outcome = command("export", "tickets", "-o", str(tmp_path / "none" / name))
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.splitlines()[-1].startswith(f"error: {tmp_path / 'none' / name}: ")


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "db"])
def test_full_disk_names_the_file(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    """Whatever the format, it exits with 1, and `--resume` continues afterwards."""
    path = tmp_path / f"a.{suffix}"
    error = sqlite3.OperationalError("database or disk is full") if suffix == "db" else OSError(28, "No space left on device")
    with monkeypatch.context() as full:
        for writer in (_writers._DatabaseWriter, _writers._TextWriter):
            full.setattr(writer, "write", Mock(side_effect=error))
        outcome = command("export", "tickets", "-o", str(path))
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.splitlines()[-1] == f"error: {path}: {getattr(error, 'strerror', error)}"
    assert command("export", "tickets", "-o", str(path), "--resume").code == 0


def test_standard_output_is_no_file(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`-` is refused with the command that prints, instead of a file of that name."""
    monkeypatch.chdir(tmp_path)
    outcome = command("export", "community.posts", "-o", "-", "--format", "jsonl")
    assert (outcome.code, outcome.out, list(tmp_path.iterdir())) == (2, "", [])
    assert "cstar-async community posts list --all --json" in outcome.err


def test_file_that_lost_rows_is_not_continued(command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A file that is shorter than its checkpoint is refused instead of filled with zeros."""
    path = tmp_path / "a.csv"
    with served(seed=1, rows=150) as fake:
        use(fake, monkeypatch)
        fake.faults.add(match=lambda request: request.query.get("page") == "2", status=400)
        assert command("export", "tickets", "-o", str(path)).code == 1
        path.write_bytes(b"id")
        outcome = command("export", "tickets", "-o", str(path), "--resume")
    assert (outcome.code, "is shorter than its checkpoint says" in outcome.err) == (2, True)
    assert path.read_bytes() == b"id"


def test_dry_run_says_what_it_costs(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--dry-run` takes one call, states the items and calls, and writes nothing."""
    with served(seed=1, rows=150) as fake:
        use(fake, monkeypatch)
        outcome = command("export", "customers", "-o", str(tmp_path / "c.csv"), "--dry-run", "--json")
        assert len(fake.requests) == 1
    assert (outcome.json["items"], outcome.json["calls"], outcome.json["fitsNow"]) == (150, 2, True)
    assert list(tmp_path.iterdir()) == []


def test_parquet_without_its_library_is_one_sentence(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The format parquet says what to install, before anything is requested."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    outcome = command("export", "tickets", "-o", str(tmp_path / "t.parquet"))
    assert (outcome.code, outcome.err) == (
        2,
        "error: the format parquet requires pyarrow, which is not installed: pip install pyarrow\n",
    )


@pytest.mark.parametrize("name", ["nothing", "tickets.messages", "library", "../x"])
def test_unknown_list_names_the_others(command: Command, tmp_path: Path, name: str) -> None:
    """A list that does not exist, or needs an id, exits with 2 and names those that do."""
    outcome = command("export", name, "-o", str(tmp_path / "a.csv"))
    assert outcome.code == 2
    assert outcome.err.startswith("error: LIST must be one of activity, ai-keys, articles, ")


def test_a_list_inside_a_namespace(command: Command, tmp_path: Path) -> None:
    """`community.posts` is exported as its method is called."""
    assert command("export", "community.posts", "-o", str(tmp_path / "a.jsonl"), "--json").json["rows"] == 3
