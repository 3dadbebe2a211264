"""Show the source as callers use it. griffe, which reads the source for mkdocstrings, loads this file as its extension."""

from __future__ import annotations

import re
import textwrap
from typing import Any

import griffe

EXAMPLE = re.compile(r"^Example:\n((?:    .*\n|\n)+)", re.MULTILINE)
LITERAL = re.compile(r"^::\n\n((?:    .*(?:\n|\Z)|\n)+)", re.MULTILINE)


class Methods(griffe.Extension):
    """Show the functions of a namespace as its methods, and code in docstrings as code."""

    def on_instance(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Put the code of a docstring into fences."""
        if obj.docstring:
            text = EXAMPLE.sub(_example, f"{obj.docstring.value}\n")
            obj.docstring.value = LITERAL.sub(lambda found: _fenced(found[1]), text).rstrip("\n")

    def on_class(self, *, cls: griffe.Class, **kwargs: Any) -> None:
        """Replace each `create = create_ticket` of a namespace by a method with the arguments of the function."""
        if not cls.name.endswith("Namespace"):
            return
        for name, member in list(cls.members.items()):
            function = cls.module.members.get(str(getattr(member, "value", None)))
            if member.is_attribute and isinstance(function, griffe.Function):
                cls.set_member(name, _method(name, function, member))


def _example(found: re.Match[str]) -> str:
    return f"**Example:**\n\n{_fenced(found[1].replace('client.', 'cstar.'))}"


def _fenced(code: str) -> str:
    return f"```python\n{textwrap.dedent(code).strip()}\n```\n\n"


def _method(name: str, function: griffe.Function, attribute: griffe.Object | griffe.Alias) -> griffe.Function:
    """Return the function under the name of the method, without the argument for the client."""
    return griffe.Function(
        name,
        lineno=attribute.lineno,
        endlineno=attribute.endlineno,
        parameters=griffe.Parameters(*(parameter for parameter in function.parameters if parameter.name != "client")),
        returns=function.returns,
        docstring=function.docstring,
    )
