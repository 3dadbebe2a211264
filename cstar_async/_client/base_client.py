"""Base class of `CStarClient` and `CStarLibrary`: set-up, views, closing, whole responses."""

from __future__ import annotations

import inspect
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, ParamSpec, Self, TypeVar, cast, overload

import attrs

from cstar_async._client.closable_waits import CLIENT_CLOSED
from cstar_async._client.concurrency import PrioritySemaphore
from cstar_async._client.context import ClientContext
from cstar_async._client.executor import RESPONSE_CAPTURE, ClientExecutor
from cstar_async._client.hook_dispatcher import HookDispatcher
from cstar_async._client.lists import paginate_path
from cstar_async._client.raw_request import request_path
from cstar_async._client.settings import CallSettings, ClientSettings, initial_limit, validate_cache, validate_team_id
from cstar_async._event_loop.clock import Clock, SystemClock
from cstar_async._operations.executor import Namespace, OperationExecutor
from cstar_async._operations.operation import Scope
from cstar_async._protocol.credentials import Credential, Credentials, is_publishable, validate_api_key
from cstar_async._protocol.headers import MAX_WAIT, default_headers
from cstar_async._protocol.retry import RetryBudget
from cstar_async._rate_limit.limiter import RateLimiter
from cstar_async._types import JSON, Priority, RateLimitState, RequestOptions, Response
from cstar_async._values.repr import PublicDir
from cstar_async.errors import CStarError, InvalidArgumentError
from cstar_async.pagination import Paginator, Paging
from cstar_async.pagination._paging import PAGES

if TYPE_CHECKING:
    from cstar_async.files import FileInput, Stream

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

_WITH_RESPONSE: Final = "pass it with its arguments: with_response(cstar.tickets.get, 'tkt_…')"


class BaseClient(PublicDir):
    """Base class of `CStarClient` and `CStarLibrary`."""

    __executor__: OperationExecutor
    """The executor of generated functions."""
    _executor: ClientExecutor
    """The same object, with all its methods."""
    _base_url: str
    _package: ClassVar[str] = "cstar_async"
    """The package of the generated code."""

    def _setup(
        self,
        settings: ClientSettings,
        call_settings: CallSettings,
        *,
        scope: Scope,
        team_id: str | None,
        api_key: str | None,
        clock: Clock | None,
        credentials: Mapping[str, Credential] | None = None,
    ) -> None:
        """Connect the parts of the client; no I/O, and no running loop needed.

        Args:
            settings: What all views share.
            call_settings: What views and calls can replace.
            scope: What relative paths are under.
            team_id: None: found with the key.
            api_key: The key of the team; None in the other scopes.
            clock: None: the system's clock.
            credentials: By security scheme, for APIs without a key of cStar.
        """
        from cstar_async._transport.aiohttp_transport import AiohttpTransport, max_concurrency

        if scope == "team":
            validate_api_key(api_key)
        url, lifetimes = settings.base_url, validate_cache(settings.cache, scope, self._package)
        limiter = RateLimiter() if settings.rate_limiter is None else settings.rate_limiter
        limiter.set_initial_limit(initial_limit(scope, api_key))
        clock = SystemClock() if clock is None else clock
        session, max_connections = settings.session, settings.max_connections
        semaphore = PrioritySemaphore(max_concurrency(session, max_connections))
        context = ClientContext(
            transport=AiohttpTransport(
                base_url=url,
                headers=default_headers(api_key, settings.api_version),
                timeout=call_settings.timeout,
                proxy=settings.proxy,
                ssl=settings.ssl,
                session=session,
                max_response_size=settings.max_response_size,
                on_streams=lambda streams: semaphore.resize(max_concurrency(session, max_connections, streams)),
            ),
            clock=clock,
            random=random.random,
            limiter=limiter,
            semaphore=semaphore,
            retry_budget=RetryBudget(settings.retry_budget),
            hooks=HookDispatcher(settings.hooks, clock),
            host=url.host or "",
            port=url.port or 0,
            path_prefix=url.raw_path.rstrip("/"),
            scope=scope,
            max_response_size=settings.max_response_size,
            team_id=validate_team_id(team_id),
            is_publishable=is_publishable(api_key),
            credentials=Credentials(credentials) if credentials else None,
            package=self._package,
        )
        executor_class = ClientExecutor
        if settings.coalesce or lifetimes:
            from cstar_async._client.shared_responses import SharedResponses
            from cstar_async._client.sharing_executor import SharingExecutor

            executor_class = SharingExecutor
            context.shared_responses = SharedResponses(coalesce=settings.coalesce, lifetimes=lifetimes)
        self._base_url = str(url)
        self._executor = self.__executor__ = executor_class(context, call_settings)

    def with_options(
        self,
        *,
        timeout: float | None = None,
        max_retries: int | None = None,
        max_wait: float | None = None,
        priority: Priority | None = None,
    ) -> Self:
        """Return a view of this client whose calls have other settings; None keeps a setting.

        The view shares session, limiter, retry budget and connections, so closing one closes both. A subclass keeps its attributes.

        Args:
            timeout: Seconds for one attempt, above 0.
            max_retries: Attempts after the first, from 0.
            max_wait: Seconds, from 0: the longest single wait for a rate limit or a back-off.
            priority: Priority of the calls.

        Raises:
            InvalidArgumentError: A value is out of its range.
        """
        executor = self._executor
        settings = executor.settings.replace(timeout=timeout, max_retries=max_retries, max_wait=max_wait, priority=priority)
        view = object.__new__(type(self))
        # The namespaces are such attributes too, but belong to this client's executor.
        for name, value in _attributes(self).items():
            if not isinstance(value, Namespace):
                setattr(view, name, value)
        view._executor = view.__executor__ = type(executor)(executor.context, settings)
        return view

    @property
    def rate_limit(self) -> RateLimitState | None:
        """The last known rate limit; None before the first response."""
        return self._executor.context.limiter.state

    async def with_response(self, method: Callable[P, Awaitable[R]], /, *args: P.args, **kwargs: P.kwargs) -> Response[R]:
        """Call a method and return the whole response: `await cstar.with_response(cstar.tickets.get, "tkt_…")`.

        Works for every method of a client or library, and for the functions of `cstar_async.api`. A method that returns a
        `Paginator` gives its first page. Type checkers need `paginate()` as `lambda: cstar.paginate("GET", "/tags", model=Tag)`.

        Args:
            method: The method itself, not its result.
            args: Positional arguments for it.
            kwargs: Keyword arguments for it.

        Returns:
            What the method returns as `data`, with status, headers, request id, rate limit, attempts, idempotency key and duration.
            For a method that makes several calls, those of the last.

        Raises:
            InvalidArgumentError: *method* is not callable, for example because it was already called.
            CStarError: The method made no call, or its call failed.
        """
        if not callable(method):
            if inspect.iscoroutine(method):
                method.close()  # avoids Python's warning about a coroutine that was never awaited
            raise InvalidArgumentError(f"method must be a method of the client, got {type(method).__name__}; {_WITH_RESPONSE}")
        capture: list[Response[Any]] = []
        token = RESPONSE_CAPTURE.set(capture)
        try:
            result = method(*args, **kwargs)
            if not inspect.isawaitable(result):
                got = type(result).__name__
                raise InvalidArgumentError(f"method must be an async method, got one that returned {got}; {_WITH_RESPONSE}")
            data = await result
        finally:
            RESPONSE_CAPTURE.reset(token)
        if not capture:
            raise CStarError("the method given to with_response() made no call")
        response: Response[R] = attrs.evolve(capture[0], data=data)
        outer = RESPONSE_CAPTURE.get()
        if outer is not None:
            outer[:] = [response]
        return response

    @overload
    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, object] | None = None,
        json: object = None,
        files: Mapping[str, FileInput | Sequence[FileInput]] | None = None,
        model: None = None,
        stream: Literal[False] = False,
        idempotency_key: str | None = None,
        options: RequestOptions | None = None,
    ) -> Response[JSON]: ...

    @overload
    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, object] | None = None,
        json: object = None,
        files: Mapping[str, FileInput | Sequence[FileInput]] | None = None,
        model: type[T],
        stream: Literal[False] = False,
        idempotency_key: str | None = None,
        options: RequestOptions | None = None,
    ) -> Response[T]: ...

    @overload
    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, object] | None = None,
        json: object = None,
        files: Mapping[str, FileInput | Sequence[FileInput]] | None = None,
        model: None = None,
        stream: Literal[True],
        idempotency_key: str | None = None,
        options: RequestOptions | None = None,
    ) -> Response[Stream[bytes]]: ...

    @overload
    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, object] | None = None,
        json: object = None,
        files: Mapping[str, FileInput | Sequence[FileInput]] | None = None,
        model: type[T],
        stream: Literal[True],
        idempotency_key: str | None = None,
        options: RequestOptions | None = None,
    ) -> Response[Stream[T]]: ...

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, object] | None = None,
        json: object = None,
        files: Mapping[str, FileInput | Sequence[FileInput]] | None = None,
        model: type[Any] | None = None,
        stream: bool = False,
        idempotency_key: str | None = None,
        options: RequestOptions | None = None,
    ) -> Response[Any]:
        """Call an endpoint that has no method here, with the same limits, retries and errors.

        Args:
            method: `GET`, `POST`, `PATCH`, `PUT` or `DELETE`.
            path: Under the team or the library (`/activity`), or from the host if it begins with `/api/`. In a package of its own,
                under the base URL. Without a query; a slash inside an id must be percent-encoded.
            params: Query parameters. `UNSET` omits one, lists are joined with commas.
            json: The JSON body; None: no body. With *files*, an object whose fields become fields of the form.
            files: Files by field name, or lists of files; the body is then a form (`multipart/form-data`). See `cstar_async.files`.
            model: What `data` is: a model, an attrs class, or anything else that `converter` can structure, such as `list[Tag]`.
                None: JSON as it arrived.
            stream: Whether `data` is an open `cstar_async.files.Stream`, to be used with `async with`. Its items are bytes. With
                *model*, they are those of server-sent events or JSON lines.
            idempotency_key: For POST, PATCH and PUT of a `CStarClient`. None: one is made. Other clients send none.
            options: Options of this call.

        Returns:
            The response. Its `data` is that of the envelope, or the whole body without an envelope.

        Raises:
            InvalidArgumentError: The method, path, query or body cannot be sent, or *model* is no such class.
            ConfigurationError: A write with a publishable key.
            DecodeError: The response does not have the form of *model*. A model of a package only needs an object.
            CStarError: As for every call, see `cstar_async.errors`.
        """
        return await request_path(
            self._executor,
            method,
            path,
            params=params,
            json=json,
            files=files,
            model=model,
            stream=stream,
            idempotency_key=idempotency_key,
            options=options,
        )

    @overload
    def paginate(
        self,
        method: str,
        path: str,
        *,
        model: None = None,
        params: Mapping[str, object] | None = None,
        paging: Paging = PAGES,
        options: RequestOptions | None = None,
    ) -> Paginator[JSON]: ...

    @overload
    def paginate(
        self,
        method: str,
        path: str,
        *,
        model: type[T],
        params: Mapping[str, object] | None = None,
        paging: Paging = PAGES,
        options: RequestOptions | None = None,
    ) -> Paginator[T]: ...

    def paginate(
        self,
        method: str,
        path: str,
        *,
        model: type[Any] | None = None,
        params: Mapping[str, object] | None = None,
        paging: Paging = PAGES,
        options: RequestOptions | None = None,
    ) -> Paginator[Any]:
        """Return a paginator over a list that has no method here: `cstar.paginate("GET", "/things", model=Thing)`.

        Nothing is sent until it is awaited or iterated over. It makes the promises of every `Paginator`.

        Args:
            method: `GET`.
            path: As for `request()`.
            model: What each item is, as for `request()`. None: JSON as it arrived.
            params: Query parameters. A page or a size among them is that of the list.
            paging: How the list is divided into pages. Default: as cStar does, by `page` and `pageSize`.
            options: Options of each call.

        Raises:
            InvalidArgumentError: The method, path or query cannot be sent, or *model* is no such class.
            DecodeError: While iterating: a response is not such a page, or an item does not have the form of *model*.
        """
        return paginate_path(self._executor, method, path, model, params, paging, options)

    async def aclose(self) -> None:
        """Close the connections, and the session unless it was passed in. May be called twice, and on a client never used."""
        await self._executor.context.aclose()

    async def __aenter__(self) -> Self:
        self._executor.context.loop_binding.bind()
        if self._executor.context.waits.is_closed:
            raise CStarError(CLIENT_CLOSED)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        context, settings = self._executor.context, self._executor.settings
        max_wait = None if settings.max_wait == MAX_WAIT else settings.max_wait
        team = "" if context.scope == "root" else f"team_id={context.team_id!r}, "
        return (
            f"{type(self).__name__}(base_url={self._base_url!r}, {team}timeout={settings.timeout}, "
            f"max_retries={settings.max_retries}, max_wait={max_wait})"
        )

    def __reduce__(self) -> Any:
        raise TypeError(
            f"a {type(self).__name__} cannot be copied or pickled, because it has open connections and perhaps a key; "
            "make a client where one is needed"
        )


def _attributes(client: object) -> dict[str, Any]:
    """Return the attributes of an object, also those that a subclass keeps in slots."""
    state = object.__getstate__(client)
    dicts = cast("tuple[dict[str, Any], ...]", state if isinstance(state, tuple) else (state,))
    return {name: value for attributes in dicts for name, value in attributes.items()}
