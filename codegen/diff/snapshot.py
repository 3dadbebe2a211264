"""Keep the surface of a release in a file, so that later ones can be compared with it without version control.

Each function, class and event is one line, so that a change of it is one line of a difference.
"""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

from codegen.diff.surface import Alias, Argument, Client, EnumClass, EventClass, Function, ModelClass, PythonSurface
from codegen.errors import CodegenError, Problem

_KINDS: dict[str, type[Any]] = {
    "functions": Function,
    "models": ModelClass,
    "enums": EnumClass,
    "aliases": Alias,
    "events": EventClass,
    "clients": Client,
}

_NESTED = ("arguments", "fields")


def snapshot_text(surface: PythonSurface) -> str:
    """Return a surface as JSON, without the places in the document."""
    kinds = [
        f"{json.dumps(kind)}: [\n{','.join(_line(one) for one in getattr(surface, kind)).lstrip()}]"
        for kind in _KINDS
        if getattr(surface, kind)
    ]
    return "{\n" + ",\n".join(kinds) + "\n}\n"


def read_snapshot(path: Path) -> PythonSurface:
    """Read a surface. Raises `CodegenError` for a file that has none."""
    try:
        raw: dict[str, list[dict[str, Any]]] = json.loads(path.read_text(encoding="utf-8"))
        return PythonSurface(**{kind: tuple(_entry(_KINDS[kind], one) for one in entries) for kind, entries in raw.items()})
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        advice = "it cannot be read as the surface of a release; write it with `python -m codegen release`."
        raise CodegenError([Problem(path.name, advice)]) from None


def _line(entry: Any) -> str:
    return f"\n{json.dumps(_compact(entry), ensure_ascii=False)}"


def _compact(entry: Any) -> dict[str, Any]:
    """Return the values that are not the default, without places."""
    values = {one.name: (getattr(entry, one.name), one.default) for one in fields(entry) if one.name != "place"}
    return {
        name: [_compact(one) for one in value] if name in _NESTED else value
        for name, (value, default) in values.items()
        if value != default
    }


def _entry(kind: type[Any], values: dict[str, Any]) -> Any:
    nested = {name: tuple(_entry(Argument, one) for one in values[name]) for name in _NESTED if name in values}
    return kind(**{**values, **nested})
