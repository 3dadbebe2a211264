"""Check the form of the texts with which the package refuses arguments, in all modules and not only where a test gets to."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
ERRORS: Final = frozenset({"InvalidArgumentError", "ConfigurationError"})
OTHER_CAUSES: Final = (
    "a publishable key can",
    "whoami returned no team",
    "CSTAR_API_KEY is not set",
    "cannot listen on",
    "the webhook of this delivery was deleted",
    "{} is an operation of {}; call it there",
    "{} could not be read",
    "{} was read before",
    "{} became shorter while it was sent",
)
"""How errors begin whose cause is a key, a file, an environment or a state, and no argument of another type or range."""


def _text(node: ast.expr, names: dict[str, str]) -> str:
    """Return the text of an expression. Values are `{}`, and names of constants their text."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return "".join(_text(value, names) for value in values)
        case ast.FormattedValue(value=ast.Name(id=name)) | ast.Name(id=name):
            return names.get(name, "{}")
        case ast.BinOp(left=left, right=right):
            return _text(left, names) + _text(right, names)
        case _:
            return "{}"


def texts(source: str) -> list[tuple[int, str]]:
    """Return the texts of all errors about arguments that a module makes, each with its line.

    Those that another function made are left out.
    """
    tree = ast.parse(source)
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ):
                names[name] = _text(value, {})
            case _:
                pass
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args]
    found = [
        (call.lineno, _text(call.args[0], names)) for call in calls if isinstance(call.func, ast.Name) and call.func.id in ERRORS
    ]
    return [(line, text) for line, text in found if text.replace("{}", "")]


FILES: Final = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in (ROOT / "cstar_async").rglob("*.py")
}
TEXTS: Final = {f"{name}:{line}": text for name, source in FILES.items() for line, text in texts(source)}


@pytest.mark.no_cover
def test_error_names_the_argument_what_it_must_be_and_what_it_is() -> None:
    """`<argument> must be <type or range>, got <value>`, and then what to do."""
    others = {place: text for place, text in TEXTS.items() if not re.search(r"^\S.* must (?:.*, got |\{\}$)", text)}

    assert len(TEXTS) > 80
    assert {} == {place: text for place, text in others.items() if not text.startswith(OTHER_CAUSES)}


def test_texts_of_a_module_are_found() -> None:
    """Also of constants, and of strings in parts; not a message that another function made."""
    source = 'A = "a"\nInvalidArgumentError(A)\nConfigurationError(f"{x} is {A}" "!")\nInvalidArgumentError(error.message)'

    assert [(2, "a"), (3, "{} is a!")] == texts(source)
