"""The options `--show-completion` and `--install-completion`, for the shell that is named, or else for the one that is used."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import PurePath
from typing import Final

from cstar_async.cli._errors import SUCCESS, UsageError

COMPLETION_OPTIONS: Final = ("--show-completion", "--install-completion")
_SHELLS: Final = ("bash", "zsh", "fish", "powershell", "pwsh")


def complete(option: str, given: Sequence[str], program: str, variable: str) -> int:
    """Show the script that completes commands, or install it.

    Args:
        option: One of `COMPLETION_OPTIONS`.
        given: What follows the option.
        program: The name of the program.
        variable: The variable with which the script asks the program.

    Returns:
        The exit code.

    Raises:
        UsageError: The shell is not known, or has no script.
    """
    shells = [shell for shell in given or _likely_shells() if shell in _SHELLS]
    if len(given) > 1 or not shells:
        raise UsageError(
            f"{option} must be followed by one of {', '.join(_SHELLS)}" + (f", got {' '.join(given)}" if given else "")
        )
    completion = import_module("typer.completion")
    if option == COMPLETION_OPTIONS[0]:
        script = completion.get_completion_script(prog_name=program, complete_var=variable, shell=shells[0])
        sys.stdout.write(f"{script}\n")
        return SUCCESS
    try:
        shell, path = completion.install(shell=shells[0], prog_name=program, complete_var=variable)
    except (RuntimeError, subprocess.SubprocessError) as error:
        raise UsageError(
            f"the script cannot be installed ({error}); write the output of {COMPLETION_OPTIONS[0]} to a file"
        ) from None
    sys.stdout.write(f"The completion of {shell} is in {path}. It works in new terminals.\n")
    return SUCCESS


def _likely_shells() -> Iterator[str]:
    """Yield the name of the shell that started this program, where there is one, and that of the user's own shell."""
    detection = import_module("shellingham")
    with suppress(detection.ShellDetectionFailure):
        yield detection.detect_shell()[0]
    yield PurePath(os.environ.get("SHELL", "")).name
