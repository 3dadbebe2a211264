"""The command `codegen`, which the generator itself parses."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType

from cstar_async.cli._errors import FAILURE
from cstar_async.cli._interrupts import raising_interrupts


def codegen(arguments: Sequence[str]) -> int:
    """Run the generator, and return its exit code. The arguments are those after `codegen`."""
    try:
        generator = _generator()
    except ModuleNotFoundError as error:
        sys.stderr.write(f"the generator requires {error.name}, which is not installed: pip install 'cstar-async[codegen]'\n")
        return FAILURE
    run: Callable[[Sequence[str]], int] = generator.main
    with raising_interrupts():
        return run(arguments)


def new_parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    """Return the parser of the generator for a command line, to complete it; an empty one if the generator is not installed."""
    try:
        new: Callable[[Sequence[str]], argparse.ArgumentParser] = _generator().new_parser
    except ModuleNotFoundError:
        return argparse.ArgumentParser()
    return new(arguments)


def _generator() -> ModuleType:
    """Return the generator: in the wheel a part of this package, in the source tree the package beside it."""
    is_installed = Path(__file__).parent.with_name("_codegen").is_dir()
    return import_module("cstar_async._codegen.__main__" if is_installed else "codegen.__main__")
