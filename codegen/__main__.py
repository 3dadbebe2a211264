"""Run the generator: `python -m codegen [--check] [--document PATH] [--output PATH]`.

The types of the new code are checked with mypy before it replaces the old one; `--no-type-check` leaves that out.

`python -m codegen lint [--document PATH]` checks a document against the rules of this project, which no run of the generator needs.
`python -m codegen adopt NEW` goes to a document that the owner of the API has published.
`python -m codegen diff OLD NEW` prints what changes from one document to another. `python -m codegen release` keeps what callers
use of this release, to compare the next one with. `python -m codegen drift FILE…` merges the overlays that
`DriftCounter.report(format="overlay")` proposes, and prints one without what the document has already.

Problems, differences and notes on what is passed over are printed to stderr, one a line.

Exit status 0: done, or no differences. 1: `--check` found differences, or `diff` found what breaks callers. 2: the document cannot
be used, the types of its code are wrong, or `lint` found problems; nothing was written. 130: Ctrl-C; nothing was written.
"""

from __future__ import annotations

import argparse
import keyword
import os
import sys
import tempfile
import traceback
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from codegen import naming as names
from codegen import output
from codegen.adopt import command as adopt
from codegen.diff import command as diff
from codegen.diff.deprecation import with_deprecated
from codegen.diff.surface import PythonSurface, surface_of
from codegen.errors import CodegenError, NoteCollector, Problem, ProblemCollector, in_one_line
from codegen.ir.build import build_ir
from codegen.ir.client import client_spec, extended_client_spec, service_spec
from codegen.ir.extension import extension, note_what_stays
from codegen.ir.fake import fake_behaviour
from codegen.lint.run import lint, lint_overlay
from codegen.parser.run import parse
from codegen.parser.validation import validate_openapi
from codegen.render import Target, render
from codegen.spec.document import Document, child_pointer
from codegen.spec.drift import merge_overlays
from codegen.spec.loader import read
from codegen.spec.overlay import apply_overlay, read_overlaid
from codegen.type_check import check_types

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
IS_INSTALLED = HERE.name != "codegen"
"""Whether this is the copy in an installed package, `cstar_async/_codegen`, which writes packages of others only."""
DOCUMENT = (HERE if IS_INSTALLED else ROOT) / "openapi" / "cstar.yaml"
FAKE = "fake.yaml"
"""The overlay with the behaviour of the fake server, in the folder of the document."""
PACKAGE = ROOT if IS_INSTALLED else ROOT / "cstar_async"
COMMAND = "cstar-async codegen" if IS_INSTALLED else "python -m codegen"

DONE, DIFFERENT, REFUSED, INTERRUPTED = 0, 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    try:
        status = _run(sys.argv[1:] if arguments is None else arguments)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader of the output, such as `head`, has ended
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return REFUSED
    except KeyboardInterrupt:
        return INTERRUPTED
    return status


def _run(arguments: Sequence[str]) -> int:
    try:
        if arguments[:1] == ["diff"]:
            return diff.main(arguments[1:], DOCUMENT, COMMAND)
        if arguments[:1] == ["drift"]:
            return _merge(arguments[1:])
        if arguments[:1] == ["adopt"]:
            return adopt.main(arguments[1:], DOCUMENT, COMMAND)
        given = _parser().parse_args(arguments)
        if given.command == "lint":
            return _lint(given.document, given.overlay)
        if given.command == "release":
            return diff.release(given.document)
        if given.output is None:
            raise CodegenError([Problem("--output", "name the folder of the package to write, such as `--output our_cstar`.")])
        return _check(given) if given.check else _write(given)
    except CodegenError as error:
        for problem in error.problems:
            sys.stderr.write(f"{problem}\n")
        return REFUSED
    except BrokenPipeError:
        raise
    except OSError as error:  # such as a full disk
        sys.stderr.write(f"{in_one_line(f'a file cannot be read or written: {error.strerror}: {error.filename}')}\n")
        return REFUSED


def _lint(path: Path, overlays: Sequence[Path]) -> int:
    problems = ProblemCollector()
    document = Document(read_overlaid(path, overlays, problems.add))
    validate_openapi(document.raw)
    lint(document, has_overlays=bool(overlays))
    fake = path.with_name(FAKE)
    if fake.is_file():
        lint_overlay(document, Document(apply_overlay(document.raw, read(fake), name=fake.name, report=problems.add)))
    problems.raise_if_any()
    return DONE


def _merge(arguments: Sequence[str]) -> int:
    given = _drift_parser().parse_args(arguments)
    notes = NoteCollector()
    actions = merge_overlays(read(given.document), given.overlays, notes.add)
    if actions:
        info = {"title": "Observed differences", "version": "1"}
        overlay = {"overlay": "1.0.0", "info": info, "extends": given.document.name, "actions": actions}
        sys.stdout.write(yaml.safe_dump(overlay, sort_keys=False, allow_unicode=True, width=120))
    else:
        notes.add(given.document.name, "the document has all of it already.")
    for line in notes.lines:
        sys.stderr.write(f"{line}\n")
    return DONE


def generate(
    document: Path,
    folder: Path,
    *,
    overlays: Sequence[Path] = (),
    package: str = PACKAGE.name,
    client: str | None = None,
    package_dir: Path | None = None,
    last: Path | None = None,
    deprecate: Path | None = None,
) -> PythonSurface:
    """Write the output for a document into an empty folder, print what was passed over, and return what callers use of it.

    Args:
        document: The document.
        folder: The empty folder.
        overlays: Overlays to apply to it, in order.
        package: The name under which the output is imported. `cstar_async` has clients of its own.
        client: The name of the client class of any other package. None: made from the title of the document.
        package_dir: The package that the output is for, with which its types are checked. None: they are not checked.
        last: The package with the last output, whose names stay.
        deprecate: An earlier document. What only it has is kept, as deprecated.
    """
    notes = NoteCollector()
    raw = read_overlaid(document, overlays, notes.add)
    is_sdk = package == PACKAGE.name
    is_extension = not is_sdk and document.resolve() == DOCUMENT
    with _report_faults(document.name):
        kept = output.names_in(PACKAGE) if is_extension else {}
        kept |= output.names_in(last) if last else {}
        parsed = parse(raw, notes, is_sdk=is_sdk or is_extension, is_extended=is_extension, kept=kept)
        earlier = parse(read(deprecate), NoteCollector(), is_sdk=parsed.is_sdk) if deprecate else None
        deprecated = with_deprecated(parsed, earlier, notes) if earlier else None
        parsed = deprecated.document if deprecated else parsed
        code = build_ir(parsed)
    fake = _fake_behaviour(Document(raw), document.with_name(FAKE), notes) if is_sdk or is_extension else {}
    for name, source in deprecated.aliases.items() if deprecated and fake else ():
        fake["operations"][name] = fake["operations"].get(source, {})
    if is_sdk:
        target = Target(package=package, source=f"openapi/{DOCUMENT.name}", service=service_spec(parsed))
    elif is_extension:
        with _report_faults(document.name):
            base = parse(read(document), NoteCollector(), kept=output.names_in(PACKAGE))
            added = extension(code, build_ir(base), package, notes)
        note_what_stays(parsed, base, notes)
        sources = " and ".join(path.name for path in (document, *overlays))
        target = Target(package=package, source=sources, client=extended_client_spec(package, client), extension=added)
    else:
        target = Target(package=package, source=document.name, client=client_spec(parsed, client, notes))
    render(target.extension.code if target.extension else code, fake, folder, target)
    unused = Document(raw).unused_schemas()
    for name in (name for name in code.unused_schemas if name in unused):
        notes.add(child_pointer("#/components/schemas", name), f"no operation uses the schema `{name}`, so it has no class.")
    for line in notes.lines:
        sys.stderr.write(f"{line}\n")
    if package_dir is not None:
        places = {operation.id: operation.pointer for operation in parsed.operations}
        places |= {name: place for model, place in parsed.places.items() for name in (model, names.decoder(model))}
        check_types(folder, package_dir, PACKAGE, places)
    return surface_of(parsed, code, None if target.extension else target.client)


@contextmanager
def _report_faults(name: str) -> Generator[None]:
    """Raise `CodegenError` for a fault of the generator, which the user can report but not fix."""
    try:
        yield
    except CodegenError:
        raise
    except Exception as error:
        place = Path(traceback.extract_tb(error.__traceback__)[-1].filename).name
        message = f"the generator failed in {place} with {type(error).__name__}; this is a fault of the generator."
        raise CodegenError([Problem(name, message)]) from error


def _fake_behaviour(document: Document, overlay: Path, notes: NoteCollector) -> dict[str, Any]:
    if not overlay.is_file():
        return fake_behaviour(document)
    return fake_behaviour(Document(apply_overlay(document.raw, read(overlay), name=overlay.name, report=notes.add)))


def new_parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    """Return the parser of what these arguments begin with, for the completion of shells."""
    match arguments[:1]:
        case ["diff"]:
            return diff.new_parser(COMMAND)
        case ["drift"]:
            return _drift_parser()
        case ["adopt"]:
            return adopt.new_parser(DOCUMENT, COMMAND)
        case _:
            return _parser()


def _drift_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"{COMMAND} drift", description="Merge proposed overlays, and print the result.")
    parser.add_argument("overlays", nargs="+", type=Path, metavar="FILE", help="an overlay, in JSON or YAML")
    parser.add_argument("--document", type=Path, default=DOCUMENT, help="the OpenAPI document (default: openapi/cstar.yaml)")
    return parser


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=COMMAND, description="Generate the models and methods of cstar_async.")
    parser.add_argument(
        "command",
        nargs="?",
        choices=["lint", "diff", "drift", "adopt", "release"],
        help="lint: check the rules of this project; diff: compare two documents; drift: merge overlays of observers; "
        "adopt: go to a published document; release: keep what callers use of this one",
    )
    parser.add_argument(
        "--deprecate", type=Path, metavar="OLD", help="an earlier document: keep what only it has for a release, as deprecated"
    )
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if the generated files are not up to date")
    parser.add_argument("--document", type=Path, default=DOCUMENT, help="the OpenAPI document (default: openapi/cstar.yaml)")
    parser.add_argument(
        "--overlay",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="an OpenAPI overlay to apply to the document; may be repeated, and is applied in this order",
    )
    parser.add_argument(
        "--output",
        type=output.folder_of,
        default=None if IS_INSTALLED else PACKAGE,
        help="the folder of the package to write" + ("" if IS_INSTALLED else " (default: cstar_async)"),
    )
    parser.add_argument(
        "--no-type-check", dest="checks_types", action="store_false", help="write the new code without checking its types with mypy"
    )
    parser.add_argument("--client", help="the name of the client class of a package of its own (default: from the title)")
    return parser


def _generate(given: argparse.Namespace, folder: Path) -> PythonSurface:
    package, client = output.package_name(given.output), given.client
    if client is not None and (not client.isidentifier() or keyword.iskeyword(client)):
        raise CodegenError([Problem("--client", f"the name must be a Python identifier, got `{client}`.")])
    if client is not None and not names.is_client(client):
        raise CodegenError([Problem("--client", f"the name must be one that generated code does not use itself, got `{client}`.")])
    package_dir = given.output if given.checks_types else None
    return generate(
        given.document,
        folder,
        overlays=given.overlay,
        package=package,
        client=client,
        package_dir=package_dir,
        last=given.output,
        deprecate=given.deprecate,
    )


def _refuse_foreign_files(package: Path) -> None:
    """Refuse to replace files of a package that the generator has not written."""
    for path in (package / name for name in ("__init__.py", "client.py") if package.name != PACKAGE.name):
        is_there = os.path.isfile(path)  # noqa: PTH113  # the method raises for a name that is too long
        if is_there and "Generated by `python -m codegen`" not in path.read_text("utf-8", "replace"):
            raise CodegenError([Problem(str(path), "this file was not generated; choose another folder, or move it away.")])


def _check(given: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory(prefix="codegen-") as name:
        _generate(given, Path(name))
        lines = output.differences(Path(name), given.output)
    for line in lines:
        sys.stderr.write(f"{line}\n")
    return DIFFERENT if lines else DONE


def _write(given: argparse.Namespace) -> int:
    package = output.package_name(given.output)
    _refuse_foreign_files(given.output)
    with _staging_dir(given.output) as staging_dir:
        new_dir, backup_dir = staging_dir / "new", staging_dir / "backup"
        new_dir.mkdir()
        backup_dir.mkdir()
        surface = _generate(given, new_dir)
        try:
            output.replace_atomically(new_dir, given.output, backup_dir)
        except OSError as error:
            raise CodegenError([Problem(str(given.output), f"the output cannot be written: {error.strerror}.")]) from None
    if package == PACKAGE.name:
        diff.write_changes(given.document, surface)
    return DONE


@contextmanager
def _staging_dir(package: Path) -> Generator[Path]:
    """Create a folder beside the output, because renaming must not cross file systems."""
    missing = [folder for folder in (package, *package.parents) if not os.path.lexists(folder)]
    try:
        package.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=".codegen-", dir=package))
    except OSError as error:
        raise CodegenError([Problem(str(package), f"the output cannot be written: {error.strerror}.")]) from None
    try:
        yield folder
    finally:
        output.remove(folder)
        for made in missing:
            if not any(made.iterdir()):
                made.rmdir()


if __name__ == "__main__":
    sys.exit(main())
