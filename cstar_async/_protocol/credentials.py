"""API keys: what they begin with, and what they allow."""

from __future__ import annotations

from typing import Final

from cstar_async._types import is_str
from cstar_async.errors import ConfigurationError

KEY_PREFIXES: Final = ("sk_live_", "sk_test_", "pk_live_", "pk_test_", "sk_", "pk_")
"""What a key begins with; the short ones are older."""


PUBLISHABLE_PREFIX: Final = "pk_"


def validate_api_key(api_key: str) -> str:
    """An API key that can stand in a header.

    Raises:
        ConfigurationError: It is empty, has none of the known prefixes or nothing after one, or has characters that no key has. The
            error does not show it.
    """
    if not is_str(api_key) or not api_key:
        raise ConfigurationError("an API key is needed: pass api_key=, or set CSTAR_API_KEY and use from_env()")
    if not api_key.startswith(KEY_PREFIXES):
        raise ConfigurationError("the API key has none of the prefixes sk_live_, sk_test_, pk_live_ and pk_test_")
    if api_key in KEY_PREFIXES:
        raise ConfigurationError("the API key is only the prefix of one; was it copied whole?")
    if not api_key.isascii() or not api_key.isprintable() or " " in api_key:
        raise ConfigurationError("the API key has spaces or characters that no key has; was it copied whole and alone?")
    return api_key


def is_publishable(api_key: str | None) -> bool:
    """Whether a key may only read; without a key there is nothing that it forbids."""
    return api_key is not None and api_key.startswith(PUBLISHABLE_PREFIX)
