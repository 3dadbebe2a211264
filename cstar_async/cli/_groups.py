"""Groups and the class of commands, apart from the commands: the help of the program imports neither these nor the client."""

from __future__ import annotations

from typing import Any, Final

import typer
from typer.core import TyperCommand

from cstar_async.cli._docstrings import first_sentence

LIBRARY: Final = "library"
"""The command of the public library, whose client needs no key."""


class Command(TyperCommand):
    """A command whose help is no table of rich: that would cut the names of options in a narrow terminal.

    It has no column of defaults. Help texts state those that are not obvious.
    """

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **{**settings, "rich_markup_mode": None})
        for parameter in self.params:
            vars(parameter)["show_default"] = False


def new_group(app: typer.Typer, name: str, description: str, panel: str | None = None) -> typer.Typer:
    """Add a group of commands that shows its help when none is given."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")
    app.add_typer(group, name=name.replace("_", "-"), help=first_sentence(description), rich_help_panel=panel)
    return group
