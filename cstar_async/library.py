"""The public knowledge base of a team, as everybody may read it: no key, no team to be found, the same runtime."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, TypedDict

from cstar_async._client import settings as config
from cstar_async._client.base_client import BaseClient
from cstar_async._client.settings import API_VERSION, BASE_URL
from cstar_async._clock import Clock
from cstar_async._rate_limit.interface import Limiter
from cstar_async._rate_limit.window import LIBRARY_LIMIT
from cstar_async._types import JSON, Priority, RequestOptions, Response
from cstar_async.api.library import LibraryNamespace
from cstar_async.hooks import Hooks

if TYPE_CHECKING:
    import ssl as tls

    import aiohttp


class LibraryOptions(TypedDict, total=False):
    """The keyword arguments of `CStarLibrary`, for those who pass them on."""

    team: str
    base_url: str
    timeout: float
    max_retries: int
    max_wait: float
    retry_budget: int | None
    max_connections: int
    rate_limiter: Limiter
    proxy: str | None
    ssl: tls.SSLContext | bool | aiohttp.Fingerprint | None
    session: aiohttp.ClientSession | None
    hooks: Iterable[Hooks]


class CStarLibrary(BaseClient, LibraryNamespace):
    """The public library of one team.

    ::

        async with CStarLibrary(team="acme") as library:
            for article in await library.articles(category_slug="billing"):
                print(article.title)
            found = await library.search("reset password")

    Making one does no I/O and needs no running loop. Use it as `async with`, or call `aclose()` when done; it belongs to the event
    loop and the process of its first call. One library serves any number of concurrent calls.

    No key is sent. Calls are limited by the IP address that they come from, so all programs behind one address share a budget. How
    large it is, the current documentation does not say; 200 an hour, the number of an older one, is taken until an answer states
    another. As long as no answer does, that only keeps more than 200 calls from being under way at once.

    `record_view()` and `feedback()` take no idempotency key, so they are tried again only where the server has certainly not acted:
    it could not be reached, or it refused with a 429. A lost answer, a timeout and a 5xx are raised at once.

    Args:
        team: Whose library it is: the slug or the UUID of the team.
        base_url: Scheme and host of the service, and perhaps a prefix of the path.
        timeout: Seconds for one attempt, above 0; the wait for a free connection is not counted. Default 30.
        max_retries: Attempts after the first, from 0. Default 3.
        max_wait: Seconds, from 0: the longest single wait for a rate limit or a back-off. Default 60.
        retry_budget: Tokens shared by the library's calls: a retry takes 5, a success gives 1 back, or 5 after a retry. When they
            are used up, the last error is raised at once. None: no such limit. Default 500.
        max_connections: Calls in flight at once, from 1; the rest wait in order. Default 100.
        rate_limiter: The budget of the IP address; share one between all libraries of a process. Default: one of its own.
        proxy: URL of a proxy, or None. The environment is never read.
        ssl: As in aiohttp: an `SSLContext`, a fingerprint, or False to trust any certificate.
        session: An aiohttp session of your own: used, never closed. None: the library makes and closes one.
        hooks: Observers of calls, see `cstar_async.hooks`.

    Raises:
        ConfigurationError: The team, a URL, or an object that the library should use cannot be used.
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
        max_wait: float = 60.0,
        retry_budget: int | None = 500,
        max_connections: int = 100,
        rate_limiter: Limiter | None = None,
        proxy: str | None = None,
        ssl: tls.SSLContext | bool | aiohttp.Fingerprint | None = None,
        session: aiohttp.ClientSession | None = None,
        hooks: Iterable[Hooks] = (),
        _clock: Clock | None = None,
    ) -> None:
        self._setup(
            scope="library",
            team_id=config.validate_library_team(team),
            api_key=None,
            api_version=API_VERSION,
            first_limit=LIBRARY_LIMIT,
            base_url=base_url,
            timeout=timeout,
            max_retries=max_retries,
            max_wait=max_wait,
            retry_budget=retry_budget,
            max_connections=max_connections,
            rate_limiter=rate_limiter,
            priority=Priority.INTERACTIVE,
            proxy=proxy,
            ssl=ssl,
            session=session,
            hooks=hooks,
            clock=_clock,
        )

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, object] | None = None,
        json: object = None,
        options: RequestOptions | None = None,
    ) -> Response[JSON]:
        """Call a path that the document does not describe, with the same limits, retries and errors as every other call.

        Args:
            method: `GET`, `POST`, `PATCH`, `PUT` or `DELETE`.
            path: Under the library of the team (`/articles`), or from the host where it begins with `/api/`. Without query; what
                stands in it must be percent-encoded if it contains a slash.
            params: Query parameters. `UNSET` leaves one out, lists are joined with commas.
            json: The body: any JSON value, or None for no body.
            options: Settings for this call alone.

        Returns:
            The response; its data is what stands in `data` of the envelope, or the whole body where there is no envelope.

        Raises:
            InvalidArgumentError: The method, path, query or body cannot be sent.
            APIError: The server said no; the class is that of the status.
            TransportError: No usable answer arrived.
            RateLimitWaitError: The wait for a rate limit would be too long.
            DecodeError: The answer is not JSON.
        """
        return await self._executor.request(method, path, params=params, json=json, idempotency_key=None, options=options)
