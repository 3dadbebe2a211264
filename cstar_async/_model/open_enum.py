"""Enumerations that stay open: strings with names for the values that the document knows.

The server may say a word tomorrow that the document does not list, and code that compares with plain strings must keep its meaning
for a type checker. `enum.Enum` fails both, so an open enum is a `str` whose known values are class constants.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import ClassVar, Self

from cstar_async._types import UntypedJSON


class _Members(dict[str, "OpenEnum"]):
    """The known members by their texts. It makes a member of any other text without keeping it: a server could fill the memory."""

    __slots__ = ("_kind",)

    def __init__(self, kind: type[OpenEnum], texts: Iterable[str]) -> None:
        super().__init__((text, kind(text)) for text in texts)
        self._kind = kind

    def __missing__(self, text: str) -> OpenEnum:
        return self._kind(text)


class OpenEnum(str):
    """A string of which some values are known by name.

    A subclass names its known values once, `class TicketStatus(OpenEnum, known={"OPEN": "open"})`, and declares each as a class
    constant for type checkers. Members compare, hash, match, pickle and print as the text that travels on the wire.
    """

    __slots__ = ()

    by_text: ClassVar[Mapping[str, UntypedJSON]] = MappingProxyType({})
    """A member for every text; for generated decoders, which look up what they know to be one."""

    def __init_subclass__(cls, *, known: Mapping[str, str]) -> None:
        super().__init_subclass__()
        members = _Members(cls, known.values())
        for name, text in known.items():
            setattr(cls, name, members[text])
        cls.by_text = members

    @classmethod
    def known(cls) -> tuple[Self, ...]:
        """The values that the document lists, in its order."""
        return tuple(cls.by_text.values())

    @property
    def is_known(self) -> bool:
        """Whether the document lists this value."""
        return self in self.by_text

    @classmethod
    def read(cls, value: UntypedJSON) -> UntypedJSON:
        """A wire value as a member: known or not, any text becomes one; what is no text stays as it came."""
        return cls.by_text[value] if isinstance(value, str) else value
