"""The headers of a delivery, as web frameworks pass them to `WebhookInbox.receive`."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from email.message import Message
from http.client import HTTPMessage
from types import MappingProxyType
from typing import Any
from wsgiref.headers import Headers as WsgiHeaders

import pytest
from multidict import CIMultiDict
from werkzeug.datastructures import Headers as WerkzeugHeaders

from cstar_async import InvalidArgumentError
from cstar_async.webhooks import sign
from tests.client.inboxes import SECRET, body_of, inbox_of

BODY = body_of(1)


def message(kind: type[Message]) -> Message:
    """Return headers of the standard library's email package."""
    headers = kind()
    headers["Host"], headers["X-SIGNATURE"] = "example.com", sign(BODY, SECRET)
    return headers


HEADERS: dict[str, Callable[[], Any]] = {
    "Flask and Quart": lambda: WerkzeugHeaders([("Host", "example.com"), ("X-Signature", sign(BODY, SECRET))]),
    "aiohttp": lambda: CIMultiDict({"x-SIGNATURE": sign(BODY, SECRET)}),
    "http.server": lambda: message(HTTPMessage),
    "email": lambda: message(Message),
    "wsgiref": lambda: WsgiHeaders([("X-Signature", sign(BODY, SECRET))]),
    "ASGI": lambda: [(b"host", b"caf\xe9"), (b"x-signature", sign(BODY, SECRET).encode())],
    "tuples": lambda: (("X-Signature", sign(BODY, SECRET)), ("X-Signature", "t=1,v1=00")),
    "bytes": lambda: {b"X-Signature": sign(BODY, SECRET).encode()},
    "odd values": lambda: {"a": None, "b": ["x"], 5: 6, None: 7, "X-Signature": sign(BODY, SECRET)},
    "read-only": lambda: MappingProxyType(OrderedDict({"X-Signature": sign(BODY, SECRET)})),
    "an iterator": lambda: iter([("X-Signature", sign(BODY, SECRET))]),
}


@pytest.mark.parametrize("framework", HEADERS)
async def test_headers_of_any_framework_are_read(framework: str) -> None:
    """Mappings, objects with `items()`, and pairs; str and bytes."""
    async with inbox_of(shutdown_timeout=0) as inbox:
        assert await inbox.receive(BODY, HEADERS[framework]()) == 200


@pytest.mark.parametrize("value", [None, 5, ["t=1"], {}, b"\xff", "t=1,v1=é", "\ud800", "t=1,v1=" + "0" * 100_000])
async def test_value_that_is_no_signature_is_rejected(value: Any) -> None:
    """With 401, as a wrong one."""
    async with inbox_of(shutdown_timeout=0) as inbox:
        assert await inbox.receive(BODY, {"X-Signature": value}) == 401


@pytest.mark.parametrize("wrong", [None, 5, "X-Signature", b"X-Signature", [1, 2], [("a", "b", "c")], object(), [None]])
async def test_what_is_no_headers_is_refused(wrong: Any) -> None:
    """In words."""
    async with inbox_of(shutdown_timeout=0) as inbox:
        with pytest.raises(InvalidArgumentError, match=r"^headers must be a mapping of names to values, or pairs of them, got "):
            await inbox.receive(BODY, wrong)
