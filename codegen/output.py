"""Compare the generated files on disk with the new ones, or replace them.

The generator owns some folders of the package, and a page of the documentation beside it. New ones are written to a staging folder
then renamed, so that a run that fails leaves the old ones as they were.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

FOLDERS = ("_generated", "api", "models")
"""The folders of the package that have generated files only."""
PAGE = "docs/evidence.md"
"""The generated page, beside the package."""


def differences(new_dir: Path, package: Path) -> list[str]:
    """Return a line for each file that differs between the new output and the package."""
    wanted, found = _files(new_dir, new_dir / PAGE), _files(package, _path_of(package, PAGE))
    lines = [f"missing: {name}" for name in wanted.keys() - found.keys()]
    lines += [f"stray: {name}" for name in found.keys() - wanted.keys()]
    lines += [f"differs: {name}" for name in wanted.keys() & found.keys() if wanted[name] != found[name]]
    return sorted(lines)


def _files(package: Path, page: Path) -> dict[str, bytes]:
    found = {path.relative_to(package).as_posix(): path.read_bytes() for folder in FOLDERS for path in _files_in(package / folder)}
    return {**found, PAGE: page.read_bytes()} if page.is_file() else found


def _files_in(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)


def replace_atomically(new_dir: Path, package: Path, backup_dir: Path) -> None:
    """Move the new files into the package, and the old ones to *backup_dir*. All folders are on one file system."""
    moved: list[tuple[Path, Path]] = []
    try:
        for name in (*FOLDERS, PAGE):
            path = _path_of(package, name)
            for source, target in ((path, backup_dir / name), (new_dir / name, path)):
                if source.exists():
                    target.parent.mkdir(exist_ok=True)
                    source.rename(target)
                    moved.append((source, target))
    except OSError:
        for source, target in reversed(moved):
            target.rename(source)
        raise


def _path_of(package: Path, name: str) -> Path:
    """Return the path of a generated folder or of the page."""
    return (package.parent if name == PAGE else package) / name


def remove(folder: Path) -> None:
    """Delete a folder with its content."""
    shutil.rmtree(folder, ignore_errors=True)
