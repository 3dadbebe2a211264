"""Make aiohttp send each request once and in one piece, and match each response to its request.

aiohttp itself sends a GET or DELETE again when a kept-alive connection drops, and no limiter or hook would notice that attempt. It
also takes unread data on a connection for the response. After a server or gateway has sent one response too many, every later
request would get the response of the one before it.

The client's own session has a setting and a request class that prevent both. In a user's session two middlewares do it, which cost
some microseconds a request.
"""

from __future__ import annotations

import asyncio
import inspect
import select
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, Final

import aiohttp
from aiohttp import hdrs
from aiohttp.client_middlewares import ClientHandlerType
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http_writer import StreamWriter

from cstar_async.errors import ConnectionFailedError

RETRIED_BY_AIOHTTP = (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError)
"""The errors after which aiohttp sends a request again."""

_MAX_SMALL_BODY: Final = 32768
"""Bytes of a body that is written together with its headers. The buffer of a socket takes more, so no write has to wait."""
_RESPONSE_ARGUMENTS: Final[frozenset[str]] = frozenset(
    ("method", "url", "writer", "continue100", "timer", "request_info", "traces", "loop", "session", "stream_writer")
)
"""What a response of aiohttp is made of. If another version needs anything else, it writes all bodies itself."""


class ConnectionLost(aiohttp.ClientError):
    """A connection broke during a request. aiohttp does not send again after an error of this class."""


class UnexpectedDataError(aiohttp.ClientError):
    """A kept-alive connection had unread data. aiohttp closes it, and the request can be sent on another: this was no attempt."""


class ConnectionTracker:
    """The connections that have carried a request, each with a function that checks its socket for unread data."""

    def __init__(self) -> None:
        self._used: dict[ResponseHandler, Callable[[], object]] = {}
        self._transports: list[Any] = []

    def is_clean(self, protocol: ResponseHandler | None) -> bool:
        """Return whether a connection has no unread data, and count it as used from now on."""
        if protocol is None:
            return True
        has_unread_data = self._used.get(protocol)
        if has_unread_data is not None:
            return not (protocol.should_close or has_unread_data())
        # Data on a new connection is its response, even if the server did not wait for the request.
        for closed in [used for used in self._used if not used.is_connected()]:
            del self._used[closed]
        # Those of TLS stay open for a short time after their protocol was closed.
        self._transports = [transport for transport in (*self._transports, _socket_transport(protocol)) if _is_open(transport)]
        self._used[protocol] = _unread_data_check(protocol.transport)
        return True

    def close_without_loop(self) -> None:
        """Close the sockets of all connections after the end of their event loop, where `close()` of a transport fails."""
        for transport in self._transports:
            if _is_open(transport):
                with suppress(RuntimeError):  # a TLS protocol uses the loop, after the socket was closed
                    transport._call_connection_lost(None)  # noqa: SLF001  # only private methods of asyncio work without a loop
        self._transports.clear()
        self._used.clear()


def make_request_class(connections: ConnectionTracker) -> type[aiohttp.ClientRequest]:
    """Return a request class for a session, which refuses connections with unread data, and writes a small body at once.

    aiohttp writes each body in a task, which takes a tenth of the time of a POST.
    """
    writes_small_bodies = frozenset(inspect.signature(aiohttp.ClientResponse).parameters) == _RESPONSE_ARGUMENTS

    class GuardedRequest(aiohttp.ClientRequest):
        POST_METHODS: set[str] = set()  # noqa: RUF012  # aiohttp declares it without ClassVar
        """The methods for which aiohttp states a Content-Type that nobody gave, even without a body."""

        # Returns aiohttp's coroutine, because an `async def` around it would slow every request.
        def send(self, conn: Connection) -> Any:
            protocol = conn.protocol
            if not connections.is_clean(protocol):
                raise UnexpectedDataError
            body = self.body
            if (
                isinstance(body, aiohttp.BytesPayload)
                and writes_small_bodies
                and body.size is not None
                and body.size <= _MAX_SMALL_BODY
                and protocol is not None
                and not protocol.writing_paused
                and self.proxy is None
                and hdrs.EXPECT not in self.headers
            ):
                return self._send_small(protocol, body)
            return super().send(conn)

        async def _send_small(self, protocol: ResponseHandler, body: aiohttp.BytesPayload) -> aiohttp.ClientResponse:
            """Send headers and body in one piece."""
            writer = StreamWriter(protocol, self.loop)
            await writer.write_headers(f"{self.method} {self.url.raw_path_qs} HTTP/1.1", self.headers)
            await body.write(writer)
            writer.set_eof()
            return self.response_class(
                self.method,
                self.original_url,
                writer=None,
                continue100=None,
                timer=self._timer,
                request_info=self.request_info,
                traces=[],
                loop=self.loop,
                session=self.session,
                stream_writer=writer,
            )

    return GuardedRequest


class TrackedResponse(aiohttp.ClientResponse):
    """A response that keeps its connection."""

    protocol: ResponseHandler | None = None

    # Returns aiohttp's coroutine: the memory of one more around it would slow 100 concurrent requests by some percent.
    def start(self, connection: Connection) -> Any:
        """Wait for the headers."""
        self.protocol = connection.protocol
        return super().start(connection)


def create_session(connections: ConnectionTracker, **arguments: Any) -> aiohttp.ClientSession:
    """Return a session that sends each request once, on a connection without unread data.

    aiohttp's own tests turn its replays off with a private attribute. The middleware replaces it in a version without that.
    """
    can_turn_off = "_retry_connection" in aiohttp.ClientSession.ATTRS
    session = aiohttp.ClientSession(
        request_class=make_request_class(connections),
        response_class=TrackedResponse,
        middlewares=() if can_turn_off else (prevent_replay,),
        **arguments,
    )
    if can_turn_off:
        session._retry_connection = False  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    return session


async def prevent_replay(request: aiohttp.ClientRequest, handler: ClientHandlerType) -> aiohttp.ClientResponse:
    """Make aiohttp send a request once.

    This middleware comes first: the errors of others would make aiohttp send again, too. They see aiohttp's own errors.
    """
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except RETRIED_BY_AIOHTTP as error:
        raise ConnectionLost from error


class ConnectionGuard:
    """A client middleware for one request in a user's session."""

    def __init__(self, connections: ConnectionTracker) -> None:
        self._connections = connections
        self.protocol: ResponseHandler | None = None

    async def check_connection(self, request: aiohttp.ClientRequest, handler: ClientHandlerType) -> aiohttp.ClientResponse:
        """Come last: other middlewares may send several requests, and each needs a connection without unread data."""
        send = request.send

        async def send_if_clean(conn: Connection) -> aiohttp.ClientResponse:
            if not self._connections.is_clean(conn.protocol):
                raise UnexpectedDataError
            self.protocol = conn.protocol
            return await send(conn)

        # aiohttp has no hook between taking a connection and writing to it. No other call uses this request object.
        request.send = send_if_clean  # type: ignore[method-assign]
        try:
            while True:
                try:
                    return await handler(request)
                except UnexpectedDataError:
                    continue
        finally:
            del request.send  # breaks the reference cycle


def check_no_trailing_data(protocol: ResponseHandler | None) -> None:
    """Raise a `ConnectionFailedError` if anything follows a response: of two, either may belong to the request."""
    if protocol is not None and len(protocol):
        raise ConnectionFailedError("the server sent more than one response to a request")


def _socket_transport(protocol: ResponseHandler) -> Any:
    """Return the transport of a connection's socket, which that of TLS wraps."""
    transport = protocol.transport
    return getattr(getattr(transport, "_ssl_protocol", None), "_transport", transport)


def _is_open(transport: Any) -> bool:
    """Return whether asyncio's transport has a socket; False for those of other event loops."""
    return getattr(transport, "_sock", None) is not None


def _unread_data_check(transport: asyncio.Transport | None) -> Callable[[], object]:
    """Return a function that checks for bytes, or the end of a connection, which the event loop has not read yet."""
    socket = None if transport is None else transport.get_extra_info("socket")
    if socket is None:
        return bool
    if sys.platform == "win32":
        return lambda: select.select([socket.fileno()], [], [], 0)[0]
    poll = select.poll()
    poll.register(socket.fileno(), select.POLLIN)
    return partial(poll.poll, 0)
