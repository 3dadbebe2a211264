"""The door to the network, on aiohttp. Beside it only `_answered_once` imports aiohttp, which bends it to what a call needs.

Kept simple for speed, as measured: one timer for all requests, headers on the session, finished URLs, no tracing, no `trust_env`
(it costs more than the whole call), the response read in one piece.
"""

from __future__ import annotations

import asyncio
import os
import ssl as tls
from collections.abc import Mapping
from typing import Final

import aiohttp
from aiohttp import hdrs
from aiohttp.client_proto import ResponseHandler
from yarl import URL

from cstar_async._protocol.messages import RawResponse, Request, StreamingResponse
from cstar_async._transport.connection_guard import (
    ConnectionTracker,
    GuardMiddleware,
    NoReplayResponse,
    UnexpectedDataError,
    check_no_trailing_data,
    make_request_class,
)
from cstar_async._transport.decompression import ACCEPTED, decompress
from cstar_async._transport.timeout import SharedTimeout
from cstar_async.errors import ConfigurationError, ConnectionFailedError, CStarError, RequestTimeoutError

Ssl = tls.SSLContext | bool | aiohttp.Fingerprint


_CLIENT_CLOSED: Final = "this client is closed"
_CLOSED_SESSION: Final = "the session given to this client is closed"

_NO_TIMER: Final = aiohttp.ClientTimeout(total=None)
"""aiohttp's timer is not used: see `_alarm`."""


class AiohttpTransport:
    """Sends requests through an aiohttp session, its own or the user's.

    Args:
        base_url: Scheme and host; the paths of requests begin at its root.
        headers: What every request carries.
        timeout: Seconds for one request, unless the request brings its own.
        connections: The most connections at once.
        proxy: The URL of a proxy, or None.
        ssl: As in aiohttp; None for its default.
        session: A session of the user's: used, never closed. None: one is made on first use.

    Raises:
        ConfigurationError: *ssl* is none of the things that aiohttp takes.
    """

    def __init__(
        self,
        *,
        base_url: URL,
        headers: Mapping[str, str],
        timeout: float,
        connections: int,
        proxy: str | None,
        ssl: Ssl | None,
        session: aiohttp.ClientSession | None,
    ) -> None:
        self._base = base_url
        self._origin = str(base_url.origin())
        self._headers = {**headers, hdrs.ACCEPT_ENCODING: ACCEPTED}
        self._timeout = timeout
        self._alarm: SharedTimeout | None = None
        self._connections = connections
        self._proxy = proxy
        self._ssl = _checked_ssl(ssl)
        self._session = session
        self._is_own = session is None
        self._lines = ConnectionTracker()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._process: int | None = None
        self._closed = False

    async def send(self, request: Request, timeout: float) -> RawResponse:
        """Send one request and read its response; see `Transport.send`."""
        session = self._session
        if session is None or self._loop is None:
            session = self._enter_loop()
        if request.query:
            # `with_query` would encode again, and turn a comma inside a value into one between values.
            url = URL(f"{self._origin}{request.path}?{request.query}", encoded=True)
        else:
            url = self._base.with_path(request.path, encoded=True)
        alarm = self._alarm
        if alarm is None or alarm.seconds != timeout:
            alarm = SharedTimeout(timeout, asyncio.get_running_loop())
        try:
            with alarm:
                if self._is_own:
                    response = None
                    while response is None:
                        try:
                            response = await session.request(
                                request.method,
                                url,
                                headers=request.headers,
                                data=request.body,
                                allow_redirects=False,
                                auto_decompress=request.stream,
                            )
                        except UnexpectedDataError:
                            continue
                    heard = response.protocol if isinstance(response, NoReplayResponse) else None
                else:
                    response, heard = await self._send_via_user_session(session, request, url)
                if request.stream and response.status == 200:
                    return _Stream(response)
                body = await response.read()
                check_no_trailing_data(heard)
                encoding = response.headers.get(hdrs.CONTENT_ENCODING)
                if encoding is not None and not request.stream:
                    body = _unpacked(body, encoding, response.status)
                return RawResponse(response.status, response.headers, body)
        except TimeoutError:
            failure: CStarError = RequestTimeoutError("the server did not answer in time")
        except (aiohttp.ClientConnectorError, aiohttp.ClientHttpProxyError) as error:
            failure = ConnectionFailedError(f"the connection could not be made: {_reason(error)}", sent=False)
        except (aiohttp.ClientError, OSError) as error:
            failure = ConnectionFailedError(f"the connection broke: {_reason(error.__cause__ or error)}")
        except RuntimeError:
            if not session.closed:
                raise
            failure = CStarError(_CLIENT_CLOSED if self._is_own else _CLOSED_SESSION)
        except ValueError:
            # Of all that is sent, only what a user's own session adds has not been checked.
            failure = ConfigurationError(
                "the session given to this client does not fit the request; credentials of a .netrc, which trust_env reads, would"
                " replace the API key"
            )
        finally:
            if alarm is not self._alarm:
                alarm.close()
        # Raised out here, so that no error of aiohttp hangs on this one as its context.
        raise failure

    async def _send_via_user_session(
        self, session: aiohttp.ClientSession, request: Request, url: URL
    ) -> tuple[aiohttp.ClientResponse, ResponseHandler | None]:
        """Send through a session of the user's, whatever its own settings are.

        Returns:
            The response, and the connection on which it was heard.
        """
        passage = GuardMiddleware(self._lines)
        response = await session.request(
            request.method,
            url,
            headers={**self._headers, **(request.headers or {})},
            data=request.body,
            allow_redirects=False,
            raise_for_status=False,
            timeout=_NO_TIMER,
            auto_decompress=request.stream,
            middlewares=(passage,),
            proxy=self._proxy,
            ssl=self._ssl,
        )
        return response, passage.heard

    async def aclose(self) -> None:
        """Close the session if it is this door's own. May be called twice, and without a request ever made."""
        self._closed = True
        if self._alarm is not None:
            self._alarm.close()
        session, loop = self._session, self._loop
        if session is None or not self._is_own or session.closed:
            return
        if self._process != os.getpid():
            # In a forked child: closing these sockets would also take them from the watch of the parent's loop.
            raise CStarError("this client works in another process; close it there")
        if loop is asyncio.get_running_loop():
            await session.close()
        elif loop is not None and not loop.is_closed():
            raise CStarError("this client works in another event loop; close it there")

    def _enter_loop(self) -> aiohttp.ClientSession:
        """Bind the door to the running loop on first use; that it is not used in another one is the runtime's to see to."""
        if self._closed:
            raise CStarError(_CLIENT_CLOSED)
        loop = asyncio.get_running_loop()
        session = self._session or self._own_session()
        if session.closed:
            raise CStarError(_CLOSED_SESSION)
        if session.auth is not None:
            raise ConfigurationError("the session given to this client has credentials of its own, which would replace the API key")
        self._loop, self._process, self._session = loop, os.getpid(), session
        self._alarm = SharedTimeout(self._timeout, loop)
        return session

    def _own_session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._connections, ssl=self._ssl),
            request_class=make_request_class(self._lines),
            response_class=NoReplayResponse,
            headers=self._headers,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=_NO_TIMER,
            proxy=self._proxy,
        )


class _Stream(StreamingResponse):
    """A response of aiohttp that is read as it arrives."""

    __slots__ = ("_response",)

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        super().__init__(response.status, response.headers, b"")
        self._response = response

    async def read(self) -> bytes:
        """The next piece; see `StreamingResponse.read`."""
        try:
            return await self._response.content.readany()
        except (aiohttp.ClientError, OSError) as error:
            raise ConnectionFailedError(f"the connection broke: {_reason(error.__cause__ or error)}") from None

    def close(self) -> None:
        """Close the connection: it cannot be used again, for the body has no end."""
        self._response.close()


def _unpacked(body: bytes, encoding: str, status: int) -> bytes:
    """A body as the server meant it; of an error whose body cannot be read the status says enough."""
    if status == 204:
        return body
    try:
        return decompress(body, encoding)
    except ValueError as error:
        reason = str(error)
    if 200 <= status <= 299:
        raise ConnectionFailedError(f"the answer cannot be read: {reason}")
    return b""


def max_concurrency(session: aiohttp.ClientSession | None, most: int) -> int:
    """How many calls may be in flight at once, so that none waits inside aiohttp, where the wait would count as the call's own.

    Args:
        session: The user's session, or None.
        most: What the user allows.

    Raises:
        ConfigurationError: It is no session.
    """
    if session is not None and not _is_session(session):
        raise ConfigurationError(f"session is an aiohttp.ClientSession, not {type(session).__name__}")
    connector = None if session is None else session.connector
    limits = () if connector is None else (connector.limit, connector.limit_per_host)
    return min([most, *(limit for limit in limits if limit)])


def _is_session(session: object) -> bool:
    return isinstance(session, aiohttp.ClientSession)


def _checked_ssl(ssl: object) -> Ssl:
    """How certificates are judged; None stands for aiohttp's default.

    Raises:
        ConfigurationError: aiohttp takes no such thing.
    """
    if ssl is None:
        return True
    if isinstance(ssl, (tls.SSLContext, bool, aiohttp.Fingerprint)):
        return ssl
    raise ConfigurationError(f"ssl is an ssl.SSLContext, an aiohttp.Fingerprint, a bool or None, not {type(ssl).__name__}")


def _reason(error: BaseException) -> str:
    """What an error of the network is, without addresses or anything that the other side sent."""
    number = error.errno if isinstance(error, OSError) else None
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    text = getattr(cause, "strerror", None)
    if number and text and text.startswith("Connect call failed"):
        text = os.strerror(number)  # asyncio's own words end with the address
    return f"{text} (errno {number})" if text and number else text or type(cause).__name__.strip("_")
