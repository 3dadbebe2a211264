"""API keys: which exist, and what each is permitted to do.

The rules and error codes are those of the API reference, sections "Keys" and "Errors". The time is an argument.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from random import Random
from typing import Final, Literal, TypeAlias

import attrs

from cstar_async._operations.operation import Operation
from cstar_async._types import is_str
from cstar_async.errors import InvalidArgumentError
from cstar_async.testing._data.store import Team
from cstar_async.testing._errors import APIFailure

KeyType: TypeAlias = Literal["secret", "publishable"]
Environment: TypeAlias = Literal["test", "live"]

_PREFIXES: Final = ("sk_", "pk_")


@attrs.frozen(kw_only=True)
class Key:
    """An API key."""

    text: str = attrs.field(repr=False)
    type: KeyType
    environment: Environment
    team: Team
    expires_at: float | None = None
    """Unix time in seconds; None: never."""


@attrs.frozen(kw_only=True)
class AnonymousCaller:
    """A caller without a key, of the public library; its IP address identifies it."""

    text: str
    """The IP address."""
    type: Literal["anonymous"] = "anonymous"


Caller: TypeAlias = Key | AnonymousCaller


def new_key_text(key_type: KeyType, environment: Environment, random: Random) -> str:
    """Create a key as the API does: the prefix of its type and 32 base64url characters."""
    prefix = "sk" if key_type == "secret" else "pk"
    return f"{prefix}_{environment}_{base64.urlsafe_b64encode(random.randbytes(24)).decode()}"


class APIKeys:
    """The keys of a fake."""

    def __init__(self) -> None:
        self._keys: dict[str, Key] = {}

    def __iter__(self) -> Iterator[Key]:
        return iter(self._keys.values())

    def add(self, key: Key) -> None:
        """Add a key; it replaces one with the same text."""
        self._keys[key.text] = key

    def revoke(self, text: str) -> None:
        """Remove a key; see `get`."""
        del self._keys[self.get(text).text]

    def get(self, text: str) -> Key:
        """Return a key by its text.

        Raises:
            InvalidArgumentError: There is no such key.
        """
        key = self._keys.get(text) if is_str(text) else None
        if key is None:
            raise InvalidArgumentError("key must be a key of this fake, got another value")
        return key

    def find(self, authorization: str | None) -> Key | None:
        """Return the key of an `Authorization` header, without checking it; None for none or an unknown one."""
        return self._keys.get(_bearer(authorization) or "")

    def authenticate(self, authorization: str | None, *, now_s: float) -> Key:
        """Return the key of an `Authorization` header.

        Raises:
            APIFailure: 401: no key, or one that is malformed, unknown or expired.
        """
        text = _bearer(authorization)
        if text is None:
            raise APIFailure(401, "authentication_required", "An API key is required: 'Authorization: Bearer <key>'.")
        if not text.startswith(_PREFIXES):
            raise APIFailure(401, "invalid_key_format", "An API key begins with sk_live_, sk_test_, pk_live_ or pk_test_.")
        key = self._keys.get(text)
        if key is None:
            raise APIFailure(401, "invalid_api_key", "Invalid API key.")
        if key.expires_at is not None and key.expires_at <= now_s:
            raise APIFailure(401, "key_expired", "This API key has expired.")
        return key


def check_permission(key: Key, operation: Operation, team_id: str | None) -> None:
    """Check that a key may call an operation.

    Args:
        key: The key of the caller.
        operation: The operation.
        team_id: The team in the path; None for paths outside a team.

    Raises:
        APIFailure: 403: another team, a write with a publishable key, or a read that needs a secret key.
    """
    if team_id is not None and team_id != key.team.id:
        raise APIFailure(403, "team_access_denied", "This API key belongs to another team.")
    if key.type == "secret":
        return
    if operation.method != "GET":
        message = (
            f"Publishable keys (pk_{key.environment}_) are read-only. Use a secret key (sk_{key.environment}_) for write operations"
        )
        raise APIFailure(403, "publishable_key_write", message)
    if operation.required_key == "secret":
        raise APIFailure(403, "insufficient_permissions", "This needs a secret key.", type="authorization_error")


def _bearer(authorization: str | None) -> str | None:
    """Return the token of a `Bearer` header; None for any other."""
    scheme, _, text = (authorization or "").partition(" ")
    return text.strip() or None if scheme.lower() == "bearer" else None
