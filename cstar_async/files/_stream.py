"""Responses of many items, which are decoded as they arrive."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Generic, Protocol, Self, TypeVar

from cstar_async._types import Response
from cstar_async.errors import CStarError
from cstar_async.files._item_decoders import ItemDecoder

T = TypeVar("T")


class StreamSource(Protocol):
    """An open response."""

    response: Response[None]

    async def read(self) -> bytes:
        """Return the next bytes; empty at the end."""
        ...

    def annotate(self, error: CStarError) -> None:
        """Set the call's data on an error."""
        ...

    def close(self) -> None:
        """Close the connection; may be called twice."""
        ...


class Stream(Generic[T]):
    """The items of a response, as they arrive.

    `async with` sends the request and raises what a call raises; at its end the connection is closed. One task iterates, once. A
    connection that breaks is a `TransportError`, never a silent end. An item that is larger than `max_response_size` is a
    `ResponseTooLargeError`, and one of the wrong form a `DecodeError`.
    """

    def __init__(self, open_: Callable[[], Awaitable[tuple[StreamSource, ItemDecoder[T]]]]) -> None:
        self._open = open_
        self._opened: tuple[StreamSource, ItemDecoder[T]] | None = None
        self._ready: deque[Any] = deque()
        self._is_at_end = False

    async def __aenter__(self) -> Self:
        if self._is_at_end:
            raise CStarError("this stream is closed; call the method again for another one")
        if self._opened is None:
            self._opened = await self._open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        source, decoder = self._entered()
        try:
            while not self._ready:
                if self._is_at_end:
                    source.close()
                    raise StopAsyncIteration
                await asyncio.sleep(0)  # data can be ready for minutes, and reading it would not let other tasks run
                chunk = await source.read()
                self._ready += decoder.feed(chunk) if chunk else decoder.end()
                self._is_at_end = not chunk or decoder.is_done
            return decoder.decode(self._ready.popleft())
        except CStarError as error:
            source.annotate(error)
            raise

    @property
    def response(self) -> Response[None]:
        """Status, headers and request id of the response, once the stream was entered."""
        return self._entered()[0].response

    async def aclose(self) -> None:
        """Close the connection and end the iteration. May be called twice."""
        self._is_at_end = True
        self._ready.clear()
        if self._opened is not None:
            self._opened[0].close()

    def _entered(self) -> tuple[StreamSource, ItemDecoder[T]]:
        if self._opened is None:
            raise CStarError("this stream is not open; enter it first: async with … as stream")
        return self._opened
