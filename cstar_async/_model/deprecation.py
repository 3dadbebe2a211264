"""Warn about what the document marks as deprecated, and about old names. What has nothing of the kind has none of this code."""

from __future__ import annotations

import functools
import inspect
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, Generic, ParamSpec, TypeAlias, TypeVar, cast

import attrs

from cstar_async._model.argument_check import caller_level, is_own_code, warn_of_deprecated
from cstar_async._model.model import Model
from cstar_async._types import UNSET, UntypedJSON
from cstar_async.errors import InvalidArgumentError

if TYPE_CHECKING:
    import typing_extensions

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
M = TypeVar("M", bound=Model)

_OPTIONAL: Final = (None, UNSET)
"""The defaults of fields that may be left out."""


_Check: TypeAlias = Callable[[Callable[..., object], Sequence[object], dict[str, object]], None]
"""Warns about a call of a function with these arguments."""


def _checked_by(check: _Check) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Check each call of a function. The line of a warning is that of the call, also if the result is awaited later."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            check(function, args, kwargs)
            return function(*args, **kwargs)

        # Where Python can (3.12), the function is marked as one that returns a coroutine.
        mark: Callable[[Callable[P, R]], Callable[P, R]] | None = getattr(inspect, "markcoroutinefunction", None)
        return mark(call) if mark is not None and inspect.iscoroutinefunction(function) else call

    return decorate


def deprecated(message: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let each call of a function warn."""
    return _checked_by(lambda _, __, ___: warnings.warn(message, DeprecationWarning, stacklevel=caller_level()))


def deprecated_arguments(*names: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let each call of a function warn that gives one of some arguments by name."""

    def check(function: Callable[..., object], _: Sequence[object], kwargs: dict[str, object]) -> None:
        for name in names:
            if kwargs.get(name, UNSET) is not UNSET:
                warn_of_deprecated(f"the argument {name} of {function.__name__}")

    return _checked_by(check)


def deprecated_values(**values: tuple[object, ...]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let each call of a function warn that gives one of some values for an argument, or a list with one."""

    def check(function: Callable[..., object], args: Sequence[object], kwargs: dict[str, object]) -> None:
        given = {**dict(zip(_argument_names(function), args, strict=False)), **kwargs}
        for name, deprecated_ones in values.items():
            value = given.get(name)
            items = cast("Sequence[object]", value) if isinstance(value, (list, tuple)) else (value,)
            for one in dict.fromkeys(item for item in items if item in deprecated_ones):
                warn_of_deprecated(f"the value {one!r} of the argument {name} of {function.__name__}")

    return _checked_by(check)


@functools.cache
def _argument_names(function: Callable[..., object]) -> tuple[str, ...]:
    return tuple(inspect.signature(function).parameters)


def renamed_arguments(**renamed: str) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """Let a function take some arguments by their old names, too. A call that does warns."""

    def check(function: Callable[..., object], _: Sequence[object], kwargs: dict[str, object]) -> None:
        for old, new in renamed.items():
            if old in kwargs:
                if new in kwargs:
                    raise InvalidArgumentError(f"{old} must be left out beside {new}, got both; it is the old name of {new}")
                warn_of_deprecated(f"the argument {old} of {function.__qualname__.removesuffix('.__init__')}", new)
                kwargs[new] = kwargs.pop(old)

    return _checked_by(check)


class DeprecatedConstant(Generic[T]):
    """A constant of an enum whose value is deprecated, or that is an old name. Each use of it warns."""

    def __init__(self, name: str, member: T, new_name: str | None = None) -> None:
        self._name = name
        self._member = member
        self._new_name = new_name

    if TYPE_CHECKING:

        @typing_extensions.deprecated("The API may remove this value, or the constant has a new name.")
        def __get__(self, instance: object, owner: type[object], /) -> T: ...

    else:

        def __get__(self, instance, owner):
            warn_of_deprecated(f"{owner.__name__}.{self._name}", self._new_name)
            return self._member


class RenamedField(Generic[T]):
    """The old name of a field of a model. Each use of it warns."""

    def __init__(self, attribute: str) -> None:
        self._attribute = attribute

    def __set_name__(self, owner: type[object], name: str) -> None:
        self._name = f"{owner.__name__}.{name}"

    if TYPE_CHECKING:

        @typing_extensions.deprecated("The field has a new name.")
        def __get__(self, instance: object, owner: type[object], /) -> T: ...

        @typing_extensions.deprecated("The field has a new name.")
        def __set__(self, instance: object, value: T, /) -> None: ...

    else:

        def __get__(self, instance, owner):
            if instance is None:
                return self
            warn_of_deprecated(self._name, self._attribute)
            return getattr(instance, self._attribute)

        def __set__(self, instance, value):
            warn_of_deprecated(self._name, self._attribute)
            setattr(instance, self._attribute, value)


class _DeprecatedField:
    """A field of a model that is deprecated. Reading and setting it warns, but not in this package: decoding does neither."""

    def __init__(self, model: type[Model], name: str) -> None:
        kind: UntypedJSON = model
        self._slot: UntypedJSON = kind.__dict__[name]
        self._default: object = attrs.fields_dict(kind)[name].default
        self._name = f"{model.__name__}.{name}"

    # Both methods look at the frame of their caller. Mutation tests would add one.
    def __get__(self, instance: object, owner: type[object] | None = None) -> object:  # pragma: no mutate block
        if instance is None:
            return self
        if not is_own_code(sys._getframe(1).f_globals):  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
            warn_of_deprecated(self._name)
        return self._slot.__get__(instance, owner)

    def __set__(self, instance: object, value: object) -> None:  # pragma: no mutate block
        frame = sys._getframe(1)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        function = frame.f_code.co_name if is_own_code(frame.f_globals) else ""
        # `__attrs_init__` is called by an `__init__` that takes old names, and that by its wrapper.
        depth = {"__init__": 1, "__attrs_init__": 3}.get(function, 0)
        is_left_out = depth > 0 and (value is self._default or self._default not in _OPTIONAL)
        setter = sys._getframe(1 + depth)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        if not is_left_out and not is_own_code(setter.f_globals):
            warn_of_deprecated(self._name)
        self._slot.__set__(instance, value)


def deprecated_fields(*names: str) -> Callable[[type[M]], type[M]]:
    """Let the use of some fields of a model warn. A constructor that cannot do without one does not."""

    def decorate(model: type[M]) -> type[M]:
        model.__deprecated_fields__ |= {model.__wire_names__[name] for name in names}
        for name in names:
            setattr(model, name, _DeprecatedField(model, name))
        return model

    return decorate
