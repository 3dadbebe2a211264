"""Send requests with aiohttp.

Four choices are made because measurements showed them to be faster: one timer for all requests, headers on the session, URLs that
need no further encoding, and bodies that are read in one piece. Tracing is not used, nor is `trust_env`, which costs more than the
whole call.
"""

from __future__ import annotations

import asyncio
import io
import os
import ssl as tls
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Final
from weakref import WeakSet

import aiohttp
from aiohttp import hdrs
from multidict import istr
from yarl import URL

from cstar_async._event_loop.timeout import SharedTimeout
from cstar_async._protocol.messages import RawResponse, Request
from cstar_async._transport.body import Decompressor, copy_body, read_body, take_arrived_body
from cstar_async._transport.connection_guard import (
    ConnectionGuard,
    ConnectionTracker,
    TrackedResponse,
    UnexpectedDataError,
    check_no_trailing_data,
    create_session,
    prevent_replay,
)
from cstar_async._transport.decompression import ACCEPT_ENCODING
from cstar_async._transport.network_errors import network_error
from cstar_async._transport.streaming import ArrivingResponse
from cstar_async._transport.upload_payload import UploadPayload
from cstar_async.errors import ConfigurationError, ConnectionFailedError, CStarError, RequestTimeoutError

Ssl = tls.SSLContext | bool | aiohttp.Fingerprint

_CLIENT_CLOSED: Final = "the client is closed"
_SESSION_CLOSED: Final = "the session of the client is closed"
_SESSION_LOOP: Final = "session was created in another event loop; create one in each loop, and close it there"
_SESSION_CREDENTIALS: Final = (
    "session must have no credentials of its own, got some; "
    "auth= of the session, or a .netrc read by trust_env, would replace the API key"
)

_LAST_CONNECTION: Final = (
    "session must have a connection left for calls, got one whose last connection an event stream would use; "
    "raise limit or limit_per_host of its connector"
)

_NO_TIMEOUT: Final = aiohttp.ClientTimeout(total=None)
"""Turns off aiohttp's timers: `SharedTimeout` replaces them."""
_MAX_HEADER_LINE: Final = 65536
"""Bytes of one header or status line in the client's own session. aiohttp's default of 8,190 is less than some gateways send."""
_MAX_HEADERS: Final = 1024
_MAX_BYTES_BODY: Final = 1024 * 1024
"""Bytes of a request body that aiohttp sends in one piece without a warning."""


class AiohttpTransport:
    """Send requests through an aiohttp session: the user's, which is never closed, or one created for the first request.

    *on_streams* is called with the number of open streams when it changes: in a user's session they use up its connections.
    """

    def __init__(
        self,
        *,
        base_url: URL,
        headers: Mapping[str, str],
        timeout: float,
        proxy: str | None,
        ssl: Ssl | None,
        session: aiohttp.ClientSession | None,
        max_response_size: int | None,
        on_streams: Callable[[int], None],
    ) -> None:
        self._base_url = base_url
        self._origin = str(base_url.origin())
        self._headers: dict[str, str] = {
            istr(name): value for name, value in {**headers, hdrs.ACCEPT_ENCODING: ACCEPT_ENCODING}.items()
        }
        self._seconds = timeout
        self._timeout: SharedTimeout | None = None
        self._other_timeouts: set[SharedTimeout] = set()
        self._proxy = proxy
        self._ssl = _validate_ssl(ssl)
        self._session = session
        self._owns_session = session is None
        self._connections = ConnectionTracker()
        self._streams: WeakSet[ArrivingResponse] = WeakSet()
        self._stream_count = 0
        self._on_streams = on_streams
        self._loop: asyncio.AbstractEventLoop | None = None
        self._process: int | None = None
        self._closed = False
        self._max_response_size = max_response_size
        self._decompressor = Decompressor(max_response_size)

    async def send(self, request: Request, timeout: float) -> RawResponse:
        """Send a request and read its response; see `Transport.send`."""
        session = self._session
        if session is None or self._loop is None:
            session = self._bind_to_loop()
        if request.query:
            # `with_query` would encode again, and treat a comma inside a value like one between values.
            url = URL(f"{self._origin}{request.path}?{request.query}", encoded=True)
        else:
            url = self._base_url.with_path(request.path, encoded=True)
        limit = self._timeout
        if limit is None or limit.seconds != timeout:
            limit = SharedTimeout(timeout, asyncio.get_running_loop())
            self._other_timeouts.add(limit)
        guard: ConnectionGuard | None = None
        close_stream = self._count_stream() if request.stream else None
        upload, sink = request.upload, request.sink
        data: bytes | io.BytesIO | UploadPayload | None = request.body and _payload(request.body)
        try:
            with limit:
                if upload is not None:
                    await upload.prepare()
                    data = UploadPayload(upload, partial(limit.restart, asyncio.current_task()))
                if self._owns_session:
                    # The public method puts two more objects around the coroutine of this one, for `async with`.
                    send: Callable[..., Awaitable[aiohttp.ClientResponse]] = getattr(session, "_request", session.request)
                    response = None
                    while response is None:
                        try:
                            response = await send(request.method, url, headers=request.headers, data=data, allow_redirects=False)
                        except UnexpectedDataError:
                            continue
                    protocol = response.protocol if isinstance(response, TrackedResponse) else None
                else:
                    guard = ConnectionGuard(self._connections)
                    response = await self._send_via_user_session(session, request, url, guard, data)
                    protocol = guard.protocol
                if close_stream is not None and 200 <= response.status <= 299:
                    stream, close_stream = ArrivingResponse(response, close_stream), None
                    self._streams.add(stream)
                    return stream
                if sink is not None and 200 <= response.status <= 299:
                    await copy_body(response, sink, partial(limit.restart, asyncio.current_task()))
                    check_no_trailing_data(protocol)
                    return RawResponse(response.status, response.headers, b"")
                body: bytes | None = None
                if guard is None and upload is None:  # traces of a user's session observe the reading, and an upload must end first
                    body = take_arrived_body(response, self._max_response_size)
                if body is None:
                    is_early = upload is not None and not upload.is_written and response.status >= 300
                    body = await read_body(response, self._max_response_size, is_early=is_early)
                check_no_trailing_data(protocol)
                encoding = response.headers.get(hdrs.CONTENT_ENCODING)
                if encoding is not None:
                    body = await self._decompressor.decompress(body, encoding, response.status)
                return RawResponse(response.status, response.headers, body)
        except (aiohttp.ClientError, OSError, RuntimeError, ValueError) as error:
            failure = self._failure_of(error, session, guard)
            if failure is None:
                raise
        finally:
            if limit is not self._timeout:
                limit.close()
                self._other_timeouts.discard(limit)
            if close_stream is not None:
                close_stream()
            if upload is not None:
                upload.close()
        if upload is not None and upload.failure is not None:
            failure = upload.failure
        # Raised outside the handlers, so that no error of aiohttp becomes its context.
        raise failure

    def _failure_of(self, error: Exception, session: aiohttp.ClientSession, guard: ConnectionGuard | None) -> CStarError | None:
        """Return what a caller gets for an error of aiohttp; None for one of a middleware or trace of the user's session."""
        if isinstance(error, TimeoutError):
            is_sent = guard is None or guard.protocol is not None
            if self._closed:
                return ConnectionFailedError(_CLIENT_CLOSED, request_sent=is_sent)
            if is_sent:
                return RequestTimeoutError("the server did not respond in time")
            return RequestTimeoutError("no connection of the session was free, or could be made, in time", request_sent=False)
        if isinstance(error, RuntimeError):
            return CStarError(_CLIENT_CLOSED if self._owns_session else _SESSION_CLOSED) if session.closed else None
        if isinstance(error, (aiohttp.ClientError, OSError)):
            return network_error(error)
        return ConfigurationError(_SESSION_CREDENTIALS) if "AUTHORIZATION" in str(error) else None

    async def _send_via_user_session(
        self, session: aiohttp.ClientSession, request: Request, url: URL, guard: ConnectionGuard, data: object
    ) -> aiohttp.ClientResponse:
        """Send through a user's session, overriding its settings."""
        return await session.request(
            request.method,
            url,
            headers={**self._headers, **(request.headers or {})},
            skip_auto_headers=(hdrs.CONTENT_TYPE,),
            data=data,
            allow_redirects=False,
            raise_for_status=False,
            timeout=_NO_TIMEOUT,
            auto_decompress=False,
            # Middlewares of a request replace those of its session.
            middlewares=(prevent_replay, *session._middlewares, guard.check_connection),  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
            proxy=self._proxy,
            ssl=self._ssl,
        )

    def _count_stream(self) -> Callable[[], None]:
        """Count a stream that is about to be opened, and return a function to call at its end.

        Raises:
            ConfigurationError: It would use the last connection of the user's session, so that every call would wait for it.
        """
        if not self._owns_session and max_concurrency(self._session, 1, self._stream_count + 1) < 1:
            raise ConfigurationError(_LAST_CONNECTION)
        self._stream_count += 1
        self._on_streams(self._stream_count)

        def end() -> None:
            self._stream_count -= 1
            self._on_streams(self._stream_count)

        return end

    async def aclose(self) -> None:
        """End all requests, and close the session if it is the client's own. May be called twice, and before the first request."""
        self._closed = True
        self._decompressor.close()
        session, loop = self._session, self._loop
        if self._timeout is not None:
            if loop is asyncio.get_running_loop():
                for timeout in (self._timeout, *self._other_timeouts):
                    timeout.end_all()
            self._timeout.close()
        if session is None or not self._owns_session or session.closed:
            return
        if self._process != os.getpid():
            # In a forked child: closing these sockets would also remove them from the parent's selector.
            raise CStarError("the client is used in another process; close it there")
        if loop is asyncio.get_running_loop():
            await session.close()
        elif loop is not None and loop.is_closed():
            await session.close()
            for stream in self._streams:
                stream.close()
            self._connections.close_without_loop()
        else:
            raise CStarError("the client is used in another event loop; close it there")

    def _bind_to_loop(self) -> aiohttp.ClientSession:
        """Bind to the running loop at the first request. The client context checks that there is no other loop later."""
        if self._closed:
            raise CStarError(_CLIENT_CLOSED)
        loop = asyncio.get_running_loop()
        session = self._session or self._create_session()
        if session.closed:
            raise CStarError(_SESSION_CLOSED)
        if session._loop is not loop:  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # the property `loop` is deprecated
            raise CStarError(_SESSION_LOOP)
        if session.auth is not None:
            raise ConfigurationError(_SESSION_CREDENTIALS)
        self._loop, self._process, self._session = loop, os.getpid(), session
        self._timeout = SharedTimeout(self._seconds, loop)
        return session

    def _create_session(self) -> aiohttp.ClientSession:
        return create_session(
            self._connections,
            # Requests are limited before they come here. Open event streams must not count.
            connector=aiohttp.TCPConnector(limit=0, ssl=self._ssl),
            headers=self._headers,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            timeout=_NO_TIMEOUT,
            proxy=self._proxy,
            max_line_size=_MAX_HEADER_LINE,
            max_field_size=_MAX_HEADER_LINE,
            max_headers=_MAX_HEADERS,
        )


def _payload(body: bytes) -> bytes | io.BytesIO:
    """Return a large body as a file, which aiohttp sends in pieces. For large bytes it emits a `ResourceWarning`."""
    return io.BytesIO(body) if len(body) > _MAX_BYTES_BODY else body


def max_concurrency(session: object, max_connections: int, streams: int = 0) -> int:
    """Return how many requests may be in flight, so that none waits inside aiohttp, where its timeout would already run.

    Open *streams* use connections of a user's session, but not of the client's own.
    """
    if session is None:
        return max_connections
    if not isinstance(session, aiohttp.ClientSession):
        raise ConfigurationError(f"session must be an aiohttp.ClientSession, got {type(session).__name__}")
    limits = () if session.connector is None else (session.connector.limit, session.connector.limit_per_host)
    return min([max_connections, *(limit - streams for limit in limits if limit)])


def _validate_ssl(ssl: object) -> Ssl:
    if ssl is None:
        return True
    if isinstance(ssl, (tls.SSLContext, bool, aiohttp.Fingerprint)):
        return ssl
    raise ConfigurationError(f"ssl must be an ssl.SSLContext, aiohttp.Fingerprint, bool or None, got {type(ssl).__name__}")
