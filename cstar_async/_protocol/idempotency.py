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

from cstar_async._types import is_str
from cstar_async.errors import InvalidArgumentError

MAX_KEY_LENGTH: Final = 255
"""Characters that a key may have (inferred)."""
LONGEST_NUMBER: Final = 2048
"""Bits that a number may have as a part: Python writes any of them in full, however its limit of digits is set."""


def new_key() -> str:
    """A key that no other call has: 128 random bits in hex."""
    return os.urandom(16).hex()


def idempotency_key(*parts: str | int) -> str:
    """Derive the idempotency key of an operation from what it is about.

    The same parts give the same key on every machine and in every version of Python and of this package, so a job that is repeated
    after a crash repeats its calls under the same keys. Text and numbers differ: `"1"` and `1` give different keys. A member of an
    enum that is a text or a number counts as that.

    Args:
        parts: At least one text or whole number that together name the logical operation, such as `"reply", event.id`.

    Returns:
        44 characters: `idk_` and 40 hex digits.

    Raises:
        InvalidArgumentError: No part, or one that is neither text nor a whole number, or a number of more than 2,048 bits.

    Source: documentation page "Idempotency" (the advice); the form of the key is this package's.
    """
    if not parts:
        raise InvalidArgumentError("an idempotency key needs at least one part")
    for part in parts:
        if not _is_part(part):
            raise InvalidArgumentError(f"parts of an idempotency key are texts and whole numbers, not {type(part).__name__}")
        if isinstance(part, int) and part.bit_length() > LONGEST_NUMBER:
            raise InvalidArgumentError(f"a number in an idempotency key has at most {LONGEST_NUMBER} bits")
    # Escaped to ASCII, so that text which UTF-8 cannot hold still has a form; separators keep ("ab", "c") from ("a", "bc").
    text = json.dumps(parts, separators=(",", ":"))
    return f"idk_{hashlib.sha256(text.encode('ascii')).hexdigest()[:40]}"


def checked_key(key: str) -> str:
    """A key of the caller's, as a header can carry it.

    Raises:
        InvalidArgumentError: It is empty, too long, or has characters that a header cannot carry.
    """
    if not is_str(key):
        raise InvalidArgumentError(f"an idempotency key is a text, not {type(key).__name__}")
    if not 0 < len(key) <= MAX_KEY_LENGTH:
        raise InvalidArgumentError(f"an idempotency key has 1 to {MAX_KEY_LENGTH} characters, not {len(key)}")
    if not key.isascii() or not key.isprintable() or key != key.strip():
        raise InvalidArgumentError(
            "an idempotency key is printable ASCII without spaces at its ends; derive one with idempotency_key()"
        )
    return key


def _is_part(part: object) -> TypeGuard[str | int]:
    return isinstance(part, (str, int)) and not isinstance(part, bool)
