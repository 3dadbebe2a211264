"""Idempotency keys: how one is made, and how one is derived from what a call is about.

cStar answers a repeated key with the first answer for 24 hours and creates nothing (documentation page "Idempotency"). So a key is
made once per call and is the same on every attempt; whoever may repeat a call in another process derives it from the event, form or
job behind the call instead.
"""

from __future__ import annotations

import hashlib
import json
import os
from typing import Final, TypeGuard

from cstar_async._json import is_text
from cstar_async.errors import InvalidArgumentError

LONGEST_KEY: Final = 255
"""Characters that a key may have (inferred)."""


def new_key() -> str:
    """A key that no other call has: 128 random bits in hex."""
    return os.urandom(16).hex()


def idempotency_key(*parts: str | int) -> str:
    """Derive the idempotency key of an operation from what it is about.

    The same parts give the same key on every machine and in every version of Python and of this package, so a job that is repeated
    after a crash repeats its calls under the same keys. Text and numbers differ: `"1"` and `1` give different keys.

    Args:
        parts: At least one text or whole number that together name the logical operation, such as `"reply", event.id`.

    Returns:
        44 characters: `idk_` and 40 hex digits.

    Raises:
        InvalidArgumentError: No part, or one that is neither text nor a whole number.

    Source: documentation page "Idempotency" (the advice); the form of the key is this package's.
    """
    if not parts:
        raise InvalidArgumentError("an idempotency key needs at least one part")
    for part in parts:
        if not _is_part(part):
            raise InvalidArgumentError(f"parts of an idempotency key are texts and whole numbers, not {type(part).__name__}")
    # Escaped to ASCII, so that text which UTF-8 cannot hold still has a form; separators keep ("ab", "c") from ("a", "bc").
    text = json.dumps([str(part) if isinstance(part, str) else part for part in parts], separators=(",", ":"))
    return f"idk_{hashlib.sha256(text.encode('ascii')).hexdigest()[:40]}"


def checked_key(key: str) -> str:
    """A key of the caller's, as a header can carry it.

    Raises:
        InvalidArgumentError: It is empty, too long, or has characters that a header cannot carry.
    """
    if not is_text(key):
        raise InvalidArgumentError(f"an idempotency key is a text, not {type(key).__name__}")
    if not 0 < len(key) <= LONGEST_KEY:
        raise InvalidArgumentError(f"an idempotency key has 1 to {LONGEST_KEY} characters, not {len(key)}")
    if not key.isascii() or not key.isprintable() or key != key.strip():
        raise InvalidArgumentError(
            "an idempotency key is printable ASCII without spaces at its ends; derive one with idempotency_key()"
        )
    return key


def _is_part(part: object) -> TypeGuard[str | int]:
    return isinstance(part, (str, int)) and not isinstance(part, bool)
