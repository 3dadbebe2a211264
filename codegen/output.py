"""Compare the generated files on disk with the new ones, or replace them.

The generator owns some folders of the package, and a page of the documentation beside it. New ones are written to a staging folder
then renamed, so that a run that fails leaves the old ones as they were.
"""

from __future__ import annotations

import argparse
import json
import keyword
import os
import shutil
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from codegen.errors import CodegenError, Problem

FOLDERS = ("_generated", "api", "models")
"""The folders of the package that have generated files only."""
NAMES = "_generated/names.json"
"""The names that differ from those of the document. The next run keeps them."""
PAGE = "docs/api-coverage.md"
"""The generated page, beside the package."""
FILES = ("__init__.py", "client.py", "py.typed")
"""The files of a package that is generated as a whole."""


_IMPORTED = sys.stdlib_module_names | {"__main__", "attr", "attrs", "typing_extensions"}
"""The modules that generated code may import, and that a package of the same name would hide."""


def folder_of(text: str) -> Path:
    """Return the folder that an argument names, without following links. An empty text would be the current one: a mistake."""
    if not text.strip() or "\0" in text:
        raise argparse.ArgumentTypeError("the name of a folder must not be empty; the current one is `.`")
    return Path(os.path.abspath(text))  # noqa: PTH100  # `resolve` would follow links


def package_name(folder: Path) -> str:
    """Return the name under which a folder is imported. Raises `CodegenError` if it cannot be."""
    name = folder.name
    if not name.isidentifier() or keyword.iskeyword(name) or name != unicodedata.normalize("NFKC", name):
        raise CodegenError([Problem("--output", f"the name must be a Python identifier, got `{name}`.")])
    if name in _IMPORTED:
        raise CodegenError([Problem("--output", f"the name `{name}` is that of a module of Python, which it would hide.")])
    return name


def names_in(package: Path) -> dict[str, dict[str, str]]:
    """Return the names that the generator chose for a package; none if there is no such package."""
    try:
        found: dict[str, dict[str, str]] = json.loads((package / NAMES).read_bytes())
        return {scope: {key: name for key, name in chosen.items() if name.isidentifier()} for scope, chosen in found.items()}
    except (OSError, ValueError, AttributeError):  # the last: the file has another form
        return {}


def differences(new_dir: Path, package: Path) -> list[str]:
    """Return a line for each file that differs between the new output and the package."""
    wanted, found = _files(new_dir, new_dir), _files(package, new_dir)
    lines = [f"missing: {name}" for name in wanted.keys() - found.keys()]
    lines += [f"stray: {name}" for name in found.keys() - wanted.keys()]
    lines += [f"differs: {name}" for name in wanted.keys() & found.keys() if wanted[name] != found[name]]
    return sorted(lines)


def _files(package: Path, new_dir: Path) -> dict[str, bytes]:
    """Return the generated files of a package, and the others that the new output has."""
    paths = {path.relative_to(package).as_posix(): path for folder in FOLDERS for path in _files_in(package / folder)}
    for name in (PAGE, *FILES):
        path = package / name if package == new_dir else _path_of(package, name)
        if (new_dir / name).is_file() and path.is_file():
            paths[name] = path
    return {name: path.read_bytes() for name, path in paths.items()}


def _files_in(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)


def replace_atomically(new_dir: Path, package: Path, backup_dir: Path) -> None:
    """Move the new files into the package, and the old ones to *backup_dir*. All folders are on one file system."""
    moved: list[tuple[Path, Path]] = []
    try:
        others = [name for name in (PAGE, *FILES) if (new_dir / name).exists()]
        for name in (*FOLDERS, *others):
            path = _path_of(package, name)
            for source, target in ((path, backup_dir / name), (new_dir / name, path)):
                if source.exists():
                    target.parent.mkdir(exist_ok=True)
                    source.rename(target)
                    moved.append((source, target))
    except BaseException:  # also Ctrl-C, after which the caller deletes both folders
        for source, target in reversed(moved):
            target.rename(source)
        raise


def _path_of(package: Path, name: str) -> Path:
    """Return the path of a generated folder or of the page."""
    return (package.parent if name == PAGE else package) / name


def remove(folder: Path) -> None:
    """Delete a folder with its content."""
    shutil.rmtree(folder, ignore_errors=True)
