"""A change between two documents, and the version that it asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

Surface: TypeAlias = Literal["api", "python"]
Kind: TypeAlias = Literal["added", "removed", "renamed", "narrowed", "widened", "changed", "moved"]
Bump: TypeAlias = Literal["major", "minor", "patch"]


@dataclass(frozen=True, kw_only=True)
class Change:
    """A change of the API, or of the names and types that Python callers use."""

    surface: Surface
    kind: Kind
    is_breaking: bool
    name: str
    """What a caller writes: `tickets.list(status=)`, `Ticket.status`."""
    place: str
    """Where it is in the new document; in the old one for what was removed."""
    message: str


def version_bump(changes: Sequence[Change]) -> Bump:
    """Return the part of the version that goes up from 1.0 on."""
    if any(change.is_breaking for change in changes):
        return "major"
    return "minor" if changes else "patch"


def version_bump_before_1(changes: Sequence[Change]) -> Bump:
    """Return the part of the version that goes up before 1.0: the minor version for what breaks, or else the patch."""
    return "minor" if version_bump(changes) == "major" else "patch"
