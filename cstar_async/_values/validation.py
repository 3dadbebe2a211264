"""Validation of arguments: whatever object a caller passes, it is valid or raises an `InvalidArgumentError`."""

from __future__ import annotations

import math
import sys
from typing import Final, TypeGuard

from cstar_async._types import is_int
from cstar_async._values.repr import short_repr
from cstar_async.errors import InvalidArgumentError

MAX_COUNT: Final = 2**53 - 1
"""The largest int that floats and every JSON parser can hold."""
MAX_INT_BITS: Final = 2048
"""Bits of an int that is written as digits. Every Python formats such ints, whatever its limit of digits is."""
TOO_DEEP: Final = "a value that contains itself or is nested too deeply"
"""What an error calls a value that JSON cannot hold. Where that begins depends on the stack of the caller."""


def invalid(name: str, expected: str, value: object) -> InvalidArgumentError:
    """Return the error for an argument of another type or range."""
    return InvalidArgumentError(f"{name} must be {expected}, got {short_repr(value)}")


def check_instance(name: str, value: object, cls: type | tuple[type, ...], expected: str, *, is_private: bool = False) -> None:
    """Check the class of an argument, whatever its annotation says. Of a private one, such as a body, the error shows the type."""
    if isinstance(value, cls):
        return
    if is_private:
        raise InvalidArgumentError(f"{name} must be {expected}, got {type(value).__name__}")
    raise invalid(name, expected, value)


def check_choice(name: str, value: object, choices: tuple[str | None, ...]) -> None:
    """Check that an argument is one of a few values."""
    if value not in choices:
        raise invalid(name, " or ".join(map(repr, choices)), value)


def check_str(name: str, value: object) -> None:
    """Check that an argument is a str that UTF-8 can encode."""
    try:
        if isinstance(value, str):
            value.encode()
            return
    except UnicodeEncodeError:
        pass
    raise invalid(name, "a str that UTF-8 can encode", value)


def is_number(value: object) -> TypeGuard[float]:
    """Return whether a value is a finite number, and no int that a float cannot hold."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def validate_count(name: str, value: object, minimum: int) -> int:
    """Return an int from *minimum*."""
    if is_int(value) and minimum <= value <= MAX_COUNT:
        return value
    raise invalid(name, f"an int from {minimum}", value)


def validate_seconds(name: str, value: object, *, above_zero: bool = False, infinite: bool = False) -> float:
    """Return a number of seconds from 0, or above 0 on request."""
    if is_number(value) or (infinite and isinstance(value, float) and value == math.inf):
        is_valid = value > 0 or (value == 0 and not above_zero)
        if is_valid:
            return value
    raise invalid(name, f"a number of seconds {'above' if above_zero else 'from'} 0", value)
