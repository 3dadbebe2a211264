"""Chat identity: a server signs who the customer is, and the chat widget passes the signature on."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from typing import Final

from cstar_async._types import is_int, is_str
from cstar_async.errors import InvalidArgumentError

REQUIRED: Final = ("email", "externalId", "timestamp")
OPTIONAL: Final = ("name",)
MAX_NUMBER: Final = 2**53 - 1
"""The largest whole number that JavaScript writes as it is."""


def sign_identity(fields: Mapping[str, str | int | None], secret: str) -> str:
    """Sign the identity of a customer for the chat widget.

    The signature is over compact JSON with sorted keys, written as JavaScript writes it, because the other side is JavaScript. More
    data may be passed to the widget beside these fields; it is not signed.

    Args:
        fields: By wire name: `email`, `externalId` (a number is signed as a text), `timestamp` (Unix seconds, a whole number) and
            perhaps `name`. A field that is None is left out.
        secret: The identity key of the widget's settings. It looks like an API key and is not one.

    Returns:
        64 hex digits, in lower case.

    Raises:
        InvalidArgumentError: A field is missing, unknown or of the wrong type, or there is no secret.

    Source: Chat widget, Identity verification (documented; how non-ASCII text is written is inferred).
    """
    if not is_str(secret) or not secret:
        raise InvalidArgumentError("an identity is signed with the identity key of the chat widget, and none is given")
    text = canonical_identity(fields)
    return hmac.new(secret.encode("utf-8", "replace"), text.encode(), hashlib.sha256).hexdigest()


def canonical_identity(fields: Mapping[str, str | int | None]) -> str:
    """The text that is signed.

    Raises:
        InvalidArgumentError: A field is missing, unknown or of the wrong type.
    """
    signed: dict[str, str | int] = {}
    for name, value in fields.items():
        if name not in (*REQUIRED, *OPTIONAL):
            raise InvalidArgumentError(f"only {', '.join(sorted((*REQUIRED, *OPTIONAL)))} are signed, by these names")
        if value is not None:
            signed[name] = _checked(name, value)
    for name in REQUIRED:
        if name not in signed:
            raise InvalidArgumentError(f"an identity needs `{name}`")
    return _LONE_SURROGATE.sub(_escaped, json.dumps(signed, sort_keys=True, separators=(",", ":"), ensure_ascii=False))


def _checked(name: str, value: str | int) -> str | int:
    if is_int(value):
        if name == "timestamp" and abs(value) <= MAX_NUMBER:
            return value
        if name == "externalId":
            return str(value)
    if name == "timestamp":
        raise InvalidArgumentError("`timestamp` is a whole number of seconds")
    if not is_str(value):
        raise InvalidArgumentError(f"`{name}` is a text")
    # Two halves of one character are that character to JavaScript.
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def _escaped(half: re.Match[str]) -> str:
    """Half a character, which UTF-8 cannot hold, as JavaScript writes it."""
    return f"\\u{ord(half[0]):04x}"
