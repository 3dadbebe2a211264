"""Arguments of generated functions as options of commands: names, types and conversion."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import NoneType, UnionType
from typing import Any, Final, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

import attrs
import typer

from cstar_async import JSON, OpenEnum, Unset
from cstar_async.cli._docstrings import option_name
from cstar_async.cli._errors import UsageError
from cstar_async.cli._files import parse_json, read_text

Kind: TypeAlias = Literal["str", "int", "float", "bool", "datetime", "list", "json", "scalar"]
"""What an option takes. A scalar is a number, true, false or any other text."""

_TYPES: Final[Mapping[Kind, Any]] = {"int": int | None, "float": float | None, "bool": bool | None, "list": list[str] | None}
_METAVARS: Final[Mapping[Kind, str]] = {"str": "TEXT", "datetime": "TIME", "json": "JSON", "list": "TEXT …", "scalar": "VALUE"}
_LEFT_OUT: Final = frozenset({"options"})


@attrs.frozen
class Argument:
    """An argument of a generated function."""

    name: str
    kind: Kind
    choices: tuple[str, ...]
    """The known values of an enum."""
    is_required: bool
    is_positional: bool

    def parameter(self, description: str) -> inspect.Parameter:
        """Return the parameter of the command."""
        keyword = inspect.Parameter.KEYWORD_ONLY
        if self.is_positional:
            given = typer.Argument(help=description, metavar=self.name.upper())
            return inspect.Parameter(self.name, keyword, default=given, annotation=str)
        names = [option_name(self.name)]
        if self.kind == "bool":
            names = [f"{names[0]}/{names[0].replace('--', '--no-', 1)}"]
        given = typer.Option(
            None,
            *names,
            help=f"{description} (required)" if self.is_required else description,
            metavar="|".join(self.choices) or _METAVARS.get(self.kind),
            autocompletion=(lambda: list(self.choices)) if self.choices else None,
        )
        return inspect.Parameter(self.name, keyword, default=given, annotation=_TYPES.get(self.kind, str | None))

    def convert(self, given: object) -> object:
        """Return the value for the function."""
        if not isinstance(given, str):
            return given
        text = text_or_stdin(given) if self.kind in {"str", "json"} and not self.is_positional else given
        return attrs.evolve(self, name=option_name(self.name)).parse(text)

    def parse(self, text: str) -> object:
        """Return the value for the function from a str, such as a cell of a table."""
        match self.kind:
            case "int" | "float":
                return _number(text, self.name, is_int=self.kind == "int")
            case "bool":
                return _boolean(text, self.name)
            case "list":
                return [part.strip() for part in text.split(",") if part.strip()]
            case "datetime":
                return parse_time(text, self.name)
            case "json":
                return parse_json(text, self.name)
            case "scalar":
                return _scalar(text)
            case "str":
                return text


def text_or_stdin(given: str) -> str:
    """Return a value of the command line, or standard input for `-`."""
    return read_text("-").removesuffix("\n") if given == "-" else given


def parse_time(text: str, option: str) -> datetime:
    """Parse ISO 8601. Without a time zone, it is local time."""
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        raise UsageError(f"{option} must be a time in ISO 8601, such as 2026-03-01 or 2026-03-01T12:00:00Z, got {text}") from None


def read_arguments(function: Callable[..., Any]) -> list[Argument]:
    """Return the arguments of a generated function, apart from the client and the options."""
    hints = get_type_hints(function)
    parameters = list(inspect.signature(function).parameters.values())[1:]
    return [_argument(one, hints[one.name]) for one in parameters if one.name not in _LEFT_OUT]


def find_argument(arguments: Sequence[Argument], key: str) -> Argument | None:
    """Return the argument of a field, by its wire name or its Python name."""
    wanted = _folded(key)
    return next((one for one in arguments if _folded(one.name) == wanted), None)


def _folded(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()


def _argument(parameter: inspect.Parameter, hint: object) -> Argument:
    types = [one for one in _members(hint) if one not in {NoneType, Unset}]
    is_list = any(get_origin(one) in {list, tuple} for one in types)
    leaves = [leaf for one in types for leaf in (_members(get_args(one)[0]) if get_origin(one) in {list, tuple} else [one])]
    choices = [value for leaf in leaves for value in _known_values(leaf)]
    return Argument(
        name=parameter.name,
        kind=_kind(leaves, is_list=is_list),
        choices=tuple(dict.fromkeys(choices)),
        is_required=parameter.default is inspect.Parameter.empty,
        is_positional=parameter.kind is not inspect.Parameter.KEYWORD_ONLY,
    )


def _members(hint: object) -> list[Any]:
    """Return the types of a union, or the type itself."""
    if get_origin(hint) in {Union, UnionType}:
        return [member for one in get_args(hint) for member in _members(one)]
    return [hint]


def _known_values(hint: object) -> Sequence[str]:
    return [str(value) for value in hint.known_values()] if isinstance(hint, type) and issubclass(hint, OpenEnum) else []


def _kind(leaves: Sequence[Any], *, is_list: bool) -> Kind:
    names: dict[Any, Kind] = {int: "int", float: "float", bool: "bool", datetime: "datetime"}
    if all(_is_text(leaf) for leaf in leaves):
        return "list" if is_list else "str"
    if len(leaves) == 1 and leaves[0] in names and not is_list:
        return names[leaves[0]]
    if not is_list and all(leaf in {int, float, bool, str} for leaf in leaves):
        return "scalar"
    return "json"


def _is_text(leaf: object) -> bool:
    return get_origin(leaf) is Literal or (isinstance(leaf, type) and issubclass(leaf, str))


def _scalar(text: str) -> JSON:
    """Return a number or a bool where the text is one."""
    try:
        value = parse_json(text, "value")
    except UsageError:
        return text
    return value if isinstance(value, (int, float)) else text


def _number(text: str, name: str, *, is_int: bool) -> float:
    try:
        return int(text) if is_int else float(text)
    except ValueError:
        raise UsageError(f"{name} must be a number, got {text}") from None


def _boolean(text: str, name: str) -> bool:
    if text.lower() not in {"true", "false", "yes", "no", "1", "0"}:
        raise UsageError(f"{name} must be true or false, got {text}")
    return text.lower() in {"true", "yes", "1"}
