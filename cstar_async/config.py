"""The settings of a client, judged once when it is made, so that nothing wrong in them shows up in the middle of a call."""

from __future__ import annotations

import math
import urllib.request
from typing import TYPE_CHECKING, Final

import attrs

from cstar_async._json import is_text
from cstar_async._options import Priority
from cstar_async._url import path_segment
from cstar_async.errors import ConfigurationError, InvalidArgumentError

if TYPE_CHECKING:
    from yarl import URL

BASE_URL: Final = "https://www.cstar.help"
API_VERSION: Final = "2026-03-01"
KEY_PREFIXES: Final = ("sk_live_", "sk_test_", "pk_live_", "pk_test_", "sk_", "pk_")
"""What a key begins with; the short ones are older."""
PUBLISHABLE_PREFIX: Final = "pk_"


def checked_api_key(api_key: str) -> str:
    """An API key that can stand in a header.

    Raises:
        ConfigurationError: It is empty, has none of the known prefixes or nothing after one, or has characters that no key has. The
            error does not show it.
    """
    if not is_text(api_key) or not api_key:
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


def checked_team_id(team_id: str | None, name: str = "team_id") -> str | None:
    """A team id that can stand in a path, or None.

    Args:
        team_id: What was given.
        name: The argument that it was given for.

    Raises:
        ConfigurationError: It cannot.
    """
    if team_id is None:
        return None
    try:
        path_segment(team_id, name)
    except InvalidArgumentError as error:
        raise ConfigurationError(error.message) from None
    return team_id


def checked_library_team(team: str) -> str:
    """The team of a public library, by slug or UUID.

    Raises:
        ConfigurationError: It cannot stand in a path.
    """
    if not is_text(team):
        raise ConfigurationError("a library needs the slug or the UUID of its team: pass team=")
    checked_team_id(team, "team")
    return team


def checked_base_url(base_url: str) -> URL:
    """A base URL as scheme, host and perhaps a prefix of the path.

    Raises:
        ConfigurationError: It is no http or https URL with a host, or has credentials, a query or a fragment.
    """
    from yarl import URL

    if not is_text(base_url):
        raise ConfigurationError(f"base_url is a text, not {type(base_url).__name__}")
    try:
        url = URL(base_url)
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

    timeout: float = 30.0
    max_retries: int = 3
    max_wait: float = 60.0
    priority: Priority = Priority.INTERACTIVE

    def __attrs_post_init__(self) -> None:
        check_settings(timeout=self.timeout, max_retries=self.max_retries, max_wait=self.max_wait)

    def overridden(
        self, *, timeout: float | None, max_retries: int | None, max_wait: float | None, priority: Priority | None
    ) -> CallSettings:
        """These settings with others where one is given."""
        return CallSettings(
            timeout=self.timeout if timeout is None else timeout,
            max_retries=self.max_retries if max_retries is None else max_retries,
            max_wait=self.max_wait if max_wait is None else max_wait,
            priority=self.priority if priority is None else priority,
        )


def check_settings(
    *, timeout: float | None = None, max_retries: int | None = None, max_wait: float | None = None, deadline: float | None = None
) -> None:
    """Refuse numbers that no call can go by.

    Raises:
        InvalidArgumentError: A time is not a finite number above 0 (`max_wait` may be 0), or a count is negative.
    """
    for name, seconds, least in (("timeout", timeout, 1e-9), ("deadline", deadline, 1e-9), ("max_wait", max_wait, 0.0)):
        if seconds is None:
            continue
        if not _is_number(seconds) or not least <= seconds < math.inf:
            raise InvalidArgumentError(f"{name} is a number of seconds {'from' if least == 0 else 'above'} 0, not {seconds!r}")
    if max_retries is not None:
        _check_count("max_retries", max_retries, 0)


def check_counts(*, max_connections: int, retry_budget: int | None) -> None:
    """Refuse counts that no client can work with.

    Raises:
        InvalidArgumentError: One is not a whole number, or too small.
    """
    _check_count("max_connections", max_connections, 1)
    if retry_budget is not None:
        _check_count("retry_budget", retry_budget, 0)


def _check_count(name: str, value: object, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InvalidArgumentError(f"{name} is a whole number from {least}, not {value!r}")


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def checked_api_version(api_version: str | None) -> str | None:
    """The value of `CStar-Version`, or None.

    Raises:
        ConfigurationError: A header cannot carry it.
    """
    if api_version is None:
        return None
    if not is_text(api_version) or not api_version.strip() or not api_version.isascii() or not api_version.isprintable():
        raise ConfigurationError("api_version is a date such as '2026-03-01', or None")
    return api_version


def checked_proxy(proxy: str | None) -> str | None:
    """The URL of a proxy, or None.

    Raises:
        ConfigurationError: It is no URL with a host. The error does not show it, for it may hold a password.
    """
    if proxy is None:
        return None
    from yarl import URL

    try:
        is_usable = URL(proxy).host is not None
    except (ValueError, TypeError):
        is_usable = False
    if not is_usable:
        raise ConfigurationError("proxy is not a URL such as http://host:port")
    return proxy


def proxy_from_environment(base_url: URL) -> str | None:
    """The proxy that the environment names for a host, read once.

    `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` are read as the standard library reads them.
    """
    if urllib.request.proxy_bypass(f"{base_url.host}:{base_url.port}"):
        return None
    proxies = urllib.request.getproxies()
    return proxies.get(base_url.scheme) or proxies.get("all")
