"""The commands `diff` and `release`: what they print, their exit status, and the changes that a run of the generator prints."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from codegen.__main__ import DIFFERENT, DOCUMENT, DONE, REFUSED, ROOT, main
from codegen.diff.changes import Change, version_bump, version_bump_before_1
from codegen.diff.command import SNAPSHOT
from codegen.diff.run import side
from codegen.diff.snapshot import read_snapshot, snapshot_text
from codegen.errors import CodegenError
from codegen.spec.document import Node
from codegen.spec.loader import read
from tests.codegen import pets as made
from tests.codegen.documents import TICKET, operation
from tests.codegen.pets import edited, pets
from tests.codegen.trees import Tree


@pytest.fixture
def documents(tmp_path: Path) -> tuple[str, str]:
    """Return the paths of two documents, of which the second has one more operation."""
    for name, raw in (("old", pets()), ("new", edited(made.add_operation))):
        (tmp_path / f"{name}.json").write_text(json.dumps(raw), encoding="utf-8")
    return str(tmp_path / "old.json"), str(tmp_path / "new.json")


def test_status_says_whether_something_breaks(documents: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    """It is 0 for what is compatible, and 1 for what breaks."""
    old, new = documents

    assert (DONE, DIFFERENT) == (main(["diff", old, new]), main(["diff", new, old]))
    assert 4 == capsys.readouterr().out.count(" pets.feed_pet: ")


def test_reader_that_ends_early_is_no_error(documents: tuple[str, str]) -> None:
    """As with `| head`: nothing is printed to stderr."""
    command = [sys.executable, "-m", "codegen", "diff", *documents]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout
        running.stdout.close()
        assert running.stderr
        assert b"" == running.stderr.read()
    assert running.returncode != DONE


def test_document_that_cannot_be_read_is_refused(documents: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    """The status is 2, and one sentence names the file."""
    assert REFUSED == main(["diff", documents[0], "missing.yaml"])
    assert "missing.yaml" in capsys.readouterr().err


def test_text_has_both_surfaces_and_the_version(documents: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    """Each line has what breaks, the name that a caller uses, and the place."""
    old, new = documents
    main(["diff", new, old])

    assert (
        "API: 1 breaking, 0 compatible\n"
        "  breaking   removed  pets.feed_pet: `PUT /pets/{petId}` is gone [#/paths/~1pets~1{petId}/put]\n"
        "Python: 1 breaking, 0 compatible\n"
        "  breaking   removed  pets.feed_pet: the method and `api.feed_pet` are gone [#/paths/~1pets~1{petId}/put]\n"
        "Version: major (before 1.0: minor)\n"
    ) == capsys.readouterr().out


def test_markdown_is_for_the_changelog(documents: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    """It has the sections of a changelog, and marks what breaks."""
    old, new = documents
    main(["diff", new, old, "--format", "markdown"])

    assert "### Removed\n\n- **Breaking:** `pets.feed_pet`: the method and `api.feed_pet` are gone.\n" in capsys.readouterr().out


def test_json_is_for_programs(documents: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    """It has every change with all its parts, and the version."""
    main(["diff", *documents, "--format", "json"])
    found = json.loads(capsys.readouterr().out)

    assert (False, {"from_1_0": "minor", "before_1_0": "patch"}) == (found["breaking"], found["version"])
    assert {"surface", "kind", "is_breaking", "name", "place", "message"} == {*found["changes"][0]}
    assert ["api", "python"] == [one["surface"] for one in found["changes"]]


@pytest.mark.parametrize(
    ("breaks", "from_1_0", "before"), [([], "patch", "patch"), ([False], "minor", "patch"), ([True], "major", "minor")]
)
def test_version_follows_from_the_changes(breaks: list[bool], from_1_0: str, before: str) -> None:
    """Before 1.0, the minor version goes up for what breaks."""
    found = [Change(surface="api", kind="changed", is_breaking=one, name="a", place="#", message="b") for one in breaks]

    assert (from_1_0, before) == (version_bump(found), version_bump_before_1(found))


def test_snapshot_keeps_the_whole_surface(tmp_path: Path) -> None:
    """A surface that was written and read is the same, but for places."""
    (tmp_path / SNAPSHOT).write_text(text := snapshot_text(side(read(DOCUMENT), is_sdk=True).surface), encoding="utf-8")

    assert text == snapshot_text(read_snapshot(tmp_path / SNAPSHOT))


@pytest.mark.parametrize("text", ["", "[]", '{"others": []}', '{"models": [{"no": 1}]}'])
def test_file_without_a_surface_is_refused(tmp_path: Path, text: str) -> None:
    """One sentence says how to write it."""
    (tmp_path / SNAPSHOT).write_text(text, encoding="utf-8")

    with pytest.raises(CodegenError, match="python -m codegen release"):
        read_snapshot(tmp_path / SNAPSHOT)


@pytest.mark.no_cover
def test_generating_prints_what_changed_since_the_release(tmp_path: Path) -> None:
    """The snapshot beside the document is compared, until `release` writes it again."""

    def rename(raw: Node) -> None:
        operation(raw, TICKET, "get")["x-cstar-method"] = "read"

    tree = Tree(tmp_path)
    tree.write(rename)

    done = tree.generate()
    assert "  breaking   renamed  tickets.get: the method is now `tickets.read` [" in done.stdout, done.stderr
    assert 0 == tree.generate("release").returncode
    assert "" == tree.generate().stdout
