"""Sign the identity of a customer for the chat widget."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from typing import Final

from cstar_async._types import is_int, is_str
from cstar_async._values.repr import private_repr
from cstar_async._values.validation import MAX_COUNT, MAX_INT_BITS, check_instance
from cstar_async.errors import InvalidArgumentError

REQUIRED: Final = ("email", "externalId", "timestamp")
SIGNED: Final = ("email", "externalId", "name", "timestamp")
_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def sign_identity(fields: Mapping[str, str | int | None], secret: str) -> str:
    """Sign the identity of a customer for the chat widget.

    The signature is that of compact JSON with sorted keys, in the form of JavaScript's `JSON.stringify`.

    Args:
        fields: The identity, with the names of the API: `email` (str), `externalId` (str, or an int that is signed as its str),
            `timestamp` (int, Unix seconds) and optionally `name` (str). None: the field is left out.
        secret: The identity key from the settings of the widget. It looks like an API key and is not one.

    Returns:
        64 lower-case hex digits.

    Raises:
        InvalidArgumentError: A field is missing, not signed or of the wrong type, or *secret* is empty.

    Source: Chat widget, Identity verification (documented; how other characters than ASCII are written is inferred).
    """
    if not is_str(secret) or not secret:
        raise InvalidArgumentError(f"secret must be the identity key of the chat widget, got {private_repr(secret)}")
    return hmac.new(secret.encode("utf-8", "replace"), canonical_identity(fields).encode(), hashlib.sha256).hexdigest()


def canonical_identity(fields: Mapping[str, str | int | None]) -> str:
    """Return the JSON that is signed. The argument and errors are those of `sign_identity`."""
    check_instance("fields", fields, Mapping, "a mapping of names to values", is_private=True)
    signed: dict[str, str | int] = {}
    for name, value in fields.items():
        if name not in SIGNED:
            got = private_repr(name)
            raise InvalidArgumentError(f"fields must have only the names {', '.join(SIGNED)}, got {got}; leave other data unsigned")
        if value is not None:
            signed[name] = _validate(name, value)
    for name in REQUIRED:
        if name not in signed:
            raise InvalidArgumentError(f"fields must have `{name}`, got none")
    text = json.dumps(signed, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    # UTF-8 cannot encode half of a surrogate pair. JavaScript escapes it.
    return _LONE_SURROGATE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _validate(name: str, value: str | int) -> str | int:
    if is_int(value):
        if name == "timestamp" and abs(value) <= MAX_COUNT:
            return value
        if name == "externalId" and value.bit_length() <= MAX_INT_BITS:
            return str(value)
    if name == "timestamp":
        raise InvalidArgumentError(f"`timestamp` must be an int of seconds up to 2**53 - 1, got {type(value).__name__}")
    check_instance(f"`{name}`", value, str, "a str", is_private=True)
    # To JavaScript, the two halves of a surrogate pair are one character.
    return str(value).encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
