"""Idempotency keys: generated ones, and ones derived from what a call is about.

For 24 hours, cStar returns the first response for a repeated key and creates nothing (documentation page "Idempotency").
"""

from __future__ import annotations

import hashlib
import json
import os
from typing import Final

from cstar_async._types import is_int, is_str
from cstar_async._values.repr import private_repr
from cstar_async._values.validation import MAX_INT_BITS, check_instance
from cstar_async.errors import InvalidArgumentError

MAX_KEY_LENGTH: Final = 255
"""Characters of a key (inferred)."""


def new_key() -> str:
    """Generate a unique key: 128 random bits in hex."""
    return os.urandom(16).hex()


def idempotency_key(*parts: str | int) -> str:
    """Derive an idempotency key from the parts that identify an operation.

    The same parts give the same key on every machine and in every version of Python and of this package. So a job that runs again
    after a crash repeats its calls with the same keys. `"1"` and `1` give different keys. A `str` or `int` enum member counts as
    its value.

    Args:
        parts: At least one str or int, such as `"reply", event.id`.

    Returns:
        44 characters: `idk_` and 40 hex digits.

    Raises:
        InvalidArgumentError: There is no part, or one is neither a str nor an int of at most 2,048 bits.

    Source: documentation page "Idempotency" recommends it; the format of the key is this package's.
    """
    if not parts:
        raise InvalidArgumentError("parts must have at least one str or int, got none")
    for part in parts:
        if not is_str(part) and not is_int(part):
            raise InvalidArgumentError(f"parts must be str or int, got {type(part).__name__}")
        if isinstance(part, int) and part.bit_length() > MAX_INT_BITS:
            raise InvalidArgumentError(f"parts must have at most {MAX_INT_BITS} bits if they are int, got {part.bit_length()} bits")
    # JSON separates ("ab", "c") from ("a", "bc"), and its ASCII escapes can hold half a surrogate pair, which UTF-8 cannot.
    text = json.dumps(parts, separators=(",", ":"))
    return f"idk_{hashlib.sha256(text.encode('ascii')).hexdigest()[:40]}"


def validate_key(key: str) -> str:
    """Return a caller's key if it can be sent in a header."""
    check_instance("idempotency_key", key, str, "a str", is_private=True)
    if not 0 < len(key) <= MAX_KEY_LENGTH:
        raise InvalidArgumentError(f"idempotency_key must have 1 to {MAX_KEY_LENGTH} characters, got {len(key)}")
    if not key.isascii() or not key.isprintable() or key != key.strip():
        raise InvalidArgumentError(
            f"idempotency_key must be printable ASCII without spaces at its ends, got {private_repr(key)}; "
            "derive one with cstar_async.idempotency_key()"
        )
    return key
