"""The HTTP server on loopback, built on aiohttp.

It adds each request to the log, gets its faults, calls the pipeline, and sends or breaks the response. No rule of the API is
implemented here. With `_events.sender`, this is the only module of the fake that imports aiohttp.
"""

from __future__ import annotations

import errno
import math
import os
import socket
import struct
from collections.abc import Mapping
from email.utils import format_datetime
from typing import Final

from aiohttp import web

from cstar_async.errors import ConfigurationError
from cstar_async.testing._http.faults import FaultPlan, FaultRegistry
from cstar_async.testing._http.request_log import Headers, ReceivedRequest, RequestLog
from cstar_async.testing._http.responses import ServerResponse, Stream
from cstar_async.testing._page.site import Site
from cstar_async.testing._server.pipeline import RequestPipeline
from cstar_async.testing.clock import FakeClock

_MAX_BODY_SIZE: Final = 32 * 1024 * 1024

_SHUTDOWN_TIMEOUT_S: Final = 0.1
"""Seconds that responses in progress, such as delayed ones, may take when the server closes."""

_PORT_ERRORS: Final = frozenset({errno.EADDRINUSE, errno.EACCES})
_NO_LINGER: Final = struct.pack("ii", 1, 0)
"""The socket option that closes a connection with RST instead of FIN."""


class LoopbackServer:
    """Serves a request pipeline.

    Args:
        pipeline: Handles requests.
        request_log: The log of requests.
        faults: The faults that requests meet.
        site: The page for browsers; its requests are not logged and meet no fault.
        clock: The clock of the `Date` header and of delays.
        host: The address to listen on.
        port: The port to listen on; 0 for a free one.
    """

    def __init__(
        self,
        pipeline: RequestPipeline,
        request_log: RequestLog,
        faults: FaultRegistry,
        site: Site,
        clock: FakeClock,
        *,
        host: str,
        port: int,
    ) -> None:
        self._pipeline = pipeline
        self._request_log = request_log
        self._faults = faults
        self._site = site
        self._clock = clock
        self._host = host
        self._port = port
        self._runner: web.AppRunner | None = None
        self.url: str | None = None
        """The base URL; None when it does not listen."""

    async def start(self) -> None:
        """Start listening; a second call does nothing.

        Raises:
            ConfigurationError: Nothing can listen at the host and port.
        """
        if self._runner is not None:
            return
        application = web.Application(client_max_size=_MAX_BODY_SIZE)
        # `(?s:…)`: a decoded path can contain a line break, which a dot does not match.
        application.router.add_route("*", "/{path:(?s:.*)}", self._serve)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=_SHUTDOWN_TIMEOUT_S, handle_signals=False)
        try:
            await self._runner.setup()
            await web.TCPSite(self._runner, self._host, self._port).start()
        except BaseException as error:
            await self.aclose()
            if isinstance(error, (OSError, OverflowError, UnicodeError)):
                raise ConfigurationError(
                    f"cannot listen on {self._host}:{self._port}: {_reason(error)}; {_advice(error)}"
                ) from error
            raise
        host, port = self._runner.addresses[0][:2]
        self._port = port  # a restart uses the same port
        self.url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    async def aclose(self) -> None:
        """Stop listening and close all connections. May be called twice, and before `start()`."""
        runner, self._runner, self.url = self._runner, None, None
        if runner is not None:
            await runner.cleanup()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        path, _, query_string = request.raw_path.partition("?")
        entry = ReceivedRequest(
            method=request.method,
            path=path,
            query=dict(request.rel_url.query),
            query_string=query_string,
            headers=Headers(request.headers),
            body=await request.read(),
            address=request.remote or "",
            at=self._clock.time(),
            operation=self._pipeline.operation_of(request.method, path),
        )
        shown = self._site.respond(entry)
        if shown is not None:
            return web.Response(status=shown.status, body=shown.body, headers={**shown.headers, "Content-Type": shown.content_type})
        self._request_log.append(entry)
        plan = self._faults.plan(entry)
        fault = plan.before or plan.after
        response = await self._respond(entry, plan)
        if response is None:
            return _disconnect(request, hard=fault is not None and fault.reset)
        entry.status = response.status
        usual = {"Date": format_datetime(self._clock.now(), usegmt=True), "Content-Type": response.content_type}
        headers = Headers({**usual, **response.headers, **plan.headers})
        cut = None if fault is None else fault.truncate_after
        if response.stream is not None:
            return await _send_stream(request, response.status, headers, response.stream, cut)
        if cut is not None:
            return await _send_truncated(request, response, headers, cut)
        return web.Response(status=response.status, body=response.body, headers=headers)

    async def _respond(self, entry: ReceivedRequest, plan: FaultPlan) -> ServerResponse | None:
        """Return the response after faults; None when the connection is to close without one."""
        if plan.before is not None:
            await self._clock.sleep(plan.delay_before + plan.delay_after)
            return None if plan.before.closes_without_response else self._pipeline.respond_with_fault(plan.before, entry, None)
        real = await self._pipeline.handle(entry, lambda: self._clock.sleep(plan.delay_before))
        await self._clock.sleep(plan.delay_after)
        if plan.after is None:
            return real
        response = None if plan.after.closes_without_response else self._pipeline.respond_with_fault(plan.after, entry, real)
        if real.stream is not None and (response is None or response.stream is None):
            real.stream.close()
        return response


def _reason(error: Exception) -> str:
    if isinstance(error, socket.gaierror):
        return str(error.strerror)
    number = error.errno if isinstance(error, OSError) else None
    return str(error) if number is None else os.strerror(number)


def _advice(error: Exception) -> str:
    is_port = isinstance(error, OverflowError) or (isinstance(error, OSError) and error.errno in _PORT_ERRORS)
    return "choose another port" if is_port else "choose another host, such as 127.0.0.1"


def _disconnect(request: web.Request, *, hard: bool) -> web.Response:
    """Close the connection of a request without a response.

    Args:
        request: The request.
        hard: Whether to reset the connection.
    """
    transport = request.transport
    if transport is not None:
        if hard:
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
            transport.abort()
        else:
            transport.close()
    # aiohttp requires a response, and discards it because the connection is closed.
    return web.Response()


async def _send_truncated(
    request: web.Request, response: ServerResponse, headers: Mapping[str, str], length: int
) -> web.StreamResponse:
    """Send the headers and the first bytes of a response, and close the connection."""
    truncated = web.StreamResponse(status=response.status, headers=headers)
    truncated.content_length = max(len(response.body), length + 1)
    await truncated.prepare(request)
    await truncated.write(response.body[:length])
    if request.transport is not None:
        request.transport.close()
    return truncated


async def _send_stream(
    request: web.Request, status: int, headers: Mapping[str, str], stream: Stream, cut: int | None
) -> web.StreamResponse:
    """Send a stream until it ends, the client disconnects, or *cut* bytes are sent."""
    response = web.StreamResponse(status=status, headers=headers)
    left = math.inf if cut is None else cut
    try:
        await response.prepare(request)
        async for message in stream:
            piece = message if left >= len(message) else message[: int(left)]
            if piece:
                await response.write(piece)
            left -= len(message)
            if left <= 0:
                break
    except ConnectionError:
        pass  # the client has disconnected
    finally:
        stream.close()
    if (stream.is_broken or left <= 0) and request.transport is not None:
        request.transport.close()
    return response
