"""Enums that stay open: a `str` with class constants for the values that the document lists.

The server may send new values at any time, and code may compare with plain strings. `enum.Enum` allows neither for type checkers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import ClassVar, Self

from cstar_async._types import UntypedJSON, is_str
from cstar_async.errors import InvalidArgumentError


class _Members(dict[str, "OpenEnum"]):
    """The known members by value. Other members are made, but not stored: a server could fill the memory."""

    __slots__ = ("_enum",)

    def __init__(self, enum: type[OpenEnum], values: Iterable[str]) -> None:
        super().__init__((value, enum(value)) for value in values)
        self._enum = enum

    def __missing__(self, value: str) -> OpenEnum:
        return self._enum(value)


class OpenEnum(str):
    """A string with some known values. It compares, hashes, matches, pickles and prints as that string.

    A subclass lists its known values, `class TicketStatus(OpenEnum, known={"OPEN": "open"})`, and declares each as a class constant
    for type checkers. `TicketStatus("snoozed")` is a value that is not known. The use of a constant in `deprecated` warns.
    """

    __slots__ = ()

    __by_value__: ClassVar[Mapping[str, UntypedJSON]] = MappingProxyType({})
    """A member for every str; generated decoders look members up here."""

    __deprecated_values__: ClassVar[frozenset[str]] = frozenset()
    """The known values that are deprecated."""

    def __new__(cls, value: str) -> Self:
        if not is_str(value):
            raise InvalidArgumentError(f"{cls.__name__} must be a str, got {type(value).__name__}")
        return super().__new__(cls, value)

    def __init_subclass__(cls, *, known: Mapping[str, str], deprecated: Collection[str] = ()) -> None:
        super().__init_subclass__()
        members = _Members(cls, known.values())
        for name, value in known.items():
            setattr(cls, name, members[value])
        cls.__by_value__ = members
        if deprecated:
            from cstar_async._model.deprecation import DeprecatedConstant  # few enums need it

            new_names = {value: name for name, value in known.items() if name not in deprecated}
            for name in deprecated:
                setattr(cls, name, DeprecatedConstant(name, members[known[name]], new_names.get(known[name])))
            cls.__deprecated_values__ = frozenset(known.values()) - {known[name] for name in known if name not in deprecated}

    @classmethod
    def known_values(cls) -> tuple[Self, ...]:
        """Return the values that the document lists, in its order."""
        return tuple(cls.__by_value__.values())

    @property
    def is_known(self) -> bool:
        """Whether the document lists this value."""
        return self in self.__by_value__

    @classmethod
    def __decode__(cls, value: UntypedJSON) -> UntypedJSON:
        return cls.__by_value__[value] if isinstance(value, str) else value
