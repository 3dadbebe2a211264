"""The application: hand-written commands, and a group for each namespace of the client.

The commands of a namespace are made only if the command line, or what the shell completes, names it.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Final

import typer

from cstar_async._values.redaction import redact_secrets
from cstar_async.api._namespaces import ClientNamespaces
from cstar_async.cli._completion import COMPLETION_OPTIONS, completable, complete
from cstar_async.cli._errors import MEANINGS, SUCCESS, UsageError, report
from cstar_async.cli._groups import LIBRARY, Command, new_group
from cstar_async.errors import CStarError, UnknownValueWarning

_NAME: Final = "cstar-async"
_COMMANDS: Final = {
    "whoami": ("_commands", "Show the team and the type of the API key in use."),
    "doctor": ("_doctor", "Check key, team, connection, rate limit, clock and versions."),
    "limits": ("_commands", "Show the rate limit of the key."),
    "api": ("_api", "Call any path of the API."),
    "export": ("_export", "Write all items of a list to a file."),
    "import": ("_import", "Create customers, tickets or articles from a file."),
    "sync": ("_sync", "Keep a local copy of tickets, customers, articles and messages."),
    "listen": ("_listen", "Print the events of the team as they happen."),
    "trigger": ("_commands", "Send a sample event to each webhook that subscribes to its type."),
    "serve": (None, "Run a fake cStar server on this machine."),
    "codegen": (None, "Generate a package from the OpenAPI document and your overlays."),
}
"""The module of each command, and its line in the help. Those without a module are run by `cstar_async.cli`."""
_ADDED: Final = {"tickets": ("reply", "close"), "webhooks": ("verify",)}
"""Commands of `_commands` in a namespace."""
_MAX_RECURSION: Final = 5000
"""Enough for a value of 1,024 levels, the limit of the parser."""
_COMPLETE: Final = "_CSTAR_ASYNC_COMPLETE"
_COMPLETED: Final = ("COMP_WORDS", "_TYPER_COMPLETE_ARGS")
"""Variables with the command line that a shell completes: of bash, and of the others."""


def run(arguments: Sequence[str]) -> int:
    """Run a command that needs the framework, and return its exit code."""
    completed = [word for name in _COMPLETED for word in os.environ.get(name, "").split()][1:] if _COMPLETE in os.environ else []
    app = _build({*arguments, *completed}, completed)
    try:
        with _deep_recursion(), warnings.catch_warnings():
            warnings.simplefilter("default", UnknownValueWarning)
            warnings.showwarning = _show_warning
            if arguments and arguments[0] in COMPLETION_OPTIONS:
                return complete(arguments[0], arguments[1:], _NAME, _COMPLETE)
            code = app(list(arguments) or ["--help"], prog_name=_NAME, standalone_mode=False)
    except typer.TyperException as error:
        message = redact_secrets(error.format_message())
        if message:  # there is none where the help of a group was printed, because no command was given
            context = getattr(error, "ctx", None)
            sys.stderr.write(f"error: {message}\n" + (f"Try '{context.command_path} --help'.\n" if context is not None else ""))
        return error.exit_code
    except SystemExit as ending:
        # The framework ends so when the reader of a pipe has stopped; another exit is that of the script of a shell.
        if isinstance(ending.__context__, BrokenPipeError):
            raise ending.__context__ from None
        raise
    except (CStarError, UsageError) as error:
        return report(error)
    return code if isinstance(code, int) else SUCCESS


@contextmanager
def _deep_recursion() -> Generator[None]:
    """Let Python write every value that the parser accepts, so that one item cannot stop a command for good."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, _MAX_RECURSION))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


def _build(words: set[str], completed: Sequence[str]) -> typer.Typer:
    """Return the application, with the commands and namespaces that *words* name, and the lines of all others in the help.

    *completed* is the command line to complete, if there is one; *words* has its words, too.
    """
    app = typer.Typer(
        help="The command line of cStar. It reads CSTAR_API_KEY, CSTAR_TEAM_ID and CSTAR_BASE_URL.",
        epilog=f"Exit codes: {'; '.join(f'{code} {meaning}' for code, meaning in MEANINGS.items())}.",
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
    )
    for name, (module, summary) in _COMMANDS.items():
        is_named = module is not None and name in words
        function = _function(module, name) if module is not None and is_named else _listed
        if module is None and completed[:1] == [name]:
            function = completable(name, completed[1:])
        app.command(name, cls=Command, help=None if is_named else summary, rich_help_panel="Commands")(function)
    for name, member in vars(ClientNamespaces).items():
        if name.startswith("_"):
            continue
        group = new_group(app, name, member.__doc__ or "", "Operations")
        if name.replace("_", "-") in words:
            from cstar_async.cli._operations import add_namespace

            add_namespace(group, getattr(ClientNamespaces, name), (name,))
            for added in _ADDED.get(name, ()):
                group.command(added, cls=Command)(_function("_commands", added))
    library = new_group(app, LIBRARY, "The public knowledge base of a team, without a key.", "Operations")
    if LIBRARY in words:
        from cstar_async.api.library import LibraryNamespace
        from cstar_async.cli._operations import add_namespace

        add_namespace(library, LibraryNamespace, (LIBRARY,))
    return app


def _function(module: str, name: str) -> Callable[..., None]:
    function: Callable[..., None] = getattr(import_module(f"cstar_async.cli.{module}"), name.replace("import", "import_"))
    return function


def _listed() -> None:
    """Do nothing: a command that is only listed is not run."""


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    sys.stderr.write(f"warning: {redact_secrets(str(message))}\n")
