"""Warn about operations and arguments that the document marks as deprecated. Other functions have none of this code."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from cstar_async._model.argument_check import caller_level
from cstar_async._types import UNSET
from cstar_async.errors import InvalidArgumentError

P = ParamSpec("P")
R = TypeVar("R")


def deprecated(message: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let each call of a function warn. The warning names the line of the caller, also if the result is awaited later."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            warnings.warn(message, DeprecationWarning, stacklevel=caller_level())
            return function(*args, **kwargs)

        return _marked(call, function)

    return decorate


def deprecated_arguments(*names: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let each call of a function warn that gives one of some arguments by name."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            for name in names:
                if kwargs.get(name, UNSET) is not UNSET:
                    message = f"the argument {name} of {function.__name__} is deprecated"
                    warnings.warn(message, DeprecationWarning, stacklevel=caller_level())
            return function(*args, **kwargs)

        return _marked(call, function)

    return decorate


def renamed_arguments(**renamed: str) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """Let a function take some arguments by their old names, too. A call that does warns at the line of its caller."""

    def decorate(function: Callable[..., R]) -> Callable[..., R]:
        @functools.wraps(function)
        def call(*args: object, **kwargs: object) -> R:
            for old, new in renamed.items():
                if old in kwargs:
                    if new in kwargs:
                        raise InvalidArgumentError(f"{old} is the old name of {new}; leave it out")
                    message = f"the argument {old} of {function.__name__} is now {new}"
                    warnings.warn(message, DeprecationWarning, stacklevel=caller_level())
                    kwargs[new] = kwargs.pop(old)
            return function(*args, **kwargs)

        return _marked(call, function)

    return decorate


def _marked(call: Callable[P, R], function: Callable[P, R]) -> Callable[P, R]:
    """Mark a function as one that returns a coroutine, where Python can (3.12)."""
    mark: Callable[[Callable[P, R]], Callable[P, R]] | None = getattr(inspect, "markcoroutinefunction", None)
    return mark(call) if mark is not None and inspect.iscoroutinefunction(function) else call
