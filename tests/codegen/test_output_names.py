"""The folder that `--output` names: a package of that name is written there, or nothing at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from codegen.__main__ import DONE, REFUSED, main
from tests.codegen.packages import imported
from tests.codegen.pets import pets


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current folder, whose name is that of a package."""
    (tmp_path / "api.json").write_text(json.dumps(pets()))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


def _run(name: str) -> int:
    try:
        return main(["--no-type-check", "--document", "../api.json", "--output", name])
    except SystemExit as exit_:
        return int(exit_.code or 0)


BAD = {
    "empty": "",
    "blank": " ",
    "zero byte": "a\0b",
    "line break": "shop\n",
    "blank inside": "sh op",
    "root": "/",
    "home": "~",
    "keyword": "class",
    "constant": "None",
    "ligature, which Python reads as two letters": "\ufb01x",
    "surrogate": "\udcff",
    "module of Python": "json",
    "module that generated code imports": "attrs",
    "too long": "x" * 300,
    "digit, in new folders": "new/folder/2fa",
    "below a file": "file/shop",
    "file": "file",
    "link to nothing": "dangling",
    "link to itself": "loop",
}


@pytest.mark.parametrize("name", BAD.values(), ids=BAD)
def test_name_that_is_no_package_is_refused(folder: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    """In a sentence, and no file or folder is left."""
    (folder / "file").write_text("x")
    (folder / "dangling").symlink_to("nowhere")
    (folder / "loop").symlink_to("loop")
    before = sorted(folder.parent.rglob("*"))

    assert REFUSED == _run(name)
    assert before == sorted(folder.parent.rglob("*"))
    lines = capsys.readouterr().err.splitlines()
    assert "--output" in lines[-1] or "cannot be written" in lines[-1]


@pytest.mark.parametrize(("name", "written"), [(".", "."), ("shop/", "shop"), ("new/f\u00fcr", "new/f\u00fcr"), ("match", "match")])
def test_package_is_written_where_the_name_says(folder: Path, name: str, written: str) -> None:
    """Also into the current folder, if it is named."""
    assert DONE == _run(name)
    assert (folder / written / "client.py").is_file()


def test_package_in_a_link_has_the_name_of_the_link(folder: Path) -> None:
    """It is imported under that."""
    (folder / "version_2").mkdir()
    (folder / "linked").symlink_to("version_2")

    assert DONE == _run("linked")
    with imported(folder / "linked") as package:
        assert "linked.client" == package.ZooClient.__module__
