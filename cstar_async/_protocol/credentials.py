"""API keys: their prefixes, and what each kind may do."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from typing import Final, Literal

import attrs

from cstar_async._protocol.headers import AUTHORIZATION
from cstar_async._types import is_str
from cstar_async.errors import ConfigurationError

KEY_PREFIXES: Final = ("sk_live_", "sk_test_", "pk_live_", "pk_test_", "sk_", "pk_")
"""What an API key begins with; the short prefixes are older."""
PUBLISHABLE_PREFIX: Final = "pk_"


def validate_api_key(api_key: str) -> str:
    """Return the API key if it can be sent in a header. The `ConfigurationError` for any other one does not contain it."""
    if not is_str(api_key) or not api_key:
        raise ConfigurationError("api_key is missing; pass api_key=, or set CSTAR_API_KEY and use from_env()")
    if not api_key.startswith(KEY_PREFIXES):
        raise ConfigurationError("api_key must begin with sk_live_, sk_test_, pk_live_ or pk_test_")
    if api_key in KEY_PREFIXES:
        raise ConfigurationError("api_key must be a whole key, got only its prefix; copy it again")
    if not api_key.isascii() or not api_key.isprintable() or " " in api_key:
        raise ConfigurationError("api_key must be printable ASCII without spaces; copy the key again, and nothing else")
    return api_key


@attrs.frozen
class Credential:
    """What authenticates the requests to another API: a header, a cookie or a parameter of the query."""

    location: Literal["header", "query", "cookie"]
    name: str
    value: str = attrs.field(repr=False)


def bearer(token: str | None, argument: str) -> Credential | None:
    """Return the credential for a token; None without one."""
    return None if token is None else Credential("header", AUTHORIZATION, f"Bearer {_printable(token, argument)}")


def basic(username: str | None, password: str | None) -> Credential | None:
    """Return the credential of HTTP basic authentication; None without a user name."""
    if username is None:
        return None
    if not is_str(username) or not is_str(password) or ":" in username:
        raise ConfigurationError("username and password must be str, and username must have no colon")
    encoded = b64encode(f"{username}:{password}".encode()).decode()
    return Credential("header", AUTHORIZATION, f"Basic {encoded}")


def named_key(location: Literal["header", "query", "cookie"], name: str, value: str | None, argument: str) -> Credential | None:
    """Return the credential for a key that the API expects under a name of its own; None without a key."""
    return None if value is None else Credential(location, name, _printable(value, argument))


def credential_headers(credentials: Sequence[Credential]) -> dict[str, str]:
    """Return the headers of credentials, without those that are parameters of the query."""
    headers = {one.name: one.value for one in credentials if one.location == "header"}
    cookies = "; ".join(f"{one.name}={one.value}" for one in credentials if one.location == "cookie")
    return headers | ({"Cookie": cookies} if cookies else {})


def _printable(value: str, argument: str) -> str:
    if not is_str(value) or not value or not value.isascii() or not value.isprintable() or " " in value:
        raise ConfigurationError(f"{argument} must be printable ASCII without spaces; copy it again, and nothing else")
    return value


def is_publishable(api_key: str | None) -> bool:
    """Return whether the key may only read. False without a key, which is not restricted."""
    return api_key is not None and api_key.startswith(PUBLISHABLE_PREFIX)
