"""Enumerations that stay open: strings with names for the values that the document knows.

The server may say a word tomorrow that the document does not list, and code that compares with plain strings must keep its meaning
for a type checker. `enum.Enum` fails both, so an open enum is a `str` whose known values are class constants.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, Self

from cstar_async._json import Unchecked


class OpenEnum(str):
    """A string of which some values are known by name.

    A subclass names its known values once, `class TicketStatus(OpenEnum, known={"OPEN": "open"})`, and declares each as a class
    constant for type checkers. Members compare, hash, match, pickle and print as the text that travels on the wire.
    """

    __slots__ = ()

    _members: ClassVar[Mapping[str | None, OpenEnum | None]] = MappingProxyType({})

    def __init_subclass__(cls, *, known: Mapping[str, str]) -> None:
        super().__init_subclass__()
        members: dict[str | None, OpenEnum | None] = {}
        for name, text in known.items():
            members[text] = cls(text)
            setattr(cls, name, members[text])
        # None stands among the keys so that `read` answers an absent value with the same single look-up.
        cls._members = MappingProxyType({**members, None: None})

    @classmethod
    def known(cls) -> tuple[Self, ...]:
        """The values that the document lists, in its order."""
        return tuple(member for member in cls._members.values() if isinstance(member, cls))

    @property
    def is_known(self) -> bool:
        """Whether the document lists this value."""
        return str(self) in self._members

    @classmethod
    def read(cls, value: Unchecked) -> Unchecked:
        """A wire value as a member: known or not, any text becomes one; None and what is no text stay as they came."""
        try:
            return cls._members[value]
        except (KeyError, TypeError):
            return cls(value) if isinstance(value, str) else value
