"""Streams of items: server-sent events and JSON lines."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from typing import Any, Self

import attrs
import pytest

from cstar_async import (
    ConnectionFailedError,
    CStarClient,
    DecodeError,
    PermissionDeniedError,
    RequestOptions,
    RequestTimeoutError,
    ResponseTooLargeError,
)
from cstar_async.files import ServerSentEvent, Stream
from cstar_async.files._item_decoders import EventDecoder, LineDecoder
from tests.client.conftest import MakeClient, ScriptedResponse, Server, cut, failed, raw


@attrs.define
class Part:
    """An item."""

    text: str


ITEMS = [{"text": "a"}, {"text": "ö\u2028"}, {"text": "c" * 70_000}]
EVENTS = b"".join(b": comment\nevent: part\nid: 5\ndata: %s\n\n" % json.dumps(item).encode() for item in ITEMS)
LINES = b"\n".join(json.dumps(item, ensure_ascii=False).encode() for item in ITEMS)
FORMS = {
    "text/event-stream": EVENTS,
    "Text/Event-Stream; charset=utf-8": EVENTS + b"data: [DONE]\n\n",
    "application/jsonl": LINES,
    "application/x-ndjson; charset=utf-8": LINES.replace(b"\n", b"\r\n\r\n") + b"\r\n",
    "application/json-seq": b"".join(b"\x1e%s\n" % json.dumps(item, indent=1).encode() for item in ITEMS),
}


def chunked(body: bytes, media: str, size: int, end: bytes = b"0\r\n\r\n") -> ScriptedResponse:
    """Return a response in chunks of some bytes."""
    chunks = [body[at : at + size] for at in range(0, len(body), size)]
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {media}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    return ScriptedResponse((head + b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + end,), "close")


async def _open(client: CStarClient) -> Stream[Part]:
    return (await client.request("POST", "/chat", json={}, model=Part, stream=True)).data


@pytest.mark.parametrize("media", FORMS)
@pytest.mark.parametrize("size", [7, 1000, 10**6])
async def test_items_have_their_type(server: Server, client: CStarClient, media: str, size: int) -> None:
    """Whatever the form, and wherever the chunks are cut; after a retry as usual."""
    server.script(failed(503), chunked(FORMS[media], media, size))

    async with await _open(client) as stream:
        assert [Part(**item) for item in ITEMS] == [item async for item in stream]

    assert "text/event-stream, application/jsonl" in server.requests[0].headers["accept"]
    assert server.requests[0].headers["idempotency-key"] == server.requests[1].headers["idempotency-key"]


async def test_events_without_a_model_are_events(server: Server, client: CStarClient) -> None:
    """With their type and id."""
    server.script(raw(b"event: a\nid: 1\ndata: x\ndata: y\n\n", headers={"Content-Type": "text/event-stream"}))

    async with client._executor.stream(_operation(), None) as stream:
        assert [ServerSentEvent("x\ny", "a", "1")] == [event async for event in stream]


def _operation() -> Any:
    from tests.client.test_downloads import FILE

    return FILE


@pytest.mark.parametrize("media", ["text/event-stream", "application/jsonl"])
@pytest.mark.parametrize("then", ["chunk", "item"])
async def test_cut_stream_is_an_error(server: Server, client: CStarClient, media: str, then: str) -> None:
    """Between the bytes of the connection, and inside an item."""
    first = b'data: {"text": "a"}\n\n' if media == "text/event-stream" else b'{"text": "a"}\n'
    rest = b"" if then == "chunk" else (b'data: {"text": "b"}\n' if media == "text/event-stream" else b'{"text": "b')
    server.script(chunked(first + rest, media, 1000, b"" if then == "chunk" else b"0\r\n\r\n"))

    async with await _open(client) as stream:
        assert Part("a") == await anext(stream)
        with pytest.raises(ConnectionFailedError) as caught:
            await anext(stream)

    assert "request" == caught.value.operation


async def test_error_before_the_first_byte_is_that_of_the_status(server: Server, client: CStarClient) -> None:
    """As for every call."""
    server.script(failed(403))

    with pytest.raises(PermissionDeniedError):
        await _open(client)


async def test_answer_that_is_no_stream_is_refused(server: Server, client: CStarClient) -> None:
    """The error has the status."""
    server.script(raw(b"{}"))

    with pytest.raises(DecodeError, match="server-sent events or JSON lines") as caught:
        await _open(client)

    assert ("request", 200) == (caught.value.operation, caught.value.status)


@pytest.mark.parametrize(
    ("line", "reason"),
    [(b"{]", "an item of the stream is not JSON"), (b'{"other": 1}', "an item does not have the form of the model")],
)
async def test_item_of_another_form_is_an_error(server: Server, client: CStarClient, line: bytes, reason: str) -> None:
    """The items after it can still be read."""
    server.script(raw(line + b'\n{"text": "b"}', headers={"Content-Type": "application/jsonl"}))

    async with await _open(client) as stream:
        with pytest.raises(DecodeError, match=reason):
            await anext(stream)
        assert Part("b") == await anext(stream)


@pytest.mark.parametrize("media", ["text/event-stream", "application/jsonl", "application/json-seq"])
async def test_item_is_limited(server: Server, make_client: MakeClient, media: str) -> None:
    """By `max_response_size`; the whole stream is not."""
    client = make_client(max_response_size=1000)
    start, end = {"text/event-stream": (b"data: ", b"\n\n"), "application/jsonl": (b"", b"\n")}.get(media, (b"\x1e", b""))
    small, large = (start + b'{"text": "%s"}' % (b"a" * count) + end for count in (1, 2000))
    server.script(chunked(small * 1000 + large, media, 100))

    async with await _open(client) as stream:
        for _ in range(1000):
            assert Part("a") == await anext(stream)
        with pytest.raises(ResponseTooLargeError, match="an item of the stream is larger than 1000 bytes"):
            await anext(stream)


@pytest.mark.no_cover
@pytest.mark.parametrize("decoder", [EventDecoder(json.loads, 10_000), LineDecoder(json.loads, None)])
def test_line_in_many_pieces_takes_linear_time(decoder: Any) -> None:
    """A long line in single bytes is not copied again and again."""
    for _ in range(300_000):
        assert not decoder.feed(b"x")


async def test_stream_of_bytes(server: Server, client: CStarClient) -> None:
    """Without a model, the items are pieces of the body."""
    server.script(cut(b"HTTP/1.1 200 OK\r\n\r\nabc"))

    response = await client.request("GET", "/file", stream=True)

    async with response.data as stream:
        assert b"abc" == b"".join([piece async for piece in stream])
    assert 200 == response.status


async def test_stream_that_is_dropped_is_closed(server: Server, client: CStarClient) -> None:
    """Also without its block; other calls go on."""
    server.script(ScriptedResponse((b"HTTP/1.1 200 OK\r\n\r\nabc", asyncio.Event())))

    response = await client.request("GET", "/file", stream=True)
    await response.data.aclose()

    assert "tkt_1" == (await client.tickets.get("tkt_1")).id


class _Sender:
    """Sends the head of a stream at once, and the rest from a thread, whatever the event loop does."""

    def __init__(self, rest: bytes) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._rest = rest
        self.go = threading.Event()
        self.sent = threading.Event()
        self.end = threading.Event()
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.go.set()
        self.end.set()
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/jsonl\r\nContent-Length: 1000\r\n\r\n")
            self.go.wait()
            connection.sendall(self._rest)
            self.sent.set()
            self.end.wait()


@pytest.mark.parametrize("blocked", [0.06, 0.3])
@pytest.mark.parametrize("model", [Part, None])
async def test_data_that_arrived_while_the_loop_was_blocked_is_read(
    make_client: MakeClient, blocked: float, model: type[Part] | None
) -> None:
    """Although the timeout is over when the loop runs again."""
    line = b'{"text": "a"}\n'
    with _Sender(line) as sender:
        client = make_client(base_url=sender.url, timeout=5.0, max_retries=0, _clock=None)
        opened = await client.request("GET", "/items", model=model, stream=True)  # type: ignore[call-overload]
        opened.data._opened[0]._call.settings = client.with_options(timeout=0.05)._executor.settings
        async with opened.data as stream:
            reading = asyncio.ensure_future(anext(stream))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            sender.go.set()
            sender.sent.wait()
            time.sleep(blocked)  # noqa: ASYNC251  # blocks the loop
            assert (line if model is None else Part("a")) == await reading


@pytest.mark.parametrize("is_ready", [True, False])
async def test_total_timeout_includes_the_stream(server: Server, make_client: MakeClient, is_ready: bool) -> None:
    """Whether items are always ready, or none arrives."""
    end = asyncio.Event()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/jsonl\r\nTransfer-Encoding: chunked\r\n\r\n"
    lines = b'{"text": "a"}\n' * 1000
    chunk = b"%x\r\n%s\r\n" % (len(lines), lines)
    server.script(ScriptedResponse((head, *([chunk] * 20_000 if is_ready else []), end)))
    client = make_client(_clock=None)
    options = RequestOptions(total_timeout=0.3)
    async with (await client.request("POST", "/chat", json={}, model=Part, stream=True, options=options)).data as stream:
        with pytest.raises(RequestTimeoutError, match="total_timeout expired during the transfer"):
            async for _ in stream:
                pass
