"""The socket of the fake: HTTP on loopback in front of an pipeline.

With `post` the only room that knows aiohttp. It turns what arrives into an entry of the journal, asks the faults what is to go
wrong, lets the pipeline answer, and sends or breaks what comes of it. No rule of the API is written here.
"""

from __future__ import annotations

import math
import socket
import struct
from collections.abc import Mapping
from email.utils import format_datetime
from typing import Final

from aiohttp import web

from cstar_async.testing._http.faults import FaultPlan, FaultRegistry
from cstar_async.testing._http.request_log import Headers, ReceivedRequest, RequestLog
from cstar_async.testing._http.responses import ServerResponse, Stream
from cstar_async.testing._server.pipeline import RequestPipeline
from cstar_async.testing.clock import FakeClock

_MAX_BODY_SIZE: Final = 32 * 1024 * 1024

_SHUTDOWN_TIMEOUT_S: Final = 0.1
"""How long answers that are still on their way may take when the server closes: they are those that a fault delays."""

_NO_LINGER: Final = struct.pack("ii", 1, 0)
"""Makes the system close a connection with RST, where it would say goodbye otherwise."""


class LoopbackServer:
    """Serves an pipeline.

    Args:
        pipeline: What answers.
        journal: Where requests are written down.
        faults: What goes wrong.
        clock: The time of the `Date` header and of delays.
        host: Where to listen.
        port: Which port to listen on; 0 for a free one.
    """

    def __init__(
        self, pipeline: RequestPipeline, journal: RequestLog, faults: FaultRegistry, clock: FakeClock, *, host: str, port: int
    ) -> None:
        self._pipeline = pipeline
        self._request_log = journal
        self._faults = faults
        self._clock = clock
        self._host = host
        self._port = port
        self._runner: web.AppRunner | None = None
        self.url: str | None = None
        """Where it listens; None when it does not."""

    async def start(self) -> None:
        """Begin to listen; a second call does nothing.

        Raises:
            OSError: The port is in use.
        """
        if self._runner is not None:
            return
        application = web.Application(client_max_size=_MAX_BODY_SIZE)
        # `(?s:…)`: a decoded path may hold a line break, which a dot does not match by itself.
        application.router.add_route("*", "/{path:(?s:.*)}", self._serve)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=_SHUTDOWN_TIMEOUT_S, handle_signals=False)
        try:
            await self._runner.setup()
            await web.TCPSite(self._runner, self._host, self._port).start()
        except BaseException:
            await self.aclose()
            raise
        host, port = self._runner.addresses[0][:2]
        self._port = port  # where it is found again after a restart
        self.url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    async def aclose(self) -> None:
        """Stop listening and drop what is open; may be called twice, and before a start."""
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
        self._request_log.append(entry)
        plan = self._faults.plan(entry)
        fault = plan.before or plan.after
        answer = await self._respond(entry, plan)
        if answer is None:
            return _disconnect(request, hard=fault is not None and fault.reset)
        entry.status = answer.status
        usual = {"Date": format_datetime(self._clock.now(), usegmt=True), "Content-Type": answer.content_type}
        headers = Headers({**usual, **answer.headers, **plan.headers})
        cut = None if fault is None else fault.truncate_after
        if answer.stream is not None:
            return await _send_stream(request, answer.status, headers, answer.stream, cut)
        if cut is not None:
            return await _send_truncated(request, answer, headers, cut)
        return web.Response(status=answer.status, body=answer.body, headers=headers)

    async def _respond(self, entry: ReceivedRequest, plan: FaultPlan) -> ServerResponse | None:
        """What is answered after all, or None when the connection is to be broken in silence."""
        if plan.before is not None:
            await self._clock.sleep(plan.delay_before + plan.delay_after)
            return None if plan.before.closes_without_response else self._pipeline.respond_with_fault(plan.before, entry, None)
        real = await self._pipeline.handle(entry, lambda: self._clock.sleep(plan.delay_before))
        await self._clock.sleep(plan.delay_after)
        if plan.after is None:
            return real
        answer = None if plan.after.closes_without_response else self._pipeline.respond_with_fault(plan.after, entry, real)
        if real.stream is not None and (answer is None or answer.stream is None):
            real.stream.close()
        return answer


def _disconnect(request: web.Request, *, hard: bool) -> web.Response:
    """Close the connection of a request without an answer.

    Args:
        request: Whose connection.
        hard: Whether to reset it.
    """
    transport = request.transport
    if transport is not None:
        if hard:
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
            transport.abort()
        else:
            transport.close()
    # aiohttp wants a response; it finds the connection gone and forgets it.
    return web.Response()


async def _send_truncated(
    request: web.Request, answer: ServerResponse, headers: Mapping[str, str], length: int
) -> web.StreamResponse:
    """Send the head of an answer and the beginning of its body, and close the connection."""
    response = web.StreamResponse(status=answer.status, headers=headers)
    response.content_length = max(len(answer.body), length + 1)
    await response.prepare(request)
    await response.write(answer.body[:length])
    if request.transport is not None:
        request.transport.close()
    return response


async def _send_stream(
    request: web.Request, status: int, headers: Mapping[str, str], stream: Stream, cut: int | None
) -> web.StreamResponse:
    """Send what a stream gives until it ends, the caller goes away, or *cut* bytes are sent."""
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
        pass  # the caller has gone, as callers of streams do
    finally:
        stream.close()
    if (stream.is_broken or left <= 0) and request.transport is not None:
        request.transport.close()
    return response
