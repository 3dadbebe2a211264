"""How a delivery comes in from a web framework: aiohttp's and ASGI's way of handing a request over and being answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from aiohttp import web

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

ReceiveCallable: TypeAlias = Callable[[bytes, Mapping[str, str]], Awaitable[int]]
"""Takes a body and its headers, and says which status to answer with."""

MAX_BODY_SIZE: Final = 1024 * 1024
"""Bytes that a delivery may have; aiohttp's own limit for a request is the same."""


async def handle_aiohttp(take: ReceiveCallable, request: web.Request) -> web.Response:
    """Take a delivery from aiohttp."""
    from aiohttp import web

    return web.Response(status=await take(await request.read(), request.headers))


async def handle_asgi(take: ReceiveCallable, scope: Scope, receive: Receive, send: Send) -> None:
    """Take a delivery from an ASGI server or framework, and answer whatever else comes as what it is."""
    if scope["type"] == "lifespan":
        await _handle_lifespan(receive, send)
    elif scope["type"] == "http":
        await _answer(send, await _handle_http(take, scope, receive))
    elif scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1000})


async def _handle_http(take: ReceiveCallable, scope: Scope, receive: Receive) -> int:
    if scope["method"] != "POST":
        return 405
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return 400
        body += message.get("body", b"")
        if len(body) > MAX_BODY_SIZE:
            return 413
        if not message.get("more_body", False):
            break
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    return await take(bytes(body), headers)


async def _answer(send: Send, status: int) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


async def _handle_lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
