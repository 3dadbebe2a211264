"""Write places of a document as JSONPath, and as actions of an overlay."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, TypeAlias
from urllib.parse import unquote

from codegen.spec.document import Document, Node

Location: TypeAlias = tuple[str | int, ...]
"""The keys and indexes that lead to a node."""


def json_path(location: Sequence[str | int]) -> str:
    """Return the JSONPath of a location."""
    return "$" + "".join(map(_segment, location))


def _segment(key: str | int) -> str:
    if isinstance(key, int):
        return f"[{key}]"
    if re.fullmatch(r"[A-Za-z_]\w*", key):
        return f".{key}"
    escaped = key.replace("\\", "\\\\").replace("'", "\\'")
    return f"['{escaped}']"


def location_of(pointer: str) -> Location:
    """Return the location of a JSON pointer. Numbers stay texts, which names of responses are."""
    parts = pointer.removeprefix("#/").split("/")
    return tuple(unquote(part).replace("~1", "/").replace("~0", "~") for part in parts)


def update(location: Sequence[str | int], value: Any) -> Node:
    """Return the action that merges a value into a node."""
    return {"target": json_path(location), "update": value}


def replace(location: Sequence[str | int], value: Any, *, is_there: bool) -> list[Node]:
    """Return the actions that put a value under a key, in place of what is there."""
    *owner, key = location
    removal = [{"target": json_path(location), "remove": True}] if is_there else []
    return [*removal, update(owner, {key: value})]


def value_at(raw: Node, location: Sequence[str | int]) -> Any:
    """Return the node at a location; None if there is none."""
    return Document(raw).at("#" + "".join(f"/{_escaped(str(key))}" for key in location)) if location else raw


def _escaped(key: str) -> str:
    """Return a key as a part of a JSON pointer. A percent sign would be decoded."""
    return key.replace("%", "%25").replace("~", "~0").replace("/", "~1")
