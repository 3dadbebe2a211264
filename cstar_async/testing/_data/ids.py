"""Identifiers: how the fake makes them, and when two of them mean the same object.

cStar hands out ids with the prefix of their kind (`tkt_` and 32 hex digits) or bare UUIDs, and takes both for single objects.
"""

from __future__ import annotations

import re
from random import Random
from typing import Final
from uuid import UUID

_UUID: Final = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}", re.IGNORECASE)
_PREFIX: Final = re.compile(r"[a-z]+_(?=[0-9a-fA-F]{32}$)")


def seeded_random(*words: object) -> Random:
    """A source of chance that gives the same for the same words."""
    return Random(" ".join(map(str, words)))  # noqa: S311  # repeatable on purpose; nothing secret is made of it


def new_id(prefix: str, random: Random) -> str:
    """A fresh id: the prefix and 32 hex digits, or a bare UUID when there is no prefix."""
    fresh = UUID(int=random.getrandbits(128), version=4)
    return f"{prefix}{fresh.hex}" if prefix else str(fresh)


def new_request_id(random: Random) -> str:
    """A fresh id of a request."""
    return f"req_{random.getrandbits(48):012x}"


def normalize_id(text: str, prefix: str | None = None) -> str:
    """What an id comes down to, so that all its forms compare equal: the hex digits of its UUID, or the text itself.

    Args:
        text: An id in any form.
        prefix: The only prefix that is taken off; default any.
    """
    bare = _PREFIX.sub("", text, count=1) if prefix is None else text.removeprefix(prefix)
    return bare.replace("-", "").lower() if _UUID.fullmatch(bare) else text
