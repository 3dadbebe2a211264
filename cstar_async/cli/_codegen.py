"""The command `codegen`, which the generator itself parses."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from cstar_async.cli._errors import FAILURE


def codegen(arguments: Sequence[str]) -> int:
    """Run the generator: in the wheel a part of this package, in the source tree the package beside it.

    Args:
        arguments: The command line after `codegen`.

    Returns:
        The exit code.
    """
    is_installed = Path(__file__).parent.with_name("_codegen").is_dir()
    try:
        generator = import_module("cstar_async._codegen.__main__" if is_installed else "codegen.__main__")
    except ModuleNotFoundError as error:
        sys.stderr.write(f"the generator requires {error.name}, which is not installed: pip install 'cstar-async[codegen]'\n")
        return FAILURE
    run: Callable[[Sequence[str]], int] = generator.main
    return run(arguments)
