"""How objects are shown: in one line that is safe to log, or with all fields, one a line."""

from __future__ import annotations

import reprlib
import sys
from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Final, Protocol

MAX_REPR: Final = 100
"""Characters of a caller's value in an error."""


class _ShortRepr(reprlib.Repr):
    """Shorten values, and hide the items of containers: they may be data of a customer."""

    def repr1(self, x: object, level: int) -> str:
        if level == self.maxlevel or x is None or isinstance(x, (int, float, list, tuple, set, frozenset, dict)):
            return super().repr1(x, level)
        return f"<{type(x).__name__}>"

    def repr_int(self, x: int, level: int) -> str:
        repr(x)  # raises for one of thousands of digits, of which Python 3.14 would show the address
        return super().repr_int(x, level)


_SHORT: Final = _ShortRepr()
_SHORT.maxstring = _SHORT.maxother = MAX_REPR


def short_repr(value: object) -> str:
    """Return the repr of any object for an error message: shortened, also if it is nested deeply or its own repr fails."""
    try:
        return _SHORT.repr(value)
    except Exception:  # such as the ValueError for an int of thousands of digits
        return f"an object of type {type(value).__name__}"


def private_repr(value: object) -> str:
    """Describe a value that an error must not show, such as a key: the length of a str, or the type."""
    return f"a str of {len(value)} characters" if isinstance(value, str) else type(value).__name__


class _Printer(Protocol):
    """The pretty printer of IPython."""

    def text(self, text: str, /) -> None: ...
    def pretty(self, value: object, /) -> None: ...
    def break_(self) -> None: ...
    def group(self, indent: int, open: str, close: str, /) -> AbstractContextManager[None]: ...


class PublicDir:
    """Leave out of `dir()`, with which notebooks and shells complete, what is not for the user."""

    __slots__ = ()

    def __dir__(self) -> list[str]:
        return [name for name in super().__dir__() if not name.startswith("_") or name.startswith("__")]


class FieldRepr(PublicDir):
    """Show the loggable fields in `repr()`, and all fields in rich, pprint and IPython.

    Loggable are ids, enum values, numbers, booleans and counts; never names, addresses, texts or keys.
    """

    __slots__ = ()

    def _loggable_fields(self) -> Iterable[tuple[str, object]]:
        return ()

    def _all_fields(self) -> Iterable[tuple[str, object]]:
        return self._loggable_fields()

    def __repr__(self) -> str:
        # pprint has no hook for other classes than those of the standard library.
        if sys._getframe(1).f_globals.get("__name__") == "pprint":  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
            return "".join([type(self).__name__, "(", *(f"\n    {name}={value!r}," for name, value in self._all_fields()), "\n)"])
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self._loggable_fields())})"

    def __rich_repr__(self) -> Iterable[tuple[str, object]]:
        """Return all fields, for rich."""
        return self._all_fields()

    def _repr_pretty_(self, printer: _Printer, cycle: bool) -> None:
        """Print all fields, for IPython."""
        name = type(self).__name__
        if cycle:
            printer.text(f"{name}(...)")
            return
        with printer.group(4, f"{name}(", ")"):
            for number, (field, value) in enumerate(self._all_fields()):
                printer.text("," if number else "")
                printer.break_()
                printer.text(f"{field}=")
                printer.pretty(value)
