"""Find out what has a new name: the same operation by method and path, the same class by its use and its fields."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from codegen.diff.surface import Argument, Function, PythonSurface

_ALIKE_IN_USE = 0.3
"""How alike two classes must be, from 0 to 1, if one is used where the other was."""
_ALIKE = 0.8
"""How alike two classes must be if nothing else says that they are one."""


@dataclass(frozen=True, kw_only=True)
class Matching:
    """Which part of the new surface is which part of the old one."""

    functions: tuple[tuple[Function, Function], ...]
    removed: tuple[Function, ...]
    added: tuple[Function, ...]
    classes: dict[str, str]
    """The new names of classes, by their old ones."""


def match(old: PythonSurface, new: PythonSurface) -> Matching:
    """Match two surfaces."""
    pairs = list(_function_pairs(old.functions, new.functions))
    matched_old, matched_new = {_key(one) for one, _ in pairs}, {_key(one) for _, one in pairs}
    return Matching(
        functions=tuple(pairs),
        removed=tuple(one for one in old.functions if _key(one) not in matched_old),
        added=tuple(one for one in new.functions if _key(one) not in matched_new),
        classes=_renamed_classes(old, new, pairs),
    )


def renamed_events(old: PythonSurface, new: PythonSurface) -> dict[str, str]:
    """Return the new types of events, by their old ones: those with the only data of their kind that came and went."""
    known, now = {one.type for one in old.events}, {one.type for one in new.events}
    lost, came = [one for one in old.events if one.type not in now], [one for one in new.events if one.type not in known]
    found: dict[str, str] = {}
    for one in lost:
        same = [other for other in came if other.data == one.data]
        if len(same) == len([other for other in lost if other.data == one.data]) == 1:
            found[one.type] = same[0].type
    return found


def operation_key(operation: str) -> str:
    """Return a method and a path without the names of its parameters."""
    return re.sub(r"\{[^{}]*\}", "{}", operation)


def _function_pairs(old: Sequence[Function], new: Sequence[Function]) -> Iterator[tuple[Function, Function]]:
    by_operation: dict[str, list[Function]] = {}
    for one in new:
        by_operation.setdefault(operation_key(one.operation), []).append(one)
    found = {_key(one): _same(one, by_operation.get(operation_key(one.operation), [])) for one in old}
    taken = {_key(one) for one in found.values() if one}
    by_name = {one.name: one for one in new if _key(one) not in taken}
    for one in old:
        if other := found[_key(one)] or by_name.get(one.name):
            yield one, other


def _key(function: Function) -> tuple[str, str]:
    return function.module, function.name


def _same(one: Function, candidates: Sequence[Function]) -> Function | None:
    """Return the function of the same operation; of several, one that is called in the same way."""
    return max(candidates, key=lambda other: (other.path == one.path) + (other.name == one.name), default=None)


def argument_pairs(old: Sequence[Argument], new: Sequence[Argument], classes: Mapping[str, str]) -> list[tuple[Argument, Argument]]:
    """Match arguments or fields by their names on the wire, then by their Python names, then by type and place.

    Args:
        old: The old ones.
        new: The new ones.
        classes: The new names of classes, by their old ones.
    """
    rules: tuple[Callable[[Argument], str], ...] = (lambda one: one.wire, lambda one: one.name)
    pairs: list[tuple[Argument, Argument]] = []
    for name_of in rules:
        known = {name_of(one): one for one in _rest(new, pairs, 1) if name_of(one)}
        pairs += [(one, known[name_of(one)]) for one in _rest(old, pairs, 0) if name_of(one) in known]
    lost, came = _rest(old, pairs, 0), _rest(new, pairs, 1)
    for one in lost:
        alike = [other for other in came if _is_same_kind(one, other, classes) and other not in (second for _, second in pairs)]
        candidates = [other for other in lost if any(_is_same_kind(other, candidate, classes) for candidate in alike)]
        close = [other for other in alike if SequenceMatcher(None, one.name, other.name).ratio() > 0.6]
        if len(alike) == 1 and len(candidates) == 1:
            pairs.append((one, alike[0]))
        elif len(close) == 1:
            pairs.append((one, close[0]))
    return pairs


def _rest(given: Sequence[Argument], pairs: Sequence[tuple[Argument, Argument]], side: int) -> list[Argument]:
    taken = [id(pair[side]) for pair in pairs]
    return [one for one in given if id(one) not in taken]


def _is_same_kind(one: Argument, other: Argument, classes: Mapping[str, str]) -> bool:
    """Return whether two arguments may be one with a new name: their type and their place are the same."""
    annotation = re.sub(r"\w+?(?=(Like)?\b)", lambda match: classes.get(match[0], match[0]), one.annotation)
    return (_location(one), annotation, one.is_required) == (_location(other), other.annotation, other.is_required)


def _location(argument: Argument) -> str:
    location, space, _ = argument.wire.partition(" ")
    return location if space else ""


def _renamed_classes(old: PythonSurface, new: PythonSurface, functions: Sequence[tuple[Function, Function]]) -> dict[str, str]:
    """Return the classes that have a new name. What a found one says about its fields is used for the next."""
    parts_old, parts_new = _parts(old), _parts(new)
    lost, came = parts_old.keys() - parts_new.keys(), parts_new.keys() - parts_old.keys()
    models_new = {one.name: one for one in new.models}
    found: dict[str, str] = {}
    while True:
        uses = [(one.returns, other.returns) for one, other in functions]
        for one, other in functions:
            uses += [(a.annotation, b.annotation) for a, b in _by_wire(one.arguments, other.arguments)]
        for model in old.models:
            if other_model := models_new.get(found.get(model.name, model.name)):
                uses += [(a.annotation, b.annotation) for a, b in _by_wire(model.fields, other_model.fields)]
        votes = Counter(pair for use in uses for pair in _class_pairs(*use) if pair[0] in lost and pair[1] in came)
        candidates = [pair for pair, _ in votes.most_common()]
        candidates += [(one, other) for one in sorted(lost) for other in sorted(came)]
        chosen = next(
            (pair for pair in candidates if _is_alike(parts_old[pair[0]], parts_new[pair[1]], is_in_use=pair in votes)), None
        )
        if chosen is None:
            return found
        found[chosen[0]] = chosen[1]
        lost, came = lost - {chosen[0]}, came - {chosen[1]}


def _parts(surface: PythonSurface) -> dict[str, frozenset[str]]:
    """Return what each class consists of: its kind, and its fields, values or members."""
    found = {one.name: frozenset({"model", *(field.wire for field in one.fields)}) for one in surface.models}
    found |= {one.name: frozenset({"enum", *one.constants.values()}) for one in surface.enums}
    return found | {one.name: frozenset({"union", *one.annotation.split(" | ")}) for one in surface.aliases}


def _is_alike(one: frozenset[str], other: frozenset[str], *, is_in_use: bool) -> bool:
    kinds = {"model", "enum", "union"}
    if one & kinds != other & kinds:
        return False
    ratio = len((one & other) - kinds) / max(len((one | other) - kinds), 1)
    return ratio >= (_ALIKE_IN_USE if is_in_use else _ALIKE)


def _by_wire(old: Sequence[Argument], new: Sequence[Argument]) -> Iterator[tuple[Argument, Argument]]:
    known: Mapping[str, Argument] = {one.wire: one for one in new}
    return ((one, known[one.wire]) for one in old if one.wire in known)


def _class_pairs(old: str, new: str) -> Iterator[tuple[str, str]]:
    """Yield the names at the same places of two annotations."""
    names_old, names_new = re.findall(r"\w+", old), re.findall(r"\w+", new)
    if len(names_old) == len(names_new):
        for one, other in zip(names_old, names_new, strict=True):
            yield one, other
            yield one.removesuffix("Like"), other.removesuffix("Like")
