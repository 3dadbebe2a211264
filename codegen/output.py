"""Compare the generated files on disk with the new ones, or replace them.

The generator owns some folders of the package, and a page of the documentation beside it. New ones are written to a staging folder
and moved into place by renaming, so that a run that fails leaves the old ones as they were.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

FOLDERS = ("_generated", "api", "models")
"""The folders of the package that hold generated files and nothing else."""
PAGE = "docs/evidence.md"
"""The generated page; it stands beside the package and not in it."""


def differences(fresh: Path, package: Path) -> list[str]:
    """What must change in a package to be what was freshly made, one line a file."""
    wanted, found = _files(fresh, fresh / PAGE), _files(package, _place(package, PAGE))
    lines = [f"missing: {name}" for name in wanted.keys() - found.keys()]
    lines += [f"stray: {name}" for name in found.keys() - wanted.keys()]
    lines += [f"differs: {name}" for name in wanted.keys() & found.keys() if wanted[name] != found[name]]
    return sorted(lines)


def _files(package: Path, page: Path) -> dict[str, bytes]:
    found = {path.relative_to(package).as_posix(): path.read_bytes() for folder in FOLDERS for path in _files_in(package / folder)}
    return {**found, PAGE: page.read_bytes()} if page.is_file() else found


def _files_in(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)


def replace_atomically(fresh: Path, package: Path, retired: Path) -> None:
    """Put what is fresh in the place of what is old, which goes to *retired*. All three are on one file system."""
    moved: list[tuple[Path, Path]] = []
    try:
        for name in (*FOLDERS, PAGE):
            place = _place(package, name)
            for source, target in ((place, retired / name), (fresh / name, place)):
                if source.exists():
                    target.parent.mkdir(exist_ok=True)
                    source.rename(target)
                    moved.append((source, target))
    except OSError:
        for source, target in reversed(moved):
            target.rename(source)
        raise


def _place(package: Path, name: str) -> Path:
    """Where something generated belongs."""
    return (package.parent if name == PAGE else package) / name


def remove(folder: Path) -> None:
    """Delete a folder and all in it."""
    shutil.rmtree(folder, ignore_errors=True)
