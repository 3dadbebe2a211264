"""Responses that are read as they arrive."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from contextlib import suppress
from weakref import finalize

import aiohttp

from cstar_async._event_loop.timeout import SharedTimeout
from cstar_async._protocol.messages import StreamingResponse
from cstar_async._transport.body import BodyReader
from cstar_async._transport.network_errors import network_error
from cstar_async.errors import ConnectionFailedError, CStarError, RequestTimeoutError


class ArrivingResponse(StreamingResponse):
    """A response of aiohttp that is read as it arrives."""

    __slots__ = ("__weakref__", "_on_collect", "_on_end", "_reader", "_response", "_timeout")

    def __init__(self, response: aiohttp.ClientResponse, on_end: Callable[[], None]) -> None:
        super().__init__(response.status, response.headers, b"")
        self._response = response
        self._reader = BodyReader(response)
        self._timeout = SharedTimeout(0.0, asyncio.get_running_loop())
        self._on_end = on_end
        self._on_collect = finalize(self, _call_in_loop, asyncio.get_running_loop(), on_end)
        self._on_collect.atexit = False

    async def read(self, timeout: float | None) -> bytes:
        """Return the next bytes; see `StreamingResponse.read`."""
        seconds = math.inf if timeout is None else timeout
        if self._timeout.seconds != seconds:
            self._timeout.close()
            self._timeout = SharedTimeout(seconds, asyncio.get_running_loop())
        try:
            with self._timeout:
                return await self._reader.read()
        except TimeoutError:
            raise RequestTimeoutError("no data of the stream arrived in time") from None
        except (aiohttp.ClientError, OSError) as error:
            raise network_error(error) from None
        except RuntimeError:
            connection = self._response.connection
            protocol = None if connection is None else connection.protocol
            if protocol is not None and protocol.connected:
                raise CStarError("another task reads this stream; one task at a time can do that") from None
            raise ConnectionFailedError("the connection was closed, perhaps with its session") from None

    def close(self) -> None:
        """Close the connection. It cannot be reused, because the body has not been read to its end."""
        self._timeout.close()
        connection = self._response.connection
        self._response.close()
        if connection is not None:
            connection.close()  # `ClientResponse.close` leaves it if the event loop has ended
        if self._on_collect.detach() is not None:
            self._on_end()


def _call_in_loop(loop: asyncio.AbstractEventLoop, function: Callable[[], None]) -> None:
    """Call a function for a stream that was not closed. Python may collect it in any thread, and after the end of its loop."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(function)
