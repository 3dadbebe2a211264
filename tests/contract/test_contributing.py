"""Check CONTRIBUTING: its table of files and symbols, its levels and its links are those of the tree."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
ANSWERS = re.findall(r"^\| .+\? \| `(\S+\.py)` \| `(\S+)` \|$", TEXT, re.MULTILINE)
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


def _defined(path: Path) -> set[str]:
    """List the functions, classes and methods of a module by their qualified names."""
    names: set[str] = set()

    def collect(body: list[ast.stmt], prefix: str) -> None:
        for node in body:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                names.add(prefix + node.name)
            if isinstance(node, ast.ClassDef):
                collect(node.body, f"{prefix}{node.name}.")

    collect(ast.parse(path.read_text(encoding="utf-8")).body, "")
    return names


def test_twelve_questions_are_answered() -> None:
    """The table has a file and a symbol for each question."""
    assert 12 == len(ANSWERS) == TEXT.count("? | `")


@pytest.mark.parametrize(("file", "symbol"), ANSWERS)
def test_file_defines_its_symbol(file: str, symbol: str) -> None:
    """A file of the table exists and defines the symbol."""
    assert symbol in _defined(ROOT / file)


def test_levels_are_those_that_are_checked() -> None:
    """The table of levels lists the packages in the order of import-linter's contract."""
    stated = [set(re.findall(r"`(\w+)`", row)) for row in re.findall(r"^\| \d+ \| (.+?) \|", TEXT, re.MULTILINE)]
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract["id"] == "layers")

    assert [set(re.findall(r"\w+", layer)) for layer in layers] == stated


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_relative_links_lead_to_files(document: Path) -> None:
    """A link to a file of the tree leads to one."""
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text(encoding="utf-8"))

    assert [] == [link for link in links if not (document.parent / link).exists()]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_paths_in_code_marks_exist(document: Path) -> None:
    """A path that a page names exists in the tree."""
    named = re.findall(
        r"`((?:cstar_async|codegen|openapi|docs|tests|examples|bench)/[\w./-]+)`", document.read_text(encoding="utf-8")
    )

    assert [] == [path for path in named if not (ROOT / path).exists()]
