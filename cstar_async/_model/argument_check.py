"""Checks of a request body before it is sent: the keys of nested mappings, the values of enums, and what is deprecated.

A mapping is sent as given, so a misspelt key would be lost without an error. The fields that a mapping or a model can have are read
from the annotations of the request models, once for each class.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import Final, cast, get_args, get_origin, get_type_hints

import attrs

from cstar_async._model.model import Model
from cstar_async._model.open_enum import OpenEnum
from cstar_async._types import UNSET, is_mapping
from cstar_async._values.validation import TOO_DEEP
from cstar_async.errors import InvalidArgumentError, UnknownValueWarning

_OWN_PACKAGES: Final = ("cstar_async", "attr", "attrs")
_MAX_LENGTH: Final = 64
"""A longer str is no misspelt value of an enum; comparing takes the square of the length."""
_MIN_SIMILARITY: Final = 0.75
"""One wrong, missing or swapped character in a word of four is just as similar as this."""
_MIN_SIMILARITY_OF_SHORT: Final = 0.66
"""The same for a word of three."""


@attrs.frozen(eq=False, repr=False)
class _Field:
    attribute: str
    name: str
    known_values: frozenset[str] | None
    """The known values of its enum that are not deprecated; None if it takes any str."""
    deprecated_values: frozenset[object]
    models: tuple[type[Model], ...]
    """The models that it takes, or their mappings."""


@attrs.frozen(eq=False, repr=False)
class _Fields:
    names: frozenset[str]
    """All wire names."""
    by_folded_name: Mapping[str, str]
    """Wire name by its letters alone, to find the intended one."""
    checked: tuple[_Field, ...]
    """The fields that take enums or models."""
    deprecated: frozenset[str]
    """The wire names of deprecated fields."""


class BodyCheck:
    """Checks one body. A misspelt value causes one warning, however often it occurs in a field."""

    def __init__(self, operation: str) -> None:
        self._operation = operation
        self._warned: set[tuple[str, object]] = set()

    def check_model(self, model: Model, cls: type[Model], where: str) -> None:
        """Check the fields of a model that *cls* has; *where* is what to put before their names.

        Raises:
            InvalidArgumentError: A nested mapping has a key that is another spelling of a wire name.
        """
        for field in _fields_of((cls,)).checked:
            value = getattr(model, field.attribute)
            if value is not UNSET and not (value.__class__ is str and field.known_values and value in field.known_values):
                self._check_value(field, value, where + field.attribute)

    def _check_value(self, field: _Field, value: object, where: str) -> None:
        if isinstance(value, (str, int, float)):
            known = field.known_values
            if value in field.deprecated_values:
                # The function itself warns about its own arguments.
                if "." in where and self._is_new(field.name, value):
                    warn_of_deprecated(f"the value {str(value) if isinstance(value, str) else value!r} of {where}")
            elif known is not None and isinstance(value, str) and value not in known and not isinstance(value, OpenEnum):
                self._warn(field.name, where, value, known)
        elif isinstance(value, (list, tuple)):
            for index, item in enumerate(cast("list[object] | tuple[object, ...]", value)):
                self._check_value(field, item, f"{where}[{index}]")
        elif isinstance(value, field.models):
            cls = next(cls for cls in field.models if isinstance(value, cls))  # not a subclass, whose annotations may be local
            self.check_model(value, cls, f"{where}.")
        elif field.models and is_mapping(value):
            self._check_mapping(field.models, value, where)

    def _check_mapping(self, models: tuple[type[Model], ...], value: Mapping[object, object], where: str) -> None:
        fields = _fields_of(models)
        for key in value:
            if isinstance(key, str) and key not in fields.names:
                intended = fields.by_folded_name.get(_fold(key))
                if intended is not None:
                    message = f"{where} must have the key {intended!r}, got {key!r}; nested keys are wire names"
                    raise InvalidArgumentError(message, operation=self._operation)
        for name in fields.deprecated & value.keys():
            if self._is_new(name, None):
                warn_of_deprecated(f"{where}.{name}")
        for field in fields.checked:
            if field.name in value:
                self._check_value(field, value[field.name], f"{where}.{field.name}")

    def _warn(self, name: str, where: str, value: str, known: Collection[str]) -> None:
        if self._is_new(name, value):
            warn_if_misspelt(where, value, known)

    def _is_new(self, name: str, value: object) -> bool:
        is_new = (name, value) not in self._warned
        self._warned.add((name, value))
        return is_new


def check_body(body: object, operation: str) -> None:
    """Check the body of an operation before it is sent: a model, or a list with models.

    Raises:
        InvalidArgumentError: A nested mapping has a key that is another spelling of a wire name, or the body contains itself.
    """
    try:
        check = BodyCheck(operation)
        for index, model in enumerate(cast("list[object]", body) if isinstance(body, list) else (body,)):
            if isinstance(model, Model):
                check.check_model(model, type(model), "" if model is body else f"body[{index}].")
    except RecursionError:
        raise InvalidArgumentError(f"the body must be of limited depth, got {TOO_DEEP}") from None


def warn_if_misspelt(name: str, value: str, known: Collection[str]) -> None:
    """Warn about a value that is not known, but close to a known one. The warning points at the line of the caller."""
    close = closest(value, known)
    if close is not None:
        message = f"{name} is {value!r}, which is not a known value; did you mean {close!r}? It is sent as given"
        warnings.warn(message, UnknownValueWarning, stacklevel=caller_level())


def warn_of_deprecated(what: str, new_name: str | None = None) -> None:
    """Warn about the use of something that is deprecated, or of an old name. The warning points at the line of the caller."""
    message = f"{what} is {f'now {new_name}' if new_name else 'deprecated'}"
    warnings.warn(message, DeprecationWarning, stacklevel=caller_level())


def closest(value: str, known: Collection[str]) -> str | None:
    """Return the known value that a value is probably meant to be, or None."""
    from difflib import SequenceMatcher  # only misspelt values need it

    if not value or len(value) > _MAX_LENGTH:
        return None
    folded = _fold(value)
    matches = ((SequenceMatcher(None, folded, _fold(candidate)).ratio(), candidate) for candidate in known)
    similarity, best = max(matches, default=(0.0, ""))
    return best if similarity >= (_MIN_SIMILARITY if len(folded) > 3 else _MIN_SIMILARITY_OF_SHORT) else None


def caller_level() -> int:
    """Return the stack level of the first frame outside of this package and generated code, as seen from the calling function."""
    level, frame = 1, sys._getframe(1)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # `inspect` is slow to import
    while is_own_code(frame.f_globals) and frame.f_back is not None:
        level, frame = level + 1, frame.f_back
    return level


def is_own_code(module: Mapping[str, object]) -> bool:
    """Return whether the globals are those of this package, of generated code, or of attrs, which copies and compares models."""
    is_generated = "Generated by `python -m codegen`" in str(module.get("__doc__"))
    return str(module.get("__name__")).partition(".")[0] in _OWN_PACKAGES or is_generated


def _fold(text: str) -> str:
    return text.replace("_", "").replace("-", "").replace(" ", "").casefold()


@cache
def _fields_of(models: tuple[type[Model], ...]) -> _Fields:
    """Return the fields of a model, or those that any of several models has."""
    found: dict[str, list[tuple[type[Model], str, list[type]]]] = {}
    for model in models:
        hints = get_type_hints(model)
        for attribute, name in model.__wire_names__.items():
            found.setdefault(name, []).append((model, attribute, list(_classes_in(hints[attribute]))))
    checked: list[_Field] = []
    for name, places in found.items():
        classes = [cls for _, _, classes in places for cls in classes]
        enums = [cls for cls in classes if issubclass(cls, OpenEnum)]
        nested = tuple(dict.fromkeys(cls for cls in classes if issubclass(cls, Model)))
        is_plain = not all(any(issubclass(cls, OpenEnum) for cls in classes) for _, _, classes in places)
        current = frozenset(value for enum in enums for value in enum.__by_value__ if value not in enum.__deprecated_values__)
        old = {value for model, _, _ in places for value in model.__deprecated_values__.get(name, ())}
        old = old.union(*(enum.__deprecated_values__ for enum in enums)) - current
        if not is_plain or nested or old:
            checked.append(_Field(places[0][1], name, None if is_plain else current, frozenset(old), nested))
    in_use = {name for model in models for name in model.__wire_names__.values() if name not in model.__deprecated_fields__}
    deprecated = frozenset[str]().union(*(model.__deprecated_fields__ for model in models)) - in_use
    return _Fields(frozenset(found), {_fold(name): name for name in found}, tuple(checked), deprecated)


def _classes_in(annotation: object) -> Iterator[type]:
    """Return the classes in a union or a list. The values of a map are free."""
    if isinstance(annotation, type):
        yield annotation
    elif not (isinstance(origin := get_origin(annotation), type) and issubclass(origin, Mapping)):
        for inner in get_args(annotation):
            yield from _classes_in(inner)
