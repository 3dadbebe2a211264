"""API keys: their prefixes, and what each kind may do."""

from __future__ import annotations

from typing import Final

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


def is_publishable(api_key: str | None) -> bool:
    """Return whether the key may only read. False without a key, which is not restricted."""
    return api_key is not None and api_key.startswith(PUBLISHABLE_PREFIX)
