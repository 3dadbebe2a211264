"""The settings of a client, judged once when it is made, so that nothing wrong in them shows up in the middle of a call."""

from __future__ import annotations

import math
import urllib.request
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, TypeGuard

import attrs

from cstar_async._protocol.urls import path_segment
from cstar_async._rate_limit.interface import Limiter
from cstar_async._types import Priority, RequestOptions, is_int, is_str
from cstar_async.errors import ConfigurationError, InvalidArgumentError
from cstar_async.hooks import Hooks

if TYPE_CHECKING:
    from yarl import URL

BASE_URL: Final = "https://www.cstar.help"
API_VERSION: Final = "2026-03-01"


def validate_team_id(team_id: str | None, name: str = "team_id") -> str | None:
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


def validate_library_team(team: str) -> str:
    """The team of a public library, by slug or UUID.

    Raises:
        ConfigurationError: It cannot stand in a path.
    """
    if not is_str(team):
        raise ConfigurationError("a library needs the slug or the UUID of its team: pass team=")
    validate_team_id(team, "team")
    return team


def validate_base_url(base_url: str) -> URL:
    """A base URL as scheme, host and perhaps a prefix of the path.

    Raises:
        ConfigurationError: It is no http or https URL with a host, or has credentials, a query or a fragment.
    """
    from yarl import URL

    if not is_str(base_url):
        raise ConfigurationError(f"base_url is a text, not {type(base_url).__name__}")
    try:
        url = URL(base_url)
    except ValueError:
        raise ConfigurationError("base_url is not a URL") from None
    if url.scheme not in {"http", "https"} or not _can_be_looked_up(url):
        raise ConfigurationError("base_url must begin with https:// (or http://) and name a host")
    if url.user is not None or url.password is not None or url.query_string or url.fragment:
        raise ConfigurationError("base_url must not have credentials, a query or a fragment")
    return url


def validate_priority(priority: Priority) -> Priority:
    """A priority, given as one or as its number.

    Raises:
        InvalidArgumentError: There is none like it.
    """
    try:
        return Priority(priority)
    except ValueError:
        pass
    raise InvalidArgumentError(f"priority is Priority.INTERACTIVE or Priority.BACKGROUND, not {priority!r}")


@attrs.frozen(kw_only=True)
class CallSettings:
    """What a call goes by unless it says otherwise.

    Raises:
        InvalidArgumentError: A time is not a finite number above 0 (`max_wait` may be 0), a count is negative, or one is None:
            there is no endless call.
    """

    timeout: float = 30.0
    max_retries: int = 3
    max_wait: float = 60.0
    priority: Priority = attrs.field(default=Priority.INTERACTIVE, converter=validate_priority)

    def __attrs_post_init__(self) -> None:
        _check_seconds("timeout", self.timeout, 1e-9)
        _check_seconds("max_wait", self.max_wait, 0.0)
        _check_count("max_retries", self.max_retries, 0)

    def replace(
        self, *, timeout: float | None, max_retries: int | None, max_wait: float | None, priority: Priority | None
    ) -> CallSettings:
        """These settings with others where one is given."""
        return CallSettings(
            timeout=self.timeout if timeout is None else timeout,
            max_retries=self.max_retries if max_retries is None else max_retries,
            max_wait=self.max_wait if max_wait is None else max_wait,
            priority=self.priority if priority is None else priority,
        )


def check_request_options(options: object) -> None:
    """See that what was given as the options of a call is that, or None.

    Raises:
        InvalidArgumentError: It is something else, such as a mapping.
    """
    if options is not None and not isinstance(options, RequestOptions):
        raise InvalidArgumentError(f"options is a RequestOptions, not {type(options).__name__}")


def check_total_timeout(deadline: float) -> None:
    """Refuse a deadline that no call can keep.

    Raises:
        InvalidArgumentError: It is not a finite number above 0.
    """
    _check_seconds("deadline", deadline, 1e-9)


def check_counts(*, max_connections: int, retry_budget: int | None) -> None:
    """Refuse counts that no client can work with.

    Raises:
        InvalidArgumentError: One is not a whole number, or too small.
    """
    _check_count("max_connections", max_connections, 1)
    if retry_budget is not None:
        _check_count("retry_budget", retry_budget, 0)


def _check_seconds(name: str, seconds: object, least: float) -> None:
    if not _is_number(seconds) or not least <= seconds < math.inf:
        raise InvalidArgumentError(f"{name} is a number of seconds {'from' if least == 0 else 'above'} 0, not {seconds!r}")


def _check_count(name: str, value: object, least: int) -> None:
    if not is_int(value) or value < least:
        raise InvalidArgumentError(f"{name} is a whole number from {least}, not {value!r}")


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def validate_api_version(api_version: str | None) -> str | None:
    """The value of `CStar-Version`, or None.

    Raises:
        ConfigurationError: A header cannot carry it.
    """
    if api_version is None:
        return None
    if not is_str(api_version) or not api_version.strip() or not api_version.isascii() or not api_version.isprintable():
        raise ConfigurationError("api_version is a date such as '2026-03-01', or None")
    return api_version


def validate_proxy(proxy: str | None) -> str | None:
    """The URL of a proxy, or None.

    Raises:
        ConfigurationError: It is no http or https URL with a host, so a SOCKS proxy neither. The error does not show it, for it may
            hold a password.
    """
    if proxy is None:
        return None
    from yarl import URL

    try:
        url = URL(proxy)
        is_usable = url.scheme in {"http", "https"} and _can_be_looked_up(url)
    except (ValueError, TypeError):
        is_usable = False
    if not is_usable:
        raise ConfigurationError("proxy is not a URL such as http://host:port; other proxies, such as SOCKS, cannot be used")
    return proxy


def _can_be_looked_up(url: URL) -> bool:
    """Whether the host of a URL is one that the system can be asked for: its labels are not empty and not too long."""
    try:
        return bool((url.raw_host or "").encode("idna"))
    except UnicodeError:
        return False


def validate_hooks(hooks: Iterable[Hooks]) -> tuple[Hooks, ...]:
    """The observers of a client.

    Raises:
        ConfigurationError: They are no iterable of instances of `Hooks`.
    """
    try:
        given: tuple[object, ...] = tuple(hooks)
    except TypeError:
        given = (None,)
    found = tuple(hook for hook in given if isinstance(hook, Hooks))
    if len(found) != len(given):
        raise ConfigurationError("hooks is a list or tuple of instances of classes that extend cstar_async.Hooks")
    return found


def validate_limiter(limiter: Limiter) -> Limiter:
    """A limiter that a client can ask.

    Raises:
        ConfigurationError: It is none.
    """
    if not _is_limiter(limiter):
        raise ConfigurationError(f"rate_limiter is a RateLimiter, not {type(limiter).__name__}")
    return limiter


def _is_limiter(limiter: object) -> bool:
    return isinstance(limiter, Limiter)


def proxy_from_environment(base_url: URL) -> str | None:
    """The proxy that the environment names for a host, read once.

    `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` are read as the standard library reads them; one that is written without
    its scheme (`host:3128`) is reached by http.
    """
    if urllib.request.proxy_bypass(f"{base_url.host}:{base_url.port}"):
        return None
    proxies = urllib.request.getproxies()
    proxy = proxies.get(base_url.scheme) or proxies.get("all")
    return f"http://{proxy}" if proxy and "://" not in proxy else proxy
