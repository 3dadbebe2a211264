"""Compare two documents, or a document with what the last release had."""

from __future__ import annotations

from pathlib import Path

from codegen.diff.api_changes import api_changes
from codegen.diff.changes import Change
from codegen.diff.python_changes import python_changes
from codegen.diff.side import Side
from codegen.diff.surface import surface_of
from codegen.errors import CodegenError, NoteCollector
from codegen.ir.build import build_ir
from codegen.ir.client import client_spec
from codegen.parser.run import parse
from codegen.spec.document import Node
from codegen.spec.loader import read


def diff(old: Path, new: Path) -> list[Change]:
    """Return the changes from one document to another. Raises `CodegenError` for a document that cannot be read."""
    before, after = read(old), read(new)
    try:
        sides = side(before, is_sdk=True), side(after, is_sdk=True)
    except CodegenError:  # the hand-written client cannot read one of them, so both become packages of their own
        sides = side(before, is_sdk=False), side(after, is_sdk=False)
    return compare(*sides)


def compare(old: Side, new: Side) -> list[Change]:
    """Return the changes between two parsed documents."""
    return [*api_changes(old, new), *python_changes(old.surface, new.surface)]


def side(raw: Node, *, is_sdk: bool) -> Side:
    """Parse a document, and collect what Python callers see of it."""
    notes = NoteCollector()
    document = parse(raw, notes, is_sdk=is_sdk)
    client = None if is_sdk else client_spec(document, None, notes)
    return Side(document=document, surface=surface_of(document, build_ir(document), client))
