"""Run `python -m codegen diff` and `python -m codegen release`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from codegen.diff.changes import Change
from codegen.diff.python_changes import python_changes
from codegen.diff.report import as_json, as_markdown, write_text
from codegen.diff.run import diff, side
from codegen.diff.snapshot import read_snapshot, snapshot_text
from codegen.diff.surface import PythonSurface
from codegen.spec.loader import read

SNAPSHOT = "surface.json"
"""What Python callers use of the last release, in the folder of the document."""

SAME, BREAKING = 0, 1


def main(arguments: Sequence[str], default: Path, command: str) -> int:
    """Compare two documents, or without them the document of this package with its last release; return the exit status.

    Args:
        arguments: The arguments of the command.
        default: The document of this package.
        command: How the generator is called.
    """
    parser = new_parser(command)
    given = parser.parse_args(arguments)
    if given.old and not given.new:
        parser.error("two documents are needed, OLD and NEW")
    changes = diff(given.old, given.new) if given.old else changes_since_release(default)
    if given.format == "text":
        write_text(changes, sys.stdout, ["api", "python"] if given.old else ["python"])
    else:
        sys.stdout.write(as_json(changes) if given.format == "json" else as_markdown(changes))
    return BREAKING if any(change.is_breaking for change in changes) else SAME


def new_parser(command: str) -> argparse.ArgumentParser:
    """Return the parser of the arguments of `diff`."""
    parser = argparse.ArgumentParser(prog=f"{command} diff", description="Print what changes from one document to another.")
    parser.add_argument("old", type=Path, nargs="?", help="an OpenAPI document; without any, what the last release had")
    parser.add_argument("new", type=Path, nargs="?", help="an OpenAPI document")
    parser.add_argument("--format", choices=["text", "markdown", "json"], default="text", help="text by default")
    return parser


def changes_since_release(document: Path) -> list[Change]:
    """Return how the Python surface of a document differs from that of the last release, which is kept beside it."""
    return python_changes(read_snapshot(document.with_name(SNAPSHOT)), side(read(document), is_sdk=True).surface)


def write_changes(document: Path, surface: PythonSurface) -> None:
    """Print how a surface differs from that of the last release, if it does and one is kept."""
    path = document.with_name(SNAPSHOT)
    if path.is_file() and (changes := python_changes(read_snapshot(path), surface)):
        sys.stdout.write("Changes of the Python surface since the last release:\n")
        write_text(changes, sys.stdout, ["python"])


def release(document: Path) -> int:
    """Write the surface of a document as that of the last release; return the exit status."""
    text = snapshot_text(side(read(document), is_sdk=True).surface)
    document.with_name(SNAPSHOT).write_text(text, encoding="utf-8", newline="\n")
    return SAME
