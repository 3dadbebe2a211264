"""Print changes for a terminal, for the changelog, and for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TextIO

from codegen.diff.changes import Change, Surface, version_bump, version_bump_before_1

_TITLES = {"api": "API", "python": "Python"}
_STYLES = {"breaking": "red", "compatible": "green"}
_HEADINGS = {"added": "Added", "removed": "Removed"}


def as_text(changes: Sequence[Change], surfaces: Sequence[Surface] = ("api", "python")) -> str:
    """Return the changes as lines: what breaks first, each with its name and place."""
    return "".join(f"{line}\n" for line in _lines(changes, surfaces))


def write_text(changes: Sequence[Change], file: TextIO, surfaces: Sequence[Surface] = ("api", "python")) -> None:
    """Write the changes as lines, with colors on a terminal if rich is installed.

    Args:
        changes: The changes.
        file: Where to write.
        surfaces: What was compared.
    """
    try:
        from rich.console import Console
    except ImportError:
        file.write(as_text(changes, surfaces))
        return
    console = Console(file=file, soft_wrap=True, highlight=False, markup=False, emoji=False)
    for line in _lines(changes, surfaces):
        console.print(line, style=next((style for word, style in _STYLES.items() if line.startswith(f"  {word}")), None))


def _lines(changes: Sequence[Change], surfaces: Sequence[Surface]) -> Iterator[str]:
    for surface in surfaces:
        own = [change for change in changes if change.surface == surface]
        breaking = sum(change.is_breaking for change in own)
        yield f"{_TITLES[surface]}: {breaking} breaking, {len(own) - breaking} compatible"
        for change in sorted(own, key=lambda change: not change.is_breaking):
            word = "breaking  " if change.is_breaking else "compatible"
            yield f"  {word} {change.kind:8} {change.name}: {change.message}{change.place and f' [{change.place}]'}"
    yield f"Version: {_version(changes)}"


def _version(changes: Sequence[Change]) -> str:
    return f"{version_bump(changes)} (before 1.0: {version_bump_before_1(changes)})"


def as_markdown(changes: Sequence[Change]) -> str:
    """Return the changes of the Python surface as sections of a changelog, then those of the API alone."""
    lines: list[str] = []
    headings = ["Added", "Changed", "Removed"]
    python = [change for change in changes if change.surface == "python"]
    for heading in headings:
        lines += _section(f"### {heading}", [change for change in python if _HEADINGS.get(change.kind, "Changed") == heading])
    lines += _section("### API", [change for change in changes if change.surface == "api"])
    return "\n".join([*lines, f"Version: {_version(changes)}."]) + "\n"


def _section(heading: str, changes: Sequence[Change]) -> list[str]:
    bullets = [f"- {'**Breaking:** ' if one.is_breaking else ''}`{one.name}`: {one.message}." for one in changes]
    return [heading, "", *bullets, ""] if bullets else []


def as_json(changes: Sequence[Change]) -> str:
    """Return the changes as a JSON object."""
    found = {
        "breaking": any(change.is_breaking for change in changes),
        "version": {"from_1_0": version_bump(changes), "before_1_0": version_bump_before_1(changes)},
        "changes": [asdict(change) for change in changes],
    }
    return f"{json.dumps(found, indent=2, ensure_ascii=False)}\n"
