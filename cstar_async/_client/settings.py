"""Settings of a client, validated when it is created.

Objects and strings that cannot be used raise `ConfigurationError`, values out of their range `InvalidArgumentError`.
"""

from __future__ import annotations

import inspect
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from importlib import import_module
from ipaddress import AddressValueError, IPv4Address
from typing import TYPE_CHECKING, Final, TypedDict, cast

import attrs

from cstar_async._client.hook_dispatcher import HOOK_METHODS
from cstar_async._generated import service
from cstar_async._operations.operation import Operation, Scope
from cstar_async._protocol.credentials import is_publishable
from cstar_async._protocol.headers import MAX_WAIT
from cstar_async._protocol.urls import path_segment
from cstar_async._rate_limit.interface import NO_LIMIT, Limiter
from cstar_async._rate_limit.window import LIBRARY_LIMIT, PUBLISHABLE_LIMIT, SECRET_LIMIT
from cstar_async._types import Priority, RequestOptions, UntypedJSON, is_mapping, is_str
from cstar_async._values.repr import private_repr, short_repr
from cstar_async._values.validation import check_instance, invalid, validate_count, validate_seconds
from cstar_async.errors import ConfigurationError, InvalidArgumentError

if TYPE_CHECKING:
    import ssl as tls

    import aiohttp
    from yarl import URL

    from cstar_async.hooks import Hooks

BASE_URL: Final = service.BASE_URL
API_VERSION: Final = service.API_VERSION
MAX_RESPONSE_SIZE: Final = 64 * 1024 * 1024
"""Bytes of a response body by default."""
_HOOKS: Final = "hooks must be a list or tuple of instances of subclasses of cstar_async.Hooks"


def validate_team_id(team_id: str | None, name: str = "team_id") -> str | None:
    """Return a team id that fits a path segment, or None."""
    if team_id is None:
        return None
    try:
        path_segment(team_id, name)
    except InvalidArgumentError as error:
        raise ConfigurationError(error.message) from None
    return team_id


def initial_limit(scope: Scope, api_key: str | None) -> int:
    """Return how many requests are assumed to be in a window until a response states it."""
    if scope == "team":
        return PUBLISHABLE_LIMIT if is_publishable(api_key) else SECRET_LIMIT
    return LIBRARY_LIMIT if scope == "library" else NO_LIMIT


def validate_library_team(team: str) -> str:
    """Return the slug or UUID of a library's team."""
    if not is_str(team):
        raise ConfigurationError(f"team must be a str, got {type(team).__name__}; pass the slug or UUID of the team")
    validate_team_id(team, "team")
    return team


def validate_base_url(base_url: str) -> URL:
    """Parse a base URL: scheme, host and an optional path prefix."""
    from yarl import URL

    if not is_str(base_url):
        raise ConfigurationError(f"base_url must be a str, got {type(base_url).__name__}")
    try:
        url = URL(base_url)
    except ValueError:
        raise ConfigurationError(f"base_url must be a URL, got {private_repr(base_url)}") from None
    if url.scheme not in {"http", "https"} or not _has_usable_host(url):
        raise ConfigurationError(f"base_url must begin with https:// (or http://) and name a host, got {private_repr(base_url)}")
    has_credentials = url.user is not None or url.password is not None
    if has_credentials or url.query_string or url.fragment:
        got = "credentials" if has_credentials else "a query" if url.query_string else "a fragment"
        raise ConfigurationError(f"base_url must not have credentials, a query or a fragment, got {got}")
    return url


def validate_api_version(api_version: str | None) -> str | None:
    """Return the value of the `CStar-Version` header, or None."""
    if api_version is None:
        return None
    if not is_str(api_version) or not api_version.strip() or not api_version.isascii() or not api_version.isprintable():
        raise ConfigurationError(f"api_version must be a date such as '2026-03-01', or None, got {short_repr(api_version)}")
    return api_version


def validate_priority(priority: object) -> Priority:
    """Return a priority, given as such or as its number."""
    if isinstance(priority, int) and priority in set(Priority):
        return Priority(priority)
    raise invalid("priority", "Priority.INTERACTIVE or Priority.BACKGROUND", priority)


def validate_proxy(proxy: str | None) -> str | None:
    """Return the URL of a proxy, or None. Errors do not show it, because it may hold a password."""
    if proxy is None:
        return None
    from yarl import URL

    try:
        url = URL(proxy)
        is_usable = url.scheme in {"http", "https"} and _has_usable_host(url)
    except (ValueError, TypeError):
        is_usable = False
    if not is_usable:
        got = private_repr(proxy)
        raise ConfigurationError(
            f"proxy must be a URL such as http://host:port, got {got}; other kinds, such as SOCKS, are not supported"
        )
    return proxy


def _has_usable_host(url: URL) -> bool:
    """Return whether the host can be resolved: no label is empty, too long or broken Punycode, and an IPv4 address is whole."""
    try:
        host = url.raw_host or ""
        if host.replace(".", "").isdecimal():
            IPv4Address(host)  # aiohttp refuses the short forms, such as 127.1
        return bool(url.host and host.encode("idna"))
    except (UnicodeError, AddressValueError):
        return False


def proxy_from_environment(base_url: URL) -> str | None:
    """Return the proxy that the environment names for a host.

    The standard library reads `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`. A proxy without a scheme (`host:3128`) gets
    `http://`.
    """
    if urllib.request.proxy_bypass(f"{base_url.host}:{base_url.port}"):
        return None
    proxies = urllib.request.getproxies()
    proxy = proxies.get(base_url.scheme) or proxies.get("all")
    return f"http://{proxy}" if proxy and "://" not in proxy else proxy


def validate_hooks(hooks: Iterable[Hooks]) -> tuple[Hooks, ...]:
    """Return hooks as a tuple. Coroutine and generator functions are refused: nothing would run their body."""
    try:
        given = tuple(cast("Iterable[object]", hooks))
    except TypeError:
        raise ConfigurationError(f"{_HOOKS}, got {type(hooks).__name__}") from None
    if not given:
        return ()
    from cstar_async.hooks import Hooks  # most clients have none

    valid = tuple(hook for hook in given if isinstance(hook, Hooks))
    if len(valid) != len(given):
        got = next(type(hook).__name__ for hook in given if not isinstance(hook, Hooks))
        raise ConfigurationError(f"{_HOOKS}, got one with an object of type {got}")
    for hook in valid:
        for name in HOOK_METHODS:
            if (kind := _deferred_kind(getattr(hook, name))) is not None:
                raise ConfigurationError(f"{type(hook).__name__}.{name} must be a plain function, got {kind}")
    return valid


def _deferred_kind(function: object) -> str | None:
    """Describe a function whose call only returns an object to await or to iterate over; None for any other."""
    # Of an instance with an async `__call__`, and of a `partial`, which hides one.
    while isinstance(function, partial):
        function = function.func
    for candidate in (function, getattr(type(function), "__call__", None)):  # noqa: B004  # the method itself is examined
        if inspect.iscoroutinefunction(candidate):
            return "a coroutine function"
        if inspect.isasyncgenfunction(candidate) or inspect.isgeneratorfunction(candidate):
            return "a generator function"
    return None


def validate_cache(cache: object, scope: Scope, package: str) -> dict[str, float]:
    """Return the seconds for which responses are kept, by namespace and name of the operation."""
    if cache is None:
        return {}
    if not is_mapping(cache):
        raise invalid("cache", 'a dict of methods and seconds, such as {"tags.list": 60}', cache)
    operations: Mapping[str, Operation] = import_module(f"{package}._generated.all_operations").OPERATIONS
    prefix = "library." if scope == "library" else ""
    reads = {f"{one.namespace}.{one.name}" for one in operations.values() if one.method == "GET" and one.scope in {scope, "root"}}
    lifetimes: dict[str, float] = {}
    for method, seconds in cache.items():
        name = f"{prefix}{method}" if is_str(method) else None
        if name is None or name not in reads:
            raise invalid("cache", 'a dict of methods that read, such as "tags.list"', method)
        lifetimes[name] = validate_seconds(f"cache[{method!r}]", seconds, above_zero=True)
    return lifetimes


def validate_limiter(limiter: object) -> Limiter | None:
    """Return an object that implements `Limiter`, or None."""
    if limiter is None or isinstance(limiter, Limiter):
        return limiter
    raise ConfigurationError(f"rate_limiter must be a RateLimiter, got {type(limiter).__name__}")


def check_request_options(options: object) -> None:
    """Check the `options` of a call."""
    if options is not None and not isinstance(options, RequestOptions):
        raise InvalidArgumentError(f"options must be a RequestOptions, got {type(options).__name__}")


def _max_wait(value: float | None) -> float:
    """Return the longest single wait. No server can ask for more than `MAX_WAIT`, so None means that."""
    if value is None:
        return MAX_WAIT
    return min(validate_seconds("max_wait", value), MAX_WAIT)


def _check_seconds(_settings: object, field: attrs.Attribute[float], value: float) -> None:
    validate_seconds(field.name, value, above_zero=True)


def _count_from(minimum: int, *, or_none: bool = False) -> Callable[[object, attrs.Attribute[int], object], None]:
    """Return a validator of a field that is an int from *minimum*."""

    def check(_settings: object, field: attrs.Attribute[int], value: object) -> None:
        if value is not None or not or_none:
            validate_count(field.name, value, minimum)

    return check


def _check_bool(_settings: object, field: attrs.Attribute[bool], value: object) -> None:
    check_instance(field.name, value, bool, "True or False")


@attrs.frozen(kw_only=True, repr=False)
class CallSettings:
    """The settings that each view of a client, and each call, can replace."""

    timeout: float = attrs.field(default=30.0, validator=_check_seconds)
    max_retries: int = attrs.field(default=3, validator=_count_from(0))
    max_wait: float = attrs.field(default=60.0, converter=_max_wait)
    priority: Priority = attrs.field(default=Priority.INTERACTIVE, converter=validate_priority)

    def replace(self, **changes: float | None) -> CallSettings:
        """Return a validated copy with the values that are not None."""
        given: UntypedJSON = {name: value for name, value in changes.items() if value is not None}
        return attrs.evolve(self, **given)


class ConnectionOptions(TypedDict, total=False):
    """The keyword arguments that all clients share, whatever their API is."""

    timeout: float
    max_retries: int
    max_wait: float | None
    max_response_size: int | None
    retry_budget: int | None
    max_connections: int
    rate_limiter: Limiter
    proxy: str | None
    ssl: tls.SSLContext | bool | aiohttp.Fingerprint | None
    session: aiohttp.ClientSession | None
    hooks: Iterable[Hooks]
    coalesce: bool
    cache: Mapping[str, float] | None


class CommonOptions(ConnectionOptions, total=False):
    """The keyword arguments that `CStarClient` and `CStarLibrary` share."""

    base_url: str


class ApiClientOptions(ConnectionOptions, total=False):
    """The keyword arguments that the clients of all other APIs share."""

    priority: Priority


@attrs.frozen(kw_only=True, eq=False, repr=False)
class ClientSettings:
    """The settings that all views of a client share. `CStarClient` describes them."""

    base_url: URL = attrs.field(converter=validate_base_url)
    api_version: str | None = attrs.field(converter=validate_api_version)
    max_response_size: int | None = attrs.field(default=MAX_RESPONSE_SIZE, validator=_count_from(1, or_none=True))
    retry_budget: int | None = attrs.field(default=500, validator=_count_from(0, or_none=True))
    max_connections: int = attrs.field(default=100, validator=_count_from(1))
    rate_limiter: Limiter | None = attrs.field(default=None, converter=validate_limiter)
    proxy: str | None = attrs.field(default=None, converter=validate_proxy)
    ssl: tls.SSLContext | bool | aiohttp.Fingerprint | None = None
    session: aiohttp.ClientSession | None = None
    hooks: tuple[Hooks, ...] = attrs.field(default=(), converter=validate_hooks)
    coalesce: bool = attrs.field(default=False, validator=_check_bool)
    cache: Mapping[str, float] | None = None
