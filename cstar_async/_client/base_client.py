"""What `CStarClient` and `CStarLibrary` have in common: how they are put together, their views, their end, and whole responses."""

from __future__ import annotations

import inspect
import random
from collections.abc import Awaitable, Callable, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TypeVar

import attrs

from cstar_async._client import settings as config
from cstar_async._client.concurrency import PrioritySemaphore
from cstar_async._client.context import ClientContext
from cstar_async._client.executor import ClientExecutor
from cstar_async._client.hook_dispatcher import HookDispatcher
from cstar_async._client.response_capture import RESPONSE_CAPTURE, ResponseCapture
from cstar_async._client.settings import CallSettings
from cstar_async._clock import Clock, SystemClock
from cstar_async._operations.executor import OperationExecutor
from cstar_async._operations.operation import Scope
from cstar_async._protocol import credentials
from cstar_async._protocol.headers import default_headers
from cstar_async._protocol.retry import RetryBudget
from cstar_async._rate_limit.interface import Limiter
from cstar_async._rate_limit.limiter import RateLimiter
from cstar_async._types import Priority, RateLimitState, Response
from cstar_async.errors import CStarError, InvalidArgumentError
from cstar_async.hooks import Hooks

if TYPE_CHECKING:
    import ssl as tls

    import aiohttp

P = ParamSpec("P")
R = TypeVar("R")


class BaseClient:
    """Something that makes calls: it has settings, connections, and an end."""

    _base_url: str
    _executor: ClientExecutor
    __executor__: OperationExecutor

    def _setup(
        self,
        *,
        scope: Scope,
        team_id: str | None,
        api_key: str | None,
        api_version: str | None,
        first_limit: int,
        base_url: str,
        timeout: float,
        max_retries: int,
        max_wait: float,
        retry_budget: int | None,
        max_connections: int,
        rate_limiter: Limiter | None,
        priority: Priority,
        proxy: str | None,
        ssl: tls.SSLContext | bool | aiohttp.Fingerprint | None,
        session: aiohttp.ClientSession | None,
        hooks: Iterable[Hooks],
        clock: Clock | None,
    ) -> None:
        """Put together what makes the calls; no I/O, and no running loop needed.

        Args:
            scope: What relative paths are under: a team, or its public library.
            team_id: The team; None: to be found by the key.
            api_key: A checked key, or None.
            api_version: A checked version, or None.
            first_limit: The calls of a window, until an answer says otherwise.
            base_url: As the classes explain it, and so are all the others.
            timeout: Seconds.
            max_retries: A count.
            max_wait: Seconds.
            retry_budget: Tokens.
            max_connections: A count.
            rate_limiter: None: one of its own.
            priority: Of its calls.
            proxy: A URL.
            ssl: As in aiohttp.
            session: The user's own.
            hooks: Observers.
            clock: None: that of the system.

        Raises:
            ConfigurationError: A text cannot be used.
            InvalidArgumentError: A number is out of its range.
        """
        from cstar_async._transport.aiohttp_transport import AiohttpTransport, max_concurrency

        url = config.validate_base_url(base_url)
        config.check_counts(max_connections=max_connections, retry_budget=retry_budget)
        settings = CallSettings(timeout=timeout, max_retries=max_retries, max_wait=max_wait, priority=priority)
        limiter: Limiter = RateLimiter() if rate_limiter is None else config.validate_limiter(rate_limiter)
        limiter.set_initial_limit(first_limit)
        context = ClientContext(
            transport=AiohttpTransport(
                base_url=url,
                headers=default_headers(api_key, api_version),
                timeout=timeout,
                connections=max_connections,
                proxy=config.validate_proxy(proxy),
                ssl=ssl,
                session=session,
            ),
            clock=SystemClock() if clock is None else clock,
            random=random.random,
            limiter=limiter,
            semaphore=PrioritySemaphore(max_concurrency(session, max_connections)),
            retry_budget=RetryBudget(retry_budget),
            hooks=HookDispatcher(config.validate_hooks(hooks)),
            host=url.host or "",
            port=url.port or 0,
            path_prefix=url.raw_path.rstrip("/"),
            scope=scope,
            team_id=config.validate_team_id(team_id),
            is_publishable=credentials.is_publishable(api_key),
        )
        self._base_url = str(url)
        self._executor = self.__executor__ = ClientExecutor(context, settings)

    def with_options(
        self,
        *,
        timeout: float | None = None,
        max_retries: int | None = None,
        max_wait: float | None = None,
        priority: Priority | None = None,
    ) -> Self:
        """A light view whose calls go by other settings; what is None stays as it is.

        Session, limiter, retry budget and connections are shared, and closing either closes both.

        Args:
            timeout: Seconds for one attempt, above 0.
            max_retries: Attempts after the first, from 0.
            max_wait: Seconds, from 0: the longest single wait.
            priority: Who goes first when calls run short.

        Raises:
            InvalidArgumentError: A number is out of its range.
        """
        view = object.__new__(type(self))
        view._base_url = self._base_url
        view._executor = view.__executor__ = ClientExecutor(
            self._executor.context,
            self._executor.settings.replace(timeout=timeout, max_retries=max_retries, max_wait=max_wait, priority=priority),
        )
        return view

    @property
    def rate_limit(self) -> RateLimitState | None:
        """The rate limit as last learned; None before the first answer."""
        return self._executor.context.limiter.state

    async def with_response(self, method: Callable[P, Awaitable[R]], /, *args: P.args, **kwargs: P.kwargs) -> Response[R]:
        """Call a method and get the whole response: `await cstar.with_response(cstar.tickets.get, "tkt_…")`.

        Works for every method of a client or a library, and for the functions of `cstar_async.api`. A method that lists pages
        gives its first page. The method itself is given, with its arguments behind it; what calling it gave is too late.

        Args:
            method: What to call.
            args: Its positional arguments.
            kwargs: Its keyword arguments.

        Returns:
            The data that the method returns, with status, headers, request id, rate limit, attempts, idempotency key and time
            taken. If the method makes several calls, the last of them.

        Raises:
            InvalidArgumentError: *method* was called already, instead of being given with its arguments.
            CStarError: The method made no call, or its call failed.
        """
        _require_callable(method)
        recorder = ResponseCapture()
        token = RESPONSE_CAPTURE.set(recorder)
        try:
            data = await method(*args, **kwargs)
        finally:
            RESPONSE_CAPTURE.reset(token)
        if recorder.response is None:
            raise CStarError("with_response() was given something that made no call")
        response = attrs.evolve(recorder.response, data=data)
        outer = RESPONSE_CAPTURE.get()
        if outer is not None:
            outer.response = response
        return response

    async def aclose(self) -> None:
        """Close the connections, and the session unless that is your own. May be called twice, and on a client never used."""
        await self._executor.context.aclose()

    async def __aenter__(self) -> Self:
        self._executor.context.loop_binding.bind()
        if self._executor.context.is_closed:
            raise CStarError("this client is closed")
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={self._base_url!r})"

    def __reduce__(self) -> Any:
        raise TypeError(
            f"a {type(self).__name__} cannot be copied or pickled: it holds open connections, and perhaps a key; "
            "make one where it is needed"
        )


def _require_callable(method: object) -> None:
    """See that `with_response` was given a method, not the coroutine or the list that calling it gave."""
    if callable(method):
        return
    if inspect.iscoroutine(method):
        method.close()  # nobody will await it, and Python would warn of that far from here
    raise InvalidArgumentError("with_response() takes a method and its arguments: with_response(cstar.tickets.get, 'tkt_…')")
