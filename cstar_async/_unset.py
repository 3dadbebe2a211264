"""The sentinel that tells "not sent" from "sent as null".

`None` is a value on the wire (it clears a field), so leaving an argument out needs a word of its own. There are only these two;
nothing in this package invents a third.
"""

from __future__ import annotations

import enum
from typing import Final, Literal


class Unset(enum.Enum):
    """The type of `UNSET`: an enum with one member, so that `is UNSET` narrows a type and copies and pickles stay identical."""

    UNSET = "UNSET"

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = Unset.UNSET
"""The default of every optional argument: the field is not sent at all."""
