"""Create and compare ids.

An id of cStar is the prefix of its type and 32 hex digits (`tkt_…`), or a bare UUID. Single objects are found by both.
"""

from __future__ import annotations

import re
from random import Random
from typing import Final
from uuid import UUID

_UUID: Final = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}", re.IGNORECASE)
_PREFIX: Final = re.compile(r"[a-z]+_(?=[0-9a-fA-F]{32}$)")


def seeded_random(*values: object) -> Random:
    """Return a random source that is the same for the same values."""
    return Random(" ".join(map(str, values)))  # noqa: S311  # repeatable on purpose; nothing secret is made of it


def new_id(prefix: str, random: Random) -> str:
    """Return a new id: the prefix and 32 hex digits, or a bare UUID without a prefix."""
    uuid = UUID(int=random.getrandbits(128), version=4)
    return f"{prefix}{uuid.hex}" if prefix else str(uuid)


def new_request_id(random: Random) -> str:
    """Return a new request id."""
    return f"req_{random.getrandbits(48):012x}"


def normalize_id(text: str, prefix: str | None = None) -> str:
    """Return the form in which all notations of an id are equal: the hex digits of its UUID, or the str itself.

    Args:
        text: An id in any notation.
        prefix: The only prefix that is removed; default any.
    """
    bare = _PREFIX.sub("", text, count=1) if prefix is None else text.removeprefix(prefix)
    return bare.replace("-", "").lower() if _UUID.fullmatch(bare) else text
