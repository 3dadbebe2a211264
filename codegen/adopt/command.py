"""Run `python -m codegen adopt NEW`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from codegen.adopt.run import Adoption, adopt
from codegen.diff.report import as_text
from codegen.errors import CodegenError, NoteCollector, Problem
from codegen.parser.run import parse
from codegen.spec.document import Node
from codegen.spec.loader import read
from codegen.spec.overlay import read_overlaid

_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def main(arguments: Sequence[str], document: Path, command: str) -> int:
    """Show what becomes of a new document, or write it; return the exit status.

    Args:
        arguments: The arguments of the command.
        document: The document of this package.
        command: How the generator is called.
    """
    given = new_parser(document, command).parse_args(arguments)
    notes = NoteCollector()
    present, new = read_overlaid(given.document, given.overlay, notes.add), read(given.new)
    parse(new, notes, is_sdk=False)
    found = adopt(present, new, given.new.name, keeps_texts=given.texts == "present")
    sys.stdout.write("".join(f"{line}\n" for line in _lines(found)))
    sys.stdout.write(as_text(found.changes))
    if given.write:
        for path in _write(found, given.document):
            sys.stdout.write(f"Written: {path}\n")
    return 0


def new_parser(document: Path, command: str) -> argparse.ArgumentParser:
    """Return the parser of the arguments of `adopt`."""
    description = "Show what becomes of names, evidence and callers with a document that the owner of the API has published."
    parser = argparse.ArgumentParser(prog=f"{command} adopt", description=description)
    parser.add_argument("new", type=Path, help="the published OpenAPI document")
    parser.add_argument("--write", action="store_true", help="take all defaults: write the overlay, and the document with it")
    parser.add_argument("--document", type=Path, default=document, help="the present document (default: openapi/cstar.yaml)")
    parser.add_argument(
        "--overlay", type=Path, action="append", default=[], metavar="FILE", help="an overlay of the present document"
    )
    parser.add_argument("--texts", choices=["present", "new"], default="present", help="which summaries and descriptions to take")
    return parser


def _lines(found: Adoption) -> Iterator[str]:
    yield f"Decided ({len(found.decided)}):"
    yield from (f"  - {text}" for text in found.decided)
    yield f"To decide ({len(found.decisions)}), each with the default that --write takes:"
    for number, one in enumerate(found.decisions, 1):
        yield f"  {number}. {one.name}: {one.question} [{one.place}]"
        yield f"     default: {one.default}, because {one.reason}"
    yield "Changes with these defaults:"


def _write(found: Adoption, document: Path) -> Iterator[Path]:
    """Write the overlay and the document with it, and yield their paths."""
    overlay, fake = document.with_name(f"{document.stem}.overlay.yaml"), document.with_name("fake.yaml")
    texts = {overlay: _yaml(found.overlay), document: _comments(document) + _yaml(found.document)}
    if fake.is_file() and found.classes:
        text = fake.read_text(encoding="utf-8")
        for name, other in found.classes.items():
            text = text.replace(f"$.components.schemas.{name}\n", f"$.components.schemas.{other}\n")
            text = text.replace(f"$.components.schemas.{name}.", f"$.components.schemas.{other}.")
        texts[fake] = text
    for path, text in texts.items():
        try:
            path.write_text(text, encoding="utf-8", newline="\n")
        except OSError as error:
            raise CodegenError([Problem(str(path), f"the file cannot be written: {error.strerror}.")]) from None
        yield path


def _yaml(node: Node) -> str:
    return str(yaml.dump(node, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110))


def _comments(document: Path) -> str:
    """Return the comments at the top of the present document, which explain its extensions."""
    if document.suffix == ".json":
        return ""
    lines = document.read_text(encoding="utf-8").splitlines(keepends=True)
    count = next((index for index, line in enumerate(lines) if not line.startswith("#")), 0)
    return "".join(lines[:count])
