"""What makes aiohttp send a request once and take its answer for no other.

Left to itself, aiohttp repeats a GET or DELETE when a kept-alive connection drops; such an attempt would not be counted, limited
and observed. And it sends on connections where an answer lies already, which it then takes for that to the new request: after a
server or gateway has answered twice, every later call would get the result of the one before it.

A session of the client's own is made with classes of requests and responses that do neither. In a session of the user's, a
middleware takes their place, at the price of some microseconds a request.
"""

from __future__ import annotations

import asyncio
import select
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import aiohttp
from aiohttp.client_middlewares import ClientHandlerType
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection

from cstar_async.errors import ConnectionFailedError

RETRIED_BY_AIOHTTP = (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError)
"""The errors that aiohttp answers by sending again."""


class ConnectionLost(aiohttp.ClientError):
    """A connection that broke under a request; of a class that aiohttp does not answer by sending the request again."""


class UnexpectedDataError(aiohttp.ClientError):
    """A kept-alive connection on which something came that nobody had asked for. The request was not sent on it.

    aiohttp closes it then, so that the request may be sent anew: no attempt was made.
    """


class ConnectionTracker:
    """The connections that carried a request before, each with what tells whether something lies in its socket."""

    __slots__ = ("_used",)

    def __init__(self) -> None:
        self._used: dict[ResponseHandler, Callable[[], object]] = {}

    def is_clean(self, protocol: ResponseHandler | None) -> bool:
        """Whether nothing has come on a connection since its last answer. It is taken for used from now on."""
        if protocol is None:
            return True
        is_readable = self._used.get(protocol)
        if is_readable is not None:
            return not (protocol.should_close or is_readable())
        # What a server says on a new connection is its answer, whether it waited for the request or not.
        for closed in [known for known in self._used if not known.is_connected()]:
            del self._used[closed]
        self._used[protocol] = _readability(protocol.transport)
        return True


def make_request_class(lines: ConnectionTracker) -> type[aiohttp.ClientRequest]:
    """A class of requests that are not sent where something lies.

    Args:
        lines: The connections of the session that makes the requests.
    """

    class OnceRequest(aiohttp.ClientRequest):
        # Hands out aiohttp's own coroutine: one of its own around it would be felt.
        def send(self, conn: Connection) -> Any:
            if not lines.is_clean(conn.protocol):
                raise UnexpectedDataError
            return super().send(conn)

    return OnceRequest


class NoReplayResponse(aiohttp.ClientResponse):
    """An answer that knows where it was heard, and whose failure is not answered by sending the request again."""

    protocol: ResponseHandler | None = None

    async def start(self, connection: Connection) -> aiohttp.ClientResponse:
        """Wait for the answer."""
        self.protocol = connection.protocol
        try:
            return await super().start(connection)
        except RETRIED_BY_AIOHTTP as error:
            raise ConnectionLost from error


class GuardMiddleware:
    """One request on its way through a session of the user's, as a client middleware.

    Args:
        lines: The connections of the session.
    """

    __slots__ = ("_lines", "heard")

    def __init__(self, lines: ConnectionTracker) -> None:
        self._lines = lines
        self.heard: ResponseHandler | None = None

    async def __call__(self, request: aiohttp.ClientRequest, handler: ClientHandlerType) -> aiohttp.ClientResponse:
        send = request.send

        async def send_on_silence(conn: Connection) -> aiohttp.ClientResponse:
            if not self._lines.is_clean(conn.protocol):
                raise UnexpectedDataError
            self.heard = conn.protocol
            return await send(conn)

        # aiohttp has no hook between taking a connection and writing on it. The request is this call's own.
        request.send = send_on_silence  # type: ignore[method-assign]
        try:
            while True:
                try:
                    return await handler(request)
                except UnexpectedDataError:
                    continue
        except aiohttp.ClientConnectorError:
            raise
        except RETRIED_BY_AIOHTTP as error:
            raise ConnectionLost from error
        finally:
            del request.send  # or the two would hold each other


def check_no_trailing_data(heard: ResponseHandler | None) -> None:
    """See that nothing followed the answer: of two, nobody can say which is the one to this request.

    Args:
        heard: The connection on which it came.

    Raises:
        ConnectionFailedError: Another answer came with it.
    """
    if heard is not None and len(heard):
        raise ConnectionFailedError("the server gave more than one answer")


def _readability(transport: asyncio.Transport | None) -> Callable[[], object]:
    """What tells whether bytes, or the end of a connection, have arrived that the event loop has not come to read yet."""
    socket = None if transport is None else transport.get_extra_info("socket")
    if socket is None:
        return bool
    if sys.platform == "win32":
        return lambda: select.select([socket.fileno()], [], [], 0)[0]
    poll = select.poll()
    poll.register(socket.fileno(), select.POLLIN)
    return partial(poll.poll, 0)
