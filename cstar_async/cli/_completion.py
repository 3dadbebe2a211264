"""The options `--show-completion` and `--install-completion`, for the shell that is named, or else for the one that is used.

Also the commands that parse themselves, as the framework has to know them to complete their options.
"""

from __future__ import annotations

import argparse
import inspect
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import PurePath
from typing import Any, Final, cast

import typer

from cstar_async.cli._errors import SUCCESS, UsageError

COMPLETION_OPTIONS: Final = ("--show-completion", "--install-completion")
_SUBCOMMANDS: Final = ("adopt", "diff", "drift")
"""Commands of `codegen` with parsers of their own."""
_SHELLS: Final = ("bash", "zsh", "fish", "powershell", "pwsh")


def complete(option: str, given: Sequence[str], program: str, variable: str) -> int:
    """Show the script that completes commands, or install it, and return the exit code.

    *given* is what follows the option. The script asks the program for words with an environment *variable*.
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


def completable(name: str, words: Sequence[str]) -> Callable[..., None]:
    """Return a function with the signature of a command that parses itself, for the framework to complete. It is not run.

    *words* is the command line after the name, complete or not.
    """
    from cstar_async.cli import _codegen, _serve

    def listed(**_: object) -> None:
        """Do nothing."""

    parser = _serve.new_parser() if name == "serve" else _codegen.new_parser(words)
    actions = cast("list[argparse.Action]", vars(parser)["_actions"])  # argparse has no other list of them
    parameters = [_parameter(one) for one in actions if one.default != argparse.SUPPRESS]
    if words and words[0] in _SUBCOMMANDS:  # a word that the parser of a subcommand does not know
        parameters.insert(0, inspect.Parameter("_subcommand", inspect.Parameter.KEYWORD_ONLY, annotation=str))
    vars(listed)["__signature__"] = inspect.Signature(parameters)
    return listed


def _parameter(action: argparse.Action) -> inspect.Parameter:
    choices = [str(one) for one in action.choices or ()]
    completion = (lambda: choices) if choices else None
    if action.option_strings:
        default: Any = typer.Option(None, *action.option_strings, help=action.help, autocompletion=completion)
    else:
        default = typer.Argument(None, help=action.help, autocompletion=completion)
    is_repeated = action.option_strings or action.nargs in {"*", "+"}
    annotation: Any = bool | None if action.nargs == 0 else list[str] | None if is_repeated else str | None
    return inspect.Parameter(action.dest, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
