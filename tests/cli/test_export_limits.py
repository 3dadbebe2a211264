"""Exports of unusual items, to damaged files, and with contradictory filters."""

from __future__ import annotations

import asyncio
import csv
import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from cstar_async.testing import FakeCStar
from tests.client.conftest import raw, serving

from .conftest import Command, Outcome


def ticket(depth: int) -> bytes:
    """Return a ticket with a nested value."""
    return b'{"id":"tkt_%d","new":%s1%s}' % (depth, b'{"a":' * depth, b"}" * depth)


DEPTHS = (1, 300, 700, 1000)


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".db"])
async def test_no_item_stops_an_export(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, suffix: str) -> None:
    """However deeply it is nested: it would stop the same export each time."""
    path = tmp_path / f"tickets{suffix}"
    async with serving() as server:
        monkeypatch.setenv("CSTAR_BASE_URL", server.url)
        server.default = raw(b'{"data": [%s], "pagination": {"hasMore": false}}' % b", ".join(map(ticket, DEPTHS)))
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "cstar_async",
            "export",
            "tickets",
            "-o",
            str(path),
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        _, error = await asyncio.wait_for(process.communicate(), 30)
    assert (process.returncode, error) == (0, b"")
    if suffix == ".jsonl":
        assert [ticket(depth) for depth in DEPTHS] == path.read_bytes().splitlines()
    elif suffix == ".csv":
        assert len(DEPTHS) + 1 == len(path.read_text(encoding="utf-8").splitlines())
    else:
        with closing(sqlite3.connect(path)) as database:
            extra = [row[0] for row in database.execute("SELECT extra FROM tickets ORDER BY rowid")]
        assert [ticket(depth).partition(b",")[2].decode() for depth in DEPTHS] == [text[1:] for text in extra]


ITEMS = [None, "a,b", 5, [1], {}, {"id": None, "title": "A"}, {"title": 7}, {"id": "tkt_1"}]


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".db"])
def test_item_that_is_no_object_is_a_row(command: Command, fake_server: FakeCStar, tmp_path: Path, suffix: str) -> None:
    """It would stop the same export each time. In a table it is JSON in the column of other fields."""
    path = tmp_path / f"tickets{suffix}"
    fake_server.faults.add(body=json.dumps({"success": True, "data": ITEMS, "pagination": {"hasMore": False}}).encode())
    outcome = command("export", "tickets", "-o", str(path), "--json")
    assert (outcome.code, outcome.err, outcome.json["rows"]) == (0, "", len(ITEMS))
    if suffix == ".jsonl":
        assert [json.loads(line) for line in path.read_bytes().splitlines()] == [*ITEMS[:5], {"title": "A"}, *ITEMS[6:]]
        return
    if suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as file:
            rows = [(row["id"] or None, row["extra"] or None) for row in csv.DictReader(file)]
    else:
        with closing(sqlite3.connect(path)) as database:
            rows = database.execute("SELECT id, extra FROM tickets ORDER BY rowid").fetchall()
    assert rows == [(None, "null"), (None, '"a,b"'), (None, "5"), (None, "[1]"), *[(None, None)] * 3, ("tkt_1", None)]


@pytest.mark.parametrize(
    "state",
    [
        "{}x",
        '{"a": 1}',
        '{"format": "jsonl", "source": null, "rows": -1, "size": 0, "checkpoint": null}',
        '{"format": "sqlite", "source": null, "rows": 1, "size": -1, "checkpoint": {}}',
        '{"format": "xml", "source": null, "rows": 1, "size": 1, "checkpoint": {}}',
        '{"format": "jsonl", "source": 1, "rows": 1, "size": 1, "checkpoint": {}}',
        '{"rows": 1, "size": 1, "checkpoint": {}}',
        "[]",
        None,
        5,
    ],
)
@pytest.mark.parametrize("suffix", [".jsonl", ".db"])
def test_damaged_state_is_one_sentence(command: Command, tmp_path: Path, state: object, suffix: str) -> None:
    """Beside a text file or inside a database; --overwrite starts again."""
    path = tmp_path / f"tickets{suffix}"
    if suffix == ".db":
        with closing(sqlite3.connect(path)) as database, database:
            database.execute("CREATE TABLE cstar_export (id INTEGER PRIMARY KEY, state TEXT)")
            database.execute("INSERT INTO cstar_export VALUES (1, ?)", [state])
    else:
        path.write_text("")
        (tmp_path / "tickets.jsonl.checkpoint").write_text("" if state is None else str(state))

    def export(option: str) -> Outcome:
        return command("export", "tickets", "--output", str(path), option)

    outcome = export("--resume")
    assert (outcome.code, outcome.out, outcome.err.count("\n"), outcome.err.startswith("error: ")) == (2, "", 1, True)
    assert export("--overwrite").code == 0


@pytest.mark.parametrize("name", [":memory:", "file:tickets?mode=memory"])
def test_database_is_a_file_of_any_name(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Also of one that SQLite takes for a database in memory, which would lose the rows without an error."""
    monkeypatch.chdir(tmp_path)
    outcome = command("export", "tickets", "-o", name, "--format", "sqlite", "--json")
    with closing(sqlite3.connect(tmp_path / name)) as database:
        assert database.execute("SELECT count(*) FROM tickets").fetchone() == (outcome.json["rows"],)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_filter_is_given_once(command: Command, tmp_path: Path) -> None:
    """The other value would be lost without a word; the same name may be written in two ways."""
    for second in ("customer_id=b", "customerId=b"):
        outcome = command("export", "tickets", "-o", str(tmp_path / "a.jsonl"), "--filter", "customer_id=a", "--filter", second)
        assert (outcome.code, list(tmp_path.iterdir())) == (2, [])
        assert outcome.err.endswith("must be given once\n")


def test_input_has_each_argument_once(command: Command, tmp_path: Path) -> None:
    """Under one of its names; an option of the command line comes before it."""
    path = tmp_path / "input.json"
    path.write_text(json.dumps({"title": "A", "assignedTo": "a", "assigned_to": "b"}))
    outcome = command("tickets", "create", "--input", str(path), "--dry-run")
    assert (outcome.code, outcome.err) == (2, f"error: assigned_to is given twice by {path}, under two names\n")
    path.write_text(json.dumps({"title": "A", "assignedTo": "a"}))
    request = command("tickets", "create", "--input", str(path), "--title", "B", "--dry-run").json
    assert request["body"] == {"title": "B", "assignedTo": "a"}
