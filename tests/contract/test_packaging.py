"""The metadata of the package, the workflow and the targets of make are in step."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from release.facts import lowest_versions, metadata_problems, problems, read_project, read_version

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
WORKFLOW = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def test_metadata_is_in_step() -> None:
    """Classifiers and the workflow have the same versions of Python, and there is a security policy."""
    assert [] == metadata_problems(ROOT, read_project(ROOT))


def copy_of_tree(tmp_path: Path, changelog: str) -> Path:
    """Return a tree with another changelog."""
    for name in ("pyproject.toml", "SECURITY.md", ".github/workflows/ci.yml", "cstar_async/_version.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text((ROOT / name).read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "CHANGELOG.md").write_text(changelog, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("changelog", "expected"),
    [
        ("## [Unreleased]\n\n## [{version}] - 2026-11-26\n\n- A.\n", []),
        ("## [Unreleased]\n\n## [0.0.1] - 2026-11-26\n", ["newest release"]),
        ("## [Unreleased]\n\n## [{version}]\n", ["newest release"]),
        ("## [Unreleased]\n\n- B.\n\n## [{version}] - 2026-11-26\n", ["nothing under 'Unreleased'"]),
        ("## [Unreleased]\n\n- B.\n", ["newest release", "nothing under 'Unreleased'"]),
    ],
)
def test_release_needs_a_changelog_of_its_version(tmp_path: Path, changelog: str, expected: list[str]) -> None:
    """The newest entry is the version with a date, and nothing is left under *Unreleased*."""
    found = problems(copy_of_tree(tmp_path, changelog.replace("{version}", read_version(ROOT))))
    assert len(expected) == len(found)
    assert all(part in problem for part, problem in zip(expected, found, strict=True))


def test_lowest_versions_are_those_that_pyproject_states() -> None:
    """Each dependency and each one of the extras is pinned to its lower bound."""
    found = lowest_versions(ROOT, ["cli", "redis"])
    assert {"aiohttp==3.14", "attrs==24.2", "jsonschema==4.23", "redis==5.2", "typer==0.27.2"} <= set(found)


def test_all_is_every_extra() -> None:
    """The extra `all` has each other extra."""
    extras = PYPROJECT["project"]["optional-dependencies"]
    (line,) = extras["all"]
    assert sorted(extras.keys() - {"all"}) == re.split(",", line.partition("[")[2].rstrip("]"))


def test_workflow_calls_targets_that_exist() -> None:
    """What fails in the workflow can be repeated with the same command."""
    targets = set(re.findall(r"\bmake ([\w-]+)", WORKFLOW.replace("${{ matrix.versions }}", "lowest")))
    rules = set(re.findall(r"^([a-z -]+):", MAKEFILE, re.MULTILINE))
    assert targets <= {name for rule in rules for name in rule.split()}
    assert {"test", "test-lowest", "audit"} <= targets
