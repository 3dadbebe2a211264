"""Adapters from the requests of aiohttp and ASGI to `WebhookInbox.receive`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from cstar_async.errors import InvalidArgumentError
from cstar_async.webhooks._failures import describe

if TYPE_CHECKING:
    from aiohttp import web

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

Headers: TypeAlias = Mapping[str, str] | Iterable[tuple[str | bytes, str | bytes]]
"""Headers of any web framework: a mapping, another object with `items()`, or pairs."""
DELIVERY_HEADERS: Final = ("x-signature", "x-event-id")
ReceiveCallable: TypeAlias = Callable[[bytes, Headers], Awaitable[int]]
"""Takes the body and the headers of a delivery and returns the status of the response."""


def find_headers(headers: Headers) -> list[str]:
    """Return the first value of each of DELIVERY_HEADERS, empty for one that is missing. Raise InvalidArgumentError for others."""
    found: dict[str, str | None] = dict.fromkeys(DELIVERY_HEADERS)
    untyped: Any = headers
    try:
        pairs: Iterable[tuple[object, object]] = untyped.items() if hasattr(untyped, "items") else untyped
        for name, value in pairs:
            lower_name = _text(name).lower()
            if found.get(lower_name, "") is None:
                found[lower_name] = _text(value)
    except (TypeError, ValueError):
        message = f"headers must be a mapping of names to values, or pairs of them, got {type(headers).__name__}"
        raise InvalidArgumentError(message) from None
    return [value or "" for value in found.values()]


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value if isinstance(value, str) else ""


async def handle_aiohttp(receive_delivery: ReceiveCallable, request: web.Request, max_size: int) -> web.Response:
    """Receive a delivery from aiohttp. The body is not read much further than *max_size*; a truncated one is no delivery."""
    from aiohttp import web

    try:
        if request.content.at_eof():  # it is empty, or a middleware has read it
            body = await request.read()
        else:
            buffer = bytearray()
            while len(buffer) <= max_size and (chunk := await request.content.readany()):
                buffer += chunk
            body = bytes(buffer)
    except (web.RequestPayloadError, OSError):
        return web.Response(status=400)
    headers = request.headers
    return web.Response(status=await receive_delivery(body, {name: headers.get(name, "") for name in DELIVERY_HEADERS}))


class ASGIApp:
    """An ASGI 3 application that receives deliveries.

    It is an object and not a function, because Starlette calls a function in a route with a request instead of a scope.
    """

    __slots__ = ("_max_size", "_on_shutdown", "_on_startup", "_receive_delivery")

    def __init__(
        self,
        receive_delivery: ReceiveCallable,
        max_size: int,
        *,
        on_startup: Callable[[], Awaitable[object]],
        on_shutdown: Callable[[], Awaitable[object]],
    ) -> None:
        self._receive_delivery = receive_delivery
        self._max_size = max_size
        self._on_startup = on_startup
        self._on_shutdown = on_shutdown

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection. Only POST requests are deliveries."""
        if scope["type"] == "lifespan":
            await self._handle_lifespan(receive, send)
        elif scope["type"] == "http":
            status = await self._handle_http(scope, receive)
            await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body", "body": b""})
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})

    async def _handle_http(self, scope: Scope, receive: Receive) -> int:
        if scope["method"] != "POST":
            return 405
        body = bytearray()
        has_more = True
        while has_more and len(body) <= self._max_size:
            message = await receive()
            if message["type"] == "http.disconnect":
                return 400
            body += message.get("body") or b""
            has_more = message.get("more_body", False)
        return await self._receive_delivery(bytes(body), scope["headers"])

    async def _handle_lifespan(self, receive: Receive, send: Send) -> None:
        """Start and close with the server. If the start fails, the server shows the error and ends."""
        while True:
            name = (await receive())["type"]
            try:
                await (self._on_startup() if name == "lifespan.startup" else self._on_shutdown())
            except Exception as error:  # a store may raise any exception
                await send({"type": f"{name}.failed", "message": f"the inbox failed: {describe(error)}"})
                return
            await send({"type": f"{name}.complete"})
            if name == "lifespan.shutdown":
                return
