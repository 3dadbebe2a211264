"""The metadata of the package, the workflow and the targets of make are in step."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from release.__main__ import EXTRAS, TESTED, TOOLS
from release.audit import conclusion, requirements
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
    assert {"aiohttp==3.14", "attrs==25.4", "jsonschema==4.23", "redis==5.2", "typer==0.27.2"} <= set(found)


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


def test_workflow_runs_nothing_but_targets() -> None:
    """And the script with the checks of a merge, and what installs the tools that its targets need."""
    commands = re.findall(r"- run: (.+)", WORKFLOW)
    known = re.compile(r"make [\w-]+(\$\{\{ matrix\.versions \}\})?( PYTHON=python)?|bash \.ci/run|sudo apt-get .+")
    assert [] == [command for command in commands if not known.fullmatch(command)]
    assert (ROOT / ".ci" / "run").is_file()
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    rules = {name for rule in re.findall(r"^([a-z -]+):", MAKEFILE, re.MULTILINE) for name in rule.split()}
    assert set(re.findall(r"^make ([\w-]+)", script, re.MULTILINE)) <= rules


def test_address_of_the_repository_is_in_one_place() -> None:
    """It is set before the first release, in `[project.urls]` alone."""
    address = PYPROJECT["project"]["urls"]["Source"].removeprefix("https://")
    folders = ("cstar_async", "codegen", "docs", "examples", "openapi", "bench", ".ci", ".github")
    files = [
        path for folder in folders for path in (ROOT / folder).rglob("*") if path.suffix in {".py", ".md", ".yaml", ".yml", ".toml"}
    ]
    found = [path for path in [*files, *ROOT.glob("*.md"), ROOT / "zensical.toml"] if address in path.read_text(encoding="utf-8")]
    assert found == []
    lines = [line for line in (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines() if address in line]
    assert len(lines) == sum(address in url for url in PYPROJECT["project"]["urls"].values())


def imported(path: Path, seen: set[Path]) -> Iterator[str]:
    """Return the packages that a test file imports at its top, itself and by other files of the tests."""
    seen.add(path)
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        above = ".".join(path.relative_to(ROOT).parts[:-1]) + "." if isinstance(node, ast.ImportFrom) and node.level else ""
        names = [above + (node.module or "")] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        for name in names:
            other = ROOT / f"{name.replace('.', '/')}.py"
            if name.startswith("tests.") and other.is_file() and other not in seen:
                yield from imported(other, seen)
            elif not name.startswith("tests"):
                yield name.partition(".")[0]


def test_tests_of_a_release_import_what_is_installed() -> None:
    """The files import the standard library, the package with the tested extras, and the tools."""
    files = [path for one in TESTED for path in ([ROOT / one] if one.endswith(".py") else sorted((ROOT / one).glob("*.py")))]
    files += [
        *{path.parent / "conftest.py" for path in files if (path.parent / "conftest.py").is_file()},
        ROOT / "tests/conftest.py",
    ]
    found = {name for path in files for name in imported(path, set())}
    required = PYPROJECT["project"]["dependencies"] + lowest_versions(ROOT, EXTRAS.split(","))
    installed = {re.split(r"[>=<\[]", one)[0].replace("-", "_") for one in [*required, *TOOLS, "attr"]}
    assert set() == found - installed - sys.stdlib_module_names - {"cstar_async", "opentelemetry"}


CHECKED = {"name": "aiohttp", "version": "3.14", "vulns": []}
SKIPPED = {"name": "attrs", "skip_reason": "Dependency not found on PyPI and could not be audited: attrs (26.1.0)"}
VULNERABLE = {
    "name": "redis",
    "version": "5.2",
    "vulns": [{"id": "CVE-1", "fix_versions": ["5.3"]}, {"id": "CVE-2", "fix_versions": []}],
}


@pytest.mark.parametrize(
    ("dependencies", "expected"),
    [
        ([CHECKED], (0, "no known vulnerabilities in 1 dependencies")),
        ([CHECKED, SKIPPED], (0, "no known vulnerabilities in 1 dependencies; not checked: attrs")),
        ([SKIPPED], (1, "nothing was checked: the database of vulnerabilities cannot be reached")),
        ([], (1, "nothing was checked: the dependencies cannot be resolved, or no package index can be reached")),
        ([CHECKED, SKIPPED, VULNERABLE], (1, "redis 5.2: CVE-1, fixed in 5.3\nredis 5.2: CVE-2, fixed in no version")),
    ],
)
def test_audit_that_checked_nothing_does_not_report_success(dependencies: list[dict[str, Any]], expected: tuple[int, str]) -> None:
    """A vulnerability is an error, and what was not checked is named."""
    assert expected == conclusion(dependencies)


def test_audit_includes_every_extra() -> None:
    """The dependencies of all extras are audited, and not the package itself."""
    names = {re.split(r"[>=<\[]", one)[0] for one in requirements(ROOT)}
    assert {"aiohttp", "redis", "typer", "jsonschema", "openapi-python-client", "pandas", "prometheus-client"} <= names
    assert "cstar-async" not in names
