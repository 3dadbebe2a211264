"""Help texts from the docstrings of generated functions."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Collection
from typing import Any, Final

import attrs

_ARGUMENT: Final = re.compile(r"^    (\w+): (.*(?:\n {8}.*)*)", re.MULTILINE)
_EXTRA_BODY: Final = "options=RequestOptions(extra_body={…})"
_CODE: Final = re.compile(r"`+([^`]+)`+")


@attrs.frozen
class Documentation:
    """The parts of a docstring that a command shows."""

    text: str
    """Summary, request line and details."""
    arguments: dict[str, str]
    """The description of each argument."""
    is_open: bool
    """Whether the body may have fields that are no arguments."""


def read_docstring(function: Callable[..., Any], names: Collection[str]) -> Documentation:
    """Return the documentation of a generated function. The names of its arguments are shown as options."""
    sections = (inspect.getdoc(function) or "").split("\n\n")
    paragraphs: list[str] = []
    arguments: dict[str, str] = {}
    for section in sections:
        head, _, rest = section.partition("\n")
        if head == "Args:":
            arguments = {name: _plain(text, names) for name, text in _ARGUMENT.findall(rest)}
        if head.endswith(":") and head[:-1].isalpha():
            break
        paragraphs.append(_plain(section, names))
    text = "\n\n".join(paragraphs)
    return Documentation(text.replace(_EXTRA_BODY, "--input"), arguments, is_open=_EXTRA_BODY in text)


def option_name(name: str) -> str:
    """Return the option of an argument: `--page-size` for `page_size`."""
    return "--" + name.strip("_").replace("_", "-")


def first_sentence(text: str) -> str:
    """Return the first sentence of a docstring."""
    return " ".join(text.split()).partition(". ")[0].rstrip(".") + "."


def _plain(text: str, names: Collection[str]) -> str:
    """Return one line with options instead of arguments, and with the words of JSON instead of those of Python."""

    def code(match: re.Match[str]) -> str:
        word = match.group(1)
        if word in names:
            return option_name(word)
        return {"None": "null", "True": "true", "False": "false"}.get(word, word)

    return _CODE.sub(code, " ".join(text.split()))
