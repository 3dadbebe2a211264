"""The application: hand-written commands, and a group for each namespace of the client.

The commands of a namespace are made only if the command line, or what the shell completes, names it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Final

import typer

from cstar_async._redaction import redact_secrets
from cstar_async.api._namespaces import ClientNamespaces
from cstar_async.cli._errors import SUCCESS, UsageError, report
from cstar_async.errors import CStarError

_NAME: Final = "cstar-async"
_OTHERS: Final = {
    "serve": "Run a fake cStar server on this machine.",
    "codegen": "Generate a package from the OpenAPI document and your overlays.",
}
"""Commands that `cstar_async.cli` runs without the framework. They are here for the help and the completion."""
_COMPLETE: Final = "_CSTAR_ASYNC_COMPLETE"


def run(arguments: Sequence[str]) -> int:
    """Run a command that needs the framework.

    Args:
        arguments: The command line without the program name.

    Returns:
        The exit code.
    """
    words = [*arguments, *os.environ.get("COMP_WORDS", "").split()] if _COMPLETE in os.environ else arguments
    app = _build(set(words))
    try:
        code = app(list(arguments) or ["--help"], prog_name=_NAME, standalone_mode=False)
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        sys.stderr.write(f"error: {redact_secrets(error.format_message())}\n")
        if context is not None:
            sys.stderr.write(f"Try '{context.command_path} --help'.\n")
        return error.exit_code
    except (CStarError, UsageError) as error:
        return report(error)
    return code if isinstance(code, int) else SUCCESS


def _build(words: set[str]) -> typer.Typer:
    """Return the application, with the commands of those namespaces that *words* name."""
    from cstar_async.cli._operations import LIBRARY, add_namespace, new_group

    app = typer.Typer(
        help="The command line of cStar. It reads CSTAR_API_KEY, CSTAR_TEAM_ID and CSTAR_BASE_URL.",
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        no_args_is_help=True,
    )
    for name, description in _OTHERS.items():
        app.command(name, help=description, rich_help_panel="Commands")(_run_directly)
    groups = {
        name: new_group(app, name, member.__doc__ or "", "Operations")
        for name, member in vars(ClientNamespaces).items()
        if not name.startswith("_")
    }
    for name, group in groups.items():
        if name.replace("_", "-") in words:
            add_namespace(group, getattr(ClientNamespaces, name), (name,))
    library = new_group(app, LIBRARY, "The public knowledge base of a team, without a key.", "Operations")
    if LIBRARY in words:
        from cstar_async.api.library import LibraryNamespace

        add_namespace(library, LibraryNamespace, (LIBRARY,))
    return app


def _run_directly() -> None:
    """Do nothing: the command was run before."""
