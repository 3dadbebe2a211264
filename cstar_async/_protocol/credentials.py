"""What authenticates requests: API keys of cStar and what each kind may do, and the credentials of other APIs."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Collection, Mapping
from typing import Final, Literal, TypeAlias
from urllib.parse import quote

import attrs

from cstar_async._protocol.headers import AUTHORIZATION, COOKIE
from cstar_async._protocol.messages import Request
from cstar_async._types import is_str
from cstar_async._values.repr import private_repr
from cstar_async.errors import ConfigurationError

KEY_PREFIXES: Final = ("sk_live_", "sk_test_", "pk_live_", "pk_test_", "sk_", "pk_")
"""What an API key begins with; the short prefixes are older."""
PUBLISHABLE_PREFIX: Final = "pk_"

Security: TypeAlias = tuple[tuple[str, ...], ...]
"""The security schemes that a request needs, by name: alternatives, each of one or more. Empty: none."""


def validate_api_key(api_key: object) -> str:
    """Return the API key if it can be sent in a header. The `ConfigurationError` for any other one does not contain it."""
    if not is_str(api_key) or not api_key:
        got = private_repr(api_key)
        raise ConfigurationError(f"api_key must be a key, got {got}; pass api_key=, or set CSTAR_API_KEY and use from_env()")
    if not api_key.startswith(KEY_PREFIXES):
        raise ConfigurationError(f"api_key must begin with sk_live_, sk_test_, pk_live_ or pk_test_, got {private_repr(api_key)}")
    if api_key in KEY_PREFIXES:
        raise ConfigurationError("api_key must be a whole key, got only its prefix; copy it again")
    if not api_key.isascii() or not api_key.isprintable() or " " in api_key:
        got = private_repr(api_key)
        raise ConfigurationError(f"api_key must be printable ASCII without spaces, got {got}; copy the key again, and nothing else")
    return api_key


@attrs.frozen(eq=False, repr=False)
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
    if not is_str(username) or ":" in username:
        raise ConfigurationError(f"username must be a str without a colon, got {private_repr(username)}")
    if not is_str(password):
        raise ConfigurationError(f"password must be a str, got {type(password).__name__}")
    try:
        encoded = b64encode(f"{username}:{password}".encode()).decode()
    except UnicodeEncodeError:
        text = "username and password must have only characters that UTF-8 can encode, got half a surrogate pair"
        raise ConfigurationError(text) from None
    return Credential("header", AUTHORIZATION, f"Basic {encoded}")


def named_key(location: Literal["header", "query", "cookie"], name: str, value: str | None, argument: str) -> Credential | None:
    """Return the credential for a key that the API expects under a name of its own; None without a key."""
    return None if value is None else Credential(location, name, _printable(value, argument))


class Credentials:
    """The credentials of a client, by the names of their security schemes. A request gets those that its operation needs."""

    def __init__(self, given: Mapping[str, Credential]) -> None:
        self._given = given
        self.query_names = frozenset(one.name for one in given.values() if one.location == "query")

    def add_to(self, request: Request, security: Security | None) -> None:
        """Add to a request the credentials that *security* names. None: all."""
        chosen = [self._given[name] for name in self._choose(security)]
        headers = {one.name: one.value for one in chosen if one.location == "header"}
        if headers:
            request.headers = {**headers, **(request.headers or {})}
        cookies = [f"{one.name}={one.value}" for one in chosen if one.location == "cookie"]
        if cookies:
            own = request.headers or {}
            request.headers = {**own, COOKIE: "; ".join([*cookies, *(own[name] for name in (COOKIE,) if name in own)])}
        query = [f"{quote(one.name, safe='')}={quote(one.value, safe='')}" for one in chosen if one.location == "query"]
        request.query = "&".join([*([request.query] if request.query else []), *query])

    def _choose(self, security: Security | None) -> Collection[str]:
        """Return the names of the first alternative that was given whole, or else in part."""
        if security is None:
            return self._given.keys()
        parts = [[name for name in names if name in self._given] for names in security]
        whole = [part for part, names in zip(parts, security, strict=True) if part and len(part) == len(names)]
        return next((part for part in (*whole, *parts) if part), ())


def _printable(value: str, argument: str) -> str:
    if not is_str(value) or not value or not value.isascii() or not value.isprintable() or " " in value:
        got = private_repr(value)
        raise ConfigurationError(f"{argument} must be printable ASCII without spaces, got {got}; copy it again, and nothing else")
    return value


def is_publishable(api_key: str | None) -> bool:
    """Return whether the key may only read. False without a key, which is not restricted."""
    return api_key is not None and api_key.startswith(PUBLISHABLE_PREFIX)
