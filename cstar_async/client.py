"""The client of the cStar API, and the types in its signature and in those of `cstar_async.api`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Self, Unpack

from cstar_async._client.base_client import BaseClient
from cstar_async._client.settings import (
    API_VERSION,
    BASE_URL,
    MAX_RESPONSE_SIZE,
    CallSettings,
    ClientSettings,
    CommonOptions,
    proxy_from_environment,
    validate_base_url,
)
from cstar_async._event_loop.clock import Clock
from cstar_async._operations.executor import SupportsExecute
from cstar_async._rate_limit.interface import Limiter, Permit
from cstar_async._types import Priority
from cstar_async.api._namespaces import ClientNamespaces
from cstar_async.errors import ConfigurationError

if TYPE_CHECKING:
    import ssl as tls

    import aiohttp

    from cstar_async._model.event import WebhookEvent
    from cstar_async.hooks import Hooks
    from cstar_async.webhooks._stream import EventStream

__all__ = ["CStarClient", "ClientOptions", "Clock", "Permit", "SupportsExecute"]


class ClientOptions(CommonOptions, total=False):
    """The keyword arguments of `CStarClient`, for functions that pass them on."""

    api_key: str
    team_id: str | None
    api_version: str | None
    priority: Priority


class CStarClient(BaseClient, ClientNamespaces):
    """Call the cStar API with one key, for one team.

    Use the client with `async with`, or call `aclose()` at the end. It serves any number of concurrent calls, and belongs to the
    event loop and process of its first call. Creating it does no I/O and needs no running loop.

    Args:
        api_key: A secret key (`sk_live_…`, `sk_test_…`), or a publishable one (`pk_live_…`, `pk_test_…`), which can only read.
        team_id: The team. None: found with one `auth.whoami` call when it is first needed.
        base_url: Scheme, host and an optional path prefix of the service.
        api_version: The `CStar-Version` header, which keeps responses stable when the API changes. None: not sent.
        timeout: Seconds for one attempt, above 0, without the wait for a free connection. Default 30.
        max_retries: Attempts after the first, from 0. Default 3.
        max_wait: Seconds, from 0: the longest single wait for a rate limit or a back-off. None: as long as it takes. Default 60.
        max_response_size: Bytes of one response body, from 1, both as received and decompressed. None: no limit. Default 64 MiB. A
            megabyte of usual JSON takes 10 ms of the event loop and 15 MB of memory. The worst JSON takes 600 ms and 110 MB.
        retry_budget: Tokens shared by all calls, from 0. A retry takes 5; a success returns 1, after a retry 5. Without enough
            tokens errors are raised at once. None: unlimited. Default 500.
        max_connections: Concurrent requests, from 1. Further calls wait in order. Background calls leave a tenth, but at least one,
            to interactive calls; with 1, there is no reserve. Default 100.
        rate_limiter: The rate limiter; share one between clients of one key. Default: a new `RateLimiter()`.
        priority: Priority of the calls. `Priority.BACKGROUND` leaves a reserve of the rate limit and of `max_connections` to
            interactive calls.
        proxy: URL of an HTTP proxy. None: no proxy; only `from_env()` reads the environment.
        ssl: As in aiohttp: an `SSLContext`, a fingerprint, or False to accept any certificate.
        session: An aiohttp session to use and never close. None: the client creates and closes one. In a session of yours, each
            event stream uses a connection that calls cannot use; one connection must be left.
        hooks: Instances of `Hooks`, see `cstar_async.hooks`.
        coalesce: Whether identical GETs in flight at one time share one call. Default False.
        cache: Seconds to keep responses, by method, such as `{"tags.list": 60}`. Default: none is kept.

    Raises:
        ConfigurationError: The key, team id, a URL or an object cannot be used.
        InvalidArgumentError: A number is out of its range.

    Source: documentation pages "Authentication", "Versioning" and "Rate limits".
    """

    def __init__(
        self,
        *,
        api_key: str,
        team_id: str | None = None,
        base_url: str = BASE_URL,
        api_version: str | None = API_VERSION,
        timeout: float = 30.0,
        max_retries: int = 3,
        max_wait: float | None = 60.0,
        max_response_size: int | None = MAX_RESPONSE_SIZE,
        retry_budget: int | None = 500,
        max_connections: int = 100,
        rate_limiter: Limiter | None = None,
        priority: Priority = Priority.INTERACTIVE,
        proxy: str | None = None,
        ssl: tls.SSLContext | bool | aiohttp.Fingerprint | None = None,
        session: aiohttp.ClientSession | None = None,
        hooks: Iterable[Hooks] = (),
        coalesce: bool = False,
        cache: Mapping[str, float] | None = None,
        _clock: Clock | None = None,
    ) -> None:
        self._setup(
            ClientSettings(
                base_url=base_url,
                api_version=api_version,
                max_response_size=max_response_size,
                retry_budget=retry_budget,
                max_connections=max_connections,
                rate_limiter=rate_limiter,
                proxy=proxy,
                ssl=ssl,
                session=session,
                hooks=hooks,
                coalesce=coalesce,
                cache=cache,
            ),
            CallSettings(timeout=timeout, max_retries=max_retries, max_wait=max_wait, priority=priority),
            scope="team",
            team_id=team_id,
            api_key=api_key,
            clock=_clock,
        )

    @classmethod
    def from_env(cls, **overrides: Unpack[ClientOptions]) -> Self:
        """Create a client from environment variables; nothing else in this package reads them.

        `CSTAR_API_KEY`, `CSTAR_TEAM_ID` and `CSTAR_BASE_URL` are used where they are not empty. The proxy for the base URL is taken
        from `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`.

        Args:
            overrides: Arguments of the constructor, which take precedence.

        Raises:
            ConfigurationError: There is no key, or a value cannot be used.
            InvalidArgumentError: A number is out of its range.
        """
        options: ClientOptions = {**overrides}
        if "api_key" not in options:
            options["api_key"] = os.environ.get("CSTAR_API_KEY", "")
            if not options["api_key"]:
                raise ConfigurationError("CSTAR_API_KEY is not set; set it, or pass api_key=")
        options.setdefault("team_id", os.environ.get("CSTAR_TEAM_ID") or None)
        base_url = options.setdefault("base_url", os.environ.get("CSTAR_BASE_URL") or BASE_URL)
        if "proxy" not in options:
            options["proxy"] = proxy_from_environment(validate_base_url(base_url))
        return cls(**options)

    def events(
        self,
        *types: str | type[WebhookEvent],
        idle_timeout: float | None = 300.0,
        start_after: str | None = None,
        max_event_size: int = 8 * 1024 * 1024,
    ) -> EventStream:
        """Receive events over a connection of the client: `async with cstar.events("ticket.*") as stream`.

        No public URL is needed. A connection that breaks or times out is replaced, and events missed meanwhile are requested. Each
        connection counts as one call.

        Args:
            types: Event types (`"ticket.created"`, `"ticket.*"`, `"*"`) or event classes. Default: all.
            idle_timeout: Seconds without data after which the connection is replaced, above 0. None: never. Default 300.
            start_after: The id of the last event that was handled. None: start with new events.
            max_event_size: The maximum size of an event in bytes, from 1. A larger event is dropped and logged. Default 8 MiB.

        Returns:
            A stream to enter and iterate over. Entering raises what a call raises, and `ConfigurationError` for a publishable key.

        Raises:
            InvalidArgumentError: A type is unknown in form, or a value is out of its range.

        Source: Webhook reference, Event stream (documented; parts of the format are inferred).
        """
        from cstar_async.webhooks._stream import EventStream

        return EventStream(self._executor, types, idle_timeout=idle_timeout, start_after=start_after, max_event_size=max_event_size)
