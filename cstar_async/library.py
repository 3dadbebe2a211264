"""The public knowledge base of a team, without a key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from cstar_async._client.base_client import BaseClient
from cstar_async._client.settings import (
    API_VERSION,
    BASE_URL,
    MAX_RESPONSE_SIZE,
    CallSettings,
    ClientSettings,
    CommonOptions,
    validate_library_team,
)
from cstar_async._event_loop.clock import Clock
from cstar_async._rate_limit.interface import Limiter
from cstar_async.api.library import LibraryNamespace

if TYPE_CHECKING:
    import ssl as tls

    import aiohttp

    from cstar_async.hooks import Hooks


class LibraryOptions(CommonOptions, total=False):
    """The keyword arguments of `CStarLibrary`, for functions that pass them on."""

    team: str


class CStarLibrary(BaseClient, LibraryNamespace):
    """Read the public library of one team.

    ::

        async with CStarLibrary(team="acme") as library:
            async for article in library.articles(category_slug="billing"):
                print(article.title)
            results = await library.search("reset password")

    Use the library with `async with`, or call `aclose()` at the end. It serves any number of concurrent calls, and belongs to the
    event loop and process of its first call. Creating it does no I/O and needs no running loop.

    No key is sent. The server limits calls by IP address, so all programs behind one address share the limit. The current
    documentation does not state it: 200 an hour, from an older one, is used until a response states another.

    `record_view()` and `feedback()` take no idempotency key. They are retried only when the server has certainly not acted: the
    connection failed, or the status is 429. After a lost response, a timeout or a 5xx the error is raised at once.

    Args:
        team: The slug or UUID of the team.
        base_url: Scheme, host and an optional path prefix of the service.
        timeout: Seconds for one attempt, above 0, without the wait for a free connection. Default 30.
        max_retries: Attempts after the first, from 0. Default 3.
        max_wait: Seconds, from 0: the longest single wait for a rate limit or a back-off. None: as long as it takes. Default 60.
        max_response_size: Bytes of one response body, from 1, both as received and decompressed. None: no limit. Default 64 MiB. A
            megabyte of usual JSON takes 10 ms of the event loop and 15 MB of memory. The worst JSON takes 600 ms and 110 MB.
        retry_budget: Tokens shared by all calls, see `CStarClient`. None: unlimited. Default 500.
        max_connections: Concurrent requests, from 1. Further calls wait in order. Default 100.
        rate_limiter: The rate limiter; share one between all libraries of a process. Default: a new `RateLimiter()`.
        proxy: URL of an HTTP proxy. None: no proxy; the environment is never read.
        ssl: As in aiohttp: an `SSLContext`, a fingerprint, or False to accept any certificate.
        session: An aiohttp session to use and never close. None: the library creates and closes one.
        hooks: Instances of `Hooks`, see `cstar_async.hooks`.
        coalesce: Whether identical GETs in flight at one time share one call. Default False.
        cache: Seconds to keep responses, by method, such as `{"categories": 60}`. Default: none is kept.

    Raises:
        ConfigurationError: The team, a URL or an object cannot be used.
        InvalidArgumentError: A number is out of its range.

    Source: documentation page "Public library".
    """

    def __init__(
        self,
        *,
        team: str,
        base_url: str = BASE_URL,
        timeout: float = 30.0,
        max_retries: int = 3,
        max_wait: float | None = 60.0,
        max_response_size: int | None = MAX_RESPONSE_SIZE,
        retry_budget: int | None = 500,
        max_connections: int = 100,
        rate_limiter: Limiter | None = None,
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
                api_version=API_VERSION,
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
            CallSettings(timeout=timeout, max_retries=max_retries, max_wait=max_wait),
            scope="library",
            team_id=validate_library_team(team),
            api_key=None,
            clock=_clock,
        )
