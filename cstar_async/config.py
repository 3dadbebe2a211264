"""The settings of a client, judged once when it is made, so that nothing wrong in them shows up in the middle of a call."""

from __future__ import annotations

import urllib.request
from typing import TYPE_CHECKING, Final

import attrs

from cstar_async._options import Priority
from cstar_async._url import path_segment
from cstar_async.errors import ConfigurationError, InvalidArgumentError

if TYPE_CHECKING:
    from yarl import URL

BASE_URL: Final = "https://www.cstar.help"
API_VERSION: Final = "2026-03-01"
KEY_PREFIXES: Final = ("sk_", "pk_")
PUBLISHABLE_PREFIX: Final = "pk_"


def checked_api_key(api_key: str) -> str:
    """An API key that can stand in a header.

    Raises:
        ConfigurationError: It is empty, has none of the known prefixes, or characters that no key has. The error does not show it.
    """
    given: object = api_key
    if not isinstance(given, str) or not given:
        raise ConfigurationError("an API key is needed: pass api_key=, or set CSTAR_API_KEY and use from_env()")
    if not given.startswith(KEY_PREFIXES):
        raise ConfigurationError("the API key has none of the prefixes sk_live_, sk_test_, pk_live_ and pk_test_")
    if not given.isascii() or not given.isprintable() or " " in given:
        raise ConfigurationError("the API key has spaces or characters that no key has; was it copied whole and alone?")
    return given


def checked_team_id(team_id: str | None) -> str | None:
    """A team id that can stand in a path, or None.

    Raises:
        ConfigurationError: It cannot.
    """
    if team_id is None:
        return None
    try:
        path_segment(team_id, "team_id")
    except InvalidArgumentError as error:
        raise ConfigurationError(error.message) from None
    return team_id


def checked_base_url(base_url: str) -> URL:
    """A base URL as scheme, host and perhaps a prefix of the path.

    Raises:
        ConfigurationError: It is no http or https URL with a host, or has credentials, a query or a fragment.
    """
    from yarl import URL

    given: object = base_url
    if not isinstance(given, str):
        raise ConfigurationError(f"base_url is a text, not {type(given).__name__}")
    try:
        url = URL(given)
    except ValueError:
        raise ConfigurationError("base_url is not a URL") from None
    if url.scheme not in {"http", "https"} or not url.host:
        raise ConfigurationError("base_url must begin with https:// (or http://) and name a host")
    if url.user is not None or url.password is not None or url.query_string or url.fragment:
        raise ConfigurationError("base_url must not have credentials, a query or a fragment")
    return url


@attrs.frozen(kw_only=True)
class CallSettings:
    """What a call goes by unless it says otherwise."""

    timeout: float | None = 30.0
    max_retries: int = 3
    max_wait: float = 60.0
    priority: Priority = Priority.INTERACTIVE

    def __attrs_post_init__(self) -> None:
        check_settings(timeout=self.timeout, max_retries=self.max_retries, max_wait=self.max_wait)


def check_settings(
    *, timeout: float | None = None, max_retries: int | None = None, max_wait: float | None = None, deadline: float | None = None
) -> None:
    """Refuse numbers that no call can go by.

    Raises:
        InvalidArgumentError: A time is not positive (`max_wait` may be 0), or a count is negative.
    """
    for name, seconds in (("timeout", timeout), ("deadline", deadline)):
        if seconds is not None and not seconds > 0:
            raise InvalidArgumentError(f"{name} is a number of seconds above 0, not {seconds!r}")
    if max_wait is not None and not max_wait >= 0:
        raise InvalidArgumentError(f"max_wait is a number of seconds from 0, not {max_wait!r}")
    if max_retries is not None and (isinstance(max_retries, float) or max_retries < 0):
        raise InvalidArgumentError(f"max_retries is a whole number from 0, not {max_retries!r}")


def proxy_from_environment(base_url: URL) -> str | None:
    """The proxy that the environment names for a host, read once.

    `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` are read as the standard library reads them.
    """
    proxies = urllib.request.getproxies_environment()
    bypass = urllib.request.proxy_bypass_environment(f"{base_url.host}:{base_url.port}", proxies)
    return None if bypass else proxies.get(base_url.scheme) or proxies.get("all")
