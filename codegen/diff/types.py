"""Parse annotations, and decide whether a value of one type can be given where another is wanted."""

from __future__ import annotations

import ast
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class Type:
    """A class, with the types in its brackets."""

    name: str
    arguments: tuple[AnyOf, ...] = ()


AnyOf: TypeAlias = frozenset[Type]
"""The members of a union; a single type is a union of one."""

_JSON = "dict[str, JSON] | list[JSON] | str | int | float | bool | None"
_WIDER = {
    ("float", "int"),
    ("float", "bool"),
    ("int", "bool"),
    ("Date", "datetime"),
}
"""Pairs of a wider and a narrower type, for type checkers."""
_COVARIANT = {
    "Sequence": ("Sequence", "list", "tuple"),
    "Mapping": ("Mapping", "dict"),
    "tuple": ("tuple",),
    "Paginator": ("Paginator",),
}
"""The generic types whose values are only read, and the types that are such a type."""


class Types:
    """The types of a package.

    Args:
        aliases: The annotation of each alias.
        renamed: The new names of classes. Types are compared under their new names.
    """

    def __init__(self, aliases: Mapping[str, str], renamed: Mapping[str, str]) -> None:
        self._aliases = {"JSONObject": "Mapping[str, object]", **aliases}
        self._renamed = renamed

    def of(self, annotation: str) -> AnyOf:
        """Return the type of an annotation."""
        return self._expanded(_parsed(annotation))

    def _expanded(self, union: AnyOf) -> AnyOf:
        found: set[Type] = set()
        for type_ in union:
            if type_.name in self._aliases:
                found |= self._expanded(_parsed(self._aliases[type_.name]))
            else:
                name = self._renamed.get(type_.name, type_.name)
                found.add(Type(name, tuple(map(self._expanded, type_.arguments))))
        return frozenset(found)


@functools.cache
def _parsed(annotation: str) -> AnyOf:
    return _union(ast.parse(annotation, mode="eval").body)


def _union(node: ast.expr) -> AnyOf:
    if isinstance(node, ast.BinOp):
        return _union(node.left) | _union(node.right)
    if isinstance(node, ast.Subscript):
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        name = ast.unparse(node.value)
        if name == "Literal":
            return frozenset(Type(f"Literal {ast.unparse(part)}") for part in parts)
        inner = [part for part in parts if not (isinstance(part, ast.Constant) and part.value is ...)]
        return frozenset({Type(name, tuple(map(_union, inner)))})
    return frozenset({Type(ast.unparse(node))})


def takes(wanted: AnyOf, given: AnyOf, strings: frozenset[str] = frozenset()) -> bool:
    """Return whether a type checker accepts every value of one type where another is wanted.

    Args:
        wanted: The type that is wanted.
        given: The type of the value.
        strings: The classes that are subclasses of str.
    """
    if wanted == given:
        return True
    return all(any(_takes(one, other, strings) for one in _with_json(wanted)) for other in _with_json(given))


def _with_json(union: AnyOf) -> AnyOf:
    return union | _parsed(_JSON) if Type("JSON") in union else union


def _takes(wanted: Type, given: Type, strings: frozenset[str]) -> bool:
    if wanted == given or wanted.name == "object" or (wanted.name, given.name) in _WIDER:
        return True
    is_text = given.name == "str" or given.name.startswith(("Literal '", 'Literal "')) or given.name in strings
    if is_text and wanted.name == "str":
        return True
    if is_text and wanted.name == "Sequence":
        return takes(wanted.arguments[0], frozenset({Type("str")}), strings)
    if len(wanted.arguments) != len(given.arguments):
        return False
    pairs = list(zip(wanted.arguments, given.arguments, strict=True))
    if given.name in _COVARIANT.get(wanted.name, ()):
        return all(takes(one, other, strings) for one, other in pairs)
    is_same = wanted.name == given.name and bool(pairs)
    return is_same and all(takes(one, other, strings) and takes(other, one, strings) for one, other in pairs)
