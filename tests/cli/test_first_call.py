"""Commands that write a file, when their first call fails: no file is made, and one that was there stays as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cstar_async.testing import FakeCStar

from .conftest import Command, environment, served

Failure = Callable[[FakeCStar, pytest.MonkeyPatch], None]


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeCStar]:
    """A fake of its own."""
    with served(seed=1, rows=150) as fake:
        for name, value in environment(fake).items():
            monkeypatch.setenv(name, value)
        yield fake


def wrong_key(_: FakeCStar, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server refuses the key."""
    monkeypatch.setenv("CSTAR_API_KEY", "sk_test_wrongwrongwrongwrong")


def no_server(_: FakeCStar, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing listens at the port."""
    monkeypatch.setenv("CSTAR_BASE_URL", "http://127.0.0.1:9")


def used_up(fake: FakeCStar, _: pytest.MonkeyPatch) -> None:
    """The rate limit is used up."""
    fake.faults.add(status=429, retry_after=3600, max_triggers=None)


def refused_request(fake: FakeCStar, _: pytest.MonkeyPatch) -> None:
    """The server does not accept the request."""
    fake.faults.add(status=400, max_triggers=None)


FAILURES = [(wrong_key, 3), (no_server, 6), (used_up, 5), (refused_request, 1)]


@pytest.mark.parametrize(("fail", "code"), FAILURES)
@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.db"])
def test_export_makes_no_file(
    name: str, fail: Failure, code: int, fake: FakeCStar, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is to be continued or cleared up, and the same command works later."""
    arguments = ("export", "tickets", "-o", str(tmp_path / name), "--max-wait", "0")
    with monkeypatch.context() as failing:
        fail(fake, failing)
        outcome = command(*arguments)
    assert (outcome.code, outcome.out, list(tmp_path.iterdir())) == (code, "", [])
    assert "--resume" not in outcome.err
    fake.faults.clear()
    assert command(*arguments).code == 0


@pytest.mark.no_cover
@pytest.mark.parametrize(("fail", "code"), FAILURES)
@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.db"])
def test_export_keeps_what_it_was_to_replace(
    name: str, fail: Failure, code: int, fake: FakeCStar, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file of the night before is there until the first page of this one is."""
    path = tmp_path / name
    assert command("export", "customers", "-o", str(path)).code == 0
    before = path.read_bytes()
    fail(fake, monkeypatch)
    assert command("export", "tickets", "-o", str(path), "--overwrite", "--max-wait", "0").code == code
    assert (path.read_bytes(), list(tmp_path.iterdir())) == (before, [path])


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.db"])
def test_export_keeps_what_it_was_to_continue(name: str, fake: FakeCStar, command: Command, tmp_path: Path) -> None:
    """A second stop, at the first page of the rest, loses no row."""
    path = tmp_path / name
    fault = fake.faults.add(match=lambda request: request.query.get("page") == "2", status=400)
    assert command("export", "tickets", "-o", str(path)).code == 1
    before = {one.name: one.read_bytes() for one in tmp_path.iterdir()}
    fake.faults.remove(fault)
    fake.faults.add(status=401)
    stopped = command("export", "tickets", "-o", str(path), "--resume")
    assert "Stopped after 100 rows; the same command with --resume continues.\n" in stopped.err
    assert before == {one.name: one.read_bytes() for one in tmp_path.iterdir()}
    assert command("export", "tickets", "-o", str(path), "--resume", "--json").json["rows"] == 150


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.db"])
def test_empty_list_makes_a_file(name: str, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no page with rows that would open it."""
    with served() as fake:
        for variable, value in environment(fake).items():
            monkeypatch.setenv(variable, value)
        assert command("export", "tickets", "-o", str(tmp_path / name), "--json").json["rows"] == 0
    assert list(tmp_path.iterdir()) == [tmp_path / name]


@pytest.mark.parametrize("name", ["none/a.csv", "file/a.csv", "none/a.db"])
def test_export_without_a_folder_costs_no_call(name: str, fake: FakeCStar, command: Command, tmp_path: Path) -> None:
    """It is noticed before anything is requested."""
    (tmp_path / "file").touch()
    assert command("export", "tickets", "-o", str(tmp_path / name)).code == 1
    assert len(fake.requests) == 0


@pytest.mark.parametrize(("fail", "code"), FAILURES)
def test_sync_makes_no_copy(
    fail: Failure, code: int, fake: FakeCStar, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty one would look like a team without tickets."""
    path = tmp_path / "copy.sqlite"
    with monkeypatch.context() as failing:
        fail(fake, failing)
        assert command("sync", "-d", str(path), "--table", "tickets", "--max-wait", "0").code == code
    assert not path.exists()
    fake.faults.clear()
    assert command("sync", "-d", str(path), "--table", "tickets", "--json").json["changed"] == {"tickets": 150}


@pytest.mark.parametrize("content", ["openapi: 3.1.0\n", "not: [yaml"])
def test_codegen_makes_no_package(content: str, command: Command, tmp_path: Path) -> None:
    """A document that cannot be used leaves no folder behind."""
    (tmp_path / "api.yaml").write_text(content, encoding="utf-8")
    arguments = ("codegen", "--document", str(tmp_path / "api.yaml"), "--output", str(tmp_path / "shop"))
    assert (command(*arguments).code, [one.name for one in tmp_path.iterdir()]) == (2, ["api.yaml"])
