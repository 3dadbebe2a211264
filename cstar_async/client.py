"""The client: settings in, namespaces out. What happens in a call is the business of `_client_sender` and `_runtime`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Self, TypedDict, Unpack

from cstar_async._client import settings as config
from cstar_async._client.base_client import BaseClient
from cstar_async._client.settings import API_VERSION, BASE_URL
from cstar_async._clock import Clock
from cstar_async._protocol import credentials
from cstar_async._rate_limit.interface import Limiter
from cstar_async._rate_limit.window import PUBLISHABLE_LIMIT, SECRET_LIMIT
from cstar_async._types import JSON, Priority, RequestOptions, Response
from cstar_async.api._namespaces import ClientNamespaces
from cstar_async.errors import ConfigurationError
from cstar_async.hooks import Hooks

if TYPE_CHECKING:
    import ssl as tls

    import aiohttp

    from cstar_async._model.event import WebhookEvent
    from cstar_async.webhooks._stream import EventStream


class ClientOptions(TypedDict, total=False):
    """The keyword arguments of `CStarClient`, for those who pass them on."""

    api_key: str
    team_id: str | None
    base_url: str
    api_version: str | None
    timeout: float
    max_retries: int
    max_wait: float
    retry_budget: int | None
    max_connections: int
    rate_limiter: Limiter
    priority: Priority
    proxy: str | None
    ssl: tls.SSLContext | bool | aiohttp.Fingerprint | None
    session: aiohttp.ClientSession | None
    hooks: Iterable[Hooks]


class CStarClient(BaseClient, ClientNamespaces):
    """A client of the cStar API for one key and one team.

    Making one does no I/O and needs no running loop. Use it as `async with`, or call `aclose()` when done; it belongs to the event
    loop and the process of its first call. One client serves any number of concurrent calls.

    Args:
        api_key: A secret key (`sk_live_…`, `sk_test_…`) or, for reading only, a publishable one (`pk_live_…`, `pk_test_…`).
        team_id: The team, any text that fits a path segment. None: found with one call of `auth.whoami` when it is first needed.
        base_url: Scheme and host of the service, and perhaps a prefix of the path.
        api_version: Sent as `CStar-Version`, so that the day the server changes is not the day the program does. None: not sent.
        timeout: Seconds for one attempt, above 0; the wait for a free connection is not counted. Default 30.
        max_retries: Attempts after the first, from 0. Default 3.
        max_wait: Seconds, from 0: the longest single wait for a rate limit or a back-off. Default 60.
        retry_budget: Tokens shared by the client's calls: a retry takes 5, a success gives 1 back, or 5 after a retry. When they
            are used up, the last error is raised at once. None: no such limit. Default 500.
        max_connections: Calls in flight at once, from 1; the rest wait in order. Default 100.
        rate_limiter: The budget of the key; share one between all clients of a key in one event loop. Default: one of its own.
        priority: Of the client's calls: `Priority.BACKGROUND` leaves a reserve of the hour's budget to interactive calls.
        proxy: URL of a proxy, or None. The environment is read by `from_env()` only.
        ssl: As in aiohttp: an `SSLContext`, a fingerprint, or False to trust any certificate.
        session: An aiohttp session of your own: used, never closed. None: the client makes and closes one.
        hooks: Observers of calls, see `cstar_async.hooks`.

    Raises:
        ConfigurationError: The key, the team id, a URL, or an object that the client should use cannot be used.
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
        max_wait: float = 60.0,
        retry_budget: int | None = 500,
        max_connections: int = 100,
        rate_limiter: Limiter | None = None,
        priority: Priority = Priority.INTERACTIVE,
        proxy: str | None = None,
        ssl: tls.SSLContext | bool | aiohttp.Fingerprint | None = None,
        session: aiohttp.ClientSession | None = None,
        hooks: Iterable[Hooks] = (),
        _clock: Clock | None = None,
    ) -> None:
        api_key = credentials.validate_api_key(api_key)
        self._setup(
            scope="team",
            team_id=team_id,
            api_key=api_key,
            api_version=config.validate_api_version(api_version),
            first_limit=PUBLISHABLE_LIMIT if credentials.is_publishable(api_key) else SECRET_LIMIT,
            base_url=base_url,
            timeout=timeout,
            max_retries=max_retries,
            max_wait=max_wait,
            retry_budget=retry_budget,
            max_connections=max_connections,
            rate_limiter=rate_limiter,
            priority=priority,
            proxy=proxy,
            ssl=ssl,
            session=session,
            hooks=hooks,
            clock=_clock,
        )

    @classmethod
    def from_env(cls, **overrides: Unpack[ClientOptions]) -> Self:
        """Make a client from the environment, which nothing else in this package reads.

        `CSTAR_API_KEY`, `CSTAR_TEAM_ID` and `CSTAR_BASE_URL` are used where they are set and not empty, and the proxy variables
        (`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`) are resolved once, for the base URL.

        Args:
            overrides: Any argument of the constructor; it goes over the environment.

        Raises:
            ConfigurationError: No key is given, or a value cannot be used.
            InvalidArgumentError: A number is out of its range.
        """
        given: ClientOptions = {**overrides}
        api_key = os.environ.get("CSTAR_API_KEY")
        if "api_key" not in given:
            if not api_key:
                raise ConfigurationError("CSTAR_API_KEY is not set; set it, or pass api_key=")
            given["api_key"] = api_key
        team_id = os.environ.get("CSTAR_TEAM_ID")
        if "team_id" not in given and team_id:
            given["team_id"] = team_id
        base_url = os.environ.get("CSTAR_BASE_URL")
        if "base_url" not in given and base_url:
            given["base_url"] = base_url
        if "proxy" not in given:
            given["proxy"] = config.proxy_from_environment(config.validate_base_url(given.get("base_url", BASE_URL)))
        return cls(**given)

    def events(
        self, *types: str | type[WebhookEvent], idle_timeout: float | None = 300.0, start_after: str | None = None
    ) -> EventStream:
        """Hear of events as they happen, without a public address: `async with cstar.events("ticket.*") as stream`.

        A connection that breaks or falls silent is replaced, and what was missed meanwhile is asked for; each connection costs one
        call. See `cstar_async.webhooks.EventStream`.

        Args:
            *types: Types of events, such as `"ticket.created"`, `"ticket.*"` or `"*"`, or their classes; none: all.
            idle_timeout: Seconds without a byte after which the connection counts as lost, above 0. Default 300; None: never.
            start_after: The id of the last event that was handled, to begin after it.

        Returns:
            A stream of events, to be entered and iterated; entering raises what a call raises, and `ConfigurationError` for a
            publishable key.

        Raises:
            InvalidArgumentError: A kind is no type or class of events, or a setting is out of its range.

        Source: Webhook reference, Event stream (documented; parts of its wire form are inferred).
        """
        from cstar_async.webhooks._stream import EventStream

        return EventStream(self._executor, types, idle_timeout=idle_timeout, start_after=start_after)

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, object] | None = None,
        json: object = None,
        idempotency_key: str | None = None,
        options: RequestOptions | None = None,
    ) -> Response[JSON]:
        """Call a path that the document does not describe, with the same limits, retries and errors as every other call.

        Args:
            method: `GET`, `POST`, `PATCH`, `PUT` or `DELETE`.
            path: Under the team (`/activity`), or from the host where it begins with `/api/`. Without query; ids in it must be
                percent-encoded if they contain a slash.
            params: Query parameters. `UNSET` leaves one out, lists are joined with commas.
            json: The body: any JSON value, or None for no body.
            idempotency_key: For POST, PATCH and PUT; one is made if none is given.
            options: Settings for this call alone.

        Returns:
            The response; its data is what stands in `data` of the envelope, or the whole body where there is no envelope.

        Raises:
            InvalidArgumentError: The method, path, query or body cannot be sent.
            ConfigurationError: A write with a publishable key.
            APIError: The server said no; the class is that of the status.
            TransportError: No usable answer arrived.
            RateLimitWaitError: The wait for a rate limit would be too long.
            DecodeError: The answer is not JSON.
        """
        return await self._executor.request(
            method, path, params=params, json=json, idempotency_key=idempotency_key, options=options
        )
