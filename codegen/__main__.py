"""Run the generator: `python -m codegen [--check] [--document PATH] [--output PATH]`.

`python -m codegen lint [--document PATH]` checks a document against the rules of this project, which no run of the generator needs.

Problems, differences and notes on what is passed over are printed to stderr, one a line.

Exit status 0: done, or no differences. 1: `--check` found differences. 2: the document cannot be used, or `lint` found problems;
nothing was written.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from codegen import output
from codegen.errors import CodegenError, NoteCollector, Problem
from codegen.ir.build import build_ir
from codegen.ir.fake import fake_behaviour
from codegen.lint.run import lint, lint_overlay
from codegen.parser.run import parse
from codegen.parser.validation import validate_openapi
from codegen.render import render
from codegen.spec.document import Document, child_pointer
from codegen.spec.loader import read
from codegen.spec.overlay import apply_overlay

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "openapi" / "cstar.yaml"
FAKE = "fake.yaml"
"""The overlay with the behaviour of the fake server, in the folder of the document."""
PACKAGE = ROOT / "cstar_async"

DONE, DIFFERENT, REFUSED = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    given = _parser().parse_args(arguments)
    try:
        if given.command == "lint":
            return _lint(given.document)
        return _check(given.document, given.output) if given.check else _write(given.document, given.output)
    except CodegenError as error:
        for problem in error.problems:
            sys.stderr.write(f"{problem}\n")
        return REFUSED


def _lint(path: Path) -> int:
    document = Document(read(path))
    validate_openapi(document.raw)
    lint(document)
    overlay = path.with_name(FAKE)
    if overlay.is_file():
        lint_overlay(document, Document(apply_overlay(document.raw, read(overlay), name=overlay.name)))
    return DONE


def generate(document: Path, folder: Path) -> None:
    """Write the output for a document into an empty folder, and print its unused schemas."""
    raw = read(document)
    notes = NoteCollector()
    parsed = parse(raw, notes)
    code = build_ir(parsed)
    render(code, _fake_behaviour(Document(raw), document.with_name(FAKE)), folder)
    for name in code.unused_schemas:
        notes.add(child_pointer("#/components/schemas", name), f"no operation uses the schema `{name}`, so it has no class.")
    for line in notes.lines:
        sys.stderr.write(f"{line}\n")


def _fake_behaviour(document: Document, overlay: Path) -> dict[str, Any]:
    if not overlay.is_file():
        return fake_behaviour(document)
    return fake_behaviour(Document(apply_overlay(document.raw, read(overlay), name=overlay.name)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m codegen", description="Generate the models and methods of cstar_async.")
    parser.add_argument("command", nargs="?", choices=["lint"], help="check the document against the rules of this project only")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if the generated files are not up to date")
    parser.add_argument("--document", type=Path, default=DOCUMENT, help="the OpenAPI document (default: openapi/cstar.yaml)")
    parser.add_argument("--output", type=Path, default=PACKAGE, help="the package to write into (default: cstar_async)")
    return parser


def _check(document: Path, package: Path) -> int:
    with tempfile.TemporaryDirectory(prefix="codegen-") as name:
        generate(document, Path(name))
        lines = output.differences(Path(name), package)
    for line in lines:
        sys.stderr.write(f"{line}\n")
    return DIFFERENT if lines else DONE


def _write(document: Path, package: Path) -> int:
    with _staging_dir(package) as staging_dir:
        new_dir, backup_dir = staging_dir / "new", staging_dir / "backup"
        new_dir.mkdir()
        backup_dir.mkdir()
        generate(document, new_dir)
        try:
            output.replace_atomically(new_dir, package, backup_dir)
        except OSError as error:
            raise CodegenError([Problem(str(package), f"the output cannot be written: {error.strerror}.")]) from None
    return DONE


@contextmanager
def _staging_dir(package: Path) -> Generator[Path]:
    """Create a folder beside the output, because renaming must not cross file systems."""
    try:
        folder = Path(tempfile.mkdtemp(prefix=".codegen-", dir=package))
    except OSError as error:
        raise CodegenError([Problem(str(package), f"the output cannot be written: {error.strerror}.")]) from None
    try:
        yield folder
    finally:
        output.remove(folder)


if __name__ == "__main__":
    sys.exit(main())
