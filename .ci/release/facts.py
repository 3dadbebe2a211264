"""What a release must say about itself, and the lowest versions that it promises to work with."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
"""The versions of Python that are tested."""


def problems(root: Path) -> list[str]:
    """Return what is not in step: version, changelog, classifiers, security policy and workflow."""
    project = read_project(root)
    version = read_version(root)
    changelog = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    released = re.findall(r"^## \[(\d[^\]]*)\] - \d{4}-\d{2}-\d{2}$", changelog, re.MULTILINE)
    unreleased = changelog.partition("## [Unreleased]")[2].partition("\n## [")[0].strip()
    found: list[str] = []
    if released[:1] != [version]:
        found.append(f"CHANGELOG.md must have '## [{version}] - YYYY-MM-DD' as its newest release, got {released[:1]}")
    if unreleased:
        found.append("CHANGELOG.md must have nothing under 'Unreleased': move it under the version")
    return found + metadata_problems(root, project)


def metadata_problems(root: Path, project: dict[str, Any]) -> list[str]:
    """Return what is not in step between releases, too."""
    found: list[str] = []
    prefix = "Programming Language :: Python :: 3."
    listed = [f"3.{one.removeprefix(prefix)}" for one in project["classifiers"] if one.startswith(prefix)]
    if listed != list(PYTHONS):
        found.append(f"the classifiers must list Python {', '.join(PYTHONS)}, got {', '.join(listed)}")
    workflow = (root / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    found += [f"the workflow must test Python {one}" for one in PYTHONS if f'"{one}"' not in workflow]
    if not (root / "SECURITY.md").is_file():
        found.append("SECURITY.md is missing")
    return found


def read_project(root: Path) -> dict[str, Any]:
    """Return the table `project` of pyproject.toml."""
    project: dict[str, Any] = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project


def read_version(root: Path) -> str:
    """Return the version of the package."""
    (version,) = re.findall(r'"(.+)"', (root / "cstar_async" / "_version.py").read_text(encoding="utf-8").partition("=")[2])
    return str(version)


def lowest_versions(root: Path, extras: Iterable[str]) -> list[str]:
    """Return constraints with the lowest version of each dependency, and of those of some extras."""
    project = read_project(root)
    wanted = [*project["dependencies"]]
    for extra in (*extras, "testing"):
        wanted += project["optional-dependencies"][extra]
    pairs = (re.match(r"([\w.-]+)[>=]=([\d.]+)", one) for one in wanted)
    return sorted({f"{pair[1]}=={pair[2]}" for pair in pairs if pair})
